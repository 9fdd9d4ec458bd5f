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
    taken: set[int],
    *,
    previous: int | None = None,
    cluster: str = "",
    quarantine: Quarantine | None = None,
    **spec: Any,
) -> Lun | Refuse:
    """Choose the LUN for one more volume on a host on which these LUNs are taken."""
    others = [mapped(NODE, volume(f"v{lun}", lun + 100), lun, cluster=cluster) for lun in taken]
    resource = attachment("a", "node", uid(1), status={} if previous is None else {"lun": previous}, **spec)
    return choose(resource, NODE.name, desired(resource), inventory(NODE, *others), quarantine or {})


@given(LUNS)
def test_a_volume_gets_the_lowest_free_lun_from_1(taken: set[int]) -> None:
    lun = chosen(taken)

    assert isinstance(lun, int)
    assert lun not in taken
    assert set(range(1, lun)) <= taken
    assert lun >= 1


@given(LUNS)
def test_a_lun_mapped_through_a_host_cluster_counts_as_taken(taken: set[int]) -> None:
    assert chosen(taken, cluster="c") == chosen(taken)


@given(LUNS, st.integers(0, 40))
def test_a_pinned_lun_is_given_or_refused_and_never_replaced_by_another(taken: set[int], pin: int) -> None:
    lun = chosen(taken, lun=pin)

    if pin in taken:
        assert isinstance(lun, Refuse)
        assert lun.reason is Reason.LUN_TAKEN
        assert f"LUN {pin}" in lun.message
        assert f"v{pin}" in lun.message
    else:
        assert lun == pin


@given(LUNS, st.integers(0, 40))
def test_a_volume_gets_its_previous_lun_again_if_it_is_free(taken: set[int], previous: int) -> None:
    assert chosen(taken, previous=previous) == (chosen(taken) if previous in taken else previous)


def test_every_lun_of_a_mapping_in_several_io_groups_counts_as_taken() -> None:
    spread = mapped(NODE, volume("spread", 100), 1, 2)

    assert choose(attachment("a", "node"), NODE.name, desired(), inventory(NODE, spread), {}) == 3


def test_a_full_host_is_reported_as_full() -> None:
    lun = chosen(set(range(2048)))

    assert isinstance(lun, Refuse)
    assert lun.reason is Reason.HOST_FULL


def test_lun_0_is_given_only_on_request() -> None:
    assert chosen(set(range(1, 2047))) == 2047
    assert chosen(set(), lun=0) == 0


VOLUME: dict[str, Any] = {"persistentVolume": {"claimRef": {"name": "data"}}}


def test_a_persistent_volume_gets_no_lun_that_kubernetes_refuses() -> None:
    assert chosen(set(range(1, 255)), **VOLUME) == 255
    assert chosen(set(), previous=300, **VOLUME) == 1
    assert chosen(set(), previous=300) == 300


def test_for_a_persistent_volume_a_quarantined_lun_up_to_255_is_better_than_a_free_one_above() -> None:
    assert chosen(set(range(1, 256)) - {7}, quarantine=quarantined({7: 5}), **VOLUME) == 7
    assert chosen(set(range(1, 256)) - {7}, quarantine=quarantined({7: 5})) == 256


def test_without_a_lun_up_to_255_a_persistent_volume_is_refused_and_a_way_out_is_given() -> None:
    lun = chosen(set(range(1, 256)), **VOLUME)

    assert isinstance(lun, Refuse)
    assert lun.reason is Reason.HOST_FULL
    assert "from 1 to 255" in lun.message
    assert "remove spec.persistentVolume" in lun.message


# -- quarantined LUNs ------------------------------------------------------------------------------------------------


def quarantined(until: dict[int, int]) -> Quarantine:
    """Return LUNs that another volume had, quarantined until these minutes."""
    return {
        Lun(lun): QuarantinedLun(lun=Lun(lun), uid=uid(9), until=f"2026-03-01T00:{minute:02}:00Z")
        for lun, minute in until.items()
    }


@given(LUNS, st.dictionaries(st.integers(0, 40), st.integers(0, 59)))
def test_a_quarantined_lun_is_skipped_like_one_that_is_taken(taken: set[int], until: dict[int, int]) -> None:
    assert chosen(taken, quarantine=quarantined(until)) == chosen(taken | until.keys())


@given(st.integers(0, 40))
def test_a_quarantined_lun_is_given_on_request(pin: int) -> None:
    assert chosen(set(), quarantine=quarantined({pin: 5}), lun=pin) == pin


def test_a_previous_lun_is_not_given_again_while_it_is_quarantined_for_another_volume() -> None:
    assert chosen(set(), previous=3, quarantine=quarantined({3: 5})) == 1


def test_if_all_free_luns_are_quarantined_the_one_quarantined_longest_is_given() -> None:
    taken = set(range(1, 2048)) - {4, 5, 6}

    assert chosen(taken, quarantine=quarantined({4: 7, 5: 5, 6: 9})) == 5
    assert chosen(taken | {5}, quarantine=quarantined({4: 7, 6: 9})) == 4
