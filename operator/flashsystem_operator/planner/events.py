"""Kubernetes Events of an object: what changed between two passes; and why each command is sent, for the change log.

Only changes are reported, never that an object waits: while an array is down, ten thousand objects wait and none of
them needs an Event. Pure: the same pass always returns the same Events.
"""

from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.api.array import ArrayStatus, FlashSystemArray
from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.base import Conditions, Origin, find, is_true
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.api.metadata import FORCE_DETACH, ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin, VolumeStatus
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
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.model import Mapping
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
)
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release
from flashsystem_operator.planner.desired import Desired, Reader, Worked, recorded_bytes
from flashsystem_operator.planner.drift import ASKED
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.planner.text import listed, verdict


class EventReason(StrEnum):
    """The reasons of Events that are not those of a condition."""

    ATTACHED = "VolumeMapped"
    """The volume is mapped, for the first time."""
    DETACHED = "Detached"
    """The attachment is removed, and all its objects on the array were removed."""
    LEFT_ON_ARRAY = "LeftOnArray"
    """The object is removed, and what it has on the array stays; the message gives the reason."""
    DONE_WITH_WARNING = "DoneWithWarning"
    """It was done, and the message has a warning about it."""
    DRIFT_CORRECTED = "DriftCorrected"
    """The operator corrected a change that was made on the array outside the operator."""
    DRIFT_ENDED = "DriftEnded"
    """A change that was made on the array outside the operator was reverted, but not by the operator."""
    HOST_MADE = "HostObjectCreated"
    """The host object was created on the array."""
    HOST_ADOPTED = "HostObjectAdopted"
    """A host object that the array administrator created was found and is used unchanged."""
    HOST_REMOVED = "HostObjectRemoved"
    """The host object is no longer on the array."""
    REACHABLE = "Reachable"
    """The array answers again."""
    WRONG_VOLUME_MAPPED = "WrongVolumeMapped"
    """A name moved to another volume or host while a mapping was created. The message states if it was unmapped."""
    VOLUME_RENAMED = "VolumeRenamed"
    """The volume has another name on the array; it is the same one, by its UID, and nothing is done."""
    VOLUME_CREATED = "VolumeCreated"
    """The volume was created on the array."""
    VOLUME_IMPORTED = "VolumeImported"
    """A volume that existed on the array belongs to the FlashSystemVolume now."""
    VOLUME_GROWN = "VolumeGrown"
    """The volume is larger than before. Its hosts have to scan for the new size."""
    VOLUME_DELETED = "VolumeDeleted"
    """The volume and its data are no longer on the array."""
    AUDIT_CHANGED = "AuditChanged"
    """The objects on the array that belong to no resource changed."""
    READY = "ArrayReady"
    """The array is ready, for the first time or again."""


DRIFTED = "Drifted"
"""The condition whose end is reported too."""

_OF_THE_ARRAY = frozenset({Reason.NO_USABLE_PORTAL, Reason.OTHER_SYSTEM})
"""Reasons that stall all attachments of an array at once: reported once, on the array."""

_OUTPUT_CONDITIONS = frozenset({"ConnectionSecretBlocked", "PersistentVolumeBlocked"})
"""Conditions about the Secret and the PersistentVolume of an attachment, which are written after all decisions."""

_QUIET = frozenset({Reason.VOLUME_DEGRADED})
"""No Event: a node that restarts degrades all volumes of its I/O group for a while."""

_CALM = frozenset({"Paused"})
"""Conditions that a user requested: no warning."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One Event. message: whole sentences without secrets, like the messages of conditions."""

    reason: str
    message: str
    warning: bool = False


