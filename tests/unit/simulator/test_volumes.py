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


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("mkvdisk -size 100 -unit tb -mdiskgrp {pool}", "CMMVC5860E", id="no room for a new volume"),
        pytest.param("expandvdisksize -size 100 -unit tb vol0", "CMMVC5860E", id="no room for an increase"),
        pytest.param("mkvdisk -size 257 -unit tb -mdiskgrp {pool}", "CMMVC7018E", id="new volume above 256 TB"),
        pytest.param("expandvdisksize -size 256 -unit tb vol0", "CMMVC7018E", id="grows above 256 TB"),
        pytest.param("mkvdisk -size 16384 -unit pb -mdiskgrp {pool}", "CMMVC6562E", id="more than 64 bits"),
        pytest.param("mkvdisk -size 1025 -unit b -mdiskgrp {pool}", "CMMVC7019E", id="no multiple of 512 bytes"),
        pytest.param("mkvdisk -size 1 -unit miles -mdiskgrp {pool}", "CMMVC5706E", id="unknown unit"),
        pytest.param("expandvdisksize -size 1 -unit GB vol0", "CMMVC5706E", id="units are in lower case"),
        pytest.param("expandvdisksize -size much vol0", "CMMVC5716E", id="no number"),
        pytest.param("mkvdisk -size 1.5 -unit gb -mdiskgrp {pool}", "CMMVC5716E", id="a fraction"),
        pytest.param("expandvdisksize -size 0 vol0", "CMMVC6010E", id="an increase by 0"),
        pytest.param("expandvdisksize -size 1 nope", "CMMVC5753E", id="unknown volume"),
    ],
)
def test_an_invalid_size_is_refused_and_changes_nothing(
    line: str, code: str, shell: Shell, pool: str, control: Control
) -> None:
    before = control.state()

    assert shell(f"svctask {line.format(pool=pool)}").code == code
    assert control.state() == before


@pytest.mark.parametrize(
    ("unit", "size"),
    [("b", 1 << 31), ("kb", 1 << 21), ("mb", 2048), ("gb", 2)],
)
def test_units_are_powers_of_1024(unit: str, size: int, shell: Shell, pool: str) -> None:
    shell(f"svctask mkvdisk -name data -iogrp 0 -mdiskgrp {pool} -size {size} -unit {unit}")

    assert shell("svcinfo lsvdisk -bytes -delim ! data").keys["capacity"] == str(2 << 30)


def test_a_legacy_volume_has_a_smallest_size(legacy: Simulator, log_in: Open) -> None:
    shell = log_in(legacy)
    small = "svctask mkvdisk -mdiskgrp mdiskgrp0 -size 512 -unit mb"
    refused = shell(small).code
    legacy.control.change("rules", smallest_legacy_volume=1 << 20)

    assert (refused, shell(small).status) == ("CMMVC7301E", 0)


@pytest.mark.parametrize(
    "line",
    [
        "mkvdisk -mdiskgrp mdiskgrp0 -size 1 -unit gb -rsize 2%",
        "mkvdisk -mdiskgrp mdiskgrp0 -size 1 -unit gb -compressed",
        "mkvdisk -mdiskgrp mdiskgrp0 -size 1 -unit gb -nofmtdisk",
        "chvdisk -rate 100 vol0",
        "rmvdisk -removehostmappings vol0",
        "lsvdisk -showhidden",
    ],
)
def test_a_legacy_array_has_no_such_option(line: str, legacy: Simulator, log_in: Open) -> None:
    prefix = "svcinfo" if line.startswith("ls") else "svctask"

    assert log_in(legacy)(f"{prefix} {line}").code == "CMMVC5709E"


@pytest.mark.parametrize(
    "line",
    [
        "svctask mkvolume -pool mdiskgrp0 -size 1",
        "svctask rmvolume vol0",
        "svctask shrinkvdisksize -size 1 vol0",
        "svctask mkthrottle -type vdisk -vdisk vol0 -iops 100",
        "svctask addvdiskaccess -iogrp 1 vol0",
        "svcinfo lsthrottle",
        "svcinfo lsvdiskcopy",
        "svcinfo lsvdiskaccess",
        "svcinfo lsvdiskprogress",
    ],
)
def test_a_legacy_array_has_no_such_command(line: str, legacy: Simulator, log_in: Open) -> None:
    assert log_in(legacy)(line).status == 127


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


