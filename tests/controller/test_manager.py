"""The whole controller, from start to stop, with a simulated array over SSH."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from flashsystem_operator.api.metadata import API_VERSION, FINALIZER, RECONCILE_REQUESTED_AT, Kind, ObjectRef
from flashsystem_operator.controller.cache import Clock
from flashsystem_operator.controller.manager import Controller, Sighting
from flashsystem_operator.controller.reconciler import MAX_SECONDS
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
TIMEOUT_SECONDS = 60.0
"""The limit of each wait."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Simulate an array of one dialect: no test here depends on it."""
    with simulated(dialect="modern") as running:
        yield running


def array(simulator: Simulator, **limits: Any) -> dict[str, Any]:
    """Build a FlashSystemArray as the API server has it before the first reconciliation."""
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
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in login.items()},
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


async def held(simulator: Simulator, fault_id: int) -> None:
    """Wait until the command that this fault holds is under way."""
    await asyncio.to_thread(simulator.control.wait, fault_id, seconds=TIMEOUT_SECONDS)


async def test_an_array_that_a_watch_shows_after_a_stop_is_not_reconciled(simulator: Simulator) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    async with started(api) as controller:
        await controller.stop()
        controller.see(Sighting(Kind.ARRAY, gone=False, body=array(simulator)))

        assert controller.left == []


async def test_a_hanging_command_is_cut_off_at_a_stop_and_nothing_is_left_of_its_worker(
    simulator: Simulator,
) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="10m"))
    fault_id = simulator.control.fault("hold", "lssystem")
    async with started(api, grace=6.0) as controller:
        await held(simulator, fault_id)
        assert f"the work on {ARRAY}" in controller.left

        await controller.stop()

        assert controller.left == []
        assert controller.alive


async def test_after_a_stop_the_controller_is_alive_for_as_long_as_nothing_is_left(simulator: Simulator) -> None:
    """The next start may fail for hours for lack of a login: a restart of the process would not help."""
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="10m"))
    fault_id = simulator.control.fault("hold", "lssystem")
    async with started(api, lambda: monotonic() + later) as controller:
        await held(simulator, fault_id)
        controller.end()
        later = 3600.0
        await asyncio.to_thread(until, "the controller to be not alive", lambda: not controller.alive)

        await controller.stop()

        assert controller.left == []
        assert controller.alive


async def test_the_worker_of_an_array_that_was_removed_meanwhile_is_also_cut_off(simulator: Simulator) -> None:
    api = FakeApi()
    with_secret(api, simulator)
    body = array(simulator, commandTimeout="10m")
    api.add(ARRAY, body)
    fault_id = simulator.control.fault("hold", "lssystem")
    async with started(api, grace=6.0) as controller:
        await held(simulator, fault_id)
        controller.see(Sighting(Kind.ARRAY, gone=True, body=body))
        assert f"the work on {ARRAY}" in controller.left

        await controller.stop()

        assert controller.left == []


async def test_no_command_is_sent_after_the_shutdown_began(simulator: Simulator) -> None:
    """From the start of the shutdown, before anything is awaited: the rest may take a while."""
    api = FakeApi()
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator))
    fault_id = simulator.control.fault("hold", "lssystem")
    async with started(api) as controller:
        await held(simulator, fault_id)
        controller.end()
        await asyncio.to_thread(simulator.control.release, fault_id)
        await controller.stop()

        assert [entry["line"] for entry in simulator.control.log() if entry["session"]][1:] == []
        assert controller.left == []


async def test_the_controller_is_not_alive_while_a_pass_hangs_and_alive_when_it_makes_progress(
    simulator: Simulator,
) -> None:
    """/livez reports this. For an hour no command and no request ends; then the command does."""
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator))
    fault_id = simulator.control.fault("hold", "lssystem")
    async with started(api, lambda: monotonic() + later) as controller:
        await held(simulator, fault_id)
        later = 3600.0
        await asyncio.to_thread(until, "the controller to be not alive", lambda: not controller.alive)

        await asyncio.to_thread(simulator.control.release, fault_id)
        await asyncio.to_thread(until, "the controller to be alive again", lambda: controller.alive)


def host(name: str) -> dict[str, Any]:
    """Build a FlashSystemHost whose host object exists also without a volume."""
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


