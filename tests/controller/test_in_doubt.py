"""A command that may still be running on an array is remembered until its effect is seen or it cannot run any more."""

from flashsystem_operator.array.commands import MakeHost, MapVolume, UnmapVolume
from flashsystem_operator.array.model import Body, Dialect, Inventory, System
from flashsystem_operator.array.volume_commands import CreateVolume, RenameVolume
from flashsystem_operator.controller.executor import InDoubt
from flashsystem_operator.values import HostName, Iqn, Lun, PoolName, SystemId, VolumeName, VolumeUid
from support.clock import Clock

HOST, UID = HostName("a-1234"), VolumeUid("6005076810BF80000000000000000001")
MAP = MapVolume(HOST, VolumeName("data"), UID, Lun(1))
MAKE = MakeHost(HostName("b-1234"), (Iqn("iqn.1994-05.com.redhat:b"),))

SYSTEM = System(SystemId("0000020421A0BEEF"), "array", Dialect.MODERN)
EMPTY = Inventory(Body(SYSTEM, (), (), None))


def test_a_mapping_command_whose_reply_was_lost_leaves_host_and_volume_in_doubt() -> None:
    in_doubt = InDoubt(Clock(), 3)
    in_doubt.add(MAKE)
    in_doubt.add(MAP)

    assert in_doubt.hosts == {HOST, MAKE.host}
    assert in_doubt.pairs == {(HOST, UID)}


def test_an_unmap_whose_reply_was_lost_leaves_host_and_volume_in_doubt() -> None:
    in_doubt = InDoubt(Clock(), 3)
    in_doubt.add(UnmapVolume(HOST, VolumeName("data"), UID))

    assert in_doubt.pairs == {(HOST, UID)}


def test_a_command_on_a_volume_whose_reply_was_lost_leaves_name_and_uid_in_doubt_until_a_read_shows_its_effect() -> (
    None
):
    clock = Clock()
    in_doubt = InDoubt(clock, 3)
    assert not in_doubt
    create, data = CreateVolume(VolumeName("new"), PoolName("Pool0"), 512), VolumeName("data")
    in_doubt.add(create)
    in_doubt.add(RenameVolume(data, UID, VolumeName("other")))

    assert in_doubt.volumes == {"new", "data", "other", UID}
    assert not in_doubt.hosts
    assert not in_doubt.pairs

    known = EMPTY.copy()
    create.apply(known)
    in_doubt.review(known, in_doubt.now())
    assert in_doubt.volumes == {"data", "other", UID}

    clock.now += 3
    in_doubt.review(known, in_doubt.now())
    assert not in_doubt


def test_an_array_that_was_taken_over_is_in_doubt_until_a_read_that_began_late_enough() -> None:
    clock = Clock()
    in_doubt = InDoubt(clock, 3)
    assert (in_doubt.everything, in_doubt.seconds_left) == (False, 0)

    in_doubt.add_everything(60)
    clock.now += 20
    early = in_doubt.now()
    assert (in_doubt.everything, in_doubt.seconds_left) == (True, 40)

    clock.now += 41
    in_doubt.review(EMPTY, early)
    assert (in_doubt.everything, in_doubt.seconds_left) == (True, 0)

    in_doubt.review(EMPTY, in_doubt.now())
    assert (in_doubt.everything, in_doubt.seconds_left) == (False, 0)
