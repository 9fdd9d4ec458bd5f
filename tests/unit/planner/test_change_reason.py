"""The reason that is recorded with each command: the resource, and what in its spec or state required the command."""

from typing import NamedTuple

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.planner.events import ChangeKind, change_reason_of
from flashsystem_operator.values import Lun, chap_secret
from support.builders import attachment, host, iqn, own_name, volume

NODE, DATA, THEN = own_name("node"), volume(), "2026-01-01T00:00:00Z"
MAP, UNMAP = MapVolume(NODE, DATA.name, DATA.uid, Lun(1)), UnmapVolume(NODE, DATA.name, DATA.uid)
MAKE, ADD = MakeHost(NODE, (iqn("node"),)), AddPorts(NODE, (iqn("second"),))
SECRET = SetChap(NODE, chap_secret("canary-for-the-cause", "1"), "-chapsecret")
REMOVE, EMPTY = RemovePort(NODE, iqn("first")), RemoveHost(NODE)


def new_attachment(*, deleting: bool = False) -> VolumeAttachment:
    return attachment("data", "node", meta={"deleting": deleting})


def force_detached() -> VolumeAttachment:
    meta = {"uid": "uid-1", "annotations": {"flashsystem.io/force-detach": "uid-1"}, "deleting": True}
    return attachment("data", "node", meta=meta)


ATTACHED = attachment("data", "node", status={"attached_time": THEN})


def with_initiator(state: str) -> FlashSystemHost:
    """Return a host whose status records its second initiator in this state."""
    ports = [{"iqn": iqn("second"), "state": state}]
    return host("node", "node", "second", status={"ownership": "Created", "ports": ports})


class Case(NamedTuple):
    because: str
    owner: FlashSystemHost | VolumeAttachment
    step: Step
    why: ChangeKind
    fragment: str = ""


CASES = [
    Case("a volume is mapped for a new attachment", new_attachment(), MAP, ChangeKind.ATTACH, "storage/data"),
    Case(
        "a volume is unmapped for a deleted one",
        new_attachment(deleting=True),
        UNMAP,
        ChangeKind.DETACH,
        "2026-02-01T00:00:00Z",
    ),
    Case(
        "force-detach bypassed its guard",
        force_detached(),
        UNMAP,
        ChangeKind.DETACH,
        "force-detach lets it past the guard",
    ),
    Case("a lost mapping is created again", ATTACHED, MAP, ChangeKind.CORRECT, THEN),
    Case("a lost host object is created again", ATTACHED, MAKE, ChangeKind.CORRECT, "host object was missing"),
    Case(
        "the first volume creates the host object",
        new_attachment(),
        MAKE,
        ChangeKind.MAKE_HOST,
        "FlashSystemHost storage/node",
    ),
    Case(
        "a host object with many initiators is created with two commands", new_attachment(), ADD, ChangeKind.MAKE_HOST
    ),
    Case("an initiator was added to the spec", host("node"), ADD, ChangeKind.ADD_PORTS, iqn("second")),
    Case(
        "a lost initiator is added again", with_initiator("active"), ADD, ChangeKind.CORRECT, "lacked it on the array"
    ),
    Case(
        "an initiator that was only requested before is requested again",
        with_initiator("asked"),
        ADD,
        ChangeKind.ADD_PORTS,
    ),
    Case("an initiator was removed from the spec", host("node"), REMOVE, ChangeKind.REMOVE_PORT, iqn("first")),
    Case(
        "a CHAP secret is set with a new host object",
        new_attachment(),
        SECRET,
        ChangeKind.SET_CHAP,
        "FlashSystemHost storage/node names",
    ),
    Case("a CHAP secret changed", host("node"), SECRET, ChangeKind.SET_CHAP, "FlashSystemHost storage/node names"),
    Case(
        "a CHAP secret is no longer in the spec",
        host("node"),
        ClearChap(NODE, "-nochapsecret"),
        ChangeKind.CLEAR_CHAP,
        "set by the operator",
    ),
    Case(
        "the portset differs",
        host("node"),
        ChangeHost(NODE, "portset7", None),
        ChangeKind.PLACE_HOST,
        "portset portset7,",
    ),
    Case(
        "the type differs", host("node"), ChangeHost(NODE, None, "tpgs"), ChangeKind.PLACE_HOST, "spec.hostType tpgs,"
    ),
    Case(
        "an I/O group is missing",
        host("node"),
        AddIoGroups(NODE, ("1",)),
        ChangeKind.PLACE_HOST,
        "names I/O group 1 too",
    ),
    Case(
        "there is an I/O group too many",
        host("node"),
        RemoveIoGroups(NODE, ("2", "3")),
        ChangeKind.PLACE_HOST,
        "name I/O group 2 and 3",
    ),
    Case("the last volume was detached", host("node"), EMPTY, ChangeKind.EMPTY_HOST, "does not need it"),
    Case(
        "the host is deleted",
        host("node", meta={"deleting": True}),
        EMPTY,
        ChangeKind.DELETE_HOST,
        "FlashSystemHost storage/node is being deleted since 2026-02-01T00:00:00Z",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_the_reason_of_a_command_names_what_it_was_sent_for(case: Case) -> None:
    found = change_reason_of(case.owner, case.step)

    assert found.why is case.why
    assert case.fragment in found.because
    assert found.because.endswith(".")
