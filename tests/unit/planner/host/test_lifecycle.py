"""When a host object is created and removed, by its policies, and what stays on the array with a deleted resource."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import (
    MakeHost,
    MapVolume,
    RemoveHost,
    UnmapVolume,
)
from flashsystem_operator.array.model import Host, Inventory
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.values import Lun
from support.builders import (
    SYSTEM,
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
from support.decision_table import Case, hold, sentence

DATA = volume("data", 1)
OWN = own_name("node")
WANTED = attachment("a", "node")
ADMINS = host_object("admins", "node")
FORMER = "FEDC0000BEEF0000"
UNMAPPED_OURS, UNMAPPED_ADMINS = (Act((UnmapVolume(on, DATA.name, DATA.uid),)) for on in (OWN, ADMINS.name))


def ours(*ports: Any, **more: Any) -> Host:
    return host_object(OWN, *(ports or ("node",)), portset="portset0", **more)


def decided(
    resource: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(resource, desired(resource, *others, **more), seen)


def created_on(system: str | None, ownership: str = "Created") -> dict[str, Any]:
    """The status of a FlashSystemHost whose host object was seen on this system; None: an old status without it."""
    seen = {"name": "array", "system_id": system}
    return {"name": OWN, "id": "7", "ownership": ownership, "ports": [{"iqn": iqn("node")}], "array": seen}


def node(*iqns: str, **spec: Any) -> FlashSystemHost:
    return host("node", *iqns, **spec)


def gone(seen: Inventory, **spec: Any) -> Decision:
    return decided(node(meta={"deleting": True}, **spec), seen)


def detached(on: Host, origin: str, **spec: Any) -> Decision:
    """Return the decision on a deleted attachment of a volume that is mapped to this host object."""
    leaving = attachment("a", "node", meta={"deleting": True}, status=bound(on, DATA, origin=origin), **spec)
    return attach.plan(leaving, desired(leaving, node()), inventory(on, DATA, mapped(on, DATA)))


LIFE = [
    Case(
        "a persistent host object is created before any volume is attached",
        decided(node(lifecycle="Persistent"), inventory()),
        Act((MakeHost(OWN, (iqn("node"),)),)),
    ),
    Case(
        "it stays when the last volume is detached",
        decided(node(lifecycle="Persistent"), inventory(ours())),
        Reason.READY,
    ),
    Case(
        "it is removed with its resource",
        gone(inventory(ours()), lifecycle="Persistent"),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "an empty host object is removed when the lifecycle is OnDemand again",
        decided(node(lifecycle="OnDemand"), inventory(ours())),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "an administrator's host object is used as the persistent one",
        decided(node(lifecycle="Persistent"), inventory(ADMINS)),
        Reason.READY,
    ),
    Case(
        "no host object is created on an array that is being deleted",
        decided(
            node(lifecycle="Persistent", meta={"finalizers": ("flashsystem.io/cleanup",)}),
            inventory(),
            of=array(meta={"deleting": True}),
        ),
        Reason.PARENT_DELETING,
    ),
    Case(
        "no host object is created while a lost command may still create it",
        decided(node(lifecycle="Persistent"), inventory(), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a host object with policy Retain stays, and the message reports it",
        gone(inventory(ours()), deletion_policy="Retain"),
        Release,
        (OWN, "deletionPolicy is Retain"),
    ),
    Case(
        "a host object with policy Delete is removed",
        gone(inventory(ours()), deletion_policy="Delete"),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "with policy Retain it also stays when the last volume is detached",
        decided(node(deletion_policy="Retain"), inventory(ours())),
        Reason.READY,
    ),
    Case(
        "a host object that was never created is not reported as retained",
        gone(inventory(), deletion_policy="Retain"),
        Release(),
    ),
    Case(
        "an administrator's host object stays, whatever the policy",
        gone(inventory(ADMINS), deletion_policy="Delete"),
        Release(),
    ),
    # -- mappings: origin and policy on our host objects and on those of others --------------------------------------
    Case(
        "a mapping that the operator created on its own host object is removed",
        detached(ours(), "Created"),
        UNMAPPED_OURS,
    ),
    Case(
        "a mapping that was found on the operator's host object is removed too",
        detached(ours(), "Adopted"),
        UNMAPPED_OURS,
    ),
    Case(
        "a mapping that the operator created on an administrator's host object is removed",
        detached(ADMINS, "Created"),
        UNMAPPED_ADMINS,
    ),
    Case(
        "a mapping that was found on an administrator's host object stays",
        detached(ADMINS, "Adopted"),
        Release,
        ("was there before",),
    ),
    *(
        Case(
            f"Delete removes a mapping of origin {origin} on {on.name}",
            detached(on, origin, deletion_policy="Delete"),
            Act((UnmapVolume(on.name, DATA.name, DATA.uid),)),
        )
        for on in (ours(), ADMINS)
        for origin in ("Created", "Adopted")
    ),
    *(
        Case(
            f"Retain leaves a mapping of origin {origin} on {on.name}",
            detached(on, origin, deletion_policy="Retain"),
            Release,
            ("deletionPolicy is Retain",),
        )
        for on in (ours(), ADMINS)
        for origin in ("Created", "Adopted")
    ),
]

ELSEWHERE = [
    Case(
        "a host object on another system than the currently connected one is waited for",
        decided(node(status=created_on(FORMER)), inventory()),
        Reason.OTHER_SYSTEM,
        (OWN, FORMER, SYSTEM, "flashsystem.io/release"),
    ),
    Case(
        "in the meantime not even a persistent host object is created on the other system",
        decided(node(status=created_on(FORMER), lifecycle="Persistent"), inventory()),
        Reason.OTHER_SYSTEM,
    ),
    Case(
        "in the meantime no new volume is attached to it",
        attach.plan(WANTED, desired(WANTED, node(status=created_on(FORMER))), inventory(DATA)),
        Reason.HOST_NOT_READY,
        (FORMER,),
    ),
    Case(
        "a host object of the same name on the other system is neither used nor removed",
        gone(inventory(ours()), status=created_on(FORMER)),
        Reason.OTHER_SYSTEM,
        ("flashsystem.io/release",),
    ),
    Case(
        "its FlashSystemHost is not released silently",
        gone(inventory(), status=created_on(FORMER)),
        Reason.OTHER_SYSTEM,
        (OWN, FORMER),
    ),
    Case(
        "a host object with policy Retain is reported as staying there",
        gone(inventory(), status=created_on(FORMER), deletion_policy="Retain"),
        Release,
        (OWN, f"stays on system {FORMER}"),
    ),
    Case(
        "a host object that an administrator created there is not waited for",
        gone(inventory(), status=created_on(FORMER, "Adopted")),
        Release(),
    ),
    Case(
        "a host object that was adopted there is looked up again",
        decided(node(status=created_on(FORMER, "Adopted")), inventory(ADMINS)),
        Reason.READY,
    ),
    Case(
        "a host object on the connected system is not on another system",
        gone(inventory(ours()), status=created_on(SYSTEM)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "a status that was written before systems were recorded is read as before",
        gone(inventory(ours()), status=created_on(None)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "a host object that was never created is on no other system",
        gone(inventory(), status={"array": {"system_id": FORMER}}),
        Release(),
    ),
]


@pytest.mark.parametrize("case", ELSEWHERE, ids=sentence)
def test_host_object_on_another_system(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize("case", LIFE, ids=sentence)
def test_lifecycle(case: Case) -> None:
    hold(case)


def test_a_persistent_host_object_is_created_in_the_same_batch_as_its_first_mapping() -> None:
    resource = node(lifecycle="Persistent")

    decisions = batch.plan(desired(resource, WANTED), inventory(DATA), [WANTED.ref, resource.ref])

    assert decisions == {
        resource.ref: Act((MakeHost(OWN, (iqn("node"),)),)),
        WANTED.ref: Act((MapVolume(OWN, DATA.name, DATA.uid, Lun(1)),)),
    }
