"""Adopted and created mappings: what happens to each when its attachment is deleted."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.ages import be_younger_than
from support.array_state import admin, foreign_host, mappings, mark, ports, writes
from support.recorded_events import await_event, reasons
from support.stand import ATTACHMENTS, HOSTS, Namespace, iqn

pytestmark = pytest.mark.slow

FOUND, CREATED = ("admins", "vol0", 0), ("admins", "vol1", 1)


def adopted(stand: Namespace, simulator: Simulator, **attachment: Any) -> None:
    """Apply two attachments to a host object of an administrator: one for an existing mapping, one for a new volume."""
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("found", "worker-1", "vol0", **attachment),
        stand.attachment("created", "worker-1", "vol1", **attachment),
    )
    stand.ready(ATTACHMENTS, "found", "created")
    assert mappings(simulator) == {FOUND, CREATED}
    assert stand.status(ATTACHMENTS, "found")["origin"] == "Adopted"
    assert stand.status(ATTACHMENTS, "found")["lun"] == 0
    assert stand.status(ATTACHMENTS, "created")["origin"] == "Created"


def test_on_an_adopted_host_found_mappings_stay_and_created_mappings_are_removed(
    stand: Namespace, simulator: Simulator
) -> None:
    adopted(stand, simulator)

    stand.delete(ATTACHMENTS, "found", "created")

    assert mappings(simulator) == {FOUND}
    message = await_event(stand, "found", "LeftOnArray")
    assert "stays mapped to host admins at LUN 0" in message
    assert "deletionPolicy Delete" in message
    assert "vol1 is no longer mapped to host admins" in await_event(stand, "created", "Detached")
    assert "LeftOnArray" not in reasons(stand, "created")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {"admins": [iqn("worker-1")]}


@pytest.mark.parametrize(("policy", "left"), [("Delete", set()), ("Retain", {FOUND, CREATED})])
def test_a_deletion_policy_decides_what_happens_to_a_mapping_regardless_of_its_creator(
    stand: Namespace, simulator: Simulator, policy: str, left: set[tuple[str, str, int]]
) -> None:
    adopted(stand, simulator, deletionPolicy=policy)

    stand.delete(ATTACHMENTS, "found", "created")
    stand.delete(HOSTS, "worker-1")

    assert mappings(simulator) == left
    assert ports(simulator) == {"admins": [iqn("worker-1")]}


def test_a_deletion_policy_may_be_changed_until_the_deletion(stand: Namespace, simulator: Simulator) -> None:
    adopted(stand, simulator)

    stand.patch(ATTACHMENTS, "found", {"deletionPolicy": "Delete"})
    stand.patch(ATTACHMENTS, "created", {"deletionPolicy": "Retain"})
    stand.delete(ATTACHMENTS, "found", "created")

    assert mappings(simulator) == {CREATED}


def test_a_host_object_of_the_operator_stays_with_the_volumes_that_are_retained_on_it(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", deletionPolicy="Retain"))
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["origin"] == "Created"
    before = simulator.control.state()
    start = mark(simulator)

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert simulator.control.state() == before
    assert writes(simulator, start) == []
    assert "Retain" in await_event(stand, "one", "LeftOnArray")
    assert "stays on the array" in await_event(stand, "worker-1", "LeftOnArray")

    stand.apply(stand.host("worker-1"), stand.attachment("again", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "again")
    assert stand.status(ATTACHMENTS, "again")["origin"] == "Created"  # as the host object is our own
    stand.delete(ATTACHMENTS, "again")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


@pytest.mark.parametrize("whose", ["ours", "an administrator's"])
def test_of_two_attachments_of_one_pair_the_newer_takes_over_without_an_unmap(
    stand: Namespace, simulator: Simulator, whose: str
) -> None:
    if whose != "ours":
        foreign_host(simulator, "admins", iqn("worker-1"))
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("elder", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "elder")
    be_younger_than(stand, ATTACHMENTS, "elder")
    stand.apply(stand.attachment("younger", "worker-1", "vol0"))

    assert "elder" in stand.await_reason(ATTACHMENTS, "younger", "Duplicate", "Stalled")
    assert "connection" not in stand.status(ATTACHMENTS, "younger")
    start = mark(simulator)
    stand.delete(ATTACHMENTS, "elder")
    stand.ready(ATTACHMENTS, "younger")

    assert writes(simulator, start) == []
    assert stand.status(ATTACHMENTS, "younger")["origin"] == "Created"
    assert stand.status(ATTACHMENTS, "younger")["connection"]["lun"] == 1
    assert "younger" in await_event(stand, "elder", "LeftOnArray")
    stand.delete(ATTACHMENTS, "younger")
    assert mappings(simulator) == set()


def test_a_mapping_left_to_an_attachment_that_cannot_use_it_is_removed_with_that_attachment(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("elder", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "elder")
    be_younger_than(stand, ATTACHMENTS, "elder")
    stand.apply(stand.attachment("younger", "worker-1", "vol0", lun=77))
    stand.await_reason(ATTACHMENTS, "younger", "Duplicate", "Stalled")
    stand.delete(ATTACHMENTS, "elder")

    assert "LUN 1" in stand.await_reason(ATTACHMENTS, "younger", "LUNDiffers", "Stalled")
    assert {(volume, lun) for _, volume, lun in mappings(simulator)} == {("vol0", 1)}
    stand.delete(ATTACHMENTS, "younger")
    assert mappings(simulator) == set()


def test_deleting_the_newer_attachment_does_not_affect_the_older_one(stand: Namespace, simulator: Simulator) -> None:
    """One names the volume by uid and the other by name."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("elder", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "elder")
    be_younger_than(stand, ATTACHMENTS, "elder")
    stand.apply(stand.attachment("younger", "worker-1", {"uid": stand.status(ATTACHMENTS, "elder")["volume"]["uid"]}))
    stand.await_reason(ATTACHMENTS, "younger", "Duplicate", "Stalled")
    start = mark(simulator)

    stand.delete(ATTACHMENTS, "younger")
    stand.ready(ATTACHMENTS, "elder")
    be_younger_than(stand, ATTACHMENTS, "elder")
    assert writes(simulator, start) == []

    stand.apply(stand.attachment("younger", "worker-1", "vol0"))
    stand.await_reason(ATTACHMENTS, "younger", "Duplicate", "Stalled")
    stand.delete(ATTACHMENTS, "younger", "elder")
    assert mappings(simulator) == set()


