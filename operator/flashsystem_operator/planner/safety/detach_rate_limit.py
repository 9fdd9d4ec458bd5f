"""The detach rate limit: at most so many volumes of an array are unmapped in a window of time.

The count is kept in the array's status and written before the first volume is unmapped: after a crash, detaches may be
counted that were not done, never the reverse. A detach that the force-detach annotation lets past the detach guard
passes here too, and counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flashsystem_operator.api.array import (
    MOST_DETACHES,
    Allowance,
    ArrayStatus,
    Detaches,
    DetachRateLimit,
    FlashSystemArray,
)
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.common import find
from flashsystem_operator.api.metadata import ALLOW_DETACHES
from flashsystem_operator.planner.decision import Act, Note, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import after, in_utc, plural

RATE_LIMITED = "DetachRateLimited"
_ENTRIES = 64
_ALLOWED = re.compile(r"([0-9]{1,6})/(\S{1,40})")

Entries = tuple[Detaches, ...]


@dataclass(slots=True)
class RateLimiter:
    """The rate limit for one plan. left: how many may still be unmapped; None without a limit."""

    desired: Desired
    left: int | None

    @classmethod
    def of(cls, desired: Desired) -> Self:
        array = desired.array
        if (limit := array.spec.detach_rate_limit) is None:
            return cls(desired, None)
        entries = _entries(array, desired.now)
        left = limit.max - _counted(entries, _cutoff(limit, desired.now))
        if (allowed := _allowed(array)) and desired.now < allowed[1]:
            since = _since(array, desired.now)
            used = sum(each.count or 0 for each in entries if _time(each) >= since)
            left = max(left, allowed[0] - used)
        return cls(desired, max(0, left))

    def judge(self, attachment: VolumeAttachment, act: Act) -> Act | Wait:
        """Let the detach pass or wait. One that was counted already and is retried is not counted again."""
        if self.left is None or attachment.metadata.forced or self._has_its_place(attachment) or self.left:
            return act
        return _rate_limited(attachment, self.desired)

    def take(self, attachment: VolumeAttachment) -> None:
        """Count a detach that is done."""
        if self.left and not self._has_its_place(attachment):
            self.left -= 1

    def _has_its_place(self, attachment: VolumeAttachment) -> bool:
        limit, time = self.desired.array.spec.detach_rate_limit, self.desired.counted.get(attachment.metadata.uid)
        return limit is not None and time is not None and time > _cutoff(limit, self.desired.now)


def count(array: FlashSystemArray, fresh: int, again: Iterable[str], now: str) -> ArrayStatus:
    """The array's status before volumes are unmapped.

    fresh: how many are counted for the first time. again: when those that are retried were counted.
    """
    if array.spec.detach_rate_limit is None:
        return array.status
    times = list(again)
    entries = list(_kept(array, now))
    for time in times:
        entries = _without_one(entries, time)
    entries.append(Detaches(time=now, count=fresh + len(times)))
    counted = {"detaches": _bounded(sorted(entries, key=_time)), "allowance": _allowance(array, now)}
    return array.status.model_copy(update=counted)


def said(array: FlashSystemArray, now: str) -> dict[str, object]:
    """The fields of the array's status: entries that still count, and the allowed burst."""
    return {"detaches": _kept(array, now), "allowance": _allowance(array, now)}


def note(desired: Desired) -> Note | None:
    """The condition of the array while deletions wait for the rate limit.

    While the whole array is in doubt they wait for that, and the former condition stays unchanged.
    """
    if desired.array.spec.detach_rate_limit is None:
        return None
    before = find(desired.array.status.conditions, RATE_LIMITED)
    if desired.all_in_doubt and before is not None:
        return Note(RATE_LIMITED, Reason.DETACH_RATE_LIMITED, before.message)
    waiting = sum(_waits(each) for each in desired.attachments.values())
    if not waiting:
        return None
    return Note(
        RATE_LIMITED,
        Reason.DETACH_RATE_LIMITED,
        f"Held back: {plural(waiting, 'deletion')}. {_why(desired, desired.array.metadata.namespace)}",
    )