async def test_a_slow_pass_leaves_the_rest_to_another_pass_with_a_new_read_of_the_array(simulator: Simulator) -> None:
    api, later = FakeApi(), 0.0
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, concurrentCommands=1))
    for name in ("one", "two", "three"):
        api.add(ObjectRef(Kind.HOST, "storage", name), host(name))
    fault_id = simulator.control.fault("hold", "mkhost")
    async with started(api, lambda: monotonic() + later, lease_duration=300.0) as controller:
        await held(simulator, fault_id)
        later = MAX_SECONDS + 1
        await asyncio.to_thread(simulator.control.release, fault_id)
        await asyncio.to_thread(until, "all hosts", lambda: len(simulator.control.state()["hosts"]) == 3)
        assert controller.alive

    log = [entry["line"] for entry in simulator.control.log() if entry["session"]]
    first, second, _ = (number for number, line in enumerate(log) if "mkhost" in line)
    assert any("lshost" in line for line in log[first:second])


async def test_the_status_of_an_object_follows_a_change_that_no_watch_has_shown() -> None:
    """Otherwise each write would be refused as a conflict, until all objects are listed the next time."""
    api, ref = FakeApi(), ObjectRef(Kind.HOST, "storage", "node")
    initiators = [f"iqn.1994-05.com.redhat:{name}" for name in ("one", "two")]
    async with started(api) as controller:
        api.create(ref, {"arrayRef": {"name": "nowhere"}, "initiators": {"iscsi": initiators[:1]}})
        shown = api.read(ref)
        api.meanwhile.append(lambda: api.edit(ref, {"initiators": {"iscsi": initiators}}))  # as the first is written
        controller.see(Sighting(Kind.HOST, gone=False, body=shown))

        async with asyncio.timeout(TIMEOUT_SECONDS):
            while api.read(ref)["status"].get("observedGeneration") != 2:
                api.wrote.clear()
                await api.wrote.wait()

        (ready,) = [each for each in api.read(ref)["status"]["conditions"] if each["type"] == "Ready"]
        assert (ready["reason"], ready["observedGeneration"]) == ("ArrayNotFound", 2)


async def test_a_reconcile_request_is_echoed_on_any_kind_and_retries_a_refused_login_only_on_arrays(
    simulator: Simulator,
) -> None:
    """Otherwise permission to write attachments is enough to lock out the array's user by repeated requests."""
    api = FakeApi()
    with_secret(api, simulator)
    with Sshd(password="another") as sshd:
        spec = {"management": {"addresses": ["127.0.0.1"], "port": sshd.port}, "hostKeys": list(sshd.lines)}
        body = array(simulator)
        api.add(ARRAY, {**body, "spec": {**body["spec"], **spec}})
        api.create(HOST, {"arrayRef": {"name": ARRAY.name}, "initiators": {"iscsi": [iqn("node")]}})
        api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "vol0"}})
        async with started(api) as controller:

            async def echoed(ref: ObjectRef, value: str) -> None:
                api.annotate(ref, RECONCILE_REQUESTED_AT, value)
                controller.see(Sighting(ref.kind, gone=False, body=api.read(ref)))
                await asyncio.to_thread(
                    until, "the echo", lambda: api.read(ref)["status"].get("lastHandledReconcileAt") == value
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


# -- commands that a stop must not cut off ---------------------------------------------------------------------------


@asynccontextmanager
async def mapping(simulator: Simulator, api: FakeApi) -> AsyncIterator[tuple[Controller, int]]:
    """Start a controller, and yield when the command that maps vol0 is held, before its effect, by this fault."""
    with_secret(api, simulator)
    api.add(ARRAY, array(simulator, commandTimeout="20s"))
    iscsi = {"initiators": {"iscsi": [iqn("node")]}}
    api.create(HOST, {"arrayRef": {"name": ARRAY.name}, **iscsi})
    api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "vol0"}})
    fault_id = simulator.control.fault("hold", "mkvdiskhostmap")
    async with started(api) as controller:
        await held(simulator, fault_id)
        yield controller, fault_id


def another_volume_gets_its_id(simulator: Simulator) -> None:
    before = {each["name"]: n for n, each in enumerate(simulator.control.state()["volumes"])}
    for line in ("rmvdisk vol0", "mkvdisk -name other -mdiskgrp Pool0 -iogrp 0 -size 1 -unit gb"):
        admin(simulator, line)
    assert simulator.control.state()["volumes"][before["vol0"]]["name"] == "other"


async def stopped_during(controller: Controller, simulator: Simulator, fault_id: int) -> None:
    """Stop the controller, and release the command that this fault holds."""
    stopping = asyncio.create_task(controller.stop())
    await asyncio.sleep(0)
    await asyncio.to_thread(simulator.control.release, fault_id)
    await stopping


def leases(api: FakeApi) -> list[dict[str, Any]]:
    return [each for key, each in api.objects.items() if "/leases/" in key]


def events(api: FakeApi) -> dict[str, str]:
    """Return the messages of the Events, by reason."""
    return {each["reason"]: each["message"] for key, each in api.objects.items() if "/events/" in key}


