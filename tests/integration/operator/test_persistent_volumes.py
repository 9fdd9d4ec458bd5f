"""The PersistentVolume of an attachment: bound by a claim, kept while it is, and made anew when nobody uses it."""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mappings, mark, target_iqns, target_portals, writes
from support.operator_process import keeping_volumes
from support.outputs import VOLUMES, claim, found, unclaim, volume
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

BLOCKED = "PersistentVolumeBlocked"
NAMES = "iqn.1986-03.com.ibm:2145.fs.node1", "iqn.1986-03.com.ibm:2145.fs.node2"


@pytest.fixture
def allowed(stand: Stand) -> Iterator[Stand]:
    """The operator may keep PersistentVolumes; what a test leaves of them is swept."""
    with keeping_volumes(stand.cluster):
        yield stand
        stand.sweep()
        stand.cluster.api.delete(VOLUMES)


def named(simulator: Simulator, *names: str) -> None:
    """Give the nodes target names that Kubernetes takes: of an naa. name it wants 32 digits."""
    for node, name in zip(("node1", "node2"), names, strict=True):
        simulator.control.change("node", node, iscsi_name=name)


def attached(stand: Stand, simulator: Simulator, *, on: str = "Allowed", **wished: Any) -> None:
    stand.array(simulator, resyncInterval="2s", persistentVolumes=on)
    wish = {"claimRef": {"name": "data"}, **wished}
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", persistentVolume=wish))
    stand.ready(ATTACHMENTS, "one")


def source(stand: Stand) -> Any:
    return until("the PersistentVolume", lambda: volume(stand))["spec"]["iscsi"]


def phase(stand: Stand) -> str:
    there = volume(stand)
    return there["status"].get("phase", "") if there else ""


def uid(stand: Stand) -> str:
    """Of the PersistentVolume: whether it is still the same one."""
    return str((volume(stand) or {"metadata": {"uid": ""}})["metadata"]["uid"])


def bind(stand: Stand) -> None:
    claim(stand, "data")
    until("the claim to be bound", lambda: phase(stand) == "Bound")


def test_a_claim_takes_the_volume_and_the_volume_stays_mapped_until_it_lets_go(
    allowed: Stand, simulator: Simulator
) -> None:
    named(simulator, *NAMES)
    attached(allowed, simulator, mountOptions=["discard"], nodeHostnames=["worker-1"])

    said = allowed.status(ATTACHMENTS, "one")
    made = until("the PersistentVolume", lambda: volume(allowed))
    assert made["spec"]["iscsi"] | {"fsType": "ext4"} == made["spec"]["iscsi"]
    told = {key: made["spec"]["iscsi"].get(key) for key in ("targetPortal", "iqn", "lun", "portals")}
    way = said["connection"]
    assert told == {"targetPortal": target_portals(way)[0], "iqn": target_iqns(way)[0], "lun": 1, "portals": None}
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert (made["spec"]["claimRef"]["namespace"], made["spec"]["claimRef"]["name"]) == (allowed.namespace, "data")
    (term,) = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["worker-1"]
    assert made["spec"]["mountOptions"] == ["discard"]
    until("its name in the status", lambda: allowed.status(ATTACHMENTS, "one").get("persistentVolume"))

    bind(allowed)
    start = mark(simulator)
    allowed.delete(ATTACHMENTS, "one", wait=False)
    assert "data" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeInUse", "Reconciling")
    assert writes(simulator, start) == []
    assert len(mappings(simulator)) == 1

    unclaim(allowed, "data")
    allowed.gone(ATTACHMENTS, "one")
    until("the end of the PersistentVolume", lambda: not found(allowed, f"{VOLUMES}/{made['metadata']['name']}"))
    assert mappings(simulator) == set()


def test_the_volume_of_an_attachment_that_is_let_go_goes_too_and_what_is_mapped_stays(
    allowed: Stand, simulator: Simulator
) -> None:
    """Nobody would take it away later, and a claim could bind to it when its LUN is another volume's by then."""
    named(simulator, *NAMES)
    attached(allowed, simulator)
    until("the PersistentVolume", lambda: volume(allowed))
    name = volume(allowed)["metadata"]["name"]
    start = mark(simulator)

    allowed.annotate(ATTACHMENTS, "one", release=allowed.get(ATTACHMENTS, "one")["metadata"]["uid"])
    allowed.delete(ATTACHMENTS, "one")

    allowed.gone(ATTACHMENTS, "one")
    until("the end of the PersistentVolume", lambda: not found(allowed, f"{VOLUMES}/{name}"))
    assert writes(simulator, start) == []
    assert len(mappings(simulator)) == 1


