"""An operator for named namespaces works there with Roles alone and has no access to any other namespace."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.client import Cluster
from cluster.programs import kubectl
from flashsystem_operator.api.metadata import GROUP, Kind
from support.account import Account
from support.kinds import await_kinds
from support.operator_process import Operator, replica
from support.outputs import secret
from support.rendering import MANIFESTS, text_of
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

EXAMPLES = MANIFESTS / "examples" / "namespaced"

WATCHED = {
    *(f"{verb} {GROUP}/{kind.plural}" for kind in Kind for verb in ("get", "list", "watch", "patch")),
    *(f"patch {GROUP}/{kind.plural}/status" for kind in Kind),
    *("create events", "patch events"),
    *(f"{verb} secrets" for verb in ("get", "create", "patch", "delete")),
}
HOME = {
    *(f"{verb} coordination.k8s.io/leases" for verb in ("get", "create", "update")),
    *("create events", "patch events"),
}


@dataclass(frozen=True)
class Installation:
    """home: the namespace of the operator. one, two: watched. other: not watched."""

    cluster: Cluster
    home: str
    one: str
    two: str
    other: str

    @property
    def kubeconfig(self) -> Path:
        return self.cluster.kubeconfig_for("flashsystem-operator", self.home)

    @property
    def options(self) -> tuple[str, ...]:
        watched = (f"--watch-namespace={name}" for name in (self.one, self.two))
        return ("--namespace", self.home, "--installation-id", "team-one", *watched)


@pytest.fixture(scope="module")
def installation(own_control_plane: Cluster) -> Iterator[Installation]:
    """Installed as in the examples: the administrator's part, the operator, and two namespaces opened to it."""
    cluster = own_control_plane
    cluster.apply(EXAMPLES / "administrator")
    await_kinds(cluster)
    with (
        cluster.namespace("home") as home,
        cluster.namespace("one") as one,
        cluster.namespace("two") as two,
        cluster.namespace("other") as other,
    ):
        cluster.apply(moved("operator", home))
        for watched in (one, two):
            cluster.apply(moved("watched", home).replace("storage-team", watched))
        yield Installation(cluster, home, one, two, other)


def moved(example: str, home: str) -> str:
    return text_of(EXAMPLES / example, kubectl(os.environ)).replace("flashsystem-system", home)


@pytest.fixture(scope="module")
def operator(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    log = tmp_path_factory.mktemp("operator") / "log"
    with replica(installation.cluster, log, *installation.options, kubeconfig=installation.kubeconfig) as running:
        yield running


def test_its_account_has_rights_in_its_own_and_the_watched_namespaces_and_nowhere_else(
    installation: Installation,
) -> None:
    cluster, operator = installation.cluster, Account(installation.kubeconfig)
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "unprivileged"}}, installation.home
    )
    default_rights = Account(cluster.kubeconfig_for("unprivileged", installation.home)).rights(installation.other)

    assert operator.rights(installation.one) - default_rights == WATCHED
    assert operator.rights(installation.home) - default_rights == HOME
    assert operator.rights(installation.other) == default_rights
    for path in ("/api/v1/namespaces", "/api/v1/namespaces/kube-system", "/api/v1/persistentvolumes"):
        assert "cannot" in operator.get(path).message
    for kind in Kind:
        assert "cannot list" in operator.get(f"/apis/{GROUP}/v1alpha1/{kind.plural}").message


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
def test_it_attaches_and_detaches_there_and_sees_no_other_namespace(
    dialect: str, installation: Installation, operator: Operator
) -> None:
    assert operator.running
    one, two, other = (
        Stand(installation.cluster, name) for name in (installation.one, installation.two, installation.other)
    )
    with simulated(dialect=dialect) as simulator, simulated(dialect=dialect) as unseen:
        other.array(unseen)
        other.apply(other.host("worker-9"), other.attachment("nine", "worker-9", "vol0"))
        two.apply(two.host("worker-3", arrayRef={"name": "array", "namespace": installation.other}))
        one.array(simulator, allowedNamespaces={"from": "All"})
        one.apply(
            one.host("worker-1"), one.attachment("one", "worker-1", "vol0", connectionSecret={"name": "connection"})
        )
        two.apply(two.host("worker-2", arrayRef={"name": "array", "namespace": installation.one}))
        two.apply(two.attachment("two", "worker-2", "vol1"))

        one.ready(ATTACHMENTS, "one")
        two.ready(ATTACHMENTS, "two")
        assert {each["volume"] for each in simulator.control.state()["mappings"]} == {"vol0", "vol1"}
        assert until("the Secret", lambda: secret(one, "connection"))
        assert f"Ask the cluster administrator to watch namespace {installation.other} too" in two.await_reason(
            HOSTS, "worker-3", "ArrayNotFound"
        )

        one.delete(ATTACHMENTS, "one")
        two.delete(ATTACHMENTS, "two")
        one.delete(HOSTS, "worker-1")
        two.delete(HOSTS, "worker-2", "worker-3")
        one.delete(ARRAYS, "array")
        assert simulator.control.state()["mappings"] == []
        assert unseen.control.log() == []
        for each in other.all(ARRAYS, HOSTS, ATTACHMENTS):
            assert each["status"] == {"observedGeneration": -1}
            assert "finalizers" not in each["metadata"]
        other.sweep()


