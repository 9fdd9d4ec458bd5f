"""Which hosts may have a volume at the same time."""

from functools import partial
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, commands, foreign_host, mappings, ports, writes
from support.stand import ARRAYS, ATTACHMENTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


def initiators_of(simulator: Simulator, volume: str) -> set[str]:
    """The initiators of the hosts to which a volume is mapped."""
    names = ports(simulator)
    return {port for host, name, _ in mappings(simulator) if name == volume for port in names[host]}


def reasons(stand: Namespace, reason: str) -> set[str]:
    """The attachments whose Ready has this reason."""
    return {
        each["metadata"]["name"]
        for each in stand.all(ATTACHMENTS)
        for condition in each["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["reason"] == reason
    }


def three_hosts(stand: Namespace, simulator: Simulator, **array: Any) -> None:
    stand.array(simulator, **array)
    stand.apply(*(stand.host(name) for name in ("a", "b", "c")))


def test_an_exclusive_volume_moves_to_the_next_host_when_the_first_is_detached(
    stand: Namespace, simulator: Simulator
) -> None:
    three_hosts(stand, simulator)
    stand.apply(stand.attachment("first", "a", "vol0"))
    stand.ready(ATTACHMENTS, "first")
    stand.apply(stand.attachment("second", "b", {"name": "vol0"}))

    message = stand.await_reason(ATTACHMENTS, "second", "VolumeMappedElsewhere", "Stalled")
    assert "vol0" in message
    assert "Shared" in message
    assert initiators_of(simulator, "vol0") == {iqn("a")}

    stand.delete(ATTACHMENTS, "first")
    stand.ready(ATTACHMENTS, "second")
    assert initiators_of(simulator, "vol0") == {iqn("b")}
    assert not any("-force" in command["words"] for command in commands(simulator))


def test_of_exclusive_attachments_created_at_once_one_gets_the_volume_and_then_the_next(
    stand: Namespace, simulator: Simulator
) -> None:
    three_hosts(stand, simulator)
    stand.apply(*(stand.attachment(host, host, "vol0") for host in ("a", "b", "c")))

    def losers(left: int) -> bool:
        return len(reasons(stand, "VolumeMappedElsewhere")) == left

    for left in (2, 1, 0):
        (winner,) = until("one of them to be attached", lambda: reasons(stand, "Attached"))
        until("the others to be refused", partial(losers, left))
        assert initiators_of(simulator, "vol0") == {iqn(winner)}
        stand.delete(ATTACHMENTS, winner)


def test_a_shared_volume_is_seen_by_all_hosts_that_share_it(stand: Namespace, simulator: Simulator) -> None:
    three_hosts(stand, simulator)
    stand.apply(*(stand.attachment(f"to-{host}", host, "vol0", access="Shared") for host in ("a", "b", "c")))

    stand.ready(ATTACHMENTS, "to-a", "to-b", "to-c")
    assert initiators_of(simulator, "vol0") == {iqn("a"), iqn("b"), iqn("c")}

    stand.delete(ATTACHMENTS, "to-b")
    assert initiators_of(simulator, "vol0") == {iqn("a"), iqn("c")}
    stand.ready(ATTACHMENTS, "to-a", "to-c")


def test_a_volume_is_shared_only_when_every_attachment_of_it_is_shared(stand: Namespace, simulator: Simulator) -> None:
    three_hosts(stand, simulator)
    stand.apply(stand.attachment("first", "a", "vol0"))
    stand.ready(ATTACHMENTS, "first")
    stand.apply(
        stand.attachment("second", "b", "vol0", access="Shared"),
        stand.attachment("third", "c", {"uid": simulator.control.state()["volumes"][0]["uid"]}, access="Shared"),
    )
    assert "first" in stand.await_reason(ATTACHMENTS, "second", "VolumeInUse", "Stalled")
    assert "first" in stand.await_reason(ATTACHMENTS, "third", "VolumeInUse", "Stalled")
    assert initiators_of(simulator, "vol0") == {iqn("a")}

    stand.patch(ATTACHMENTS, "first", {"access": "Shared"})
    stand.ready(ATTACHMENTS, "first", "second", "third")
    assert initiators_of(simulator, "vol0") == {iqn("a"), iqn("b"), iqn("c")}


def test_a_later_exclusive_attachment_removes_no_host_and_admits_no_further_host(
    stand: Namespace, simulator: Simulator
) -> None:
    three_hosts(stand, simulator)
    stand.apply(stand.attachment("first", "a", "vol0", access="Shared"))
    stand.ready(ATTACHMENTS, "first")
    stand.apply(stand.attachment("second", "b", "vol0"))
    stand.await_reason(ATTACHMENTS, "second", "VolumeMappedElsewhere", "Stalled")
    stand.apply(stand.attachment("third", "c", "vol0", access="Shared"))

    assert "second" in stand.await_reason(ATTACHMENTS, "third", "VolumeInUse", "Stalled")
    stand.ready(ATTACHMENTS, "first")
    assert initiators_of(simulator, "vol0") == {iqn("a")}

    stand.delete(ATTACHMENTS, "second")
    stand.ready(ATTACHMENTS, "third")


def test_a_mapping_outside_the_operator_blocks_an_exclusive_attachment(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "backup", iqn("backup"), volumes=("vol0",))
    three_hosts(stand, simulator, resyncInterval="2s")
    stand.apply(stand.attachment("first", "a", "vol0"), stand.attachment("second", "b", "vol1", access="Shared"))
    stand.ready(ATTACHMENTS, "second")

    assert "backup" in stand.await_reason(ATTACHMENTS, "first", "VolumeMappedElsewhere", "Stalled")
    assert {volume for _, volume, _ in mappings(simulator)} == {"vol0", "vol1"}

    admin(simulator, "rmvdiskhostmap -host backup vol0")
    stand.ready(ATTACHMENTS, "first")
    assert initiators_of(simulator, "vol0") == {iqn("a")}


def test_a_mapping_that_the_last_read_did_not_show_is_noticed_before_a_volume_is_shared(
    stand: Namespace, simulator: Simulator
) -> None:
    three_hosts(stand, simulator)
    stand.ready(ARRAYS, "array")
    foreign_host(simulator, "backup", iqn("backup"), volumes=("vol0", "vol1"))

    stand.apply(stand.attachment("alone", "a", "vol0"), stand.attachment("shared", "b", "vol1", access="Shared"))

    assert "backup" in stand.await_reason(ATTACHMENTS, "alone", "VolumeMappedElsewhere", "Stalled")
    stand.ready(ATTACHMENTS, "shared")
    assert initiators_of(simulator, "vol1") == {iqn("backup"), iqn("b")}
    forced = [command for command in commands(simulator) if "-force" in command["words"]]
    assert [command["named"][-1] for command in forced] == ["vol1"]


def test_an_array_may_forbid_that_any_volume_has_several_hosts(stand: Namespace, simulator: Simulator) -> None:
    three_hosts(stand, simulator, multiHostMapping="Forbidden")
    stand.apply(stand.attachment("first", "a", "vol0", access="Shared"))
    stand.ready(ATTACHMENTS, "first")
    stand.apply(stand.attachment("second", "b", "vol0", access="Shared"))

    message = stand.await_reason(ATTACHMENTS, "second", "MultiHostMappingForbidden", "Stalled")
    assert "multiHostMapping" in message
    assert writes(simulator).count("mkvdiskhostmap") == 1

    stand.patch(ARRAYS, "array", {"multiHostMapping": "Allowed"})
    stand.ready(ATTACHMENTS, "second")
    stand.patch(ARRAYS, "array", {"multiHostMapping": "Forbidden"})
    stand.ready(ARRAYS, "array")
    stand.ready(ATTACHMENTS, "first", "second")
    assert initiators_of(simulator, "vol0") == {iqn("a"), iqn("b")}  # existing mappings are not removed


def test_a_volume_that_is_retained_on_one_host_is_not_mapped_to_the_next(
    stand: Namespace, simulator: Simulator
) -> None:
    three_hosts(stand, simulator)
    stand.apply(stand.attachment("first", "a", "vol0", deletionPolicy="Retain"))
    stand.ready(ATTACHMENTS, "first")
    stand.apply(stand.attachment("second", "b", "vol0"))
    stand.await_reason(ATTACHMENTS, "second", "VolumeMappedElsewhere", "Stalled")

    stand.delete(ATTACHMENTS, "first")

    stand.apply(stand.attachment("third", "c", "vol0"))
    for name in ("second", "third"):
        assert "vol0 is mapped to a-" in stand.await_reason(ATTACHMENTS, name, "VolumeMappedElsewhere", "Stalled")
    assert initiators_of(simulator, "vol0") == {iqn("a")}
