"""The commands that change an array: the typed line, and that the array's shell reads the intended arguments."""

import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import (
    MAX_PARAMETER,
    AddIoGroups,
    AddPorts,
    ChangeHost,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    Step,
    UnmapVolume,
    add_ports,
    line,
    make_host,
)
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
)
from flashsystem_operator.values import HostName, Iqn, Lun, PoolName, VolumeName, VolumeUid

POOL = PoolName("pool 1")
NODE, DATA, UID = HostName("node 1"), VolumeName("db data"), VolumeUid("6005076810CA0166C00000000000019F")
ONE, TWO = Iqn("iqn.1994-05.com.redhat:one"), Iqn("iqn.1994-05.com.redhat:two")


@pytest.mark.parametrize(
    ("step", "typed"),
    [
        (MakeHost(NODE, (ONE, TWO)), f"svctask mkhost -iscsiname {ONE},{TWO} -name 'node 1'"),
        (
            MakeHost(NODE, (ONE,), "iscsi", "portset1"),
            f"svctask mkhost -iscsiname {ONE} -protocol iscsi -portset portset1 -name 'node 1'",
        ),
        (
            MakeHost(NODE, (ONE,), io_groups=("0", "1"), kind="tpgs"),
            f"svctask mkhost -iscsiname {ONE} -iogrp 0:1 -type tpgs -name 'node 1'",
        ),
        (ChangeHost(NODE, "portset1", "hpux"), "svctask chhost -type hpux -portset portset1 'node 1'"),
        (AddIoGroups(NODE, ("0", "1")), "svctask addhostiogrp -iogrp 0:1 'node 1'"),
        (RemoveIoGroups(NODE, ("2",)), "svctask rmhostiogrp -iogrp 2 'node 1'"),
        (AddPorts(NODE, (ONE, TWO)), f"svctask addhostport -iscsiname {ONE},{TWO} 'node 1'"),
        (RemovePort(NODE, ONE), f"svctask rmhostport -iscsiname {ONE} 'node 1'"),
        (RemoveHost(NODE), "svctask rmhost 'node 1'"),
        (MapVolume(NODE, DATA, UID, Lun(0)), "svctask mkvdiskhostmap -host 'node 1' -scsi 0 'db data'"),
        (
            MapVolume(NODE, DATA, UID, Lun(7), alongside_others=True),
            "svctask mkvdiskhostmap -force -host 'node 1' -scsi 7 'db data'",
        ),
        (UnmapVolume(NODE, DATA, UID), "svctask rmvdiskhostmap -host 'node 1' 'db data'"),
        (CreateVolume(DATA, POOL, 512), "svctask mkvolume -name 'db data' -pool 'pool 1' -size 512 -unit b"),
        (
            CreateVolume(DATA, POOL, 1024, io_group="1", options=("-thin", "-deduplicated")),
            "svctask mkvolume -name 'db data' -pool 'pool 1' -iogrp 1 -size 1024 -unit b -thin -deduplicated",
        ),
        (
            CreateVolume(DATA, POOL, 512, io_group="0", verb="mkvdisk"),
            "svctask mkvdisk -name 'db data' -mdiskgrp 'pool 1' -iogrp 0 -size 512 -unit b",
        ),
        (ExpandVolume(DATA, UID, 512, 4096), "svctask expandvdisksize -size 512 -unit b 'db data'"),
        (RemoveVolume(DATA, UID), "svctask rmvolume 'db data'"),
        (RemoveVolume(DATA, UID, "rmvdisk"), "svctask rmvdisk 'db data'"),
        (RenameVolume(DATA, UID, VolumeName("new name")), "svctask chvdisk -name 'new name' 'db data'"),
        (
            ThrottleVolume(DATA, UID, 5000, 100),
            "svctask mkthrottle -type vdisk -iops 5000 -bandwidth 100 -vdisk 'db data'",
        ),
        (ThrottleVolume(DATA, UID, None, 100, "throttle 0"), "svctask chthrottle -bandwidth 100 'throttle 0'"),
        (RemoveThrottle(DATA, UID, "throttle0"), "svctask rmthrottle throttle0"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_each_step_is_typed_as_its_command(step: Step, typed: str) -> None:
    assert line(step.argv()) == typed


@pytest.mark.parametrize(
    "step",
    [
        RemoveHost(NODE),
        RemoveIoGroups(NODE, ("2",)),
        UnmapVolume(NODE, DATA, UID),
        RemovePort(NODE, ONE),
        MakeHost(NODE, (ONE,)),
        RemoveVolume(DATA, UID),
        RemoveVolume(DATA, UID, "rmvdisk"),
    ],
)
def test_force_is_used_for_a_second_mapping_and_nothing_else(step: Step) -> None:
    assert "-force" not in step.argv()


@pytest.mark.parametrize("verb", ["rmvolume", "rmvdisk"])
def test_a_volume_is_deleted_without_any_option_that_lifts_a_refusal(verb: str) -> None:
    assert RemoveVolume(DATA, UID, verb).argv() == ("svctask", verb, DATA)


# -- quoting ---------------------------------------------------------------------------------------------------------

NASTY = [
    "$(reboot)",
    "`reboot`",
    "a; reboot",
    "a\nreboot",
    "'",
    '"',
    "\\",
    "a b",
    "*",
    "~",
    "#x",
    "!",
    "&",
    "$HOME",
    "{a,b}",
]
arguments = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)


def arrived(typed: str) -> list[str]:
    """Return the arguments that a real bash reads from text typed after a verb."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {typed}"], capture_output=True, check=True, timeout=60)
    assert not done.stderr
    return done.stdout.decode().split("\0")[:-1]


def test_no_argument_is_executed_by_the_arrays_shell() -> None:
    assert arrived(line(NASTY)) == NASTY


@settings(max_examples=40)
@given(st.lists(st.one_of(st.sampled_from(NASTY), arguments), min_size=1, max_size=6))
def test_typed_arguments_arrive_unchanged(intended: list[str]) -> None:
    assert arrived(line(intended)) == intended


@settings(max_examples=20)
@given(st.sampled_from(NASTY), st.sampled_from(NASTY))
def test_unusual_names_chosen_by_an_administrator_are_quoted_in_every_command(one: str, other: str) -> None:
    name, volume = HostName(one), VolumeName(other)
    steps: list[Step] = [
        MakeHost(name, (ONE,)),
        AddPorts(name, (ONE,)),
        RemovePort(name, Iqn(other)),
        RemoveHost(name),
        MapVolume(name, volume, UID, Lun(1)),
        UnmapVolume(name, volume, UID),
        CreateVolume(volume, PoolName(one), 512),
        RenameVolume(volume, UID, VolumeName(one)),
        RemoveVolume(volume, UID),
        RemoveThrottle(volume, UID, one),
    ]
    queried = [queries.host(name).argv(), queries.volume(volume).argv(), queries.mappings_of_volume(volume).argv()]

    for argv in (*(step.argv() for step in steps), *queried):
        assert arrived(line(argv)) == list(argv)


# -- long lists of initiators ----------------------------------------------------------------------------------------

some_iqns = st.lists(st.integers(1, 223), min_size=1, max_size=16).map(
    lambda lengths: [Iqn(f"{number:02}".ljust(length, "x")) for number, length in enumerate(lengths)]
)


@given(some_iqns)
def test_initiators_that_do_not_fit_into_one_parameter_follow_in_their_order(iqns: list[Iqn]) -> None:
    first, *rest = make_host(NODE, iqns)

    assert isinstance(first, MakeHost)
    assert all(isinstance(step, AddPorts) for step in rest)
    assert [iqn for step in (first, *rest) for iqn in step.iqns] == iqns
    assert all(len(step.iqns) == 1 or len(",".join(step.iqns)) <= MAX_PARAMETER for step in (first, *rest))


@given(some_iqns)
def test_no_more_commands_are_used_than_needed(iqns: list[Iqn]) -> None:
    steps = add_ports(NODE, iqns)

    assert len(steps) == 1 or len(",".join(iqns)) > MAX_PARAMETER
    for one, following in pairwise(steps):
        assert len(",".join((*one.iqns, following.iqns[0]))) > MAX_PARAMETER
