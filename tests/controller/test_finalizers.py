"""Our finalizer is removed only after a read that shows nothing left, and only from the object that was checked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.controller.kube.errors import Conflict, NotFound
from support.builders import own_name
from support.fake_api import Fault
from support.in_process import InProcess
from support.passes import Passes, passes

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}


@pytest.fixture(params=["legacy", "modern"])
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    volumes = [{"name": name, "pool": POOLS[request.param]} for name in ("data", "logs", "temp")]
    with InProcess({"dialect": request.param, "volumes": volumes}) as running:
        yield running


def mapped(array: InProcess) -> set[str]:
    """Return the volumes that are mapped to any host."""
    return {row["volume"] for row in array.state["mappings"]}


@pytest.fixture
async def running(array: InProcess) -> AsyncIterator[Passes]:
    async with passes(array, limit=2.0) as started:
        yield started


async def test_an_attachment_keeps_its_finalizer_until_another_attachment_of_its_pair_has_one(
    array: InProcess, running: Passes
) -> None:
    """Otherwise a Duplicate that vanishes unseen together with its elder leaves the mapping without an owner."""
    node, elder, younger = running.host("node"), *(running.attachment(n, "node", "data") for n in ("elder", "younger"))
    await running.settle(node, elder, younger)
    assert running.ready(younger)["reason"] == "Duplicate"

    running.api.delete(elder)
    running.api.delete(younger)  # which is gone, and no watch has shown that yet
    running.see(elder)
    await running.turn(elder, younger)
    assert running.api.exists(elder)
    assert mapped(array) == {"data"}

    running.see(younger)
    await running.settle(node, elder)
    assert not running.api.exists(elder)
    assert mapped(array) == set()


async def test_a_mapping_is_handed_to_a_younger_attachment_without_an_unmap(array: InProcess, running: Passes) -> None:
    node, elder, younger = running.host("node"), *(running.attachment(n, "node", "data") for n in ("elder", "younger"))
    await running.settle(node, elder, younger)

    running.api.delete(elder)
    await running.settle(elder, younger)

    assert not running.api.exists(elder)
    assert running.ready(younger)["status"] == "True"
    assert FINALIZER in running.api.read(younger)["metadata"]["finalizers"]
    assert not any("rmvdiskhostmap" in line for line in array.lines)
    running.api.delete(younger)
    await running.settle(younger)
    assert mapped(array) == set()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"lun": 7}, "LUNDiffers"), ({"deletionPolicy": "Retain"}, "Attached")],
    ids=["cannot use it", "can use it"],
)
async def test_a_younger_attachment_takes_over_the_mapping_whether_or_not_it_can_use_it(
    array: InProcess, running: Passes, spec: dict[str, Any], reason: str
) -> None:
    node, elder = running.host("node"), running.attachment("elder", "node", "data")
    await running.settle(node, elder)

    running.api.delete(elder)
    younger = running.attachment("younger", "node", "data", spec=spec)
    await running.settle(elder, younger)

    assert not running.api.exists(elder)
    assert mapped(array) == {"data"}
    assert running.ready(younger)["reason"] == reason
    assert FINALIZER in running.api.read(younger)["metadata"]["finalizers"]


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
async def test_an_attachment_is_not_reported_ready_before_it_has_our_finalizer(running: Passes, fault: Fault) -> None:
    """It could be deleted at once, and would leave its mapping behind."""
    node, old = running.host("node"), running.attachment("old", "node", "data")
    await running.settle(node, old)
    taking_over = running.attachment("new", "node", "data")
    running.api.delete(old)
    running.see(old, taking_over)

    running.api.faults.append(fault)  # of the next write, which adds the finalizer
    await running.turn(taking_over)

    guarded = FINALIZER in running.api.read(taking_over)["metadata"].get("finalizers", ())
    assert guarded or running.ready(taking_over).get("status") != "True"
    await running.settle(node, old, taking_over)
    assert running.ready(taking_over)["status"] == "True"
    assert not running.api.exists(old)


async def test_a_recreated_object_inherits_nothing_from_the_status_of_its_predecessor(
    array: InProcess, running: Passes
) -> None:
    """Otherwise it would use the volume of its predecessor: a volume that was found once is identified by UID."""
    node, elder = running.host("node"), running.attachment("elder", "node", "data")
    await running.settle(node, elder)
    await asyncio.to_thread(array.admin, f"svctask mkvdiskhostmap -host {own_name('node')} logs")
    taking_over, again = running.attachment("logs", "node", "logs"), running.attachment("again", "node", "data")
    running.see(taking_over, again)

    def created_again() -> None:
        running.api.delete(again)
        running.attachment("again", "node", "temp")
        running.see(again)

    running.api.meanwhile.append(created_again)  # when our finalizer is added to the other one
    await running.turn(taking_over, again)

    assert running.api.read(again)["status"] == {}
    await running.settle(node, again)
    assert running.api.read(again)["status"]["volume"]["name"] == "temp"


async def test_the_finalizer_stays_if_the_object_was_changed_after_its_release_was_decided(running: Passes) -> None:
    node, leaving = running.host("node"), running.attachment("leaving", "node", "data")
    await running.settle(node, leaving)
    running.api.delete(leaving)
    running.see(leaving)
    entry = running.cache.get(leaving)
    assert entry is not None

    running.api.annotate(leaving, "flashsystem.io/paused", "true")
    running.see(leaving)
    with pytest.raises(Conflict):
        await running.writer.release(leaving, entry.meta)

    assert running.api.exists(leaving)


async def test_the_finalizer_of_a_recreated_object_is_never_removed_for_its_predecessor(running: Passes) -> None:
    predecessor, node = running.attachment("a", "node", "data", finalizers=[FINALIZER]), running.host("node")
    running.see(node, predecessor)
    entry = running.cache.get(predecessor)
    assert entry is not None

    successor = running.attachment("a", "node", "data", finalizers=[FINALIZER])
    running.see(successor)
    with pytest.raises(NotFound):
        await running.writer.release(successor, entry.meta)

    assert FINALIZER in running.api.read(successor)["metadata"]["finalizers"]