def of_attachment(
    before: VolumeAttachment, planned: Decision | None, outcome: Outcome, after: AttachmentStatus
) -> tuple[EventRecord, ...]:
    """Events of a pass for an attachment that stays.

    before: as the pass found it. planned: the first decision. after: its status at the end.
    """
    was = before.status.conditions
    maps = isinstance(planned, Act) and any(isinstance(step, MapVolume) for step in planned.steps)
    corrected = isinstance(outcome.decision, InSync) and maps and bool(before.status.attached_time)
    events = [*_trouble(was, outcome), *_renamed(before.status, after)]
    # New trouble with the outputs, or a new reason for it; not what only has to be waited for.
    events += (
        EventRecord(each.type, each.message, warning=True)
        for each in after.conditions
        if each.type in _OUTPUT_CONDITIONS and each.reason != Reason.PERSISTENT_VOLUME_IN_USE
        if each.status == "True" and not _was_reported(was, each.type, each.reason)
    )
    events += () if corrected else _warned(planned, outcome)
    if isinstance(outcome.decision, InSync) and after.attached_time and not before.status.attached_time:
        how = " It was there before." if after.origin is Origin.ADOPTED else ""
        events.append(EventRecord(EventReason.ATTACHED, outcome.decision.message + how))
    elif corrected:
        # A single Event for a mapping that was created again, with the warning about that.
        warning = planned.warning if isinstance(planned, Act) else ""
        now = outcome.decision.message if isinstance(outcome.decision, InSync) else ""
        message = f"It was missing on the array: {now} {warning}".rstrip()
        events.append(EventRecord(EventReason.DRIFT_CORRECTED, message, warning=bool(warning)))
    elif ended := _drift_ended(was, planned, outcome):
        events.append(ended)
    return tuple(events)


def of_wrong_mapping(
    attachment: VolumeAttachment, meant: MapVolume, made: Mapping, problem: Exception | None, desired: Desired
) -> EventRecord:
    """The Event of a mapping that our command created instead of the intended one. problem: why it stays."""
    reader = Reader.of(attachment, desired)
    host = f"host object {made.host}" if reader.knows(made.host) else "another owner's host object"
    volume = f"{made.volume} " if reader.may_know(made.volume, made.uid) else ""
    message = (
        f"Volume {volume}(UID {made.uid}) was mapped to {host} at LUN {made.lun} instead of {meant.volume} (UID "
        f"{meant.uid}) to host object {meant.host}: a name moved to another object while the command was under way. "
    )
    why = f": {problem}" if reader.knows(made.host) and volume else ""  # it names both
    message += "It was unmapped." if problem is None else f"It could not be unmapped{why}. Unmap it on the array."
    return EventRecord(EventReason.WRONG_VOLUME_MAPPED, message, warning=True)


def of_host(
    before: FlashSystemHost, planned: Decision | None, outcome: Outcome, after: HostStatus
) -> tuple[EventRecord, ...]:
    """Events of a pass for a FlashSystemHost that stays; its host object may come and go with its attachments."""
    events = [*_warned(planned, outcome), *_trouble(before.status.conditions, outcome)]
    if after.id and after.ownership is Origin.CREATED and not before.status.id:
        events.append(EventRecord(EventReason.HOST_MADE, f"Host object {after.name} was created on the array."))
    elif after.id and after.ownership is Origin.ADOPTED and before.status.ownership is not Origin.ADOPTED:
        message = f"Host object {after.name} of the array administrator has these initiators and is used unchanged."
        events.append(EventRecord(EventReason.HOST_ADOPTED, message))
    elif before.status.id and not after.id:
        events.append(_host_removed(before))
    if ended := _drift_ended(before.status.conditions, planned, outcome):
        events.append(ended)
    return tuple(events)


