"""Two clusters on one array do not change each other's host objects; a moved cluster recognizes its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mappings, mark, ports, writes
from support.operator_process import install, open_secrets, replica
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until


@pytest.fixture(scope="module")
def other_cluster(own_control_plane: Cluster) -> Cluster:
    """A second cluster, with CRDs, RBAC and admission policies of the manifests."""
    install(own_control_plane)
    return own_control_plane


@pytest.fixture
def far(other_cluster: Cluster) -> Iterator[Stand]:
    """A namespace of the second cluster."""
    with other_cluster.namespace("far") as name:
        open_secrets(other_cluster, name)
        stand = Stand(other_cluster, name)
        yield stand
        stand.sweep()


def host_of(simulator: Simulator, initiator: str) -> str | None:
    """The name of the host object that has an initiator."""
    return next((name for name, held in ports(simulator).items() if initiator in held), None)


def foreign(stand: Stand) -> set[str]:
    found = stand.status(ARRAYS, "array").get("audit", {}).get("foreign", {})
    return {item["host"] for item in found.get("items", [])}


def test_each_of_two_clusters_changes_only_its_own_objects_and_a_moved_one_recognizes_its_own(
    stand: Stand, far: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    stand.array(simulator, resyncInterval="2s")
    far.array(simulator, resyncInterval="2s")
    with replica(far.cluster, tmp_path / "first"):
        # Both at once, with hosts of the same names: only the digits in the name show the cluster of a host object.
        for each, initiator in ((stand, "near"), (far, "far")):
            each.apply(each.host("node", iqn(initiator)))
        stand.apply(stand.attachment("one", "node", "vol0"), stand.attachment("two", "node", "vol1"))
        far.apply(far.attachment("one", "node", "vol2"), far.attachment("two", "node", "vol3"))
        stand.ready(ATTACHMENTS, "one", "two")
        far.ready(ATTACHMENTS, "one", "two")
        near_object, far_object = host_of(simulator, iqn("near")), host_of(simulator, iqn("far"))
        assert {host for host, _, _ in mappings(simulator)} == {near_object, far_object}
        until(
            "each to see the other's as foreign",
            lambda: (foreign(stand), foreign(far)) == ({far_object}, {near_object}),
        )

        since = mark(simulator)
        far.apply(far.host("thief", iqn("near")), far.attachment("theft", "node", "vol0"))
        assert "another installation" in far.await_reason(HOSTS, "thief", "InitiatorHeldBy")
        far.await_reason(ATTACHMENTS, "theft", "VolumeMappedElsewhere", "Stalled")
        far.delete(HOSTS, "thief")
        far.delete(ATTACHMENTS, "theft")
        assert writes(simulator, since) == []

        stand.delete(ATTACHMENTS, "one", "two")
        stand.delete(HOSTS, "node")
        assert set(ports(simulator)) == {far_object}
        far.ready(ATTACHMENTS, "one", "two")

    before, since = mappings(simulator), mark(simulator)
    with replica(far.cluster, tmp_path / "unknown", "--installation-id", "moved"):
        assert "--former-installation-ids" in far.await_reason(HOSTS, "node", "InitiatorHeldBy")
        far.delete(ATTACHMENTS, "two", wait=False)
        assert "--former-installation-ids" in far.await_reason(ATTACHMENTS, "two", "InitiatorHeldBy")
        assert (mappings(simulator), writes(simulator, since)) == (before, [])

    old = far.cluster.get("namespace", "kube-system")["metadata"]["uid"]
    known = ("--installation-id", "moved", "--former-installation-ids", f"another,{old}")
    with replica(far.cluster, tmp_path / "paused", *known, "--pause-all"):
        far.ready(HOSTS, "node")
        far.ready(ATTACHMENTS, "one")
        far.apply(far.attachment("three", "node", "vol4"))
        assert "--pause-all" in far.await_reason(ATTACHMENTS, "three", "Paused")
        (line,) = far.status(ATTACHMENTS, "three")["plan"]
        assert "--pause-all" in far.await_reason(ATTACHMENTS, "two", "Paused")
        assert (mappings(simulator), writes(simulator, since)) == (before, [])

    with replica(far.cluster, tmp_path / "moved", *known):
        far.ready(ATTACHMENTS, "three")
        far.gone(ATTACHMENTS, "two")
        assert str(far_object) in line
        assert {host for host, _, _ in mappings(simulator)} == {far_object}
        far.apply(far.host("new"), far.attachment("four", "new", "vol0"))
        far.ready(ATTACHMENTS, "four")
        assert str(host_of(simulator, iqn("new")))[-14:-8] != str(far_object)[-14:-8]
        far.delete(ATTACHMENTS, "one", "three", "four")
        far.delete(HOSTS, "node", "new")
    assert simulator.control.state()["hosts"] == []
    assert not any("-force" in command["words"] for command in commands(simulator))
