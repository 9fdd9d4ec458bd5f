"""Pools: what their volumes take of them, child pools, and pools that are offline."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

GB = 1 << 30
POOLS = [
    {"name": "Pool0", "capacity": 100 * GB},
    {"name": "Drp0", "capacity": 50 * GB, "data_reduction": "yes"},
    {"name": "child", "parent": "Pool0", "capacity": 20 * GB},
    {"name": "tenant", "parent": "Drp0"},
]


@pytest.fixture
def array(start: Start) -> Simulator:
    """A standard pool of 100 GB and a data reduction pool of 50 GB, each with a child pool; no volume."""
    return start({"pools": POOLS, "volumes": []})


@pytest.fixture
def shell(array: Simulator, log_in: Open) -> Shell:
    return log_in(array)


def gigabytes(shell: Shell, pool: str, *fields: str) -> list[float]:
    keys = shell(f"lsmdiskgrp -bytes -delim ! {pool}").keys
    return [int(keys[field]) / GB for field in fields]


def test_a_pool_gives_whole_extents_and_shows_the_exact_size_of_its_volumes(shell: Shell) -> None:
    shell("mkvdisk -mdiskgrp Pool0 -size 512 -unit mb")
    shell("mkvdisk -mdiskgrp Pool0 -size 1025 -unit mb")

    assert gigabytes(shell, "Pool0", "free_capacity") == [100 - 20 - 1 - 2]
    assert gigabytes(shell, "Pool0", "virtual_capacity", "used_capacity") == [1537 / 1024, 1537 / 1024]
    assert shell("lsmdiskgrp -delim ! Pool0").keys["overallocation"] == "1"


def test_a_thin_volume_takes_what_it_uses_and_in_a_standard_pool_its_reserve(array: Simulator, shell: Shell) -> None:
    shell("mkvdisk -name a -mdiskgrp Pool0 -size 200 -unit gb -rsize 2% -autoexpand")
    shell("mkvolume -name b -pool Drp0 -size 200 -unit gb -thin")
    array.control.change("volume", "a", used=3 * GB)
    array.control.change("volume", "b", used=3 * GB)

    assert gigabytes(shell, "Pool0", "free_capacity", "virtual_capacity", "used_capacity", "real_capacity") == [
        73,
        200,
        3,
        7,
    ]
    assert gigabytes(shell, "Drp0", "free_capacity", "real_capacity") == [47, 3]
    standard, reducing = (shell(f"lsvdisk -bytes -delim ! {name}").keys for name in ("a", "b"))
    fields = ("used_capacity", "real_capacity", "free_capacity", "overallocation", "grainsize", "autoexpand")
    assert [standard[field] for field in fields] == [str(3 * GB), str(7 * GB), str(4 * GB), "2857", "256", "on"]
    assert [reducing[field] for field in fields] == ["", "", "", "", "8", "on"]
    assert reducing["used_capacity_before_reduction"] == str(3 * GB)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("mkvdisk -mdiskgrp Pool0 -size 80 -unit gb", "", id="exactly full"),
        pytest.param("mkvdisk -mdiskgrp Pool0 -size 81 -unit gb", "CMMVC5860E", id="the child pool has the rest"),
        pytest.param("mkvdisk -mdiskgrp child -size 21 -unit gb", "CMMVC5860E", id="above the quota of a child pool"),
        pytest.param("mkvolume -pool Pool0 -size 81 -unit gb", "CMMVC8710E", id="mkvolume has a code of its own"),
        pytest.param("mkvolume -pool tenant -size 50 -unit gb", "", id="a child pool without a quota"),
        pytest.param("mkvolume -pool tenant -size 51 -unit gb", "CMMVC8710E", id="more than its parent has"),
        pytest.param("mkvolume -pool Drp0:tenant -size 26 -unit gb", "CMMVC8710E", id="both copies take of one pool"),
    ],
)
def test_a_volume_needs_room(line: str, code: str, shell: Shell) -> None:
    assert shell(line).code == code


def test_an_increase_within_the_last_extent_needs_no_room(shell: Shell) -> None:
    shell(f"mkvdisk -name a -mdiskgrp Pool0 -size {80 * GB - (1 << 20)} -unit b")

    assert shell("expandvdisksize -size 1 a").status == 0
    assert shell("expandvdisksize -size 1 a").code == "CMMVC5860E"
    assert shell("lsvdisk -bytes -delim ! -filtervalue name=a").rows[0]["capacity"] == str(80 * GB)


def test_a_child_pool_without_a_quota_shows_the_free_space_of_its_parent(shell: Shell) -> None:
    shell("mkvolume -name a -pool tenant -size 8 -unit gb")
    shell("mkvolume -name b -pool Drp0 -size 2 -unit gb")

    assert gigabytes(shell, "tenant", "capacity", "free_capacity", "used_capacity", "real_capacity") == [40, 40, 0, 0]
    assert gigabytes(shell, "Drp0", "free_capacity") == [40]
    rows = {row["name"]: row for row in shell("lsmdiskgrp -delim !").rows}
    fields = ("type", "parent_mdisk_grp_name", "data_reduction", "vdisk_count", "child_mdisk_grp_count")
    assert [rows["tenant"][field] for field in fields] == ["child_quotaless", "Drp0", "yes", "1", "0"]
    assert [rows["Drp0"][field] for field in fields] == ["parent", "Drp0", "yes", "1", "1"]
    assert rows["child"]["type"] == "child_thick"
    assert shell("lsvdisk -delim !").rows[0]["parent_mdisk_grp_name"] == "Drp0"


def test_a_pool_counts_the_copies_of_its_volumes(shell: Shell) -> None:
    shell("mkvdisk -copies 2 -mdiskgrp Pool0:Pool0 -size 1 -unit gb")

    assert shell("lsmdiskgrp -delim ! Pool0").keys["vdisk_count"] == "2"


def test_the_volumes_of_an_offline_pool_are_offline_and_none_is_created_or_expanded(
    array: Simulator, shell: Shell
) -> None:
    shell("mkvolume -name a -pool tenant -size 1 -unit gb")
    array.control.change("pool", "Drp0", status="offline")

    assert shell("lsvdisk -delim !").rows[0]["status"] == "offline"
    assert shell("lsmdiskgrp -delim ! tenant").keys["status"] == "offline"
    assert shell("mkvolume -pool tenant -size 1").code == "CMMVC5782E"
    assert shell("mkvolume -thin -pool tenant -size 1").code == "CMMVC9284E"
    assert shell("expandvdisksize -size 1 a").code == "CMMVC5782E"


def test_a_pool_keeps_its_child_pools_and_volumes_when_it_is_renamed(array: Simulator, shell: Shell) -> None:
    shell("mkvdisk -name a -copies 2 -mdiskgrp child:Pool0 -size 1 -unit gb")
    array.control.change("pool", "Pool0", name="new")

    assert shell("lsmdiskgrp -delim ! child").keys["parent_mdisk_grp_name"] == "new"
    assert [row["mdisk_grp_name"] for row in shell("lsvdiskcopy -delim ! a").rows] == ["child", "new"]


@pytest.mark.parametrize(
    ("pools", "reason"),
    [
        ([{"name": "a", "parent": "b"}], "there is no b in pools"),
        ([{"name": "a"}, {"name": "b", "parent": "a"}, {"name": "c", "parent": "b"}], "b, the parent of c, is a child"),
    ],
)
def test_a_child_pool_needs_a_parent_that_is_none(pools: list[dict[str, str]], reason: str, start: Start) -> None:
    with pytest.raises(ValueError, match=reason):
        start({"pools": pools, "volumes": []})
