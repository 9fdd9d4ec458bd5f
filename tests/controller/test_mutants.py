"""A test of the tests: each mutant of the operator, with one precaution removed, makes a scenario fail.

The same scenarios are run by test_safety.py, test_volume_safety.py and test_observer.py. This is the only file that may
change production code: it tests the tests.
"""

import inspect
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import pytest

from flashsystem_operator.api.metadata import Kind
from flashsystem_operator.array import queries
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.executor import InDoubt
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.controller.reconciler import Pass
from flashsystem_operator.controller.worker import Worker
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.volume import volume_plan
from support import scenarios, volume_scenarios
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
    for name in ("hosts", "pairs", "volumes"):
        patch.setattr(InDoubt, name, property(lambda _: frozenset()))


NO_INTENT: Mutant = lambda patch: patch.setattr(Pass, "_record_intent", _record_nothing)  # noqa: E731
NO_SECOND_READ: Mutant = lambda patch: patch.setattr(Observer, "again", _read_nothing)  # noqa: E731
BELIEVES: Mutant = lambda patch: patch.setattr(Observer, "again", _believe_the_commands)  # noqa: E731
GUARD = "failed |= await self.writer.all(staying, lambda ref: self.writer.guard(ref, uids[ref]))"

intent = partial(scenarios.intent_is_recorded_before_each_command, "modern")
in_lists = partial(scenarios.a_volume_is_unmapped_although_a_list_lacks_its_mapping, own_name("a"), survey=True)
paused = partial(scenarios.no_command_is_sent_while_an_object_is_paused, "modern")
created = partial(volume_scenarios.what_is_created_is_recorded_before, "modern")

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
    "no volume is recorded before it is created": (
        edited(Pass, "_record_intent", "await self.writer.all(intents.keys() - failed.keys(), record_volume)", "{}"),
        created,
    ),
    "no finalizer is set before a volume is created": (edited(Pass, "_record_intent", GUARD, "pass"), created),
    "lost replies are forgotten, and a volume is created": (
        _without_doubts,
        partial(volume_scenarios.a_volume_whose_creation_lost_its_reply_is_the_only_one_and_ready, "modern"),
    ),
    "lost replies are forgotten, and a volume grows": (
        _without_doubts,
        partial(volume_scenarios.a_volume_whose_growth_lost_its_reply_grows_once, "modern"),
    ),
    "a volume that is in doubt is worked on": (
        edited(
            volume_plan, "_plan_found", "not desired.in_doubt_volumes.isdisjoint((volume.name, volume.uid))", "False"
        ),
        partial(volume_scenarios.a_volume_whose_growth_lost_its_reply_grows_once, "modern"),
    ),
    "the size is not compared before a volume is expanded": (
        edited(
            queries,
            "_check_change_of_volume",
            "ExpandVolume() if volume.capacity != step.size - step.increase",
            "ExpandVolume() if False",
        ),
        partial(volume_scenarios.a_volume_that_grew_right_before_it_is_expanded_does_not_grow_too_far, "modern"),
    ),
    "the plan of a deletion ignores mappings": (
        edited(volume_plan, "_plan_removal", "if hosts or inventory.empty_clusters_of(volume.uid):", "if False:"),
        partial(volume_scenarios.a_volume_that_an_administrator_mapped_is_not_deleted, "modern"),
    ),
    "mappings are not read before a volume is deleted": (
        edited(queries, "_check_change_of_volume", "RemoveVolume() if answers[1]", "RemoveVolume() if False"),
        partial(volume_scenarios.a_volume_that_is_mapped_right_before_its_deletion_is_not_sent_for_deletion, "modern"),
    ),
    "the API server does not confirm that a volume is not attached": (
        edited(Writer, "confirm", "if owner.kind is Kind.VOLUME:", "if False:"),
        partial(volume_scenarios.a_volume_that_is_attached_meanwhile_is_not_deleted, "modern"),
    ),
    "an annotation proves that a volume is ours": (
        edited(volume_plan, "_without_status", "elif _is_proven(resource, volume, desired):", "else:"),
        partial(volume_scenarios.a_volume_of_others_with_the_uid_of_an_annotation_is_not_taken_over, "modern"),
    ),
    "a volume that is gone is created again": (
        edited(
            volume_plan,
            "resolve_volume",
            "return _gone(resource, uid, inventory)",
            "return Missing(desired.names_of_volume(resource)[0])",
        ),
        partial(volume_scenarios.a_volume_that_is_gone_is_not_created_again, "modern"),
    ),
    "the record of a volume stays when the array refused to create it": (
        edited(Pass, "run", "desired = without_refused(desired, results)", "pass"),
        partial(volume_scenarios.a_volume_that_the_array_refused_to_create_is_not_taken_over, "modern"),
    ),
}


@pytest.mark.parametrize(("mutant", "scenario"), MUTANTS.values(), ids=MUTANTS.keys())
async def test_a_scenario_fails_if(mutant: Mutant, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    await scenario()
    with monkeypatch.context() as patch:
        mutant(patch)
        with pytest.raises(AssertionError):
            await scenario()
