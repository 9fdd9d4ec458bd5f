"""Whatever an administrator and the users do between two passes, no step of ours harms anybody.

Each step is judged at the moment when it is typed, by what is really on the array then: not by what we believed.
"""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.planner.names import made_by
from support.builders import INSTALLATION
from support.safety_model import POOLS, Judge, number, peace

HAND: list[Callable[[Judge, int, int], None]] = [
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
Act = tuple[Callable[[Judge, int, int], None], int, int]


def acts(kinds: list[Callable[[Judge, int, int], None]], most: int) -> st.SearchStrategy[list[Act]]:
    return st.lists(st.tuples(st.sampled_from(kinds), number, number), min_size=most // 3, max_size=most)


def tell(story: list[Act], judge: Judge) -> None:
    for act, n, m in story:
        act(judge, n, m)


# The same stories each time: a build fails for what was changed. More of them, and others: raise one, drop the other.
law = settings(max_examples=60, derandomize=True)
dialects = st.sampled_from(sorted(POOLS))
adoptions = st.lists(st.tuples(number, number), max_size=2)
attachments = st.lists(st.tuples(number, number), min_size=1, max_size=4)


@law
@given(dialects, adoptions, attachments, acts([*HAND, *USERS, *PASSES, *PASSES], most=15))
def test_no_step_harms_anybody_whatever_happened_before(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Act]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        tell(story, judge)
        judge.keeper.settle()


@law
@given(dialects, adoptions, attachments, acts([*HAND, *USERS, *PASSES], most=9), acts(HAND, most=3))
def test_what_is_planned_on_a_stale_view_takes_from_nobody(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Act], race: list[Act]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        tell(story, judge)
        judge.keeper.turn(meanwhile=lambda: tell(race, judge))
        judge.keeper.settle()


@law
@given(dialects, adoptions, attachments, acts([*HAND, *USERS, *PASSES], most=12))
def test_whatever_happened_all_can_be_deleted_and_nothing_of_ours_is_left_that_anybody_sees(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], story: list[Act]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        tell(story, judge)
        judge.delete_everything()
        judge.keeper.settle()

        assert judge.keeper.wishes == {}
        left = [each for each in judge.array.state["mappings"] if made_by(INSTALLATION, each["host"])]
        seen = [each for each in left if judge.array.system.host_named[each["host"]].ports]
        assert all((each["host"], judge.uid_of(each["volume"])) in judge.by_hand for each in seen)


@law
@given(dialects, adoptions, attachments, st.lists(number, min_size=1, max_size=4), acts([*USERS, *PASSES], most=4))
def test_a_machine_that_is_logged_in_is_not_left_without_a_volume_unless_somebody_said_so(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]], going: list[int], story: list[Act]
) -> None:
    with peace(dialect, adopted, attached) as judge:
        judge.log_all(2)
        for each in going:
            judge.detach(each, 0)
        tell(story, judge)
        judge.keeper.settle()
        judge.log_all(0)
        judge.keeper.settle()

        assert not any(
            each.metadata.deleting for each in judge.keeper.wishes.values() if each.ref.kind == "VolumeAttachment"
        )
