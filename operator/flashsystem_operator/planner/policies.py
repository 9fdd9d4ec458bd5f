"""Policies that hold back decisions: overrides by annotation, and the detach rate limit.

Overrides (release, paused, plan) do not change what is decided, but whether it is done. They apply in this order.
Paused and plan on an array or a host apply to all objects below it; release to one object.

The detach rate limit lets at most so many volumes of an array be unmapped in a window of time. Windows are fixed: one
begins with the first detach after the former one is over. Its start and count are kept in the array's status and
written before the first volume is unmapped: after a crash, detaches may be counted that were not done, never the
reverse. A detach that the force-detach annotation lets past the detach guard passes here too, and counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from flashsystem_operator.api.array import MOST_DETACHES, Allowance, ArrayStatus, DetachWindow, FlashSystemArray
from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.base import find
from flashsystem_operator.api.metadata import ALLOW_DETACHES, PAUSED, PLAN, RELEASE, ObjectMeta, Resource
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, Worked
from flashsystem_operator.planner.text import after, in_utc, plural

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
        note = Note("Paused", Reason.PAUSED, f"{whose}: nothing is written to the array.")
        held = Wait(Reason.PAUSED, f"{whose} holds back", (*decision.notes, note))
    elif whose := _why_only_planned(resource, desired):
        held = Wait(Reason.PLANNED, f"{whose} holds back", decision.notes)
    else:
        return decision
    match decision:
        case Act(steps):
            what = f"{plural(len(steps), 'command')}, listed in status.plan. Remove it, and they are sent."
            return replace(held, message=f"{held.message} {what}", steps=steps)
        case Release(left):  # what stays on the array when the object is deleted, if anything
            what = f"no command would be sent. {left}" if left else "nothing is left to do on the array."
            what = f"the deletion of this object; {what} Remove it, and the object is deleted."
            return replace(held, message=f"{held.message} {what}")
        case InSync() | Wait() | Refuse():
            return replace(decision, notes=held.notes)


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


RATE_LIMITED = "DetachRateLimited"
_ALLOWED = re.compile(r"([0-9]{1,6})/(\S{1,40})")


@dataclass(slots=True)
class RateLimiter:
    """The rate limit for one plan. left: how many may still be unmapped in the window; None without a limit."""

    desired: Desired
    window: DetachWindow
    left: int | None

    @classmethod
    def of(cls, desired: Desired) -> Self:
        array, now = desired.array, desired.now
        window = current_window(array, now)
        if (limit := array.spec.detach_rate_limit) is None:
            return cls(desired, window, None)
        left = limit.max - _count(window)
        if (allowed := _allowed(array)) and now < allowed[1]:
            left = max(left, allowed[0] - _count(_allowance(array, now)))
        return cls(desired, window, max(0, left))

    def limit(self, attachment: VolumeAttachment, act: Act) -> Act | Wait:
        """Let the detach pass or wait. One that was counted in this window already is not counted again."""
        if self.left is None or self.left or attachment.metadata.forced or self._is_counted(attachment):
            return act
        goes_on = datetime.fromisoformat(_goes_on(self.desired))
        seconds = (goes_on - datetime.fromisoformat(self.desired.now)).total_seconds()
        message = _why_limited(self.desired, attachment.metadata.namespace)
        return Wait(Reason.DETACH_RATE_LIMITED, message, retry=max(1.0, seconds))

    def take(self, attachment: VolumeAttachment) -> None:
        """Count a detach that is done."""
        if self.left and not self._is_counted(attachment):
            self.left -= 1

    def _is_counted(self, attachment: VolumeAttachment) -> bool:
        return is_counted(attachment.metadata.uid, self.window, self.desired)


def current_window(array: FlashSystemArray, now: str) -> DetachWindow:
    """The window at this time; one that begins now, with nothing counted, if the recorded one is over.

    Others may have written the status: a start in the future, or none, counts as the present.
    """
    limit, recorded = array.spec.detach_rate_limit, array.status.detach_window
    if limit is not None and recorded is not None:
        start = min(in_utc(recorded.start) or now, now)
        if now < after(start, limit.window):
            return DetachWindow(start=start, count=_count(recorded))
    return DetachWindow(start=now, count=0)


def is_counted(uid: str, window: DetachWindow, desired: Desired) -> bool:
    """Whether the attachment with this UID was counted in this window."""
    return bool(window.count) and desired.counted.get(uid) == window.start


def count_detaches(array: FlashSystemArray, more: int, now: str) -> ArrayStatus:
    """The array's status before so many volumes are unmapped that were not counted in the current window."""
    if array.spec.detach_rate_limit is None or not more:
        return array.status
    window, allowance = current_window(array, now), _allowance(array, now)
    counted = {
        "detach_window": window.model_copy(update={"count": min(MOST_DETACHES, _count(window) + more)}),
        "allowance": allowance and allowance.model_copy(update={"count": min(MOST_DETACHES, _count(allowance) + more)}),
    }
    return array.status.model_copy(update=counted)


