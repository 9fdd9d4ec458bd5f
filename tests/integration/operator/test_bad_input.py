"""What cannot be done is said, with its way out, and is done as soon as it can be; nothing is lost meanwhile."""

from flashsystem_operator.simulator import Simulator
from support.ages import be_younger_than
from support.recorded_events import events, reasons
from support.simulated_arrays import injections, last, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until


def test_what_refers_to_nothing_waits_and_begins_when_it_appears(stand: Stand, simulator: Simulator) -> None:
    stand.apply(stand.attachment("one", "worker-1", "data"), stand.attachment("lost", "worker-9", "vol0"))
    said = stand.await_reason(ATTACHMENTS, "one", "HostNotFound")
    assert f"{stand.namespace}/worker-1" in said
    assert stand.condition(ATTACHMENTS, "one", "Reconciling")["status"] == "True"

    stand.apply(stand.host("worker-1"))
    assert f"{stand.namespace}/array" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotFound")

    stand.array(simulator, resyncInterval="1s")
    assert "no volume named data" in stand.await_reason(ATTACHMENTS, "one", "VolumeNotFound")
    stand.await_reason(HOSTS, "worker-1", "NotNeeded")
    assert writes(simulator) == []

    _make_volume(simulator, "data")
    stand.ready(ATTACHMENTS, "one")
    assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["data"]

    # What never began is no trouble to delete.
    stand.await_reason(ATTACHMENTS, "lost", "HostNotFound")
    stand.delete(ATTACHMENTS, "lost")


def test_a_volume_that_was_mapped_elsewhere_by_an_administrator_is_left_to_him(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    control.admin("svctask mkhost -name db-server -iscsiname iqn.2001-01.com.example:db")
    control.admin("svctask mkvdiskhostmap -host db-server -scsi 0 vol0")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    said = stand.await_reason(ATTACHMENTS, "one", "VolumeMappedElsewhere")
    assert "mapped to db-server" in said
    assert "spec.access to Shared" in said
    assert stand.condition(ATTACHMENTS, "one", "Stalled")["status"] == "True"
    assert writes(simulator) == []

    control.admin("svctask rmvdiskhostmap -host db-server vol0")
    stand.ready(ATTACHMENTS, "one")


def test_a_lun_that_is_taken_is_named_with_who_has_it_and_given_when_it_is_free(
    stand: Stand, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=7))
    stand.ready(ATTACHMENTS, "one")
    stand.apply(stand.attachment("two", "worker-1", "vol1", lun=7))

    said = stand.await_reason(ATTACHMENTS, "two", "LUNTaken")
    assert "LUN 7" in said
    assert "volume vol0" in said

    stand.delete(ATTACHMENTS, "one")
    stand.ready(ATTACHMENTS, "two")
    assert stand.status(ATTACHMENTS, "two")["lun"] == 7


def test_initiators_that_belong_to_several_host_objects_are_a_conflict_until_they_are_put_right(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    for name in ("left", "right"):
        control.admin(f"svctask mkhost -name {name} -iscsiname {iqn(name)}")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("both", iqn("left"), iqn("right")), stand.attachment("one", "both", "vol0"))

    said = stand.await_reason(HOSTS, "both", "Conflict")
    assert "left and right" in said
    assert "Conflict" not in said
    assert "left and right" in stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator) == []

    control.admin("svctask rmhost right")
    assert iqn("right") in stand.await_reason(HOSTS, "both", "MissingInitiators")
    control.admin(f"svctask addhostport -iscsiname {iqn('right')} left")
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(HOSTS, "both")["ownership"] == "Adopted"


def test_a_foreign_host_with_further_initiators_is_not_used(stand: Stand, simulator: Simulator) -> None:
    control = simulator.control
    control.admin(f"svctask mkhost -name cluster -iscsiname {iqn('worker-1')},{iqn('worker-2')}")
    before = control.state()
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    said = stand.await_reason(HOSTS, "worker-1", "ExtraInitiators")
    assert "Host object cluster" in said
    assert iqn("worker-2") in said
    stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert control.state() == before

    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [iqn("worker-1"), iqn("worker-2")]}})
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(HOSTS, "worker-1")["name"] == "cluster"


