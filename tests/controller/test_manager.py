"""The controller as a whole, from the start to the end, with a real simulated array behind it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from flashsystem_operator.api.metadata import API_VERSION, FINALIZER, RECONCILE_REQUESTED_AT, Kind, ObjectRef
from flashsystem_operator.controller.manager import Controller, Sighting
from flashsystem_operator.controller.reconciler import MAX_SECONDS
from flashsystem_operator.controller.workqueue import Clock
from flashsystem_operator.settings import Settings
from flashsystem_operator.simulator import Simulator
from support.array_state import admin
from support.builders import iqn
from support.fake_api import FakeApi, Fault, path
from support.simulated_arrays import simulated
from support.sshd import Sshd
from support.stand import until

ARRAY = ObjectRef(Kind.ARRAY, "storage", "array")
HOST, ATTACHMENT = ObjectRef(Kind.HOST, "storage", "node"), ObjectRef(Kind.ATTACHMENT, "storage", "data")
META = {
    "namespace": ARRAY.namespace,
    "generation": 1,
    "resourceVersion": "1",
    "creationTimestamp": "2026-01-01T00:00:00Z",
}
PATIENCE = 60.0
"""Seconds after which what never comes is given up."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Of one dialect: nothing here depends on it."""
    with simulated(dialect="modern") as running:
        yield running


