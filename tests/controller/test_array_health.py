"""Status of an array: all that hosts and administrators need while it is healthy, and the remedy while it is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

RELEASES = ["legacy 1.4.0.0", "modern 7.8.1.0", "modern 8.6.0.0", "modern 9.1.0.0"]
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}


@pytest.fixture(params=RELEASES)
def released(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated array of a given release. Some legacy arrays report product and code level, too."""
    dialect, release = request.param.split()
    with simulated({"release": release, "rules": {"brief_lssystem": False}}, dialect) as running:
        yield running


def test_a_healthy_array_is_ready_and_its_status_is_complete(stand: Namespace, released: Simulator) -> None:
    stand.array(released, pool=POOLS[released.dialect])
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    array = released.control.state()

    status = until(
        "the array to count its attachment", lambda: _with_counts(stand, hosts=1, mappings=1, volumes=0, attachments=1)
    )

    system = array["system"]
    assert (status["systemID"], status["systemName"]) == (system["id"], system["name"])
    product = system["product_name"] if released.dialect == "modern" else None
    assert (status.get("product"), status["codeLevel"]) == (product, system["code_level"])
    assert status["dialect"] == released.dialect.capitalize()
    assert status.get("openAccessEnabled") == (False if released.dialect == "legacy" else None)
    assert status["nodes"] == _nodes(array)
    assert status["portals"] == _portals(array)
    pool = status["pool"]
    assert (pool["name"], pool["status"], pool["capacity"]) == (POOLS[released.dialect], "online", "3328Gi")
    assert 0 < int(pool["free"].removesuffix("Gi")) < 3328
    assert status["hostKeyFingerprint"].startswith("SHA256:")
    version = stand.get_secret("array")["metadata"]["resourceVersion"]
    assert status["credentials"] == {"lastWorked": version, "lastTried": version}
    assert status["observedGeneration"] == 1
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "Reachable": "True",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert system["name"] in stand.condition(ARRAYS, "array")["message"]


def _with_counts(stand: Namespace, **counts: int) -> Any:
    status = stand.status(ARRAYS, "array")
    return status if status.get("counts") == counts else None


def _nodes(array: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": node["name"],
            "id": str(node["id"]),
            "status": node["status"],
            "iqn": node["iscsi_name"],
            "ioGroup": "" if node["status"] == "spare" else "io_grp0",
            "configNode": node["config_node"] == "yes",
        }
        for node in array["nodes"]
    ]


def _portals(array: dict[str, Any]) -> list[dict[str, Any]]:
    """By portset since 8.4.2; before that, only ports of nodes exist."""
    names = {node["name"]: node["iscsi_name"] for node in array["nodes"]}
    rows = array["addresses"] if array["release"] > "8.4" else array["ports"]
    return [
        {
            "address": row["address"],
            "port": 3260,
            "iqn": names[row["node"]],
            "node": row["node"],
            "ioGroup": "io_grp0",
            "state": "usable",
            **({"portset": row["portset"]} if row.get("portset") else {}),
        }
        for row in rows
        if row["node"]  # the system's own addresses are no portals
    ]


def test_a_legacy_array_that_reports_few_properties_is_ready_all_the_same(stand: Namespace) -> None:
    with simulated({"rules": {"brief_lssystem": True}}, "legacy") as simulator:
        stand.array(simulator)
        stand.ready(ARRAYS, "array")

        status = stand.status(ARRAYS, "array")
        assert status["dialect"] == "Legacy"
        assert status["pool"]["name"] == "mdiskgrp0"


def test_an_array_that_is_not_ready_reports_the_remedy_and_is_ready_again_when_corrected(
    stand: Namespace, simulator: Simulator
) -> None:
    control, pool = simulator.control, POOLS[simulator.dialect]
    stand.array(simulator, pool=pool, resyncInterval="1s")
    stand.ready(ARRAYS, "array")

    control.change("pool", pool, status="offline")
    assert pool in _stalled(stand, "PoolOffline")
    control.change("pool", pool, status="online")
    stand.await_reason(ARRAYS, "array", "Ready")

    for node in ("node1", "node2"):
        control.change("node", node, status="offline")
    assert "node1 is offline, node2 is offline" in _stalled(stand, "NoOnlineNode")
    control.change("node", "node2", status="online")
    stand.await_reason(ARRAYS, "array", "Ready")
    usable = {each["node"] for each in stand.status(ARRAYS, "array")["portals"] if each["state"] == "usable"}
    assert usable == {"node2"}
    control.change("node", "node1", status="online")

    stand.patch(ARRAYS, "array", {"iscsi": {"portalAddresses": ["192.0.2.1"]}})
    assert "spec.iscsi.portalAddresses" in _stalled(stand, "NoUsablePortal")
    stand.patch(ARRAYS, "array", {"iscsi": {"portalAddresses": None}})
    stand.await_reason(ARRAYS, "array", "Ready")

    stand.patch(ARRAYS, "array", {"pool": "nowhere"})
    message = _stalled(stand, "PoolNotFound")
    assert "no pool nowhere" in message
    assert "spec.pool" in message
    stand.patch(ARRAYS, "array", {"pool": pool})
    stand.await_reason(ARRAYS, "array", "Ready")


