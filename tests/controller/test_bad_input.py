"""What cannot be done is reported with its remedy and is done as soon as possible; nothing is lost in the meantime."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.ages import be_younger_than
from support.recorded_events import events, reasons
from support.simulated_arrays import injections, last, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


def test_an_attachment_with_a_missing_reference_waits_and_starts_when_it_appears(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.apply(stand.attachment("one", "worker-1", "data"), stand.attachment("lost", "worker-9", "vol0"))
    message = stand.await_reason(ATTACHMENTS, "one", "HostNotFound")
    assert f"{stand.namespace}/worker-1" in message
    assert stand.condition(ATTACHMENTS, "one", "Reconciling")["status"] == "True"

    stand.apply(stand.host("worker-1"))
    assert f"{stand.namespace}/array" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotFound")

    stand.array(simulator, resyncInterval="1s")
    assert "no volume named data" in stand.await_reason(ATTACHMENTS, "one", "VolumeNotFound")
    stand.await_reason(HOSTS, "worker-1", "NotNeeded")
    assert writes(simulator) == []

    _create_volume(simulator, "data")
    stand.ready(ATTACHMENTS, "one")
    assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["data"]

    # An attachment that was never started can be deleted.
    stand.await_reason(ATTACHMENTS, "lost", "HostNotFound")
    stand.delete(ATTACHMENTS, "lost")


def test_a_volume_that_an_administrator_mapped_elsewhere_is_left_to_the_administrator(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    control.admin("svctask mkhost -name db-server -iscsiname iqn.2001-01.com.example:db")
    control.admin("svctask mkvdiskhostmap -host db-server -scsi 0 vol0")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(ATTACHMENTS, "one", "VolumeMappedElsewhere")
    assert "mapped to db-server" in message
    assert "spec.access to Shared" in message
    assert stand.condition(ATTACHMENTS, "one", "Stalled")["status"] == "True"
    assert writes(simulator) == []

    control.admin("svctask rmvdiskhostmap -host db-server vol0")
    stand.ready(ATTACHMENTS, "one")


def test_a_taken_lun_is_reported_with_its_volume_and_assigned_when_it_is_free(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=7))
    stand.ready(ATTACHMENTS, "one")
    stand.apply(stand.attachment("two", "worker-1", "vol1", lun=7))

    message = stand.await_reason(ATTACHMENTS, "two", "LUNTaken")
    assert "LUN 7" in message
    assert "volume vol0" in message

    stand.delete(ATTACHMENTS, "one")
    stand.ready(ATTACHMENTS, "two")
    assert stand.status(ATTACHMENTS, "two")["lun"] == 7


def test_initiators_on_several_host_objects_are_a_conflict_until_they_are_corrected(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    for name in ("left", "right"):
        control.admin(f"svctask mkhost -name {name} -iscsiname {iqn(name)}")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("both", iqn("left"), iqn("right")), stand.attachment("one", "both", "vol0"))

    message = stand.await_reason(HOSTS, "both", "Conflict")
    assert "left and right" in message
    assert "Conflict" not in message
    assert "left and right" in stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator) == []

    control.admin("svctask rmhost right")
    assert iqn("right") in stand.await_reason(HOSTS, "both", "MissingInitiators")
    control.admin(f"svctask addhostport -iscsiname {iqn('right')} left")
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(HOSTS, "both")["ownership"] == "Adopted"


def test_a_foreign_host_with_extra_initiators_is_not_used(stand: Namespace, simulator: Simulator) -> None:
    control = simulator.control
    control.admin(f"svctask mkhost -name cluster -iscsiname {iqn('worker-1')},{iqn('worker-2')}")
    before = control.state()
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(HOSTS, "worker-1", "ExtraInitiators")
    assert "Host object cluster" in message
    assert iqn("worker-2") in message
    stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert control.state() == before

    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [iqn("worker-1"), iqn("worker-2")]}})
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(HOSTS, "worker-1")["name"] == "cluster"


def test_of_two_resources_that_claim_one_initiator_the_one_on_the_array_wins_then_the_older(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    shared = iqn("worker")
    stand.apply(stand.host("elder", shared))
    stand.await_reason(HOSTS, "elder", "NotNeeded")
    be_younger_than(stand, HOSTS, "elder")
    stand.apply(stand.host("younger", shared, iqn("own")), stand.attachment("one", "younger", "vol0"))

    # Nothing is on the array yet: the older resource wins.
    message = stand.await_reason(HOSTS, "younger", "InitiatorClaimed")
    assert shared in message
    assert f"{stand.namespace}/elder" in message
    stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator) == []

    stand.patch(HOSTS, "elder", {"initiators": {"iscsi": [iqn("other")]}})
    stand.ready(ATTACHMENTS, "one")

    # Now the initiator of the younger resource is on the array: the older one does not get it back.
    stand.patch(HOSTS, "elder", {"initiators": {"iscsi": [shared]}})
    assert f"{stand.namespace}/younger" in stand.await_reason(HOSTS, "elder", "InitiatorClaimed")
    stand.await_reason(ATTACHMENTS, "one", "Attached")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "younger")
    stand.await_reason(HOSTS, "elder", "NotNeeded")
    assert simulator.control.state()["hosts"] == []


def test_a_volume_is_known_by_its_uid_whatever_its_name_becomes(stand: Namespace, simulator: Simulator) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    uid = stand.status(ATTACHMENTS, "one")["volume"]["uid"]

    start = last(simulator)
    control.admin("svctask chvdisk -name renamed vol0")
    control.admin("svctask chvdisk -name vol0 vol1")
    until("the new name", lambda: stand.status(ATTACHMENTS, "one")["volume"]["name"] == "renamed")
    stand.await_reason(ATTACHMENTS, "one", "Attached")
    assert stand.status(ATTACHMENTS, "one")["volume"]["uid"] == uid
    until("the Event", lambda: "VolumeRenamed" in reasons(stand, "one"))
    (renamed,) = (each for each in events(stand, "one") if each["reason"] == "VolumeRenamed")
    assert renamed["message"].startswith("Volume vol0 is named renamed on the array now.")
    assert (renamed["type"], writes(simulator, start)) == ("Normal", [])

    stand.delete(ATTACHMENTS, "one")
    assert control.state()["mappings"] == []


def test_a_volume_that_was_deleted_and_created_again_under_its_name_is_not_touched(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    old = stand.status(ATTACHMENTS, "one")["volume"]["uid"]

    control.admin("svctask rmvdisk -force vol0")
    _create_volume(simulator, "vol0")
    (new,) = (each["uid"] for each in control.state()["volumes"] if each["name"] == "vol0")
    assert new != old
    message = stand.await_reason(ATTACHMENTS, "one", "VolumeGone")
    assert old in message
    assert "Delete this attachment" in message
    assert stand.condition(ATTACHMENTS, "one", "Stalled")["status"] == "True"
    assert stand.status(ATTACHMENTS, "one").get("connection") is None
    assert control.state()["mappings"] == []

    # An administrator maps the new volume to the same host: the attachment ignores it, even when it is deleted.
    (host,) = control.state()["hosts"]
    control.admin(f"svctask mkvdiskhostmap -host {host['name']} -scsi 1 vol0")
    start = last(simulator)
    stand.delete(ATTACHMENTS, "one")
    assert writes(simulator, start) == []
    assert [each["volume"] for each in control.state()["mappings"]] == ["vol0"]


def test_a_volume_deleted_while_attached_is_reported_and_its_attachment_can_be_deleted(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    control.admin("svctask rmvdisk -force vol0")
    assert "vol0" in stand.await_reason(ATTACHMENTS, "one", "VolumeGone")
    stand.delete(ATTACHMENTS, "one")
    until("the empty host to go", lambda: control.state()["hosts"] == [])


def test_odd_names_chosen_by_administrators_are_arguments_and_never_options_or_commands(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    odd = ["my data -force", "_under.score-dash", "a  b", "vol -host x"]
    for name in odd:
        _create_volume(simulator, name)
    control.admin(f"svctask mkhost -name 'a host -force' -iscsiname {iqn('worker-1')}")
    before = control.state()
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"))
    stand.apply(*(stand.attachment(f"a{n}", "worker-1", name) for n, name in enumerate(odd)))
    names = [f"a{n}" for n in range(len(odd))]
    stand.ready(ATTACHMENTS, *names)

    assert {each["volume"] for each in control.state()["mappings"]} == set(odd)
    assert {each["host"] for each in control.state()["mappings"]} == {"a host -force"}
    control.change("volume", "_under.score-dash", name="x -unit b")
    until("the new name", lambda: stand.status(ATTACHMENTS, "a1")["volume"]["name"] == "x -unit b")
    stand.delete(ATTACHMENTS, *names)
    control.change("volume", "x -unit b", name="_under.score-dash")
    assert control.state() == before
    assert injections(simulator) == []


def _create_volume(simulator: Simulator, name: str) -> None:
    pool = simulator.control.state()["pools"][0]["name"]
    created = simulator.control.admin(f"svctask mkvdisk -name '{name}' -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    assert created["exit"] == 0, created


def test_the_array_stays_ready_whatever_users_ask_for(stand: Namespace, simulator: Simulator) -> None:
    """A stalled attachment affects neither the array nor other attachments."""
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"))
    be_younger_than(stand, HOSTS, "worker-1")
    stand.apply(
        stand.host("spread", iqn("worker-1"), iqn("x")),
        stand.attachment("good", "worker-1", "vol0"),
        stand.attachment("nowhere", "worker-1", "no-such-volume"),
        stand.attachment("stalled", "spread", "vol1"),
    )
    stand.ready(ATTACHMENTS, "good")
    stand.await_reason(ATTACHMENTS, "nowhere", "VolumeNotFound")
    stand.await_reason(ATTACHMENTS, "stalled", "HostNotReady")
    stand.ready(ARRAYS, "array")