def recorded_detaches(array: FlashSystemArray, now: str) -> dict[str, object]:
    """The fields of the array's status: the current window, and the allowed burst; None for what is over."""
    if array.spec.detach_rate_limit is None:
        return {"detach_window": None, "allowance": None}
    window = current_window(array, now)
    return {"detach_window": window if window.count else None, "allowance": _allowance(array, now)}


def rate_limit_note(desired: Desired) -> Note | None:
    """The condition of the array while deletions wait for the rate limit.

    While the whole array is in doubt they wait for that, and the former condition stays unchanged.
    """
    if desired.array.spec.detach_rate_limit is None:
        return None
    before = find(desired.array.status.conditions, RATE_LIMITED)
    if desired.all_in_doubt and before is not None:
        return Note(RATE_LIMITED, Reason.DETACH_RATE_LIMITED, before.message)
    deleted = (each for each in desired.attachments.values() if each.metadata.deleting)
    ready = (find(each.status.conditions, "Ready") for each in deleted)
    waiting = sum(each is not None and each.reason == Reason.DETACH_RATE_LIMITED for each in ready)
    if not waiting:
        return None
    return Note(
        RATE_LIMITED,
        Reason.DETACH_RATE_LIMITED,
        f"Held back: {plural(waiting, 'deletion')}. {_why_limited(desired, desired.array.metadata.namespace)}",
    )


def _why_limited(desired: Desired, reader: str) -> str:
    """The message. reader: the namespace in which it is read. The annotation's value is shown in its own only."""
    array, limit = desired.array, desired.array.spec.detach_rate_limit
    if limit is None:
        return ""
    near = reader == array.metadata.namespace
    value = repr(str(array.metadata.asked.allow_detaches)[:64]) if near else "something else"
    misread = array.metadata.asked.allow_detaches is not None and _allowed(array) is None
    return (
        f"The array's spec.detachRateLimit lets {plural(limit.max, 'volume')} be unmapped in {limit.window:g} seconds, "
        f"and as many were. It goes on at {_goes_on(desired)}; or, if so many are meant to go, with annotation "
        f"{ALLOW_DETACHES}: COUNT/UNTIL on the FlashSystemArray, such as 40/2030-01-31T18:00:00Z."
        + (f" Its present value, {value}, does not have this form." if misread else "")
    )


def _goes_on(desired: Desired) -> str:
    """When the current window ends."""
    limit, window = desired.array.spec.detach_rate_limit, current_window(desired.array, desired.now)
    return after(window.start or desired.now, limit.window) if limit else desired.now


def _allowed(array: FlashSystemArray) -> tuple[int, str] | None:
    """The size and the end of the allowed burst; None if there is none, or it cannot be read."""
    found = _ALLOWED.fullmatch(array.metadata.asked.allow_detaches or "")
    until = in_utc(found[2]) if found else None
    return (int(found[1]), until) if found and until else None


def _allowance(array: FlashSystemArray, now: str) -> Allowance | None:
    """The burst that is allowed now, with what was counted since the annotation has its present value."""
    allowed, seen, value = _allowed(array), array.status.allowance, array.metadata.asked.allow_detaches
    if allowed is None or now >= allowed[1]:
        return None
    return Allowance(value=value, count=_count(seen) if seen and seen.value == value else 0)


def _count(counted: DetachWindow | Allowance | None) -> int:
    return (counted.count or 0) if counted else 0
