"""No step does harm, whatever an administrator and the users do between two passes.

Each step is judged right before it is sent, by what is really on the array and in the API server at that moment.
"""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.values import made_by
from support.builders import INSTALLATION
from support.safety_model import POOLS, Action, Judge, number, perform, settled

ADMINISTRATOR: list[Callable[[Judge, int, int], None]] = [
    Judge.make_host,
    Judge.map,
    Judge.unmap,
    Judge.remove_host,
    Judge.rename_host,
    Judge.swap_host_names,
    Judge.add_port,
    Judge.remove_port,
    Judge.log_in_or_out,
    Judge.swap_volume_names,
    Judge.replace_volume,
]
USERS: list[Callable[[Judge, int, int], None]] = [
    Judge.create_host,
    Judge.change_host,
    Judge.attach,
    Judge.attach,
    Judge.detach,
    Judge.delete_host,
]
PASSES: list[Callable[[Judge, int, int], Awaitable[None]]] = [
    Judge.survey,
    Judge.few,
    Judge.few,
    Judge.all_targeted,
]
VOLUMES: list[Callable[[Judge, int, int], None]] = [
    Judge.map,
    Judge.unmap,
    Judge.swap_volume_names,
    Judge.replace_volume,
    Judge.rename_volume,
    Judge.take_name,
    Judge.remove_volume,
    Judge.resize_volume,
    Judge.grow_ours,
    Judge.map_ours,
    Judge.lose_reply,
    Judge.lose_reply,
    Judge.time_passes,
    Judge.create_volume,
    Judge.create_volume,
    Judge.import_volume,
    Judge.grow_volume,
    Judge.grow_volume,
    Judge.change_policy,
    Judge.delete_volume,
    Judge.delete_volume,
    Judge.attach_by_reference,
    Judge.detach,
]
ActionKind = Callable[[Judge, int, int], Awaitable[None] | None]
Race = list[tuple[Callable[[Judge, int, int], None], int, int]]


def actions(kinds: Sequence[ActionKind], most: int) -> st.SearchStrategy[list[Action]]:
    return st.lists(st.tuples(st.sampled_from(kinds), number, number), min_size=most // 3, max_size=most)


# The same stories in each run, so that a build fails only because of a change. For more and other stories, raise
# max_examples and remove derandomize.
law = settings(max_examples=60, derandomize=True)
dialects = st.sampled_from(sorted(POOLS))
adoptions = st.lists(st.tuples(number, number), max_size=2)
attachments = st.lists(st.tuples(number, number), min_size=1, max_size=4)


@law
@given(dialects, adoptions, attachments, actions([*ADMINISTRATOR, *USERS, *PASSES, *PASSES], most=15))
async def test_no_step_does_harm_whatever_happened_before(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Action]
) -> None:
    async with settled(dialect, adopted, attached) as judge:
        await perform(story, judge)
        await judge.running.settle_all()


@law
@given(
    dialects,
    adoptions,
    attachments,
    actions([*ADMINISTRATOR, *USERS, *PASSES], most=9),
    st.lists(st.tuples(st.sampled_from(ADMINISTRATOR), number, number), min_size=1, max_size=3),
)
async def test_a_step_that_was_planned_on_an_outdated_inventory_does_no_harm(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Action], race: Race
) -> None:
    async with settled(dialect, adopted, attached) as judge:
        await perform(story, judge)

        def change_the_array() -> None:
            for act, n, m in race:
                act(judge, n, m)

        await judge.running.survey(after_read=change_the_array)
        await judge.running.settle_all()


@law
@given(dialects, adoptions, attachments, actions([*ADMINISTRATOR, *USERS, *PASSES], most=12))
async def test_everything_can_be_deleted_whatever_happened_before_and_leaves_no_visible_mapping_of_ours(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Action]
) -> None:
    async with settled(dialect, adopted, attached) as judge:
        await perform(story, judge)
        judge.delete_everything()
        await judge.running.settle_all()

        assert judge.running.resources == []
        left = [each for each in judge.array.state["mappings"] if made_by(INSTALLATION, each["host"])]
        seen = [each for each in left if judge.array.system.host_named[each["host"]].ports]
        assert all((each["host"], judge.uid_of(each["volume"])) in judge.by_admin for each in seen)


@law
@given(dialects, adoptions, attachments, st.lists(number, min_size=1, max_size=4), actions([*USERS, *PASSES], most=4))
async def test_a_host_that_is_logged_in_keeps_a_volume_unless_the_detach_guard_is_off(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], going: list[int], story: list[Action]
) -> None:
    async with settled(dialect, adopted, attached) as judge:
        judge.log_all(2)
        for each in going:
            judge.detach(each, 0)
        await perform(story, judge)
        await judge.running.settle_all()
        judge.log_all(0)
        await judge.running.settle_all()

        assert not any(each.metadata.deleting for each in judge.running.attachments)


volume_law = settings(max_examples=100, derandomize=True)


@pytest.mark.slow
@volume_law
@given(dialects, actions([*VOLUMES, *PASSES, *PASSES, *PASSES, *[Judge.lose_growth] * 3], most=24))
async def test_no_volume_is_lost_doubled_or_mistaken_whatever_happens(dialect: str, story: list[Action]) -> None:
    async with settled(dialect, [], [(0, 0)]) as judge:
        judge.create_volume(0, 0)
        judge.create_volume(1, 1)
        await perform(story, judge)
        judge.time_passes(0, 0)
        await judge.running.settle_all(most=10)
        judge.check_bindings()


@pytest.mark.slow
@volume_law
@given(
    dialects,
    actions([*VOLUMES, *PASSES, *PASSES], most=8),
    st.lists(st.tuples(st.sampled_from(VOLUMES), number, number), min_size=1, max_size=3),
)
async def test_no_volume_is_lost_doubled_or_mistaken_by_a_plan_on_an_outdated_inventory(
    dialect: str, story: list[Action], race: Race
) -> None:
    async with settled(dialect, [], [(0, 0)]) as judge:
        judge.create_volume(0, 0)
        judge.create_volume(1, 1)
        await judge.survey(0, 0)
        await perform(story, judge)
        judge.time_passes(0, 0)
        for number_of_volume in range(2):
            judge.grow_volume(number_of_volume, 1)
        judge.delete_volume(1, 0)

        def change_the_array() -> None:
            for act, n, m in race:
                act(judge, n, m)

        await judge.running.survey(after_read=change_the_array)
        judge.time_passes(0, 0)
        await judge.running.settle_all(most=10)
        judge.check_bindings()
