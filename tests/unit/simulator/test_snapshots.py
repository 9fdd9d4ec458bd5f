"""Snapshots, clones and volume groups: identity, states, refusals, and what depends on what."""

import re

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

GIB = 1 << 30
NOW = "251127004706"


@pytest.fixture
def sim(start: Start) -> Simulator:
    """An array of release 8.7 with the volumes a, b and c, volume group g, a child pool, and a clock that stands."""
    return start(
        {
            "release": "8.7.0.0",
            "system": {"clock": NOW},
            "pools": [
                {"name": "Pool0"},
                {"name": "Child", "parent": "Pool0"},
                {"name": "Other"},
                {"name": "Full", "capacity": GIB - 1},
            ],
            "volumes": [{"name": name, "capacity": GIB, "pool": "Pool0"} for name in "abc"],
            "volume_groups": [{"name": "g"}],
        }
    )


@pytest.fixture
def shell(sim: Simulator, log_in: Open) -> Shell:
    return log_in(sim)


def do(shell: Shell, *lines: str) -> None:
    """Run commands that must succeed."""
    for line in lines:
        printed = shell(line)
        assert (printed.status, printed.stderr) == (0, ""), line


def volume(shell: Shell, name: str) -> dict[str, str]:
    return shell(f"lsvdisk -bytes -delim ! -filtervalue name={name}").rows[0]


def snapshots(shell: Shell, options: str = "") -> list[dict[str, str]]:
    return shell(f"lsvolumegroupsnapshot -delim ! {options}").rows if shell("lsvolumegroupsnapshot").stdout else []


def test_the_two_views_of_a_snapshot_write_its_state_differently(shell: Shell) -> None:
    answer = shell("addsnapshot -volumes a:b -name s").stdout

    assert answer == "Snapshot, id [0], successfully created or triggered\n"
    [row] = snapshots(shell)
    assert (row["name"], row["state"], row["time"], row["matches_group"]) == ("s", "active", NOW, "no")
    assert (row["volume_group_id"], row["protection_provisioned_capacity"]) == ("", "2.00GB")
    rows = shell("lsvolumesnapshot -delim ! -filtervalue snapshot_name=s").rows
    assert [(row["volume_name"], row["state"], row["snapshot_id"]) for row in rows] == [
        ("a", "Active", "0"),
        ("b", "Active", "0"),
    ]
    assert {row["parent_uid"] for row in [*rows, row]} == {row["parent_uid"]}
    assert volume(shell, "a")["snapshot_count"] == "1"


def test_a_snapshot_of_a_group_is_of_its_members_at_that_time(shell: Shell) -> None:
    do(shell, "chvdisk -volumegroup g a", "chvdisk -volumegroup g b", "addsnapshot -volumegroup g")
    assert (snapshots(shell)[0]["name"], snapshots(shell)[0]["matches_group"]) == ("snapshot0", "yes")
    assert snapshots(shell)[0]["parent_uid"] == shell("lsvolumegroup -delim ! g").keys["uid"]
    do(shell, "chvdisk -novolumegroup b")

    assert snapshots(shell)[0]["matches_group"] == "no"
    assert [row["volume_name"] for row in shell("lsvolumesnapshot -delim !").rows] == ["a", "b"]
    assert shell("lsvolumegroup -delim !").rows[0]["snapshot_count"] == "1"


