"""All of it together: one inbox, one cache, a worker per array.

All the events of an object's life meet in `see`: it is the state that matters, and not what rang the bell.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.metadata import GROUP, Kind, ObjectRef
from flashsystem_operator.controller import cache
from flashsystem_operator.controller.cache import Cache, Change, Entry, tombstone_of
from flashsystem_operator.controller.kube.client import Body, Forbidden, Kube, KubeError
from flashsystem_operator.controller.leases import LeaseTerms
from flashsystem_operator.controller.metrics.collector import Scene
from flashsystem_operator.controller.metrics.recorder import Tallies, Tally, tally
from flashsystem_operator.controller.unassigned import Unassigned
from flashsystem_operator.controller.worker import Worker
from flashsystem_operator.controller.workqueue import Clock
from flashsystem_operator.controller.writer import now
from flashsystem_operator.planner.access import Labels, by_labels
from flashsystem_operator.settings import Settings

_AT_ONCE = 500
"""Objects that are counted before others get their turn: some milliseconds."""
_DRAIN = 5 / 6
"""The part of the grace period in which a stop waits for commands that were sent."""
_CUT = 5.0
"""Seconds for what is cut off then to end."""
_NAMESPACES = 60.0
"""Seconds between two tries to list namespaces, where that was not allowed at the start."""
_LISTED = 5.0
"""Seconds from the first object that a watch lists to a listing of ours: a watch lists all of its kind at once."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a watch showed. gone: the object was deleted; `body` is then its last state.

    listed: it is of the listing with which a watch begins, also one that has to begin again because the API server
        could not go on from where it was. Such a listing does not show what ended meanwhile.
    """

    kind: Kind
    gone: bool
    body: Mapping[str, Any]
    listed: bool = False


class Controller:
    """Belongs to one event loop. `start`, then `see` whatever the watches show, then `stop`."""

    def __init__(self, kube: Kube, settings: Settings, clock: Clock = time.monotonic) -> None:
        self._kube = kube
        self._settings = settings
        self._cache = Cache(cache.Namespaces(settings.watched))
        self._cache.learn, self._cache.learn_end = self._learn, self._learn_end
        self._clock = clock
        self._installation = settings.installation or ""
        self._workers: dict[ObjectRef, Worker] = {}
        self._running: dict[asyncio.Task[None], Worker | None] = {}
        """All that was begun and has not ended in good order: workers, also retired ones, and other tasks."""
        terms = LeaseTerms(settings.namespace, settings.identity, settings.lease_duration)
        self._unassigned = Unassigned(self._cache, kube, terms, self._clock, self._has_worker)
        self._relist_soon = asyncio.Event()
        self._ending: float | None = None
        self.ready = False
        self.knows_namespaces = False

    @property
    def alive(self) -> bool:
        """Whether all that should be running is, and gets on; after `stop`, whether that is still in time."""
        if self._ending is not None:
            return not self._running or self._clock() - self._ending < self._settings.grace * _DRAIN + _CUT
        return not any(task.done() for task in self._running) and all(
            worker.healthy for worker in self._running.values() if worker is not None
        )

    @property
    def left(self) -> list[str]:
        """What is still running, in words. Safe to call from any thread."""
        return [task.get_name() for task in list(self._running)]

    async def scene(self) -> Scene:
        """For whoever measures: one look at every object, with room for others every now and then."""
        found, time = Tallies(Tally), now()
        entries = iter([entry for kind in Kind for entry in self._cache.entries(kind)])
        while some := list(islice(entries, _AT_ONCE)):
            tally(some, self._worked_array, time, found)
            await asyncio.sleep(0)
        workers = {ref: worker.state for ref, worker in self._workers.items()}
        return Scene(workers, self._unassigned.backlog, found)

    def _worked_array(self, ref: ObjectRef) -> ObjectRef | None:
        array = self._cache.array_of(ref)
        return array if array in self._workers else None

    async def start(self) -> None:
        """List everything before anything is concluded, then work. Raises KubeError if the cluster cannot be read."""
        if not self._installation:
            with _saying("get namespace kube-system, whose UID is the id of this installation"):
                self._installation = await self._kube.cluster_id()
        await self._list_namespaces()
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
        """Begin to stop: from now on no command is sent, and no worker begins. `stop` is still to be awaited."""
        self.ready = False
        if self._ending is None:
            self._ending = self._clock()
            for task, worker in self._running.items():
                self._cancel(task, worker)

    async def stop(self) -> None:
        """End every worker: commands that were sent are waited for, no further one is sent, Leases are released.

        Returns within the grace period: what has not ended after five sixths of it loses its connections, and its
        Lease is left to run out. May be called again, also while the first call is under way.
        """
        self.end()
        since = self._clock() - (self._ending or 0.0)
        if not await self._has_ended(self._settings.grace * _DRAIN - since):
            log.error("connections to arrays are cut, since this has not ended in time: %s", ", ".join(self.left))
            for worker in self._running.values():
                if worker is not None:
                    worker.abandon()
            if not await self._has_ended(_CUT):
                log.error("this has not ended: %s", ", ".join(self.left))

    async def _has_ended(self, seconds: float) -> bool:
        """Whether all that was begun has, within so many seconds."""
        return not self._running or not (await asyncio.wait(list(self._running), timeout=max(0.0, seconds)))[1]

    @staticmethod
    def _cancel(task: asyncio.Task[None], worker: Worker | None) -> None:
        """Its connections first: a pass hears of a cancellation only when the command is answered that it waits for."""
        if worker is not None:
            worker.drain()
        task.cancel()

    def see(self, sighting: Sighting) -> None:
        """Take in what a watch showed, and wake whomever it may concern."""
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
                    "%s was removed although our finalizer was on it: what it has on the array is detached", ref
                )
                dependents.add(self._cache.add_tombstone(sighting.kind, body))
        elif self._cache.put(sighting.kind, sighting.body)[1] is not Change.WISH:
            return
        self._changed(ref, dependents)

    def _learn(self, kind: Kind, body: Body) -> None:
        """Take in what a worker read that no watch has shown yet."""
        self.see(Sighting(kind, gone=False, body=body))

    def _learn_end(self, ref: ObjectRef, uid: str) -> None:
        """Take in that a worker found an object gone before any watch has shown it."""
        dependents = self._cache.dependents(ref)
        if self._cache.remove(ref, uid):
            self._changed(ref, dependents)

    def _changed(self, ref: ObjectRef, dependents: Collection[ObjectRef]) -> None:
        """Wake whom a change concerns. kin: of the object as it was before."""
        if ref.kind is Kind.ARRAY:
            self._match_workers()
        self._wake({ref, *dependents, *self._cache.dependents(ref)})

    def see_namespace(self, name: str, labels: Labels | None) -> None:
        """Take in what the watch of namespaces showed, None for the end of one, and wake whom arrays choose by that."""
        if self._cache.namespaces.learn(name, labels):
            here = [
                e.ref for kind in (Kind.HOST, Kind.ATTACHMENT) for e in self._cache.entries(kind) if self._in(e, name)
            ]
            self._wake({ref for each in here for ref in (each, *self._cache.dependents(each))})

    def _in(self, entry: Entry, namespace: str) -> bool:
        """Whether it is in the namespace, and its array looks at labels."""
        found = self._cache.array_of(entry.ref) if entry.ref.namespace == namespace else None
        array = self._cache.get(found) if found else None
        return array is not None and isinstance(array.resource, FlashSystemArray) and by_labels(array.resource)

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
        """A worker for every array that can be read, and none for those that are gone; none after a stop."""
        if self._ending is not None:
            return
        arrays = {array.ref for array in self._cache.arrays if not array.unreadable}
        for ref in arrays - self._workers.keys():
            worker = Worker(
                ref, self._installation, self._cache, self._kube, self._settings, self._clock, self._working
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
        """None of these ends by itself. /livez says so too, and Kubernetes then starts the operator again."""
        if not task.cancelled():
            log.error(
                "%s ended in a way that it must not: please report this", task.get_name(), exc_info=task.exception()
            )
        if task.cancelled() or self._ending is not None:
            del self._running[task]

    def _works(self, ref: ObjectRef) -> bool:
        array = self._cache.array_of(ref)
        worker = self._workers.get(array) if array else None
        return worker is not None and worker.working

    def _working(self) -> int:
        return sum(worker.working for worker in self._workers.values())

    async def _list(self, kind: Kind) -> set[ObjectRef]:
        before, where = self._cache.versions(kind), self._settings.watched or (None,)
        bodies: list[Body] = []
        for namespace in where:
            with _saying(f"list {kind.plural}.{GROUP} in {f'namespace {namespace}' if namespace else 'the cluster'}"):
                bodies += [body async for body in self._kube.list(kind, namespace)]
        return self._cache.replace_all(kind, bodies, before)

    async def _list_namespaces(self) -> None:
        """Where we may not, all is well but for arrays that choose by labels: those say so, until we may."""
        if self._settings.watched:
            return
        if (labels := await cache.listed(self._kube.namespaces)) is not None:
            self._cache.namespaces.learn_all(labels)
            self.knows_namespaces = True

    async def _ask_for_namespaces(self) -> None:
        """A right that is given after the start is used without a restart; by listing, since no watch was begun."""
        while True:
            await asyncio.sleep(min(_NAMESPACES, self._settings.relist))
            try:
                labels = await cache.listed(self._kube.namespaces)
            except KubeError as error:
                log.warning("cannot list namespaces: %s", error)
                continue
            if labels is None:
                continue
            self.knows_namespaces = True
            for name, found in cache.changes(self._cache.namespaces.labels, labels).items():
                self.see_namespace(name, found)

    async def _relist(self) -> None:
        """A watch may lose an object's end for ever; a list does not."""
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
                if not self._works(ref):  # whoever works the array has seen to it by now
                    self._cache.remove(ref)
            self._wake(concerned)


@contextlib.contextmanager
def _saying(what: str) -> Iterator[None]:
    """A refusal says what was refused: the answer of the API server may be kept from those who read it."""
    try:
        yield
    except Forbidden as error:
        raise Forbidden(f"no right to {what} ({error})") from error