async def test_a_wrong_mapping_created_while_the_operator_stops_is_undone_and_reported(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, fault_id):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        await stopped_during(controller, simulator, fault_id)

    assert simulator.control.state()["mappings"] == []
    assert sum("rmvdiskhostmap" in entry["line"] for entry in simulator.control.log()) == 1
    assert events(api)["WrongVolumeMapped"].endswith("It was unmapped.")
    assert "created another mapping than intended" in caplog.text
    assert {each["spec"]["holderIdentity"] for each in leases(api)} == {""}, "nothing is under way any more"


async def test_a_wrong_mapping_created_while_the_lease_is_lost_is_undone_and_reported(simulator: Simulator) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, fault_id):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        for lease in leases(api):
            lease["spec"]["holderIdentity"], lease["metadata"]["resourceVersion"] = "another replica", "taken"
        loop = asyncio.get_running_loop()

        def is_working() -> bool:
            scene = asyncio.run_coroutine_threadsafe(controller.scene(), loop).result(TIMEOUT_SECONDS)
            return any(each.works for each in scene.workers.values())

        await asyncio.to_thread(until, "the Lease to be lost", lambda: not is_working())
        await asyncio.to_thread(simulator.control.release, fault_id)
        await asyncio.to_thread(until, "the Event", lambda: "WrongVolumeMapped" in events(api))

    assert simulator.control.state()["mappings"] == []
    assert events(api)["WrongVolumeMapped"].endswith("It was unmapped.")


async def test_a_wrong_mapping_that_remains_at_a_stop_is_still_reported(simulator: Simulator) -> None:
    api = FakeApi()
    simulator.control.fault("refuse", "rmvdiskhostmap", code="CMMVC5786E")
    async with mapping(simulator, api) as (controller, fault_id):
        await asyncio.to_thread(another_volume_gets_its_id, simulator)
        await stopped_during(controller, simulator, fault_id)

    assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["other"]
    assert "could not be unmapped" in events(api)["WrongVolumeMapped"]


async def test_a_pass_cut_off_by_a_stop_is_not_counted_as_a_bug(simulator: Simulator) -> None:
    api = FakeApi()
    async with mapping(simulator, api) as (controller, fault_id):
        (worker,) = (await controller.scene()).workers.values()
        await stopped_during(controller, simulator, fault_id)

    samples = [each for metric in worker.meter.collect() for each in metric.samples if each.value]
    ends = {each.labels["outcome"] for each in samples if each.name == "flashsystem_passes_total"}
    assert ends - {"done"} == {"stopped"}


@pytest.mark.parametrize(
    "fault", [None, Fault.LOST, Fault.ERROR_AFTER], ids=["answered", "connection cut", "error after the write"]
)
async def test_a_host_is_released_after_its_last_attachment_although_no_watch_shows_that_removal(
    fault: Fault | None,
) -> None:
    """A watch that restarts, for example after an outage, does not show the removals in between."""
    api = FakeApi()
    async with started(api) as controller:
        _delete_both(api)
        api.faults.extend([fault, fault])

        controller.see(Sighting(Kind.ATTACHMENT, gone=False, body=api.read(ATTACHMENT)))
        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST)))

        await gone(api, HOST)
        assert not api.exists(ATTACHMENT)


@pytest.mark.slow
async def test_when_a_watch_has_to_restart_the_removals_in_between_are_detected() -> None:
    api = FakeApi()
    async with started(api) as controller:
        _delete_both(api)
        controller.see(Sighting(Kind.ATTACHMENT, gone=False, body=api.read(ATTACHMENT)))
        api.objects.pop(path(ATTACHMENT))  # another finalizer was removed last
        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST)))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await api.wrote.wait()
        assert api.exists(HOST), "an attachment is known to use it"

        controller.see(Sighting(Kind.HOST, gone=False, body=api.read(HOST), listed=True))

        await gone(api, HOST)


def _delete_both(api: FakeApi) -> None:
    """Create HOST, on no array, and ATTACHMENT on it, and delete both."""
    held = {"finalizers": [FINALIZER]}
    api.create(HOST, {"arrayRef": {"name": "nowhere"}, "initiators": {"iscsi": [iqn("node")]}}, **held)
    api.create(ATTACHMENT, {"hostRef": {"name": HOST.name}, "volume": {"name": "data"}}, **held)
    for ref in (HOST, ATTACHMENT):
        api.delete(ref)


async def gone(api: FakeApi, ref: ObjectRef) -> None:
    """Wait until there is no such object."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while api.exists(ref):
            api.wrote.clear()
            await api.wrote.wait()
