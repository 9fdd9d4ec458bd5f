"""Lifecycle and login settings of a host object follow its resource, on either dialect."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, mappings, mark, ports, writes
from support.recorded_events import await_event, events
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


def messages(stand: Namespace, name: str) -> list[str]:
    return [each["message"] for each in events(stand, name)]


def test_a_persistent_host_object_exists_as_long_as_its_resource(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1", lifecycle="Persistent"))
    stand.ready(HOSTS, "worker-1")
    (name,) = ports(simulator)
    assert stand.status(HOSTS, "worker-1")["ownership"] == "Created"
    for kind, each in ((ARRAYS, "array"), (HOSTS, "worker-1")):  # what is on the array has a finalizer in the cluster
        assert stand.get(kind, each)["metadata"]["finalizers"] == ["flashsystem.io/cleanup"]

    stand.apply(stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    start = mark(simulator)
    stand.delete(ATTACHMENTS, "one")
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    assert writes(simulator, start) == ["rmvdiskhostmap", "mkvdiskhostmap"]

    stand.delete(ATTACHMENTS, "two")
    stand.patch(HOSTS, "worker-1", {"lifecycle": "OnDemand"})
    assert stand.await_reason(HOSTS, "worker-1", "NotNeeded")
    assert ports(simulator) == {}
    stand.patch(HOSTS, "worker-1", {"lifecycle": "Persistent"})
    until("the host object to exist again", lambda: list(ports(simulator)) == [name])
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


def test_retained_objects_stay_on_the_array_and_an_event_reports_it(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "admins", iqn("adopted"), volumes=("vol3",))
    stand.array(simulator)
    stand.apply(
        stand.host("kept", deletionPolicy="Retain"),
        stand.host("adopted"),
        stand.attachment("left", "kept", "vol0", deletionPolicy="Retain"),
        stand.attachment("gone", "kept", "vol1"),
        stand.attachment("found", "adopted", "vol3"),
    )
    stand.ready(ATTACHMENTS, "left", "gone", "found")
    name = stand.status(HOSTS, "kept")["name"]
    assert stand.status(ATTACHMENTS, "found")["origin"] == "Adopted"

    stand.patch(ATTACHMENTS, "found", {"deletionPolicy": "Delete"})
    stand.delete(ATTACHMENTS, "left", "gone", "found")
    assert {(host, volume) for host, volume, _ in mappings(simulator)} == {(name, "vol0")}

    admin(simulator, f"rmvdiskhostmap -host {name} vol0")  # the host object is empty, and still it stays
    stand.delete(HOSTS, "kept", "adopted")
    assert ports(simulator) == {name: [iqn("kept")], "admins": [iqn("adopted")]}
    until(
        "the Event",
        lambda: any("deletionPolicy is Retain" in each and name in each for each in messages(stand, "kept")),
    )
    assert name in {each["host"] for each in stand.status(ARRAYS, "array")["audit"]["released"]["items"]}


def test_portset_io_groups_and_type_match_the_spec_or_the_condition_explains_why_not(
    stand: Namespace, simulator: Simulator
) -> None:
    modern = simulator.dialect == "modern"
    stand.array(simulator, resyncInterval="2s")
    stand.apply(
        stand.host("placed", ioGroups=["io_grp0"], hostType="TPGS"),
        stand.host("moved", portset="portset0"),
        stand.attachment("one", "placed", "vol0"),
        stand.attachment("two", "moved", "vol1"),
    )
    stand.ready(ATTACHMENTS, "one")
    placed = next(each for each in simulator.control.state()["hosts"] if each["ports"][0]["name"] == iqn("placed"))
    assert (placed["io_groups"], placed["type"]) == ([0], "tpgs")

    if modern:
        stand.ready(ATTACHMENTS, "two")
    else:
        assert "Remove spec.portset" in stand.await_reason(HOSTS, "moved", "NotSupported", "Stalled")
        assert "spec.portset" in stand.await_reason(ATTACHMENTS, "two", "HostNotReady")
        assert not any(iqn("moved") in names for names in ports(simulator).values())
        stand.patch(HOSTS, "moved", {"portset": None})
        stand.ready(ATTACHMENTS, "two")

    simulator.control.change("host_port", iqn("placed"), logins=2)
    stand.patch(HOSTS, "placed", {"hostType": "HPUX"})
    assert "spec.hostType" in stand.await_reason(HOSTS, "placed", "HostLoggedIn")
    stand.ready(ATTACHMENTS, "one")
    stand.annotate(HOSTS, "placed", force_detach=stand.get(HOSTS, "placed")["metadata"]["uid"])
    stand.ready(HOSTS, "placed")
    assert "may have lost paths" in await_event(stand, "placed", "DoneWithWarning")
    simulator.control.change("host_port", iqn("placed"), logins=0)
    stand.patch(HOSTS, "placed", {"ioGroups": ["io_grp3"]})
    assert "io_grp3" in stand.await_reason(HOSTS, "placed", "IOGroupNotFound", "Stalled")
    stand.ready(ATTACHMENTS, "one")