def of_volume(
    before: FlashSystemVolume, planned: Decision | None, outcome: Outcome, after: VolumeStatus
) -> tuple[EventRecord, ...]:
    """Events of a pass for a FlashSystemVolume that stays."""
    was, events = before.status, [*_warned(planned, outcome), *_trouble(before.status.conditions, outcome)]
    creates = isinstance(planned, Act) and any(isinstance(step, CreateVolume) for step in planned.steps)
    if after.uid and not was.uid:
        if after.origin is VolumeOrigin.CREATED and (creates or was.intent):  # else its status was lost
            message = f"Volume {after.name} (UID {after.uid}) with {after.capacity} was created in pool {after.pool}."
            events.append(EventRecord(EventReason.VOLUME_CREATED, message))
        else:
            message = f"Volume {after.name} (UID {after.uid}) with {after.capacity} is managed by this resource."
            events.append(EventRecord(EventReason.VOLUME_IMPORTED, message))
    elif was.capacity and after.capacity and recorded_bytes(after.capacity) > recorded_bytes(was.capacity):
        rescan = " Scan for the new size on its hosts, then grow the file system." if after.attachments else ""
        message = f"Volume {after.name} has {after.capacity} now, and had {was.capacity}.{rescan}"
        events.append(EventRecord(EventReason.VOLUME_GROWN, message))
    if ended := _drift_ended(was.conditions, planned, outcome):
        events.append(ended)
    return tuple(events)


def of_release(before: Worked, decision: Release, planned: Decision | None = None) -> tuple[EventRecord, ...]:
    """Events of an object that is removed. planned: the first decision."""
    warned = _warned(planned, Outcome(decision))
    if decision.left:
        return (*warned, EventRecord(EventReason.LEFT_ON_ARRAY, decision.left))
    if isinstance(before, FlashSystemHost):
        ours = before.status.id and before.status.ownership is Origin.CREATED
        return (*warned, _host_removed(before)) if ours else warned
    if isinstance(before, FlashSystemVolume):
        gone = f"Volume {before.status.name} (UID {before.status.uid}) and its data are no longer on the array."
        return (*warned, EventRecord(EventReason.VOLUME_DELETED, gone)) if before.status.uid else warned
    volume, host = before.status.volume, before.status.host
    if before.status.attached_time and volume and host:
        message = f"Volume {volume.name} is no longer mapped to host {host.name}."
        return (*warned, EventRecord(EventReason.DETACHED, message))
    return warned


def of_array(before: FlashSystemArray, after: ArrayStatus) -> tuple[EventRecord, ...]:
    """Events of changes of an array: whether it answers, and whether it is ready."""
    was, ready, reachable = (
        before.status.conditions,
        find(after.conditions, "Ready"),
        find(after.conditions, "Reachable"),
    )
    own = ("Ready", "Reconciling", "Stalled", "Reachable")
    events = [
        EventRecord(each.type, each.message, warning=each.type not in _CALM)
        for each in after.conditions
        if each.type not in own and each.status == "True" and not is_true(was, each.type)
    ]
    if after.audit and audits.is_news(after.audit, before.status.audit):
        events.append(EventRecord(EventReason.AUDIT_CHANGED, audits.sentence(after.audit)))
    if ready is None or reachable is None:
        return tuple(events)
    bad = ready.status != "True" and (reachable.status == "False" or is_true(after.conditions, "Stalled"))
    if bad:
        former = find(was, "Ready")
        if former is None or former.status == "True" or former.reason != ready.reason:
            events.append(EventRecord(ready.reason, ready.message, warning=True))
    elif is_false(was, "Reachable") and reachable.status == "True":
        events.append(EventRecord(EventReason.REACHABLE, f"The array answers again. {ready.message}"))
    elif ready.status == "True" and not is_true(was, "Ready"):
        events.append(EventRecord(EventReason.READY, ready.message))
    return tuple(events)


def of_unassigned(was: Conditions, decision: Decision) -> tuple[EventRecord, ...]:
    """Events of an object whose array has no worker: that it cannot be read, once."""
    if not isinstance(decision, Refuse) or _was_reported(was, "Stalled", decision.reason):
        return ()
    return (EventRecord(decision.reason, decision.message, warning=True),)


def is_false(conditions: Conditions, kind: str) -> bool:
    found = find(conditions, kind)
    return found is not None and found.status == "False"


def _warned(planned: Decision | None, outcome: Outcome) -> tuple[EventRecord, ...]:
    if isinstance(planned, Act) and planned.warning and outcome.error is None:
        return (EventRecord(EventReason.DONE_WITH_WARNING, planned.warning, warning=True),)
    return ()


