"""Writes what a pass found into the cluster: statuses, our finalizer, Events. Many side by side, and only changes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from flashsystem_operator.api.base import Memory
from flashsystem_operator.api.kinds import API_VERSION, ObjectRef
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.kube import MANAGER, Gone, Kube, KubeError

_SIDE_BY_SIDE = 32
"""Writes in flight; more gained nothing against a real API server."""

log = logging.getLogger(__name__)


def now() -> str:
    """The time as conditions have it: RFC 3339 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Writer:
    """Every answer goes straight into the cache, so that the next plan stands on what was written."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
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

    async def event(self, ref: ObjectRef, reason: str, message: str) -> None:
        """Tell whoever reads `kubectl describe`. An Event that cannot be written is logged and given up."""
        entry = self._cache.get(ref)
        if entry is None or entry.ghost:
            return
        try:
            await self._kube.event(ref.namespace, _event(ref, entry.meta.uid, reason, message))
        except KubeError as error:
            log.warning("cannot write the Event %s of %s: %s", reason, ref, error)


def _event(ref: ObjectRef, uid: str, reason: str, message: str) -> dict[str, object]:
    return {
        "metadata": {"generateName": f"{ref.name[:200]}.", "namespace": ref.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": ref.kind.value,
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": uid,
        },
        "reason": reason,
        "message": message[:1024],
        "type": "Normal",
        "source": {"component": MANAGER},
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "count": 1,
    }
