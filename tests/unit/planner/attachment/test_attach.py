"""How one volume is attached to one host: guard clauses from missing to dangerous, then the successful case."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.array.commands import MakeHost, MapVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner.attachment.attach import plan
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason
from flashsystem_operator.values import HostName, Lun, nguid
from support.builders import (
    array,
    attachment,
    body,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    uid,
    volume,
)
from support.decision_table import Case, hold, sentence

DATA, LOGS = volume("data", 1), volume("logs", 2)
NODE = host("node")
OURS = host_object(own_name("node"), "node")
ADMINS = host_object("admins", "node")


def decided(
    new_attachment: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(new_attachment, desired(new_attachment, *(others or (NODE,)), **more), seen)


def to_node(status: dict[str, Any] | None = None, **spec: Any) -> VolumeAttachment:
    return attachment("a", "node", status=status, **spec)


def map_data(on: HostName, lun: int = 1, *, alongside_others: bool = False) -> MapVolume:
    return MapVolume(on, DATA.name, DATA.uid, Lun(lun), alongside_others)


ELDER = attachment("elder", "node")
CASES = [
    Case(
        "an attachment waits for its host resource",
        decided(to_node(), inventory(DATA), host("other")),
        Reason.HOST_NOT_FOUND,
        ("storage/node",),
    ),
    Case(
        "an attachment waits for a volume that does not exist yet",
        decided(to_node(), inventory()),
        Reason.VOLUME_NOT_FOUND,
        ("data", "after it is created"),
    ),
    Case(
        "a volume that is selected by UID is waited for too",
        decided(attachment("a", "node", uid(9)), inventory(DATA)),
        Reason.VOLUME_NOT_FOUND,
        (uid(9),),
    ),
    Case(
        "an attachment of a FlashSystemVolume waits until that has a volume, whatever is named like it on the array",
        decided(attachment("a", "node", {"ref": {"name": "data"}}), inventory(DATA)),
        Reason.VOLUME_NOT_READY,
        ("FlashSystemVolume storage/data", "when it is created there"),
    ),
    Case(
        "a bound volume that was deleted is never looked up by name again",
        decided(to_node(bound(OURS, volume("data", 9))), inventory(DATA, OURS)),
        Reason.VOLUME_GONE,
        (uid(9), "data", "another one"),
    ),
    Case(
        "a bound volume that is now mapped over NVMe, and shows its NGUID instead of its UID, still exists",
        decided(to_node(bound(OURS, DATA)), inventory(replace(DATA, uid=nguid(DATA.uid)), OURS)),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        (DATA.uid, "NVMe"),
    ),
    Case(
        "the UID in the spec, which is immutable, takes precedence over the UID in the status",
        decided(attachment("a", "node", DATA.uid, status=bound(OURS, LOGS)), inventory(DATA, LOGS, OURS)),
        Act((map_data(OURS.name),)),
    ),
    Case(
        "a bound volume that was renamed is the same volume",
        decided(to_node(bound(OURS, DATA)), inventory(volume("renamed", 1), LOGS, OURS, mapped(OURS, DATA))),
        Reason.ATTACHED,
        ("renamed",),
    ),
    Case(
        "after two volumes swapped their names the attachment still refers to the bound one",
        decided(
            to_node(bound(OURS, DATA)),
            inventory(volume("data", 2), volume("logs", 1), OURS, mapped(OURS, volume("logs", 1))),
        ),
        Reason.ATTACHED,
        ("logs",),
    ),
    Case(
        "the first volume of a host creates the host object with the generated name",
        decided(to_node(), inventory(DATA)),
        Act((MakeHost(own_name("node"), (iqn("node"),)), map_data(own_name("node")))),
    ),
    Case(
        "since release 9.1 a host object is created with protocol iSCSI, and in the portset of the spec",
        decided(
            to_node(),
            inventory(DATA, of=body(level=(9, 1, 0, 0))),
            NODE,
            of=array(iscsi={"portset": "portset1"}),
        ),
        Act((MakeHost(own_name("node"), (iqn("node"),), "iscsi", "portset1"), map_data(own_name("node")))),
    ),
    Case(
        "on an array without portsets no portset is set",
        decided(to_node(), inventory(DATA, of=body(level=(8, 4, 1, 0))), NODE, of=array(iscsi={"portset": "portset1"})),
        Act((MakeHost(own_name("node"), (iqn("node"),)), map_data(own_name("node")))),
    ),
    Case(
        "a further volume is mapped to the existing host object",
        decided(to_node(), inventory(DATA, LOGS, OURS, mapped(OURS, LOGS))),
        Act((map_data(OURS.name, 2),)),
    ),
    Case(
        "an administrator's host object is used under its existing name",
        decided(to_node(), inventory(DATA, ADMINS)),
        Act((map_data(ADMINS.name),)),
    ),
    Case(
        "nothing is mapped to a host object that lacks some of the initiators",
        decided(to_node(), inventory(DATA, ADMINS), host("node", "node", "second")),
        Reason.MISSING_INITIATORS,
        ("admins", iqn("second")),
    ),
    Case(
        "nothing is mapped to a host object that another machine uses too",
        decided(to_node(), inventory(DATA, host_object("admins", "node", "stranger"))),
        Reason.HOST_NOT_READY,
        ("admins", iqn("stranger")),
    ),
    Case(
        "a volume that is already mapped is in sync, and no command is sent",
        decided(to_node(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA, 4))),
        Reason.ATTACHED,
        ("LUN 4",),
    ),
    Case(
        "a LUN in use by a running host is never moved",
        decided(
            attachment("a", "node", status=bound(OURS, DATA), meta={"finalizers": (FINALIZER,)}, lun=9),
            inventory(DATA, OURS, mapped(OURS, DATA, 4)),
        ),
        Reason.LUN_DIFFERS,
        ("LUN 4", "not 9", "delete this attachment, then create it again", "create it with LUN 4"),
    ),
    Case(
        "a mapping that the attachment never had outlives it, so changing the LUN requires an unmap on the array",
        decided(to_node(lun=9), inventory(DATA, OURS, mapped(OURS, DATA, 4))),
        Reason.LUN_DIFFERS,
        ("LUN 4", "create it with LUN 4, or with none", "unmap the volume on the array"),
    ),
    Case(
        "an attachment that never had the mapping, because an older one had it, gets the same message",
        decided(to_node(bound(OURS, DATA), lun=9), inventory(DATA, OURS, mapped(OURS, DATA, 4))),
        Reason.LUN_DIFFERS,
        ("LUN 4", "create it with LUN 4, or with none", "unmap the volume on the array"),
    ),
    Case(
        "a mapping with different LUNs by I/O group is not published",
        decided(to_node(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA, 4, 5))),
        Reason.MISMATCHED_LUNS,
        ("4, 5",),
    ),
    Case(
        "a mapping through a host cluster does not satisfy Exclusive",
        decided(to_node(), inventory(DATA, OURS, mapped(OURS, DATA, cluster="cluster-1"))),
        Reason.MAPPED_THROUGH_HOST_CLUSTER,
        ("cluster-1",),
    ),
    Case(
        "a mapping through a host cluster satisfies Shared",
        decided(to_node(access="Shared"), inventory(DATA, OURS, mapped(OURS, DATA, 3, cluster="cluster-1"))),
        Reason.ATTACHED,
        ("LUN 3",),
    ),
    Case(
        "the host's own mapping counts in addition to one through its host cluster",
        decided(
            to_node(lun=2), inventory(DATA, OURS, mapped(OURS, DATA, 5, cluster="cluster-1"), mapped(OURS, DATA, 2))
        ),
        Reason.ATTACHED,
        ("LUN 2",),
    ),
    Case(
        "a volume found mapped to two hosts is not adopted as Exclusive",
        decided(
            to_node(),
            inventory(DATA, ADMINS, host_object("b", "b"), mapped(ADMINS, DATA), mapped(host_object("b", "b"), DATA)),
        ),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        ("mapped to b",),
    ),
    Case(
        "an attached volume stays Ready when it is mapped elsewhere outside the operator",
        decided(
            to_node(bound(OURS, DATA, attached_time="2026-01-02T00:00:00Z")),
            inventory(DATA, OURS, host_object("b", "b"), mapped(OURS, DATA), mapped(host_object("b", "b"), DATA)),
        ),
        Reason.ATTACHED,
    ),
    Case(
        "an Exclusive attachment is not Ready through an inherited mapping while the volume is mapped elsewhere",
        decided(
            to_node(bound(OURS, DATA)),
            inventory(DATA, OURS, host_object("b", "b"), mapped(OURS, DATA), mapped(host_object("b", "b"), DATA)),
        ),
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Case(
        "a mapping is not Ready while no portal leads to it",
        decided(to_node(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA), of=body(portals=()))),
        Reason.NO_USABLE_PORTAL,
        (OURS.name,),
    ),
    Case(
        "of two attachments of one pair the younger is refused, and its message names the older one",
        decided(to_node(), inventory(DATA, OURS, mapped(OURS, DATA)), NODE, ELDER),
        Reason.DUPLICATE,
        ("storage/elder",),
    ),
    Case(
        "an attachment by UID and one by name of the same volume are of one pair",
        decided(attachment("a", "node", DATA.uid), inventory(DATA, OURS), NODE, ELDER),
        Reason.DUPLICATE,
        ("storage/elder",),
    ),
    Case(
        "the younger takes over while the older one is being deleted",
        decided(
            to_node(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("elder", "node", status=bound(OURS, DATA), meta={"deleting": True}),
        ),
        Reason.ATTACHED,
    ),
    Case(
        "nothing is mapped to a host object on which a command may still be running",
        decided(to_node(), inventory(DATA, OURS), NODE, in_doubt=frozenset({OURS.name})),
        Reason.OUTCOME_UNKNOWN,
        (OURS.name,),
    ),
    Case(
        "nothing is mapped to a new host while its creation may still be running",
        decided(to_node(), inventory(DATA), NODE, in_doubt=frozenset({own_name("node")})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "nothing is mapped while the previous holder of the Lease may still have commands running",
        decided(to_node(), inventory(DATA, OURS), NODE, all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a host that is being deleted accepts no new attachment",
        decided(to_node(), inventory(DATA, OURS), host("node", meta={"deleting": True})),
        Reason.PARENT_DELETING,
        ("storage/node",),
    ),
    Case(
        "an array that is being deleted accepts no new attachment",
        decided(to_node(), inventory(DATA, OURS), NODE, of=array(meta={"deleting": True})),
        Reason.PARENT_DELETING,
        ("storage/array",),
    ),
    Case(
        "an attached volume stays Ready while its host is being deleted",
        decided(
            to_node(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA)), host("node", meta={"deleting": True})
        ),
        Reason.ATTACHED,
    ),
    Case(
        "a host in another namespace than the array may not use the array",
        decided(to_node(), inventory(DATA), NODE, of=array(meta={"namespace": "elsewhere"})),
        Reason.ARRAY_NOT_ALLOWED,
        ("allowedNamespaces", "own namespace"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_plan(case: Case) -> None:
    hold(case)


def test_after_a_plan_was_executed_the_attachment_is_in_sync() -> None:
    new_attachment, seen = to_node(), inventory(DATA)
    state = desired(new_attachment, NODE)
    first = plan(new_attachment, state, seen)
    assert isinstance(first, Act)

    for step in first.steps:
        step.apply(seen)

    assert isinstance(plan(new_attachment, state, seen), InSync)


@pytest.mark.parametrize(
    ("volume_status", "reason"), [("offline", Reason.VOLUME_OFFLINE), ("degraded", Reason.VOLUME_DEGRADED)]
)
def test_a_mapped_volume_that_is_not_online_stays_attached_with_a_condition(volume_status: str, reason: Reason) -> None:
    unhealthy = replace(DATA, status=volume_status)

    decision = decided(to_node(), inventory(unhealthy, OURS, mapped(OURS, unhealthy)))

    assert isinstance(decision, InSync)
    assert decision.reason is Reason.ATTACHED
    (note,) = decision.notes
    assert (note.kind, note.reason) == ("VolumeUnhealthy", reason)
    assert f"Volume data is {volume_status} on the array" in note.message


@pytest.mark.parametrize("volume_status", ["online", "", "formatting"])
def test_a_volume_with_a_healthy_or_unknown_status_gets_no_condition(volume_status: str) -> None:
    healthy = replace(DATA, status=volume_status)

    decision = decided(to_node(), inventory(healthy, OURS, mapped(OURS, healthy)))

    assert isinstance(decision, InSync)
    assert decision.notes == ()
