"""What must hold for every array and every set of wishes: small random worlds, on the simulated array's own rules."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import Access, VolumeAttachment
from flashsystem_operator.planner.decision import Act
from flashsystem_operator.planner.names import made_by
from support.builders import INSTALLATION, attachment, host, iqn
from support.in_process import InProcess
from support.keeping import ImportRequest, Keeper

WORDS, VOLUMES = ("w0", "w1", "w2", "w3"), ("v0", "v1", "v2")
DIALECTS: list[dict[str, Any]] = [
    {"dialect": "legacy", "pool": "mdiskgrp0"},
    {"dialect": "modern", "pool": "Pool0"},
    {"dialect": "modern", "pool": "Pool0", "release": "7.6.0.0"},
]
law = settings(max_examples=40)


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, Any]:
    """An array with volumes, an administrator's host objects, and mappings of his."""
    dialect = dict(draw(st.sampled_from(DIALECTS)))
    pool = dialect.pop("pool")
    owners = draw(st.lists(st.sampled_from((None, "admin-a", "admin-b")), min_size=len(WORDS), max_size=len(WORDS)))
    names = sorted({owner for owner in owners if owner})
    pairs = [(name, volume) for name in names for volume in VOLUMES]
    mapped = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)) if pairs else []
    luns = draw(st.permutations(range(6)))
    return {
        **dialect,
        "volumes": [{"name": name, "pool": pool} for name in VOLUMES],
        "hosts": [
            {"name": name, "ports": [{"name": iqn(w)} for w, owner in zip(WORDS, owners, strict=True) if owner == name]}
            for name in names
        ],
        "mappings": [
            {"host": name, "volume": volume, "lun": lun} for (name, volume), lun in zip(mapped, luns, strict=False)
        ],
    }


@st.composite
def wishes(draw: st.DrawFn) -> list[ImportRequest]:
    """Hosts that may quarrel about initiators, and attachments that may quarrel about volumes and LUNs."""
    hosts = [
        host(f"h{number}", *draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True)))
        for number in range(draw(st.integers(1, 3)))
    ]
    attachments = [
        attachment(
            f"a{number}",
            draw(st.sampled_from(hosts)).metadata.name,
            draw(st.sampled_from(VOLUMES)),
            access=draw(st.sampled_from(Access)),
            lun=draw(st.sampled_from((None, None, 0, 1, 2))),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    return [*hosts, *attachments]


@contextmanager
def kept(config: dict[str, Any], wished: list[ImportRequest]) -> Iterator[tuple[InProcess, Keeper]]:
    with InProcess(config) as simulated:
        keeper = Keeper(simulated)
        keeper.wish(*wished)
        try:
            yield simulated, keeper
        finally:
            keeper.close()


def pairs(state: dict[str, Any]) -> dict[tuple[str, str], int]:
    """The LUN of each volume on each host object."""
    return {(each["host"], each["volume"]): each["lun"] for each in state["mappings"]}


def others(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The host objects that we did not make, as they are."""
    return [each for each in state["hosts"] if not made_by(INSTALLATION, each["name"])]


@law
@given(arrays(), wishes())
def test_wishes_settle_and_what_was_there_stays_as_it_was(config: dict[str, Any], wished: list[ImportRequest]) -> None:
    with kept(config, wished) as (simulated, keeper):
        before = simulated.state
        keeper.settle()
        after = simulated.state

        assert others(after) == others(before)
        assert pairs(before).items() <= pairs(after).items()
        decided = keeper.turn()
        assert not any(isinstance(decision, Act) for decision in decided.values())
        assert simulated.state == after


@law
@given(arrays(), wishes())
def test_no_lun_is_used_twice_on_a_host(config: dict[str, Any], wished: list[ImportRequest]) -> None:
    with kept(config, wished) as (simulated, keeper):
        keeper.settle()

        used = [(host, lun) for (host, _), lun in pairs(simulated.state).items()]
        assert len(set(used)) == len(used)


@law
@given(arrays(), wishes())
def test_a_volume_comes_to_a_second_host_only_if_everybody_shares(
    config: dict[str, Any], wished: list[ImportRequest]
) -> None:
    with kept(config, wished) as (simulated, keeper):
        before = pairs(simulated.state)
        keeper.settle()
        after = pairs(simulated.state)

        for volume in {volume for _, volume in after.keys() - before.keys()}:
            if sum(each == volume for _, each in after) > 1:
                attached = [each for each in keeper.wishes.values() if isinstance(each, VolumeAttachment)]
                assert all(a.spec.access is Access.SHARED for a in attached if a.spec.volume.name == volume)


@law
@given(arrays(), wishes(), st.randoms(use_true_random=False))
def test_the_order_in_which_objects_are_due_does_not_matter(
    config: dict[str, Any], wished: list[ImportRequest], chance: random.Random
) -> None:
    with kept(config, wished) as (one, straight), kept(config, wished) as (other, shuffled):
        straight.turn()
        due = list(shuffled.wishes)
        chance.shuffle(due)
        shuffled.turn(due)

        assert one.state == other.state


@law
@given(arrays(), wishes())
def test_deleting_everything_leaves_the_array_as_it_was(config: dict[str, Any], wished: list[ImportRequest]) -> None:
    with kept(config, wished) as (simulated, keeper):
        before = simulated.state
        keeper.settle()
        for ref in list(keeper.wishes):
            keeper.delete(ref)
        keeper.settle()

        assert keeper.wishes == {}
        assert simulated.state == before


@law
@given(arrays(), wishes(), st.data())
def test_a_detach_removes_its_own_mapping_and_no_other(
    config: dict[str, Any], wished: list[ImportRequest], data: st.DataObject
) -> None:
    with kept(config, wished) as (simulated, keeper):
        keeper.settle()
        before = pairs(simulated.state)
        attached = [each for each in keeper.wishes.values() if isinstance(each, VolumeAttachment)]
        going = data.draw(st.sampled_from(attached))
        keeper.delete(going.ref)

        keeper.turn([going.ref], survey=data.draw(st.booleans()))

        keeper.settle()  # another of the same pair takes the mapping over in its own turn

        seen = going.status.host
        gone = before.keys() - pairs(simulated.state).keys()
        assert gone <= ({(seen.name, going.spec.volume.name)} if seen else set())
        assert going.ref not in keeper.wishes


@law
@given(arrays(), wishes(), st.data())
def test_a_lun_that_was_freed_goes_to_no_other_volume_unless_that_asks_for_it(
    config: dict[str, Any], wished: list[ImportRequest], data: st.DataObject
) -> None:
    with kept(config, wished) as (simulated, keeper):
        keeper.settle()
        before = pairs(simulated.state)
        attached = [each for each in keeper.wishes.values() if isinstance(each, VolumeAttachment)]
        for going in attached[data.draw(st.integers(0, len(attached) - 1)) :]:
            keeper.delete(going.ref)
        if data.draw(st.booleans()):
            keeper.settle()
        where = data.draw(st.sampled_from(attached)).host.name
        keeper.wish(*(attachment(f"new-{volume}", where, volume) for volume in data.draw(st.permutations(VOLUMES))))
        keeper.settle()

        asked = {(each.spec.volume.name, each.spec.lun) for each in attached}
        for (name, volume), lun in pairs(simulated.state).items() - before.items():
            had_by_others = {had for (on, other), had in before.items() if on == name and other != volume}
            assert lun not in had_by_others or (volume, lun) in asked
