"""What an inventory derives from reads and commands: the same as a new survey of the whole array."""

from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.array import discovery
from flashsystem_operator.array.commands import (
    AddPorts,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemovePort,
    Step,
    UnmapVolume,
    is_observed,
)
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.values import HostName, Iqn, Lun
from support.array_fixtures import ONE, RELEASES, TWO, A, B, config, facts, uid_of
from support.builders import host_object, inventory, iqn, mapped, volume
from support.in_process import InProcess


def test_an_initiator_that_moved_belongs_to_its_new_host_object_in_any_order_of_reads() -> None:
    known = inventory(host_object("a", "moving"), host_object("b", "other"))
    known.learn_host(B, host_object("b", "other", "moving"))
    known.learn_host(A, host_object("a", "left"))

    assert known.holder(iqn("moving")) == B
    assert known.holders([iqn("left"), iqn("moving")]) == (A, B)


def test_a_mapping_through_a_host_cluster_does_not_show_a_command_of_the_operator_as_done() -> None:
    node, data = host_object("a", "a"), volume("data", 1)
    command = MapVolume(A, data.name, data.uid, Lun(1))

    assert not is_observed(command, inventory(node, data, mapped(node, data, cluster="c")))
    assert is_observed(command, inventory(node, data, mapped(node, data)))


def test_a_copy_is_an_independent_inventory() -> None:
    node, data = host_object("a", "a"), volume("data", 1)
    known = inventory(node, data, mapped(node, data))
    before = facts(known)
    copy = known.copy()
    UnmapVolume(A, data.name, data.uid).apply(copy)
    RemoveHost(A).apply(copy)
    copy.learn_volume_gone(data.uid)

    assert facts(known) == before
    assert not copy.hosts


SMALL: list[Step] = [
    MakeHost(HostName("c"), (Iqn(iqn("c")),)),
    MakeHost(HostName("d"), (Iqn(iqn("c")), Iqn(iqn("d")))),
    AddPorts(A, (Iqn(iqn("d")),)),
    AddPorts(B, (Iqn(iqn("c")),)),
    RemovePort(B, Iqn(iqn("b"))),
    RemovePort(A, Iqn(iqn("d"))),
    RemoveHost(A),
    RemoveHost(B),
    RemoveHost(HostName("c")),
]


def steps_of(known: Inventory) -> list[Step]:
    pairs = [(host, known.volumes[uid_of(known, name)]) for host in (A, B, HostName("c")) for name in (ONE, TWO)]
    lun = Lun(5)
    return [
        *SMALL,
        *(MapVolume(host, each.name, each.uid, lun, alongside_others=True) for host, each in pairs),
        *(UnmapVolume(host, each.name, each.uid) for host, each in pairs),
    ]


@settings(max_examples=60)
@given(st.sampled_from(RELEASES[:4]), st.lists(st.integers(0, 20), max_size=8))
def test_applying_a_step_equals_reading_an_array_that_executed_it(release: dict[str, Any], chosen: list[int]) -> None:
    with InProcess(config(release)) as array, closing(array.session()) as session:
        predicted = discovery.survey(session, None)
        for step in (steps_of(predicted)[number] for number in chosen):
            try:
                session.do(step)
            except Refused:
                continue
            step.apply(predicted)
            assert is_observed(step, predicted)

        seen = discovery.survey(session, None)

        assert facts(predicted, supposed=True) == facts(seen, supposed=True)


@settings(max_examples=60)
@given(st.sampled_from(RELEASES[:4]), st.lists(st.integers(0, 20), max_size=6), st.booleans())
def test_an_inventory_that_is_read_again_equals_a_new_survey(
    release: dict[str, Any], chosen: list[int], renames: bool
) -> None:
    with InProcess(config(release)) as array, closing(array.session()) as session:
        old = discovery.survey(session, None)
        for step in (steps_of(old)[number] for number in chosen):
            try:
                session.do(step)
            except Refused:
                continue
        if renames:
            for before, after in ((ONE, "x"), (TWO, ONE), ("x", TWO)):
                array.admin(f"svctask chvdisk -name '{after}' '{before}'")
        discovery.volumes(session, old)
        discovery.hosts(session, old)

        assert facts(old) == facts(discovery.survey(session, None))
