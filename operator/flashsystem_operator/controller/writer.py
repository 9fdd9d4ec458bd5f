"""Writes what a pass found into the cluster: statuses, our finalizer, Events. Many side by side, and only changes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from flashsystem_operator.api.base import Memory, remember
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.controller.cache import STATUS_MODELS, Cache
from flashsystem_operator.controller.events import Events
from flashsystem_operator.controller.ghosts import as_it_was
from flashsystem_operator.controller.kube import Gone, Kube, KubeError
from flashsystem_operator.reconcile import times
from flashsystem_operator.reconcile.news import EventReason, News

_SIDE_BY_SIDE = 32
"""Writes in flight; more gained nothing against a real API server."""

_FLUSH = 2.0
"""Seconds for which the end of a writer waits for Events."""


def now() -> str:
    """The time as conditions have it: RFC 3339 in UTC, whole seconds."""
    return times.text(datetime.now(UTC))


class Writer:
    """Every answer goes straight into the cache, so that the next plan stands on what was written."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
        self._events = Events(kube, time.monotonic)
        self._turn = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def all(
        self, refs: Iterable[ObjectRef], write: Callable[[ObjectRef], Awaitable[None]]
    ) -> dict[ObjectRef, KubeError]:
        """Do one write for each object, side by side; answers with those that failed, Gone included."""
        failed: dict[ObjectRef, KubeError] = {}

        async def one(ref: ObjectRef) -> None:
            async with self._turn:
                try:
                    await write(ref)
                except KubeError as error:
                    failed[ref] = error

        await asyncio.gather(*(one(ref) for ref in refs))
        return failed

    async def status(self, ref: ObjectRef, status: Memory) -> None:
        """Write a status if it differs from the one that the API server has. Raises KubeError."""
        entry, wished = self._cache.get(ref), status.to_json()
        if entry is None or entry.ghost or entry.status == wished:
            return
        body = await self._kube.write_status(ref, entry.meta.resource_version, entry.status, wished)
        self._cache.put(ref.kind, body)

    def remembered(self, ref: ObjectRef) -> Memory | None:
        """The status of an object as it is known now, newer than the world of a pass that wrote to it."""
        entry = self._cache.get(ref)
        return remember(STATUS_MODELS[ref.kind], entry.status) if entry else None

    async def guard(self, ref: ObjectRef) -> None:
        """Put our finalizer on, unless it is there. Raises KubeError."""
        entry = self._cache.get(ref)
        if entry is None:
            raise Gone(f"{ref} is gone")
        if not entry.meta.guarded:
            self._cache.put(ref.kind, await self._kube.write_finalizer(ref, entry.meta, present=True))

    async def release(self, ref: ObjectRef) -> None:
        """Take our finalizer off. Raises KubeError."""
        entry = self._cache.get(ref)
        if entry is not None and entry.ghost:
            self._cache.remove(ref)
        elif entry is not None and entry.meta.guarded:
            body = await self._kube.write_finalizer(ref, entry.meta, present=False)
            self._cache.put(ref.kind, body)

    def tell(self, ref: ObjectRef, uid: str, news: Iterable[News]) -> None:
        """Have Events about an object written soon, also when it is about to go. Never waits, never fails."""
        for each in news:
            self._events.tell(as_it_was(ref), uid, each)

    async def let_go(self, ref: ObjectRef, left: str) -> None:
        """Take our finalizer off, and say in an Event what stays on the array, if anything. Raises KubeError."""
        entry = self._cache.get(ref)
        if entry is not None and left:
            self.tell(ref, entry.meta.uid, [News(EventReason.LEFT_ON_ARRAY, left)])
        await self.release(ref)

    async def close(self) -> None:
        """Wait a moment for the Events that are still to be written."""
        await self._events.flush(_FLUSH)
