"""What may still be running on an array is remembered until it is seen to be done, or cannot be any more."""

from flashsystem_operator.array.commands import MakeHost, MapVolume, UnmapVolume
from flashsystem_operator.controller.unsettled import Unsettled
from flashsystem_operator.values import HostName, Iqn, Lun, VolumeName, VolumeUid

HOST, UID = HostName("a-1234"), VolumeUid("6005076810BF80000000000000000001")
MAP = MapVolume(HOST, VolumeName("data"), UID, Lun(1))
MAKE = MakeHost(HostName("b-1234"), (Iqn("iqn.1994-05.com.redhat:b"),))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


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


def test_an_array_that_was_taken_over_is_in_doubt_for_as_long_as_a_command_may_take() -> None:
    clock = Clock()
    unsettled = Unsettled(clock, 3)
    assert not unsettled.everything
    assert unsettled.rest == 0

    unsettled.add_everything(60)
    clock.now += 20
    assert unsettled.everything
    assert unsettled.rest == 40

    clock.now += 41
    assert not unsettled.everything
    assert unsettled.rest == 0
    assert unsettled.hosts == set()
