"""A host object that the operator created is removed when it is empty and its resource no longer uses it."""

from typing import Any

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import HostName, host_object_name
from support.builders import (
    NAMESPACE,
    array,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    volume,
)

DATA = volume()
FORMER = host_object_name("before", NAMESPACE, "node", "node")
LEFT = host_object(own_name("node"), "old")
ADMINS = host_object("admins", "node")
CREATED = {"name": LEFT.name, "ownership": "Created", "ports": [{"iqn": iqn("old")}]}


def plan(resource: FlashSystemHost, *facts: Host | Volume | Mapping, others: Any = (), **more: Any) -> Decision:
    return host_plan.plan(resource, desired(resource, *others, **more), inventory(DATA, *facts))


def removed(*names: HostName) -> Act:
    return Act(tuple(map(RemoveHost, names)))


MOVED = {
    "an administrator's host object was adopted": ([ADMINS], []),
    "another FlashSystemHost's host object has the initiators": ([host_object(own_name("b"), "node")], [host("b")]),
    "a host object of a FlashSystemHost that is gone has them": ([host_object(own_name("gone"), "node")], []),
    "another installation's host object has them": ([host_object(host_object_name("x", "y", "z", "z"), "node")], []),
    "they are on several host objects": ([ADMINS, host_object("more", "node-b")], []),
    "the administrator's host object has further initiators": ([host_object("admins", "node", "stranger")], []),
    "the administrator's host object lacks one": ([ADMINS], []),
}


@pytest.mark.parametrize("moved", MOVED.values(), ids=MOVED.keys())
@pytest.mark.parametrize("lifecycle", ["OnDemand", "Persistent"])
@pytest.mark.parametrize(
    "status", [{}, CREATED, {"name": "admins", "ownership": "Adopted"}], ids=["lost", "ours", "adopted"]
)
def test_the_empty_host_object_of_a_resource_whose_initiators_are_elsewhere_is_removed(
    moved: tuple[list[Host], list[FlashSystemHost]], lifecycle: str, status: dict[str, Any]
) -> None:
    found, others = moved
    resource = host("node", "node", "node-b", lifecycle=lifecycle, status=status)

    assert plan(resource, LEFT, *found, others=others) == removed(LEFT.name)


def test_it_is_removed_also_while_attachments_wait_for_the_other_host_object() -> None:
    resource, wanted = host("node", status=CREATED), attachment("a", "node")
    elder = host_object(own_name("b"), "node")

    assert plan(resource, LEFT, elder, others=[wanted, host("b")]) == removed(LEFT.name)


def test_it_is_removed_when_another_resource_has_the_better_claim_to_the_initiators() -> None:
    elder = host("elder", "node")

    assert plan(host("node", status=CREATED), LEFT, others=[elder]) == removed(LEFT.name)


def test_it_is_removed_when_its_namespace_may_not_adopt_where_the_initiators_are() -> None:
    ref = {"name": "array", "namespace": "storage"}
    name = host_object_name("this-cluster", "team", "node", "node")
    resource = host("node", array_ref=ref, meta={"namespace": "team"}, status={"name": name, "ownership": "Created"})
    of = array(allowed_namespaces={"from": "All"})

    assert plan(resource, host_object(name, "old"), ADMINS, of=of) == removed(name)


@pytest.mark.parametrize("wanted", [[], [attachment("a", "node")]], ids=["no attachment", "an attachment"])
def test_the_operators_one_of_two_host_objects_is_removed_only_if_no_attachment_needs_it(wanted: list[Any]) -> None:
    ours = host_object(own_name("node"), "node")
    decision = plan(host("node", "node", "node-b"), ours, host_object("admins", "node-b"), others=wanted)

    assert decision == removed(ours.name) if not wanted else isinstance(decision, Refuse)


@pytest.mark.parametrize(
    ("facts", "more"),
    [
        pytest.param([LEFT, mapped(LEFT, DATA)], {}, id="a volume is mapped to it"),
        pytest.param([LEFT, mapped(LEFT, DATA, cluster="c")], {}, id="a volume is mapped to it through a host cluster"),
        pytest.param([host_object(LEFT.name, "old", cluster="c")], {}, id="it is in a host cluster"),
        pytest.param([LEFT], {"in_doubt": frozenset({LEFT.name})}, id="a command may still be running"),
        pytest.param([LEFT], {"all_in_doubt": True}, id="the Lease was taken over a moment ago"),
    ],
)
def test_it_stays_while(facts: list[Any], more: dict[str, Any]) -> None:
    assert isinstance(plan(host("node", status=CREATED), ADMINS, *facts, **more), InSync)


def test_it_stays_with_deletion_policy_retain() -> None:
    assert isinstance(plan(host("node", status=CREATED, deletion_policy="Retain"), LEFT, ADMINS), InSync)


def test_nothing_is_removed_on_another_system_than_the_recorded_one() -> None:
    status = {**CREATED, "array": {"name": "array", "system_id": "FEDC0000BEEF0000"}}

    decision = plan(host("node", status=status), LEFT, ADMINS)
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.OTHER_SYSTEM


def test_the_host_object_that_a_host_uses_is_not_removed_while_an_attachment_needs_it() -> None:
    ours = host_object(own_name("node"), "node")

    assert isinstance(plan(host("node"), ours, others=[attachment("a", "node")]), InSync)


def test_the_host_object_of_a_former_installation_is_removed_next_to_the_present_one() -> None:
    ours, before = host_object(own_name("node"), "node"), host_object(FORMER, "old")
    wanted = [attachment("a", "node")]

    assert plan(host("node"), ours, before, others=wanted, former=("before",)) == removed(FORMER)


def test_every_host_object_of_a_deleted_resource_is_removed() -> None:
    leaving = host("node", meta={"deleting": True})

    decision = plan(leaving, LEFT, host_object(FORMER, "older"), ADMINS, former=("before",))
    assert decision == removed(LEFT.name, FORMER)


def test_what_stays_of_a_deleted_resource_is_named() -> None:
    leaving = host("node", meta={"deleting": True}, status={"name": "admins", "ownership": "Adopted"})

    decision = plan(leaving, LEFT, mapped(LEFT, DATA), ADMINS)
    assert isinstance(decision, Release)
    assert decision.on == (LEFT.name,)
    assert f"{LEFT.name} stays on the array" in decision.left


def test_a_new_resource_for_the_old_initiator_is_in_sync_after_the_last_volume_was_detached() -> None:
    """An administrator created a host object for m0, the spec was changed from m0-b to m0, its volume is detached."""
    ours = host_object(own_name("node"), "m0-b")
    admins = host_object("admins", "m0")
    moved = host("node", "m0", status={**CREATED, "name": ours.name, "ports": [{"iqn": iqn("m0-b")}]})
    leaving = attachment("a", "node", status=bound(ours, DATA), meta={"deleting": True})
    successor = host("successor", "m0-b")
    state, seen = desired(moved, leaving, successor), inventory(DATA, ours, admins, mapped(ours, DATA))

    before = batch.plan(state, seen, [successor.ref])[successor.ref]
    assert isinstance(before, Wait)
    for _ in range(2):
        for decision in batch.plan(state, seen, [moved.ref, leaving.ref]).values():
            for step in decision.steps if isinstance(decision, Act) else ():
                step.apply(seen)

    assert ours.name not in seen.hosts
    assert isinstance(batch.plan(state, seen, [successor.ref])[successor.ref], InSync)