def _trouble(was: Conditions, outcome: Outcome) -> tuple[EventRecord, ...]:
    """Events that need attention: our refusal once, the array's refusal each time, notes when they begin."""
    events = [
        EventRecord(note.kind, note.message, warning=note.kind not in _CALM)
        for note in outcome.decision.notes
        if note.reason not in _QUIET and not _was_reported(was, note.kind, note.reason)
    ]
    match outcome:
        case Outcome(decision=Refuse(reason, message)) if reason not in _OF_THE_ARRAY:
            known = _was_reported(was, "Stalled", reason) or message in (each.message for each in events)
            events += [] if known else [EventRecord(reason, message, warning=True)]
        case Outcome(decision=Act(), error=Refused() | Unreadable()):
            events.append(EventRecord(*verdict(outcome.decision, outcome.error), warning=True))
        case _:
            pass
    return tuple(events)


def _was_reported(was: Conditions, kind: str, reason: str) -> bool:
    found = find(was, kind)
    return found is not None and (found.status, found.reason) == ("True", reason)


def _renamed(was: AttachmentStatus, now: AttachmentStatus) -> tuple[EventRecord, ...]:
    if not (was.volume and now.volume and was.volume.uid and was.volume.uid == now.volume.uid):
        return ()
    former, name = was.volume.name, now.volume.name
    if not former or not name or former == name:
        return ()
    message = f"Volume {former} is named {name} on the array now. It has the same UID, so nothing is done."
    return (EventRecord(EventReason.VOLUME_RENAMED, message),)


def _drift_ended(was: Conditions, planned: Decision | None, outcome: Outcome) -> EventRecord | None:
    if not is_true(was, DRIFTED) or not isinstance(outcome.decision, InSync):
        return None
    if any(note.kind == DRIFTED for note in outcome.decision.notes):
        return None
    reason = EventReason.DRIFT_CORRECTED if isinstance(planned, Act) else EventReason.DRIFT_ENDED
    return EventRecord(reason, f"In sync again: {outcome.decision.message}")


def _host_removed(before: FlashSystemHost) -> EventRecord:
    return EventRecord(EventReason.HOST_REMOVED, f"Host object {before.status.name} is no longer on the array.")


class ChangeKind(StrEnum):
    """The purposes of commands, as the change log names them."""

    ATTACH = "attach"
    DETACH = "detach"
    MAKE_HOST = "host made"
    EMPTY_HOST = "host emptied"
    DELETE_HOST = "host deleted"
    ADD_PORTS = "port added"
    REMOVE_PORT = "port removed"
    CORRECT = "drift corrected"
    SET_CHAP = "CHAP secret set"
    CLEAR_CHAP = "CHAP secret cleared"
    PLACE_HOST = "host placed"
    """Portset, type or I/O groups of a host object were changed to match its spec."""
    CREATE_VOLUME = "volume created"
    GROW_VOLUME = "volume grown"
    DELETE_VOLUME = "volume deleted"
    THROTTLE_VOLUME = "volume throttled"
    SPEC = "spec"
    """Anything else that a spec requests."""


@dataclass(frozen=True, slots=True)
class ChangeReason:
    """because: one sentence that a user can verify."""

    why: ChangeKind
    because: str


def change_reason_of(resource: Worked, step: Step) -> ChangeReason:
    """Why this step is done for that resource."""
    if isinstance(resource, FlashSystemHost):
        return _of_host(resource, step)
    if isinstance(resource, FlashSystemVolume):
        return _of_volume(resource, step)
    ref, meta, since = resource.ref, resource.metadata, resource.status.attached_time
    forced = f", and annotation {FORCE_DETACH} lets it past the guard" if meta.asked.force_detach == meta.uid else ""
    match step:
        case UnmapVolume():
            return ChangeReason(ChangeKind.DETACH, f"{ref} is being deleted since {meta.deletion_timestamp}{forced}.")
        case MapVolume() if since:
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} is attached since {since}, and the mapping was missing on the array."
            )
        case MapVolume():
            return ChangeReason(ChangeKind.ATTACH, f"{ref} asks for it.")
        case MakeHost() | AddPorts() if since:
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} is attached since {since}, and the host object was missing on the array."
            )
        case MakeHost() | AddPorts():
            return ChangeReason(ChangeKind.MAKE_HOST, f"{ref} is the first volume of {resource.host}.")
        case _:
            return _of_traits(resource.host, step)


