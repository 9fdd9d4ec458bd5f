"""What the array accepts and refuses when volumes are mapped to hosts."""

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start


@pytest.fixture
def mapped(shell: Shell) -> Shell:
    """A session on an array with two hosts, the first of which has vol1 at LUN 1."""
    for name in ("a", "b"):
        shell(f"svctask mkhost -name {name} -iscsiname iqn.{name}")
    assert shell("svctask mkvdiskhostmap -host a -scsi 1 vol1").status == 0
    return shell


def test_both_lists_show_a_mapping_and_start_with_their_own_object(mapped: Shell) -> None:
    of_host = mapped("svcinfo lshostvdiskmap -delim ! a").rows
    of_volume = mapped("svcinfo lsvdiskhostmap -delim ! vol1").rows

    assert [(row["name"], row["SCSI_id"], row["vdisk_name"]) for row in of_host] == [("a", "1", "vol1")]
    assert [(row["name"], row["SCSI_id"], row["host_name"]) for row in of_volume] == [("vol1", "1", "a")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("mkvdiskhostmap -host a vol1", "CMMVC5878E"),
        ("mkvdiskhostmap -force -host a vol1", "CMMVC5878E"),
        ("mkvdiskhostmap -host a -scsi 1 vol1", "CMMVC5878E"),
        ("mkvdiskhostmap -host a -scsi 1 vol2", "CMMVC5879E"),
        ("mkvdiskhostmap -force -host a -scsi 1 vol2", "CMMVC5879E"),
        ("mkvdiskhostmap -host a nothing", "CMMVC5804E"),
        ("mkvdiskhostmap -host nobody vol2", "CMMVC5754E"),
        ("mkvdiskhostmap -host a -scsi 2048 vol2", "CMMVC5742E"),
        ("mkvdiskhostmap -host a -scsi=-1 vol2", "CMMVC5742E"),
        ("mkvdiskhostmap -host a -scsi -1 vol2", "CMMVC5708E"),
        ("mkvdiskhostmap -host a -scsi one vol2", "CMMVC5716E"),
        ("mkvdiskhostmap -host a", "CMMVC5701E"),
        ("mkvdiskhostmap vol2", "CMMVC5707E"),
        ("rmvdiskhostmap -host b vol1", "CMMVC5842E"),
        ("rmvdiskhostmap -host a vol2", "CMMVC5842E"),
        ("rmvdiskhostmap -host a nothing", "CMMVC5753E"),
        ("rmvdiskhostmap -host nobody vol1", "CMMVC5754E"),
        ("rmvdiskhostmap -force -host a vol1", "CMMVC5709E"),
        ("rmhost a", "CMMVC5871E"),
        ("rmhost nobody", "CMMVC5753E"),
        ("rmvdisk vol1", "CMMVC5840E"),
    ],
)
def test_an_invalid_command_is_refused_and_changes_nothing(
    line: str, code: str, mapped: Shell, control: Control
) -> None:
    before = control.state()

    assert mapped(f"svctask {line}").code == code
    assert control.state() == before


def test_a_second_host_needs_force_and_each_dialect_has_its_own_code_for_it(mapped: Shell, either: Simulator) -> None:
    refused = mapped("svctask mkvdiskhostmap -host b vol1")

    assert refused.code == ("CMMVC6045E" if either.dialect == "legacy" else "CMMVC6071E")
    assert mapped("svctask mkvdiskhostmap -force -host b vol1").status == 0
    assert len(mapped("svcinfo lsvdiskhostmap -delim ! vol1").rows) == 2


@pytest.mark.parametrize("code", ["CMMVC6045E", "CMMVC6071E", "CMMVC9375E"])
def test_the_code_for_a_second_host_is_configurable(code: str, mapped: Shell, control: Control) -> None:
    control.change("rules", other_host_code=code)

    assert mapped("svctask mkvdiskhostmap -host b vol1").code == code