def test_a_setting_that_needs_cluster_wide_rights_is_refused_with_the_remedy(
    installation: Installation, operator: Operator
) -> None:
    assert operator.running
    stand = Stand(installation.cluster, installation.one)
    with simulated() as simulator:
        chosen = {"from": "Selector", "selector": {}}
        stand.array(simulator, allowedNamespaces=chosen, persistentVolumes="Allowed")
        stand.apply(
            stand.host("worker-1"),
            stand.attachment("one", "worker-1", "vol0", persistentVolume={"claimRef": {"name": "db"}}),
        )
        for kind, name in ((HOSTS, "worker-1"), (ATTACHMENTS, "one")):
            message = stand.await_reason(kind, name, "NamespacedInstallation")
            assert "spec.allowedNamespaces" in message
            assert "set it to from Same or All" in message
        message = stand.await_reason(ARRAYS, "array", "NamespacedInstallation", which="LabelsUnknown")
        assert "or set from to Same or All" in message
        assert writes(simulator) == []

        stand.patch(ARRAYS, "array", {"allowedNamespaces": {"from": "Same", "selector": None}})
        stand.ready(ATTACHMENTS, "one")
        until("the condition of the array to go", lambda: not stand.condition(ARRAYS, "array", "LabelsUnknown"))
        message = stand.await_reason(ATTACHMENTS, "one", "NamespacedInstallation", which="PersistentVolumeBlocked")
        assert "Remove spec.persistentVolume" in message

        stand.patch(ARRAYS, "array", {"volumeAccess": [{"namespaceSelector": {}, "volumes": ["vol*"]}]})
        stand.apply(stand.attachment("two", "worker-1", "vol1"))
        assert "leave that field out" in stand.await_reason(ATTACHMENTS, "two", "NamespacedInstallation")
        stand.delete(ATTACHMENTS, "one", "two")
        stand.sweep()


def test_a_watched_namespace_without_rights_is_named_at_startup(installation: Installation, tmp_path: Path) -> None:
    pod = ("--identity=operator-0", "--pod-uid=uid-0")
    options = (*installation.options, f"--watch-namespace={installation.other}", *pod)
    closed = Operator(installation.cluster, tmp_path / "log", options, installation.kubeconfig)
    closed.start()
    until("the end", lambda: not closed.running)

    assert closed.stop() == 2
    last = closed.log.splitlines()[-1]
    assert installation.other in last
    assert "manifests/components/watched-namespace" in last
    (event,) = installation.cluster.get("events", f"--namespace={installation.home}")["items"]
    assert (event["involvedObject"]["uid"], event["message"]) == ("uid-0", last.partition(": ")[2])
