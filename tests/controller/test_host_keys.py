"""No command is sent to a machine whose host key is not that of the array."""

import asyncssh
import pytest

from flashsystem_operator.simulator import Simulator
from support.local_operator import LocalOperator
from support.simulated_arrays import last, writes
from support.stand import ARRAYS, ATTACHMENTS, Namespace

pytestmark = pytest.mark.slow


def create_key() -> str:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return " ".join(key.export_public_key().decode().split()[:2])


def fingerprint(line: str) -> str:
    return asyncssh.import_public_key(line).get_fingerprint()


def test_no_command_is_sent_to_an_array_that_shows_another_key_than_the_pinned_one(
    stand: Namespace, simulator: Simulator
) -> None:
    other = create_key()
    stand.array(simulator, hostKeys=[other], resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(ARRAYS, "array", "HostKeyMismatch")
    assert fingerprint(simulator.host_key) in message
    assert fingerprint(other) in message
    assert "spec.hostKeys" in message
    assert stand.condition(ARRAYS, "array", "Stalled")["status"] == "True"
    assert simulator.control.log() == []
    assert simulator.control.sessions() == []

    stand.patch(ARRAYS, "array", {"hostKeys": [other, simulator.host_key]})
    stand.ready(ATTACHMENTS, "one")
    stand.await_reason(ARRAYS, "array", "Ready")
    assert stand.status(ARRAYS, "array")["hostKeyFingerprint"] == fingerprint(simulator.host_key)


def test_the_first_key_is_recorded_and_a_different_one_stops_all_commands(
    stand: Namespace, simulator: Simulator
) -> None:
    first = simulator.host_key
    stand.array(simulator, hostKeys=[], hostKeyPolicy="TrustOnFirstUse", resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    stand.await_reason(ARRAYS, "array", "Ready")
    status = stand.status(ARRAYS, "array")
    assert status["hostKey"] == first
    assert status["hostKeyFingerprint"] == fingerprint(first)

    simulator.control.change("host_key")
    second = simulator.host_key
    assert second != first
    simulator.control.change("sessions")
    message = stand.await_reason(ARRAYS, "array", "HostKeyMismatch")
    assert fingerprint(second) in message
    start = last(simulator)
    stand.apply(stand.attachment("three", "worker-1", "vol2"))
    stand.delete(ATTACHMENTS, "two", wait=False)
    stand.await_reason(ATTACHMENTS, "three", "ArrayNotReady")
    stand.await_reason(ATTACHMENTS, "two", "ArrayNotReady")
    assert simulator.control.log(start) == []
    assert stand.status(ARRAYS, "array")["hostKey"] == first

    stand.patch(ARRAYS, "array", {"hostKeys": [second]})
    stand.gone(ATTACHMENTS, "two")
    stand.ready(ATTACHMENTS, "three")
    stand.await_reason(ARRAYS, "array", "Ready")
    assert stand.status(ARRAYS, "array")["hostKey"] == second


def test_a_recorded_key_survives_a_restart_of_the_operator(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    stand.array(simulator, hostKeys=[], hostKeyPolicy="TrustOnFirstUse", resyncInterval="1s")
    stand.ready(ARRAYS, "array")
    first = simulator.host_key

    simulator.control.change("host_key")
    operator.stop()
    operator.start()
    message = stand.await_reason(ARRAYS, "array", "HostKeyMismatch")
    assert fingerprint(first) in message
    assert stand.status(ARRAYS, "array")["hostKey"] == first


def test_unreadable_host_keys_are_reported_and_no_command_is_sent(stand: Namespace, simulator: Simulator) -> None:
    cut_off = simulator.host_key[:60]
    wrong_type = simulator.host_key.replace("ssh-ed25519", "ssh-rsa", 1)
    stand.secret("array", username=simulator.user, password="passw0rd")
    login = {"credentialsSecretRef": {"name": "array"}}
    stand.apply(
        stand.array_of(simulator, "cut-off", hostKeys=[cut_off], **login),
        stand.array_of(simulator, "wrong-type", hostKeys=[wrong_type], **login),
    )

    for name in ("cut-off", "wrong-type"):
        message = stand.await_reason(ARRAYS, name, "HostKeyMismatch")
        assert "spec.hostKeys" in message
        assert "damaged" in message
    assert simulator.control.sessions() == []

    stand.patch(ARRAYS, "cut-off", {"hostKeys": [simulator.host_key]})
    stand.ready(ARRAYS, "cut-off")
    assert writes(simulator) == []