def test_the_newest_firmware_has_a_third_code_for_a_second_host(start: Start, log_in: Open) -> None:
    hosts = [{"name": name, "ports": [{"name": f"iqn.{name}"}]} for name in "ab"]
    shell = log_in(start({"release": "9.1.0.0", "hosts": hosts}))
    shell("mkvdiskhostmap -host a vol1")

    assert shell("mkvdiskhostmap -host b vol1").code == "CMMVC9375E"


def test_without_a_requested_lun_the_lowest_free_one_is_used(mapped: Shell) -> None:
    for volume in ("vol2", "vol3"):
        mapped(f"svctask mkvdiskhostmap -host a {volume}")

    rows = mapped("svcinfo lshostvdiskmap -delim ! a").rows
    assert {row["vdisk_name"]: row["SCSI_id"] for row in rows} == {"vol1": "1", "vol2": "0", "vol3": "2"}


def test_unmapping_is_silent_and_leaves_the_other_hosts_alone(mapped: Shell) -> None:
    mapped("svctask mkvdiskhostmap -force -host b vol1")

    reply = mapped("svctask rmvdiskhostmap -host a vol1")

    assert (reply.stdout, reply.stderr, reply.status) == ("", "", 0)
    assert [row["host_name"] for row in mapped("svcinfo lsvdiskhostmap -delim ! vol1").rows] == ["b"]


def test_force_removes_a_host_with_all_its_mappings(mapped: Shell) -> None:
    assert mapped("svctask rmhost -force a").status == 0
    assert mapped("svcinfo lsvdiskhostmap -delim ! vol1").stdout == ""


def test_the_number_of_volumes_of_a_host_is_limited(mapped: Shell, control: Control) -> None:
    control.change("limits", luns_per_host=2)
    mapped("svctask mkvdiskhostmap -host a vol2")

    assert mapped("svctask mkvdiskhostmap -host a vol3").code == "CMMVC5877E"
    assert mapped("svctask mkvdiskhostmap -host b -scsi 2 vol3").code == "CMMVC5742E"
    control.change("limits", luns_per_host=0, mappings=2)
    assert mapped("svctask mkvdiskhostmap -host b vol3").code == "CMMVC5876E"


def test_a_host_of_type_adminlun_accepts_only_lower_luns(mapped: Shell) -> None:
    assert mapped("svctask chhost -type adminlun b").status == 0

    assert mapped("svctask mkvdiskhostmap -host b -scsi 512 vol2").code == "CMMVC8668E"
    assert mapped("svctask mkvdiskhostmap -host b -scsi 511 vol2").status == 0


def test_codes_and_messages_follow_the_configured_rules(mapped: Shell, control: Control) -> None:
    control.change(
        "rules",
        lun_clash_checked_first=True,
        unmap_unmapped_code="CMMVC5804E",
        volume_missing_code="CMMVC5753E",
        lun_out_of_range_code="CMMVC5844E",
        map_answer_id="serial",
    )

    assert mapped("svctask mkvdiskhostmap -host a -scsi 1 vol1").code == "CMMVC5879E"
    assert mapped("svctask rmvdiskhostmap -host b vol1").code == "CMMVC5804E"
    assert mapped("svctask mkvdiskhostmap -host a nothing").code == "CMMVC5753E"
    assert mapped("svctask mkvdiskhostmap -host a -scsi 4000 vol2").code == "CMMVC5844E"
    assert mapped("svctask mkvdiskhostmap -host a -scsi 7 vol2").stdout.startswith("Virtual Disk to Host map, id [2]")