def _waits(attachment: VolumeAttachment) -> bool:
    ready = find(attachment.status.conditions, "Ready")
    return attachment.metadata.deleting and ready is not None and ready.reason == Reason.DETACH_RATE_LIMITED


def _rate_limited(attachment: VolumeAttachment, desired: Desired) -> Wait:
    goes_on = _goes_on(desired)
    seconds = (_moment(goes_on) - _moment(desired.now)).total_seconds()
    return Wait(Reason.DETACH_RATE_LIMITED, _why(desired, attachment.metadata.namespace), retry=max(1.0, seconds))


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
    """When so many entries have left the window that one more detach is allowed.

    More than the limit may count: a burst was allowed, or the limit was lowered since.
    """
    if (limit := desired.array.spec.detach_rate_limit) is None:
        return desired.now
    entries, cutoff = _entries(desired.array, desired.now), _cutoff(limit, desired.now)
    left = _counted(entries, cutoff)
    for entry in sorted(entries, key=_time):
        if _time(entry) > cutoff and (left := left - (entry.count or 0)) < limit.max:
            return after(_time(entry), limit.window)
    return desired.now


def _allowed(array: FlashSystemArray) -> tuple[int, str] | None:
    """The size and the end of the allowed burst; None if there is none, or it cannot be read."""
    found = _ALLOWED.fullmatch(array.metadata.asked.allow_detaches or "")
    until = in_utc(found[2]) if found else None
    return (int(found[1]), until) if found and until else None


def _since(array: FlashSystemArray, now: str) -> str:
    """When counting for the allowed burst began: when the present value of the annotation was first used."""
    seen = array.status.allowance
    return _past(seen.since, now) if seen and seen.value == array.metadata.asked.allow_detaches else now


def _allowance(array: FlashSystemArray, now: str) -> Allowance | None:
    allowed = _allowed(array)
    if array.spec.detach_rate_limit is None or allowed is None or now >= allowed[1]:
        return None
    return Allowance(value=array.metadata.asked.allow_detaches, since=_since(array, now))


def _kept(array: FlashSystemArray, now: str) -> Entries:
    """The entries that the window, or the allowed burst, still needs."""
    if (limit := array.spec.detach_rate_limit) is None:
        return ()
    allowance = _allowance(array, now)
    since = allowance.since if allowance and allowance.since else now
    cutoff = _cutoff(limit, now)
    return tuple(each for each in _entries(array, now) if _time(each) > cutoff or _time(each) >= since)


def _entries(array: FlashSystemArray, now: str) -> Entries:
    """The recorded counts. Others may have written them: a time in the future, or none, counts as the present."""
    return tuple(each.model_copy(update={"time": _past(each.time, now)}) for each in array.status.detaches)


def _past(time: str | None, now: str) -> str:
    """The time as comparable text; the present for a time in the future, or for none."""
    return min(in_utc(time) or now, now)


def _without_one(entries: list[Detaches], time: str) -> list[Detaches]:
    """Subtract one from the entry of that time; if entries were merged, from the first later one."""
    place = next((number for number, each in enumerate(entries) if _time(each) >= time and each.count), None)
    if place is None:
        return entries
    less = entries[place].model_copy(update={"count": (entries[place].count or 0) - 1})
    return [*entries[:place], *([less] if less.count else []), *entries[place + 1 :]]


def _bounded(entries: list[Detaches]) -> Entries:
    """Merge entries of the same time; if there are too many, the oldest are merged into younger ones."""
    merged: list[Detaches] = []
    for each in entries:
        if merged and _time(merged[-1]) == _time(each):
            merged[-1] = _sum(merged[-1], each)
        else:
            merged.append(each)
    while len(merged) > _ENTRIES:
        merged[:2] = [_sum(merged[0], merged[1])]
    return tuple(merged)


def _sum(older: Detaches, younger: Detaches) -> Detaches:
    return Detaches(time=younger.time, count=min(MOST_DETACHES, (older.count or 0) + (younger.count or 0)))


def _counted(entries: Entries, cutoff: str) -> int:
    return sum(each.count or 0 for each in entries if _time(each) > cutoff)


def _cutoff(limit: DetachRateLimit, now: str) -> str:
    return after(now, -limit.window)


def _time(entry: Detaches) -> str:
    return entry.time or ""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
