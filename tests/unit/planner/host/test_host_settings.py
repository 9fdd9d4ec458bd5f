"""Portset, I/O groups and type of a host object: as they are wished, as long as no path is taken from a machine."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
)
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Dialect, Host, Portset
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.planner.outputs.connection_secret import portals_for
from flashsystem_operator.values import Lun
from support.builders import (
    NODE,
    PORTAL,
    array,
    attachment,
    body,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    volume,
)
from support.decision_table import Case, hold, sentence

DATA = volume("data", 1)
FAR = volume("data", 1, "io_grp1", access_io_groups=1)
BOTH = volume("data", 1, "io_grp1", access_io_groups=2)
MANY = [volume(f"m{n}", n + 1, "io_grp1", access_io_groups=1) for n in range(5)]
OWN = own_name("node")
WANTED = attachment("a", "node")
ADMINS = host_object("admins", "node")
SECOND = replace(NODE, id="2", name="node2", io_group="io_grp1", io_group_id="1", iqn="iqn.1986-03.com.ibm:n2")
WIDE = body(
    nodes=(NODE, SECOND),
    portals=(PORTAL, replace(PORTAL, address="10.0.1.12", node_id="2", node="node2", io_group="io_grp1")),
    portsets=("portset0", "fast"),
)
MIXED = body(portsets=("portset0", Portset("mirror", "replication"), Portset("portset64", "host", "fc")))
LEGACY = body(dialect=Dialect.LEGACY, level=(1, 4), portsets=())
LOGGED_IN = port("node", logins=2)
FORCED = {"uid": "this-one", "annotations": {"flashsystem.io/force-detach": "this-one"}}


def ours(*ports: Any, **more: Any) -> Host:
    return host_object(OWN, *(ports or ("node",)), portset="portset0", **more)


def decided(
    wished: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(wished, desired(wished, *others, **more), seen)


def attaching(wished: FlashSystemHost, seen: Inventory) -> Decision:
    return attach.plan(WANTED, desired(wished, WANTED), seen)


def node(*iqns: str, **spec: Any) -> FlashSystemHost:
    return host("node", *iqns, **spec)


PLACE = [
    Case(
        "a host object is made where and as the spec wishes it",
        decided(
            node(lifecycle="Persistent", portset="fast", io_groups=["io_grp1", "0"], host_type="TPGS"),
            inventory(of=WIDE),
        ),
        Act((MakeHost(OWN, (iqn("node"),), portset="fast", io_groups=("0", "1"), kind="tpgs"),)),
    ),
    Case(
        "the portset of the spec wins over the array's",
        decided(
            node(lifecycle="Persistent", portset="fast"), inventory(of=WIDE), of=array(iscsi={"portset": "portset0"})
        ),
        Act((MakeHost(OWN, (iqn("node"),), portset="fast"),)),
    ),
    Case(
        "a host object of ours moves to another portset and type while nobody is logged in",
        decided(node(portset="fast", host_type="TPGS"), inventory(ours(), of=WIDE), WANTED),
        Act((ChangeHost(OWN, "fast", "tpgs"),)),
    ),
    Case(
        "no path is taken from a machine that is logged in",
        decided(
            node(portset="fast", io_groups=["0"]),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.HOST_LOGGED_IN,
        ("does not match spec.portset and spec.ioGroups.", "logged out"),
    ),
    Case(
        "unless somebody says that this very host is meant: it is done, with a warning",
        decided(
            node(portset="fast", io_groups=["0"], meta=FORCED),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Act(
            (ChangeHost(OWN, "fast"), RemoveIoGroups(OWN, ("1",))),
            warning=f"Host object {OWN} was changed while its machine had 2 sessions with the array: it may have lost "
            "paths.",
        ),
    ),
    Case(
        "the annotation of another host lets nothing through, and the way out is told",
        decided(
            node(portset="fast", meta={**FORCED, "uid": "another"}),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={}),
            WANTED,
        ),
        Reason.HOST_LOGGED_IN,
        ("flashsystem.io/force-detach: another on this object",),
    ),
    Case(
        "the type of a machine that is logged in stays",
        decided(node(host_type="TPGS"), inventory(ours(LOGGED_IN)), WANTED),
        Reason.HOST_LOGGED_IN,
        ("does not match spec.hostType.",),
    ),
    Case(
        "I/O groups are added to a machine that is logged in",
        decided(
            node(io_groups=["0", "1"]),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={OWN: {"0"}}),
            WANTED,
        ),
        Act((AddIoGroups(OWN, ("1",)),)),
    ),
    Case(
        "I/O groups are added first and removed last, and nobody is logged in",
        decided(
            node(io_groups=["io_grp1"], portset="fast"), inventory(ours(), of=WIDE, io_groups={OWN: {"0", "2"}}), WANTED
        ),
        Act((AddIoGroups(OWN, ("1",)), ChangeHost(OWN, "fast"), RemoveIoGroups(OWN, ("0", "2")))),
    ),
    Case(
        "an I/O group that a mapped volume needs stays, and who needs it is told with the way out",
        decided(
            node(io_groups=["0"]),
            inventory(ours(), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
        (
            f"I/O group io_grp1 of host object {OWN} stays",
            "volume data (VolumeAttachment storage/a) is reached through it.",
            "It is removed when that is detached; or add it to spec.ioGroups.",
        ),
    ),
    Case(
        "also for a volume that was mapped outside the operator",
        decided(
            node(io_groups=["0"]),
            inventory(ours(), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1"}}),
            attachment("b", "node", "other"),
        ),
        Reason.IO_GROUP_IN_USE,
        ("volume data (mapped without a VolumeAttachment)",),
    ),
    Case(
        "the I/O groups that no volume needs are removed all the same",
        decided(
            node(io_groups=["0"]),
            inventory(ours(), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1", "2"}}),
            WANTED,
        ),
        Act((RemoveIoGroups(OWN, ("2",)),)),
    ),
    Case(
        "force-detach does not bring the array to give up what a volume needs",
        decided(
            node(io_groups=["0"], meta=FORCED),
            inventory(ours(LOGGED_IN), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
    ),
    Case(
        "a volume that is reached through as many I/O groups as the host is in needs each of them",
        decided(
            node(io_groups=["1"]),
            inventory(ours(), BOTH, mapped(ours(), BOTH), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
        ("I/O group io_grp0",),
    ),
    Case(
        "but none that has no node",
        decided(
            node(io_groups=["1"]),
            inventory(ours(), BOTH, mapped(ours(), BOTH), of=WIDE, io_groups={OWN: {"0", "1", "2", "3"}}),
            WANTED,
        ),
        Act((RemoveIoGroups(OWN, ("2", "3")),)),
    ),
    Case(
        "of many volumes the first are named",
        decided(
            node(io_groups=["0"]),
            inventory(
                ours(),
                *MANY,
                *(mapped(ours(), each, lun) for lun, each in enumerate(MANY)),
                of=WIDE,
                io_groups={OWN: {"0", "1"}},
            ),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
        ("volume m0", "volume m1", "volume m2", "and 2 further volumes are reached through it."),
    ),
    Case(
        "I/O groups that were not told are left alone",
        decided(node(io_groups=["0"]), inventory(ours(), of=WIDE), WANTED),
        Reason.READY,
    ),
    Case(
        "what the spec does not name is left as it is",
        decided(node(), inventory(host_object(OWN, "node", portset="fast", kind="hpux"), of=WIDE), WANTED),
        Reason.READY,
    ),
    # -- what cannot be ---------------------------------------------------------------------------------------------
    Case(
        "an array without portsets says so",
        decided(node(portset="portset0"), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("no portsets", "8.4.2", "Remove spec.portset"),
    ),
    Case(
        "a type of host that came later is not asked for",
        decided(node(host_type="HideSecondary"), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("HideSecondary", "Generic"),
    ),
    Case(
        "an older array knows the older types",
        decided(node(host_type="TPGS", lifecycle="Persistent"), inventory(of=LEGACY)),
        Act((MakeHost(OWN, (iqn("node"),), kind="tpgs"),)),
    ),
    Case(
        "a portset that is not there is named with those that are",
        decided(node(portset="slow"), inventory(of=WIDE)),
        Reason.PORTSET_NOT_FOUND,
        ("slow", "portset0 and fast"),
    ),
    Case(
        "a portset that is for replication is named with those for iSCSI hosts",
        decided(node(portset="mirror"), inventory(of=MIXED)),
        Reason.PORTSET_MISMATCH,
        ("Portset mirror", "type replication, not host", "the portsets for iSCSI hosts are portset0."),
    ),
    Case(
        "a Fibre Channel portset is not asked for",
        decided(node(portset="portset64", lifecycle="Persistent"), inventory(of=MIXED)),
        Reason.PORTSET_MISMATCH,
        ("port type fc, not ethernet",),
    ),
    Case(
        "which others there are is for the array's own namespace to know",
        decided(
            node(portset="slow", meta={"namespace": "tenant"}),
            inventory(of=WIDE),
            of=array(allowed_namespaces={"from": "All"}),
        ),
        Reason.PORTSET_NOT_FOUND,
        ("no portset slow. Correct spec.portset, or ask the array administrator",),
    ),
    Case(
        "an I/O group that is not there is named with those that are",
        decided(node(io_groups=["0", "io_grp7"]), inventory(of=WIDE)),
        Reason.IO_GROUP_NOT_FOUND,
        ("io_grp7", "io_grp0 (0) and io_grp1 (1)"),
    ),
    Case(
        "but not to other namespaces than the array's own",
        decided(
            node(io_groups=["io_grp7"], meta={"namespace": "tenant"}),
            inventory(of=WIDE),
            of=array(allowed_namespaces={"from": "All"}),
        ),
        Reason.IO_GROUP_NOT_FOUND,
        ("no I/O group io_grp7 with a node in it. Correct spec.ioGroups, or ask the array administrator",),
    ),
    Case(
        "nothing is mapped to a host object that cannot be as it is wished",
        attaching(node(portset="slow"), inventory(DATA, of=WIDE)),
        Reason.HOST_NOT_READY,
        ("slow",),
    ),
    Case(
        "an empty host object goes although the spec asks for what cannot be",
        decided(node(portset="slow"), inventory(ours())),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "ports are kept although the spec asks for what cannot be",
        decided(node("node", "second", portset="slow"), inventory(ours()), WANTED),
        Act((AddPorts(OWN, (iqn("second"),)),)),
    ),
    Case(
        "a host object of ours that was put into a storage partition is not changed",
        decided(node("node", "second"), inventory(replace(ours(), partition="gold")), WANTED),
        Reason.HOST_DIFFERS,
        ("storage partition gold",),
    ),
    # -- a volume in an I/O group that the host lacks ---------------------------------------------------------------
    Case(
        "a volume out of the host's reach is not asked for, and the whole of spec.ioGroups is told",
        attaching(node(), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("I/O group io_grp1 only", OWN, "Set spec.ioGroups of FlashSystemHost storage/node to io_grp0 and io_grp1."),
    ),
    Case(
        "no host object is made for a volume that it would not reach",
        attaching(node(io_groups=["io_grp0"]), inventory(FAR, of=WIDE)),
        Reason.MISSING_IO_GROUP,
        ("spec.ioGroups of FlashSystemHost storage/node does not name it. Add io_grp1 there.",),
    ),
    Case(
        "an I/O group that the spec names already is waited for",
        attaching(node(io_groups=["0", "1"]), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"0"}})),
        Reason.HOST_NOT_READY,
        ("mapped when FlashSystemHost storage/node has added it",),
    ),
    Case(
        "an administrator's host object is not changed for a volume: he is told the command",
        attaching(node(), inventory(ADMINS, FAR, of=WIDE, io_groups={ADMINS.name: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("so it is not changed", "`svctask addhostiogrp -iogrp 1 admins`."),
    ),
    Case(
        "with the I/O group in the spec too, where that names those of an administrator's host object",
        attaching(node(io_groups=["0"]), inventory(ADMINS, FAR, of=WIDE, io_groups={ADMINS.name: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("`svctask addhostiogrp -iogrp 1 admins`, and add io_grp1 to spec.ioGroups of FlashSystemHost storage/node.",),
    ),
    Case(
        "a volume that is reached through several I/O groups is for the array to judge",
        attaching(node(), inventory(ours(), replace(FAR, access_io_groups=2), of=WIDE, io_groups={OWN: {"0"}})),
        Act((MapVolume(OWN, FAR.name, FAR.uid, Lun(1)),)),
    ),
    Case(
        "a host that is in the volume's I/O group gets it",
        attaching(node(), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"1"}})),
        Act((MapVolume(OWN, FAR.name, FAR.uid, Lun(1)),)),
    ),
    # -- what an administrator made ---------------------------------------------------------------------------------
    Case(
        "an administrator's host object is not moved",
        decided(
            node(portset="fast", host_type="TPGS", io_groups=["0"]),
            inventory(host_object("admins", "node", portset="portset0"), of=WIDE, io_groups={ADMINS.name: {"0", "1"}}),
            WANTED,
        ),
        Reason.HOST_DIFFERS,
        ("admins", "spec.portset, spec.hostType and spec.ioGroups"),
    ),
    Case(
        "and nothing new is mapped to it",
        attaching(node(host_type="TPGS"), inventory(ADMINS, DATA)),
        Reason.HOST_NOT_READY,
        ("spec.hostType",),
    ),
    Case(
        "one that fits is used",
        decided(
            node(portset="fast", host_type="TPGS"),
            inventory(host_object("admins", "node", portset="fast", kind="tpgs"), of=WIDE),
            WANTED,
        ),
        Reason.READY,
    ),
]


@pytest.mark.parametrize("case", PLACE, ids=sentence)
def test_host(case: Case) -> None:
    hold(case)


def test_only_portals_in_the_io_groups_of_the_host_are_published() -> None:
    around = desired(node(), WANTED)

    everywhere = portals_for(OWN, around, inventory(ours(), of=WIDE))
    restricted = portals_for(OWN, around, inventory(ours(), of=WIDE, io_groups={OWN: {"1"}}))

    assert [portal.io_group for portal in everywhere] == ["io_grp0", "io_grp1"]
    assert [portal.io_group for portal in restricted] == ["io_grp1"]
