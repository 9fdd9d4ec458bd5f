"""The response to a scrape: what the meters counted, and the state of the cache and the workers at this moment.

Every replica knows every object, but only the replica that works an array reports it: so sums over replicas are right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Self

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from flashsystem_operator.api.array import FlashSystemArray, PoolUse
from flashsystem_operator.api.base import find
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.controller.cache import DelayQueue
from flashsystem_operator.controller.metrics import families
from flashsystem_operator.controller.metrics.families import FAMILIES, Family
from flashsystem_operator.controller.metrics.recorder import Meter, Tally
from flashsystem_operator.planner.desired import recorded_bytes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue at one moment. oldest: seconds for which its oldest due object has been due."""

    due: int = 0
    scheduled: int = 0
    oldest: float = 0.0

    @classmethod
    def of(cls, queue: DelayQueue[ObjectRef]) -> Self:
        due, oldest = queue.due
        return cls(due, len(queue) - due, oldest)


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker at one moment. array: None if it cannot be read. works: whether it holds the Lease."""

    array: FlashSystemArray | None
    works: bool
    meter: Meter
    backlog: Backlog
    ssh_sessions: int


@dataclass(frozen=True, slots=True)
class Scene:
    """All of a replica at one moment.

    unassigned: the queue of the unassigned objects; None if another replica works it. tallies: by array with a worker;
    under None, of all other objects, whatever array they name.
    """

    workers: Mapping[ObjectRef, WorkerState]
    unassigned: Backlog | None
    tallies: Mapping[ObjectRef | None, Tally]


class Exposition(Collector):
    """All metrics of a scene and of this process, in a registry of its own."""

    def __init__(self) -> None:
        self._scene: Scene | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, scene: Scene) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        self._scene = scene
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: at registration there is no scene yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        scene = self._scene
        if scene is None:
            return
        # Without `_total`, which prometheus-client adds itself.
        shown = {each.name: Metric(each.name.removesuffix("_total"), each.text, each.kind) for each in FAMILIES}
        for state in scene.workers.values():
            for metric in state.meter.collect():
                kept = [sample for sample in metric.samples if not sample.name.endswith("_created")]
                name = f"{metric.name}_total" if metric.type == "counter" else metric.name
                shown[name].samples.extend(kept)
        for family, labels, value in _gauges(scene):
            shown[family.name].add_sample(family.name, dict(zip(family.labels, labels, strict=True)), float(value))
        yield from shown.values()


_Sample = tuple[Family, tuple[str, ...], float]


def _gauges(scene: Scene) -> Iterator[_Sample]:
    yield families.BUILD, (version("flashsystem-operator"),), 1
    for ref, state in scene.workers.items():
        labels = (ref.namespace, ref.name)
        yield families.LEASE, labels, state.works
        if state.works:
            yield from _of_queue(state.backlog, labels)
            yield families.RUNNING, labels, state.meter.running
            yield families.SESSIONS, labels, state.ssh_sessions
            if state.array is not None:
                status = state.array.status
                if reachable := find(status.conditions, "Reachable"):
                    yield families.REACHABLE, labels, reachable.status == "True"
                last = status.last_contact_time
                if contact := state.meter.last_contact or (datetime.fromisoformat(last).timestamp() if last else 0.0):
                    yield families.CONTACT, labels, contact
                if status.system_id:
                    system = (status.system_id, status.product or "", status.code_level or "", status.dialect or "")
                    yield families.INFO, (*labels, *system), 1
                yield from _of_pools(status.pools, labels)
            yield from _of_objects(scene.tallies.get(ref, Tally()), labels)
    nowhere = ("", "")
    yield families.LEASE, nowhere, scene.unassigned is not None
    if scene.unassigned is not None:
        yield from _of_queue(scene.unassigned, nowhere)
        yield from _of_objects(scene.tallies.get(None, Tally()), nowhere)


def _of_queue(backlog: Backlog, labels: tuple[str, str]) -> Iterator[_Sample]:
    yield families.DUE, labels, backlog.due
    yield families.SCHEDULED, labels, backlog.scheduled
    yield families.OLDEST, labels, backlog.oldest


def _of_pools(pools: Iterable[PoolUse], labels: tuple[str, str]) -> Iterator[_Sample]:
    for pool in pools:
        sizes = (
            (families.POOL_CAPACITY, pool.capacity),
            (families.POOL_FREE, pool.free),
            (families.POOL_USED, pool.used),
            (families.POOL_PROVISIONED, pool.provisioned),
        )
        for family, size in sizes:
            if pool.name and size is not None:
                yield family, (*labels, pool.name), recorded_bytes(size)


def _of_objects(tally: Tally, labels: tuple[str, str]) -> Iterator[_Sample]:
    for states, count in tally.objects.items():
        yield families.OBJECTS, (*labels, *states), count
    for reasons, count in tally.not_ready.items():
        yield families.NOT_READY, (*labels, *reasons), count
    for drifts, count in tally.drifted.items():
        yield families.DRIFTED, (*labels, *drifts), count
    for notes, count in tally.noted.items():
        yield families.NOTED, (*labels, *notes), count
    for origin, count in tally.volumes.items():
        yield families.VOLUMES, (*labels, origin), count
        yield families.VOLUME_BYTES, (*labels, origin), tally.volume_bytes[origin]
    yield families.BLOCKED, labels, tally.blocked
    yield families.QUARANTINED, labels, tally.quarantined
    yield families.LOGINS, labels, tally.sessions