def test_a_name_is_unique_within_its_parent_only(shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a -name s", "addsnapshot -volumes b -name s", "addsnapshot -volumes b:a -name s")

    assert shell("addsnapshot -volumes a -name s").code == "CMMVC6035E"
    assert shell("addsnapshot -volumes a:b -name s").code == "CMMVC6035E"
    assert len({row["parent_uid"] for row in snapshots(shell)}) == 3


def test_an_id_is_used_again_and_a_parent_uid_is_not(shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a -name first", "addsnapshot -volumes b -name second")
    before = snapshots(shell)
    do(shell, "rmsnapshot -snapshotid 0", "addsnapshot -volumes c -name third")

    after = {row["name"]: row for row in snapshots(shell)}
    assert after["third"]["id"] == "0"
    assert after["third"]["parent_uid"] not in {row["parent_uid"] for row in before}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param("-volumes a:x", "CMMVC5754E", id="no such volume"),
        pytest.param("-volumes a:a", "CMMVC9856E", id="a volume twice"),
        pytest.param("-volumes a:0", "CMMVC9856E", id="a volume by name and by id"),
        pytest.param("-volumes zero", "CMMVC9889E", id="a volume of size 0"),
        pytest.param("-volumes internal", "CMMVC9855E", id="a volume that cannot be in a snapshot"),
        pytest.param("-volumes source", "CMMVC9757E", id="the source of a FlashCopy map"),
        pytest.param("-volumes target -ignorelegacy", "CMMVC9758E", id="the target of a FlashCopy map"),
        pytest.param("-volumes down", "CMMVC9768E", id="a volume that is offline"),
        pytest.param("-volumes a -pool Other", "CMMVC9760E", id="a pool that is no child pool"),
        pytest.param("-volumes a -pool x", "CMMVC5754E", id="no such pool"),
        pytest.param("-volumes tight", "CMMVC8710E", id="a pool without space"),
        pytest.param("-volumegroup g", "CMMVC9763E", id="a volume group without volumes"),
        pytest.param("-volumegroup x", "CMMVC9808E", id="no such volume group"),
        pytest.param("-volumes a -name 1", "CMMVC6527E", id="a name that is not valid"),
        pytest.param("-name s", "CMMVC5707E", id="neither volumes nor group"),
        pytest.param("-volumes a -volumegroup g", "CMMVC5713E", id="volumes and group"),
    ],
)
def test_an_impossible_snapshot_is_refused(options: str, code: str, sim: Simulator, shell: Shell) -> None:
    state = sim.control.state()
    sim.control.replace(
        {
            **state,
            "volumes": [
                *state["volumes"],
                {"id": 10, "name": "zero", "capacity": 0, "pool": "Pool0"},
                {"id": 11, "name": "internal", "pool": "Pool0", "may_have_snapshots": False},
                {"id": 12, "name": "source", "pool": "Pool0"},
                {"id": 13, "name": "target", "pool": "Pool0"},
                {"id": 14, "name": "down", "pool": "Pool0", "status": "offline"},
                {"id": 15, "name": "tight", "pool": "Full", "capacity": GIB - 1},
            ],
            "flashcopy_maps": [{"id": 0, "name": "m", "source": "source", "target": "target"}],
        }
    )
    before = sim.control.state()

    assert shell(f"addsnapshot {options}").code == code
    assert sim.control.state() == before


def test_a_source_of_a_map_has_snapshots_if_that_is_ignored_and_is_then_not_started(shell: Shell) -> None:
    do(shell, "mkfcmap -source a -target b -name m", "addsnapshot -volumes a -ignorelegacy")

    assert shell("startfcmap -prep m").code == "CMMVC9862E"
    assert shell("mkfcmap -source a -target c").code == "CMMVC9860E"
    assert shell("mkfcmap -source c -target a").code == "CMMVC9861E"


@pytest.mark.parametrize("pool", ["Child", "Pool0"])
def test_a_snapshot_may_be_in_a_child_pool(pool: str, shell: Shell) -> None:
    do(shell, f"addsnapshot -volumes a -pool {pool}")

    assert shell("lsvolumesnapshot -showhidden -delim !").rows[0]["pool_1_name"] == pool


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param("-snapshotid 7", "CMMVC9755E", id="no such id"),
        pytest.param("-snapshotid s", "CMMVC9755E", id="a name is no id"),
        pytest.param("-snapshot s", "CMMVC5707E", id="a name needs a parent"),
        pytest.param("-snapshot x -volumegroup g", "CMMVC9755E", id="no such name in the group"),
        pytest.param("-snapshot s -volumegroup x", "CMMVC9808E", id="no such group"),
        pytest.param("-snapshot s -parentuid 77", "CMMVC9755E", id="no such parent"),
        pytest.param("-snapshotid 0 -volumegroup g", "CMMVC5713E", id="an id and a parent"),
        pytest.param("-snapshotid 0 -snapshot s", "CMMVC5713E", id="an id and a name"),
        pytest.param("-snapshot s -volumegroup g -parentuid 0", "CMMVC5713E", id="two parents"),
        pytest.param("-volumegroup g", "CMMVC5707E", id="a parent without a name"),
        pytest.param("", "CMMVC5707E", id="nothing"),
    ],
)
def test_a_snapshot_that_is_not_there_is_not_removed(options: str, code: str, shell: Shell) -> None:
    do(shell, "chvdisk -volumegroup g a", "addsnapshot -volumegroup g -name s")

    assert shell(f"rmsnapshot {options}").code == code
    assert len(snapshots(shell)) == 1


