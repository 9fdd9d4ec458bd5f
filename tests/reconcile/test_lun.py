"""Which LUN a volume gets on a host."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.reconcile.decision import Reason, Refuse
from flashsystem_operator.reconcile.lun import choose
from flashsystem_operator.values import Lun
from support.arranging import attachment, host_object, mapped, uid, view, volume

NODE = host_object("node", "node")
LUNS = st.sets(st.integers(0, 40), max_size=40)


def chosen(taken: set[int], *, had: int | None = None, cluster: str = "", **spec: Any) -> Lun | Refuse:
    """The LUN for one more volume where these LUNs are taken."""
    others = [mapped(NODE, volume(f"v{lun}", lun + 100), lun, cluster=cluster) for lun in taken]
    wished = attachment("a", "node", uid(1), status={} if had is None else {"lun": had}, **spec)
    return choose(wished, NODE.name, view(NODE, *others))


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

    assert choose(attachment("a", "node"), NODE.name, view(NODE, spread)) == 3


def test_a_full_host_is_said_to_be_full() -> None:
    lun = chosen(set(range(2048)))

    assert isinstance(lun, Refuse)
    assert lun.reason is Reason.HOST_FULL


def test_lun_0_is_given_only_to_who_asks_for_it() -> None:
    assert chosen(set(range(1, 2047))) == 2047
    assert chosen(set(), lun=0) == 0
