"""Changes made outside the operator, and the decision about each: the table of docs/drift.md."""

from typing import Any, NamedTuple

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, Step
from flashsystem_operator.array.model import Host, Inventory, Volume
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, InSync, Refuse, Wait
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.host import host_plan
from support.builders import (
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
    port,
    volume,
    wwpn,
)

DATA, LOGS, TEMP = volume("data", 1), volume("logs", 2), volume("temp", 3)
NODE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")
LOGGED_IN = host_object(own_name("node"), port("node", logins=2))
OTHER = host_object("other", "other")
NAMELESS = host_object("renamed")
ATTACHED = "2026-01-02T00:00:00Z"


def was_attached(on: Host = OURS, what: Volume = DATA, at: int = 1, **spec: Any) -> VolumeAttachment:
    """An attachment that was Ready at the last look, at that LUN."""
    more = {"lun": at, "attached_time": ATTACHED, "connection": {"lun": at}}
    return attachment(what.name, "node", what.name, status=bound(on, what, **more), **spec)


def with_id(before: VolumeAttachment) -> VolumeAttachment:
    """The same, with the id of its host object in its status."""
    assert before.status.host is not None
    found = before.status.host.model_copy(update={"id": OURS.id})
    return before.model_copy(update={"status": before.status.model_copy(update={"host": found})})


