"""Cinder's unmodified drivers work with the simulator as with an array: they set up, attach and detach."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.foreign_clients import FLASHSYSTEM, STORWIZE, Driver, running_driver, skip_where_missing

pytestmark = [pytest.mark.slow, pytest.mark.long]

ONE, TWO, NEW = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123")
"""Cinder's ids of volumes: two that exist, and one to be created."""
LEVELS = [
    pytest.param(level, marks=pytest.mark.xdist_group(f"cinder {level}"))  # one process loads its driver once
    for level in ("legacy", "7.8.1.0", "8.4.1.0", "8.6.0.0", "8.7.0.0")
]
LEGACY: dict[str, str | int] = {
    "flashsystem_connection_protocol": "iSCSI",
    "target_ip_address": "192.168.1.10",
    "flashsystem_iscsi_portid": 1,
}
Connector = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """An array with two volumes of Cinder, and the driver of that array."""

    array: Simulator
    driver: Driver
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def legacy(self) -> bool:
        return self.array.dialect == "legacy"

    @property
    def first_lun(self) -> int:
        """The legacy driver never uses LUN 0."""
        return 1 if self.legacy else 0

    @property
    def state(self) -> dict[str, Any]:
        return self.array.control.state()

    @property
    def mappings(self) -> dict[tuple[str, str], int]:
        """The LUN of each host object and volume."""
        return {(row["host"], row["volume"].removeprefix("volume-")): row["lun"] for row in self.state["mappings"]}

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The host objects, by initiator."""
        return {host["ports"][0]["name"]: host for host in self.state["hosts"]}

    def new_connector(self) -> Connector:
        """The connector of a host that neither the driver nor the array has seen before."""
        name = f"node-{next(self.numbers)}"
        return {"host": name, "initiator": f"iqn.1994-05.com.redhat:{name}", "multipath": True}

    def name_of(self, connector: Connector) -> str:
        """The host object with the initiator of a connector."""
        name: str = self.hosts[connector["initiator"]]["name"]
        return name


@pytest.fixture(scope="module", params=LEVELS)
def level(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An array of each level in turn, and its driver after its setup. Loading the driver takes seconds."""
    skip_where_missing()
    legacy = request.param == "legacy"
    pool = "mdiskgrp0" if legacy else "Pool0"
    state: dict[str, Any] = {"volumes": [{"name": f"volume-{number}", "pool": pool} for number in (ONE, TWO)]}
    if not legacy:
        state["release"] = request.param
    settings: dict[str, str | int] = LEGACY if legacy else {"storwize_svc_volpool_name": pool}
    kind = FLASHSYSTEM if legacy else STORWIZE
    with (
        Simulator(state, dialect="legacy" if legacy else "modern") as array,
        running_driver(kind, array, pool, tmp_path_factory.mktemp("cinder"), **settings) as driver,
    ):
        yield Pair(array, driver)


@pytest.fixture
def pair(level: Pair) -> Iterator[Pair]:
    """The same array and driver, without the hosts of the test before."""
    yield level
    for row in level.state["mappings"]:
        level.array.control.admin(f"svctask rmvdiskhostmap -host '{row['host']}' {row['volume']}")
    for host in level.state["hosts"]:
        level.array.control.admin(f"svctask rmhost '{host['name']}'")


def test_a_new_host_gets_a_host_object_and_its_volume(pair: Pair) -> None:
    node = pair.new_connector()

    properties = pair.driver.attach(ONE, node)

    name = pair.name_of(node)
    assert name.rpartition("-")[0] == node["host"]
    assert pair.mappings == {(name, ONE): pair.first_lun}
    assert properties["target_lun"] == pair.first_lun
    assert properties["target_iqn"] == pair.state["nodes"][0]["iscsi_name"]


def test_a_new_host_receives_the_portals_of_the_release(pair: Pair) -> None:
    properties = pair.driver.attach(ONE, pair.new_connector())

    portals = [f"{port['address']}:3260" for port in pair.state["ports"]]
    assert properties["target_portal"] == portals[0]
    if not pair.legacy:
        assert properties["target_portals"] == portals
        online = [node for node in pair.state["nodes"] if node["status"] == "online"]  # 8.7 has a spare one
        assert properties["target_iqns"] == [node["iscsi_name"] for node in online]
        assert properties["target_luns"] == [0, 0]


def test_a_known_host_gets_the_second_volume_at_the_next_lun(pair: Pair) -> None:
    node = pair.new_connector()
    pair.driver.attach(ONE, node)

    properties = pair.driver.attach(TWO, node)

    name = pair.name_of(node)
    assert pair.mappings == {(name, ONE): pair.first_lun, (name, TWO): pair.first_lun + 1}
    assert properties["target_lun"] == pair.first_lun + 1