def array(simulator: Simulator, **limits: Any) -> dict[str, Any]:
    """As the API server has it, before anything was done for it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "FlashSystemArray",
        "metadata": META | {"name": ARRAY.name, "uid": "uid-of-the-array"},
        "spec": {
            "management": {"addresses": [simulator.host], "port": simulator.port},
            "credentialsSecretRef": {"name": "login"},
            "hostKeys": [simulator.host_key],
            "limits": limits,
        },
    }


def with_secret(api: FakeApi, simulator: Simulator) -> None:
    login = {"username": simulator.user, "password": "passw0rd"}
    api.objects["/api/v1/namespaces/storage/secrets/login"] = {
        "metadata": {"name": "login", "namespace": "storage", "resourceVersion": "1"},
        "data": {key: base64.b64encode(word.encode()).decode() for key, word in login.items()},
    }


@asynccontextmanager
async def started(api: FakeApi, clock: Clock = monotonic, **settings: Any) -> AsyncIterator[Controller]:
    async with api.served() as kube:
        ours = Settings("us", "operators", ("storage",), installation="here", **settings)
        controller = Controller(kube, ours, clock)
        try:
            await controller.start()
            yield controller
        finally:
            await controller.stop()


async def held(simulator: Simulator, order: int) -> None:
    """Wait until the command is under way that this order holds."""
    await asyncio.to_thread(simulator.control.wait, order, seconds=PATIENCE)


async def test_an_array_that_a_watch_shows_after_a_stop_is_worked_by_nobody(simulator: Simulator) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    async with started(api) as controller:
        await controller.stop()
        controller.see(Sighting(Kind.ARRAY, gone=False, body=array(simulator)))

        assert controller.left == []


async def test_a_command_that_hangs_is_cut_off_at_a_stop_and_nothing_is_left_of_its_worker(
    simulator: Simulator,
) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="10m"))
    order = simulator.control.fault("hold", "lssystem")
    async with started(api, grace=6.0) as controller:
        await held(simulator, order)
        assert f"the work on {ARRAY}" in controller.left

        await controller.stop()

        assert controller.left == []
        assert controller.alive


async def test_after_a_stop_it_is_alive_for_as_long_as_nothing_is_left(simulator: Simulator) -> None:
    """The next start may fail for hours, for want of a login: a restart of the process would not help."""
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="10m"))
    order = simulator.control.fault("hold", "lssystem")
    async with started(api, lambda: monotonic() + later) as controller:
        await held(simulator, order)
        controller.end()
        later = 3600.0
        await asyncio.to_thread(until, "it to be said", lambda: not controller.alive)

        await controller.stop()

        assert controller.left == []
        assert controller.alive


async def test_the_worker_of_an_array_that_went_meanwhile_is_cut_off_too(simulator: Simulator) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    body = array(simulator, commandTimeout="10m")
    api.add(ARRAY, body)
    order = simulator.control.fault("hold", "lssystem")
    async with started(api, grace=6.0) as controller:
        await held(simulator, order)
        controller.see(Sighting(Kind.ARRAY, gone=True, body=body))
        assert f"the work on {ARRAY}" in controller.left

        await controller.stop()

        assert controller.left == []


async def test_no_command_is_sent_once_the_end_began(simulator: Simulator) -> None:
    """Before anything is awaited: what follows may take its time."""
    api = FakeApi()
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator))
    order = simulator.control.fault("hold", "lssystem")
    async with started(api) as controller:
        await held(simulator, order)
        controller.end()
        await asyncio.to_thread(simulator.control.release, order)
        await controller.stop()

        assert [entry["line"] for entry in simulator.control.log() if entry["session"]][1:] == []
        assert controller.left == []


async def test_a_pass_that_hangs_is_not_alive_and_one_that_gets_on_is(simulator: Simulator) -> None:
    """/livez asks this. An hour passes in which no command and no request ends; then the command does."""
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator))
    order = simulator.control.fault("hold", "lssystem")
    async with started(api, lambda: monotonic() + later) as controller:
        await held(simulator, order)
        later = 3600.0
        await asyncio.to_thread(until, "it to be said", lambda: not controller.alive)

        await asyncio.to_thread(simulator.control.release, order)
        await asyncio.to_thread(until, "it to be alive again", lambda: controller.alive)


def host(name: str) -> dict[str, Any]:
    """One whose host object is there without a volume, too."""
    return {
        "apiVersion": API_VERSION,
        "kind": "FlashSystemHost",
        "metadata": META | {"name": name, "uid": f"uid-of-{name}"},
        "spec": {
            "arrayRef": {"name": ARRAY.name},
            "initiators": {"iscsi": [f"iqn.1994-05.com.redhat:{name}"]},
            "lifecycle": "Persistent",
        },
    }


async def test_a_pass_that_takes_its_time_leaves_the_rest_to_another_one_with_a_new_look(simulator: Simulator) -> None:
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, concurrentCommands=1))
    for name in ("one", "two", "three"):
        api.add(ObjectRef(Kind.HOST, "storage", name), host(name))
    order = simulator.control.fault("hold", "mkhost")
    async with started(api, lambda: monotonic() + later, lease_duration=300.0) as controller:
        await held(simulator, order)
        later = MAX_SECONDS + 1
        await asyncio.to_thread(simulator.control.release, order)
        await asyncio.to_thread(until, "all hosts", lambda: len(simulator.control.state()["hosts"]) == 3)
        assert controller.alive

    log = [entry["line"] for entry in simulator.control.log() if entry["session"]]
    first, second, _ = (number for number, line in enumerate(log) if "mkhost" in line)
    assert any("lshost" in line for line in log[first:second])


async def test_what_is_said_of_an_object_follows_a_change_that_no_watch_has_shown() -> None:
    """Else it would be refused again and again as a conflict, until all objects are listed the next time."""
    api, ref = FakeApi(), ObjectRef(Kind.HOST, "storage", "node")
    initiators = [f"iqn.1994-05.com.redhat:{name}" for name in ("one", "two")]
    async with started(api) as controller:
        api.create(ref, {"arrayRef": {"name": "nowhere"}, "initiators": {"iscsi": initiators[:1]}})
        shown = api.read(ref)
        api.meanwhile.append(lambda: api.edit(ref, {"initiators": {"iscsi": initiators}}))  # as the first is written
        controller.see(Sighting(Kind.HOST, gone=False, body=shown))

        async with asyncio.timeout(PATIENCE):
            while api.read(ref)["status"].get("observedGeneration") != 2:
                api.wrote.clear()
                await api.wrote.wait()

        (ready,) = [each for each in api.read(ref)["status"]["conditions"] if each["type"] == "Ready"]
        assert (ready["reason"], ready["observedGeneration"]) == ("ArrayNotFound", 2)


async def test_a_request_is_answered_wherever_it_is_and_tries_a_refused_login_only_on_the_array(
    simulator: Simulator,
) -> None:
    """Who may write attachments could have the array's user locked out, one request after the other."""
    api = FakeApi()
    with_secret(api, simulator)
    with Sshd(password="another") as sshd:
        spec = {"management": {"addresses": ["127.0.0.1"], "port": sshd.port}, "hostKeys": list(sshd.lines)}
        body = array(simulator)
        api.add(ARRAY, {**body, "spec": {**body["spec"], **spec}})
        api.create(HOST, {"arrayRef": {"name": ARRAY.name}, "initiators": {"iscsi": [iqn("node")]}})
        api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "vol0"}})
        async with started(api) as controller:

            async def echoed(ref: ObjectRef, said: str) -> None:
                api.annotate(ref, RECONCILE_REQUESTED_AT, said)
                controller.see(Sighting(ref.kind, gone=False, body=api.read(ref)))
                await asyncio.to_thread(
                    until, "the echo", lambda: api.read(ref)["status"].get("lastHandledReconcileAt") == said
                )

            await asyncio.to_thread(until, "a login", lambda: sshd.logins)
            for number, ref in enumerate((ATTACHMENT, HOST, ATTACHMENT)):
                await echoed(ref, f"{number}")
            assert len(sshd.logins) == 1
            (ready,) = (each for each in api.read(ATTACHMENT)["status"]["conditions"] if each["type"] == "Ready")
            assert ready["reason"] == "ArrayNotReady"
            assert ready["message"] == (
                "The array refused the login of FlashSystemArray storage/array. The operator retries within an hour, "
                "or at once after annotation flashsystem.io/reconcile-requested-at on the FlashSystemArray."
            )

            await echoed(ARRAY, "now")
            assert len(sshd.logins) == 2


