"""Unassigned objects, which no worker handles: their array or host does not exist, or their spec cannot be read."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Condition, DeletionPolicy, Origin, remember
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller.array_status import remember_released
from flashsystem_operator.controller.cache import STATUS_MODELS, Cache, Entry
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import KubeError, NotFound
from flashsystem_operator.controller.leases import Lease, LeaseTerms
from flashsystem_operator.controller.metrics.collector import Backlog
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.workqueue import Backoff, Clock, DelayQueue
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.planner import events, luns
from flashsystem_operator.planner.attachment.attach import host_not_found
from flashsystem_operator.planner.decision import Decision, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.overrides import left_by, way_out
from flashsystem_operator.planner.text import conditions, kept

LEASE = "flashsystem-unassigned"
_BATCH = 500

log = logging.getLogger(__name__)


class Unassigned:
    """Reports what is missing, and releases a deleted object if it cannot have anything on an array.

    looked_after: whether a worker handles the object now.
    """

    def __init__(
        self, cache: Cache, kube: Kube, terms: LeaseTerms, clock: Clock, looked_after: Callable[[ObjectRef], bool]
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._terms = terms
        self._clock = clock
        self._looked_after = looked_after
        self._writer = Writer(kube, cache)
        self._outputs = Outputs(kube, clock)
        self._queue = DelayQueue[ObjectRef](clock)
        self._failures = Backoff[ObjectRef]()
        self._lease: Lease | None = None

    @property
    def backlog(self) -> Backlog | None:
        """The queue; None while another replica works it."""
        return Backlog.of(self._queue) if self._lease and self._lease.valid else None

    def wake(self, refs: Collection[ObjectRef]) -> None:
        self._queue.put_all(refs)

    async def run(self) -> None:
        """Work while holding the Lease, in one replica at a time; the others keep their queue until they hold it."""
        while True:
            lease = self._lease = Lease(self._kube, LEASE, self._terms, self._clock)
            await lease.acquire()
            try:
                await lease.while_held(self._work(), lambda: None)
            finally:
                await lease.release()
                await self._writer.close()

    async def _work(self) -> None:
        while True:
            due = await self._queue.batch(_BATCH, window=0.05)
            try:
                await self._turn(due)
            except asyncio.CancelledError:
                self._queue.put_all(due)  # for when the Lease is ours again
                raise

    async def _turn(self, due: Collection[ObjectRef]) -> None:
        failed = await self._writer.all((ref for ref in due if not self._looked_after(ref)), self._report)
        failed = {ref: error for ref, error in failed.items() if not isinstance(error, NotFound)}
        for ref, error in failed.items():
            log.warning("%s: %s", ref, error)
            self._queue.put(ref, self._failures.failed(ref))
        for ref in set(due) - failed.keys():
            self._failures.forget(ref)

    async def _report(self, ref: ObjectRef) -> None:
        entry = self._cache.get(ref)
        if entry is None:
            return
        decision = judge(entry, self._cache)
        if isinstance(decision, Release):
            await self._release(entry, decision)
        elif decision is not None:
            status = remember(STATUS_MODELS[ref.kind], entry.status)
            before: tuple[Condition, ...] = getattr(status, "conditions")  # noqa: B009 - every kind's status has them
            decision = replace(decision, notes=(*decision.notes, *kept(before)))
            after = conditions(decision, before, entry.meta.generation, now())
            update = {"conditions": after, "observed_generation": entry.meta.generation}
            await self._writer.status(ref, entry.meta.uid, status.model_copy(update=update))
            self._writer.record_events(ref, entry.meta.uid, events.of_unassigned(before, decision))

    async def _release(self, entry: Entry, end: Release) -> None:
        array = self._cache.array_of(entry.ref)
        host = entry.counted if isinstance(entry.counted, FlashSystemHost) else None
        freed = [luns.left_by(host, host.status.quarantined_luns)] if host else []
        going = [entry.ref] if end.left else []
        if array and not await remember_released(self._writer, array, going, freed=freed):
            raise KubeError("cannot record what a released object leaves on the array")
        await self._outputs.release(entry.resource)
        await self._writer.release_unchanged(entry.ref, entry.meta, end.left)


def judge(entry: Entry, cache: Cache) -> Decision | None:
    """Return why an object cannot be reconciled, or None for an array, which its worker handles."""
    if entry.meta.deleting and entry.meta.released:
        return Release(left_by(remember(STATUS_MODELS[entry.ref.kind], entry.status)))
    match entry.resource:
        case None:
            return Refuse(Reason.SPEC_UNREADABLE, entry.why)
        case VolumeAttachment() as attachment:
            volume = attachment.status.volume
            if attachment.metadata.deleting and (volume is None or volume.uid is None):
                return Release()
            array = cache.array_of(attachment.ref)
            return host_not_found(attachment) if array is None else _array_not_found(array, attachment.metadata, cache)
        case FlashSystemHost() as host:
            stays = host.status.ownership is not Origin.CREATED or host.spec.deletion_policy is DeletionPolicy.RETAIN
            if not host.metadata.deleting or not stays:
                return _array_not_found(host.array, host.metadata, cache)
            names = [ref.name for ref in cache.dependents(host.ref) if ref.kind is Kind.ATTACHMENT]
            in_use = f"VolumeAttachments still use this host: {', '.join(names)}."
            return Wait(Reason.IN_USE, in_use) if names else Release()
        case FlashSystemArray():
            return None


def _array_not_found(array: ObjectRef, meta: ObjectMeta, cache: Cache) -> Wait:
    if not cache.namespaces.watches(array.namespace):
        out = f", or {way_out(meta)}" if meta.deleting else ""
        return Wait(
            Reason.ARRAY_NOT_FOUND,
            f"{array} is in a namespace that this operator does not watch. Ask the cluster administrator to watch "
            f"namespace {array.namespace} too, with --watch-namespace{out}.",
        )
    missing = f"{array} does not exist or cannot be read."
    if meta.deleting:
        out = f"Create it again, and the operator removes what this object has on the array; or {way_out(meta)}."
        return Wait(Reason.ARRAY_NOT_FOUND, f"{missing} {out}")
    return Wait(
        Reason.ARRAY_NOT_FOUND,
        f"{missing} Create it to start the work; what is already on the array stays unchanged until then.",
    )
