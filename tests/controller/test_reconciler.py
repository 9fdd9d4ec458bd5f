"""A whole pass over a simulated array: which objects are requeued, and when."""

import asyncio
import threading
from collections import UserDict
from collections.abc import Callable, Iterator, KeysView
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, GROUP, VERSION, Kind, ObjectRef
from flashsystem_operator.array.commands import RemovePort, Step, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Withheld
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.controller import reconciler
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.executor import DetachCounter, InDoubt, NotDone, Operation, RefusalCache, Results
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.metrics.recorder import Meter
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.reconciler import Pass
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.planner.decision import UNSEEN, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.events import ChangeKind, ChangeReason
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import HostName, VolumeUid
from support import builders
from support.fake_api import FakeApi, Fault, path
from support.in_process import InProcess
from support.passes import passes


@pytest.fixture
def array() -> Iterator[InProcess]:
    with InProcess({"dialect": "modern"}) as running:
        yield running


def create_pass(
    kube: Kube, session: Session, observer_thread: ThreadPoolExecutor, cache: Cache, why_not: str = ""
) -> Pass:
    """Create a pass. why_not: if not empty, the reason why no command is sent."""
    writer = Writer(kube, cache)
    return Pass(
        session,
        writer,
        InDoubt(monotonic, 120),
        RefusalCache(monotonic, 60),
        DetachCounter(writer),
        lambda _: why_not,
        observer_thread,
        Outputs(kube, monotonic),
        Meter(ObjectRef(Kind.ARRAY, builders.NAMESPACE, "array")),
    )


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.ATTACHMENT], ids=["a host", "an attachment"])
async def test_an_object_that_is_gone_by_its_turn_is_not_requeued(array: InProcess, kind: Kind) -> None:
    """It was due, for example after a delay, and was removed meanwhile. Otherwise passes would follow without end."""
    gone, of = ObjectRef(kind, builders.NAMESPACE, "gone"), builders.array()

    async with FakeApi().served() as kube:
        with closing(await asyncio.to_thread(array.session)) as session, ThreadPoolExecutor(1) as observer_thread:
            ended = await create_pass(kube, session, observer_thread, Cache()).run(
                lambda _: builders.desired(of=of), None, [gone], survey=False
            )

    assert ended.again == {}


HOST = HostName("node")
REMOVALS = (RemovePort(HOST, builders.iqn("node")), UnmapVolume(HOST, builders.volume("data").name, builders.uid(1)))
HAS_A_MAPPING = Refused("svctask rmhostport ...", "CMMVC5871E The action failed because a mapping exists.")


def operation(step: Step) -> Operation:
    ref = ObjectRef(Kind.HOST, builders.NAMESPACE, type(step).__name__)
    return Operation(
        ObjectRef(Kind.ARRAY, builders.NAMESPACE, "array"),
        None,
        ref,
        "uid",
        1,
        ChangeReason(ChangeKind.SPEC, ""),
        step,
    )


@pytest.mark.parametrize("step", REMOVALS, ids=["rmhostport", "rmvdiskhostmap"])
@pytest.mark.parametrize(
    "error", [HAS_A_MAPPING, Withheld("paused"), NotDone("after a failed one")], ids=["refused", "withheld", "not done"]
)
def test_a_command_that_removed_nothing_requeues_no_other_object(step: Step, error: Exception) -> None:
    """Otherwise refused removals of a port and of a mapping would requeue each other for ever."""
    results = Results()
    results.record(operation(step), error)

    assert not reconciler.frees(results)


@pytest.mark.parametrize("step", REMOVALS, ids=["rmhostport", "rmvdiskhostmap"])
def test_a_removal_requeues_others_also_when_a_later_command_of_the_same_object_is_refused(step: Step) -> None:
    results = Results(done=[operation(step)])
    results.record(operation(step), HAS_A_MAPPING)

    assert reconciler.frees(results)


@pytest.mark.parametrize("step", REMOVALS, ids=["rmhostport", "rmvdiskhostmap"])
def test_a_removal_whose_outcome_is_unknown_requeues_others(step: Step) -> None:
    results = Results()
    results.record(operation(step), OutcomeUnknown("svctask ...", "the connection was cut"))

    assert reconciler.frees(results)


def test_an_object_whose_command_was_refused_backs_off_whatever_happens_to_the_others() -> None:
    """It may be obstructed as well. A removal by another object requeues those that wait, and resets their back-off."""
    refused, waiting = (ObjectRef(Kind.HOST, builders.NAMESPACE, name) for name in ("refused", "waiting"))
    obstructed = Refuse(Reason.HOST_HOLDS_OTHER_MAPPINGS, "It has other mappings.")
    outcomes = {refused: Outcome(obstructed, HAS_A_MAPPING, refused=True), waiting: Outcome(obstructed)}

    assert reconciler.obstructed(outcomes) == {waiting}
    assert reconciler.again(outcomes, (), builders.desired())[refused] is None


