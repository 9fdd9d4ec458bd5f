"""FlashCopy maps and consistency groups go through their states, and refuse what an array refuses."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

GIB = 1 << 30


@pytest.fixture
def sim(start: Start) -> Simulator:
    """An array with volumes a to e of one size, one that is larger, and maps that do not complete by themselves."""
    small = [{"name": name, "capacity": GIB, "pool": "Pool0"} for name in "abcde"]
    return start({"volumes": [*small, {"name": "large", "capacity": 2 * GIB, "pool": "Pool0"}]})


@pytest.fixture
def shell(sim: Simulator, log_in: Open) -> Shell:
    return log_in(sim)


def do(shell: Shell, *lines: str) -> None:
    """Run commands that must succeed."""
    for line in lines:
        printed = shell(line)
        assert (printed.status, printed.stderr) == (0, ""), line


def fcmap(shell: Shell, name: str = "m") -> dict[str, str]:
    return shell(f"lsfcmap -delim ! {name}").keys


def status(shell: Shell, volume: str) -> str:
    return shell(f"lsvdisk -delim ! -filtervalue name={volume}").rows[0]["status"]


def test_a_map_is_created_prepared_started_and_complete(sim: Simulator, shell: Shell) -> None:
    sim.control.change("system", clock="251127004706")
    assert shell("mkfcmap -source a -target b -name m").stdout == "FlashCopy Mapping, id [0], successfully created\n"
    states = [fcmap(shell)["status"]]
    for line in ("prestartfcmap m", "startfcmap m"):
        do(shell, line)
        states.append(fcmap(shell)["status"])
    sim.control.change("flashcopy_map", "m", progress=40)
    assert shell("lsfcmapprogress -delim ! m").rows == [{"id": "0", "progress": "40"}]
    sim.control.change("flashcopy_map", "m", progress=100)
    states.append(fcmap(shell)["status"])

    assert states == ["idle_or_copied", "prepared", "copying", "idle_or_copied"]
    assert (fcmap(shell)["progress"], fcmap(shell)["start_time"]) == ("100", "251127004706")
    assert status(shell, "b") == "online"


def test_a_map_completes_at_once_where_the_rule_is_set_and_it_has_a_copy_rate(sim: Simulator, shell: Shell) -> None:
    sim.control.change("rules", copies_complete_at_once=True)
    do(shell, "mkfcmap -source a -target b -name copy", "mkfcmap -source a -target c -copyrate 0 -name snap")
    do(shell, "startfcmap -prep copy", "startfcmap -prep snap")

    assert (fcmap(shell, "copy")["status"], fcmap(shell, "copy")["progress"]) == ("idle_or_copied", "100")
    assert (fcmap(shell, "snap")["status"], fcmap(shell, "snap")["progress"]) == ("copying", "0")


def test_a_map_that_is_stopped_early_leaves_its_target_offline_until_it_is_removed(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "startfcmap -prep m", "stopfcmap m")
    assert (fcmap(shell)["status"], status(shell, "b"), status(shell, "a")) == ("stopped", "offline", "online")
    assert shell("stopfcmap m").code == "CMMVC5912E"
    assert shell("startfcmap m").code == "CMMVC5908E"
    assert shell("rmfcmap m").code == "CMMVC5899E"
    do(shell, "rmfcmap -force m")

    assert status(shell, "b") == "online"
    assert shell("rmfcmap m").code == "CMMVC5889E"


def test_a_target_is_online_when_its_map_is_prepared_again(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "startfcmap -prep m", "stopfcmap m", "prestartfcmap m")

    assert status(shell, "b") == "online"


def test_a_map_with_autodelete_deletes_itself_when_it_is_complete(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m -autodelete", "startfcmap -prep m")
    sim.control.change("flashcopy_map", "m", progress=100)

    assert shell("lsfcmap").stdout == ""


def test_autodelete_that_is_switched_on_later_takes_effect_at_once(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "startfcmap -prep m")
    sim.control.change("flashcopy_map", "m", progress=100)
    do(shell, "chfcmap -autodelete on m")

    assert shell("lsfcmap m").code == "CMMVC5754E"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param("-source a -target large", "CMMVC5924E", id="sizes differ"),
        pytest.param("-source a -target b", "CMMVC6466E", id="the same map exists"),
        pytest.param("-source c -target b", "CMMVC6467E", id="the target is a target"),
        pytest.param("-source a -target a", "CMMVC6303E", id="source and target are the same"),
        pytest.param("-source x -target a", "CMMVC6304E", id="no such source"),
        pytest.param("-source c -target x", "CMMVC6305E", id="no such target"),
        pytest.param("-source c -target d -name m", "CMMVC6035E", id="the name is taken"),
        pytest.param("-source c -target d -consistgrp x", "CMMVC6301E", id="no such consistency group"),
        pytest.param("-source c -target d -copyrate 151", "CMMVC5742E", id="the copy rate is out of range"),
        pytest.param("-source c -target d -copyrate x", "CMMVC5716E", id="the copy rate is not a number"),
        pytest.param("-source c -target d -grainsize 128", "CMMVC5706E", id="no such grain size"),
        pytest.param("-source c", "CMMVC5707E", id="no target"),
    ],
)
def test_an_impossible_map_is_refused(options: str, code: str, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m")

    assert shell(f"mkfcmap {options}").code == code


STATES = ("idle_or_copied", "preparing", "prepared", "copying", "stopping", "stopped", "suspended")
CODES = {
    "prestartfcmap": ("", "CMMVC5901E", "CMMVC5902E", "CMMVC5903E", "CMMVC9013E", "", "CMMVC5904E"),
    "startfcmap": ("CMMVC5905E", "CMMVC5906E", "", "CMMVC5907E", "CMMVC9016E", "CMMVC5908E", "CMMVC5909E"),
    "startfcmap -prep": ("", "CMMVC5906E", "CMMVC5902E", "CMMVC5907E", "CMMVC9016E", "", "CMMVC5909E"),
    "stopfcmap": ("", "CMMVC5911E", "", "", "", "CMMVC5912E", ""),
    "rmfcmap": ("", "CMMVC5896E", "CMMVC5897E", "CMMVC5898E", "CMMVC9015E", "CMMVC5899E", "CMMVC5900E"),
    "chfcmap -consistgrp g": ("", "CMMVC5913E", "CMMVC5914E", "CMMVC5915E", "CMMVC9014E", "", "CMMVC5916E"),
}


@pytest.mark.parametrize(
    ("line", "state", "code"),
    [
        pytest.param(line, state, code, id=f"{line} while {state}")
        for line, codes in CODES.items()
        for state, code in zip(STATES, codes, strict=True)
    ],
)
def test_each_state_refuses_with_its_own_code(line: str, state: str, code: str, sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "mkfcconsistgrp -name g")
    sim.control.change("flashcopy_map", "m", status=state, progress=10)
    before = sim.control.state()

    assert shell(f"{line} m").code == code
    assert (sim.control.state() == before) == bool(code or (line, state) == ("stopfcmap", "idle_or_copied"))


def test_a_map_can_stay_preparing_and_is_then_not_started(sim: Simulator, shell: Shell) -> None:
    sim.control.change("rules", slow_prepare=True)
    do(shell, "mkfcmap -source a -target b -name m")
    assert shell("startfcmap -prep m").code == "CMMVC8984E"
    assert fcmap(shell)["status"] == "preparing"
    sim.control.change("flashcopy_map", "m", status="prepared")

    do(shell, "startfcmap m")
    assert fcmap(shell)["status"] == "copying"


def test_a_map_of_volumes_that_differ_in_size_is_not_started(shell: Shell) -> None:
    do(shell, "mkfcconsistgrp -name g", "mkfcmap -source a -target b -name m", "expandvdisksize -size 1 a")
    assert shell("startfcmap -prep m").code == "CMMVC9663E"
    do(shell, "chfcmap -consistgrp g m")
    assert shell("startfcconsistgrp -prep g").code == "CMMVC9664E"
    do(shell, "expandvdisksize -size 1 b", "startfcconsistgrp -prep g")


def test_an_incremental_source_may_not_grow_above_its_target(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m -incremental")

    assert shell("expandvdisksize -size 1 a").code == "CMMVC9658E"
    do(shell, "expandvdisksize -size 1 b", "expandvdisksize -size 1 a")


def test_volumes_of_a_map_are_shrunk_only_where_the_copy_permits_it(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "startfcmap -prep m")

    assert shell("shrinkvdisksize -size 1 b").code == "CMMVC9684E"
    assert shell("shrinkvdisksize -size 1 a").code == "CMMVC9685E"
    do(shell, "expandvdisksize -size 2 a", "shrinkvdisksize -size 1 a", "stopfcmap m", "shrinkvdisksize -size 2 a")


def test_a_target_with_recent_io_is_protected(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m")
    sim.control.change("volume", "b", recent_io=True)

    assert shell("startfcmap -prep m").code == "CMMVC9406E"


def test_a_map_depends_on_the_map_that_fills_its_source(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name first", "mkfcmap -source b -target c -name second")
    do(shell, "startfcmap -prep first", "startfcmap -prep second")
    assert fcmap(shell, "first")["dependent_mappings"] == "1"
    assert shell("stopfcmap first").code == "CMMVC9055E"
    assert shell("stopfcmap -split first").code == "CMMVC6469E"
    sim.control.change("flashcopy_map", "first", progress=100)
    assert fcmap(shell, "first")["status"] == "copying"
    do(shell, "stopfcmap first")
    assert (fcmap(shell, "first")["status"], status(shell, "b")) == ("stopping", "online")
    sim.control.change("flashcopy_map", "second", progress=100)

    assert [row["status"] for row in shell("lsfcmap -delim !").rows] == ["idle_or_copied", "idle_or_copied"]


def test_force_stops_the_maps_that_depend_on_the_target_too(shell: Shell) -> None:
    for number, (source, target) in enumerate((("a", "b"), ("b", "c"), ("c", "d"))):
        do(shell, f"mkfcmap -source {source} -target {target} -name m{number}", f"startfcmap -prep m{number}")
    do(shell, "stopfcmap -force m0")

    assert [status(shell, volume) for volume in "abcd"] == ["online", "offline", "offline", "offline"]


def test_the_source_of_an_active_map_is_overwritten_with_restore_only(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "mkfcmap -source b -target a -name back")
    do(shell, "startfcmap -prep m")
    assert fcmap(shell)["partner_FC_name"] == "back"
    assert shell("prestartfcmap back").code == "CMMVC6468E"
    do(shell, "startfcmap -prep -restore back")

    assert fcmap(shell, "back")["restoring"] == "yes"


def test_a_map_in_a_group_is_worked_with_through_the_group(sim: Simulator, shell: Shell) -> None:
    assert shell("mkfcconsistgrp").stdout == "FlashCopy Consistency Group, id [1], successfully created\n"
    do(shell, "chfcconsistgrp -name g fccstgrp1", "mkfcmap -source a -target b -name m -consistgrp g")
    do(shell, "mkfcmap -source a -target c -name n", "chfcmap -consistgrp g n")
    for verb in ("prestartfcmap", "startfcmap", "stopfcmap"):
        assert shell(f"{verb} m").code == "CMMVC6030E"
    do(shell, "prestartfcconsistgrp g", "startfcconsistgrp g")
    sim.control.change("flashcopy_map", "n", progress=100)

    assert [row["status"] for row in shell("lsfcmap -delim ! -filtervalue group_name=g").rows] == [
        "copying",
        "idle_or_copied",
    ]
    assert shell("lsfcconsistgrp -delim !").rows[0]["status"] == "copying"
    assert (
        "FC_mapping_id!0\nFC_mapping_name!m\nFC_mapping_id!1\nFC_mapping_name!n\n"
        in shell("lsfcconsistgrp -delim ! g").stdout
    )
    do(shell, "stopfcconsistgrp g")
    assert [status(shell, volume) for volume in "bc"] == ["offline", "online"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("prestartfcconsistgrp 0", "CMMVC6502E", id="group 0 is not prepared"),
        pytest.param("startfcconsistgrp 0", "CMMVC5890E", id="group 0 is not started"),
        pytest.param("stopfcconsistgrp 0", "CMMVC6503E", id="group 0 is not stopped"),
        pytest.param("rmfcconsistgrp 0", "CMMVC5894E", id="group 0 is not removed"),
        pytest.param("startfcconsistgrp empty", "CMMVC6031E", id="a group without maps is not started"),
        pytest.param("stopfcconsistgrp empty", "CMMVC5990E", id="a group without maps is not stopped"),
        pytest.param("rmfcconsistgrp g", "CMMVC5895E", id="a group with maps is not removed"),
        pytest.param("mkfcconsistgrp -name g", "CMMVC5892E", id="the name of a group is taken"),
        pytest.param("mkfcconsistgrp -name sixteen_letters_", "CMMVC5738E", id="the name of a group is too long"),
        pytest.param("chfcconsistgrp g", "CMMVC5733E", id="a change needs an option"),
        pytest.param("mkfcmap -source b -target c -consistgrp g", "CMMVC6311E", id="no cascade in a group, source"),
        pytest.param("mkfcmap -source c -target a -consistgrp g", "CMMVC6312E", id="no cascade in a group, target"),
        pytest.param("chfcmap -consistgrp x m", "CMMVC6301E", id="no such group"),
        pytest.param("chfcmap -name a -copyrate 0 m", "CMMVC5713E", id="a name is changed alone"),
        pytest.param("chfcmap -autodelete maybe m", "CMMVC5706E", id="autodelete is on or off"),
        pytest.param("chfcmap -copyrate 0 x", "CMMVC6310E", id="no such map"),
        pytest.param("lsfcconsistgrp -filtervalue name=g g", "CMMVC5709E", id="an object takes no filter"),
    ],
)
def test_groups_refuse_with_their_own_codes(line: str, code: str, shell: Shell) -> None:
    do(
        shell,
        "mkfcconsistgrp -name g",
        "mkfcconsistgrp -name empty",
        "mkfcmap -source a -target b -consistgrp g -name m",
    )

    assert shell(line).code == code


def test_a_group_that_is_not_idle_takes_no_map(shell: Shell) -> None:
    do(shell, "mkfcconsistgrp -name g", "mkfcmap -source a -target b -consistgrp g", "startfcconsistgrp -prep g")
    do(shell, "mkfcmap -source a -target c -name m")

    assert shell("chfcmap -consistgrp g m").code == "CMMVC5921E"
    assert shell("mkfcmap -source a -target d -consistgrp g").code == "CMMVC5920E"


def test_a_removed_group_leaves_its_maps_and_a_group_with_autodelete_goes_with_them(shell: Shell) -> None:
    do(shell, "mkfcconsistgrp -name g", "mkfcmap -source a -target b -consistgrp g -name m", "rmfcconsistgrp -force g")
    assert fcmap(shell)["group_name"] == ""
    do(shell, "mkfcconsistgrp -name h -autodelete", "chfcmap -consistgrp h m", "rmfcmap m")

    assert shell("lsfcconsistgrp").stdout == ""


def test_a_volume_shows_its_maps(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "mkfcmap -source a -target c -name n", "chfcmap -name o n")
    rows = {row["name"]: row for row in shell("lsvdisk -delim !").rows}

    assert [(rows[name]["FC_id"], rows[name]["FC_name"], rows[name]["fc_map_count"]) for name in "abcd"] == [
        ("many", "many", "2"),
        ("0", "m", "1"),
        ("1", "o", "1"),
        ("", "", "0"),
    ]
    for line in ("lsvdiskfcmappings -delim ! a", "lsvdiskfcmappings -delim ! -vdisk a"):
        assert shell(line).rows == [{"id": "0", "name": "m"}, {"id": "1", "name": "o"}]


def test_a_renamed_volume_keeps_its_maps(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "chvdisk -name z a")
    sim.control.change("volume", "b", name="y")

    assert (fcmap(shell)["source_vdisk_name"], fcmap(shell)["target_vdisk_name"]) == ("z", "y")
    assert sim.control.replace(sim.control.state()) == sim.control.state()


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_volume_in_a_map_is_removed_with_an_option_only(name: str, shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m")
    assert shell(f"rmvdisk {name}").code == "CMMVC5840E"
    assert shell(f"rmvolume {name}").code == "CMMVC8789E"
    assert shell(f"rmvolume -removehostmappings {name}").code == "CMMVC8789E"
    do(shell, f"rmvolume -removefcmaps {name}")

    assert shell("lsfcmap").stdout == ""


def test_flashcopy_maps_of_missing_objects_are_refused(shell: Shell) -> None:
    assert shell("lsvdiskfcmappings -vdisk nope").code == "CMMVC5754E"
    assert shell("lsvdiskfcmappings").code == "CMMVC5701E"
    assert shell("lsfcmap 7").code == "CMMVC5754E"
    assert shell("lsfcmap -filtervalue colour=red").code == "CMMVC5741E"
    assert shell("startfcmap 7").code == "CMMVC5753E"
    assert [shell(line).stdout for line in ("lsfcmap", "lsfcconsistgrp", "lsvdiskfcmappings a")] == ["", "", ""]


def test_a_legacy_array_has_no_copies(legacy: Simulator, log_in: Open) -> None:
    shell = log_in(legacy)

    for line in ("svctask mkfcmap -source vol0 -target vol1", "svcinfo lsfcmap", "svctask addsnapshot -volumes vol0"):
        assert shell(line).status == 127