def attached(
    resource: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    around = with_vanished(desired(resource, *(others or (NODE,)), **more), seen)
    return attach.plan(resource, around, seen)


def hosted(resource: FlashSystemHost, seen: Inventory, *others: VolumeAttachment) -> Decision:
    """The decision about a host with this inventory."""
    return host_plan.plan(resource, with_vanished(desired(resource, *others), seen), seen)


def with_ports(*names: str, spec: tuple[str, ...] = ("node", "second"), **more: Any) -> FlashSystemHost:
    """A FlashSystemHost to whose host object the operator has added these initiators."""
    ports = [{"iqn": iqn(each), "state": "active"} for each in names]
    return host("node", *spec, status={"ownership": "Created", "ports": ports}, **more)


THREE = [was_attached(what=each, at=lun) for lun, each in enumerate((DATA, LOGS, TEMP), 1)]
BOTH = host_object(own_name("node"), "node", "second")


class Row(NamedTuple):
    """reasons: reasons of Ready and Drifted, of those conditions that are there. done: what is sent to the array."""

    by_hand: str
    decision: Decision
    reasons: tuple[str, ...] = ()
    done: tuple[type[Step], ...] = ()


TABLE = [
    Row(
        "a mapping was removed, and the host is not logged in",
        attached(was_attached(), inventory(DATA, OURS)),
        done=(MapVolume,),
    ),
    Row(
        "a mapping was removed, and the host is logged in",
        attached(was_attached(), inventory(DATA, LOGGED_IN)),
        ("MappingRemoved", "MappingRemoved"),
    ),
    Row(
        "three mappings or more were removed at once",
        attached(THREE[0], inventory(DATA, LOGS, TEMP, OURS), NODE, *THREE[1:]),
        ("MappingRemoved", "MappingRemoved"),
    ),
    Row(
        "a mapping was removed, and `driftPolicy` is `Report`",
        attached(was_attached(drift_policy="Report"), inventory(DATA, OURS)),
        ("MappingRemoved", "MappingRemoved"),
    ),
    Row(
        "a mapping was removed, and `driftPolicy` is `Ignore`",
        attached(was_attached(drift_policy="Ignore"), inventory(DATA, OURS)),
        ("MappingRemoved",),
    ),
    Row(
        "the volume was mapped to another host instead",
        attached(was_attached(), inventory(DATA, OURS, OTHER, mapped(OTHER, DATA))),
        ("VolumeMappedElsewhere", "MappingRemoved"),
    ),
    Row(
        "a mapping was removed, and another volume got its LUN; the host is not logged in",
        attached(was_attached(), inventory(DATA, LOGS, OURS, mapped(OURS, LOGS, 1))),
        done=(MapVolume,),
    ),
    Row(
        "a mapping was removed, and another volume got the LUN that the spec asks for",
        attached(was_attached(lun=1), inventory(DATA, LOGS, OURS, mapped(OURS, LOGS, 1))),
        ("LUNTaken", "MappingRemoved"),
    ),
    Row(
        "a mapping was removed and created again",
        attached(was_attached(), inventory(DATA, OURS, mapped(OURS, DATA))),
        ("Attached",),
    ),
    Row(
        "a mapping got another LUN",
        attached(was_attached(), inventory(DATA, OURS, mapped(OURS, DATA, 5))),
        ("Attached", "LUNChanged"),
    ),
    Row(
        "a mapping got another LUN than the spec asks for",
        attached(was_attached(lun=1), inventory(DATA, OURS, mapped(OURS, DATA, 5))),
        ("LUNDiffers",),
    ),
    Row(
        "a mapping got another LUN, and `driftPolicy` is `Ignore`",
        attached(was_attached(drift_policy="Ignore"), inventory(DATA, OURS, mapped(OURS, DATA, 5))),
        ("Attached",),
    ),
    Row(
        "a mapping got different LUNs by I/O group",
        attached(was_attached(), inventory(DATA, OURS, mapped(OURS, DATA, 1, 5))),
        ("MismatchedLUNs",),
    ),
    Row(
        "a volume that is attached `Exclusive` was mapped to another host too",
        attached(was_attached(), inventory(DATA, OURS, OTHER, mapped(OURS, DATA), mapped(OTHER, DATA))),
        ("Attached", "SharedBeyondSpec"),
    ),
    Row(
        "a volume that is attached `Shared` was mapped to another host too",
        attached(was_attached(access="Shared"), inventory(DATA, OURS, OTHER, mapped(OURS, DATA), mapped(OTHER, DATA))),
        ("Attached",),
    ),
    Row(
        "the same, on an array with `multiHostMapping: Forbidden`",
        attached(
            was_attached(access="Shared"),
            inventory(DATA, OURS, OTHER, mapped(OURS, DATA), mapped(OTHER, DATA)),
            NODE,
            of=array(multi_host_mapping="Forbidden"),
        ),
        ("Attached", "SharedBeyondSpec"),
    ),
    Row(
        "a volume was mapped to another host too, and `driftPolicy` is `Ignore`",
        attached(
            was_attached(drift_policy="Ignore"), inventory(DATA, OURS, OTHER, mapped(OURS, DATA), mapped(OTHER, DATA))
        ),
        ("Attached",),
    ),
    Row(
        "the volume was renamed",
        attached(was_attached(), inventory(volume("renamed", 1), OURS, mapped(OURS, DATA))),
        ("Attached",),
    ),
    Row(
        "the volume was deleted",
        attached(was_attached(), inventory(OURS)),
        ("VolumeGone",),
    ),
    Row(
        "the volume was deleted, and another one created under its name",
        attached(was_attached(), inventory(volume("data", 9), OURS, mapped(OURS, volume("data", 9)))),
        ("VolumeGone",),
    ),
    Row(
        "the host object was removed, and one or two mappings with it",
        attached(was_attached(), inventory(DATA)),
        done=(MakeHost, MapVolume),
    ),
    Row(
        "the host object was removed, and three mappings or more with it: on the attachments",
        attached(THREE[0], inventory(DATA, LOGS, TEMP), NODE, *THREE[1:]),
        ("MappingRemoved", "MappingRemoved"),
    ),
    Row(
        "the host object was removed, and three mappings or more with it: on the host",
        hosted(NODE, inventory(DATA, LOGS, TEMP), *THREE),
        ("HostRemoved", "HostRemoved"),
    ),
    Row(
        "an administrator's own host object was removed, and one or two mappings with it",
        attached(was_attached(ADMINS), inventory(DATA)),
        done=(MakeHost, MapVolume),
    ),
    Row(
        "a host object was renamed",
        attached(was_attached(), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        ("Attached",),
    ),
    Row(
        "a host object was renamed, and lost its initiators",
        attached(with_id(was_attached()), inventory(DATA, NAMELESS, mapped(NAMELESS, DATA))),
        ("VolumeMappedElsewhere",),
    ),
    Row(
        "an initiator was removed from a host object of the operator",
        hosted(with_ports("node", "second"), inventory(DATA, OURS, mapped(OURS, DATA)), was_attached()),
        done=(AddPorts,),
    ),
    Row(
        "an initiator was removed from a host object of the operator, and `driftPolicy` of the host is `Report`",
        hosted(
            with_ports("node", "second", drift_policy="Report"),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            was_attached(),
        ),
        ("PortsChanged", "PortsChanged"),
    ),
    Row(
        "an initiator was removed from a host object of the operator, and `driftPolicy` of the host is `Ignore`",
        hosted(
            with_ports("node", "second", drift_policy="Ignore"),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            was_attached(),
        ),
        ("PortsChanged",),
    ),
    Row(
        "an initiator was removed from a host object of the operator and put on another one",
        hosted(
            with_ports("node", "second"),
            inventory(DATA, OURS, host_object("admins", "second"), mapped(OURS, DATA)),
            was_attached(),
        ),
        ("Conflict",),
    ),
    Row(
        "an initiator was added to a host object of the operator",
        hosted(with_ports("node", spec=("node",)), inventory(DATA, BOTH, mapped(BOTH, DATA)), was_attached()),
        ("Ready", "PortsChanged"),
    ),
    Row(
        "an initiator was added to a host object of the operator, and `driftPolicy` of the host is `Ignore`",
        hosted(
            with_ports("node", spec=("node",), drift_policy="Ignore"),
            inventory(DATA, BOTH, mapped(BOTH, DATA)),
            was_attached(),
        ),
        ("Ready",),
    ),
    Row(
        "an initiator was removed from an administrator's own host object",
        hosted(host("node", "node", "second"), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), was_attached(ADMINS)),
        ("MissingInitiators",),
    ),
    Row(
        "an initiator was added to an administrator's own host object",
        hosted(NODE, inventory(DATA, host_object("admins", "node", "second")), was_attached(ADMINS)),
        ("ExtraInitiators",),
    ),
    Row(
        "a Fibre Channel or SAS port was added, and `initiators.otherPorts` of the host is `Allow`",
        hosted(
            host("node", initiators={"iscsi": [iqn("node")], "otherPorts": "Allow"}),
            inventory(DATA, host_object("admins", "node", wwpn())),
            was_attached(ADMINS),
        ),
        ("Ready",),
    ),
]


def reasons_of(decision: Decision) -> tuple[str, ...]:
    """The reasons that Ready and Drifted have after this decision, if nothing is done."""
    if not isinstance(decision, InSync | Wait | Refuse):
        return ()
    return (str(decision.reason), *(str(note.reason) for note in decision.notes))


def done(decision: Decision) -> tuple[type[Step], ...]:
    return tuple(type(step) for step in decision.steps) if isinstance(decision, Act) else ()
