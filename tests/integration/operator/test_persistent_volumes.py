"""The PersistentVolume of an attachment: bound by a claim, unchanged while bound, and recreated while unbound."""

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
    """Allow the operator to maintain PersistentVolumes; the ones that a test leaves are deleted."""
    with keeping_volumes(stand.cluster):
        yield stand
        stand.sweep()
        stand.cluster.api.delete(VOLUMES)


def set_target_names(simulator: Simulator, *names: str) -> None:
    """Give the nodes target names that Kubernetes accepts: it requires 32 digits in an naa. name."""
    for node, name in zip(("node1", "node2"), names, strict=True):
        simulator.control.change("node", node, iscsi_name=name)


def attached(stand: Stand, simulator: Simulator, *, on: str = "Allowed", **spec: Any) -> None:
    stand.array(simulator, resyncInterval="2s", persistentVolumes=on)
    persistent_volume = {"claimRef": {"name": "data"}, **spec}
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", persistentVolume=persistent_volume))
    stand.ready(ATTACHMENTS, "one")


def source(stand: Stand) -> Any:
    return until("the PersistentVolume", lambda: volume(stand))["spec"]["iscsi"]


def phase(stand: Stand) -> str:
    current = volume(stand)
    return current["status"].get("phase", "") if current else ""


def uid(stand: Stand) -> str:
    """The uid of the PersistentVolume, which shows whether it is still the same one."""
    return str((volume(stand) or {"metadata": {"uid": ""}})["metadata"]["uid"])


def bind(stand: Stand) -> None:
    claim(stand, "data")
    until("the claim to be bound", lambda: phase(stand) == "Bound")


