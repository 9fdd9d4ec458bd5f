"""Overrides by annotation: release, paused, plan. They do not change what is decided, but whether it is done.

They apply in this order. Paused and plan on an array or a host apply to all objects below it; release to one object.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import PAUSED, PLAN, RELEASE, ObjectMeta, Resource
from flashsystem_operator.array.commands import Step
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import plural

Worked = FlashSystemHost | VolumeAttachment

LEFT = f"Annotation {RELEASE} is set: objects on the array were left unchanged."


def left_by(status: object) -> str:
    """What stays when an object is released, by its status. Its PersistentVolume has no other owner."""
    volume = status.persistent_volume if isinstance(status, AttachmentStatus) else None
    if volume is None or volume.name is None:
        return LEFT
    return (
        f"{LEFT} PersistentVolume {volume.name} stays, too, and is no longer managed: delete it when no "
        "claim is bound to it."
    )


def is_in_plan_mode(resource: Worked, desired: Desired) -> bool:
    """Whether steps for it are only listed and not done: the plans of others must not build on it."""
    return bool(_why_only_planned(resource, desired))


def apply_overrides(decision: Decision, resource: Resource, desired: Desired) -> Decision:
    """Apply the annotations to the decision. A deleted object that is held back waits."""
    if resource.metadata.released:
        if resource.metadata.deleting:
            return Release(left_by(getattr(resource, "status", None)))
        if isinstance(decision, InSync | Refuse):
            return decision
        why = (
            f"Annotation {RELEASE} keeps everything on the array unchanged. Delete this object, and it is gone at once."
        )
        return Wait(Reason.RELEASED, why, decision.notes)
    if whose := why_paused(resource, desired):
        return _paused(decision, whose)
    if whose := _why_only_planned(resource, desired):
        return _only_planned(decision, whose)
    return decision


def why_paused(resource: Resource, desired: Desired) -> str:
    """What pauses writing to the array for this resource; empty if nothing does."""
    return desired.paused or _whose(
        PAUSED, resource, (each for each in _line(resource, desired) if each.metadata.asked.paused)
    )


def why_held(resource: Resource, desired: Desired) -> str:
    """What holds back commands for this resource, a pause or plan mode; empty if nothing does."""
    return why_paused(resource, desired) or _why_only_planned(resource, desired)


def way_out(meta: ObjectMeta) -> str:
    """A clause for users who cannot wait until the array is ready."""
    return f"set annotation {RELEASE}: {meta.uid}, which releases it and leaves the array unchanged"


def _line(resource: Resource, desired: Desired) -> tuple[Resource, ...]:
    """The object, its host and its array."""
    host = desired.hosts.get(resource.host) if isinstance(resource, VolumeAttachment) else None
    parents = (host, desired.array) if host else (desired.array,)
    return (resource, *(each for each in parents if each.ref != resource.ref))


def _why_only_planned(resource: Resource, desired: Desired) -> str:
    return _whose(PLAN, resource, (each for each in _line(resource, desired) if each.metadata.asked.plan))


def _whose(annotation: str, resource: Resource, holders: Iterable[Resource]) -> str:
    """The nearest object with the annotation; empty if there is none."""
    holder = next(iter(holders), None)
    if holder is None:
        return ""
    return f"Annotation {annotation} of {'this object' if holder.ref == resource.ref else holder.ref}"


def _paused(decision: Decision, whose: str) -> Decision:
    note = Note("Paused", Reason.PAUSED, f"{whose}: nothing is written to the array.")
    match decision:
        case Act(steps, notes):
            return Wait(Reason.PAUSED, _held_back(whose, steps), (*notes, note), steps=steps)
        case Release(left, notes):
            return Wait(Reason.PAUSED, _end_held_back(whose, left), (*notes, note))
        case InSync(notes=notes) | Wait(notes=notes) | Refuse(notes=notes):
            return replace(decision, notes=(*notes, note))


def _only_planned(decision: Decision, whose: str) -> Decision:
    match decision:
        case Act(steps, notes):
            return Wait(Reason.PLANNED, _held_back(whose, steps), notes, steps=steps)
        case Release(left, notes):
            return Wait(Reason.PLANNED, _end_held_back(whose, left), notes)
        case InSync() | Wait() | Refuse():
            return decision


def _held_back(whose: str, steps: Sequence[Step]) -> str:
    return f"{whose} holds back {plural(len(steps), 'command')}, listed in status.plan. Remove it, and they are sent."


def _end_held_back(whose: str, left: str) -> str:
    """left: what stays on the array when the object is deleted, if anything."""
    what = f"no command would be sent. {left}" if left else "nothing is left to do on the array."
    return f"{whose} holds back the deletion of this object; {what} Remove it, and the object is deleted."
