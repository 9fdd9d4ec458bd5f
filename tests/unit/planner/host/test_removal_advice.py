"""A host object that is in use, or that another array's host may have a copy of, is never advised to be removed."""

from typing import Any

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner.decision import Reason, Wait
from flashsystem_operator.planner.desired import Desired, marked_among
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.names import host_object_name
from support.builders import INSTALLATION, array, desired, host, host_object, inventory, mapped, own_name, port, volume

DATA = volume("data", 1)
REMOTE = host("node", array_ref={"name": "second"})
COPY = host_object(own_name("node"), "node")
ORPHAN = host_object(own_name("gone"), "node")
WISHED = host("again", "node")


def around(*resources: FlashSystemHost, everywhere: tuple[FlashSystemHost, ...] = (), **more: Any) -> Desired:
    return desired(*resources, marked=marked_among([*resources, *everywhere]), **more)


def waits(wished: FlashSystemHost, world_of: Desired, *facts: Host | Volume | Mapping) -> str:
    decision = host_plan.plan(wished, world_of, inventory(*facts))
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.INITIATOR_HELD_BY
    return decision.message


def test_the_host_object_of_a_host_on_another_array_is_left_there_and_not_called_gone() -> None:
    said = waits(WISHED, around(WISHED, everywhere=(REMOTE,)), COPY)

    assert "belongs to FlashSystemHost storage/node, which is on FlashSystemArray storage/second" in said
    assert "leave it on the array" in said
    assert "no longer exists" not in said


def test_of_a_host_of_another_namespace_neither_name_nor_array_is_told() -> None:
    theirs = host("node", array_ref={"name": "second"}, meta={"namespace": "tenant"})
    copy = host_object(host_object_name(INSTALLATION, "tenant", "node", "node"), "node")

    said = waits(WISHED, around(WISHED, everywhere=(theirs,)), copy)

    assert "a FlashSystemHost of another namespace, which is on another array" in said
    assert copy.name not in said


@pytest.mark.parametrize(
    ("facts", "use"),
    [
        ([host_object(own_name("gone"), port("node", logins=2))], "2 sessions"),
        ([ORPHAN, DATA, mapped(ORPHAN, DATA)], "mappings of 1 volume"),
        ([ORPHAN, DATA, mapped(ORPHAN, DATA, cluster="c")], "mappings of 1 volume"),
        ([host_object(own_name("gone"), "node", cluster="c")], "a place in host cluster c"),
    ],
    ids=["sessions", "a mapping", "a mapping by a host cluster", "a host cluster"],
)
def test_an_orphan_that_may_be_in_use_is_to_be_taken_up_again_and_not_removed(facts: list[Any], use: str) -> None:
    said = waits(WISHED, around(WISHED), *facts)

    assert "no longer exists" in said
    assert use in said
    assert "Create that FlashSystemHost again" in said
    assert "remove" not in said
    assert "unmap" not in said


def test_an_orphan_that_nothing_uses_may_be_removed() -> None:
    said = waits(WISHED, around(WISHED), ORPHAN)

    assert "It has no session and no mapping: remove it on the array" in said


def test_what_belongs_to_a_host_on_another_array_is_foreign_and_not_orphaned() -> None:
    seen = inventory(DATA, COPY, ORPHAN, mapped(COPY, DATA))

    found = audits.audit(around(everywhere=(REMOTE,)), seen)

    assert found.foreign is not None
    assert found.orphaned is not None
    assert [(each.host, each.volume) for each in found.foreign.items] == [(COPY.name, None), (COPY.name, "data")]
    assert [each.host for each in found.orphaned.items] == [ORPHAN.name]


def test_a_namesake_that_another_installation_made_is_nobodys_on_another_array() -> None:
    theirs = host_object(host_object_name("another", "storage", "node", "node"), "node")

    assert around(everywhere=(REMOTE,)).elsewhere(theirs.name) is None
    assert around(REMOTE, of=array(meta={"name": "second"})).elsewhere(COPY.name) is None