def test_a_claim_binds_the_volume_and_the_volume_stays_mapped_until_the_claim_is_deleted(
    allowed: Stand, simulator: Simulator
) -> None:
    set_target_names(simulator, *NAMES)
    attached(allowed, simulator, mountOptions=["discard"], nodeHostnames=["worker-1"])

    status = allowed.status(ATTACHMENTS, "one")
    created = until("the PersistentVolume", lambda: volume(allowed))
    assert created["spec"]["iscsi"] | {"fsType": "ext4"} == created["spec"]["iscsi"]
    reported = {key: created["spec"]["iscsi"].get(key) for key in ("targetPortal", "iqn", "lun", "portals")}
    connection = status["connection"]
    assert reported == {
        "targetPortal": target_portals(connection)[0],
        "iqn": target_iqns(connection)[0],
        "lun": 1,
        "portals": None,
    }
    assert created["spec"]["capacity"] == {"storage": "1Gi"}
    assert created["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert (created["spec"]["claimRef"]["namespace"], created["spec"]["claimRef"]["name"]) == (
        allowed.namespace,
        "data",
    )
    (term,) = created["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["worker-1"]
    assert created["spec"]["mountOptions"] == ["discard"]
    until("its name in the status", lambda: allowed.status(ATTACHMENTS, "one").get("persistentVolume"))

    bind(allowed)
    start = mark(simulator)
    allowed.delete(ATTACHMENTS, "one", wait=False)
    assert "data" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeInUse", "Reconciling")
    assert writes(simulator, start) == []
    assert len(mappings(simulator)) == 1

    unclaim(allowed, "data")
    allowed.gone(ATTACHMENTS, "one")
    until(
        "the deletion of the PersistentVolume", lambda: not found(allowed, f"{VOLUMES}/{created['metadata']['name']}")
    )
    assert mappings(simulator) == set()


def test_the_persistent_volume_of_a_released_attachment_is_deleted_and_its_mapping_stays(
    allowed: Stand, simulator: Simulator
) -> None:
    """Otherwise it would stay forever, and a claim could bind to it after its LUN was given to another volume."""
    set_target_names(simulator, *NAMES)
    attached(allowed, simulator)
    until("the PersistentVolume", lambda: volume(allowed))
    name = volume(allowed)["metadata"]["name"]
    start = mark(simulator)

    allowed.annotate(ATTACHMENTS, "one", release=allowed.get(ATTACHMENTS, "one")["metadata"]["uid"])
    allowed.delete(ATTACHMENTS, "one")

    allowed.gone(ATTACHMENTS, "one")
    until("the deletion of the PersistentVolume", lambda: not found(allowed, f"{VOLUMES}/{name}"))
    assert writes(simulator, start) == []
    assert len(mappings(simulator)) == 1


def test_only_the_portals_of_one_target_name_are_listed_and_all_of_them(allowed: Stand, simulator: Simulator) -> None:
    """Where the nodes share a target name, as on some arrays, the volume has a path to each node."""
    set_target_names(simulator, NAMES[0], NAMES[0])
    attached(allowed, simulator)

    connection = allowed.status(ATTACHMENTS, "one")["connection"]
    assert [source(allowed)["targetPortal"], *source(allowed)["portals"]] == target_portals(connection)

    set_target_names(simulator, *NAMES)  # it is not bound, so it is recreated
    until("one portal", lambda: volume(allowed) and "portals" not in source(allowed))
    assert source(allowed)["iqn"] == NAMES[0]


def test_a_bound_volume_is_not_changed_when_the_portals_move_and_is_recreated_once_unbound(
    allowed: Stand, simulator: Simulator
) -> None:
    set_target_names(simulator, *NAMES)
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
    until("the condition to disappear", lambda: not allowed.condition(ATTACHMENTS, "one", BLOCKED))
    bind(allowed)

    simulator.control.change("node", "node1", status="online")
    until("both portals", lambda: len(target_portals(allowed.status(ATTACHMENTS, "one")["connection"])) == 2)
    assert allowed.condition(ATTACHMENTS, "one", BLOCKED) == {}  # the node of the volume is as good as the other
    assert writes(simulator, start) == []


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_without_the_arrays_permission_none_is_created_and_an_existing_one_stays(
    allowed: Stand, simulator: Simulator
) -> None:
    attached(allowed, simulator, on="Forbidden")
    assert "persistentVolumes" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeNotAllowed", BLOCKED)
    assert volume(allowed) is None

    allowed.patch(ARRAYS, "array", {"persistentVolumes": "Allowed"})
    until("the PersistentVolume", lambda: volume(allowed))
    first = uid(allowed)
    allowed.patch(ARRAYS, "array", {"persistentVolumes": "Forbidden"})
    until("the existing volume to be accepted", lambda: not allowed.condition(ATTACHMENTS, "one", BLOCKED))
    assert uid(allowed) == first

    bind(allowed)
    allowed.patch(ATTACHMENTS, "one", {"persistentVolume": None})
    assert "data" in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeInUse", BLOCKED)
    unclaim(allowed, "data")
    until("the deletion of the PersistentVolume", lambda: volume(allowed) is None)
    until("nothing in the status", lambda: "persistentVolume" not in allowed.status(ATTACHMENTS, "one"))
    assert len(mappings(simulator)) == 1


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_a_persistent_volume_that_kubernetes_refuses_is_reported_with_its_message(
    allowed: Stand, simulator: Simulator
) -> None:
    attached(allowed, simulator)

    assert "naa." in allowed.await_reason(ATTACHMENTS, "one", "PersistentVolumeRefused", BLOCKED)
    allowed.delete(ATTACHMENTS, "one")
    allowed.delete(HOSTS, "worker-1")
    assert [each["verb"] for each in commands(simulator) if each["writes"]][-1] == "rmhost"


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_without_the_right_to_persistent_volumes_the_missing_component_is_named(
    stand: Stand, simulator: Simulator
) -> None:
    attached(stand, simulator)

    message = stand.await_reason(ATTACHMENTS, "one", "PersistentVolumeForbidden", BLOCKED)
    assert "manifests/components/persistent-volumes" in message
    stand.delete(ATTACHMENTS, "one")
    assert mappings(simulator) == set()