def _stalled(stand: Namespace, reason: str) -> str:
    """Wait until the array is not Ready for this reason, Stalled (waiting would not help) and Reachable."""
    message = stand.await_reason(ARRAYS, "array", reason)
    assert stand.condition(ARRAYS, "array", "Stalled")["status"] == "True"
    assert stand.condition(ARRAYS, "array", "Reachable")["status"] == "True"
    return message


def test_a_portal_that_is_down_on_the_array_is_not_usable(stand: Namespace) -> None:
    with simulated({"release": "7.8.1.0"}, "modern") as modern, simulated(None, "legacy") as legacy:
        stand.array(modern, "modern", resyncInterval="1s")
        stand.array(legacy, "legacy", resyncInterval="1s")
        stand.ready(ARRAYS, "modern", "legacy")

        for simulator, ports in ((modern, ("node1/5", "node2/5")), (legacy, ("node1/1", "node2/2"))):
            for port in ports:
                simulator.control.change("port", port, link_state="inactive", state="offline")

        for name in ("modern", "legacy"):
            assert "Configure one on the array" in stand.await_reason(ARRAYS, name, "NoUsablePortal")


def test_open_access_stops_a_legacy_array_until_it_is_turned_off(stand: Namespace) -> None:
    with simulated({"system": {"open_access_enabled": "on"}}, "legacy") as simulator:
        stand.array(simulator, resyncInterval="1s")
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

        assert "chsystem -openaccess off" in stand.await_reason(ARRAYS, "array", "OpenAccessOn")
        assert stand.status(ARRAYS, "array")["openAccessEnabled"] is True
        assert "Open access is on" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
        assert writes(simulator) == []

        simulator.control.change("system", open_access_enabled="off")
        stand.ready(ATTACHMENTS, "one")
        stand.await_reason(ARRAYS, "array", "Ready")
        assert stand.status(ARRAYS, "array")["openAccessEnabled"] is False


def test_a_portset_that_iscsi_hosts_cannot_use_stops_an_array_before_anything_is_sent(stand: Namespace) -> None:
    with simulated(None, "modern") as simulator:
        stand.array(simulator, resyncInterval="1s", iscsi={"portset": "portset64"})
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

        assert "port type fc" in _stalled(stand, "PortsetMismatch")
        assert "spec.iscsi.portset" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
        stand.patch(ARRAYS, "array", {"iscsi": {"portset": "nowhere"}})
        assert "no portset nowhere" in _stalled(stand, "PortsetNotFound")
        assert writes(simulator) == []

        stand.patch(ARRAYS, "array", {"iscsi": {"portset": "portset0"}})
        stand.ready(ATTACHMENTS, "one")
        stand.await_reason(ARRAYS, "array", "Ready")


def test_an_unhealthy_array_gets_no_new_mappings_but_existing_ones_stay_and_can_be_detached(
    stand: Namespace, simulator: Simulator
) -> None:
    pool = POOLS[simulator.dialect]
    stand.array(simulator, pool=pool, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")

    simulator.control.change("pool", pool, status="offline")
    stand.await_reason(ARRAYS, "array", "PoolOffline")
    stand.apply(stand.attachment("three", "worker-1", "vol2"))
    assert f"Pool {pool} is offline" in stand.await_reason(ATTACHMENTS, "three", "ArrayNotReady")
    assert stand.condition(ATTACHMENTS, "one")["status"] == "True"

    stand.delete(ATTACHMENTS, "two")
    assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["vol0"]

    simulator.control.change("pool", pool, status="online")
    stand.ready(ATTACHMENTS, "three")
    assert {port["iqn"] for port in stand.status(HOSTS, "worker-1")["ports"]} == {iqn("worker-1")}