# -- what a stop must not cut off ------------------------------------------------------------------------------------


@asynccontextmanager
async def mapping(simulator: Simulator, api: FakeApi) -> AsyncIterator[tuple[Controller, int]]:
    """The command that maps vol0 is under way, and held before its effect by this order."""
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="20s"))
    iscsi = {"initiators": {"iscsi": [iqn("node")]}}
    api.create(HOST, {"arrayRef": {"name": ARRAY.name}, **iscsi})
    api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "vol0"}})
    order = simulator.control.fault("hold", "mkvdiskhostmap")
    async with started(api) as controller:
        await held(simulator, order)
        yield controller, order


def another_volume_gets_its_id(simulator: Simulator) -> None:
    before = {each["name"]: n for n, each in enumerate(simulator.control.state()["volumes"])}
    for line in ("rmvdisk vol0", "mkvdisk -name other -mdiskgrp Pool0 -iogrp 0 -size 1 -unit gb"):
        admin(simulator, line)
    assert simulator.control.state()["volumes"][before["vol0"]]["name"] == "other"


async def stopped_during(controller: Controller, simulator: Simulator, order: int) -> None:
    """Stop, and let the command go on that this order holds."""
    stopping = asyncio.create_task(controller.stop())
    await asyncio.sleep(0)
    await asyncio.to_thread(simulator.control.release, order)
    await stopping


def leases(api: FakeApi) -> list[dict[str, Any]]:
    return [each for key, each in api.objects.items() if "/leases/" in key]


def told(api: FakeApi) -> dict[str, str]:
    """The Events, by reason."""
    return {each["reason"]: each["message"] for key, each in api.objects.items() if "/events/" in key}