def test_an_increase_is_rounded_up_to_whole_megabytes_and_repeated_it_grows_again(
    modern: Simulator, log_in: Open
) -> None:
    shell = log_in(modern)

    sizes = []
    for _ in range(2):
        assert shell("expandvdisksize -size 2048 -unit b vol0").status == 0
        sizes.append(int(shell("lsvdisk -bytes -delim ! -filtervalue name=vol0").rows[0]["capacity"]))
    assert sizes == [(1 << 30) + (1 << 20), (1 << 30) + (2 << 20)]


def test_an_array_that_does_not_round_increases_refuses_odd_bytes(modern: Simulator, log_in: Open) -> None:
    modern.control.change("rules", expand_rounds_up=False)
    shell = log_in(modern)

    assert shell("expandvdisksize -size 1000 -unit b vol0").code == "CMMVC7019E"
    assert shell("expandvdisksize -size 512 -unit b vol0").status == 0
    assert shell("lsvdisk -bytes -delim ! -filtervalue name=vol0").rows[0]["capacity"] == str((1 << 30) + 512)


def test_a_volume_that_is_being_formatted_grows_when_formatting_has_ended_or_a_rule_permits_it(
    start: Start, log_in: Open
) -> None:
    simulator = start({"rules": {"formats_new_volumes": True}})
    shell = log_in(simulator)
    shell("mkvdisk -name data -mdiskgrp Pool0 -size 1 -unit gb")
    shell("mkvdisk -name raw -nofmtdisk -mdiskgrp Pool0 -size 1 -unit gb")
    shell("mkvolume -name thin -thin -pool Pool0 -size 1 -unit gb")
    simulator.control.change("volume", "data", format_progress=40)

    assert [(row["id"], row["progress"]) for row in shell("lsvdiskprogress -delim !").rows] == [("5", "40")]
    assert shell("lsvdiskprogress raw").stdout == ""
    assert [shell(f"lsvdisk -delim ! {name}").keys["formatted"] for name in ("data", "raw", "thin")] == [
        "yes",
        "no",
        "no",
    ]
    assert shell("expandvdisksize -size 1 data").code == "CMMVC8587E"
    simulator.control.change("rules", formatting_blocks_expand=False)
    assert shell("expandvdisksize -size 1 data").status == 0
    simulator.control.change("rules", formatting_blocks_expand=True)
    simulator.control.change("volume", "data", formatting="no")
    assert shell("expandvdisksize -size 1 data").status == 0


def test_a_volume_is_shrunk_by_the_requested_size(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)

    assert shell("shrinkvdisksize -size 1 -unit gb vol1").status == 0
    assert shell("lsvdisk -bytes -delim ! -filtervalue name=vol1").rows[0]["capacity"] == str(3 << 30)
    assert shell("shrinkvdisksize -size 3 -unit gb vol1").code == "CMMVC8979E"
    assert shell("shrinkvdisksize -size 1 -unit b vol1").code == "CMMVC7019E"


