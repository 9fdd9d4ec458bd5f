"""An unreachable array is not gone: what was Ready stays Ready, and nothing is assumed until the array responds."""

import socket
import threading
from collections.abc import Iterator
from typing import Self

import pytest

from flashsystem_operator.simulator import Simulator
from support.forwarding import Way
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, until

pytestmark = pytest.mark.slow


class ClosingPort:
    """A port that closes every connection at once and counts them."""

    def __init__(self) -> None:
        self.attempts = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._close_connections, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _close_connections(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.close()
            self.attempts += 1


@pytest.fixture
def closing_port() -> Iterator[ClosingPort]:
    with ClosingPort() as port:
        yield port


def test_ready_attachments_stay_ready_while_their_array_is_down_and_deletions_wait(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    before = stand.get(ATTACHMENTS, "one")

    simulator.control.change("availability", "refused")
    message = stand.await_reason(ARRAYS, "array", "Unreachable")
    assert f"nothing listens on port {simulator.port}" in message
    assert stand.condition(ARRAYS, "array", "Reachable")["status"] == "False"
    stand.apply(stand.attachment("three", "worker-1", "vol2"))
    stand.delete(ATTACHMENTS, "two", wait=False)
    assert "see its conditions" in stand.await_reason(ATTACHMENTS, "three", "ArrayNotReady")
    stand.await_reason(ATTACHMENTS, "two", "ArrayNotReady")
    assert stand.get(ATTACHMENTS, "one")["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert stand.status(ARRAYS, "array")["nodes"], "the status of the array stays as of the last read"

    simulator.control.change("availability", "up")
    stand.gone(ATTACHMENTS, "two")
    stand.ready(ATTACHMENTS, "three")
    assert {each["volume"] for each in simulator.control.state()["mappings"]} == {"vol0", "vol2"}


def test_an_array_that_accepts_connections_and_sends_nothing_is_unreachable_and_recovers(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s", limits={"commandTimeout": "1s"})
    stand.ready(ARRAYS, "array")

    simulator.control.change("availability", "silent")
    assert "within" in stand.await_reason(ARRAYS, "array", "Unreachable")

    simulator.control.change("availability", "up")
    stand.await_reason(ARRAYS, "array", "Ready")


def test_an_array_that_is_down_costs_no_write_after_the_first(stand: Namespace, closing_port: ClosingPort) -> None:
    with simulated() as simulator:
        array = stand.array_of(simulator, management={"addresses": ["127.0.0.1"], "port": closing_port.port})
    stand.secret("array", username="superuser", password="passw0rd")
    stand.apply(array, stand.host("worker-1"), *(stand.attachment(f"a{n}", "worker-1", f"vol{n}") for n in range(3)))
    stand.await_reason(ARRAYS, "array", "Unreachable")
    for name in ("a0", "a1", "a2"):
        stand.await_reason(ATTACHMENTS, name, "ArrayNotReady")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotReady")
    before, attempts = _versions(stand), closing_port.attempts

    until("further attempts", lambda: closing_port.attempts >= attempts + 2)

    assert _versions(stand) == before


def _versions(stand: Namespace) -> dict[str, str]:
    found = stand.all(ARRAYS, HOSTS, ATTACHMENTS)
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


def test_the_second_management_address_is_used_when_the_first_fails(stand: Namespace, simulator: Simulator) -> None:
    here = (simulator.host, simulator.port)
    addresses = {"addresses": ["127.0.0.2", simulator.host], "port": simulator.port}
    with Way("127.0.0.2", simulator.port, here) as first:
        stand.array(simulator, management=addresses, resyncInterval="1s")
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        assert first.used

    # The node of the first address is gone: the array is reached through the other.
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    stand.await_reason(ARRAYS, "array", "Ready")


def test_an_unknown_name_and_a_dead_address_are_reported_each_with_its_reason(stand: Namespace) -> None:
    with simulated() as simulator:
        port = simulator.port
        array = stand.array_of(simulator, management={"addresses": ["array.invalid", "127.0.0.2"], "port": port})
    stand.secret("array", username="superuser", password="passw0rd")
    stand.apply(array)

    message = stand.await_reason(ARRAYS, "array", "Unreachable")
    assert "array.invalid: the name cannot be resolved" in message
    assert f"127.0.0.2: nothing listens on port {port}" in message


def test_a_hung_command_of_one_array_does_not_stop_another_array(stand: Namespace) -> None:
    with simulated(None, "modern") as hung, simulated(None, "legacy") as healthy:
        stand.array(hung, "hung", limits={"commandTimeout": "12s"})
        stand.array(healthy, "healthy")
        stand.ready(ARRAYS, "hung", "healthy")

        fault = hung.control.fault("hang", "mkvdiskhostmap", times=None)
        stand.apply(stand.host("worker-1", array="hung"), stand.attachment("stuck", "worker-1", "vol0"))
        until("the command to hang", lambda: writes(hung)[-1:] and "mkvdiskhostmap" in writes(hung)[-1])
        stand.apply(stand.host("worker-2", array="healthy"), stand.attachment("free", "worker-2", "vol0"))
        stand.ready(ATTACHMENTS, "free")
        stand.delete(ATTACHMENTS, "free")
        stand.delete(HOSTS, "worker-2")

        assert stand.condition(ATTACHMENTS, "stuck").get("status") != "True"
        assert hung.control.state()["mappings"] == []
        hung.control.forget(fault)
        hung.control.change("sessions")
        stand.ready(ATTACHMENTS, "stuck")


def test_an_array_with_few_channels_or_no_session_is_reconciled_as_far_as_possible(
    stand: Namespace, simulator: Simulator
) -> None:
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
