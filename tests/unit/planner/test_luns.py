"""Which LUN a volume gets on a host."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.api.host import QuarantinedLun
from flashsystem_operator.planner.decision import Reason, Refuse
from flashsystem_operator.planner.luns import Quarantine, choose
from flashsystem_operator.values import Lun
from support.builders import attachment, desired, host_object, inventory, mapped, uid, volume

NODE = host_object("node", "node")
LUNS = st.sets(st.integers(0, 40), max_size=40)


def chosen(
    taken: set[int], *, had: int | None = None, cluster: str = "", resting: Quarantine | None = None, **spec: Any
) -> Lun | Refuse:
    """The LUN for one more volume where these LUNs are taken."""
    others = [mapped(NODE, volume(f"v{lun}", lun + 100), lun, cluster=cluster) for lun in taken]
    wished = attachment("a", "node", uid(1), status={} if had is None else {"lun": had}, **spec)
    return choose(wished, NODE.name, desired(wished), inventory(NODE, *others), resting or {})


@given(LUNS)
def test_it_is_the_lowest_free_one_from_1(taken: set[int]) -> None:
    lun = chosen(taken)

    assert isinstance(lun, int)
    assert lun not in taken
    assert set(range(1, lun)) <= taken
    assert lun >= 1


@given(LUNS)
def test_what_comes_through_a_host_cluster_counts_as_taken(taken: set[int]) -> None:
    assert chosen(taken, cluster="c") == chosen(taken)


@given(LUNS, st.integers(0, 40))
def test_a_pinned_one_is_given_or_refused_and_never_another(taken: set[int], pin: int) -> None:
    lun = chosen(taken, lun=pin)

    if pin in taken:
        assert isinstance(lun, Refuse)
        assert lun.reason is Reason.LUN_TAKEN
        assert f"LUN {pin}" in lun.message
        assert f"v{pin}" in lun.message
    else:
        assert lun == pin


@given(LUNS, st.integers(0, 40))
def test_the_one_that_it_had_comes_back_if_it_is_free(taken: set[int], had: int) -> None:
    assert chosen(taken, had=had) == (chosen(taken) if had in taken else had)


def test_every_lun_of_a_mapping_in_several_io_groups_counts_as_taken() -> None:
    spread = mapped(NODE, volume("spread", 100), 1, 2)

    assert choose(attachment("a", "node"), NODE.name, desired(), inventory(NODE, spread), {}) == 3


def test_a_full_host_is_said_to_be_full() -> None:
    lun = chosen(set(range(2048)))

    assert isinstance(lun, Refuse)
    assert lun.reason is Reason.HOST_FULL


def test_lun_0_is_given_only_to_who_asks_for_it() -> None:
    assert chosen(set(range(1, 2047))) == 2047
    assert chosen(set(), lun=0) == 0


VOLUME: dict[str, Any] = {"persistentVolume": {"claimRef": {"name": "data"}}}


def test_a_persistent_volume_gets_no_lun_that_kubernetes_refuses() -> None:
    assert chosen(set(range(1, 255)), **VOLUME) == 255
    assert chosen(set(), had=300, **VOLUME) == 1
    assert chosen(set(), had=300) == 300


def test_for_a_persistent_volume_a_quarantined_lun_up_to_255_is_better_than_a_free_one_above() -> None:
    assert chosen(set(range(1, 256)) - {7}, resting=rests({7: 5}), **VOLUME) == 7
    assert chosen(set(range(1, 256)) - {7}, resting=rests({7: 5})) == 256


def test_without_a_lun_up_to_255_a_persistent_volume_is_refused_with_a_way_out() -> None:
    lun = chosen(set(range(1, 256)), **VOLUME)

    assert isinstance(lun, Refuse)
    assert lun.reason is Reason.HOST_FULL
    assert "from 1 to 255" in lun.message
    assert "remove spec.persistentVolume" in lun.message


# -- LUNs that rest --------------------------------------------------------------------------------------------------


def rests(until: dict[int, int]) -> Quarantine:
    """LUNs that another volume had, and the minute until which they rest."""
    return {
        Lun(lun): QuarantinedLun(lun=Lun(lun), uid=uid(9), until=f"2026-03-01T00:{minute:02}:00Z")
        for lun, minute in until.items()
    }


@given(LUNS, st.dictionaries(st.integers(0, 40), st.integers(0, 59)))
def test_one_that_rests_is_passed_over_like_one_that_is_taken(taken: set[int], until: dict[int, int]) -> None:
    assert chosen(taken, resting=rests(until)) == chosen(taken | until.keys())


@given(st.integers(0, 40))
def test_one_that_rests_is_given_to_who_asks_for_it(pin: int) -> None:
    assert chosen(set(), resting=rests({pin: 5}), lun=pin) == pin


def test_the_one_that_it_had_does_not_come_back_while_it_rests_for_another_volume() -> None:
    assert chosen(set(), had=3, resting=rests({3: 5})) == 1


def test_where_all_that_is_free_rests_it_is_the_one_that_rested_longest() -> None:
    taken = set(range(1, 2048)) - {4, 5, 6}

    assert chosen(taken, resting=rests({4: 7, 5: 5, 6: 9})) == 5
    assert chosen(taken | {5}, resting=rests({4: 7, 6: 9})) == 4
