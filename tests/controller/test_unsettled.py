"""What may still be running on an array is remembered until it is seen to be done, or cannot be any more."""

from flashsystem_operator.array.commands import MakeHost, MapVolume, UnmapVolume
from flashsystem_operator.array.inventory import Body, View
from flashsystem_operator.array.model import Dialect, System
from flashsystem_operator.controller.pass_memory import Unsettled
from flashsystem_operator.values import HostName, Iqn, Lun, SystemId, VolumeName, VolumeUid
from support.clock import Clock

HOST, UID = HostName("a-1234"), VolumeUid("6005076810BF80000000000000000001")
MAP = MapVolume(HOST, VolumeName("data"), UID, Lun(1))
MAKE = MakeHost(HostName("b-1234"), (Iqn("iqn.1994-05.com.redhat:b"),))

SYSTEM = System(SystemId("0000020421A0BEEF"), "array", Dialect.MODERN)
EMPTY = View(Body(SYSTEM, (), (), None))


def test_a_lost_command_that_changes_a_mapping_leaves_host_and_volume_in_doubt() -> None:
    unsettled = Unsettled(Clock(), 3)
    unsettled.add(MAKE)
    unsettled.add(MAP)

    assert unsettled.hosts == {HOST, MAKE.host}
    assert unsettled.pairs == {(HOST, UID)}


def test_the_end_of_a_mapping_is_in_doubt_as_its_beginning_is() -> None:
    unsettled = Unsettled(Clock(), 3)
    unsettled.add(UnmapVolume(HOST, VolumeName("data"), UID))

    assert unsettled.pairs == {(HOST, UID)}


def test_an_array_that_was_taken_over_is_in_doubt_until_a_look_that_began_late_enough() -> None:
    clock = Clock()
    unsettled = Unsettled(clock, 3)
    assert (unsettled.everything, unsettled.rest) == (False, 0)

    unsettled.add_everything(60)
    clock.now += 20
    early = unsettled.now()
    assert (unsettled.everything, unsettled.rest) == (True, 40)

    clock.now += 41
    unsettled.review(EMPTY, early)
    assert (unsettled.everything, unsettled.rest) == (True, 0)

    unsettled.review(EMPTY, unsettled.now())
    assert (unsettled.everything, unsettled.rest) == (False, 0)
