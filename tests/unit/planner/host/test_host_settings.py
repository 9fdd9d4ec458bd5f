"""Portset, I/O groups and type of a host object match the spec, unless a machine would lose a path."""

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
from flashsystem_operator.array.model import Dialect, Host, Inventory, Portset
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.planner.outputs import portals_for
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
    resource: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(resource, desired(resource, *others, **more), seen)


def attaching(resource: FlashSystemHost, seen: Inventory) -> Decision:
    return attach.plan(WANTED, desired(resource, WANTED), seen)


def node(*iqns: str, **spec: Any) -> FlashSystemHost:
    return host("node", *iqns, **spec)


PLACE = [
    Case(
        "a host object is created with the portset, I/O groups and type of the spec",
        decided(
            node(lifecycle="Persistent", portset="fast", io_groups=["io_grp1", "0"], host_type="TPGS"),
            inventory(of=WIDE),
        ),
        Act((MakeHost(OWN, (iqn("node"),), portset="fast", io_groups=("0", "1"), kind="tpgs"),)),
    ),
    Case(
        "the portset of the spec takes precedence over that of the array",
        decided(
            node(lifecycle="Persistent", portset="fast"), inventory(of=WIDE), of=array(iscsi={"portset": "portset0"})
        ),
        Act((MakeHost(OWN, (iqn("node"),), portset="fast"),)),
    ),
    Case(
        "the portset and type of the operator's host object are changed while no machine is logged in",
        decided(node(portset="fast", host_type="TPGS"), inventory(ours(), of=WIDE), WANTED),
        Act((ChangeHost(OWN, "fast", "tpgs"),)),
    ),
    Case(
        "no path is removed from a machine that is logged in",
        decided(
            node(portset="fast", io_groups=["0"]),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.HOST_LOGGED_IN,
        ("does not match spec.portset and spec.ioGroups.", "logged out"),
    ),
    Case(
        "with force-detach for this same host the change is made, with a warning",
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
        "the annotation of another host has no effect, and the message names the remedy",
        decided(
            node(portset="fast", meta={**FORCED, "uid": "another"}),
            inventory(ours(LOGGED_IN), of=WIDE, io_groups={}),
            WANTED,
        ),
        Reason.HOST_LOGGED_IN,
        ("flashsystem.io/force-detach: another on this object",),
    ),
    Case(
        "the type of a machine that is logged in is not changed",
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
        "I/O groups are added first and removed last while no machine is logged in",
        decided(
            node(io_groups=["io_grp1"], portset="fast"), inventory(ours(), of=WIDE, io_groups={OWN: {"0", "2"}}), WANTED
        ),
        Act((AddIoGroups(OWN, ("1",)), ChangeHost(OWN, "fast"), RemoveIoGroups(OWN, ("0", "2")))),
    ),
    Case(
        "an I/O group that a mapped volume needs stays, and the message names the volume and the remedy",
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
        "the same applies to a volume that was mapped outside the operator",
        decided(
            node(io_groups=["0"]),
            inventory(ours(), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1"}}),
            attachment("b", "node", "other"),
        ),
        Reason.IO_GROUP_IN_USE,
        ("volume data (mapped without a VolumeAttachment)",),
    ),
    Case(
        "the I/O groups that no volume needs are still removed",
        decided(
            node(io_groups=["0"]),
            inventory(ours(), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1", "2"}}),
            WANTED,
        ),
        Act((RemoveIoGroups(OWN, ("2",)),)),
    ),
    Case(
        "force-detach does not remove an I/O group that a volume needs",
        decided(
            node(io_groups=["0"], meta=FORCED),
            inventory(ours(LOGGED_IN), FAR, mapped(ours(), FAR), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
    ),
    Case(
        "a volume that is accessed through as many I/O groups as the host has needs each of them",
        decided(
            node(io_groups=["1"]),
            inventory(ours(), BOTH, mapped(ours(), BOTH), of=WIDE, io_groups={OWN: {"0", "1"}}),
            WANTED,
        ),
        Reason.IO_GROUP_IN_USE,
        ("I/O group io_grp0",),
    ),
    Case(
        "but not an I/O group without nodes",
        decided(
            node(io_groups=["1"]),
            inventory(ours(), BOTH, mapped(ours(), BOTH), of=WIDE, io_groups={OWN: {"0", "1", "2", "3"}}),
            WANTED,
        ),
        Act((RemoveIoGroups(OWN, ("2", "3")),)),
    ),
    Case(
        "the first of many volumes are named",
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
        "I/O groups that were not read are left unchanged",
        decided(node(io_groups=["0"]), inventory(ours(), of=WIDE), WANTED),
        Reason.READY,
    ),
    Case(
        "a setting that the spec does not name is left unchanged",
        decided(node(), inventory(host_object(OWN, "node", portset="fast", kind="hpux"), of=WIDE), WANTED),
        Reason.READY,
    ),
    # -- unsupported and missing ------------------------------------------------------------------------------------
    Case(
        "an array without portsets is reported as such",
        decided(node(portset="portset0"), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("no portsets", "8.4.2", "Remove spec.portset"),
    ),
    Case(
        "a host type of a later release is not set",
        decided(node(host_type="HideSecondary"), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("HideSecondary", "Generic"),
    ),
    Case(
        "an older array supports the older host types",
        decided(node(host_type="TPGS", lifecycle="Persistent"), inventory(of=LEGACY)),
        Act((MakeHost(OWN, (iqn("node"),), kind="tpgs"),)),
    ),
    Case(
        "a missing portset is reported with the existing ones",
        decided(node(portset="slow"), inventory(of=WIDE)),
        Reason.PORTSET_NOT_FOUND,
        ("slow", "portset0 and fast"),
    ),
    Case(
        "a portset for replication is reported with those for iSCSI hosts",
        decided(node(portset="mirror"), inventory(of=MIXED)),
        Reason.PORTSET_MISMATCH,
        ("Portset mirror", "type replication, not host", "the portsets for iSCSI hosts are portset0."),
    ),
    Case(
        "a Fibre Channel portset is refused",
        decided(node(portset="portset64", lifecycle="Persistent"), inventory(of=MIXED)),
        Reason.PORTSET_MISMATCH,
        ("port type fc, not ethernet",),
    ),
    Case(
        "the existing portsets are disclosed only in the array's own namespace",
        decided(
            node(portset="slow", meta={"namespace": "tenant"}),
            inventory(of=WIDE),
            of=array(allowed_namespaces={"from": "All"}),
        ),
        Reason.PORTSET_NOT_FOUND,
        ("no portset slow. Correct spec.portset, or ask the array administrator",),
    ),
    Case(
        "a missing I/O group is reported with the existing ones",
        decided(node(io_groups=["0", "io_grp7"]), inventory(of=WIDE)),
        Reason.IO_GROUP_NOT_FOUND,
        ("io_grp7", "io_grp0 (0) and io_grp1 (1)"),
    ),
    Case(
        "the existing I/O groups are disclosed only in the array's own namespace",
        decided(
            node(io_groups=["io_grp7"], meta={"namespace": "tenant"}),
            inventory(of=WIDE),
            of=array(allowed_namespaces={"from": "All"}),
        ),
        Reason.IO_GROUP_NOT_FOUND,
        ("no I/O group io_grp7 with a node in it. Correct spec.ioGroups, or ask the array administrator",),
    ),
    Case(
        "nothing is mapped to a host object that cannot match the spec",
        attaching(node(portset="slow"), inventory(DATA, of=WIDE)),
        Reason.HOST_NOT_READY,
        ("slow",),
    ),
    Case(
        "an empty host object is removed although the spec cannot be met",
        decided(node(portset="slow"), inventory(ours())),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "ports are reconciled although the rest of the spec cannot be met",
        decided(node("node", "second", portset="slow"), inventory(ours()), WANTED),
        Act((AddPorts(OWN, (iqn("second"),)),)),
    ),
    Case(
        "the operator's host object is not changed while it is in a storage partition",
        decided(node("node", "second"), inventory(replace(ours(), partition="gold")), WANTED),
        Reason.HOST_DIFFERS,
        ("storage partition gold",),
    ),
    # -- a volume in an I/O group that the host lacks ---------------------------------------------------------------
    Case(
        "a volume outside the host's I/O groups is not mapped, and the message gives the complete spec.ioGroups",
        attaching(node(), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("I/O group io_grp1 only", OWN, "Set spec.ioGroups of FlashSystemHost storage/node to io_grp0 and io_grp1."),
    ),
    Case(
        "no host object is created for a volume that it could not access",
        attaching(node(io_groups=["io_grp0"]), inventory(FAR, of=WIDE)),
        Reason.MISSING_IO_GROUP,
        ("spec.ioGroups of FlashSystemHost storage/node does not name it. Add io_grp1 there.",),
    ),
    Case(
        "an I/O group that the spec already names is waited for",
        attaching(node(io_groups=["0", "1"]), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"0"}})),
        Reason.HOST_NOT_READY,
        ("mapped when FlashSystemHost storage/node has added it",),
    ),
    Case(
        "an administrator's host object is not changed for a volume: the message gives the command",
        attaching(node(), inventory(ADMINS, FAR, of=WIDE, io_groups={ADMINS.name: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("so it is not changed", "`svctask addhostiogrp -iogrp 1 admins`."),
    ),
    Case(
        "the message also names spec.ioGroups if the spec sets it for an administrator's host object",
        attaching(node(io_groups=["0"]), inventory(ADMINS, FAR, of=WIDE, io_groups={ADMINS.name: {"0"}})),
        Reason.MISSING_IO_GROUP,
        ("`svctask addhostiogrp -iogrp 1 admins`, and add io_grp1 to spec.ioGroups of FlashSystemHost storage/node.",),
    ),
    Case(
        "a volume that is accessed through several I/O groups is left for the array to check",
        attaching(node(), inventory(ours(), replace(FAR, access_io_groups=2), of=WIDE, io_groups={OWN: {"0"}})),
        Act((MapVolume(OWN, FAR.name, FAR.uid, Lun(1)),)),
    ),
    Case(
        "a volume is mapped to a host in its I/O group",
        attaching(node(), inventory(ours(), FAR, of=WIDE, io_groups={OWN: {"1"}})),
        Act((MapVolume(OWN, FAR.name, FAR.uid, Lun(1)),)),
    ),
    # -- created by an administrator --------------------------------------------------------------------------------
    Case(
        "the settings of an administrator's host object are not changed",
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
        "one with matching settings is used",
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
    state = desired(node(), WANTED)

    everywhere = portals_for(OWN, state, inventory(ours(), of=WIDE))
    restricted = portals_for(OWN, state, inventory(ours(), of=WIDE, io_groups={OWN: {"1"}}))

    assert [portal.io_group for portal in everywhere] == ["io_grp0", "io_grp1"]
    assert [portal.io_group for portal in restricted] == ["io_grp1"]
