"""No step of the operator does harm, whatever an administrator and the users do between two passes.

Each step is judged when it is sent, by the actual state of the array and not by the inventory of the operator.
"""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.planner.names import made_by
from support.builders import INSTALLATION
from support.safety_model import POOLS, Judge, number, peace

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
    Judge.wish_host,
    Judge.change_host,
    Judge.attach,
    Judge.attach,
    Judge.detach,
    Judge.drop_host,
]
PASSES: list[Callable[[Judge, int, int], None]] = [Judge.survey, Judge.few, Judge.few, Judge.all_closely]
Action = tuple[Callable[[Judge, int, int], None], int, int]


def actions(kinds: list[Callable[[Judge, int, int], None]], most: int) -> st.SearchStrategy[list[Action]]:
    return st.lists(st.tuples(st.sampled_from(kinds), number, number), min_size=most // 3, max_size=most)


def play(story: list[Action], judge: Judge) -> None:
    for action, n, m in story:
        action(judge, n, m)


# Deterministic: a build fails only because of a change. For more or other stories: raise one, drop the other setting.
deterministic = settings(max_examples=60, derandomize=True)
dialects = st.sampled_from(sorted(POOLS))
adoptions = st.lists(st.tuples(number, number), max_size=2)
attachments = st.lists(st.tuples(number, number), min_size=1, max_size=4)


@deterministic
@given(dialects, adoptions, attachments, actions([*ADMINISTRATOR, *USERS, *PASSES, *PASSES], most=15))
def test_no_step_does_harm_whatever_happened_before(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Action]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        play(story, judge)
        judge.keeper.settle()


@deterministic
@given(
    dialects, adoptions, attachments, actions([*ADMINISTRATOR, *USERS, *PASSES], most=9), actions(ADMINISTRATOR, most=3)
)
def test_a_plan_on_a_stale_inventory_does_no_harm(
    dialect: str,
    adopted: list[tuple[int, int]],
    attached: list[tuple[int, int]],
    story: list[Action],
    race: list[Action],
) -> None:
    with peace(dialect, adopted, attached) as judge:
        play(story, judge)
        judge.keeper.turn(meanwhile=lambda: play(race, judge))
        judge.keeper.settle()


@deterministic
@given(dialects, adoptions, attachments, actions([*ADMINISTRATOR, *USERS, *PASSES], most=12))
def test_whatever_happened_everything_can_be_deleted_and_no_host_sees_a_mapping_of_the_operator(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Action]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        play(story, judge)
        judge.delete_everything()
        judge.keeper.settle()

        assert judge.keeper.wishes == {}
        left = [each for each in judge.array.state["mappings"] if made_by(INSTALLATION, each["host"])]
        seen = [each for each in left if judge.array.system.host_named[each["host"]].ports]
        assert all((each["host"], judge.uid_of(each["volume"])) in judge.by_hand for each in seen)


@deterministic
@given(dialects, adoptions, attachments, st.lists(number, min_size=1, max_size=4), actions([*USERS, *PASSES], most=4))
def test_a_machine_that_is_logged_in_keeps_a_volume_unless_the_detach_guard_is_relaxed(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], going: list[int], story: list[Action]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        judge.log_all(2)
        for each in going:
            judge.detach(each, 0)
        play(story, judge)
        judge.keeper.settle()
        judge.log_all(0)
        judge.keeper.settle()

        assert not any(
            each.metadata.deleting for each in judge.keeper.wishes.values() if each.ref.kind == "VolumeAttachment"
        )
