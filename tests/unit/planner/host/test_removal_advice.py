"""No message advises to remove a host object that is in use, or that may belong to a host on another array."""

from typing import Any

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner.decision import Reason, Wait
from flashsystem_operator.planner.desired import Desired, marked_among
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import host_object_name
from support.builders import INSTALLATION, array, desired, host, host_object, inventory, mapped, own_name, port, volume

DATA = volume("data", 1)
REMOTE = host("node", array_ref={"name": "second"})
COPY = host_object(own_name("node"), "node")
ORPHAN = host_object(own_name("gone"), "node")
RECREATED = host("again", "node")


def state_of(*resources: FlashSystemHost, everywhere: tuple[FlashSystemHost, ...] = (), **more: Any) -> Desired:
    return desired(*resources, marked=marked_among([*resources, *everywhere]), **more)


def wait_message(resource: FlashSystemHost, state: Desired, *facts: Host | Volume | Mapping) -> str:
    decision = host_plan.plan(resource, state, inventory(*facts))
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.INITIATOR_HELD_BY
    return decision.message


def test_the_host_object_of_a_host_on_another_array_is_kept_and_not_reported_as_orphaned() -> None:
    message = wait_message(RECREATED, state_of(RECREATED, everywhere=(REMOTE,)), COPY)

    assert "belongs to FlashSystemHost storage/node, which is on FlashSystemArray storage/second" in message
    assert "leave it on the array" in message
    assert "no longer exists" not in message


def test_neither_name_nor_array_of_a_host_in_another_namespace_is_disclosed() -> None:
    theirs = host("node", array_ref={"name": "second"}, meta={"namespace": "tenant"})
    copy = host_object(host_object_name(INSTALLATION, "tenant", "node", "node"), "node")

    message = wait_message(RECREATED, state_of(RECREATED, everywhere=(theirs,)), copy)

    assert "a FlashSystemHost of another namespace, which is on another array" in message
    assert copy.name not in message


@pytest.mark.parametrize(
    ("facts", "usage"),
    [
        ([host_object(own_name("gone"), port("node", logins=2))], "2 sessions"),
        ([ORPHAN, DATA, mapped(ORPHAN, DATA)], "mappings of 1 volume"),
        ([ORPHAN, DATA, mapped(ORPHAN, DATA, cluster="c")], "mappings of 1 volume"),
        ([host_object(own_name("gone"), "node", cluster="c")], "a place in host cluster c"),
    ],
    ids=["sessions", "a mapping", "a mapping through a host cluster", "a host cluster"],
)
def test_an_orphan_that_may_be_in_use_gets_advice_to_recreate_its_resource_not_to_remove_it(
    facts: list[Any], usage: str
) -> None:
    message = wait_message(RECREATED, state_of(RECREATED), *facts)

    assert "no longer exists" in message
    assert usage in message
    assert "Create that FlashSystemHost again" in message
    assert "remove" not in message
    assert "unmap" not in message


def test_an_orphan_that_nothing_uses_may_be_removed() -> None:
    message = wait_message(RECREATED, state_of(RECREATED), ORPHAN)

    assert "It has no session and no mapping: remove it on the array" in message


def test_the_host_object_of_a_host_on_another_array_is_foreign_and_not_orphaned() -> None:
    seen = inventory(DATA, COPY, ORPHAN, mapped(COPY, DATA))

    found = audits.audit(state_of(everywhere=(REMOTE,)), seen)

    assert found.foreign is not None
    assert found.orphaned is not None
    assert [(each.host, each.volume) for each in found.foreign.items] == [(COPY.name, None), (COPY.name, "data")]
    assert [each.host for each in found.orphaned.items] == [ORPHAN.name]


def test_a_host_object_of_another_installation_is_not_assigned_to_a_host_on_another_array() -> None:
    theirs = host_object(host_object_name("another", "storage", "node", "node"), "node")

    assert state_of(everywhere=(REMOTE,)).elsewhere(theirs.name) is None
    assert state_of(REMOTE, of=array(meta={"name": "second"})).elsewhere(COPY.name) is None
