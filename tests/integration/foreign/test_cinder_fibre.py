"""Cinder's Fibre Channel driver works with the simulator; it reads target ports, their portsets and logins."""

from pathlib import Path

import pytest

from flashsystem_operator.simulator import Simulator
from support.foreign_clients import STORWIZE_FIBRE, running_driver, skip_where_missing

pytestmark = pytest.mark.slow

VOLUME = "11111111-1111-4111-8111-111111111111"
INITIATOR = "2100000E1E30E597"
PORTS = [
    {"node": "node1", "port_id": 1, "wwpn": "5005076810110001", "virtual_wwpn": "5005076810150001"},
    {"node": "node2", "port_id": 1, "wwpn": "5005076810110002", "virtual_wwpn": "5005076810150002"},
]


@pytest.mark.parametrize("release", ["7.8.1.0", "8.6.0.0"])
def test_a_volume_is_attached_to_a_new_host_and_detached(release: str, tmp_path: Path) -> None:
    skip_where_missing()
    state = {
        "release": release,
        "fibre_ports": PORTS,
        "volumes": [{"name": f"volume-{VOLUME}", "pool": "Pool0"}],
    }
    connector = {"host": "node-1", "wwpns": [INITIATOR.lower()], "multipath": True}
    with (
        Simulator(state, dialect="modern") as array,
        running_driver(STORWIZE_FIBRE, array, "Pool0", tmp_path, storwize_svc_volpool_name="Pool0") as driver,
    ):
        properties = driver.attach(VOLUME, connector)

        [host] = array.control.state()["hosts"]
        assert [port["name"] for port in host["ports"]] == [INITIATOR]
        assert [(row["host"], row["lun"]) for row in array.control.state()["mappings"]] == [(host["name"], 0)]
        assert properties["target_lun"] == 0
        assert {port["virtual_wwpn"] for port in PORTS} <= set(properties["target_wwn"])

        assert not driver.detach(VOLUME, connector).raised
        assert array.control.state()["mappings"] == []
        assert array.control.state()["hosts"] == []