def test_attaching_twice_changes_nothing_the_second_time(pair: Pair) -> None:
    node = pair.new_connector()
    first = pair.driver.attach(ONE, node)
    before = pair.state

    assert pair.driver.attach(ONE, node) == first

    assert pair.state == before


def test_a_host_object_of_an_administrator_is_found_by_its_initiator(pair: Pair) -> None:
    """The legacy driver considers a host object only if its name is that of the host with a suffix."""
    node = pair.new_connector()
    name = f"{node['host']}-rack7" if pair.legacy else "of-an-administrator"
    pair.array.control.admin(f"svctask mkhost -name {name} -iscsiname {node['initiator']}")

    pair.driver.attach(ONE, node)

    assert list(pair.mappings) == [(name, ONE)]
    assert len(pair.hosts) == 1


def test_a_volume_may_be_attached_to_a_second_host(pair: Pair) -> None:
    nodes = [pair.new_connector(), pair.new_connector()]

    for node in nodes:
        pair.driver.attach(ONE, node)

    assert list(pair.mappings) == [(pair.name_of(node), ONE) for node in nodes]


def test_a_second_host_is_refused_where_sharing_is_disabled_in_cinder(pair: Pair) -> None:
    node = pair.new_connector()
    pair.driver.attach(ONE, node)
    option = "flashsystem_multihostmap_enabled" if pair.legacy else "storwize_svc_multihostmap_enabled"

    result = pair.driver("initialize_connection", ONE, pair.new_connector(), **{option: False})

    assert result.raised
    assert ("CMMVC6045E" if pair.legacy else "CMMVC6071E") in result.message
    assert list(pair.mappings) == [(pair.name_of(node), ONE)]


def test_the_chap_secret_is_the_one_on_the_array(pair: Pair) -> None:
    node = pair.new_connector()

    attached = [pair.driver.attach(volume, node) for volume in (ONE, TWO)]

    secret = pair.hosts[node["initiator"]]["chap_secret"]
    assert bool(secret) != pair.legacy
    assert [properties.get("auth_password", "") for properties in attached] == [secret, secret]


def test_a_detached_volume_is_unmapped_and_the_host_object_is_removed_with_the_last(pair: Pair) -> None:
    node = pair.new_connector()
    for volume in (ONE, TWO):
        pair.driver.attach(volume, node)

    assert not pair.driver.detach(ONE, node).raised
    assert list(pair.mappings) == [(pair.name_of(node), TWO)]
    assert not pair.driver.detach(TWO, node).raised
    assert pair.hosts == {}


def test_detaching_twice_changes_nothing_while_the_host_has_another_volume(pair: Pair) -> None:
    node = pair.new_connector()
    for volume in (ONE, TWO):
        pair.driver.attach(volume, node)
    pair.driver.detach(ONE, node)
    before = pair.state

    assert not pair.driver.detach(ONE, node).raised

    assert pair.state == before


def test_detaching_twice_fails_where_the_host_object_is_gone(pair: Pair) -> None:
    """Both drivers behave like this: they find no host object for the connector."""
    node = pair.new_connector()
    pair.driver.attach(ONE, node)
    pair.driver.detach(ONE, node)
    before = pair.state

    assert pair.driver.detach(ONE, node).raised

    assert pair.state == before


def test_a_volume_with_one_mapping_is_detached_also_without_the_name_of_the_host(pair: Pair) -> None:
    node = pair.new_connector()
    pair.driver.attach(ONE, node)

    for _ in range(2):
        assert not pair.driver.detach(ONE, {"initiator": node["initiator"]}).raised

        assert pair.mappings == {}
        assert pair.hosts == {}


def test_a_volume_with_two_mappings_is_not_detached_without_the_name_of_the_host(pair: Pair) -> None:
    nodes = [pair.new_connector(), pair.new_connector()]
    for node in nodes:
        pair.driver.attach(ONE, node)
    before = pair.state

    assert not pair.driver.detach(ONE, {"initiator": nodes[0]["initiator"]}).raised

    assert pair.state == before


def test_a_volume_is_created_and_deleted(pair: Pair) -> None:
    assert not pair.driver("create_volume", NEW).raised
    created = [volume for volume in pair.state["volumes"] if volume["name"] == f"volume-{NEW}"]
    assert [volume["capacity"] for volume in created] == [1 << 30]
    assert created[0]["thin"] != pair.legacy

    assert not pair.driver("delete_volume", NEW).raised
    assert f"volume-{NEW}" not in [volume["name"] for volume in pair.state["volumes"]]