def test_a_volume_without_an_io_group_goes_to_the_group_with_the_fewest_volumes_that_has_nodes(
    start: Start, log_in: Open
) -> None:
    nodes = [{"name": name, "io_group": group} for name, group in (("node1", 0), ("node2", 0), ("node3", 2))]
    volumes = [{"name": f"vol{number}", "pool": "Pool0", "io_group": number % 2 * 2} for number in range(3)]
    shell = log_in(start({"nodes": nodes, "addresses": [], "ports": [], "volumes": volumes}))
    shell("mkvolume -name a -pool Pool0 -size 1")
    shell("mkvdisk -name b -mdiskgrp Pool0 -size 1")

    assert [shell(f"lsvdisk -delim ! {name}").keys["IO_group_id"] for name in ("a", "b")] == ["2", "0"]
    assert shell("lsvdisk -delim ! a").keys["preferred_node_name"] == "node3"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("mkvdisk -mdiskgrp Pool0 -size 1 -iogrp 1", "CMMVC5828E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -iogrp 7", "CMMVC6596E"),
        ("mkvolume -pool Pool0 -size 1 -iogrp 7", "CMMVC8879E"),
        ("mkvolume -pool Pool0 -size 1 -iogrp 0:1", "CMMVC8714E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -iogrp 0 -node nope", "CMMVC5831E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -node node1", "CMMVC5707E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -iogrp 0 -accessiogrp 1", "CMMVC9409E"),
        ("mkvdisk -mdiskgrp Pool0:Pool1 -size 1", "CMMVC6526E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -copies 3", "CMMVC6352E"),
        ("mkvolume -pool Pool0:Pool1:Pool0 -size 1", "CMMVC8712E"),
        ("mkvdisk -mdiskgrp Pool0 -size 1 -cache some", "CMMVC5706E"),
    ],
)
def test_a_volume_in_a_wrong_place_is_refused(line: str, code: str, start: Start, log_in: Open) -> None:
    shell = log_in(start({"pools": [{"name": "Pool0"}, {"name": "Pool1"}]}))

    assert shell(line).code == code


def test_creating_answers_with_the_id_and_if_a_rule_demands_it_with_a_full_stop(
    modern: Simulator, log_in: Open
) -> None:
    shell = log_in(modern)

    assert shell("mkvdisk -mdiskgrp Pool0 -size 1").stdout == "Virtual Disk, id [5], successfully created\n"
    modern.control.change("rules", full_stop_after_creation=True)
    assert shell("mkvolume -pool Pool0 -size 1").stdout == "Volume, id [6], successfully created.\n"
    assert [row["name"] for row in shell("lsvdisk -delim !").rows][5:] == ["vdisk5", "volume6"]


STANDARD, DRP = "Pool0", "Drp0"


@pytest.mark.parametrize(
    ("line", "pool", "code"),
    [
        ("mkvdisk -rsize 2% -autoexpand -warning 0% -grainsize 256", STANDARD, ""),
        ("mkvdisk -rsize 2% -compressed", STANDARD, ""),
        ("mkvdisk -autoexpand", STANDARD, "CMMVC5707E"),
        ("mkvdisk -compressed", STANDARD, "CMMVC5707E"),
        ("mkvdisk -rsize 2% -compressed -grainsize 32", STANDARD, "CMMVC5713E"),
        ("mkvdisk -rsize 2% -grainsize 8", STANDARD, "CMMVC6336E"),
        ("mkvdisk -rsize 2% -warning 3", STANDARD, "CMMVC6338E"),
        ("mkvdisk -rsize some", STANDARD, "CMMVC5716E"),
        ("mkvdisk -rsize 101%", STANDARD, "CMMVC5742E"),
        ("mkvdisk", DRP, ""),
        ("mkvdisk -rsize 2% -autoexpand", DRP, ""),
        ("mkvdisk -rsize 2%", DRP, "CMMVC9173E"),
        ("mkvdisk -rsize 2% -autoexpand -warning 0%", DRP, "CMMVC9236E"),
        ("mkvdisk -rsize 2% -autoexpand -grainsize 256", DRP, "CMMVC9235E"),
        ("mkvdisk -rsize 2% -autoexpand -easytier on", DRP, "CMMVC9247E"),
        ("mkvdisk -rsize 2% -autoexpand -cache none", DRP, "CMMVC9176E"),
        ("mkvdisk -vtype seq", DRP, "CMMVC9175E"),
        ("mkvolume -thin -buffersize 5% -warning 70% -noautoexpand -grainsize 64", STANDARD, ""),
        ("mkvolume -thin -compressed", STANDARD, "CMMVC5713E"),
        ("mkvolume -warning 70%", STANDARD, "CMMVC5707E"),
        ("mkvolume -thin -deduplicated", STANDARD, "CMMVC9301E"),
        ("mkvolume -deduplicated", DRP, "CMMVC5707E"),
        ("mkvolume -compressed -deduplicated", DRP, ""),
        ("mkvolume -thin -buffersize 2%", DRP, "CMMVC9250E"),
        ("mkvolume -thin -warning 80%", DRP, "CMMVC9236E"),
        ("mkvolume -thin -noautoexpand", DRP, "CMMVC9177E"),
        ("mkvolume -thin -grainsize 256", DRP, "CMMVC9235E"),
    ],
)
def test_options_of_thin_volumes_depend_on_the_kind_of_pool(
    line: str, pool: str, code: str, start: Start, log_in: Open
) -> None:
    shell = log_in(start({"pools": [{"name": STANDARD}, {"name": DRP, "data_reduction": "yes"}]}))
    where = "-pool" if line.startswith("mkvolume") else "-mdiskgrp"

    assert shell(f"{line} {where} {pool} -size 2").code == code


