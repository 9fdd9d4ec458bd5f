"""How long a host object lives, by its policies, and what is left on the array when a resource goes."""

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
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host
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
    wished: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(wished, desired(wished, *others, **more), seen)


def made_on(system: str | None, ownership: str = "Created") -> dict[str, Any]:
    """The status of a FlashSystemHost whose host object was seen on this system; None: written before that was kept."""
    seen = {"name": "array", "system_id": system}
    return {"name": OWN, "id": "7", "ownership": ownership, "ports": [{"iqn": iqn("node")}], "array": seen}


def node(*iqns: str, **spec: Any) -> FlashSystemHost:
    return host("node", *iqns, **spec)


def gone(seen: Inventory, **spec: Any) -> Decision:
    return decided(node(meta={"deleting": True}, **spec), seen)


def detached(on: Host, origin: str, **spec: Any) -> Decision:
    """What is decided of a deleted attachment of a volume that is mapped to this host object."""
    leaving = attachment("a", "node", meta={"deleting": True}, status=bound(on, DATA, origin=origin), **spec)
    return attach.plan(leaving, desired(leaving, node()), inventory(on, DATA, mapped(on, DATA)))


LIFE = [
    Case(
        "a persistent host object is made before any volume is attached",
        decided(node(lifecycle="Persistent"), inventory()),
        Act((MakeHost(OWN, (iqn("node"),)),)),
    ),
    Case(
        "it stays when the last volume is detached",
        decided(node(lifecycle="Persistent"), inventory(ours())),
        Reason.READY,
    ),
    Case(
        "it goes with its resource",
        gone(inventory(ours()), lifecycle="Persistent"),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "one that is to be there on demand again goes when it is empty",
        decided(node(lifecycle="OnDemand"), inventory(ours())),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "an administrator's host object is taken for the persistent one",
        decided(node(lifecycle="Persistent"), inventory(ADMINS)),
        Reason.READY,
    ),
    Case(
        "no host object is made on an array that is being deleted",
        decided(
            node(lifecycle="Persistent", meta={"finalizers": ("flashsystem.io/cleanup",)}),
            inventory(),
            of=array(meta={"deleting": True}),
        ),
        Reason.PARENT_DELETING,
    ),
    Case(
        "no host object is made while a lost command may still make it",
        decided(node(lifecycle="Persistent"), inventory(), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a host object that is to be retained stays, and it is said",
        gone(inventory(ours()), deletion_policy="Retain"),
        Release,
        (OWN, "deletionPolicy is Retain"),
    ),
    Case(
        "one that is to be deleted goes",
        gone(inventory(ours()), deletion_policy="Delete"),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "it stays when the last volume goes first, too",
        decided(node(deletion_policy="Retain"), inventory(ours())),
        Reason.READY,
    ),
    Case("what was never made is not retained", gone(inventory(), deletion_policy="Retain"), Release()),
    Case(
        "an administrator's host object stays, whatever the policy",
        gone(inventory(ADMINS), deletion_policy="Delete"),
        Release(),
    ),
    # -- of a mapping: origin and policy on our host objects and on others' -----------------------------------------
    Case("what we mapped on our host object is unmapped", detached(ours(), "Created"), UNMAPPED_OURS),
    Case("what was found on our host object is ours too", detached(ours(), "Adopted"), UNMAPPED_OURS),
    Case("what we mapped on theirs is unmapped", detached(ADMINS, "Created"), UNMAPPED_ADMINS),
    Case("what was found on theirs stays", detached(ADMINS, "Adopted"), Release, ("was there before",)),
    *(
        Case(
            f"Delete unmaps what is {origin} on {on.name}",
            detached(on, origin, deletion_policy="Delete"),
            Act((UnmapVolume(on.name, DATA.name, DATA.uid),)),
        )
        for on in (ours(), ADMINS)
        for origin in ("Created", "Adopted")
    ),
    *(
        Case(
            f"Retain leaves what is {origin} on {on.name}",
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
        "a host object on another system than the one that answers now is waited for",
        decided(node(status=made_on(FORMER)), inventory()),
        Reason.OTHER_SYSTEM,
        (OWN, FORMER, SYSTEM, "flashsystem.io/release"),
    ),
    Case(
        "not even one that is to be there for good is made on the other system meanwhile",
        decided(node(status=made_on(FORMER), lifecycle="Persistent"), inventory()),
        Reason.OTHER_SYSTEM,
    ),
    Case(
        "no new volume is attached to it meanwhile",
        attach.plan(WANTED, desired(WANTED, node(status=made_on(FORMER))), inventory(DATA)),
        Reason.HOST_NOT_READY,
        (FORMER,),
    ),
    Case(
        "a namesake on the other system is not taken for it, nor removed",
        gone(inventory(ours()), status=made_on(FORMER)),
        Reason.OTHER_SYSTEM,
        ("flashsystem.io/release",),
    ),
    Case(
        "its FlashSystemHost does not go without a word",
        gone(inventory(), status=made_on(FORMER)),
        Reason.OTHER_SYSTEM,
        (OWN, FORMER),
    ),
    Case(
        "one that is to stay there is said to stay",
        gone(inventory(), status=made_on(FORMER), deletion_policy="Retain"),
        Release,
        (OWN, f"stays on system {FORMER}"),
    ),
    Case(
        "of what an administrator made there nothing is ours",
        gone(inventory(), status=made_on(FORMER, "Adopted")),
        Release(),
    ),
    Case(
        "a host that was adopted there is looked for anew",
        decided(node(status=made_on(FORMER, "Adopted")), inventory(ADMINS)),
        Reason.READY,
    ),
    Case(
        "what is on the system that answers is not elsewhere",
        gone(inventory(ours()), status=made_on(SYSTEM)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "what was written before systems were kept is read as before",
        gone(inventory(ours()), status=made_on(None)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "what was made nowhere is nowhere else", gone(inventory(), status={"array": {"system_id": FORMER}}), Release()
    ),
]


@pytest.mark.parametrize("case", ELSEWHERE, ids=sentence)
def test_what_is_on_another_system(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize("case", LIFE, ids=sentence)
def test_how_long_it_lives(case: Case) -> None:
    hold(case)


def test_a_persistent_host_object_and_its_first_volume_come_in_one_batch() -> None:
    wished = node(lifecycle="Persistent")

    decisions = batch.plan(desired(wished, WANTED), inventory(DATA), [WANTED.ref, wished.ref])

    assert decisions == {
        wished.ref: Act((MakeHost(OWN, (iqn("node"),)),)),
        WANTED.ref: Act((MapVolume(OWN, DATA.name, DATA.uid, Lun(1)),)),
    }
