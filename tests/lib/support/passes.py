"""Whole passes over an array in process, against an API server in process: what is written where, and what is done."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.executor import Operation
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.metrics.recorder import Meter
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.pass_memory import DetachCounter, InDoubt, RefusalCache
from flashsystem_operator.controller.reconciler import Ended, Pass
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner import text
from flashsystem_operator.planner.desired import Desired
from support.builders import INSTALLATION, NAMESPACE, array, iqn
from support.fake_api import FakeApi
from support.in_process import InProcess

ARRAY = ObjectRef(Kind.ARRAY, NAMESPACE, "array")


def host_ref(name: str) -> ObjectRef:
    return ObjectRef(Kind.HOST, NAMESPACE, name)


def attachment_ref(name: str) -> ObjectRef:
    return ObjectRef(Kind.ATTACHMENT, NAMESPACE, name)


class Passes:
    """One worker's passes, each when a test says so. cache: what the watches have shown, by `see` and `lose`.

    meanwhile: called right before each command is typed.
    """

    def __init__(self, api: FakeApi, kube: Kube, session: Session, observer_thread: ThreadPoolExecutor) -> None:
        self.api = api
        self.cache = Cache()
        self.inventory: Inventory | None = None
        self.writer = Writer(kube, self.cache)
        self.in_doubt = InDoubt(monotonic, 120)
        self.meanwhile: Callable[[Operation], None] = lambda _: None
        self._time = datetime(2026, 3, 1, tzinfo=UTC)
        self._detach_counter = DetachCounter(self.writer)
        self._round = Pass(
            session,
            self.writer,
            self.in_doubt,
            RefusalCache(monotonic, 60),
            self._detach_counter,
            self._why_not,
            observer_thread,
            Outputs(kube, monotonic),
            Meter(ARRAY),
        )
        api.create(ARRAY, array().model_dump(mode="json", exclude_unset=True)["spec"], finalizers=[FINALIZER])
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

    # -- what the watches show ---------------------------------------------------------------------------------------

    def see(self, *refs: ObjectRef) -> None:
        """The watches show these as they are by now."""
        for ref in refs:
            if self.api.exists(ref):
                self.cache.put(ref.kind, self.api.read(ref))
            else:
                self.cache.remove(ref)

    # -- passes ------------------------------------------------------------------------------------------------------

    async def turn(self, *due: ObjectRef) -> Ended:
        """One pass over these."""
        ended = await self._round.run(self.desired, self.inventory, due, survey=self.inventory is None)
        self.inventory = ended.inventory
        return ended

    async def settle(self, *due: ObjectRef, most: int = 6, watching: bool = True) -> None:
        """Pass after pass until no object wants another turn. watching: the watches show each change at once."""
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

    def ready(self, ref: ObjectRef) -> dict[str, Any]:
        """The condition Ready, as the API server has it; empty if it says nothing."""
        conditions = self.api.read(ref)["status"].get("conditions", [])
        return next((each for each in conditions if each["type"] == "Ready"), {})

    def _why_not(self, operation: Operation) -> str:
        self.meanwhile(operation)
        return ""

    def _later(self) -> str:
        """Each look at the clock is a second after the one before: a time that is told again is told another way."""
        self._time += timedelta(seconds=1)
        return text.text(self._time)

    def desired(self, closed: str = "") -> Desired:
        """What is wished, as the watches have shown it."""
        entry = self.cache.get(ARRAY)
        assert entry is not None
        assert isinstance(entry.counted, FlashSystemArray)
        return Desired(
            array=entry.counted,
            hosts=self.cache.hosts_on(ARRAY),
            attachments=self.cache.attachments_on(ARRAY),
            installation=INSTALLATION,
            closed=closed,
            in_doubt=self.in_doubt.hosts,
            in_doubt_pairs=self.in_doubt.pairs,
            counted=self._detach_counter.counted,
            now=self._later(),
        )


@asynccontextmanager
async def passes(simulated: InProcess, limit: float = 15.0) -> AsyncIterator[Passes]:
    api = FakeApi()
    async with api.served(limit) as kube:
        with closing(await asyncio.to_thread(simulated.session)) as session, ThreadPoolExecutor(1) as observer_thread:
            running = Passes(api, kube, session, observer_thread)
            yield running
            await running.writer.close()
