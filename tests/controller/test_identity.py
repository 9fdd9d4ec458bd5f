"""The system ID identifies an array, not its address: another system is not trusted, and no system is managed twice."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.ages import be_younger_than
from support.local_operator import LocalCluster
from support.simulated_arrays import last, simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace

pytestmark = pytest.mark.slow


def test_nothing_is_assumed_gone_when_a_blank_array_answers_at_the_old_address(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    array, expected = control.state(), stand.status(ARRAYS, "array")["systemID"]

    control.change("blank")
    control.change("sessions")
    blank = control.state()
    message = stand.await_reason(ARRAYS, "array", "OtherSystem")
    assert blank["system"]["id"] in message
    assert expected in message
    start = last(simulator)
    stand.delete(ATTACHMENTS, "two", wait=False)
    stand.delete(HOSTS, "worker-1", wait=False)
    stand.apply(stand.attachment("three", "worker-1", "vol2"))
    stand.await_reason(ATTACHMENTS, "two", "ArrayNotReady")
    stand.await_reason(ATTACHMENTS, "three", "ArrayNotReady")
    assert stand.condition(ATTACHMENTS, "one")["reason"] == "Attached"
    assert stand.get(ATTACHMENTS, "two")["metadata"]["finalizers"]
    assert stand.get(HOSTS, "worker-1")["metadata"]["finalizers"]
    assert stand.status(ARRAYS, "array")["systemID"] == expected
    # The operator reads the identity of the system and nothing else.
    assert {command["verb"] for entry in control.log(start) for command in entry["commands"]} <= {"lssystem"}
    assert control.state() == blank

    control.replace(array)
    control.change("sessions")
    stand.gone(ATTACHMENTS, "two")
    assert {each["volume"] for each in control.state()["mappings"]} == {"vol0"}
    assert stand.condition(ATTACHMENTS, "one")["status"] == "True"


def test_an_array_replaced_within_a_session_is_detected_before_its_data_is_trusted(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    control.change("blank")
    stand.await_reason(ARRAYS, "array", "OtherSystem")
    assert stand.condition(ATTACHMENTS, "one")["reason"] == "Attached"
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    assert stand.get(ATTACHMENTS, "one")["metadata"]["finalizers"]
    assert control.state()["hosts"] == []


def test_another_system_at_the_second_address_is_not_the_array(stand: Namespace, simulator: Simulator) -> None:
    other = {"system": {"id": "00000200C0FFEE00"}}
    with simulated(other, simulator.dialect, listen=f"127.0.0.2:{simulator.port}") as impostor:
        stand.array(
            simulator,
            management={"addresses": ["127.0.0.1", "127.0.0.2"], "port": simulator.port},
            hostKeys=[simulator.host_key, impostor.host_key],
            resyncInterval="1s",
        )
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")

        simulator.control.change("availability", "refused")
        assert "00000200C0FFEE00" in stand.await_reason(ARRAYS, "array", "OtherSystem")
        stand.delete(ATTACHMENTS, "one", wait=False)
        stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
        assert writes(impostor) == []

        simulator.control.change("availability", "up")
        stand.gone(ATTACHMENTS, "one")
        assert simulator.control.state()["mappings"] == []


def test_a_system_that_is_not_the_one_in_the_spec_is_not_touched(stand: Namespace, simulator: Simulator) -> None:
    real = simulator.control.state()["system"]["id"]
    stand.array(simulator, systemID="00000200C0FFEE00", resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(ARRAYS, "array", "OtherSystem")
    assert f"System {real} answers at this address, not 00000200C0FFEE00" in message
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    assert writes(simulator) == []

    stand.patch(ARRAYS, "array", {"systemID": real.lower()})
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ARRAYS, "array")["systemID"] == real


def test_an_array_pointed_at_another_system_forgets_no_mapping_on_the_old_one(
    stand: Namespace, simulator: Simulator
) -> None:
    with simulated({"system": {"id": "00000200C0FFEE00"}}, simulator.dialect) as other:
        real = simulator.control.state()["system"]["id"]
        stand.array(simulator, resyncInterval="1s")
        stand.apply(
            stand.host("worker-1"),
            stand.attachment("one", "worker-1", "vol0"),
            stand.attachment("stays", "worker-1", "vol2"),
        )
        stand.ready(ATTACHMENTS, "one", "stays")

        there = {"addresses": [other.host], "port": other.port}
        stand.patch(
            ARRAYS,
            "array",
            {"management": there, "hostKeys": [other.host_key], "systemID": "00000200C0FFEE00"},
        )
        stand.delete(ATTACHMENTS, "one", wait=False)
        stand.await_reason(ARRAYS, "array", "Ready")
        stand.apply(
            stand.host("worker-2"),
            stand.attachment("two", "worker-2", "vol1"),
            stand.attachment("three", "worker-1", "vol3"),
        )
        stand.await_reason(ATTACHMENTS, "two", "Attached")
        assert f"created on system {real}" in stand.await_reason(HOSTS, "worker-1", "OtherSystem")
        stand.await_reason(ATTACHMENTS, "three", "HostNotReady")
        assert stand.status(HOSTS, "worker-1")["array"]["systemID"] == real
        for name in ("one", "stays"):
            message = stand.await_reason(ATTACHMENTS, name, "OtherSystem")
            assert f"mapped on system {real}" in message
            assert "00000200C0FFEE00" in message
        assert {each["volume"] for each in other.control.state()["mappings"]} == {"vol1"}

        here = {"addresses": [simulator.host], "port": simulator.port}
        stand.delete(ATTACHMENTS, "two")
        stand.delete(ATTACHMENTS, "three")
        stand.delete(HOSTS, "worker-2")
        stand.patch(ARRAYS, "array", {"management": here, "hostKeys": [simulator.host_key], "systemID": real})
        stand.gone(ATTACHMENTS, "one")
        stand.await_reason(ATTACHMENTS, "stays", "Attached")
        assert {each["volume"] for each in simulator.control.state()["mappings"]} == {"vol2"}


def test_of_two_resources_for_one_system_the_older_is_used_until_deleted_and_then_the_newer(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, "elder", resyncInterval="1s")
    stand.ready(ARRAYS, "elder")
    be_younger_than(stand, ARRAYS, "elder")
    users = [*simulator.control.state()["users"], {"name": "younger", "password": "passw0rd"}]
    simulator.control.replace({**simulator.control.state(), "users": users})
    stand.secret("younger", username="younger", password="passw0rd")
    stand.apply(stand.array_of(simulator, "younger", resyncInterval="1s"))
    stand.apply(stand.host("worker-1", array="younger"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(ARRAYS, "younger", "DuplicateArray")
    assert f"{stand.namespace}/elder" in message
    assert stand.condition(ARRAYS, "younger", "Stalled")["status"] == "True"
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    assert writes(simulator) == []
    assert stand.condition(ARRAYS, "elder")["status"] == "True"

    stand.delete(ARRAYS, "elder")
    stand.ready(ARRAYS, "younger")
    stand.ready(ATTACHMENTS, "one")
    assert {entry["user"] for entry in simulator.control.log() if any(c["writes"] for c in entry["commands"])} == {
        "younger"
    }


def test_an_older_resource_that_names_the_system_but_never_reached_it_blocks_no_other(
    stand: Namespace, cluster_here: LocalCluster, simulator: Simulator
) -> None:
    real, nowhere = simulator.control.state()["system"]["id"], {"addresses": ["127.0.0.1"], "port": 1}
    other = cluster_here.namespace("claims")
    other.array(simulator, systemID=real, management=nowhere, resyncInterval="1s")
    other.await_reason(ARRAYS, "array", "CredentialsForbidden")
    be_younger_than(other, ARRAYS, "array")
    stand.array(simulator, systemID=real, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one")
    other.await_reason(ARRAYS, "array", "CredentialsForbidden")


def test_only_the_namespace_of_an_array_may_use_it_and_others_learn_nothing(
    stand: Namespace, cluster_here: LocalCluster, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.ready(ARRAYS, "array")
    other = cluster_here.namespace("other")
    other.apply(
        other.host("worker-1", arrayRef={"name": "array", "namespace": stand.namespace}),
        other.attachment("one", "worker-1", "vol0"),
        other.array_of(simulator, "array", credentialsSecretRef={"name": "array"}),
    )
    assert "spec.allowedNamespaces" in other.await_reason(HOSTS, "worker-1", "ArrayNotAllowed")
    assert "spec.allowedNamespaces" in other.await_reason(ATTACHMENTS, "one", "ArrayNotAllowed")
    assert f"Secret {other.namespace}/array" in other.await_reason(ARRAYS, "array", "CredentialsForbidden")
    assert writes(simulator) == []

    other.delete(ATTACHMENTS, "one")
    other.delete(HOSTS, "worker-1")
    assert writes(simulator) == []