@pytest.mark.parametrize("options", ["-snapshotid 0", "-snapshot s -volumegroup g", "-snapshot s -parentuid {uid}"])
def test_a_snapshot_is_removed_by_its_id_or_by_its_name_and_parent(options: str, shell: Shell) -> None:
    do(shell, "chvdisk -volumegroup g a", "addsnapshot -volumegroup g -name s", "addsnapshot -volumes a -name s")
    do(shell, f"rmsnapshot {options.format(uid=snapshots(shell)[0]['parent_uid'])}")

    assert [row["id"] for row in snapshots(shell)] == ["1"]


def test_a_renamed_snapshot_keeps_its_id(shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a -name s", "addsnapshot -volumes a -name t")
    assert shell("chsnapshot -snapshotid 0 -name t").code == "CMMVC6035E"
    do(shell, "chsnapshot -snapshotid 0 -name u", "chsnapshot -snapshotid 0 -name u")

    assert shell("lsvolumegroupsnapshot -delim ! 0").keys["name"] == "u"
    assert shell("lsvolumesnapshot -delim ! 0").keys["snapshot_name"] == "u"
    assert shell("lsvolumesnapshot 7").code == shell("lsvolumegroupsnapshot 7").code == "CMMVC9755E"


CLONE = "mkvolume -type clone -pool Pool0 -fromsnapshotid 0 -fromsourcevolume a"


def test_a_clone_is_another_volume_and_is_filled_in_the_background(sim: Simulator, shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a -name s")
    assert shell(CLONE).stdout == "Volume, id [3], successfully created\n"
    made = volume(shell, "a-3")
    assert (made["capacity"], made["volume_type"]) == (str(GIB), "clone")
    assert made["vdisk_UID"] not in {volume(shell, name)["vdisk_UID"] for name in "abc"}
    [row] = shell("lsvolumepopulation -delim !").rows
    assert (row["volume_name"], row["type"], row["source_volume_name"], row["source_snapshot"]) == (
        "a-3",
        "clone",
        "a",
        "s",
    )
    assert (row["start_time"], row["data_to_move"]) == (NOW, "1.00GB")
    assert shell("expandvdisksize -size 1 a-3").code == "CMMVC9661E"
    assert shell("mkfcmap -source a-3 -target b").code == "CMMVC9863E"
    sim.control.change("volume", "a-3", data_to_move=0)

    assert volume(shell, "a-3")["volume_type"] == ""
    assert shell("lsvolumepopulation").stdout == ""
    do(shell, "expandvdisksize -size 1 a-3")


def test_a_clone_is_complete_at_once_where_the_rule_is_set(sim: Simulator, shell: Shell) -> None:
    sim.control.change("rules", copies_complete_at_once=True, finished_clone_type="clone")
    do(shell, "addsnapshot -volumes a", f"{CLONE} -name mine", f"{CLONE} -name thin".replace("clone", "thinclone", 1))

    assert (volume(shell, "mine")["volume_type"], volume(shell, "thin")["volume_type"]) == ("clone", "thinclone")
    [row] = shell("lsvolumepopulation -delim !").rows
    assert (row["volume_name"], row["type"]) == ("thin", "thin-clone")


def test_a_snapshot_stays_until_the_clone_that_it_fills_is_complete(sim: Simulator, shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a -name s", f"{CLONE} -name mine", "rmsnapshot -snapshotid 0")
    assert (shell("lsvolumegroupsnapshot").stdout, shell("lsvolumesnapshot").stdout) == ("", "")
    assert shell("lsvolumegroupsnapshot -showhidden -delim !").rows[0]["state"] == "dependent_deleting"
    assert shell(CLONE).code == "CMMVC9837E"
    assert shell("addsnapshot -volumes b").stdout == "Snapshot, id [1], successfully created or triggered\n"
    sim.control.change("volume", "mine", data_to_move=0)

    assert [row["id"] for row in shell("lsvolumegroupsnapshot -showhidden -delim !").rows] == ["1"]
    assert shell("addsnapshot -volumes b").stdout == "Snapshot, id [0], successfully created or triggered\n"


def test_a_snapshot_stays_as_long_as_a_thin_clone_depends_on_it(shell: Shell) -> None:
    do(
        shell,
        "addsnapshot -volumes a",
        f"{CLONE} -name thin".replace("clone", "thinclone", 1),
        "rmsnapshot -snapshotid 0",
    )
    assert shell("lsvolumesnapshot -showhidden -delim !").rows[0]["state"] == "Deleting"
    do(shell, "rmvolume thin")

    assert shell("lsvolumesnapshot -showhidden").stdout == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("-pool Pool0 -fromsnapshotid 7 -fromsourcevolume a", "CMMVC9755E", id="no such snapshot"),
        pytest.param("-pool Pool0 -fromsnapshotid 0 -fromsourcevolume c", "CMMVC9964E", id="not in the snapshot"),
        pytest.param("-pool x -fromsnapshotid 0 -fromsourcevolume a", "CMMVC5754E", id="no such pool"),
        pytest.param("-pool Full -fromsnapshotid 0 -fromsourcevolume a", "CMMVC8710E", id="no space"),
        pytest.param("-pool Pool0 -fromsnapshotid 0 -fromsourcevolume a -name b", "CMMVC6035E", id="name taken"),
        pytest.param("-pool Pool0 -fromsnapshotid 0 -fromsourcevolume a -size 1", "CMMVC5713E", id="a size"),
        pytest.param("-pool Pool0 -fromsnapshotid 0", "CMMVC5707E", id="no source volume"),
        pytest.param("-fromsnapshotid 0 -fromsourcevolume a", "CMMVC5707E", id="no pool"),
        pytest.param(
            "-pool Pool0 -snapshot s -fromsourceuid 77 -fromsourcevolume a",
            "CMMVC9854E",
            id="no snapshot of this parent",
        ),
        pytest.param(
            "-pool Pool0 -fromsnapshotid 0 -fromsourcevolume a -volumegroup x", "CMMVC9808E", id="no such volume group"
        ),
        pytest.param("-pool Pool0 -fromsnapshotid 0 -fromsourcevolume a -iogrp 0:1", "CMMVC5706E", id="two I/O groups"),
    ],
)
def test_an_impossible_clone_is_refused(line: str, code: str, sim: Simulator, shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a:b -name s")
    before = sim.control.state()

    assert shell(f"mkvolume -type clone {line}").code == code
    assert sim.control.state() == before


def test_a_clone_needs_a_type_that_is_one(shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a")

    assert shell("mkvolume -type copy -pool Pool0 -fromsnapshotid 0 -fromsourcevolume a").code == "CMMVC5706E"
    assert shell("mkvolume -pool Pool0 -fromsnapshotid 0 -fromsourcevolume a").code == "CMMVC5707E"
    assert shell("mkvolume -pool Pool0 -fromsnapshotid 0 -fromsourcevolume a -size 1").code == "CMMVC5713E"


def test_a_removed_volume_leaves_its_image_and_stays_hidden_while_it_has_one(shell: Shell) -> None:
    uid = volume(shell, "a")["vdisk_UID"]
    do(shell, "addsnapshot -volumes a -name s", "rmvolume a", "mkvolume -name a -pool Pool0 -size 1 -unit gb")

    hidden = [row for row in shell("lsvdisk -showhidden -delim !").rows if row["status"] == "deleting"]
    assert [(row["name"], row["vdisk_UID"]) for row in hidden] == [("a", uid)]
    assert volume(shell, "a")["id"] == "3"
    assert shell("lsvolumesnapshot -delim !").rows[0]["volume_id"] == "0"
    assert shell(CLONE).code == "CMMVC9964E"  # the volume of this name is another one
    do(shell, f"{CLONE.replace('volume a', 'volume 0')} -name back", "rmvolume back", "rmsnapshot -snapshotid 0")
    assert len(shell("lsvdisk -showhidden -delim !").rows) == 3
    assert shell("mkvolume -nomsg -pool Pool0 -size 1").stdout == "0\n"


def test_a_hidden_volume_is_being_deleted_and_keeps_its_space(sim: Simulator, shell: Shell) -> None:
    do(
        shell,
        "chvdisk -rate 100 a",
        "addsnapshot -volumes a -name s",
        "rmvolume a",
        "mkvdisk -name a -mdiskgrp 0 -size 1",
    )
    full = shell("lsmdiskgrp -bytes -delim ! Pool0").keys
    lines = ["rmvolume 0", "chvdisk -name z 0", "addsnapshot -volumes 0", "mkfcmap -source 0 -target b"]

    assert [shell(line).code for line in lines] == ["CMMVC8697E"] * len(lines)
    assert shell("lsvdisk -delim ! 0").keys["snapshot_count"] == "1"
    assert [row["vdisk_id"] for row in shell("lsvdiskcopy -delim !").rows] == ["1", "2", "3"]
    assert (full["vdisk_count"], full["reclaimable_capacity"], shell("lsthrottle").stdout) == ("4", "0", "")
    state = sim.control.state()
    assert sim.control.replace(state) == state
    sim.control.change("volume", "a", udid="5")
    assert shell("lsvdisk -delim ! 3").keys["udid"] == "5"
    do(shell, "rmsnapshot -snapshotid 0")
    free = int(shell("lsmdiskgrp -bytes -delim ! Pool0").keys["free_capacity"])
    assert free - int(full["free_capacity"]) == GIB


def test_a_volume_that_lingers_in_a_data_reduction_pool_keeps_its_name_unless_it_has_snapshots(
    start: Start, log_in: Open
) -> None:
    pools = [{"name": "Pool0", "data_reduction": "yes"}]
    volumes = [{"name": name, "pool": "Pool0"} for name in "ab"]
    sim = start({"pools": pools, "volumes": volumes, "rules": {"drp_deletion_lingers": True}})
    shell = log_in(sim)
    do(shell, "addsnapshot -volumes a", "rmvolume a", "rmvolume b")

    assert shell("mkvolume -name b -pool Pool0 -size 1").code == "CMMVC6035E"
    do(shell, "mkvolume -name a -pool Pool0 -size 1", "rmsnapshot -snapshotid 0")
    assert [row["name"] for row in shell("lsvdisk -showhidden -delim !").rows] == ["a", "b", "a"]
    sim.control.change("rules", drp_deletion_lingers=False)
    assert [row["id"] for row in shell("lsvdisk -showhidden -delim !").rows] == ["2"]


def test_a_clone_takes_the_options_of_a_new_volume(sim: Simulator, shell: Shell) -> None:
    sim.control.change("rules", full_stop_after_creation=True)
    do(shell, "addsnapshot -volumes a")
    free = shell("lsmdiskgrp -bytes -delim ! Other").keys["free_capacity"]
    answer = shell(f"{CLONE.replace('Pool0', 'Other')} -thin -buffersize 0 -cache none -volumegroup g").stdout
    made = shell("lsvdisk -delim ! a-3").keys

    assert answer == "Volume, id [3], successfully created.\n"
    assert (made["se_copy_count"], made["cache"], made["volume_group_name"]) == ("1", "none", "g")
    assert (made["formatted"], made["formatting"]) == ("no", "no")
    assert shell("lsmdiskgrp -bytes -delim ! Other").keys["free_capacity"] == free
    assert shell(f"{CLONE} -deduplicated").code == "CMMVC5707E"


def test_a_clone_cannot_be_shrunk_until_it_is_complete(sim: Simulator, shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a", f"{CLONE} -name mine")
    refused = shell("shrinkvdisksize -size 1 mine").code
    sim.control.change("volume", "mine", data_to_move=0)

    assert refused == "CMMVC9683E"
    do(shell, "shrinkvdisksize -size 1 mine")


def test_an_expanded_volume_no_longer_matches_its_snapshot(shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a", "expandvdisksize -size 1 -unit gb a")
    assert shell("lsvolumesnapshot -delim !").rows[0]["volume_size_mismatch"] == "yes"
    do(shell, f"{CLONE} -name small")

    assert volume(shell, "small")["capacity"] == str(GIB)


def test_before_8_6_2_a_clone_is_made_through_a_volume_group(start: Start, log_in: Open) -> None:
    sim = start({"release": "8.5.1.0", "rules": {"copies_complete_at_once": True}})
    shell = log_in(sim)
    do(shell, "addsnapshot -volumes vol0:vol1 -name s")
    assert shell("mkvolume -type clone -pool Pool0 -fromsnapshotid 0 -fromsourcevolume vol0").code == "CMMVC5709E"
    line = "mkvolumegroup -type clone -fromsnapshotid 0 -pool Pool0 -name mine -fromsourcevolumes vol1"
    assert shell(line).stdout == "Volume Group, id [0], successfully created\n"
    [row] = shell("lsvdisk -delim ! -filtervalue volume_group_name=mine").rows
    assert (row["name"], row["capacity"]) == ("vol1-5", "4.00GB")
    assert shell("rmvolumegroup mine").code == "CMMVC8749E"
    do(shell, "chvdisk -novolumegroup vol1-5", "rmvolumegroup mine", "chvdisk -name copy vol1-5")

    assert shell("lsvolumegroup").stdout == ""
    assert volume(shell, "copy")["volume_group_name"] == ""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param("-name g", "CMMVC6035E", id="the name is taken"),
        pytest.param("-type clone -fromsnapshotid 7", "CMMVC9755E", id="no such snapshot"),
        pytest.param("-type clone -fromsnapshotid 0 -fromsourcevolumes c", "CMMVC1089E", id="not in the snapshot"),
        pytest.param("-type clone -fromsnapshotid 0 -pool Full", "CMMVC8710E", id="no space"),
        pytest.param("-type clone -snapshot s -fromsourcegroup x", "CMMVC9808E", id="no such group"),
        pytest.param("-fromsnapshotid 0", "CMMVC5713E", id="a snapshot without a type"),
    ],
)
def test_an_impossible_volume_group_is_refused(options: str, code: str, sim: Simulator, shell: Shell) -> None:
    do(shell, "addsnapshot -volumes a:b -name s")
    before = sim.control.state()

    assert shell(f"mkvolumegroup {options}").code == code
    assert sim.control.state() == before


def test_a_volume_group_without_a_name_gets_one_and_its_members_are_counted(shell: Shell) -> None:
    assert shell("mkvolumegroup").stdout == "Volume Group, id [1], successfully created\n"
    assert shell("chvdisk -volumegroup nowhere a").code == "CMMVC9808E"
    do(shell, "chvdisk -volumegroup volumegroup1 a", "mkvolume -name d -pool Pool0 -size 1 -volumegroup 1")

    assert shell("lsvolumegroup -delim ! 1").keys["volume_count"] == "2"
    assert volume(shell, "a")["volume_group_id"] == "1"
    assert shell("lsvolumegroup nope").code == "CMMVC5804E"


def test_a_volume_group_with_members_or_snapshots_stays(shell: Shell) -> None:
    do(shell, "chvdisk -volumegroup g a", "addsnapshot -volumegroup g")
    assert shell("rmvolumegroup g").code == "CMMVC8749E"
    assert shell("rmvolumegroup -evictvolumes g").code == "CMMVC9887E"
    do(shell, "rmsnapshot -snapshotid 0", "rmvolumegroup -evictvolumes g")

    assert shell("rmvolumegroup g").code == "CMMVC9808E"
    assert volume(shell, "a")["volume_group_name"] == ""


def test_renamed_objects_keep_their_snapshots_and_the_state_can_be_replaced_by_itself(
    sim: Simulator, shell: Shell
) -> None:
    do(
        shell,
        "chvdisk -volumegroup g a",
        "addsnapshot -volumegroup g -name s",
        f"{CLONE} -name mine",
        "chvdisk -name z a",
    )
    sim.control.change("volume_group", "g", name="h")
    sim.control.change("pool", "Pool0", name="Pool1")
    state = sim.control.state()

    assert sim.control.replace(state) == state
    [row] = shell("lsvolumesnapshot -delim !").rows
    assert (row["volume_name"], row["volume_group_name"]) == ("z", "h")
    assert shell("lsvolumepopulation -delim !").rows[0]["source_volume_name"] == "z"
    assert shell("lsvdisk -delim ! mine").keys["source_snapshot_timestamp"] == NOW


def test_a_blank_array_has_no_copies(sim: Simulator, shell: Shell) -> None:
    do(shell, "mkfcmap -source b -target c", "addsnapshot -volumes a")
    sim.control.change("blank")

    assert [shell(line).stdout for line in ("lsfcmap", "lsvolumegroupsnapshot", "lsvolumegroup")] == ["", "", ""]


def test_without_a_clock_of_its_own_the_array_has_the_time_of_the_machine(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    do(shell, "addsnapshot -volumes vol0")

    assert re.fullmatch(r"\d{12}", snapshots(shell)[0]["time"])


@pytest.mark.parametrize(
    ("release", "lines"),
    [
        ("8.4.2.0", ["lsvolumegroup", "mkvolumegroup"]),
        ("8.5.0.0", ["addsnapshot -volumes vol0", "lsvolumesnapshot", "lsvolumegroupsnapshot", "lsvolumepopulation"]),
    ],
)
def test_an_older_release_does_not_have_them(release: str, lines: list[str], start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": release}))

    assert [shell(line).status for line in lines] == [127] * len(lines)