def body(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": builders.NAMESPACE, "uid": f"uid-{name}", "generation": 1}
    meta |= {"resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {**meta, **more.pop("meta", {})}, **more}


def host_with_quarantined_lun() -> dict[str, Any]:
    """Build a FlashSystemHost that is being deleted and has one quarantined LUN; its host object is gone."""
    luns = [{"lun": 1, "uid": builders.uid(1), "until": "2999-01-01T00:00:00Z"}]
    return body(
        Kind.HOST,
        "node",
        meta={"deletionTimestamp": "2026-02-01T00:00:00Z"},
        spec={"arrayRef": {"name": "array"}, "initiators": {"iscsi": [builders.iqn("node")]}},
        status={"quarantinedLUNs": luns},
    )


ARRAY_BODY = body(
    Kind.ARRAY,
    "array",
    spec={
        "management": {"addresses": ["10.0.0.1"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    },
    status={"audit": {}},
)


@pytest.mark.parametrize("fault", [None, *Fault], ids=lambda fault: fault.name if fault else "no fault")
async def test_a_host_is_released_only_after_the_array_resource_has_recorded_its_quarantined_luns(
    array: InProcess, fault: Fault | None
) -> None:
    api, cache = FakeApi(), Cache()
    bodies = {Kind.ARRAY: ARRAY_BODY, Kind.HOST: host_with_quarantined_lun()}
    refs = {kind: cache.put(kind, each)[0] for kind, each in bodies.items()}
    for kind, ref in refs.items():
        api.add(ref, bodies[kind])
    if fault:
        api.faults.append(fault)

    def known() -> Desired:
        of, node = (cache.get(ref) for ref in refs.values())
        assert of is not None
        assert isinstance(of.counted, FlashSystemArray)
        resources = [node.counted] if node and isinstance(node.counted, FlashSystemHost) else []
        return builders.desired(*resources, of=of.counted, now=now())

    async with api.served() as kube:
        with closing(await asyncio.to_thread(array.session)) as session, ThreadPoolExecutor(1) as observer_thread:
            ended = await create_pass(kube, session, observer_thread, cache).run(
                lambda _: known(), None, [refs[Kind.HOST]], survey=True
            )

    if fault:
        assert api.objects[path(refs[Kind.HOST])]["metadata"]["finalizers"] == [FINALIZER]
        assert refs[Kind.HOST] in ended.again
        return
    assert path(refs[Kind.HOST]) not in api.objects
    assert [write.path for write in api.writes] == [f"{path(refs[Kind.ARRAY])}/status", path(refs[Kind.HOST])]
    (left,) = api.objects[path(refs[Kind.ARRAY])]["status"]["quarantinedLUNs"]
    assert (left["initiators"], [each["lun"] for each in left["luns"]]) == ([builders.iqn("node")], [1])


class HeldSteps(UserDict[Step, Wait]):
    """The held steps, which each plan reads. turns: whether another task could run during each read."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[bool] = []
        self.waiting, self.turn = threading.Event(), threading.Event()

    def keys(self) -> KeysView[Step]:
        self.waiting.set()
        self.turns.append(self.turn.wait(10))
        self.turn.clear()
        return super().keys()


async def test_other_tasks_can_run_while_a_pass_plans_before_and_after_it_acts(array: InProcess) -> None:
    """Thousands of objects take seconds to plan: other arrays are reconciled and Leases renewed meanwhile."""
    for line in (
        f"svctask mkhost -iscsiname {builders.iqn('node')} -name {builders.own_name('node')}",
        f"svctask mkvdiskhostmap -host {builders.own_name('node')} -scsi 1 vol0",
    ):
        await asyncio.to_thread(array.admin, line)
    volume = replace(builders.volume("vol0"), uid=VolumeUid(array.system.volume_named["vol0"].uid))
    leaving = builders.attachment(
        "a", "node", "vol0", status=builders.bound(builders.own_name("node"), volume), meta={"deleting": True}
    )
    reads = list[HeldSteps]()

    def known(_: str) -> Desired:
        reads.append(HeldSteps())
        return builders.desired(builders.host("node"), leaving, held=reads[-1])

    async def other() -> None:
        while True:
            for each in reads:
                if each.waiting.is_set():
                    each.waiting.clear()
                    each.turn.set()
            await asyncio.sleep(0)

    async with FakeApi().served() as kube:
        with closing(await asyncio.to_thread(array.session)) as session, ThreadPoolExecutor(1) as observer_thread:
            ticking = asyncio.create_task(other())
            await create_pass(kube, session, observer_thread, Cache(), "paused").run(
                known, None, [leaving.ref], survey=True
            )
            ticking.cancel()

    _, first, second = (each.turns for each in reads)
    assert first == [True]
    assert second == [True]


@pytest.mark.parametrize("reason", sorted(UNSEEN))
def test_an_unusable_chap_secret_is_read_again_after_the_back_off(reason: Reason) -> None:
    host = ObjectRef(Kind.HOST, builders.NAMESPACE, "node")

    assert reconciler.again({host: Outcome(Refuse(reason, "Correct it."))}, (), builders.desired()) == {host: None}


class LosingReply(InProcess):
    """An array that maps the second volume, but whose reply to that command is lost."""

    mapped = 0

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if "mkvdiskhostmap" in line:
            self.mapped += 1
            if self.mapped == 2:
                raise OutcomeUnknown(line, "the connection was lost")
        return reply


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
async def test_a_mapping_with_a_lost_reply_is_resolved_by_the_same_pass_also_after_one_on_its_host(
    dialect: str,
) -> None:
    with LosingReply({"dialect": dialect}) as array:
        async with passes(array) as running:
            node = running.host("node")
            both = [running.attachment(name, "node", name) for name in ("vol0", "vol1")]
            running.see(node, *both)

            await running.turn(node, *both)

            assert array.mapped == 2
            assert not running.in_doubt.hosts
            assert [running.ready(each)["status"] for each in both] == ["True", "True"]
