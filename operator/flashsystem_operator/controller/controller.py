"""All of it together: one inbox, one cache, a worker per array.

All the events of an object's life meet in `see`: it is the state that matters, and not what rang the bell.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.kinds import GROUP, Kind, ObjectRef
from flashsystem_operator.controller import namespaces
from flashsystem_operator.controller.cache import Cache, Change, Entry
from flashsystem_operator.controller.ghosts import ghost_of
from flashsystem_operator.controller.kube import Body, Forbidden, Kube, KubeError
from flashsystem_operator.controller.lease import LeaseTerms
from flashsystem_operator.controller.metrics.exposition import Scene
from flashsystem_operator.controller.metrics.tally import Tallies, Tally, tally
from flashsystem_operator.controller.strays import Strays
from flashsystem_operator.controller.worker import Worker
from flashsystem_operator.controller.writer import now
from flashsystem_operator.reconcile.labels import Labels
from flashsystem_operator.reconcile.tenancy import by_labels
from flashsystem_operator.settings import Settings

_AT_ONCE = 500
"""Objects that are counted before others get their turn: some milliseconds."""
_NAMESPACES = 60.0
"""Seconds between two tries to list namespaces, where that was not allowed at the start."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a watch showed. gone: the object was deleted; `body` is then its last state."""

    kind: Kind
    gone: bool
    body: Mapping[str, Any]


