"""The controller: one cache, one entry point for watch events, a worker per array, and the unassigned objects.

All events of an object arrive in `see`. It is level-triggered: the state counts, not the kind of event. `Unassigned`
reports on objects that no worker handles: their array or host does not exist, or their spec cannot be read.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Condition, DeletionPolicy, Origin, remember
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import GROUP, Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller import cache
from flashsystem_operator.controller.cache import (
    STATUS_MODELS,
    Backoff,
    Cache,
    Change,
    Clock,
    DelayQueue,
    Entry,
    tombstone_of,
)
from flashsystem_operator.controller.connection import Lease, LeaseTerms
from flashsystem_operator.controller.kube.client import Body, Kube
from flashsystem_operator.controller.kube.errors import Forbidden, KubeError, NotFound
from flashsystem_operator.controller.metrics.collector import Backlog, Scene
from flashsystem_operator.controller.metrics.recorder import Tallies, Tally, tally
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.worker import Worker
from flashsystem_operator.controller.writer import Writer, now, remember_released
from flashsystem_operator.planner import events, luns
from flashsystem_operator.planner.attachment.attach import host_not_found
from flashsystem_operator.planner.decision import Decision, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Labels, by_labels
from flashsystem_operator.planner.policies import left_by, way_out
from flashsystem_operator.planner.text import conditions, kept
from flashsystem_operator.settings import Settings

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
                failed = await self._writer.all((ref for ref in due if not self._looked_after(ref)), self._report)
            except asyncio.CancelledError:
                self._queue.put_all(due)  # for when the Lease is ours again
                raise
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
        decision = judge_unassigned(entry, self._cache)
        if isinstance(decision, Release):
            array = self._cache.array_of(ref)
            host = entry.counted if isinstance(entry.counted, FlashSystemHost) else None
            freed = [luns.left_by(host, host.status.quarantined_luns)] if host else []
            going = [ref] if decision.left else []
            if array and not await remember_released(self._writer, array, going, freed=freed):
                raise KubeError("cannot record what a released object leaves on the array")
            await self._outputs.release(entry.resource)
            await self._writer.release_unchanged(ref, entry.meta, decision.left)
        elif decision is not None:
            status = remember(STATUS_MODELS[ref.kind], entry.status)
            before: tuple[Condition, ...] = getattr(status, "conditions")  # noqa: B009 - every kind's status has them
            decision = replace(decision, notes=(*decision.notes, *kept(before)))
            after = conditions(decision, before, entry.meta.generation, now())
            update = {"conditions": after, "observed_generation": entry.meta.generation}
            await self._writer.status(ref, entry.meta.uid, status.model_copy(update=update))
            self._writer.record_events(ref, entry.meta.uid, events.of_unassigned(before, decision))


def judge_unassigned(entry: Entry, cache: Cache) -> Decision | None:
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


_AT_ONCE = 500
"""Objects that are counted before other tasks may run: some milliseconds."""
_DRAIN = 5 / 6
"""The part of the grace period in which a stop waits for commands that were sent."""
_CUT = 5.0
"""Seconds for tasks to end after their connections were closed."""
_NAMESPACES = 60.0
"""Seconds between two attempts to list namespaces, if that was forbidden at the start."""
_LISTED = 5.0
"""Seconds from the first object that a watch lists to a list of our own: a watch lists all of its kind at once."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event of a watch. gone: the object was deleted; `body` is then its last state.

    listed: it belongs to the list with which a watch begins, or begins again after the API server could not continue
        it. Such a list does not show which objects were deleted meanwhile.
    """

    kind: Kind
    gone: bool
    body: Mapping[str, Any]
    listed: bool = False


class Controller:
    """The controller of a process. Belongs to one event loop. Call `start`, then `see` for each event, then `stop`."""

    def __init__(self, kube: Kube, settings: Settings, clock: Clock = time.monotonic) -> None:
        self._kube = kube
        self._settings = settings
        self._cache = Cache(cache.Namespaces(settings.watched))
        # What a worker read, or found to be gone, before any watch has shown it.
        self._cache.learn = lambda kind, body: self.see(Sighting(kind, gone=False, body=body))
        self._cache.learn_end = self._learn_end
        self._clock = clock
        self._installation = settings.installation or ""
        self._workers: dict[ObjectRef, Worker] = {}
        self._running: dict[asyncio.Task[None], Worker | None] = {}
        """All tasks that have not ended in good order: of workers, also retired ones, and others."""
        terms = LeaseTerms(settings.namespace, settings.identity, settings.lease_duration)
        self._unassigned = Unassigned(self._cache, kube, terms, self._clock, self._has_worker)
        self._relist_soon = asyncio.Event()
        self._ending: float | None = None
        self.ready = False
        self.knows_namespaces = False

    @property
    def alive(self) -> bool:
        """Whether all tasks are running and make progress; after `stop`, whether the stop is still in time."""
        if self._ending is not None:
            return not self._running or self._clock() - self._ending < self._settings.grace * _DRAIN + _CUT
        return not any(task.done() for task in self._running) and all(
            worker.healthy for worker in self._running.values() if worker is not None
        )

    @property
    def left(self) -> list[str]:
        """The names of the tasks that are still running. Safe to call from any thread."""
        return [task.get_name() for task in list(self._running)]

    async def scene(self) -> Scene:
        """Count all objects for the metrics, and let other tasks run in between."""

        def worked_array(ref: ObjectRef) -> ObjectRef | None:
            array = self._cache.array_of(ref)
            return array if array in self._workers else None

        found, time = Tallies(Tally), now()
        entries = iter([entry for kind in Kind for entry in self._cache.entries(kind)])
        while some := list(islice(entries, _AT_ONCE)):
            tally(some, worked_array, time, found)
            await asyncio.sleep(0)
        workers = {ref: worker.state for ref, worker in self._workers.items()}
        return Scene(workers, self._unassigned.backlog, found)

    async def start(self) -> None:
        """List all objects before any decision, then begin to work. Raises KubeError if the cluster cannot be read."""
        if not self._installation:
            with _naming("get namespace kube-system, whose UID is the id of this installation"):
                self._installation = await self._kube.cluster_id()
        # Without the right to list namespaces only arrays that select by labels are affected, and report it.
        if not self._settings.watched and (labels := await cache.labels_if_allowed(self._kube.namespaces)) is not None:
            self._cache.namespaces.learn_all(labels)
            self.knows_namespaces = True
        for kind in Kind:
            await self._list(kind)
        self._begin("the work on objects without an array", self._unassigned.run())
        self._begin("listing again", self._relist())
        if not self.knows_namespaces and not self._settings.watched:
            self._begin("listing namespaces", self._ask_for_namespaces())
        self._match_workers()
        self._wake(entry.ref for kind in Kind for entry in self._cache.entries(kind))
        self.ready = True

    def end(self) -> None:
        """Begin to stop: from now on no command is sent, and no worker starts. Await `stop` afterwards."""
        self.ready = False
        if self._ending is None:
            self._ending = self._clock()
            for task, worker in self._running.items():
                self._cancel(task, worker)

    async def stop(self) -> None:
        """Stop all workers: commands that were sent are awaited, no further one is sent, Leases are released.

        Returns within the grace period: a worker that has not ended after five sixths of it loses its connections, and
        its Lease is left to expire. May be called again, also while the first call is under way.
        """
        self.end()
        since = self._clock() - (self._ending or 0.0)
        if not await self._has_ended(self._settings.grace * _DRAIN - since):
            log.error("connections to arrays are closed, since this has not ended in time: %s", ", ".join(self.left))
            for worker in self._running.values():
                if worker is not None:
                    worker.abandon()
            if not await self._has_ended(_CUT):
                log.error("this has not ended: %s", ", ".join(self.left))

    async def _has_ended(self, seconds: float) -> bool:
        """Whether all tasks end within so many seconds."""
        return not self._running or not (await asyncio.wait(list(self._running), timeout=max(0.0, seconds)))[1]

    @staticmethod
    def _cancel(task: asyncio.Task[None], worker: Worker | None) -> None:
        """Drain the connections first: a pass handles a cancellation only after its current command is answered."""
        if worker is not None:
            worker.drain()
        task.cancel()

    def see(self, sighting: Sighting) -> None:
        """Update the cache from a watch event, and wake the objects that it may concern."""
        meta = sighting.body["metadata"]
        ref = ObjectRef(sighting.kind, meta["namespace"], meta["name"])
        dependents = self._cache.dependents(ref)
        if sighting.listed:
            self._relist_soon.set()
        if sighting.gone:
            if not self._cache.remove(ref, meta["uid"]):
                return
            if (body := tombstone_of(sighting.kind, sighting.body)) is not None:
                log.warning(
                    "%s was removed despite the operator's finalizer: what it has on the array is detached", ref
                )
                dependents.add(self._cache.add_tombstone(sighting.kind, body))
        elif self._cache.put(sighting.kind, sighting.body)[1] is not Change.DESIRED:
            return
        self._changed(ref, dependents)

    def _learn_end(self, ref: ObjectRef, uid: str) -> None:
        """Remove an object that a worker found to be gone before any watch has shown it."""
        dependents = self._cache.dependents(ref)
        if self._cache.remove(ref, uid):
            self._changed(ref, dependents)

    def _changed(self, ref: ObjectRef, dependents: Collection[ObjectRef]) -> None:
        """Wake the objects that a change concerns. dependents: of the object as it was before."""
        if ref.kind is Kind.ARRAY:
            self._match_workers()
        self._wake({ref, *dependents, *self._cache.dependents(ref)})

    def see_namespace(self, name: str, labels: Labels | None) -> None:
        """Update a namespace's labels, None for a deleted one, and wake the objects whose arrays select by labels."""
        if self._cache.namespaces.learn(name, labels):
            here = []
            for entry in (*self._cache.entries(Kind.HOST), *self._cache.entries(Kind.ATTACHMENT)):
                found = self._cache.array_of(entry.ref) if entry.ref.namespace == name else None
                array = self._cache.get(found) if found else None
                if array is not None and isinstance(array.resource, FlashSystemArray) and by_labels(array.resource):
                    here.append(entry.ref)
            self._wake({ref for each in here for ref in (each, *self._cache.dependents(each))})

    def _wake(self, refs: Iterable[ObjectRef]) -> None:
        unassigned = []
        for ref in refs:
            array = self._cache.array_of(ref)
            worker = self._workers.get(array) if array else None
            if worker is not None and self._cache.get(ref) is not None and self._has_worker(ref):
                worker.wake([ref])
            else:
                unassigned.append(ref)
        self._unassigned.wake(unassigned)

    def _has_worker(self, ref: ObjectRef) -> bool:
        entry, array = self._cache.get(ref), self._cache.array_of(ref)
        return entry is not None and entry.resource is not None and array in self._workers

    def _match_workers(self) -> None:
        """Start a worker for every readable array, and retire those of arrays that are gone; none after a stop."""
        if self._ending is not None:
            return
        arrays = {array.ref for array in self._cache.arrays if not array.unreadable}
        for ref in arrays - self._workers.keys():
            worker = Worker(
                ref,
                self._installation,
                self._cache,
                self._kube,
                self._settings,
                self._clock,
                lambda: sum(each.working for each in self._workers.values()),
            )
            self._workers[ref] = worker
            self._begin(f"the work on {ref}", worker.run(), worker)
        for ref in self._workers.keys() - arrays:
            retired = self._workers.pop(ref)
            for task in [task for task, worker in self._running.items() if worker is retired]:
                self._cancel(task, retired)

    def _begin(self, name: str, life: Coroutine[Any, Any, None], worker: Worker | None = None) -> None:
        task = asyncio.create_task(life, name=name)
        self._running[task] = worker
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Log a task that ended by itself, which is a bug. /livez then fails, and Kubernetes restarts the operator."""
        if not task.cancelled():
            log.error("internal error: %s ended; please report it", task.get_name(), exc_info=task.exception())
        if task.cancelled() or self._ending is not None:
            del self._running[task]

    async def _list(self, kind: Kind) -> set[ObjectRef]:
        before, where = self._cache.versions(kind), self._settings.watched or (None,)
        bodies: list[Body] = []
        for namespace in where:
            with _naming(f"list {kind.plural}.{GROUP} in {f'namespace {namespace}' if namespace else 'the cluster'}"):
                bodies += [body async for body in self._kube.list(kind, namespace)]
        return self._cache.replace_all(kind, bodies, before)

    async def _ask_for_namespaces(self) -> None:
        """Use a permission that is granted after the start without a restart: list, since no watch was started."""
        while True:
            await asyncio.sleep(min(_NAMESPACES, self._settings.relist))
            try:
                labels = await cache.labels_if_allowed(self._kube.namespaces)
            except KubeError as error:
                log.warning("cannot list namespaces: %s", error)
                continue
            if labels is None:
                continue
            self.knows_namespaces = True
            for name, found in cache.changes(self._cache.namespaces.labels, labels).items():
                self.see_namespace(name, found)

    async def _relist(self) -> None:
        """List all objects now and then: a watch may miss the deletion of an object, a list does not."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.relist):
                    await self._relist_soon.wait()
                    await asyncio.sleep(_LISTED)
            self._relist_soon.clear()
            try:
                concerned = {ref for kind in Kind for ref in await self._list(kind)}
            except KubeError as error:
                log.warning("cannot list: %s", error)
                self._relist_soon.set()
                continue
            self._match_workers()
            for ref in self._cache.tombstones():
                array = self._cache.array_of(ref)
                worker = self._workers.get(array) if array else None
                if worker is None or not worker.working:  # the replica that works the array has cleaned it up meanwhile
                    self._cache.remove(ref)
            self._wake(concerned)


@contextlib.contextmanager
def _naming(what: str) -> Iterator[None]:
    """Add to a refusal what was refused: the API server's own message may be left out of it."""
    try:
        yield
    except Forbidden as error:
        raise Forbidden(f"no right to {what} ({error})") from error