def _of_host(host: FlashSystemHost, step: Step) -> ChangeReason:
    ref = host.ref
    match step:
        case RemoveHost() if host.metadata.deleting:
            return ChangeReason(
                ChangeKind.DELETE_HOST, f"{ref} is being deleted since {host.metadata.deletion_timestamp}."
            )
        case RemoveHost():
            return ChangeReason(
                ChangeKind.EMPTY_HOST, f"Nothing is mapped to it any longer, and {ref} does not need it."
            )
        case MakeHost():
            return ChangeReason(ChangeKind.MAKE_HOST, f"{ref} asks for it.")
        case AddPorts(iqns=iqns) if set(iqns) <= {port.iqn for port in host.status.ports if port.state != ASKED}:
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} had {', '.join(iqns)}, and the host object lacked it on the array."
            )
        case AddPorts(iqns=iqns):
            return ChangeReason(ChangeKind.ADD_PORTS, f"spec.initiators of {ref} names {', '.join(iqns)}.")
        case RemovePort(iqn=iqn):
            return ChangeReason(ChangeKind.REMOVE_PORT, f"spec.initiators of {ref} no longer names {iqn}.")
        case _:
            return _of_traits(ref, step)


def _of_volume(volume: FlashSystemVolume, step: Step) -> ChangeReason:
    ref, since = volume.ref, volume.metadata.deletion_timestamp
    match step:
        case RemoveVolume():
            return ChangeReason(ChangeKind.DELETE_VOLUME, f"{ref} is being deleted since {since}.")
        case CreateVolume():
            return ChangeReason(ChangeKind.CREATE_VOLUME, f"{ref} asks for it.")
        case ExpandVolume():
            return ChangeReason(ChangeKind.GROW_VOLUME, f"spec.size of {ref} is larger than the volume.")
        case RenameVolume(name=name):
            return ChangeReason(ChangeKind.CORRECT, f"The volume of {ref} was renamed; its name is {name}.")
        case ThrottleVolume() | RemoveThrottle():
            return ChangeReason(ChangeKind.THROTTLE_VOLUME, f"spec.throttle of {ref} differs from the volume's.")
        case _:
            return ChangeReason(ChangeKind.SPEC, f"The spec of {ref} asks for it.")


def _of_traits(host: ObjectRef, step: Step) -> ChangeReason:
    """Why a step for the settings of a host is done, for the host itself or with its first volume."""
    match step:
        case SetChap():
            return ChangeReason(
                ChangeKind.SET_CHAP, f"The array does not have the secret of the Secret that {host} names."
            )
        case ClearChap():
            return ChangeReason(
                ChangeKind.CLEAR_CHAP,
                f"{host} no longer requests a CHAP secret, and the present one was set by the operator.",
            )
        case ChangeHost(portset=portset, kind=kind):
            changed = [f"spec.portset {portset}"] if portset else []
            changed += [f"spec.hostType {kind}"] if kind else []
            return ChangeReason(ChangeKind.PLACE_HOST, f"{host} has {listed(changed)}, and the host object differs.")
        case AddIoGroups(groups=groups):
            return ChangeReason(ChangeKind.PLACE_HOST, f"spec.ioGroups of {host} names I/O group {listed(groups)} too.")
        case RemoveIoGroups(groups=groups):
            return ChangeReason(
                ChangeKind.PLACE_HOST, f"spec.ioGroups of {host} does not name I/O group {listed(groups)}."
            )
        case _:
            return ChangeReason(ChangeKind.SPEC, f"The spec of {host} asks for it.")
