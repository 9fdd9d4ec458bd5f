"""Portals in the status follow links, addresses and nodes of the array at the next read, and the mapping stays."""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import mappings, mark, target_iqns, writes
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, Namespace, until

pytestmark = pytest.mark.slow

RELEASES = ["legacy", "8.4.1.0", "8.6.0.0"]


@pytest.fixture(params=RELEASES)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated array whose addresses are listed by `lsportip`, of either dialect, or by `lsip`."""
    modern = request.param != "legacy"
    config = {"release": request.param} if modern else None
    with simulated(config, dialect="modern" if modern else "legacy") as running:
        yield running


def portals(stand: Namespace) -> list[str]:
    connection = stand.status(ATTACHMENTS, "one").get("connection") or {}
    return sorted(each["portal"] for each in connection.get("targets", []))


def attached(stand: Namespace, simulator: Simulator) -> list[str]:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    return portals(stand)


def change_row(simulator: Simulator, section: str, old: str, **changes: Any) -> None:
    """Change the row of the array's ports or addresses that has this address."""
    state = simulator.control.state()
    (row,) = (row for row in state[section] if row["address"] == old)
    row |= changes
    simulator.control.replace(state)


@pytest.mark.parametrize("simulator", ["legacy", "8.4.1.0"], indirect=True)
def test_a_dead_link_is_not_listed_and_a_moved_port_is_listed_at_its_new_address(
    stand: Namespace, simulator: Simulator
) -> None:
    one, two = both = attached(stand, simulator)
    start, mapped = mark(simulator), mappings(simulator)
    port = next(each for each in simulator.control.state()["ports"] if f"{each['address']}:3260" == two)
    name = f"{port['node']}/{port['id']}"

    simulator.control.change("port", name, link_state="inactive")
    until("one portal", lambda: portals(stand) == [one])
    simulator.control.change("port", name, link_state="active")
    until("both portals", lambda: portals(stand) == both)
    change_row(simulator, "ports", port["address"], address="10.9.9.9")
    until("the new address", lambda: set(portals(stand)) == {one, "10.9.9.9:3260"})

    stand.ready(ATTACHMENTS, "one")
    assert writes(simulator, start) == []
    assert mappings(simulator) == mapped


@pytest.mark.parametrize("simulator", ["8.6.0.0"], indirect=True)
def test_addresses_added_to_the_portset_are_listed_and_removed_ones_are_not(
    stand: Namespace, simulator: Simulator
) -> None:
    one, two = both = attached(stand, simulator)
    start, mapped = mark(simulator), mappings(simulator)
    address = two.partition(":")[0]

    simulator.control.change("address", address, portset="portset1")
    until("one portal", lambda: portals(stand) == [one])
    simulator.control.change("address", address, portset="portset0")
    until("both portals", lambda: portals(stand) == both)

    state = simulator.control.state()
    state["addresses"].append({"id": 9, "node": "node1", "port_id": 6, "portset": "portset0", "address": "fd00::9"})
    simulator.control.replace(state)
    until("three portals", lambda: set(portals(stand)) == {one, two, "[fd00::9]:3260"})

    change_row(simulator, "addresses", address, node="node1")
    iqn = state["nodes"][0]["iscsi_name"]
    until("one node", lambda: set(target_iqns(stand.status(ATTACHMENTS, "one")["connection"])) == {iqn})
    assert writes(simulator, start) == []
    assert mappings(simulator) == mapped


def test_another_configuration_node_does_not_change_the_listed_portals(stand: Namespace, simulator: Simulator) -> None:
    """The change drops every session to the array, and the operator connects again."""
    both = attached(stand, simulator)
    start = mark(simulator)

    simulator.control.change("config_node", "node2")
    until("a read afterwards", lambda: mark(simulator) > start + 20)

    stand.ready(ATTACHMENTS, "one")
    assert portals(stand) == both
    assert writes(simulator, start) == []
