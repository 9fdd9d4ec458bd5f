"""The detach rate limit: at most so many volumes of an array are unmapped in a window of time.

Windows are fixed: one begins with the first detach after the former one is over. Its start and count are kept in the
array's status and written before the first volume is unmapped: after a crash, detaches may be counted that were not
done, never the reverse. A detach that the force-detach annotation lets past the detach guard passes here too, and
counts.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flashsystem_operator.api.array import MOST_DETACHES, Allowance, ArrayStatus, DetachWindow, FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import find
from flashsystem_operator.api.metadata import ALLOW_DETACHES
from flashsystem_operator.planner.decision import Act, Note, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import after, in_utc, plural

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

    def judge(self, attachment: VolumeAttachment, act: Act) -> Act | Wait:
        """Let the detach pass or wait. One that was counted in this window already is not counted again."""
        if self.left is None or self.left or attachment.metadata.forced or self._is_counted(attachment):
            return act
        goes_on = datetime.fromisoformat(_goes_on(self.desired))
        seconds = (goes_on - datetime.fromisoformat(self.desired.now)).total_seconds()
        message = _why(self.desired, attachment.metadata.namespace)
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


def count(array: FlashSystemArray, more: int, now: str) -> ArrayStatus:
    """The array's status before so many volumes are unmapped that were not counted in the current window."""
    if array.spec.detach_rate_limit is None or not more:
        return array.status
    window, allowance = current_window(array, now), _allowance(array, now)
    counted = {
        "detach_window": window.model_copy(update={"count": min(MOST_DETACHES, _count(window) + more)}),
        "allowance": allowance and allowance.model_copy(update={"count": min(MOST_DETACHES, _count(allowance) + more)}),
    }
    return array.status.model_copy(update=counted)


def recorded(array: FlashSystemArray, now: str) -> dict[str, object]:
    """The fields of the array's status: the current window, and the allowed burst; None for what is over."""
    if array.spec.detach_rate_limit is None:
        return {"detach_window": None, "allowance": None}
    window = current_window(array, now)
    return {"detach_window": window if window.count else None, "allowance": _allowance(array, now)}


def note(desired: Desired) -> Note | None:
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
        f"Held back: {plural(waiting, 'deletion')}. {_why(desired, desired.array.metadata.namespace)}",
    )


def _why(desired: Desired, reader: str) -> str:
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