def test_of_two_resources_that_claim_one_initiator_the_one_on_the_array_wins_then_the_older(
    stand: Stand, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    shared = iqn("worker")
    stand.apply(stand.host("elder", shared))
    stand.await_reason(HOSTS, "elder", "NotNeeded")
    be_younger_than(stand, HOSTS, "elder")
    stand.apply(stand.host("younger", shared, iqn("own")), stand.attachment("one", "younger", "vol0"))

    # Nothing is on the array yet: the elder has the word.
    said = stand.await_reason(HOSTS, "younger", "InitiatorClaimed")
    assert shared in said
    assert f"{stand.namespace}/elder" in said
    stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator) == []

    stand.patch(HOSTS, "elder", {"initiators": {"iscsi": [iqn("other")]}})
    stand.ready(ATTACHMENTS, "one")

    # Now the younger is proven on the array: an elder that claims the initiator again does not get it.
    stand.patch(HOSTS, "elder", {"initiators": {"iscsi": [shared]}})
    assert f"{stand.namespace}/younger" in stand.await_reason(HOSTS, "elder", "InitiatorClaimed")
    stand.await_reason(ATTACHMENTS, "one", "Attached")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "younger")
    stand.await_reason(HOSTS, "elder", "NotNeeded")
    assert simulator.control.state()["hosts"] == []


def test_a_volume_is_known_by_its_uid_whatever_its_name_becomes(stand: Stand, simulator: Simulator) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    uid = stand.status(ATTACHMENTS, "one")["volume"]["uid"]

    typed = last(simulator)
    control.admin("svctask chvdisk -name renamed vol0")
    control.admin("svctask chvdisk -name vol0 vol1")
    until("the new name", lambda: stand.status(ATTACHMENTS, "one")["volume"]["name"] == "renamed")
    stand.await_reason(ATTACHMENTS, "one", "Attached")
    assert stand.status(ATTACHMENTS, "one")["volume"]["uid"] == uid
    until("the Event", lambda: "VolumeRenamed" in reasons(stand, "one"))
    (renamed,) = (each for each in events(stand, "one") if each["reason"] == "VolumeRenamed")
    assert renamed["message"].startswith("Volume vol0 is named renamed on the array now.")
    assert (renamed["type"], writes(simulator, typed)) == ("Normal", [])

    stand.delete(ATTACHMENTS, "one")
    assert control.state()["mappings"] == []


def test_a_volume_that_was_deleted_and_made_again_under_its_name_is_not_touched(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    old = stand.status(ATTACHMENTS, "one")["volume"]["uid"]

    control.admin("svctask rmvdisk -force vol0")
    _make_volume(simulator, "vol0")
    (new,) = (each["uid"] for each in control.state()["volumes"] if each["name"] == "vol0")
    assert new != old
    said = stand.await_reason(ATTACHMENTS, "one", "VolumeGone")
    assert old in said
    assert "Delete this attachment" in said
    assert stand.condition(ATTACHMENTS, "one", "Stalled")["status"] == "True"
    assert stand.status(ATTACHMENTS, "one").get("connection") is None
    assert control.state()["mappings"] == []

    # Somebody maps the new one to this very host: it is none of this attachment's business, not even at its end.
    (host,) = control.state()["hosts"]
    control.admin(f"svctask mkvdiskhostmap -host {host['name']} -scsi 1 vol0")
    typed = last(simulator)
    stand.delete(ATTACHMENTS, "one")
    assert writes(simulator, typed) == []
    assert [each["volume"] for each in control.state()["mappings"]] == ["vol0"]


def test_a_volume_deleted_under_its_attachment_is_told_and_the_attachment_can_be_deleted(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    control.admin("svctask rmvdisk -force vol0")
    assert "vol0" in stand.await_reason(ATTACHMENTS, "one", "VolumeGone")
    stand.delete(ATTACHMENTS, "one")
    until("the empty host to go", lambda: control.state()["hosts"] == [])


def test_odd_names_of_administrators_are_words_for_the_array_and_never_options_or_commands(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    odd = ["my data -force", "_under.score-dash", "a  b", "vol -host x"]
    for name in odd:
        _make_volume(simulator, name)
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


def _make_volume(simulator: Simulator, name: str) -> None:
    pool = simulator.control.state()["pools"][0]["name"]
    made = simulator.control.admin(f"svctask mkvdisk -name '{name}' -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    assert made["exit"] == 0, made


def test_the_array_stays_ready_whatever_is_asked_of_it(stand: Stand, simulator: Simulator) -> None:
    """Users' mistakes are theirs: a stalled attachment does not cloud the array or its neighbours."""
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