async def test_a_wrong_mapping_that_is_made_while_the_operator_stops_is_undone_and_told(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, order):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        await stopped_during(controller, simulator, order)

    assert simulator.control.state()["mappings"] == []
    assert sum("rmvdiskhostmap" in entry["line"] for entry in simulator.control.log()) == 1
    assert told(api)["WrongVolumeMapped"].endswith("It was unmapped.")
    assert "created another mapping than intended" in caplog.text
    assert {each["spec"]["holderIdentity"] for each in leases(api)} == {""}, "nothing is under way any more"


async def test_a_wrong_mapping_that_is_made_while_the_lease_is_lost_is_undone_and_told(simulator: Simulator) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, order):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        for lease in leases(api):
            lease["spec"]["holderIdentity"], lease["metadata"]["resourceVersion"] = "another replica", "taken"
        loop = asyncio.get_running_loop()

        def works() -> bool:
            scene = asyncio.run_coroutine_threadsafe(controller.scene(), loop).result(PATIENCE)
            return any(each.works for each in scene.workers.values())

        await asyncio.to_thread(until, "the Lease to be lost", lambda: not works())
        await asyncio.to_thread(simulator.control.release, order)
        await asyncio.to_thread(until, "the Event", lambda: "WrongVolumeMapped" in told(api))

    assert simulator.control.state()["mappings"] == []
    assert told(api)["WrongVolumeMapped"].endswith("It was unmapped.")


async def test_a_wrong_mapping_that_stays_at_a_stop_is_told_all_the_same(simulator: Simulator) -> None:
    api = FakeApi()
    simulator.control.fault("refuse", "rmvdiskhostmap", code="CMMVC5786E")
    async with mapping(simulator, api) as (controller, order):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        await stopped_during(controller, simulator, order)

    assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["other"]
    assert "could not be unmapped" in told(api)["WrongVolumeMapped"]


async def test_a_pass_that_a_stop_cuts_off_is_no_bug(simulator: Simulator) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, order):
        (worker,) = (await controller.scene()).workers.values()
        await stopped_during(controller, simulator, order)

    samples = [each for metric in worker.meter.collect() for each in metric.samples if each.value]
    ends = {each.labels["outcome"] for each in samples if each.name == "flashsystem_passes_total"}
    assert ends - {"done"} == {"stopped"}


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.ERROR_AFTER], ids=["answered", "cut", "an error after"])
async def test_a_host_whose_last_attachment_went_goes_too_although_no_watch_shows_that_end(fault: Fault | None) -> None:
    """A watch that begins again, as after an outage, does not show what ended meanwhile."""
    api = FakeApi()
    async with started(api) as controller:
        _delete_both(api)
        api.faults.extend([fault, fault])

        controller.see(Sighting(Kind.ATTACHMENT, gone=False, body=api.read(ATTACHMENT)))
        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST)))

        await gone(api, HOST)
        assert not api.exists(ATTACHMENT)


@pytest.mark.slow
async def test_when_a_watch_has_to_begin_again_what_ended_meanwhile_is_missed() -> None:
    api = FakeApi()
    async with started(api) as controller:
        _delete_both(api)
        controller.see(Sighting(Kind.ATTACHMENT, gone=False, body=api.read(ATTACHMENT)))
        api.objects.pop(path(ATTACHMENT))  # another finalizer was the last
        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST)))
        async with asyncio.timeout(PATIENCE):
            await api.wrote.wait()
        assert api.exists(HOST), "an attachment is known to use it"

        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST), listed=True))

        await gone(api, HOST)


def _delete_both(api: FakeApi) -> None:
    """HOST, on no array, and ATTACHMENT on it are there, and being deleted."""
    held = {"finalizers": [FINALIZER]}
    api.create(HOST, {"arrayRef": {"name": "nowhere"}, "initiators": {"iscsi": [iqn("node")]}}, **held)
    api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "data"}}, **held)
    for ref in (HOST, ATTACHMENT):
        api.delete(ref)


async def gone(api: FakeApi, ref: ObjectRef) -> None:
    """Wait until there is no such object."""
    async with asyncio.timeout(PATIENCE):
        while api.exists(ref):
            api.wrote.clear()
            await api.wrote.wait()