def test_one_mapping_can_have_another_lun_in_each_io_group(start: Start, log_in: Open) -> None:
    volumes = [
        {"name": "wide", "capacity": 1 << 30, "pool": "Pool0", "access_io_groups": [0, 1]},
        {"name": "narrow", "capacity": 1 << 30, "pool": "Pool0"},
    ]
    host = {"name": "a", "ports": [{"name": "iqn.a"}]}
    simulator = start({"volumes": volumes, "hosts": [host], "rules": {"lun_per_io_group": True}})
    shell = log_in(simulator)

    shell("mkvdiskhostmap -host a narrow")
    shell("mkvdiskhostmap -host a wide")

    rows = shell("lsvdiskhostmap -delim ! wide").rows
    assert {row["IO_group_name"]: row["SCSI_id"] for row in rows} == {"io_grp0": "1", "io_grp1": "0"}
    simulator.control.change("mapping", "a/wide", lun=5, luns={})
    assert {row["SCSI_id"] for row in shell("lsvdiskhostmap -delim ! wide").rows} == {"5"}


def test_volume_protection_that_is_off_on_either_level_protects_nothing(modern: Simulator, log_in: Open) -> None:
    shell, control = log_in(modern), modern.control
    shell("mkhost -name a -iscsiname iqn.a")
    for volume in ("vol1", "vol2"):
        shell(f"mkvdiskhostmap -host a {volume}")
        control.change("volume", volume, recent_io=True)

    shell("chmdiskgrp -vdiskprotectionenabled no Pool0")
    assert shell("rmvdiskhostmap -host a vol1").status == 0
    shell("chmdiskgrp -vdiskprotectionenabled yes Pool0")
    assert shell("rmvdiskhostmap -host a vol2").code == "CMMVC8457E"
    shell("chsystem -vdiskprotectionenabled no")
    assert shell("rmvdiskhostmap -host a vol2").status == 0


WIDE = [
    {"name": "wide", "pool": "Pool0", "access_io_groups": [0, 1]},
    {"name": "narrow", "pool": "Pool0"},
    {"name": "other", "pool": "Pool0", "io_group": 1},
    {"name": "nothing", "pool": "Pool0", "capacity": 0},
]


@pytest.mark.parametrize(("release", "code"), [("8.6.0.0", "CMMVC5877E"), ("8.7.0.0", "CMMVC9404E")])
def test_a_lun_must_be_free_in_all_io_groups_unless_it_may_differ(
    release: str, code: str, start: Start, log_in: Open
) -> None:
    host = {"name": "a", "ports": [{"name": "iqn.a"}]}
    mappings = [{"host": "a", "volume": "narrow", "lun": 0}, {"host": "a", "volume": "other", "lun": 1}]
    simulator = start({"release": release, "volumes": WIDE, "hosts": [host], "mappings": mappings})
    shell = log_in(simulator)
    simulator.control.change("limits", luns_per_host=2)

    refused = shell("mkvdiskhostmap -host a wide").code
    simulator.control.change("limits", luns_per_host=3)
    shell("rmvdiskhostmap -host a other")
    allowed = shell("mkvdiskhostmap -host a -allowmismatchedscsiids wide")

    assert refused == code
    assert allowed.status == 0
    assert {row["IO_group_name"]: row["SCSI_id"] for row in shell("lsvdiskhostmap -delim ! wide").rows} == {
        "io_grp0": "1",
        "io_grp1": "0",
    }
    assert shell("mkvdiskhostmap -host a nothing").code == "CMMVC5843E"


def test_an_nvme_host_has_no_lun_and_no_volume_of_hosts_that_do(start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": "8.7.0.0"}))
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkhost -name n -nqn nqn.n -protocol fcnvme")
    shell("mkvdiskhostmap -host a vol0")

    assert shell("mkvdiskhostmap -host n -scsi 1 vol1").code == "CMMVC9335E"
    assert shell("mkvdiskhostmap -host n -allowmismatchedscsiids vol1").code == "CMMVC9405E"
    assert shell("mkvdiskhostmap -host n -force vol0").code == "CMMVC9334E"
    assert shell("mkvdiskhostmap -host n vol1").status == 0
