"""What is news about an object: its life between two looks, for whoever reads `kubectl describe` or `kubectl events`.

Only what changed is news, never what is awaited: while an array is down, ten thousand objects wait and none of them
has anything to tell. Pure, so that the same pass tells the same.
"""

from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.api.array import ArrayStatus, FlashSystemArray
from flashsystem_operator.api.attachment import AttachmentStatus, Origin, VolumeAttachment
from flashsystem_operator.api.common import Conditions, find, is_true
from flashsystem_operator.api.host import FlashSystemHost, HostStatus, Ownership
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.model import Mapping
from flashsystem_operator.planner.array import audit as audits
from flashsystem_operator.planner.conditions import verdict
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.redaction import Reader
from flashsystem_operator.planner.status import Outcome


class EventReason(StrEnum):
    """The reasons of Events that are not those of a condition."""

    ATTACHED = "VolumeMapped"
    """The volume is mapped, for the first time."""
    DETACHED = "Detached"
    """The attachment goes, and nothing of it is left on the array."""
    LEFT_ON_ARRAY = "LeftOnArray"
    """The object goes, and what it has on the array stays; the message says why."""
    DONE_WITH_WARNING = "DoneWithWarning"
    """It was done, and the message says what to know about it all the same."""
    DRIFT_CORRECTED = "DriftCorrected"
    """What another hand had changed on the array was put right by the operator."""
    DRIFT_ENDED = "DriftEnded"
    """What another hand had changed on the array is as wished again, without the operator."""
    HOST_MADE = "HostObjectCreated"
    """The host object was made on the array."""
    HOST_ADOPTED = "HostObjectAdopted"
    """A host object of an administrator's was found, and is used as it is."""
    HOST_REMOVED = "HostObjectRemoved"
    """The host object is not on the array any more."""
    REACHABLE = "Reachable"
    """The array answers again."""
    WRONG_VOLUME_MAPPED = "WrongVolumeMapped"
    """A name moved to another volume or host while a mapping was created. The message says whether it was unmapped."""
    VOLUME_RENAMED = "VolumeRenamed"
    """The volume has another name on the array; it is the same one, by its UID, and nothing is done."""
    AUDIT_CHANGED = "AuditChanged"
    """What is on the array and explained by no resource is not what it was."""
    READY = "ArrayReady"
    """The array can be worked with, for the first time or again."""


DRIFTED = "Drifted"
"""The condition whose end is news too."""

_OF_THE_ARRAY = frozenset({Reason.NO_USABLE_PORTAL, Reason.OTHER_SYSTEM})
"""What stalls all attachments of an array at once: told once, on the array."""

_BESIDE = frozenset({"ConnectionSecretBlocked", "PersistentVolumeBlocked"})
"""What is said of the Secret and the PersistentVolume beside an attachment, which are kept after all is decided."""

_QUIET = frozenset({Reason.VOLUME_DEGRADED})
"""No Event: a node that restarts degrades all volumes of its I/O group for a while."""

_CALM = frozenset({"Paused"})
"""Conditions that somebody asked for: no warning."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One Event. message: whole sentences, without secrets, as conditions have them."""

    reason: str
    message: str
    warning: bool = False


def of_attachment(
    before: VolumeAttachment, planned: Decision | None, outcome: Outcome, after: AttachmentStatus
) -> tuple[EventRecord, ...]:
    """What a pass did to an attachment that stays.

    before: as the pass found it. planned: what was decided first. after: what is said of it at the end.
    """
    was = before.status.conditions
    corrected = isinstance(outcome.decision, InSync) and _maps(planned) and bool(before.status.attached_time)
    told = [*_trouble(was, outcome), *_renamed(before.status, after), *_beside(was, after.conditions)]
    told += () if corrected else _warned(planned, outcome)
    if isinstance(outcome.decision, InSync) and after.attached_time and not before.status.attached_time:
        how = " It was there before." if after.origin is Origin.ADOPTED else ""
        told.append(EventRecord(EventReason.ATTACHED, outcome.decision.message + how))
    elif corrected:
        told.append(_corrected(planned, outcome.decision))
    elif ended := _drift_ended(was, planned, outcome):
        told.append(ended)
    return tuple(told)


def of_wrong_mapping(
    attachment: VolumeAttachment, meant: MapVolume, made: Mapping, problem: Exception | None, desired: Desired
) -> EventRecord:
    """A mapping that a command of ours made in place of the one that was meant. problem: why it stays."""
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
    """What a pass did to a FlashSystemHost that stays; its host object may come and go with its attachments."""
    told = [*_warned(planned, outcome), *_trouble(before.status.conditions, outcome)]
    if after.id and after.ownership is Ownership.CREATED and not before.status.id:
        told.append(EventRecord(EventReason.HOST_MADE, f"Host object {after.name} was made on the array."))
    elif after.id and after.ownership is Ownership.ADOPTED and before.status.ownership is not Ownership.ADOPTED:
        words = f"Host object {after.name} of an administrator's has these initiators and is used as it is."
        told.append(EventRecord(EventReason.HOST_ADOPTED, words))
    elif before.status.id and not after.id:
        told.append(_host_removed(before))
    if ended := _drift_ended(before.status.conditions, planned, outcome):
        told.append(ended)
    return tuple(told)


def of_release(
    before: FlashSystemHost | VolumeAttachment, decision: Release, planned: Decision | None = None
) -> tuple[EventRecord, ...]:
    """What is to be known of an object that goes. planned: what was decided first."""
    return (*_warned(planned, Outcome(decision)), *_end(before, decision))


