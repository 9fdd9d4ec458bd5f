"""IBM's pysvc, the base of the block CSI driver, works with the simulator: it connects, lists and changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.foreign_clients import pysvc, skip_where_missing

pytestmark = pytest.mark.slow

IQN = "iqn.1994-05.com.redhat:a"
Call = tuple[str, str, dict[str, Any]]
Calls = Callable[..., list[Any]]


@pytest.fixture
def pysvc_calls(tmp_path: Path) -> Calls:
    """Connect to an array of a release, and send it some calls."""
    skip_where_missing()

    def send(release: str, *calls: Call) -> list[Any]:
        host = {"name": "a", "ports": [{"name": IQN, "logins": 2}]}
        state = {"release": release, "hosts": [host], "mappings": [{"host": "a", "volume": "vol1", "lun": 3}]}
        with Simulator(state, dialect="modern") as array:
            return pysvc(array, tmp_path, *calls)

    return send


@pytest.mark.parametrize("release", ["7.8.1.0", "8.4.1.0", "8.6.0.0", "8.7.0.0"])
def test_it_connects_and_lists(release: str, pysvc_calls: Calls) -> None:
    volumes, system, mappings, host, ports = pysvc_calls(
        release,
        ("svcinfo", "lsvdisk", {"bytes": True}),
        ("svcinfo", "lssystem", {}),
        ("svcinfo", "lsvdiskhostmap", {"vdisk_name": "vol1"}),
        ("svcinfo", "lshost", {"object_id": "a"}),
        ("svcinfo", "lstargetportfc", {}),
    )

    assert [(row["name"], row["capacity"]) for row in volumes[:2]] == [("vol0", "1073741824"), ("vol1", "4294967296")]
    assert system[0]["id_alias"] == system[0]["id"]
    assert [(row["host_name"], row["SCSI_id"]) for row in mappings] == [("a", "3")]
    assert host[0]["iscsi_name"] == IQN
    assert ports == []


def test_it_detects_a_command_by_the_release(pysvc_calls: Calls) -> None:
    question: Call = ("has", "lshostiplogin", {})

    assert pysvc_calls("8.4.1.0", question) == [False]
    assert pysvc_calls("8.6.0.0", question) == [True]


def test_it_reads_the_exit_status_of_a_refused_command(pysvc_calls: Calls) -> None:
    [result] = pysvc_calls("8.6.0.0", ("svcinfo", "lsvdisk", {"object_id": "nope"}))

    assert "Return code is 1" in result["failed"]
    assert "CMMVC5754E" in result["failed"]


def test_it_maps_and_unmaps(pysvc_calls: Calls) -> None:
    *_, mapped, _, unmapped = pysvc_calls(
        "8.6.0.0",
        ("svctask", "mkvdiskhostmap", {"object_id": "vol2", "host": "a", "scsi": 7, "force": True}),
        ("svcinfo", "lshostvdiskmap", {"host": "a"}),
        ("svctask", "rmvdiskhostmap", {"vdisk_id": "vol2", "host": "a"}),
        ("svcinfo", "lshostvdiskmap", {"host": "a"}),
    )

    assert [(row["vdisk_name"], row["SCSI_id"]) for row in mapped] == [("vol1", "3"), ("vol2", "7")]
    assert [row["vdisk_name"] for row in unmapped] == ["vol1"]


@pytest.mark.parametrize("release", ["8.4.1.0", "8.6.0.0", "8.7.0.0"])
def test_the_block_csi_driver_finds_volume_host_and_portals(release: str, pysvc_calls: Calls) -> None:
    """Its queries before it maps a volume, in its order; it finds the host by its login if lshostiplogin exists."""
    portsets = release != "8.4.1.0"
    address: Call = ("svcinfo", "lsip", {"filtervalue": "portset_id=0"})
    volume, nothing, nodes, portals, *found = pysvc_calls(
        release,
        ("svcinfo", "lsvdisk", {"bytes": True, "filtervalue": "name=vol2"}),
        ("svcinfo", "lsvdiskhostmap", {"vdisk_name": "vol2"}),
        ("svcinfo", "lsnode", {}),
        address if portsets else ("svcinfo", "lsportip", {"filtervalue": "state=configured:failover=no"}),
        *([("svcinfo", "lshostiplogin", {"object_id": IQN})] if portsets else []),
    )

    assert [row["name"] for row in volume] == ["vol2"]
    assert nothing == []
    assert {row["node_id"] for row in portals} == {row["id"] for row in nodes if row["status"] == "online"}
    assert {row["IP_address"] for row in portals} == {"10.0.1.11", "10.0.1.12"}
    assert [rows[0]["host_name"] for rows in found] == ["a"] * portsets


def test_it_reads_many_hosts_in_one_line_or_none(pysvc_calls: Calls) -> None:
    """The block CSI driver reads hosts like this: one line with a command for each, empty if there is no host."""
    [many, _], nothing = pysvc_calls("8.6.0.0", ("raw", "lshost 0;echo;lshost a;echo;", {}), ("raw", "", {}))

    assert many.count(IQN) == 2
    assert nothing == ["", ""]
