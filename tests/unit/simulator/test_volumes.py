"""Volumes are created, renamed, expanded and removed; settings of the system."""

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start

CREATE = "svctask mkvdisk -iogrp 0 -size 2 -unit gb"


@pytest.fixture
def pool(control: Control) -> str:
    """The name of the pool of either dialect."""
    return str(control.state()["pools"][0]["name"])


def test_a_volume_created_under_an_old_name_is_another_volume(shell: Shell, pool: str) -> None:
    shell(f"{CREATE} -name data -mdiskgrp {pool}")
    first = shell("svcinfo lsvdisk -delim ! data").keys
    shell("svctask rmvdisk data")
    shell(f"{CREATE} -name data -mdiskgrp {pool}")
    second = shell("svcinfo lsvdisk -delim ! data").keys

    assert first["id"] == second["id"]
    assert first["vdisk_UID"] != second["vdisk_UID"]
    assert len(second["vdisk_UID"]) == 32


def test_a_renamed_volume_keeps_its_uid(shell: Shell) -> None:
    uid = shell("svcinfo lsvdisk -delim ! vol0").keys["vdisk_UID"]

    assert shell("svctask chvdisk -name vol1 vol0").code == "CMMVC6035E"
    assert shell("svctask chvdisk -name data vol0").status == 0
    assert shell("svcinfo lsvdisk -delim ! data").keys["vdisk_UID"] == uid


def test_a_volume_is_expanded_by_the_requested_size(shell: Shell) -> None:
    assert shell("svctask expandvdisksize -size 2 -unit gb vol0").status == 0
    assert shell("svcinfo lsvdisk -bytes -delim ! vol0").keys["capacity"] == str(3 << 30)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("-name vol0 -mdiskgrp {pool}", "CMMVC6035E"),
        ("-name new -mdiskgrp nowhere", "CMMVC5754E"),
        ("-name new", "CMMVC5707E"),
        ("-name 1new -mdiskgrp {pool}", "CMMVC6527E"),
    ],
)
def test_an_invalid_volume_is_refused(options: str, code: str, shell: Shell, pool: str) -> None:
    assert shell(f"{CREATE} {options.format(pool=pool)}").code == code


def test_the_capacity_of_a_pool_and_the_sizes_of_its_volumes_are_limited(shell: Shell, pool: str) -> None:
    assert shell(f"svctask mkvdisk -size 100 -unit tb -mdiskgrp {pool}").code == "CMMVC8710E"
    assert shell("svctask expandvdisksize -size 100 -unit tb vol0").code == "CMMVC5860E"
    assert shell("svctask expandvdisksize -size much vol0").code == "CMMVC5716E"
    assert shell("svctask expandvdisksize -size 0 vol0").code == "CMMVC5702E"
    assert shell("svctask expandvdisksize -size 1 -unit miles vol0").code == "CMMVC5717E"
    assert shell(f"svctask mkvdisk -size 1025 -unit b -mdiskgrp {pool}").code == "CMMVC7019E"
    assert shell(f"svctask mkvdisk -size 257 -unit tb -mdiskgrp {pool}").code == "CMMVC7018E"


def test_the_modern_verbs_do_the_same(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)

    assert (
        shell("mkvolume -name a -pool Pool0 -size 1 -unit gb -thin").stdout == "Volume, id [5], successfully created\n"
    )
    assert shell("mkvolume -nomsg -pool Pool0 -size 1 -unit gb").stdout == "6\n"
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a a")
    assert shell("rmvolume a").code == "CMMVC8787E"
    assert shell("rmvolume -removehostmappings a").status == 0
    assert shell("mkvolume -pool Pool0 -size 0").code == "CMMVC5702E"
    assert shell("mkvdisk -mdiskgrp Pool0 -size 0").status == 0


def test_open_access_exists_on_legacy_arrays(legacy: Simulator, log_in: Open) -> None:
    shell = log_in(legacy)

    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkvdiskhostmap -host a vol0")
    assert shell("svctask chsystem -openaccess on").code == "CMMVC7318E"
    shell("svctask rmvdiskhostmap -host a vol0")
    assert shell("svctask chsystem -openaccess on").code == "CMMVC7325E"
    shell("svctask rmhost a")
    assert shell("svctask chsystem -openaccess on").status == 0
    assert shell("svctask mkhost -name a -iscsiname iqn.a").code == "CMMVC7326E"
    assert shell("svcinfo lssystem -delim !").keys["open_access_enabled"] == "on"
    assert shell("svctask chsystem -openaccess maybe").code == "CMMVC5706E"


def test_volume_protection_is_switched_on_two_levels(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)

    assert shell("lsmdiskgrp -delim ! Pool0").keys["vdisk_protection_status"] == "active"
    shell("chsystem -vdiskprotectionenabled no -vdiskprotectiontime 30")
    assert shell("lssystem -delim !").keys["vdisk_protection_time"] == "30"
    assert shell("lsmdiskgrp -delim ! Pool0").keys["vdisk_protection_status"] == "inactive"
    assert shell("chsystem -vdiskprotectiontime 14").code == "CMMVC5742E"
    assert shell("chmdiskgrp Pool0").code == "CMMVC5733E"
    assert shell("chmdiskgrp -vdiskprotectionenabled no Pool0").status == 0
    assert shell("lsmdiskgrp -delim ! Pool0").keys["vdisk_protection_enabled"] == "no"


def test_a_monitor_may_read_but_not_change(either: Simulator, log_in: Open) -> None:
    shell = log_in(either, "monitor")

    assert shell("svcinfo lsvdisk").status == 0
    assert shell("svctask mkhost -name a -iscsiname iqn.a").code == "CMMVC9027E"
    assert shell("svcinfo lscurrentuser -delim !").keys["role"] == "Monitor"


def test_a_restricted_admin_may_map_but_not_remove_a_volume(modern: Simulator, log_in: Open) -> None:
    modern.control.change("user", "monitor", role="RestrictedAdmin")
    shell = log_in(modern, "monitor")

    assert shell("mkhost -name a -iscsiname iqn.a").status == 0
    assert shell("mkvdiskhostmap -host a vol0").status == 0
    assert shell("rmvdisk vol1").code == "CMMVC9027E"


@pytest.mark.parametrize(("release", "capacity"), [("8.6.0.0", (1 << 30) + 512), ("8.7.0.0", (1 << 30) + (1 << 20))])
def test_an_increase_is_rounded_up_to_whole_megabytes_from_8_7_on(
    release: str, capacity: int, start: Start, log_in: Open
) -> None:
    shell = log_in(start({"release": release}))

    assert shell("expandvdisksize -size 512 -unit b vol0").status == 0
    assert shell("lsvdisk -bytes -delim ! -filtervalue name=vol0").rows[0]["capacity"] == str(capacity)


def test_a_volume_shows_a_protocol_while_it_is_mapped(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    before = shell("lsvdisk -delim ! -filtervalue name=vol0").rows[0]["protocol"]
    shell("mkvdiskhostmap -host a vol0")

    assert (before, shell("lsvdisk -delim ! -filtervalue name=vol0").rows[0]["protocol"]) == ("", "scsi")
