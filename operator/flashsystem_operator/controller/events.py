"""Writes Events in the background, rate limited, without delaying or failing their callers.

A repeated Event is counted on the existing one. Events that cannot be written, or are too many, are dropped and
logged: conditions are authoritative, Events are additional.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flashsystem_operator.api.metadata import API_VERSION, ObjectRef
from flashsystem_operator.controller.kube.client import MANAGER, Kube, KubeError, NotFound
from flashsystem_operator.controller.kube.errors import Ending
from flashsystem_operator.controller.workqueue import Clock
from flashsystem_operator.planner import text
from flashsystem_operator.planner.events import EventRecord

_REMEMBERED = 2000
"""Series whose Event is known, so that a repetition is counted; the least recently used is forgotten first."""
_AT_ONCE, _PER_SECOND = 100.0, 20.0
"""How many are written at once, and how many from then on."""
_AGAIN = 60.0
"""Seconds between two writes of one Event; repetitions in between are counted."""
_LENGTH = 1024
"""Characters of a message, as the API server's own limit for the newer kind of Event."""
_NOT_WRITTEN = "cannot write the Event %s of %s: %s"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Series:
    """One Event with its repetitions.

    name: from the API server, once it is written. written: when, by the clock. waits: whether it is in the queue.
    """

    about: ObjectRef
    uid: str
    news: EventRecord
    first: str
    last: str
    count: int = 0
    name: str = ""
    written: float = float("-inf")
    waits: bool = False


class Events:
    """The Events of one writer. Belongs to one event loop. The writing task exists while Events are queued.

    waiting: how many Events may be queued; further ones are dropped.
    """

    def __init__(self, kube: Kube, clock: Clock, waiting: int = 1000) -> None:
        self._kube = kube
        self._clock = clock
        self._waiting = waiting
        self._series = OrderedDict[tuple[str, str, str], _Series]()
        self._queue = deque[_Series]()
        self._task: asyncio.Task[None] | None = None
        self._tokens, self._filled = _AT_ONCE, clock()
        self._given_up = 0
        self._complained = False

    def record_events(self, about: ObjectRef, uid: str, news: EventRecord) -> None:
        """Queue an Event. Neither waits nor fails."""
        news = EventRecord(news.reason, " ".join(news.message.split())[:_LENGTH], news.warning)
        key, at = (uid, news.reason, news.message), _now()
        series = self._series.setdefault(key, _Series(about, uid, news, first=at, last=at))
        self._series.move_to_end(key)
        if len(self._series) > _REMEMBERED:
            self._series.popitem(last=False)
        series.count, series.last = series.count + 1, at
        if not series.waits and self._clock() - series.written >= _AGAIN:
            self._enqueue(series)

    async def flush(self, seconds: float) -> None:
        """Wait until all Events are written, at most so many seconds; the remaining ones are dropped."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._task  # which ends with this wait

    def _enqueue(self, series: _Series) -> None:
        if len(self._queue) >= self._waiting:
            self._given_up += 1
            return
        series.waits = True
        self._queue.append(series)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        while self._queue:
            await self._turn()
            series = self._queue.popleft()
            series.waits, series.written = False, self._clock()
            try:
                await self._write(series)
            except Ending as error:  # usual when a whole namespace is deleted: the Event has no reader
                log.debug(_NOT_WRITTEN, series.news.reason, series.about, error)
            except KubeError as error:
                self._complain(series, error)
            else:
                self._complained = False
        if self._given_up:
            log.warning("%d Events were not written: too many came at once", self._given_up)
            self._given_up = 0

    async def _turn(self) -> None:
        """Wait for the rate limit: a burst of `_AT_ONCE`, then `_PER_SECOND`."""
        now = self._clock()
        self._tokens = min(_AT_ONCE, self._tokens + (now - self._filled) * _PER_SECOND) - 1
        self._filled = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / _PER_SECOND)

    async def _write(self, series: _Series) -> None:
        namespace = series.about.namespace
        if series.name:
            try:
                patch = {"count": series.count, "lastTimestamp": series.last}
                await self._kube.patch_event(namespace, series.name, patch)
            except NotFound:  # the API server removes Events after an hour
                series.first, series.count = series.last, 1
            else:
                return
        series.name = await self._kube.event(namespace, _body(series))

    def _complain(self, series: _Series, error: KubeError) -> None:
        """Log an error once, until an Event can be written again: the cause is usually the same for all."""
        level = logging.DEBUG if self._complained else logging.WARNING
        log.log(level, _NOT_WRITTEN, series.news.reason, series.about, error)
        self._complained = True


def _body(series: _Series) -> dict[str, Any]:
    about, news = series.about, series.news
    return {
        "metadata": {"generateName": f"{about.name[:200]}.", "namespace": about.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": about.kind.value,
            "namespace": about.namespace,
            "name": about.name,
            "uid": series.uid,
        },
        "reason": news.reason,
        "message": news.message,
        "type": "Warning" if news.warning else "Normal",
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "firstTimestamp": series.first,
        "lastTimestamp": series.last,
        "count": series.count,
    }


def _now() -> str:
    return text.text(datetime.now(UTC))