def test_deduplicated_volumes_exclude_compressed_ones_of_standard_pools_in_an_io_group(
    start: Start, log_in: Open
) -> None:
    shell = log_in(start({"pools": [{"name": STANDARD}, {"name": DRP, "data_reduction": "yes"}]}))
    shell("mkvolume -compressed -pool Pool0 -size 1")

    assert shell("mkvolume -thin -deduplicated -pool Drp0 -size 1").code == "CMMVC9292E"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("", "CMMVC5733E"),
        ("-unitmb", "CMMVC5733E"),
        ("-name a -rate 100", "CMMVC5713E"),
        ("-name a -volumegroup g", "CMMVC5713E"),
        ("-volumegroup g -novolumegroup", "CMMVC5713E"),
        ("-name a -unitmb", "CMMVC5707E"),
        ("-name vol1", "CMMVC6035E"),
        ("-name vol0", ""),
        ("-rate 100 -unitmb", ""),
        ("-rate many", "CMMVC5716E"),
        ("-rate 33554433", "CMMVC8904E"),
        ("-cache readwrite", "CMMVC6570E"),
        ("-cache none", ""),
        ("-warning 80%", "CMMVC6341E"),
        ("-autoexpand on", "CMMVC6341E"),
    ],
)
def test_one_property_of_a_volume_is_changed_by_a_command(
    options: str, code: str, modern: Simulator, log_in: Open
) -> None:
    assert log_in(modern)(f"chvdisk {options} vol0").code == code


def test_several_properties_are_changed_at_once_if_a_rule_permits_it(modern: Simulator, log_in: Open) -> None:
    modern.control.change("rules", one_property_per_chvdisk=False)
    shell = log_in(modern)

    assert shell("chvdisk -name vol1 -udid 7 vol0").code == "CMMVC6035E"
    assert shell("lsvdisk -delim ! vol0").keys["udid"] == "", "a refused command changes nothing"
    assert shell("chvdisk -name a -udid 7 vol0").status == 0
    assert shell("lsvdisk -delim ! a").stdout.splitlines().count("udid!7") == 1


REPLICATED = {"rc_id": "3", "rc_name": "rcrel0"}


@pytest.mark.parametrize(
    ("fields", "line", "code"),
    [
        ({**REPLICATED, "function": "master"}, "rmvdisk vol0", "CMMVC5840E"),
        ({**REPLICATED, "function": "master"}, "rmvolume vol0", "CMMVC8788E"),
        ({**REPLICATED, "function": "master"}, "rmvolume -removercrelationships vol0", ""),
        ({**REPLICATED, "function": "master"}, "expandvdisksize -size 1 vol0", "CMMVC9207E"),
        ({**REPLICATED, "function": "aux"}, "expandvdisksize -size 1 vol0", ""),
        ({**REPLICATED, "function": "master"}, "shrinkvdisksize -size 1 vol0", "CMMVC9206E"),
        ({**REPLICATED, "function": "aux"}, "shrinkvdisksize -size 1 vol0", "CMMVC9209E"),
        ({"rc_change": "yes"}, "rmvolume vol0", "CMMVC8810E"),
        ({"rc_change": "yes"}, "mkvdiskhostmap -host a vol0", "CMMVC7168E"),
        ({"replication_mode": "production"}, "rmvdisk -force vol0", "CMMVC9833E"),
        ({"replication_mode": "production"}, "rmvolume vol0", ""),
        ({"replication_mode": "production"}, "expandvdisksize -size 1 vol0", ""),
        ({"replication_mode": "recovery"}, "rmvolume vol0", "CMMVC9825E"),
        ({"replication_mode": "recovery"}, "expandvdisksize -size 1 vol0", "CMMVC9825E"),
    ],
)
def test_replication_forbids_removing_and_resizing(
    fields: dict[str, str], line: str, code: str, start: Start, log_in: Open
) -> None:
    shell = log_in(start({"volumes": [{"name": "vol0", "pool": "Pool0", **fields}], "hosts": [{"name": "a"}]}))
    row = shell("lsvdisk -delim !").rows[0]

    assert [row[key] for key in ("RC_id", "RC_name", "function", "replication_mode", "RC_change")] == [
        fields.get(key, "no" if key == "rc_change" else "")
        for key in ("rc_id", "rc_name", "function", "replication_mode", "rc_change")
    ]
    assert shell(line).code == code


