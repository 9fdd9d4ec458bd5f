"""Volume protection: each command refuses with its own code, and checks what it would remove."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

PORTSETS = [{"name": "portset0", "is_default": "yes"}, {"name": "near"}, {"name": "far"}]
ADDRESSES = [
    {"node": "node1", "port_id": 5, "portset": "portset0", "address": "10.0.1.11"},
    {"node": "node1", "port_id": 5, "portset": "near", "address": "10.0.1.12"},
    {"node": "node1", "port_id": 6, "portset": "far", "address": "10.0.2.11"},
]
VOLUMES = [{"name": name, "pool": "Pool0", "recent_io": name == "busy"} for name in ("busy", "quiet")]


def ports(*names: str, logins: int = 0) -> list[dict[str, object]]:
    return [{"name": f"iqn.{name}", "logins": logins} for name in names]


@pytest.fixture
def array(start: Start) -> Simulator:
    """Only host a has the volume busy, which had recent I/O, and it is logged in; b and c have no volume."""
    hosts = [{"name": "a", "ports": ports("a", logins=2)}, {"name": "b", "ports": ports("b")}, {"name": "c"}]
    mappings = [{"host": "a", "volume": "busy", "lun": 0}]
    return start(
        {"hosts": hosts, "mappings": mappings, "volumes": VOLUMES, "portsets": PORTSETS, "addresses": ADDRESSES}
    )


@pytest.fixture
def shell(array: Simulator, log_in: Open) -> Shell:
    return log_in(array)


@pytest.mark.parametrize(
    ("line", "older", "newer"),
    [
        ("rmvdiskhostmap -host a busy", "CMMVC8457E", "CMMVC8478E"),
        ("rmvdisk -force busy", "CMMVC8458E", "CMMVC8479E"),
        ("rmvolume -removehostmappings busy", "CMMVC8458E", "CMMVC8479E"),
        ("rmhost -force a", "CMMVC8461E", "CMMVC8482E"),
        ("rmhostiogrp -force -iogrp 0 a", "CMMVC8462E", "CMMVC8483E"),
        ("rmhostport -iscsiname iqn.a a", "CMMVC8463E", "CMMVC8484E"),
    ],
)
def test_each_command_refuses_with_its_own_code_in_two_generations(
    line: str, older: str, newer: str, array: Simulator, shell: Shell
) -> None:
    before = shell(line).code
    array.control.change("rules", newer_protection_codes=True)
    after = shell(line).code
    array.control.change("pool", "Pool0", vdisk_protection_enabled="no")

    assert (before, after) == (older, newer)
    assert shell(line).status == 0


def test_an_initiator_may_be_removed_as_long_as_the_host_keeps_another(shell: Shell) -> None:
    shell("addhostport -iscsiname iqn.a2,iqn.a3 a")

    assert shell("rmhostport -iscsiname iqn.a a").status == 0
    assert shell("rmhostport -iscsiname iqn.a2,iqn.a3 a").code == "CMMVC8463E"


def test_an_io_group_without_access_to_a_volume_with_recent_io_may_be_removed(shell: Shell) -> None:
    assert shell("rmhostiogrp -iogrp 1 a").status == 0


@pytest.mark.parametrize("line", ["rmhost -force a", "rmhostiogrp -force -iogrp 0 a", "rmhostport -iscsiname iqn.a a"])
def test_access_of_an_offline_host_may_be_removed_while_another_host_has_the_volume(
    line: str, array: Simulator, shell: Shell
) -> None:
    array.control.change("host_port", "iqn.a", logins=0)
    alone = shell(line).code
    shell("mkvdiskhostmap -force -host c busy")
    array.control.change("host_port", "iqn.a", logins=1)
    online = shell(line).code
    array.control.change("host_port", "iqn.a", logins=0)

    assert alone in {"CMMVC8461E", "CMMVC8462E", "CMMVC8463E"}
    assert online == alone
    assert shell(line).status == 0


def test_a_mapping_is_protected_even_if_its_host_is_offline(shell: Shell) -> None:
    shell("mkvdiskhostmap -force -host b busy")

    assert shell("rmvdiskhostmap -host b busy").code == "CMMVC8457E"


def test_a_portset_without_a_common_port_is_refused_for_the_setting_and_not_for_recent_io(
    array: Simulator, shell: Shell
) -> None:
    array.control.change("volume", "busy", recent_io=False)

    assert shell("chhost -portset near a").status == 0
    assert shell("chhost -portset far a").code == "CMMVC9714E"
    assert shell("chhost -portset far b").status == 0, "host b is not logged in"
    shell("chsystem -vdiskprotectionenabled no")
    assert shell("chhost -portset far a").status == 0


def test_a_host_cluster_keeps_shared_volumes_with_recent_io(shell: Shell) -> None:
    assert shell("mkhostcluster -name hc -seedfromhost a").status == 0
    shell("addhostclustermember -host b hc")

    assert shell("rmvolumehostclustermap -hostcluster hc busy").code == "CMMVC8457E"
    assert shell("rmhostclustermember -host a -removemappings hc").code == "CMMVC9080E"
    assert shell("rmhostcluster -removemappings hc").code == "CMMVC8461E"
    assert shell("rmhostclustermember -host b -keepmappings hc").status == 0
    assert shell("rmhostcluster -keepmappings hc").status == 0


def test_the_code_of_a_protected_volume_is_configurable_in_the_older_generation(array: Simulator, shell: Shell) -> None:
    array.control.change("rules", volume_protection_code="CMMVC8459E")

    assert shell("rmvdisk -force busy").code == "CMMVC8459E"
    assert shell("rmvdiskhostmap -host a busy").code == "CMMVC8457E"