def test_only_the_portals_of_one_target_name_are_told_and_all_of_them(allowed: Stand, simulator: Simulator) -> None:
    """Where the nodes share a name, as some arrays do, the volume has a path to each."""
    named(simulator, NAMES[0], NAMES[0])
    attached(allowed, simulator)

    said = allowed.status(ATTACHMENTS, "one")["connection"]
    assert [source(allowed)["targetPortal"], *source(allowed)["portals"]] == target_portals(said)

    named(simulator, *NAMES)  # nobody uses it: it is made anew
    until("one portal", lambda: volume(allowed) and "portals" not in source(allowed))
    assert source(allowed)["iqn"] == NAMES[0]


def test_a_volume_that_is_bound_is_not_touched_when_the_portals_move_and_made_anew_afterwards(
    allowed: Stand, simulator: Simulator
) -> None:
    named(simulator, *NAMES)
    attached(allowed, simulator)
    bind(allowed)
    first = uid(allowed)
    start = mark(simulator)

    simulator.control.change("node", "node1", status="offline")
    message = allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeOutdated", BLOCKED)
    assert "delete the claim" in message
    assert allowed.condition(ATTACHMENTS, "one")["status"] == "True"
    assert uid(allowed) == first

    unclaim(allowed, "data")
    until("another volume", lambda: uid(allowed) not in ("", first))
    assert source(allowed)["iqn"] == NAMES[1]
    until("nothing in the way", lambda: not allowed.condition(ATTACHMENTS, "one", BLOCKED))
    bind(allowed)

    simulator.control.change("node", "node1", status="online")
    until("both portals", lambda: len(target_portals(allowed.status(ATTACHMENTS, "one")["connection"])) == 2)
    assert allowed.condition(ATTACHMENTS, "one", BLOCKED) == {}  # its node is as good as the other
    assert writes(simulator, start) == []


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_without_the_arrays_permission_none_is_made_and_one_that_is_there_stays(
    allowed: Stand, simulator: Simulator
) -> None:
    attached(allowed, simulator, on="Forbidden")
    assert "persistentVolumes" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeNotAllowed", BLOCKED)
    assert volume(allowed) is None

    allowed.patch(ARRAYS, "array", {"persistentVolumes": "Allowed"})
    until("the PersistentVolume", lambda: volume(allowed))
    first = uid(allowed)
    allowed.patch(ARRAYS, "array", {"persistentVolumes": "Forbidden"})
    until("its acceptance", lambda: not allowed.condition(ATTACHMENTS, "one", BLOCKED))
    assert uid(allowed) == first

    bind(allowed)
    allowed.patch(ATTACHMENTS, "one", {"persistentVolume": None})
    assert "data" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeInUse", BLOCKED)
    unclaim(allowed, "data")
    until("the end of the PersistentVolume", lambda: volume(allowed) is None)
    until("nothing in the status", lambda: "persistentVolume" not in allowed.status(ATTACHMENTS, "one"))
    assert len(mappings(simulator)) == 1


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_what_kubernetes_does_not_take_is_told_in_its_own_words(allowed: Stand, simulator: Simulator) -> None:
    attached(allowed, simulator)

    assert "naa." in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeRefused", BLOCKED)
    allowed.delete(ATTACHMENTS, "one")
    allowed.delete(HOSTS, "worker-1")
    assert [each["verb"] for each in commands(simulator) if each["writes"]][-1] == "rmhost"


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_without_the_right_to_it_the_missing_component_is_named(stand: Stand, simulator: Simulator) -> None:
    attached(stand, simulator)

    message = stand.await_reason(ATTACHMENTS, "one", "PersistentVolumeForbidden", BLOCKED)
    assert "manifests/components/persistent-volumes" in message
    stand.delete(ATTACHMENTS, "one")
    assert mappings(simulator) == set()