def _end(before: FlashSystemHost | VolumeAttachment, decision: Release) -> tuple[EventRecord, ...]:
    if decision.left:
        return (EventRecord(EventReason.LEFT_ON_ARRAY, decision.left),)
    if isinstance(before, FlashSystemHost):
        ours = before.status.id and before.status.ownership is Ownership.CREATED
        return (_host_removed(before),) if ours else ()
    volume, host = before.status.volume, before.status.host
    if before.status.attached_time and volume and host:
        return (EventRecord(EventReason.DETACHED, f"Volume {volume.name} is not mapped to host {host.name} any more."),)
    return ()


def of_array(before: FlashSystemArray, after: ArrayStatus) -> tuple[EventRecord, ...]:
    """What changed about an array: whether it answers, and whether it can be worked with."""
    was, ready, reachable = (
        before.status.conditions,
        find(after.conditions, "Ready"),
        find(after.conditions, "Reachable"),
    )
    told = list(_noted_conditions(was, after.conditions))
    if after.audit and audits.is_news(after.audit, before.status.audit):
        told.append(EventRecord(EventReason.AUDIT_CHANGED, audits.sentence(after.audit)))
    if ready is None or reachable is None:
        return tuple(told)
    bad = ready.status != "True" and (reachable.status == "False" or is_true(after.conditions, "Stalled"))
    if bad:
        former = find(was, "Ready")
        if former is None or former.status == "True" or former.reason != ready.reason:
            told.append(EventRecord(ready.reason, ready.message, warning=True))
    elif is_false(was, "Reachable") and reachable.status == "True":
        told.append(EventRecord(EventReason.REACHABLE, f"The array answers again. {ready.message}"))
    elif ready.status == "True" and not is_true(was, "Ready"):
        told.append(EventRecord(EventReason.READY, ready.message))
    return tuple(told)


def of_unassigned(was: Conditions, decision: Decision) -> tuple[EventRecord, ...]:
    """What is to be known of an object that no array's worker looks after: that it cannot be read, once."""
    if not isinstance(decision, Refuse) or _was_said(was, "Stalled", decision.reason):
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
    """What somebody should look at: our refusal once, the array's each time, what is noted when it begins."""
    told = [_noted(note) for note in outcome.decision.notes if _is_new(was, note)]
    match outcome:
        case Outcome(decision=Refuse(reason, message)) if reason not in _OF_THE_ARRAY:
            known = _was_said(was, "Stalled", reason) or message in (each.message for each in told)
            told += [] if known else [EventRecord(reason, message, warning=True)]
        case Outcome(decision=Act(), error=Refused() | Unreadable()):
            told.append(EventRecord(*verdict(outcome.decision, outcome.error), warning=True))
        case _:
            pass
    return tuple(told)


def _is_new(was: Conditions, note: Note) -> bool:
    return note.reason not in _QUIET and not _was_said(was, note.kind, note.reason)


def _noted(note: Note) -> EventRecord:
    return EventRecord(note.kind, note.message, warning=note.kind not in _CALM)


def _noted_conditions(was: Conditions, now: Conditions) -> tuple[EventRecord, ...]:
    """Further conditions of an array that became true."""
    own = ("Ready", "Reconciling", "Stalled", "Reachable")
    return tuple(
        EventRecord(each.type, each.message, warning=each.type not in _CALM)
        for each in now
        if each.type not in own and each.status == "True" and not is_true(was, each.type)
    )


def _beside(was: Conditions, now: Conditions) -> tuple[EventRecord, ...]:
    """What began to be wrong beside an attachment, or is so for another reason; not what only has to be waited for."""
    return tuple(
        EventRecord(each.type, each.message, warning=True)
        for each in now
        if each.type in _BESIDE and each.reason != Reason.PERSISTENT_VOLUME_IN_USE
        if each.status == "True" and not _was_said(was, each.type, each.reason)
    )


def _was_said(was: Conditions, kind: str, reason: str) -> bool:
    found = find(was, kind)
    return found is not None and (found.status, found.reason) == ("True", reason)


def _renamed(was: AttachmentStatus, now: AttachmentStatus) -> tuple[EventRecord, ...]:
    if not (was.volume and now.volume and was.volume.uid and was.volume.uid == now.volume.uid):
        return ()
    former, name = was.volume.name, now.volume.name
    if not former or not name or former == name:
        return ()
    words = f"Volume {former} is called {name} on the array now. It is the same one by its UID, so nothing is done."
    return (EventRecord(EventReason.VOLUME_RENAMED, words),)


def _corrected(planned: Decision | None, decision: Decision) -> EventRecord:
    """A mapping was made again, with what was to be said of that: one Event for one thing."""
    warning = planned.warning if isinstance(planned, Act) else ""
    now = decision.message if isinstance(decision, InSync) else ""
    words = f"It was missing on the array: {now} {warning}".rstrip()
    return EventRecord(EventReason.DRIFT_CORRECTED, words, warning=bool(warning))


def _maps(planned: Decision | None) -> bool:
    return isinstance(planned, Act) and any(isinstance(step, MapVolume) for step in planned.steps)


def _drift_ended(was: Conditions, planned: Decision | None, outcome: Outcome) -> EventRecord | None:
    if not is_true(was, DRIFTED) or not isinstance(outcome.decision, InSync):
        return None
    if any(note.kind == DRIFTED for note in outcome.decision.notes):
        return None
    reason = EventReason.DRIFT_CORRECTED if isinstance(planned, Act) else EventReason.DRIFT_ENDED
    return EventRecord(reason, f"It is as wished again: {outcome.decision.message}")


def _host_removed(before: FlashSystemHost) -> EventRecord:
    return EventRecord(EventReason.HOST_REMOVED, f"Host object {before.status.name} is not on the array any more.")
