"""An array that cannot be reached is not gone: what was Ready stays so, and nothing is believed until it answers."""

import socket
import threading
from collections.abc import Iterator
from typing import Self

import pytest

from flashsystem_operator.simulator import Simulator
from support.forwarding import Way
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until


class ClosedDoor:
    """A port where every caller is turned away at once, and counted."""

    def __init__(self) -> None:
        self.knocks = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._turn_away, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _turn_away(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            caller.close()
            self.knocks += 1


@pytest.fixture
def closed_door() -> Iterator[ClosedDoor]:
    with ClosedDoor() as door:
        yield door


def test_what_was_ready_stays_so_while_its_array_is_down_and_what_is_deleted_waits(
    stand: Stand, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    before = stand.get(ATTACHMENTS, "one")

    simulator.control.change("availability", "refused")
    said = stand.await_reason(ARRAYS, "array", "Unreachable")
    assert f"nothing listens on port {simulator.port}" in said
    assert stand.condition(ARRAYS, "array", "Reachable")["status"] == "False"
    stand.apply(stand.attachment("three", "worker-1", "vol2"))
    stand.delete(ATTACHMENTS, "two", wait=False)
    assert "see its conditions" in stand.await_reason(ATTACHMENTS, "three", "ArrayNotReady")
    stand.await_reason(ATTACHMENTS, "two", "ArrayNotReady")
    assert stand.get(ATTACHMENTS, "one")["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert stand.status(ARRAYS, "array")["nodes"], "what was known of the array stays, as of the last look"

    simulator.control.change("availability", "up")
    stand.gone(ATTACHMENTS, "two")
    stand.ready(ATTACHMENTS, "three")
    assert {each["volume"] for each in simulator.control.state()["mappings"]} == {"vol0", "vol2"}


def test_an_array_that_takes_connections_and_says_nothing_is_unreachable_and_comes_back(
    stand: Stand, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s", limits={"commandTimeout": "1s"})
    stand.ready(ARRAYS, "array")

    simulator.control.change("availability", "silent")
    assert "within" in stand.await_reason(ARRAYS, "array", "Unreachable")

    simulator.control.change("availability", "up")
    stand.await_reason(ARRAYS, "array", "Ready")


def test_an_array_that_is_down_costs_no_write_after_the_first(stand: Stand, closed_door: ClosedDoor) -> None:
    with simulated() as simulator:
        array = stand.array_of(simulator, management={"addresses": ["127.0.0.1"], "port": closed_door.port})
    stand.secret("array", username="superuser", password="passw0rd")
    stand.apply(array, stand.host("worker-1"), *(stand.attachment(f"a{n}", "worker-1", f"vol{n}") for n in range(3)))
    stand.await_reason(ARRAYS, "array", "Unreachable")
    for name in ("a0", "a1", "a2"):
        stand.await_reason(ATTACHMENTS, name, "ArrayNotReady")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotReady")
    before, knocks = _versions(stand), closed_door.knocks

    until("further attempts", lambda: closed_door.knocks >= knocks + 2)

    assert _versions(stand) == before


def _versions(stand: Stand) -> dict[str, str]:
    found = stand.all(ARRAYS, HOSTS, ATTACHMENTS)
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


def test_the_second_management_address_is_used_when_the_first_fails(stand: Stand, simulator: Simulator) -> None:
    here = (simulator.host, simulator.port)
    addresses = {"addresses": ["127.0.0.2", simulator.host], "port": simulator.port}
    with Way("127.0.0.2", simulator.port, here) as first:
        stand.array(simulator, management=addresses, resyncInterval="1s")
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        assert first.used

    # The node of the first address is gone: the array is worked on through the other.
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    stand.await_reason(ARRAYS, "array", "Ready")


def test_a_name_that_nobody_knows_and_two_addresses_that_fail_are_told_each_by_its_reason(stand: Stand) -> None:
    with simulated() as simulator:
        port = simulator.port
        array = stand.array_of(simulator, management={"addresses": ["array.invalid", "127.0.0.2"], "port": port})
    stand.secret("array", username="superuser", password="passw0rd")
    stand.apply(array)

    said = stand.await_reason(ARRAYS, "array", "Unreachable")
    assert "array.invalid: the name cannot be resolved" in said
    assert f"127.0.0.2: nothing listens on port {port}" in said


def test_one_arrays_hung_command_stops_nobody_elses(stand: Stand) -> None:
    with simulated(None, "modern") as hung, simulated(None, "legacy") as well:
        stand.array(hung, "hung", limits={"commandTimeout": "12s"})
        stand.array(well, "well")
        stand.ready(ARRAYS, "hung", "well")

        fault = hung.control.fault("hang", "mkvdiskhostmap", times=None)
        stand.apply(stand.host("worker-1", array="hung"), stand.attachment("stuck", "worker-1", "vol0"))
        until("the command to hang", lambda: writes(hung)[-1:] and "mkvdiskhostmap" in writes(hung)[-1])
        stand.apply(stand.host("worker-2", array="well"), stand.attachment("free", "worker-2", "vol0"))
        stand.ready(ATTACHMENTS, "free")
        stand.delete(ATTACHMENTS, "free")
        stand.delete(HOSTS, "worker-2")

        assert stand.condition(ATTACHMENTS, "stuck").get("status") != "True"
        assert hung.control.state()["mappings"] == []
        hung.control.forget(fault)
        hung.control.change("sessions")
        stand.ready(ATTACHMENTS, "stuck")


def test_an_array_that_gives_few_channels_or_no_session_is_worked_as_it_can(stand: Stand, simulator: Simulator) -> None:
    control = simulator.control
    control.change("limits", channels=1, sessions=1)
    stand.array(simulator, resyncInterval="1s")
    attachments = [stand.attachment(f"a{n}", f"worker-{n}", f"vol{n}") for n in range(4)]
    stand.apply(*(stand.host(f"worker-{n}") for n in range(4)), *attachments)
    stand.ready(ATTACHMENTS, "a0", "a1", "a2", "a3")

    control.change("limits", other_sessions=1)
    control.change("sessions")
    until("the reason", lambda: "session table" in stand.condition(ARRAYS, "array").get("message", ""))
    assert stand.condition(ARRAYS, "array")["reason"] == "Unreachable"

    control.change("limits", other_sessions=0)
    stand.await_reason(ARRAYS, "array", "Ready")
    stand.delete(ATTACHMENTS, "a0", "a1")
    assert len(control.state()["mappings"]) == 2