def test_an_attachment_created_during_the_deletion_of_the_older_one_inherits_its_mapping(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"))
    stand.array(simulator)
    elder = stand.attachment("elder", "worker-1", "vol0")
    held = {**elder, "metadata": {**elder["metadata"], "finalizers": ["example.com/in-use"]}}
    stand.apply(stand.host("worker-1"), held)
    stand.ready(ATTACHMENTS, "elder")
    be_younger_than(stand, ATTACHMENTS, "elder")
    stand.delete(ATTACHMENTS, "elder", wait=False)
    stand.await_reason(ATTACHMENTS, "elder", "WaitingForFinalizers")
    stand.apply(stand.attachment("younger", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "younger")

    stand.remove_finalizers(ATTACHMENTS, "elder", "example.com/in-use")
    stand.gone(ATTACHMENTS, "elder")
    assert stand.status(ATTACHMENTS, "younger")["origin"] == "Created"
    stand.delete(ATTACHMENTS, "younger")
    assert mappings(simulator) == set()


def test_a_found_mapping_is_adopted_only_as_access_allows(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    foreign_host(simulator, "backup", iqn("backup"))
    admin(simulator, "mkvdiskhostmap -force -host backup -scsi 0 vol0")
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    assert "backup" in stand.await_reason(ATTACHMENTS, "one", "VolumeMappedElsewhere", "Stalled")
    assert "connection" not in stand.status(ATTACHMENTS, "one")
    stand.patch(ATTACHMENTS, "one", {"access": "Shared"})
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["origin"] == "Adopted"

    stand.delete(ATTACHMENTS, "one")
    assert simulator.control.state() == before
    assert writes(simulator) == []
