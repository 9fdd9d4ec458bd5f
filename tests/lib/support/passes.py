"""Whole passes of the real reconciler, on a simulated array in process and an API server in process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any

from aiohttp.typedefs import Middleware

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, GROUP, Kind, ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.executor import DetachCounter, InDoubt, Operation, RefusalCache
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.metrics.recorder import Meter
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.reconciler import Ended, Pass
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner import text
from flashsystem_operator.planner.decision import Refuse
from flashsystem_operator.planner.desired import Desired, Labels, seniority, with_volumes
from flashsystem_operator.values import ChapSecret
from support.builders import INSTALLATION, NAMESPACE, array, iqn
from support.fake_api import FakeApi
from support.in_process import InProcess

ARRAY = ObjectRef(Kind.ARRAY, NAMESPACE, "array")
AnyResource = FlashSystemHost | FlashSystemVolume | VolumeAttachment


def host_ref(name: str) -> ObjectRef:
    return ObjectRef(Kind.HOST, NAMESPACE, name)


def attachment_ref(name: str) -> ObjectRef:
    return ObjectRef(Kind.ATTACHMENT, NAMESPACE, name)


def volume_ref(name: str, namespace: str = NAMESPACE) -> ObjectRef:
    return ObjectRef(Kind.VOLUME, namespace, name)


class Passes:
    """The passes of one worker, each when a test calls `turn`.

    cache: what the watches have shown, by `see`, `apply` and `delete`. chap: the CHAP secret of each host.
    leased, paused: what the worker knows of its Lease, and of the option that pauses all arrays.
    namespaces: the labels of each namespace that is known.
    steps: those that were sent, in order.
    meanwhile: called right before each command, before the last checks. watch: called with each step that passed them,
        right before it is sent. Both are called in the thread that sends; an error in one fails the pass.
    """

    def __init__(self, api: FakeApi, kube: Kube, session: Session, observer_thread: ThreadPoolExecutor) -> None:
        self.api = api
        self.cache = Cache()
        self.inventory: Inventory | None = None
        self.writer = Writer(kube, self.cache)
        self._passed = 0.0
        self.in_doubt = InDoubt(self._clock, 120)
        self.chap: dict[ObjectRef, ChapSecret | Refuse] = {}
        self.leased, self.paused = True, ""
        self.namespaces: Mapping[str, Labels] = {}
        self.steps: list[Step] = []
        self.meanwhile: Callable[[Operation], None] = lambda _: None
        self.watch: Callable[[Step], None] = lambda _: None
        self._time = datetime(2026, 3, 1, tzinfo=UTC)
        self._failures: list[BaseException] = []
        self._refusal_cache = RefusalCache(self._clock, 60)
        self._detach_counter = DetachCounter(self.writer)
        self._pass = Pass(
            session,
            self.writer,
            self.in_doubt,
            self._refusal_cache,
            self._detach_counter,
            self._why_not,
            observer_thread,
            Outputs(kube, monotonic),
            Meter(ARRAY),
        )
        if not api.exists(ARRAY):
            api.create(ARRAY, _spec(array()), finalizers=[FINALIZER])
        self.see(ARRAY)

    # -- what users do -----------------------------------------------------------------------------------------------

    def host(self, name: str, **more: Any) -> ObjectRef:
        spec = {"arrayRef": {"name": ARRAY.name}, "initiators": {"iscsi": [iqn(name)]}}
        self.api.create(ref := host_ref(name), spec, **more)
        return ref

    def attachment(self, name: str, on: str, volume: str, **more: Any) -> ObjectRef:
        spec = {"hostRef": {"name": on}, "volume": {"name": volume}, **more.pop("spec", {})}
        self.api.create(ref := attachment_ref(name), spec, **more)
        return ref

    def volume(self, name: str, size: str | None = "2Gi", *, namespace: str = NAMESPACE, **spec: Any) -> ObjectRef:
        """Create a FlashSystemVolume; the watches show it. size: None for one that is imported."""
        array, sized = {"name": ARRAY.name, "namespace": NAMESPACE}, {} if size is None else {"size": size}
        meta = spec.pop("metadata", {})
        self.api.create(ref := volume_ref(name, namespace), {"arrayRef": array, **sized, **spec}, **meta)
        self.see(ref)
        return ref

    def edit(self, ref: ObjectRef, **spec: Any) -> None:
        """Change parts of a spec; the watches show it."""
        self.api.edit(ref, spec)
        self.see(ref)

    def annotate(self, ref: ObjectRef, key: str, value: str) -> None:
        """Set an annotation; the watches show it."""
        self.api.annotate(ref, key, value)
        self.see(ref)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds
        self._time += timedelta(seconds=seconds)

    def apply(self, *resources: AnyResource) -> None:
        """Create these, or give the existing object of the same name this spec; the watches show it."""
        for each in resources:
            if self.api.exists(each.ref):
                self.api.replace_spec(each.ref, _spec(each))
            else:
                status, created = each.status.to_json(), each.metadata.creation_timestamp
                self.api.create(each.ref, _spec(each), status=status, creationTimestamp=created)
            self.see(each.ref)

    def delete(self, *refs: ObjectRef) -> None:
        """Delete these; the watches show it."""
        for ref in refs:
            self.api.delete(ref)
        self.see(*refs)

    # -- what the watches show ---------------------------------------------------------------------------------------

    def see(self, *refs: ObjectRef) -> None:
        """Let the watches show the present state of these objects."""
        for ref in refs:
            if self.api.exists(ref):
                self.cache.put(ref.kind, self.api.read(ref))
            else:
                self.cache.remove(ref)

    def see_all(self) -> None:
        """Let the watches show all objects that the API server has, as after a start."""
        self.see(*(each.ref for each in self.resources))

    # -- passes ------------------------------------------------------------------------------------------------------

    async def turn(self, *due: ObjectRef, survey: bool = False, after_read: Callable[[], None] = lambda: None) -> Ended:
        """Make one pass over the due objects. The first one is a survey in any case.

        after_read: what others do when the array has been read and nothing is planned yet.
        """
        calls = count()

        def desired(closed: str) -> Desired:
            if next(calls) == 1:  # the first call is before the read, the second before the plan
                after_read()
            return self.desired(closed)

        ended = await self._pass.run(desired, self.inventory, due, survey=survey or self.inventory is None)
        self.inventory = ended.inventory
        if self._failures:
            raise self._failures[0]
        return ended

    async def survey(self, after_read: Callable[[], None] = lambda: None) -> Ended:
        """Make one pass over everything, as when the array itself is due."""
        return await self.turn(*self.everything, survey=True, after_read=after_read)

    async def settle(self, *due: ObjectRef, most: int = 6, watching: bool = True) -> None:
        """Make passes until no object is requeued. watching: the watches show each change at once."""
        seen = due if watching else ()
        self.see(*seen)
        again: Collection[ObjectRef] = due
        for _ in range(most):
            ended = await self.turn(*due)
            self.see(*seen)
            again = ended.again.keys()
            if not ended.acted and not again:
                return
        raise AssertionError(f"there is always something to do: {again}")

    async def settle_all(self, most: int = 6) -> None:
        """Survey until a pass neither plans a command nor changes an object."""
        left: object = None
        for _ in range(most):
            before = len(self.api.writes)
            ended = await self.survey()
            changed = [write.path for write in self.api.writes[before:] if write.changed and GROUP in write.path]
            if not ended.acted and not changed:
                return
            left = changed, ended.again
        raise AssertionError(f"there is always something to do: {left}")

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def everything(self) -> list[ObjectRef]:
        """The hosts, volumes and attachments that the watches have shown, from the oldest to the youngest."""
        below = (self.cache.hosts_on(ARRAY), self.cache.volumes_on(ARRAY), self.cache.attachments_on(ARRAY))
        known = [each for some in below for each in some.values()]
        return [each.ref for each in sorted(known, key=seniority)]

    @property
    def hosts(self) -> list[FlashSystemHost]:
        """The FlashSystemHosts that the API server has."""
        return [FlashSystemHost.read(body) for body in self._bodies(Kind.HOST)]

    @property
    def volumes(self) -> list[FlashSystemVolume]:
        """The FlashSystemVolumes that the API server has."""
        return [FlashSystemVolume.read(body) for body in self._bodies(Kind.VOLUME)]

    @property
    def attachments(self) -> list[VolumeAttachment]:
        """The VolumeAttachments that the API server has."""
        return [VolumeAttachment.read(body) for body in self._bodies(Kind.ATTACHMENT)]

    @property
    def resources(self) -> list[AnyResource]:
        """All hosts, volumes and attachments that the API server has."""
        return [*self.hosts, *self.volumes, *self.attachments]

    def _bodies(self, kind: Kind) -> list[dict[str, Any]]:
        return [body for place, body in list(self.api.objects.items()) if f"/{kind.plural}/" in place]

    def ready(self, ref: ObjectRef) -> dict[str, Any]:
        """The condition Ready in the API server; empty if there is none."""
        return self.condition(ref, "Ready")

    def condition(self, ref: ObjectRef, which: str) -> dict[str, Any]:
        """A condition in the API server; empty if there is none."""
        conditions = self.api.read(ref)["status"].get("conditions", [])
        return next((each for each in conditions if each["type"] == which), {})

    def _why_not(self, operation: Operation) -> str:
        """Do what the worker does before each command: ask `executor.why_not`."""
        try:
            self.meanwhile(operation)
            if why := executor.why_not(operation, self.cache, leased=self.leased, paused=self.paused):
                return why
            self.watch(operation.step)
        except BaseException as error:
            self._failures.append(error)
            raise
        self.steps.append(operation.step)
        return ""

    def _clock(self) -> float:
        return monotonic() + self._passed

    def _later(self) -> str:
        """The time, one second later at each call: a time that is written twice by mistake differs."""
        self._time += timedelta(seconds=1)
        return text.text(self._time)

    def desired(self, closed: str = "") -> Desired:
        """The desired state, as the watches have shown it."""
        entry = self.cache.get(ARRAY)
        assert entry is not None
        assert isinstance(entry.counted, FlashSystemArray)
        volumes = self.cache.volumes_on(ARRAY)
        return Desired(
            array=entry.counted,
            hosts=self.cache.hosts_on(ARRAY),
            volumes=volumes,
            attachments=with_volumes(self.cache.attachments_on(ARRAY), volumes),
            namespaces=self.namespaces,
            installation=INSTALLATION,
            closed=closed,
            in_doubt=self.in_doubt.hosts,
            in_doubt_pairs=self.in_doubt.pairs,
            in_doubt_volumes=self.in_doubt.volumes,
            all_in_doubt=self.in_doubt.everything,
            chap=dict(self.chap),
            held=self._refusal_cache.held,
            counted=self._detach_counter.counted,
            paused=self.paused,
            marked=self.cache.marked,
            now=self._later(),
        )


def _spec(resource: FlashSystemArray | AnyResource) -> dict[str, Any]:
    """The spec as a manifest has it."""
    return resource.spec.model_dump(mode="json", exclude_unset=True, exclude_none=True)


@asynccontextmanager
async def passes(
    simulated: InProcess, limit: float = 15.0, api: FakeApi | None = None, *middlewares: Middleware
) -> AsyncIterator[Passes]:
    """A worker that begins: its cache has nothing but the array. api: with what an earlier worker left there.

    middlewares: of the API server.
    """
    api = api or FakeApi()
    async with api.served(limit, *middlewares) as kube:
        with closing(await asyncio.to_thread(simulated.session)) as session, ThreadPoolExecutor(1) as observer_thread:
            running = Passes(api, kube, session, observer_thread)
            try:
                yield running
            finally:
                await running.writer.close()