@pytest.mark.parametrize(
    ("line", "code"), [("rmvdisk vol0", "CMMVC9833E"), ("expandvdisksize -size 1 vol0", "CMMVC9205E")]
)
def test_a_hyperswap_volume_has_commands_of_its_own(line: str, code: str, start: Start, log_in: Open) -> None:
    volume = {"name": "vol0", "pool": "Pool0", "function": "master", **REPLICATED}

    assert log_in(start({"system": {"topology": "hyperswap"}, "volumes": [volume]}))(line).code == code


def test_removing_a_mapped_or_missing_volume_is_refused_with_configurable_codes(
    modern: Simulator, log_in: Open
) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a vol0")
    before = [shell(line).code for line in ("rmvdisk vol0", "rmvolume nope", "rmvdisk nope")]
    modern.control.change("rules", mapped_volume_code="CMMVC8698E", rmvolume_gone_code="CMMVC5753E")
    after = [shell(line).code for line in ("rmvdisk vol0", "rmvolume nope", "rmvdisk nope")]

    assert before == ["CMMVC5840E", "CMMVC8957E", "CMMVC5753E"]
    assert after == ["CMMVC8698E", "CMMVC5753E", "CMMVC5753E"]
    assert shell("rmvdisk -removehostmappings vol0").status == 0


def test_a_volume_of_a_data_reduction_pool_lingers_hidden_while_it_is_deleted_if_a_rule_demands_it(
    start: Start, log_in: Open
) -> None:
    volumes = [{"name": name, "pool": "Pool0", "capacity": 1 << 30} for name in ("data", "other")]
    simulator = start(
        {
            "pools": [{"name": "Pool0", "data_reduction": "yes"}],
            "volumes": volumes,
            "rules": {"drp_deletion_lingers": True},
        }
    )
    shell = log_in(simulator)
    shell("chvdisk -rate 100 data")
    assert shell("rmvolume data").status == 0

    assert [row["name"] for row in shell("lsvdisk -delim !").rows] == ["other"]
    assert [row["status"] for row in shell("lsvdisk -showhidden -delim !").rows] == ["deleting", "online"]
    assert shell("lsvdisk -delim ! data").stdout.splitlines()[4] == "status!deleting"
    for line in ("rmvolume data", "rmvdisk data", "expandvdisksize -size 1 data", "chvdisk -name a data"):
        assert shell(line).code == "CMMVC8697E"
    assert shell("mkvolume -name data -pool Pool0 -size 1").code == "CMMVC6035E"
    assert shell("lsmdiskgrp -bytes -delim !").rows[0]["reclaimable_capacity"] == str(1 << 30)
    assert shell("lsthrottle").stdout == ""
    simulator.control.change("rules", drp_deletion_lingers=False)
    assert shell("mkvolume -name data -pool Pool0 -size 1").stdout == "Volume, id [0], successfully created\n"


