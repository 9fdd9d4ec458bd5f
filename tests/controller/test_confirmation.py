"""Before anything is removed from the array the API server is asked, because the watches may be out of date."""

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


def removals(array: InProcess) -> list[str]:
    """Return the commands that removed something."""
    verbs = ("rmvdiskhostmap", "rmhostport", "rmhost")
    return [line for line in array.lines if any(f"svctask {verb} " in line for verb in verbs)]


def is_deleted(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:  # noqa: ARG001 - same as is_forced
    running.api.delete(attached)
    running.see(attached)
    return [attached]


def is_forced(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:
    for port in array.system.host_named[own_name("node")].ports:
        port.logins = 1
    running.api.annotate(attached, FORCE_DETACH, running.api.read(attached)["metadata"]["uid"])
    return is_deleted(running, attached, array)


def vanishes(running: Passes, attached: ObjectRef, array: InProcess) -> list[ObjectRef]:  # noqa: ARG001 - same as is_forced
    """The attachment vanishes in spite of its finalizer, by a race of the API server."""
    gone = tombstone_of(Kind.ATTACHMENT, running.api.read(attached))
    assert gone is not None
    del running.api.objects[f"/apis/flashsystem.io/v1alpha1/namespaces/{NAMESPACE}/volumeattachments/{attached.name}"]
    running.see(attached)
    return [running.cache.add_tombstone(Kind.ATTACHMENT, gone)]


Ends = Callable[[Passes, ObjectRef, InProcess], list[ObjectRef]]
ENDS = pytest.mark.parametrize("ends", [is_deleted, is_forced, vanishes], ids=["deleted", "force-detached", "vanished"])


@ENDS
async def test_a_mapping_stays_for_an_attachment_of_the_pair_that_no_watch_has_shown_yet(
    array: InProcess, running: Passes, attached: ObjectRef, ends: Ends
) -> None:
    leaving = ends(running, attached, array)
    younger = running.attachment("younger", "node", "data")

    await running.turn(*leaving)
    assert removals(array) == []

    await running.settle(*leaving, younger)
    assert removals(array) == []
    assert running.ready(younger)["status"] == "True"
    assert running.cache.get(leaving[0]) is None


@pytest.mark.parametrize("watch_event", [False, True], ids=["without a watch event", "with a watch event"])
@ENDS
async def test_a_mapping_stays_for_an_attachment_of_the_pair_that_is_created_during_the_pass(
    array: InProcess, running: Passes, attached: ObjectRef, ends: Ends, watch_event: bool
) -> None:
    leaving = ends(running, attached, array)

    def create() -> None:
        younger = running.attachment("younger", "node", "data")
        if watch_event:
            running.see(younger)

    running.api.meanwhile.append(create)  # when the LUN that is about to be free is recorded

    await running.turn(*leaving)

    assert not running.api.meanwhile
    assert removals(array) == []


@pytest.mark.parametrize("annotation", [PAUSED, RELEASE], ids=["paused", "released"])
async def test_a_paused_or_released_attachment_is_not_unmapped_although_no_watch_has_shown_that_yet(
    array: InProcess, running: Passes, attached: ObjectRef, annotation: str
) -> None:
    is_deleted(running, attached, array)
    running.api.annotate(
        attached, annotation, "true" if annotation == PAUSED else running.api.read(attached)["metadata"]["uid"]
    )

    await running.turn(attached)

    assert removals(array) == []


async def test_nothing_is_unmapped_while_the_api_server_does_not_respond(
    array: InProcess, running: Passes, attached: ObjectRef
) -> None:
    is_deleted(running, attached, array)
    running.api.closed = True
    await running.turn(attached)
    assert removals(array) == []

    running.api.closed = False
    await running.settle(attached)
    assert not running.api.exists(attached)
    assert len(removals(array)) == 1


async def test_a_host_object_is_not_removed_if_a_new_attachment_that_no_watch_has_shown_needs_it(
    array: InProcess, running: Passes, attached: ObjectRef
) -> None:
    is_deleted(running, attached, array)
    await running.settle(attached)
    before = removals(array)
    running.attachment("new", "node", "logs")

    await running.turn(ObjectRef(Kind.HOST, NAMESPACE, "node"))

    assert removals(array) == before
    assert own_name("node") in array.system.host_named


async def test_an_initiator_is_not_removed_if_a_spec_that_no_watch_has_shown_names_it_again(
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

    assert removals(array) == []
    assert {port.name for port in array.system.host_named[own_name("node")].ports} == {iqn("node"), iqn("second")}


async def test_attachments_of_another_resource_with_the_same_host_object_are_also_checked(
    array: InProcess, running: Passes
) -> None:
    """Two FlashSystemHosts may have the same adopted host object in their status."""
    await asyncio.to_thread(array.admin, f"svctask mkhost -name admins -iscsiname {iqn('node')}")
    node, data = running.host("node"), running.attachment("data", "node", "data")
    await running.settle(node, data)
    other = running.host("other", status={"name": "admins", "ownership": "Adopted"})
    is_deleted(running, data, array)
    running.see(other)
    running.attachment("new", "other", "data")

    await running.turn(data)

    assert removals(array) == []