class Controller:
    """Belongs to one event loop. `start`, then `see` whatever the watches show, then `stop`."""

    def __init__(self, kube: Kube, settings: Settings) -> None:
        self._kube = kube
        self._settings = settings
        self._cache = Cache(namespaces.Namespaces(settings.watched))
        self._clock = time.monotonic
        self._installation = settings.installation or ""
        self._workers: dict[ObjectRef, Worker] = {}
        self._tasks: dict[ObjectRef | str, asyncio.Task[None]] = {}
        terms = LeaseTerms(settings.namespace, settings.identity, settings.lease_duration)
        self._strays = Strays(self._cache, kube, terms, self._clock, self._has_worker)
        self.ready = False
        self.knows_namespaces = False

    @property
    def alive(self) -> bool:
        """Whether every task that should be running is."""
        return not any(task.done() for task in self._tasks.values())

    async def scene(self) -> Scene:
        """For whoever measures: one look at every object, with room for others every now and then."""
        found, time = Tallies(Tally), now()
        entries = iter([entry for kind in Kind for entry in self._cache.entries(kind)])
        while some := list(islice(entries, _AT_ONCE)):
            tally(some, self._worked_array, time, found)
            await asyncio.sleep(0)
        workers = {ref: worker.standing for ref, worker in self._workers.items()}
        return Scene(workers, self._strays.backlog, found)

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
        self._begin("strays", self._strays.run())
        self._begin("relist", self._relist())
        if not self.knows_namespaces and not self._settings.watched:
            self._begin("namespaces", self._ask_for_namespaces())
        self._match_workers()
        self._wake(entry.ref for kind in Kind for entry in self._cache.entries(kind))
        self.ready = True

    async def stop(self) -> None:
        """Let every worker finish what it sent and let go of its Lease."""
        self.ready = False
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # _complain has said what there is to say

    def see(self, sighting: Sighting) -> None:
        """Take in what a watch showed, and wake whomever it may concern."""
        meta = sighting.body["metadata"]
        ref = ObjectRef(sighting.kind, meta["namespace"], meta["name"])
        kin = self._cache.kin(ref) | self._leaving_parents(ref)
        if not self._is_news(sighting, ref):
            return
        if sighting.gone and (body := ghost_of(sighting.kind, sighting.body)) is not None:
            log.warning("%s was removed although our finalizer was on it: what it has on the array is detached", ref)
            kin.add(self._cache.haunt(sighting.kind, body))
        if ref.kind is Kind.ARRAY:
            self._match_workers()
        self._wake({ref, *kin, *self._cache.kin(ref)})

    def see_namespace(self, name: str, labels: Labels | None) -> None:
        """Take in what the watch of namespaces showed, None for the end of one, and wake whom arrays choose by that."""
        if self._cache.namespaces.learn(name, labels):
            here = [
                e.ref for kind in (Kind.HOST, Kind.ATTACHMENT) for e in self._cache.entries(kind) if self._in(e, name)
            ]
            self._wake({ref for each in here for ref in (each, *self._cache.kin(each))})

    def _in(self, entry: Entry, namespace: str) -> bool:
        """Whether it is in the namespace, and its array looks at labels."""
        found = self._cache.array_of(entry.ref) if entry.ref.namespace == namespace else None
        array = self._cache.get(found) if found else None
        return array is not None and isinstance(array.resource, FlashSystemArray) and by_labels(array.resource)

    def _leaving_parents(self, ref: ObjectRef) -> set[ObjectRef]:
        """The array of an object, if it is being deleted and waits for the last of its children."""
        array = self._cache.array_of(ref)
        entry = self._cache.get(array) if array else None
        return {entry.ref} if entry and entry.meta.deleting else set()

    def _is_news(self, sighting: Sighting, ref: ObjectRef) -> bool:
        if sighting.gone:
            return self._cache.remove(ref, sighting.body["metadata"]["uid"])
        return self._cache.put(sighting.kind, sighting.body)[1] is Change.WISH

    def _wake(self, refs: Iterable[ObjectRef]) -> None:
        strays = []
        for ref in refs:
            array = self._cache.array_of(ref)
            worker = self._workers.get(array) if array else None
            if worker is not None and self._cache.get(ref) is not None and self._has_worker(ref):
                worker.wake([ref])
            else:
                strays.append(ref)
        self._strays.wake(strays)

    def _has_worker(self, ref: ObjectRef) -> bool:
        entry, array = self._cache.get(ref), self._cache.array_of(ref)
        return entry is not None and entry.resource is not None and array in self._workers

    def _match_workers(self) -> None:
        """A worker for every array that can be read, and none for those that are gone."""
        arrays = {array.ref for array in self._cache.arrays}
        for ref in arrays - self._workers.keys():
            worker = Worker(
                ref, self._installation, self._cache, self._kube, self._settings, self._clock, self._working
            )
            self._workers[ref] = worker
            self._begin(ref, worker.run())
        for ref in self._workers.keys() - arrays:
            del self._workers[ref]
            self._retire(self._tasks.pop(ref))

    def _begin(self, name: ObjectRef | str, life: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = asyncio.create_task(life)
        self._tasks[name].add_done_callback(_complain)

    def _retire(self, task: asyncio.Task[None]) -> None:
        """Its last work is waited for, in case the operator stops meanwhile."""
        task.cancel()
        key = f"retired-{id(task)}"
        self._tasks[key] = asyncio.create_task(_until_done(task))
        self._tasks[key].add_done_callback(lambda _: self._tasks.pop(key, None))

    def _works(self, ref: ObjectRef) -> bool:
        array = self._cache.array_of(ref)
        worker = self._workers.get(array) if array else None
        return worker is not None and worker.working

    def _working(self) -> int:
        return sum(worker.working for worker in self._workers.values())

    async def _list(self, kind: Kind) -> list[ObjectRef]:
        before, where = self._cache.uids(kind), self._settings.watched or (None,)
        bodies: list[Body] = []
        for namespace in where:
            with _saying(f"list {kind.plural}.{GROUP} in {f'namespace {namespace}' if namespace else 'the cluster'}"):
                bodies += [body async for body in self._kube.list(kind, namespace)]
        return self._cache.replace_all(kind, bodies, before)

    async def _list_namespaces(self) -> None:
        """Where we may not, all is well but for arrays that choose by labels: those say so, until we may."""
        if self._settings.watched:
            return
        if (labels := await namespaces.listed(self._kube.namespaces)) is not None:
            self._cache.namespaces.learn_all(labels)
            self.knows_namespaces = True

    async def _ask_for_namespaces(self) -> None:
        """A right that is given after the start is used without a restart; by listing, since no watch was begun."""
        while True:
            await asyncio.sleep(min(_NAMESPACES, self._settings.relist))
            try:
                labels = await namespaces.listed(self._kube.namespaces)
            except KubeError as error:
                log.warning("cannot list namespaces: %s", error)
                continue
            if labels is None:
                continue
            self.knows_namespaces = True
            for name, found in namespaces.changes(self._cache.namespaces.labels, labels).items():
                self.see_namespace(name, found)

    async def _relist(self) -> None:
        """A watch may lose an object's end for ever; a list does not."""
        while True:
            await asyncio.sleep(self._settings.relist)
            try:
                changed = [ref for kind in Kind for ref in await self._list(kind)]
            except KubeError as error:
                log.warning("cannot list: %s", error)
                continue
            self._match_workers()
            for ref in self._cache.ghosts():
                if not self._works(ref):  # whoever works the array has seen to it by now
                    self._cache.remove(ref)
            self._wake({ref for each in changed for ref in (each, *self._cache.kin(each))})


@contextlib.contextmanager
def _saying(what: str) -> Iterator[None]:
    """A refusal says what was refused: the answer of the API server may be kept from those who read it."""
    try:
        yield
    except Forbidden as error:
        raise Forbidden(f"no right to {what} ({error})") from error


def _complain(task: asyncio.Task[None]) -> None:
    """None of these ends by itself. /livez says so too, and Kubernetes then starts the operator anew."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task ended in a way that it must not: please report this", exc_info=error)


async def _until_done(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})