def test_a_mirrored_volume_has_two_copies(start: Start, log_in: Open) -> None:
    simulator = start({"pools": [{"name": "Pool0"}, {"name": "Pool1"}], "volumes": []})
    shell = log_in(simulator)
    shell("mkvdisk -name a -copies 2 -mdiskgrp Pool0:Pool1 -size 1 -unit gb")
    shell("mkvolume -name b -thin -pool Pool0:Pool1 -size 1 -unit gb")

    volume, *copies = shell("lsvdisk -delim ! a").stdout.split("\n\n")
    assert "mdisk_grp_name!many\n" in volume
    assert "copy_count!2\n" in volume
    assert [copy.splitlines()[0] for copy in copies] == ["copy_id!0", "copy_id!1"]
    assert [row["se_copy_count"] for row in shell("lsvdisk -delim !").rows] == ["0", "2"]
    assert [(row["mdisk_grp_name"], row["primary"]) for row in shell("lsvdiskcopy -delim ! a").rows] == [
        ("Pool0", "yes"),
        ("Pool1", "no"),
    ]
    assert shell("lsvdiskcopy -delim ! -copy 1 a").keys["mdisk_grp_name"] == "Pool1"
    simulator.control.change("pool", "Pool1", status="offline", name="Pool2")
    assert [row["status"] for row in shell("lsvdisk -delim !").rows] == ["degraded", "degraded"]


def test_io_groups_with_access_are_added_and_removed_with_the_mappings_through_them(start: Start, log_in: Open) -> None:
    hosts = [{"name": "near"}, {"name": "far", "io_groups": [1]}]
    shell = log_in(start({"hosts": hosts, "volumes": [{"name": name, "pool": "Pool0"} for name in ("a", "b")]}))

    def groups() -> list[str]:
        return [row["IO_group_id"] for row in shell("lsvdiskaccess -delim ! a").rows]

    assert shell("addvdiskaccess -iogrp 0:1 a").status == 0
    assert shell("addvdiskaccess -iogrp 1 a").status == 0
    assert groups() == ["0", "1"]
    shell("mkvdiskhostmap -host far -scsi 4 a")
    shell("mkvdiskhostmap -host near -force -scsi 4 a")
    assert shell("addvdiskaccess -iogrp 2 a").code == "CMMVC8997E"
    assert shell("rmvdiskaccess -iogrp 0 a").code == "CMMVC9409E"
    assert shell("rmvdiskaccess -iogrp 0:1 a").code == "CMMVC7204E"
    assert shell("rmvdiskaccess -iogrp 1:3 a").status == 0
    assert groups() == ["0"]
    assert [row["host_name"] for row in shell("lsvdiskhostmap -delim ! a").rows] == ["near"]


def test_an_io_group_in_which_the_lun_of_a_mapping_is_taken_is_not_added(start: Start, log_in: Open) -> None:
    volumes = [{"name": "a", "pool": "Pool0"}, {"name": "b", "pool": "Pool0", "io_group": 1}]
    mappings = [{"host": "h", "volume": volume, "lun": 0} for volume in ("a", "b")]
    shell = log_in(start({"hosts": [{"name": "h"}], "volumes": volumes, "mappings": mappings}))

    assert shell("addvdiskaccess -iogrp 1 a").code == "CMMVC9402E"


def test_the_details_of_a_volume_show_the_time_of_its_last_access(start: Start, log_in: Open) -> None:
    volume = {"name": "a", "pool": "Pool0", "last_access_time": "261130203852"}

    assert log_in(start({"volumes": [volume]}))("lsvdisk -delim ! a").keys["last_access_time"] == "261130203852"


@pytest.mark.parametrize(
    ("condition", "unit", "names"),
    [
        ("capacity=4", "gb", ["vol1"]),
        ("capacity=4294967296", "b", ["vol1"]),
        ("capacity>16", "gb", ["vol3", "vol4"]),
    ],
)
def test_a_filter_by_capacity_has_a_unit(
    condition: str, unit: str, names: list[str], modern: Simulator, log_in: Open
) -> None:
    shell = log_in(modern)

    rows = shell(f"lsvdisk -delim ! -filtervalue '{condition}' -unit {unit}").rows
    assert [row["name"] for row in rows] == names
    assert shell("lsvdisk -filtervalue capacity=4 -unit miles").code == "CMMVC5706E"


def test_a_volume_shows_a_protocol_while_it_is_mapped(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    before = shell("lsvdisk -delim ! -filtervalue name=vol0").rows[0]["protocol"]
    shell("mkvdiskhostmap -host a vol0")

    assert (before, shell("lsvdisk -delim ! -filtervalue name=vol0").rows[0]["protocol"]) == ("", "scsi")
