"""An array serves only the namespaces that it allows, and none of them learns about another."""

import json

import pytest

from cluster.api import path_to
from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, mappings, mark, writes
from support.local_operator import LocalCluster
from support.recorded_events import all_events
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

LABEL = "storage.example.com/tenant"
CHOSEN = {"from": "Selector", "selector": {"matchLabels": {LABEL: "yes"}}}


@pytest.fixture
def teams(cluster_here: LocalCluster) -> tuple[Namespace, Namespace]:
    """Two further namespaces whose Secrets the operator does not read. Their names are canaries."""
    return cluster_here.namespace("magpie"), cluster_here.namespace("heron")


def on(array: Namespace) -> dict[str, str]:
    """The arrayRef of a host in another namespace."""
    return {"name": "array", "namespace": array.namespace}


def label(team: Namespace, value: str | None) -> None:
    """Set the label that the array selects by, or remove it with None."""
    team.api.patch(path_to("v1", "namespaces", team.namespace), {"metadata": {"labels": {LABEL: value}}})


def test_an_array_serves_the_namespaces_its_selector_matches_and_label_changes_unmap_nothing(
    stand: Namespace, teams: tuple[Namespace, Namespace], simulator: Simulator
) -> None:
    team, _ = teams
    stand.array(
        simulator,
        allowedNamespaces=CHOSEN,
        volumeAccess=[{"namespaceSelector": CHOSEN["selector"], "volumes": ["vol[0-2]"]}],
    )
    team.apply(team.host("node", arrayRef=on(stand)), team.attachment("one", "node", "vol0"))
    assert "spec.allowedNamespaces" in team.await_reason(HOSTS, "node", "ArrayNotAllowed", "Stalled")
    assert "spec.allowedNamespaces" in team.await_reason(ATTACHMENTS, "one", "ArrayNotAllowed", "Stalled")
    assert "volume" not in team.status(ATTACHMENTS, "one")

    label(team, "yes")
    team.ready(ATTACHMENTS, "one")
    team.apply(team.attachment("other", "node", "vol3"))
    assert "spec.volumeAccess" in team.await_reason(ATTACHMENTS, "other", "VolumeNotAllowed", "Stalled")
    assert {volume for _, volume, _ in mappings(simulator)} == {"vol0"}

    label(team, None)
    team.await_reason(HOSTS, "node", "ArrayNotAllowed", "Stalled")
    since = mark(simulator)
    team.apply(team.attachment("two", "node", "vol1"))
    team.await_reason(ATTACHMENTS, "two", "ArrayNotAllowed", "Stalled")
    team.patch(HOSTS, "node", {"initiators": {"iscsi": [iqn("node"), iqn("new")]}})
    team.await_reason(HOSTS, "node", "ArrayNotAllowed", "Stalled")
    assert team.condition(ATTACHMENTS, "one")["status"] == "True"
    assert writes(simulator, since) == []
    assert {volume for _, volume, _ in mappings(simulator)} == {"vol0"}

    team.delete(ATTACHMENTS, "one", "two", "other")
    team.delete(HOSTS, "node")
    assert writes(simulator, since) == ["rmvdiskhostmap", "rmhost"]
    assert simulator.control.state()["hosts"] == []


def test_only_a_namespace_that_may_adopt_learns_of_an_administrators_host_and_uses_it(
    stand: Namespace, teams: tuple[Namespace, Namespace], simulator: Simulator
) -> None:
    team, _ = teams
    foreign_host(simulator, "admins", iqn("node"), volumes=("vol4",))
    stand.array(simulator, allowedNamespaces={"from": "All"})
    team.apply(team.host("node", arrayRef=on(stand)), team.attachment("found", "node", "vol4"))

    assert "spec.hostAdoption" in team.await_reason(HOSTS, "node", "AdoptionNotAllowed", "Stalled")
    team.await_reason(ATTACHMENTS, "found", "HostNotReady")
    assert "admins" not in statuses_and_events(team)
    assert writes(simulator) == []

    stand.patch(ARRAYS, "array", {"hostAdoption": {"from": "All"}})
    team.ready(ATTACHMENTS, "found")
    team.ready(HOSTS, "node")
    stand.patch(ARRAYS, "array", {"hostAdoption": {"from": "Same"}})
    team.await_reason(HOSTS, "node", "AdoptionNotAllowed", "Stalled")
    team.apply(team.attachment("new", "node", "vol1"))
    team.await_reason(ATTACHMENTS, "new", "AdoptionNotAllowed", "Stalled")
    assert team.condition(ATTACHMENTS, "found")["status"] == "True"
    assert writes(simulator) == []
    assert mappings(simulator) == {("admins", "vol4", 0)}


