"""Events at a real API server: repetitions are counted, a flood is dropped, and the operator never waits for them."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef
from flashsystem_operator.controller.cache import Cache, tombstone_of
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.writer import Events, Writer
from flashsystem_operator.planner.events import EventRecord
from support.clock import Clock
from support.kube_client import asking
from support.stand import until

REFUSED = EventRecord("RefusedByArray", "The array refused it:\nCMMVC5879E.", warning=True)


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def recorded(cluster: Cluster, namespace: str) -> Callable[[], list[dict[str, Any]]]:
    """Read the Events of the namespace."""
    return lambda: json.loads(cluster.kubectl("get", "events", f"--namespace={namespace}", "--output=json"))["items"]


async def test_an_event_is_about_its_object_and_on_one_line(
    kube: Kube, clock: Clock, namespace: str, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    events = Events(kube, clock)

    events.record_events(ObjectRef(Kind.ATTACHMENT, namespace, "db"), "uid-1", REFUSED)
    await events.flush(20)

    (event,) = recorded()
    about = {"kind": "VolumeAttachment", "apiVersion": "flashsystem.io/v1alpha1", "namespace": namespace, "name": "db"}
    assert event["involvedObject"] == about | {"uid": "uid-1"}
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "RefusedByArray", 1)
    assert event["message"] == "The array refused it: CMMVC5879E."


async def test_what_happens_again_is_counted_on_one_event_and_written_once_a_minute(
    kube: Kube, clock: Clock, namespace: str, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    events, ref = Events(kube, clock), ObjectRef(Kind.ATTACHMENT, namespace, "db")

    for _ in range(5):
        events.record_events(ref, "uid-1", REFUSED)
    await events.flush(20)
    at_once = [event["count"] for event in recorded()]
    events.record_events(ref, "uid-1", REFUSED)
    await events.flush(20)
    within_a_minute = [event["count"] for event in recorded()]
    clock.now += 61
    events.record_events(ref, "uid-1", REFUSED)
    events.record_events(ref, "uid-2", REFUSED)
    events.record_events(ref, "uid-1", EventRecord("RefusedByArray", "Another.", warning=True))
    await events.flush(20)

    assert (at_once, within_a_minute) == ([5], [5])
    assert sorted(event["count"] for event in recorded()) == [1, 1, 7]


async def test_an_event_that_the_api_server_has_removed_is_created_again(
    kube: Kube, clock: Clock, cluster: Cluster, namespace: str, recorded: Callable[[], list[dict[str, Any]]]
) -> None:
    events, ref = Events(kube, clock), ObjectRef(Kind.ATTACHMENT, namespace, "db")
    events.record_events(ref, "uid-1", REFUSED)
    await events.flush(20)
    cluster.kubectl("delete", "events", "--all", f"--namespace={namespace}")

    clock.now += 61
    events.record_events(ref, "uid-1", REFUSED)
    await events.flush(20)

    assert [event["count"] for event in recorded()] == [1]


async def test_a_flood_of_events_is_cut_off_and_logged(
    kube: Kube,
    clock: Clock,
    namespace: str,
    recorded: Callable[[], list[dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = Events(kube, clock, waiting=5)

    for number in range(8):
        events.record_events(ObjectRef(Kind.ATTACHMENT, namespace, f"a-{number}"), f"uid-{number}", REFUSED)
    await events.flush(20)

    assert len(recorded()) == 5
    assert "3 Events were not written" in caplog.text


async def test_without_the_right_to_write_events_one_warning_is_logged_and_work_continues(
    clock: Clock, cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.kubectl("create", "serviceaccount", "unprivileged", f"--namespace={namespace}")
    async with asking(cluster.kubeconfig_for("unprivileged", namespace)) as closed:
        events = Events(closed, clock)
        for number in range(3):
            events.record_events(ObjectRef(Kind.ATTACHMENT, namespace, f"a-{number}"), f"uid-{number}", REFUSED)
        await events.flush(20)

    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert ["a-0" in record.getMessage() for record in warned] == [True]


async def test_an_event_refused_by_a_namespace_that_is_being_deleted_is_no_warning(
    kube: Kube, clock: Clock, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events = Events(kube, clock)

    for number in range(3):
        events.record_events(ObjectRef(Kind.ATTACHMENT, ending, f"a-{number}"), f"uid-{number}", REFUSED)
    await events.flush(20)

    logged = [
        (record.levelno, record.getMessage()) for record in caplog.records if "cannot write" in record.getMessage()
    ]
    assert [level for level, _ in logged] == [logging.DEBUG] * 3
    assert all("its namespace is being deleted" in message for _, message in logged)


@pytest.mark.parametrize("name", ["db", "d" * 253], ids=["a short name", "a name of the maximum length"])
async def test_an_event_of_an_object_that_vanished_is_found_by_the_name_of_the_object(
    kube: Kube, namespace: str, recorded: Callable[[], list[dict[str, Any]]], name: str
) -> None:
    vanished = {
        "metadata": {"name": name, "namespace": namespace, "uid": "uid-1", "finalizers": [FINALIZER]},
        "spec": {"hostRef": {"name": "node"}, "volume": {"name": "data"}},
        "status": {"origin": "Created", "volume": {"name": "data"}},
    }
    tombstone = tombstone_of(Kind.ATTACHMENT, vanished)
    assert tombstone is not None
    writer = Writer(kube, Cache())

    writer.record_events(ObjectRef(Kind.ATTACHMENT, namespace, tombstone["metadata"]["name"]), "uid-1", [REFUSED])
    (event,) = await asyncio.to_thread(until, "the Event", recorded)
    await writer.close()

    assert (event["involvedObject"]["name"], event["involvedObject"]["uid"]) == (name, "uid-1")
