"""Before something is taken away on the array the API server is asked, since what the watches show may be old."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from flashsystem_operator.api.metadata import FORCE_DETACH, PAUSED, RELEASE, Kind, ObjectRef
from flashsystem_operator.controller.cache import tombstone_of
from support.builders import NAMESPACE, iqn, own_name
from support.in_process import InProcess
from support.passes import Passes, passes

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}


@pytest.fixture(params=["legacy", "modern"])
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    volumes = [{"name": name, "pool": POOLS[request.param]} for name in ("data", "logs")]
    with InProcess({"dialect": request.param, "volumes": volumes}) as running:
        yield running


@pytest.fixture
async def running(array: InProcess) -> AsyncIterator[Passes]:
    async with passes(array) as started:
        yield started


@pytest.fixture
async def attached(running: Passes) -> ObjectRef:
    """The attachment of volume `data` to host `node`, Ready."""
    node, data = running.host("node"), running.attachment("elder", "node", "data")
    await running.settle(node, data)
    return data


def taking(array: InProcess) -> list[str]:
    """The commands that took something away."""
    verbs = ("rmvdiskhostmap", "rmhostport", "rmhost")
    return [line for line in array.lines if any(f"svctask {verb} " in line for verb in verbs)]


def leaves(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:  # noqa: ARG001 - see FORCED
    running.api.delete(attached)
    running.see(attached)
    return [attached]


def is_forced(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:
    for port in array.system.host_named[own_name("node")].ports:
        port.logins = 1
    running.api.annotate(attached, FORCE_DETACH, running.api.read(attached)["metadata"]["uid"])
    return leaves(running, attached, array)


def slips_away(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:  # noqa: ARG001 - as above
    """It goes in spite of its finalizer, by a race of the API server."""
    gone = tombstone_of(Kind.ATTACHMENT, running.api.read(attached))
    assert gone is not None
    del running.api.objects[f"/apis/flashsystem.io/v1alpha1/namespaces/{NAMESPACE}/volumeattachments/{attached.name}"]
    running.see(attached)
    return [running.cache.add_tombstone(Kind.ATTACHMENT, gone)]


Ends = Callable[[Passes, ObjectRef, InProcess], list[ObjectRef]]
ENDS = pytest.mark.parametrize(
    "ends", [leaves, is_forced, slips_away], ids=["deleted", "force-detached", "slipped away"]
)


@ENDS
async def test_nothing_is_unmapped_under_an_attachment_of_the_pair_that_no_watch_has_shown_yet(
    array: InProcess, running: Passes, attached: ObjectRef, ends: Ends
) -> None:
    leaving = ends(running, attached, array)
    younger = running.attachment("younger", "node", "data")

    await running.turn(*leaving)
    assert taking(array) == []

    await running.settle(*leaving, younger)
    assert taking(array) == []
    assert running.ready(younger)["status"] == "True"
    assert running.cache.get(leaving[0]) is None


@pytest.mark.parametrize("watched", [False, True], ids=["which no watch has shown", "which the watch has shown"])
@ENDS
async def test_nothing_is_unmapped_under_an_attachment_that_is_created_in_the_midst_of_a_pass(
    array: InProcess, running: Passes, attached: ObjectRef, ends: Ends, watched: bool
) -> None:
    leaving = ends(running, attached, array)

    def create() -> None:
        younger = running.attachment("younger", "node", "data")
        if watched:
            running.see(younger)

    running.api.meanwhile.append(create)  # when the LUN that is about to be free is recorded

    await running.turn(*leaving)

    assert not running.api.meanwhile
    assert taking(array) == []


@pytest.mark.parametrize("said", [PAUSED, RELEASE], ids=["paused", "released"])
async def test_what_is_paused_or_released_is_not_unmapped_though_no_watch_has_shown_that_yet(
    array: InProcess, running: Passes, attached: ObjectRef, said: str
) -> None:
    leaves(running, attached, array)
    running.api.annotate(attached, said, "true" if said == PAUSED else running.api.read(attached)["metadata"]["uid"])

    await running.turn(attached)

    assert taking(array) == []


async def test_nothing_is_unmapped_while_the_api_server_does_not_answer(
    array: InProcess, running: Passes, attached: ObjectRef
) -> None:
    leaves(running, attached, array)
    running.api.closed = True
    await running.turn(attached)
    assert taking(array) == []

    running.api.closed = False
    await running.settle(attached)
    assert not running.api.exists(attached)
    assert len(taking(array)) == 1


async def test_a_host_object_that_a_new_attachment_asks_for_is_not_removed_though_no_watch_has_shown_it_yet(
    array: InProcess, running: Passes, attached: ObjectRef
) -> None:
    leaves(running, attached, array)
    await running.settle(attached)
    before = taking(array)
    running.attachment("new", "node", "logs")

    await running.turn(ObjectRef(Kind.HOST, NAMESPACE, "node"))

    assert taking(array) == before
    assert own_name("node") in array.system.host_named


async def test_an_initiator_that_the_spec_names_again_is_not_removed_though_no_watch_has_shown_it_yet(
    array: InProcess, running: Passes
) -> None:
    both: dict[str, Any] = {"initiators": {"iscsi": [iqn("node"), iqn("second")]}}
    node, data = running.host("node"), running.attachment("data", "node", "data")
    running.api.edit(node, both)
    await running.settle(node, data)

    running.api.edit(node, {"initiators": {"iscsi": [iqn("node")]}})
    running.see(node)
    running.api.edit(node, both)
    await running.turn(node)

    assert taking(array) == []
    assert {port.name for port in array.system.host_named[own_name("node")].ports} == {iqn("node"), iqn("second")}


async def test_what_another_one_of_our_hosts_stands_on_is_asked_for_too(array: InProcess, running: Passes) -> None:
    """Two FlashSystemHosts may have the same adopted host object in their status."""
    await asyncio.to_thread(array.admin, f"svctask mkhost -name admins -iscsiname {iqn('node')}")
    node, data = running.host("node"), running.attachment("data", "node", "data")
    await running.settle(node, data)
    other = running.host("other", status={"name": "admins", "ownership": "Adopted"})
    leaves(running, data, array)
    running.see(other)
    running.attachment("new", "other", "data")

    await running.turn(data)

    assert taking(array) == []
