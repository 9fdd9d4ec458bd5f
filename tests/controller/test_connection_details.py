"""The connection in the status of an attachment: portals, IQNs and LUN of its volume."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, mark, ports, target_iqns, target_portals, writes
from support.stand import ARRAYS, ATTACHMENTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

FIRST, SECOND = {"legacy": ("192.168.1.10", "192.168.1.11"), "modern": ("10.0.1.11", "10.0.1.12")}, "fd00::12"


def dialect(simulator: Simulator) -> str:
    return str(simulator.control.state()["dialect"])


def addresses(simulator: Simulator) -> tuple[str, str]:
    """Return the address of the first node and that of the second."""
    return FIRST[dialect(simulator)]


def iqns(simulator: Simulator) -> tuple[str, str]:
    one, two = (str(node["iscsi_name"]) for node in simulator.control.state()["nodes"])
    return one, two


def readdress(simulator: Simulator, address: str) -> None:
    """Give the second node another address, IPv4 or IPv6."""
    state = simulator.control.state()
    for row in state["addresses"]:
        if row["address"] == addresses(simulator)[1]:
            row |= {"address": address, "prefix": "64"}
    for row in state["ports"]:
        if row["address"] == addresses(simulator)[1]:
            row |= {"address": "", "mask": "", "gateway": "", "address_6": address, "prefix_6": "64", "host_6": "yes"}
    simulator.control.replace(state)


def connection(stand: Namespace, name: str = "one") -> Any:
    return stand.status(ATTACHMENTS, name).get("connection")


def attached(stand: Namespace, simulator: Simulator, volume: str = "vol0", **array: Any) -> Any:
    stand.array(simulator, **array)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", volume))
    stand.ready(ATTACHMENTS, "one")
    return connection(stand)


def test_a_connection_is_what_os_brick_needs_with_every_portal(stand: Namespace, simulator: Simulator) -> None:
    reported = attached(stand, simulator)

    one, two = addresses(simulator)
    assert reported == {
        "protocol": "iscsi",
        "volumeUID": simulator.control.state()["volumes"][0]["uid"],
        "lun": 1,
        "targets": [
            {"portal": f"{address}:3260", "iqn": iqn} for address, iqn in zip((one, two), iqns(simulator), strict=True)
        ],
    }


def test_the_portals_of_the_volumes_own_io_group_come_first(stand: Namespace, simulator: Simulator) -> None:
    state = simulator.control.state()
    state["nodes"][1]["io_group"] = 1
    state["volumes"][1] |= {"io_group": 1, "preferred_node": 2}
    simulator.control.replace(state)
    one, two = addresses(simulator)

    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("near", "worker-1", "vol0"),
        stand.attachment("far", "worker-1", "vol1"),
    )
    stand.ready(ATTACHMENTS, "near", "far")

    assert target_portals(connection(stand, "near")) == [f"{one}:3260", f"{two}:3260"]
    assert target_portals(connection(stand, "far")) == [f"{two}:3260", f"{one}:3260"]
    assert target_iqns(connection(stand, "far")) == list(reversed(iqns(simulator)))


def test_an_ipv6_address_is_in_brackets_and_another_port_is_reported(stand: Namespace, simulator: Simulator) -> None:
    readdress(simulator, SECOND)

    reported = attached(stand, simulator, iscsi={"port": 860})

    assert set(target_portals(reported)) == {f"{addresses(simulator)[0]}:860", f"[{SECOND}]:860"}


def test_only_the_addresses_that_the_array_resource_allows_are_reported(stand: Namespace, simulator: Simulator) -> None:
    """An IPv6 address matches in every spelling."""
    readdress(simulator, SECOND)

    reported = attached(stand, simulator, iscsi={"portalAddresses": ["FD00:0:0:0:0:0:0:12"]})
    assert target_portals(reported) == [f"[{SECOND}]:3260"]
    assert target_iqns(reported) == [iqns(simulator)[1]]
    start = mark(simulator)

    stand.patch(ARRAYS, "array", {"iscsi": {"portalAddresses": [addresses(simulator)[0]]}})
    until("the allowed portal", lambda: target_portals(connection(stand)) == [f"{addresses(simulator)[0]}:3260"])
    assert writes(simulator, start) == []


def test_a_node_that_is_down_is_not_reported_until_it_is_back(stand: Namespace, simulator: Simulator) -> None:
    both = attached(stand, simulator, resyncInterval="2s")
    start = mark(simulator)

    simulator.control.change("node", "node2", status="offline")
    until("one portal", lambda: target_iqns(connection(stand)) == [iqns(simulator)[0]])
    assert target_portals(connection(stand)) == [f"{addresses(simulator)[0]}:3260"]
    simulator.control.change("node", "node2", status="online")
    until("both portals", lambda: connection(stand) == both)

    stand.ready(ATTACHMENTS, "one")
    assert writes(simulator, start) == []


def test_a_connection_that_cannot_be_built_leaves_the_live_mapping_alone(
    stand: Namespace, simulator: Simulator
) -> None:
    """The volume stays mapped, and the connection is reported as soon as a portal is usable."""
    attached(stand, simulator, resyncInterval="2s")
    start = mark(simulator)
    for node in ("node2", "node1"):
        simulator.control.change("node", node, status="offline")

    message = stand.await_reason(ATTACHMENTS, "one", "NoUsablePortal", "Stalled")
    assert "portal" in message
    assert connection(stand) is None

    for node in ("node1", "node2"):
        simulator.control.change("node", node, status="online")
    stand.ready(ATTACHMENTS, "one")
    assert len(target_portals(connection(stand))) == 2
    assert writes(simulator, start) == []


def with_portset(simulator: Simulator) -> None:
    """Add a second portset with one address of the second node."""
    state = simulator.control.state()
    state["portsets"].append({"id": 5, "name": "blue"})
    state["addresses"].append({"id": 9, "node": "node2", "port_id": 6, "portset": "blue", "address": "10.0.9.12"})
    state["addresses"].append({"id": 10, "node": "node2", "port_id": 6, "portset": "portset1", "address": "10.9.9.9"})
    simulator.control.replace(state)


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_a_host_is_created_in_the_portset_of_the_array_resource_and_gets_its_portals(
    stand: Namespace, simulator: Simulator
) -> None:
    with_portset(simulator)

    reported = attached(stand, simulator, iscsi={"portset": "blue"})

    assert target_portals(reported) == ["10.0.9.12:3260"]
    assert [host["portset"] for host in simulator.control.state()["hosts"]] == ["blue"]


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_a_host_gets_the_portals_of_its_own_portset_whichever_it_is(stand: Namespace, simulator: Simulator) -> None:
    """Addresses for replication are never among them."""
    with_portset(simulator)
    foreign_host(simulator, "admins", iqn("worker-1"))
    assert [host["portset"] for host in simulator.control.state()["hosts"]] == ["portset0"]

    reported = attached(stand, simulator, resyncInterval="2s")
    assert target_portals(reported) == ["10.0.1.11:3260", "10.0.1.12:3260"]

    admin(simulator, "chhost -portset blue admins")
    until("the other portset", lambda: target_portals(connection(stand)) == ["10.0.9.12:3260"])
    assert list(ports(simulator)) == ["admins"]
