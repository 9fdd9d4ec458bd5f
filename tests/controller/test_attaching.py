"""Attaching and detaching: which host object is created, how the volume is found, what the status reports."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, mappings, ports, uid, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn

pytestmark = pytest.mark.slow


def test_the_first_volume_creates_the_host_and_the_last_one_removes_it(stand: Namespace, simulator: Simulator) -> None:
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )

    stand.ready(ATTACHMENTS, "one", "two")
    (host,) = simulator.control.state()["hosts"]
    assert [port["name"] for port in host["ports"]] == [iqn("worker-1")]
    assert writes(simulator).count("mkhost") == 1

    stand.delete(ATTACHMENTS, "one")
    assert len(simulator.control.state()["hosts"]) == 1

    stand.delete(ATTACHMENTS, "two")
    stand.delete(HOSTS, "worker-1")
    stand.delete(ARRAYS, "array")
    assert simulator.control.state() == before


def test_a_host_without_volumes_is_ready_and_not_on_the_array(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))

    stand.ready(HOSTS, "worker-1")

    assert "first attachment" in stand.await_reason(HOSTS, "worker-1", "NotNeeded")
    assert writes(simulator) == []
    stand.delete(HOSTS, "worker-1")


def test_a_host_has_all_its_initiators_from_the_first_volume_on(stand: Namespace, simulator: Simulator) -> None:
    """Sixteen long names do not fit into one command of the array."""
    many = [iqn(f"{number:02d}" + "x" * 190) for number in range(14)]
    many += ["eui.02004567A425678D", "naa.52004567BA64678D"]
    stand.array(simulator)
    stand.apply(stand.host("worker-1", *many), stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one")

    (names,) = ports(simulator).values()
    assert names == sorted(name.lower() for name in many)
    stand.ready(HOSTS, "worker-1")
    assert len(stand.status(HOSTS, "worker-1")["ports"]) == 16


def test_a_volume_is_found_by_its_uid_in_either_case_and_under_a_name_with_blanks(
    stand: Namespace, simulator: Simulator
) -> None:
    simulator.control.change("volume", "vol1", name="my data")
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("lower", "worker-1", {"uid": uid(simulator, "vol0").lower()}),
        stand.attachment("upper", "worker-1", {"uid": uid(simulator, "vol2").upper()}),
        stand.attachment("blank", "worker-1", "my data"),
    )

    stand.ready(ATTACHMENTS, "lower", "upper", "blank")

    assert {volume for _, volume, _ in mappings(simulator)} == {"vol0", "vol2", "my data"}
    assert stand.status(ATTACHMENTS, "lower")["volume"]["name"] == "vol0"
    stand.delete(ATTACHMENTS, "lower", "upper", "blank")
    assert mappings(simulator) == set()


def test_an_attachment_stays_bound_to_the_volume_that_had_the_name_first(
    stand: Namespace, simulator: Simulator
) -> None:
    first = uid(simulator, "vol0")
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["volume"] == {
        "name": "vol0",
        "id": "0",
        "uid": first,
        "capacity": "1Gi",
        **({"preferredNode": "1"} if simulator.dialect == "modern" else {}),
    }

    admin(simulator, "chvdisk -name elsewhere vol0")
    admin(simulator, "chvdisk -name vol0 vol1")
    stand.delete(ATTACHMENTS, "one")

    assert mappings(simulator) == set()
    assert ports(simulator) == {}


def test_a_volume_and_a_host_that_appear_later_are_attached_then(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.attachment("one", "worker-1", "later"))
    assert "worker-1" in stand.await_reason(ATTACHMENTS, "one", "HostNotFound")

    stand.apply(stand.host("worker-1"))
    assert "later" in stand.await_reason(ATTACHMENTS, "one", "VolumeNotFound")
    assert writes(simulator) == []

    simulator.control.change("volume", "vol0", name="later")
    stand.ready(ATTACHMENTS, "one")


def test_one_machine_may_have_volumes_of_several_arrays(stand: Namespace, simulator: Simulator) -> None:
    """Arrays of both dialects have volumes of the same name: they are not confused."""
    before = simulator.control.state()
    with Simulator(dialect="legacy" if before["dialect"] == "modern" else "modern") as other:
        stand.array(simulator)
        stand.array(other, name="other")
        stand.apply(
            stand.host("here", iqn("machine")),
            stand.host("there", iqn("machine"), array="other"),
            stand.attachment("one", "here", "vol0"),
            stand.attachment("two", "there", "vol0"),
        )
        stand.ready(ATTACHMENTS, "one", "two")

        for each in (simulator, other):
            assert list(ports(each).values()) == [[iqn("machine")]]
            assert {(volume, lun) for _, volume, lun in mappings(each)} == {("vol0", 1)}
        assert stand.status(ATTACHMENTS, "one")["array"]["name"] == "array"
        assert stand.status(ATTACHMENTS, "two")["array"]["name"] == "other"

        stand.delete(ATTACHMENTS, "one")
        stand.delete(HOSTS, "here")
        stand.delete(ARRAYS, "array")
        stand.ready(ATTACHMENTS, "two")
        assert simulator.control.state() == before
        assert {volume for _, volume, _ in mappings(other)} == {"vol0"}
        stand.delete(ATTACHMENTS, "two")
        stand.delete(HOSTS, "there")
        assert ports(other) == {}