def statuses_and_events(team: Namespace) -> str:
    """All statuses and Events of a namespace."""
    texts = [each.get("status") for each in team.all(ARRAYS, HOSTS, ATTACHMENTS)]
    texts += [[each["message"], each["reason"]] for each in all_events(team)]
    return json.dumps(texts)


def test_no_status_and_no_event_names_an_object_of_another_namespace(
    stand: Namespace, teams: tuple[Namespace, Namespace], simulator: Simulator
) -> None:
    """Two teams conflict with each other in as many ways as possible; each has canaries in all its names."""
    magpie, heron = teams
    stand.array(simulator, resyncInterval="2s", allowedNamespaces={"from": "All"}, hostAdoption={"from": "All"})
    magpie.apply(
        magpie.host("magpie-node", arrayRef=on(stand)),
        magpie.host("magpie-claim", iqn("claimed-by-both"), arrayRef=on(stand)),
        magpie.attachment("magpie-alone", "magpie-node", "vol0"),
        magpie.attachment("magpie-shared", "magpie-node", "vol1", access="Shared"),
        magpie.attachment("magpie-claim", "magpie-claim", "vol2"),
        magpie.attachment("magpie-left", "magpie-node", "vol3", deletionPolicy="Retain"),
    )
    magpie.ready(ATTACHMENTS, "magpie-alone", "magpie-shared", "magpie-claim", "magpie-left")
    magpie.delete(ATTACHMENTS, "magpie-left")
    magpie.patch(HOSTS, "magpie-node", {"initiators": {"iscsi": [iqn("magpie-node"), iqn("wanted")]}})
    until("the initiator to be on the array", lambda: iqn("wanted") in json.dumps(simulator.control.state()["hosts"]))
    heron.apply(
        heron.host("heron-node", arrayRef=on(stand)),
        heron.host("heron-second", arrayRef=on(stand)),
        heron.host("heron-claim", iqn("claimed-by-both"), arrayRef=on(stand)),
        heron.attachment("heron-alone", "heron-node", "vol0"),
        heron.attachment("heron-shared", "heron-second", "vol0", access="Shared"),
        heron.attachment("heron-exclusive", "heron-node", "vol1"),
        heron.attachment("heron-left", "heron-node", "vol3"),
        heron.attachment("heron-claim", "heron-claim", "vol4"),
        heron.host("heron-wants", iqn("wanted"), arrayRef=on(stand)),
    )
    for name in ("heron-alone", "heron-exclusive", "heron-left"):
        assert "another host" in heron.await_reason(ATTACHMENTS, name, "VolumeMappedElsewhere", "Stalled")
    assert "of another namespace" in heron.await_reason(ATTACHMENTS, "heron-shared", "VolumeInUse", "Stalled")
    assert "of another namespace" in heron.await_reason(HOSTS, "heron-claim", "InitiatorClaimed", "Stalled")
    assert "of another namespace" in heron.await_reason(HOSTS, "heron-wants", "InitiatorClaimed", "Stalled")
    magpie.patch(HOSTS, "magpie-node", {"initiators": {"iscsi": [iqn("magpie-node")]}})
    heron.ready(HOSTS, "heron-wants")
    stand.patch(ARRAYS, "array", {"multiHostMapping": "Forbidden"})
    heron.patch(ATTACHMENTS, "heron-exclusive", {"access": "Shared"})
    heron.await_reason(ATTACHMENTS, "heron-exclusive", "MultiHostMappingForbidden", "Stalled")
    stand.delete(ARRAYS, "array", wait=False)
    assert (
        "2" in stand.await_reason(ARRAYS, "array", "InUse")
        or "VolumeAttachments" in stand.condition(ARRAYS, "array")["message"]
    )
    heron.delete(ATTACHMENTS, "heron-alone")
    admin(simulator, "rmvdiskhostmap -host " + _host_of(simulator, "vol3") + " vol3")
    # The audit of the array names host objects, which are named for their resources.
    until("the audit to end", lambda: not stand.status(ARRAYS, "array")["audit"]["released"].get("items"))

    for team, bird in ((magpie, "heron"), (heron, "magpie"), (stand, "magpie"), (stand, "heron")):
        assert bird not in statuses_and_events(team)


def _host_of(simulator: Simulator, volume: str) -> str:
    return next(host for host, name, _ in mappings(simulator) if name == volume)
