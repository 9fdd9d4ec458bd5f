"""Defects of Cinder's FlashSystemISCSIDriver. docs/coming-from-cinder.md lists all of them with their tests."""

import hashlib

import pytest

from cluster.api import path_to
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, foreign_host, mappings, ports, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, PATIENCE, Namespace, iqn

pytestmark = pytest.mark.slow


def mapped(simulator: Simulator) -> set[tuple[str, str]]:
    """Return pairs of initiator and volume; every host object must have exactly one initiator."""
    names = {host: port for host, (port,) in ports(simulator).items()}
    return {(names[host], volume) for host, volume, _ in mappings(simulator)}


@pytest.mark.parametrize("held", ["rmvdiskhostmap", "rmhost"])
def test_a_map_of_b_between_the_unmap_of_a_and_the_end_of_its_host_succeeds(
    stand: Namespace, simulator: Simulator, held: str
) -> None:
    """The driver looked up the host under one lock and removed it under another: mkvdiskhostmap found no host."""
    stand.array(simulator, limits={"commandTimeout": "30s"})
    stand.apply(stand.host("worker-1"), stand.attachment("a", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "a")
    fault = simulator.control.fault("hold", held, when="before")
    stand.delete(ATTACHMENTS, "a", wait=False)
    simulator.control.wait(fault, seconds=PATIENCE)

    stand.apply(stand.attachment("b", "worker-1", "vol1"))
    simulator.control.release(fault)

    stand.ready(ATTACHMENTS, "b")
    stand.gone(ATTACHMENTS, "a")
    assert mapped(simulator) == {(iqn("worker-1"), "vol1")}
    assert [each for each in commands(simulator) if each["writes"] and each["code"]] == []


def test_hosts_with_the_same_name_prefix_are_not_confused(stand: Namespace, simulator: Simulator) -> None:
    """The driver cut each name at its last dash and used the first match only; it ignored the others."""
    foreign_host(simulator, "db-00000001", iqn("foreign"))
    foreign_host(simulator, "db-1", iqn("foreign-other"), volumes=("vol4",))
    before = ports(simulator)
    stand.array(simulator)
    names = ("db", "db-1", "db-1-1")
    stand.apply(
        *map(stand.host, names),
        *(stand.attachment(f"to-{name}", name, f"vol{number}") for number, name in enumerate(names)),
    )

    stand.ready(ATTACHMENTS, *(f"to-{name}" for name in names))
    seen = {(iqn(name), f"vol{number}") for number, name in enumerate(names)}
    assert mapped(simulator) == seen | {(iqn("foreign-other"), "vol4")}

    stand.delete(ATTACHMENTS, "to-db-1")
    stand.ready(ATTACHMENTS, "to-db", "to-db-1-1")
    assert mapped(simulator) == (seen - {(iqn("db-1"), "vol1")}) | {(iqn("foreign-other"), "vol4")}
    stand.delete(ATTACHMENTS, "to-db", "to-db-1-1")
    stand.delete(HOSTS, *names)
    assert ports(simulator) == before


def test_an_empty_host_of_an_administrator_survives(stand: Namespace, simulator: Simulator) -> None:
    """The driver removed every host that a detach left empty, no matter who had created it.

    The name has the form of a name that the operator chooses.
    """
    foreign_host(simulator, "worker-1-04711234", iqn("worker-1"))
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert simulator.control.state() == before


def test_detaching_twice_is_detaching_once(stand: Namespace, simulator: Simulator) -> None:
    """The driver failed the second time, because the host that it looked up was gone."""
    before = simulator.control.state()
    stand.array(simulator, limits={"commandTimeout": "30s"})
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    fault = simulator.control.fault("hold", "rmvdiskhostmap", when="after")

    stand.delete(ATTACHMENTS, "one", wait=False)
    simulator.control.wait(fault, seconds=PATIENCE)
    stand.delete(ATTACHMENTS, "one", wait=False)
    simulator.control.release(fault)
    stand.gone(ATTACHMENTS, "one")

    stand.delete(HOSTS, "worker-1")
    assert simulator.control.state() == before
    assert writes(simulator).count("rmvdiskhostmap") == 1


def test_a_second_pool_is_as_good_as_the_first(stand: Namespace, simulator: Simulator) -> None:
    """The driver knew mdiskgrp0 and no other."""
    state = simulator.control.state()
    state["pools"].append({**state["pools"][0], "id": 1, "name": "second"})
    state["volumes"][1]["pool"] = "second"
    simulator.control.replace(state)
    stand.array(simulator, pool="second")
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("there", "worker-1", "vol1"),
        stand.attachment("elsewhere", "worker-1", "vol0"),
    )

    stand.ready(ATTACHMENTS, "there", "elsewhere")
    stand.ready(ARRAYS, "array")
    assert stand.status(ARRAYS, "array")["pool"]["name"] == "second"
    assert mapped(simulator) == {(iqn("worker-1"), "vol0"), (iqn("worker-1"), "vol1")}


def name_on_array(stand: Namespace, host: str, base: str) -> str:
    """Return the documented name: base, six digits for the cluster, eight for namespace and name."""
    cluster = stand.api.get(path_to("v1", "namespaces", "kube-system"))["metadata"]["uid"]
    resource = f"{stand.namespace}/{host}"
    return (
        f"{base}-{hashlib.sha256(cluster.encode()).hexdigest()[:6]}{hashlib.sha256(resource.encode()).hexdigest()[:8]}"
    )


def test_a_name_with_leading_digit_dots_capitals_or_over_55_characters_is_made_valid(
    stand: Namespace, simulator: Simulator
) -> None:
    long = "a" * 63
    stand.array(simulator)
    stand.apply(
        stand.host("4th.example.com", iqn("4th")),
        stand.host("worker-1", hostNamePrefix="Rack.A_1"),
        stand.host("worker-2", hostNamePrefix=long),
        stand.attachment("one", "4th.example.com", "vol0"),
        stand.attachment("two", "worker-1", "vol1"),
        stand.attachment("three", "worker-2", "vol2"),
    )

    stand.ready(ATTACHMENTS, "one", "two", "three")

    assert set(ports(simulator)) == {
        name_on_array(stand, "4th.example.com", "h4th.example.com"),
        name_on_array(stand, "worker-1", "Rack.A_1"),
        name_on_array(stand, "worker-2", "a" * 48),
    }
    assert stand.status(HOSTS, "worker-1")["name"] == name_on_array(stand, "worker-1", "Rack.A_1")
    assert stand.status(HOSTS, "worker-1")["ownership"] == "Created"
