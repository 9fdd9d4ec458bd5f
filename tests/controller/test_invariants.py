"""Properties of every array and every set of resources: small random ones, by the rules of the simulated array."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import Access
from flashsystem_operator.values import made_by
from support.builders import INSTALLATION, attachment, host, iqn
from support.in_process import InProcess
from support.passes import AnyResource, Passes, passes

INITIATORS, VOLUMES = ("w0", "w1", "w2", "w3"), ("v0", "v1", "v2")
DIALECTS: list[dict[str, Any]] = [
    {"dialect": "legacy", "pool": "mdiskgrp0"},
    {"dialect": "modern", "pool": "Pool0"},
    {"dialect": "modern", "pool": "Pool0", "release": "7.6.0.0"},
]
law = settings(max_examples=40)


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, Any]:
    """An array with volumes, and with host objects and mappings of the administrator."""
    dialect = dict(draw(st.sampled_from(DIALECTS)))
    pool = dialect.pop("pool")
    owners = draw(
        st.lists(st.sampled_from((None, "admin-a", "admin-b")), min_size=len(INITIATORS), max_size=len(INITIATORS))
    )
    names = sorted({owner for owner in owners if owner})
    pairs = [(name, volume) for name in names for volume in VOLUMES]
    mapped = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)) if pairs else []
    luns = draw(st.permutations(range(6)))
    return {
        **dialect,
        "volumes": [{"name": name, "pool": pool} for name in VOLUMES],
        "hosts": [
            {
                "name": name,
                "ports": [{"name": iqn(i)} for i, owner in zip(INITIATORS, owners, strict=True) if owner == name],
            }
            for name in names
        ],
        "mappings": [
            {"host": name, "volume": volume, "lun": lun} for (name, volume), lun in zip(mapped, luns, strict=False)
        ],
    }


@st.composite
def resources(draw: st.DrawFn) -> list[AnyResource]:
    """Hosts that may conflict in initiators, and attachments that may conflict in volumes and LUNs."""
    hosts = [
        host(f"h{number}", *draw(st.lists(st.sampled_from(INITIATORS), min_size=1, max_size=2, unique=True)))
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


@asynccontextmanager
async def applied(config: dict[str, Any], created: list[AnyResource]) -> AsyncIterator[tuple[InProcess, Passes]]:
    """An array, and passes over these resources, none of which has been made."""
    with InProcess(config) as simulated:
        async with passes(simulated) as running:
            running.apply(*created)
            yield simulated, running


def pairs(state: dict[str, Any]) -> dict[tuple[str, str], int]:
    """The LUN of each volume on each host object."""
    return {(each["host"], each["volume"]): each["lun"] for each in state["mappings"]}


def others(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The host objects that the operator did not create."""
    return [each for each in state["hosts"] if not made_by(INSTALLATION, each["name"])]


@law
@given(arrays(), resources())
async def test_resources_settle_and_existing_objects_on_the_array_are_left_unchanged(
    config: dict[str, Any], created: list[AnyResource]
) -> None:
    async with applied(config, created) as (simulated, running):
        before = simulated.state
        await running.settle_all()
        after = simulated.state

        assert others(after) == others(before)
        assert pairs(before).items() <= pairs(after).items()
        assert not (await running.survey()).acted
        assert simulated.state == after


@law
@given(arrays(), resources())
async def test_no_lun_is_used_twice_on_a_host(config: dict[str, Any], created: list[AnyResource]) -> None:
    async with applied(config, created) as (simulated, running):
        await running.settle_all()

        used = [(host, lun) for (host, _), lun in pairs(simulated.state).items()]
        assert len(set(used)) == len(used)


@law
@given(arrays(), resources())
async def test_a_volume_is_mapped_to_a_second_host_only_if_all_its_attachments_are_shared(
    config: dict[str, Any], created: list[AnyResource]
) -> None:
    async with applied(config, created) as (simulated, running):
        before = pairs(simulated.state)
        await running.settle_all()
        after = pairs(simulated.state)

        for volume in {volume for _, volume in after.keys() - before.keys()}:
            if sum(each == volume for _, each in after) > 1:
                attached = [each for each in running.attachments if each.spec.volume.name == volume]
                assert all(each.spec.access is Access.SHARED for each in attached)


@law
@given(arrays(), resources(), st.randoms(use_true_random=False))
async def test_the_order_in_which_objects_are_due_does_not_matter(
    config: dict[str, Any], created: list[AnyResource], chance: random.Random
) -> None:
    async with applied(config, created) as (one, straight), applied(config, created) as (other, shuffled):
        await straight.survey()
        due = shuffled.everything
        chance.shuffle(due)
        await shuffled.turn(*due)

        assert one.state == other.state


@law
@given(arrays(), resources())
async def test_deleting_everything_leaves_the_array_as_it_was(
    config: dict[str, Any], created: list[AnyResource]
) -> None:
    async with applied(config, created) as (simulated, running):
        before = simulated.state
        await running.settle_all()
        running.delete(*running.everything)
        await running.settle_all()

        assert running.resources == []
        assert simulated.state == before


@law
@given(arrays(), resources(), st.data())
async def test_a_detach_removes_its_own_mapping_and_no_other(
    config: dict[str, Any], created: list[AnyResource], data: st.DataObject
) -> None:
    async with applied(config, created) as (simulated, running):
        await running.settle_all()
        before = pairs(simulated.state)
        attached = running.attachments
        going = data.draw(st.sampled_from(attached))
        running.delete(going.ref)

        await running.turn(going.ref, survey=data.draw(st.booleans()))

        await running.settle_all()  # another attachment of the same pair takes the mapping over when it is due

        seen = going.status.host
        gone = before.keys() - pairs(simulated.state).keys()
        assert gone <= ({(seen.name, going.spec.volume.name)} if seen else set())
        assert not running.api.exists(going.ref)


@law
@given(arrays(), resources(), st.data())
async def test_a_lun_that_was_freed_is_given_to_no_other_volume_unless_its_spec_requests_it(
    config: dict[str, Any], created: list[AnyResource], data: st.DataObject
) -> None:
    async with applied(config, created) as (simulated, running):
        await running.settle_all()
        before = pairs(simulated.state)
        attached = running.attachments
        for going in attached[data.draw(st.integers(0, len(attached) - 1)) :]:
            running.delete(going.ref)
        if data.draw(st.booleans()):
            await running.settle_all()
        where = data.draw(st.sampled_from(attached)).host.name
        running.apply(*(attachment(f"new-{volume}", where, volume) for volume in data.draw(st.permutations(VOLUMES))))
        await running.settle_all()

        requested = {(each.spec.volume.name, each.spec.lun) for each in attached}
        for (name, volume), lun in pairs(simulated.state).items() - before.items():
            had_by_others = {had for (on, other), had in before.items() if on == name and other != volume}
            assert lun not in had_by_others or (volume, lun) in requested
