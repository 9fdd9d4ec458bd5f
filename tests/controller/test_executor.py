"""Sending the commands of a pass: the check before each, and the results of all when one of them fails."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.array import discovery, queries
from flashsystem_operator.array.commands import MakeHost, MapVolume, RemoveHost, Step, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Withheld
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.array.volume_commands import CreateVolume, RemoveVolume, VolumeStep
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.executor import Operation
from flashsystem_operator.controller.reconciler import MAX_COMMANDS, within_bounds
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason
from flashsystem_operator.planner.events import ChangeKind, ChangeReason
from flashsystem_operator.values import HostName, Lun, PoolName, VolumeName
from support.builders import iqn, uid, volume
from support.in_process import Answers, InProcess, Slipping, another_host, another_volume, connected

ARRAY = ObjectRef(Kind.ARRAY, "storage", "fs")
VOLUME = volume("data")


def owner(name: str) -> ObjectRef:
    return ObjectRef(Kind.HOST, "storage", name)


def operation(step: Step, of: str) -> Operation:
    return Operation(ARRAY, None, owner(of), f"uid-of-{of}", 1, ChangeReason(ChangeKind.SPEC, ""), step)


def make(name: str) -> MakeHost:
    return MakeHost(HostName(name), (iqn(name),))


@pytest.fixture
def array() -> Iterator[InProcess]:
    with InProcess({"dialect": "modern"}) as running:
        yield running


def hosts(array: InProcess) -> set[str]:
    return {each["name"] for each in array.state["hosts"]}


async def test_a_step_is_checked_right_before_it_is_sent_and_not_when_it_is_queued(array: InProcess) -> None:
    """A pause or a lost Lease during a pass stops the very next command."""
    operations = [
        operation(make("node"), "a"),
        operation(RemoveHost(HostName("node")), "a"),
        operation(make("node"), "a"),
    ]
    checked: list[str] = []

    def why_not(one: Operation) -> str:
        checked.append(type(one.step).__name__)
        return "storage/fs is paused" if len(array.lines) > before else ""

    results = executor.Results()
    with closing(await asyncio.to_thread(array.session, 4)) as session:
        before = len(array.lines)
        await executor.run(operations, session, why_not, results)

    assert hosts(array) == {"node"}
    assert checked == ["MakeHost", "RemoveHost"]
    assert isinstance(results.errors[owner("a")], Withheld)
    assert not results.in_doubt


async def test_steps_that_a_pass_had_no_time_for_are_postponed_with_those_that_depend_on_them(array: InProcess) -> None:
    """None of them failed, so nothing backs off: they are decided again after another read of the array."""
    operations = [operation(make("one"), "a"), operation(make("two"), "b"), operation(RemoveHost(HostName("two")), "c")]
    results = executor.Results()
    with closing(await asyncio.to_thread(array.session)) as session:
        await executor.run(operations, session, lambda _: "", results, is_over=lambda: bool(results.done))

    assert hosts(array) == {"one"}
    assert [type(results.errors[owner(name)]) for name in ("b", "c")] == [executor.Postponed] * 2
    assert not results.in_doubt
    assert not results.withheld


async def test_a_step_that_fails_unexpectedly_does_not_affect_the_others() -> None:
    def answer(line: str) -> Reply:
        if "broken" in line:
            raise ValueError("a bug of ours")
        if "refused" in line:
            return Reply("", "CMMVC6035E The action failed as the object already exists.", 1)
        return Reply("Host, id [1], successfully created", "", 0)

    results = executor.Results()
    names = ("broken", "refused", "fine")
    with closing(connected(Answers(answer), greeted=False, width=4)) as session:
        await executor.run([operation(make(name), name) for name in names], session, lambda _: "", results)

    assert isinstance(results.errors[owner("broken")], ValueError)
    assert [each.owner for each in results.in_doubt] == [owner("broken")]
    assert isinstance(results.errors[owner("refused")], Refused)
    assert [each.owner for each in results.refused] == [owner("refused")]
    assert owner("fine") not in results.errors


async def test_a_cancelled_pass_knows_which_commands_may_still_be_running() -> None:
    """Otherwise the Lease would be released, and the next holder would assume that no command is under way."""
    began, may_end = threading.Event(), threading.Event()

    def answer(_: str) -> Reply:
        began.set()
        may_end.wait(30)
        raise ConnectionResetError("cut")

    results = executor.Results()
    with closing(connected(Answers(answer), greeted=False)) as session:
        sending = asyncio.create_task(executor.run([operation(make("node"), "a")], session, lambda _: "", results))
        await asyncio.to_thread(began.wait, 30)
        sending.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await sending

    assert [each.owner for each in results.in_doubt] == [owner("a")]


def test_a_pass_sends_no_more_commands_than_its_limit_and_in_the_order_of_the_plan() -> None:
    mapping = Act(tuple(MapVolume(HostName("node"), VOLUME.name, uid(n), Lun(n)) for n in range(40)))
    decisions: dict[ObjectRef, Decision] = {owner(str(n)): mapping for n in range(4)}
    decisions[owner("quiet")] = InSync(Reason.READY, "")

    selected = within_bounds(decisions)

    assert list(selected) == [owner("0"), owner("1")]
    assert 2 * 40 <= MAX_COMMANDS < 3 * 40


def test_one_object_with_more_steps_than_the_limit_is_still_acted_on() -> None:
    mapping = Act(tuple(MapVolume(HostName("node"), VOLUME.name, uid(n), Lun(n)) for n in range(MAX_COMMANDS + 1)))

    assert list(within_bounds({owner("0"): mapping, owner("1"): mapping})) == [owner("0")]


# -- an id that is reused for another object while a volume is being mapped ------------------------------------------

MINE, OTHERS = HostName("mine"), HostName("others")
TWO_HOSTS = {"hosts": [{"name": name, "ports": [{"name": iqn(name)}]} for name in (MINE, OTHERS)]}


async def mapped_by(array: Slipping, why_not: Callable[[Operation], str] = lambda _: "") -> executor.Results:
    """Map vol0 to host `mine`, and then vol2."""
    results = executor.Results()
    with closing(await asyncio.to_thread(array.session, 4)) as session:
        seen = await asyncio.to_thread(discovery.survey, session, None)
        found = [seen.volume_named(VolumeName(name)) for name in ("vol0", "vol2")]
        plan = [MapVolume(MINE, each.name, each.uid, Lun(lun)) for lun, each in enumerate(found, 4) if each]
        operations = [replace(operation(step, step.volume), known=queries.known(step, seen, plan)) for step in plan]
        await executor.run(operations, session, why_not, results)
    return results


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize(
    "replaced", [partial(another_volume, name="vol0"), partial(another_host, name=MINE)], ids=["volume", "host"]
)
async def test_a_wrong_mapping_of_ours_is_removed_before_anything_else_is_sent(
    dialect: str, replaced: Callable[[InProcess], None]
) -> None:
    with Slipping({"dialect": dialect, **TWO_HOSTS}) as array:
        array.first = replaced
        results = await mapped_by(array)

    writes = [line.split()[1] for line in array.lines if "svctask" in line]
    assert writes == ["mkvdiskhostmap", "rmvdiskhostmap"]
    assert array.state["mappings"] == []
    (wrong,) = results.wrong
    assert wrong.problem is None
    assert isinstance(results.errors[owner("vol0")], executor.WrongVolume)
    assert isinstance(results.errors[owner("vol2")], executor.NotDone)
    assert not results.in_doubt


async def test_a_wrong_mapping_that_could_not_be_removed_is_reported_with_the_reason() -> None:
    with Slipping({"dialect": "modern", **TWO_HOSTS}) as array:
        array.first = partial(another_volume, name="vol0")
        results = await mapped_by(array, lambda one: "paused" if isinstance(one.step, UnmapVolume) else "")

    (wrong,) = results.wrong
    assert str(wrong.problem) == "paused"
    assert [each["volume"] for each in array.state["mappings"]] == ["new"]


async def test_the_mappings_of_a_host_are_known_from_the_read_after_its_last_mapping() -> None:
    with Slipping({"dialect": "modern", **TWO_HOSTS}) as array:
        results = await mapped_by(array)

    assert {(row.volume, row.lun) for row in results.seen[MINE]} == {("vol0", 4), ("vol2", 5)}
    assert not results.wrong


# -- volumes ---------------------------------------------------------------------------------------------------------


async def created_by(array: InProcess, *steps: VolumeStep) -> executor.Results:
    results = executor.Results()
    with closing(await asyncio.to_thread(array.session, 4)) as session:
        await executor.run([operation(step, step.volume) for step in steps], session, lambda _: "", results)
    return results


NEW, POOL = VolumeName("new"), PoolName("Pool0")


async def test_a_created_volume_is_in_the_results_with_the_command_that_created_it(array: InProcess) -> None:
    results = await created_by(array, CreateVolume(NEW, POOL, 1 << 30), CreateVolume(VolumeName("vol0"), POOL, 1 << 30))

    ((operation, found),) = results.created
    assert (operation.owner, found.name, found.capacity) == (owner("new"), "new", 1 << 30)
    assert found in results.volumes
    assert isinstance(results.errors[owner("vol0")], Refused)


async def test_a_step_on_a_volume_that_was_not_created_is_not_sent(array: InProcess) -> None:
    refused = CreateVolume(VolumeName("vol0"), POOL, 1 << 30)
    (found,) = [each for each in array.state["volumes"] if each["name"] == "vol0"]
    results = executor.Results()
    with closing(await asyncio.to_thread(array.session, 4)) as session:
        operations = [operation(refused, "a"), operation(RemoveVolume(refused.volume, found["uid"]), "b")]
        await executor.run(operations, session, lambda _: "", results)

    assert isinstance(results.errors[owner("b")], executor.NotDone)
    assert "vol0" in {each["name"] for each in array.state["volumes"]}


async def test_a_created_volume_that_cannot_be_recognized_is_in_doubt_and_not_ours() -> None:
    with InProcess({"dialect": "modern"}) as array:
        unlike = Answers(lambda line: array.run(line if "svctask" not in line else line.replace("-size 1", "-size 2")))
        results = executor.Results()
        with closing(connected(unlike)) as session:
            step = CreateVolume(NEW, POOL, 1 << 30)
            await executor.run([operation(step, "a")], session, lambda _: "", results)

    assert results.created == []
    assert isinstance(results.errors[owner("a")], OutcomeUnknown)
    assert [each.step for each in results.in_doubt] == [step]
