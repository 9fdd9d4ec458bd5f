"""A test of the tests: each mutant of the operator, with one precaution removed, makes a scenario fail.

The same scenarios are run by test_safety.py and test_observer.py. This is the only file that may change production
code: it tests the tests.
"""

import inspect
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import pytest

from flashsystem_operator.api.metadata import Kind
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.executor import InDoubt
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.controller.reconciler import Pass
from flashsystem_operator.controller.worker import Worker
from support import scenarios
from support.builders import own_name

Mutant = Callable[[pytest.MonkeyPatch], None]
Scenario = Callable[[], Awaitable[None]]


def edited(owner: Any, name: str, old: str, new: str) -> Mutant:
    """A function of a class or module, in which this text, which occurs once, is replaced."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        function = getattr(owner, name)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(old) == 1, f"{old!r} is not in {name} once; adapt this mutant"
        namespace = dict(vars(sys.modules[function.__module__]))
        exec(source.replace(old, new), namespace)  # noqa: S102 - our own source
        patch.setattr(owner, name, namespace[name])

    return mutate


async def _record_nothing(*_: object) -> dict[object, Exception]:
    return {}


def _read_nothing(observer: Observer, *_: object) -> object:
    return observer.inventory


def _believe_the_commands(observer: Observer, done: Any, *_: object) -> object:
    for step in done:
        step.apply(observer.inventory)
    return observer.inventory


def _without_doubts(patch: pytest.MonkeyPatch) -> None:
    for name in ("hosts", "pairs"):
        patch.setattr(InDoubt, name, property(lambda _: frozenset()))


NO_INTENT: Mutant = lambda patch: patch.setattr(Pass, "_record_intent", _record_nothing)  # noqa: E731
NO_SECOND_READ: Mutant = lambda patch: patch.setattr(Observer, "again", _read_nothing)  # noqa: E731
BELIEVES: Mutant = lambda patch: patch.setattr(Observer, "again", _believe_the_commands)  # noqa: E731
GUARD = "failed |= await self.writer.all(staying, lambda ref: self.writer.guard(ref, uids[ref]))"

intent = partial(scenarios.intent_is_recorded_before_each_command, "modern")
in_lists = partial(scenarios.a_volume_is_unmapped_although_a_list_lacks_its_mapping, own_name("a"), survey=True)
paused = partial(scenarios.no_command_is_sent_while_an_object_is_paused, "modern")

MUTANTS: Mapping[str, tuple[Mutant, Scenario]] = {
    "no intent is recorded": (NO_INTENT, intent),
    "no intent is recorded, and the operator ends": (
        NO_INTENT,
        partial(scenarios.an_operator_that_ends_after_a_command_leaks_no_mapping, "modern"),
    ),
    "no finalizer is set": (edited(Pass, "_record_intent", GUARD, "pass"), intent),
    "no binding is recorded": (
        edited(Pass, "_record_intent", "failed |= await self.writer.all(acting, record)", "pass"),
        intent,
    ),
    "no initiators are recorded": (
        edited(
            Pass,
            "_record_intent",
            "await self.writer.all(hosts.keys() - failed.keys(), record_host)",
            "dict[ObjectRef, Exception]()",
        ),
        intent,
    ),
    "the status is written from the first read": (
        NO_SECOND_READ,
        partial(scenarios.an_attachment_is_ready_at_the_end_of_the_pass_that_maps_it, "modern"),
    ),
    "the status is written from the confirmed commands": (
        BELIEVES,
        partial(scenarios.a_mapping_that_is_removed_right_after_its_command_is_not_reported_as_ready, "modern"),
    ),
    "the finalizer is removed when the array has confirmed the command": (
        BELIEVES,
        partial(
            scenarios.the_finalizer_stays_while_the_mapping_exists_although_the_array_confirmed_its_removal, "modern"
        ),
    ),
    "the finalizer is removed when a list lacks the mapping": (
        edited(Observer, "first", "if doubts.cost:", "if False:"),
        in_lists,
    ),
    "the worker does not ask its Lease": (
        edited(Worker, "_why_not", "leased=leased", "leased=True"),
        scenarios.no_command_is_sent_with_an_expired_lease,
    ),
    "the last check ignores the Lease": (
        edited(executor, "why_not", "if not leased:", "if False:"),
        partial(scenarios.no_command_is_sent_without_the_lease, "modern"),
    ),
    "lost replies are forgotten": (
        _without_doubts,
        partial(scenarios.no_conflicting_command_is_sent_while_a_reply_is_lost, "modern"),
    ),
    "lost replies are forgotten, and the attachment is deleted": (
        _without_doubts,
        partial(scenarios.an_attachment_is_not_released_while_its_mapping_may_still_appear, "modern"),
    ),
    "the last check ignores the pause of an array": (
        edited(executor, "why_not", "if any(meta.asked.paused for meta in above):", "if False:"),
        partial(paused, Kind.ARRAY),
    ),
    "the last check ignores the pause of a host": (
        edited(executor, "why_not", "if any(meta.asked.paused for meta in above):", "if False:"),
        partial(paused, Kind.HOST),
    ),
    "the last check ignores the pause of all arrays": (
        edited(executor, "why_not", "if paused:", "if False:"),
        partial(scenarios.no_command_is_sent_while_all_arrays_are_paused, "modern"),
    ),
}


@pytest.mark.parametrize(("mutant", "scenario"), MUTANTS.values(), ids=MUTANTS.keys())
async def test_a_scenario_fails_if(mutant: Mutant, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    await scenario()
    with monkeypatch.context() as patch:
        mutant(patch)
        with pytest.raises(AssertionError):
            await scenario()
