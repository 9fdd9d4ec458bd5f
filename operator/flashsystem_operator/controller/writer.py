"""Writes what a pass found into the cluster: statuses, our finalizer, Events. Many side by side, and only changes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime

from flashsystem_operator.api.base import StatusModel, remember
from flashsystem_operator.api.metadata import Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller.cache import STATUS_MODELS, Cache, Change, as_it_was
from flashsystem_operator.controller.events import Events
from flashsystem_operator.controller.kube.client import Body, Conflict, Kube, KubeError, NotFound
from flashsystem_operator.planner import text
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.events import EventReason, EventRecord

_SIDE_BY_SIDE = 32
"""Writes in flight; more gained nothing against a real API server."""

_FLUSH = 2.0
"""Seconds for which the end of a writer waits for Events."""


def now() -> str:
    """The time as conditions have it: RFC 3339 in UTC, whole seconds."""
    return text.text(datetime.now(UTC))


class Writer:
    """Every answer goes straight into the cache, so that the next plan stands on what was written."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
        self._events = Events(kube, time.monotonic)
        self._turn = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._doubtful: set[ObjectRef] = set()

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

        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(one(ref))
        return failed

    async def status(self, ref: ObjectRef, uid: str, status: StatusModel) -> None:
        """Write a status if it differs from the one that the API server has. Raises KubeError.

        uid: of the object that the status is about. One that was created under its name since has nothing of it.
        """
        was_known = await self._settle(ref)
        entry, desired = self._cache.get(ref), status.to_json()
        if entry is None or entry.tombstone:
            return
        _same(ref, uid, entry.meta)
        if entry.status != desired:
            if not was_known:
                # An earlier write of ours was done after all. The same would be said again, with another time.
                raise Conflict(f"{ref} has another status than was known")
            write = self._kube.write_status(ref, entry.meta, entry.status, desired)
            self._cache.put(ref.kind, await self._write(ref, write))

    def remembered(self, ref: ObjectRef) -> StatusModel | None:
        """The status of an object as it is known now, newer than the world of a pass that wrote to it."""
        entry = self._cache.get(ref)
        return remember(STATUS_MODELS[ref.kind], entry.status) if entry else None

    def uid(self, ref: ObjectRef) -> str:
        """Of the object that has this name now; empty if there is none."""
        entry = self._cache.get(ref)
        return entry.meta.uid if entry else ""

    async def guard(self, ref: ObjectRef, uid: str) -> None:
        """Put our finalizer on the object of this uid, unless it is there. Raises KubeError."""
        await self._settle(ref)
        entry = self._cache.get(ref)
        if entry is None:
            raise NotFound(f"{ref} is gone")
        _same(ref, uid, entry.meta)
        if not entry.meta.guarded:
            write = self._kube.write_finalizer(ref, entry.meta, present=True)
            self._cache.put(ref.kind, await self._write(ref, write))

    async def release(self, ref: ObjectRef, decided: ObjectMeta) -> None:
        """Take our finalizer off. Raises KubeError.

        decided: the object's metadata when that was decided. Of another object, and of another version of this one,
            nothing was decided: Gone, or Conflict.
        """
        try:
            await self._settle(ref)
            entry = self._cache.get(ref)
            if entry is None:
                return
            _same(ref, decided.uid, entry.meta)
            if entry.tombstone:
                self._cache.remove(ref)
            elif entry.meta.resource_version != decided.resource_version:
                raise Conflict(f"{ref} was changed since its end was decided")
            elif entry.meta.guarded:
                body = await self._write(ref, self._kube.write_finalizer(ref, decided, present=False))
                if decided.deleting and not decided.other_finalizers:
                    self._cache.learn_end(ref, decided.uid)
                else:
                    self._cache.put(ref.kind, body)
        except NotFound:
            # Of an earlier try, perhaps, whose answer was lost. The watch may have lost that it ended, too.
            self._cache.learn_end(ref, decided.uid)
            raise

    async def _write(self, ref: ObjectRef, write: Awaitable[Body]) -> Body:
        """The object as it was written. One whose write failed may be other than we know, until it was read again."""
        try:
            return await write
        except NotFound:
            raise
        except BaseException:
            self._doubtful.add(ref)
            raise

    async def _settle(self, ref: ObjectRef) -> bool:
        """Read again what an earlier write of unknown effect was to change: else the same would be written twice.

        Answers whether it is as it was known. Raises Conflict if users changed it: what is to be written now was
        decided on what was.
        """
        entry = self._cache.get(ref)
        if ref not in self._doubtful or entry is None or entry.tombstone:
            self._doubtful.discard(ref)
            return True
        body = await self._kube.get(ref)
        self._compare(ref.kind, body)
        _, change = self._cache.put(ref.kind, body)
        self._doubtful.discard(ref)
        return change is Change.NOTHING

    async def confirm(self, owner: ObjectRef, uid: str, hosts: Collection[ObjectRef], planned: Desired) -> None:
        """Ask the API server whether an object and all attachments of these hosts are as the plan assumes.

        Asked right before something is removed on the array: a watch may be late, and an attachment that needs it may
        have been created a moment ago; or the watch was in time, but the plan is older. Takes one request for a host of
        up to 500 attachments, and mostly no other. Raises Conflict or NotFound if something differs, and KubeError if
        the API server does not answer.
        """
        entry = self._cache.get(owner)
        if entry is None or entry.meta.uid != uid:
            raise NotFound(f"{owner} is gone")
        found = entry.tombstone
        for host in hosts:
            async for body in self._kube.list(Kind.ATTACHMENT, host.namespace, f"spec.hostRef.name={host.name}"):
                found = found or body["metadata"]["uid"] == uid
                self._compare(Kind.ATTACHMENT, body)
        if not found:
            body = await self._kube.get(owner)
            self._compare(owner.kind, body)
        for host in hosts:
            for ref, now in self._cache.attachments_of(host, planned.array.ref).items():
                before = planned.attachments.get(ref)
                if before is None or before.metadata.revision != now.metadata.revision:
                    raise Conflict(f"{ref} is not as it was when this was planned")

    def _compare(self, kind: Kind, body: Body) -> None:
        """Raise Conflict if users changed an object since it was known."""
        meta = body["metadata"]
        ref = ObjectRef(kind, meta["namespace"], meta["name"])
        known = self._cache.get(ref)
        if known is not None and known.meta.resource_version == meta["resourceVersion"]:
            return
        if self._cache.change(kind, body) is Change.WISH:
            if known is None or known.meta.uid == meta["uid"]:  # else a watch has to show the end of the former first
                self._cache.learn(kind, body)
            raise Conflict(f"{ref} is not as it was known a moment ago")

    def record_events(self, ref: ObjectRef, uid: str, news: Iterable[EventRecord]) -> None:
        """Have Events about an object written soon, also when it is about to go. Never waits, never fails."""
        for each in news:
            self._events.record_events(as_it_was(ref), uid, each)

    async def release_unchanged(self, ref: ObjectRef, decided: ObjectMeta, left: str) -> None:
        """As `release`, and say in an Event what stays on the array, if anything. Raises KubeError."""
        if left:
            self.record_events(ref, decided.uid, [EventRecord(EventReason.LEFT_ON_ARRAY, left)])
        await self.release(ref, decided)

    async def close(self) -> None:
        """Wait a moment for the Events that are still to be written."""
        await self._events.flush(_FLUSH)


def _same(ref: ObjectRef, uid: str, known: ObjectMeta) -> None:
    if known.uid != uid:
        raise NotFound(f"{ref} is gone, and another object has its name by now")
