"""Startup on a cluster that is not prepared for the operator, and shutdown on one that is."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import kubeconfig
from cluster.client import Cluster
from flashsystem_operator.api.metadata import Kind
from support.operator_process import NAMESPACE, ROOT, Operator, install, open_secrets
from support.program import complaint
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

CRDS = ROOT / "crds"
OPENAPI = "/openapi/v3/apis/flashsystem.io/v1alpha1"


def test_what_the_cluster_lacks_is_reported_with_what_to_apply(own_control_plane: Cluster) -> None:
    """One sequence, because each step removes the error of the step before."""
    cluster = own_control_plane
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "unprivileged"}}
    cluster.apply(account, "default")
    unprivileged = cluster.kubeconfig_for("unprivileged", "default")
    error = complaint("run", "--kubeconfig", str(unprivileged))
    assert "403" in error
    assert "apply the RBAC" in error

    admin = ("run", "--kubeconfig", str(cluster.kubeconfig))
    assert "CRDs of flashsystem.io are not installed" in complaint(*admin)

    crd = (CRDS / "flashsystemarrays.yaml").read_text()
    cluster.apply(_with_another_version_served(crd))
    until("the API server to serve it", lambda: "flashsystem.io/v1beta1" in cluster.kubectl("api-versions"))
    error = complaint(*admin)
    assert "they have version v1beta1, and this operator needs v1alpha1" in error

    cluster.apply(crd)
    until("the API server to serve it", lambda: "flashsystem.io/v1alpha1" in cluster.kubectl("api-versions"))
    error = complaint(*admin)
    assert f"not installed, or without version v1alpha1: {HOSTS}, {Kind.VOLUME.crd}, {ATTACHMENTS}" in error

    for _ in range(2):
        complaint(*admin, "--namespace=default", "--identity=operator-0", "--pod-uid=uid-0")
    (event,) = cluster.get("events", "--namespace=default", "--field-selector=reason=CannotStart")["items"]
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "operator-0", "uid": "uid-0"}
    assert event["involvedObject"] == about
    assert (event["type"], event["count"]) == ("Warning", 2)
    assert f"flashsystem-operator: {event['message']}" == error

    install(cluster)
    older = (CRDS / "flashsystemhosts.yaml").read_text().replace("quarantinedLUNs:", "frozenLUNs:")
    cluster.apply(older.replace("logins:", "sessions:"))
    until("the API server to publish it", lambda: "frozenLUNs" in cluster.kubectl("get", "--raw", OPENAPI))
    error = complaint(*admin)
    assert "of an older release than this operator: they lack FlashSystemHost status." in error
    assert "FlashSystemHost status.ports[].logins" in error
    assert "FlashSystemHost status.quarantinedLUNs" in error
    assert "kubectl apply -k crds" in error

    cluster.apply(CRDS)
    until("the API server to publish it", lambda: "quarantinedLUNs" in cluster.kubectl("get", "--raw", OPENAPI))
    shown = cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
    server = kubeconfig.Server.of(shown)
    forged = kubeconfig.write(unprivileged.with_name("forged"), server, "unprivileged", "not-a-token", "default")
    error = complaint("run", "--kubeconfig", str(forged))
    assert "401" in error
    assert "--kubeconfig" in error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_a_signal_to_stop_the_operator_releases_its_leases_and_exits_with_0(
    own_control_plane: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    cluster = own_control_plane
    install(cluster)
    operator = Operator(cluster, tmp_path / "log")
    operator.start()
    with cluster.namespace("stopping") as namespace, simulated() as simulator:
        open_secrets(cluster, namespace)
        stand = Stand(cluster, namespace)
        stand.array(simulator)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        assert any(_holders(cluster))

        os.kill(operator.pid, number)
        until("the end", lambda: not operator.running)
        assert operator.stop() == 0

        assert not any(_holders(cluster))
        assert "Traceback" not in operator.log
        assert " ERROR " not in operator.log
        stand.sweep()


def test_the_operator_waits_for_a_sent_command_before_it_exits(own_control_plane: Cluster, tmp_path: Path) -> None:
    cluster = own_control_plane
    install(cluster)
    operator = Operator(cluster, tmp_path / "log")
    operator.start()
    with cluster.namespace("stopping") as namespace, simulated() as simulator:
        open_secrets(cluster, namespace)
        stand = Stand(cluster, namespace)
        stand.array(simulator, limits={"commandTimeout": "30s"})
        stand.ready(ARRAYS, "array")
        simulator.control.fault("delay", "mkvdiskhostmap", seconds=2)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        until("the command", lambda: any("mkvdiskhostmap" in line for line in writes(simulator)))

        assert operator.stop() == 0

        assert [each["volume"] for each in simulator.control.state()["mappings"]] == ["vol0"]
        (entry,) = (each for each in simulator.control.log() if "mkvdiskhostmap" in each["line"])
        assert entry["end"] == "answered"
        assert not any(_holders(cluster))
        stand.sweep()


def _holders(cluster: Cluster) -> list[Any]:
    leases = cluster.get("leases", "--namespace", NAMESPACE)["items"]
    assert leases
    return [lease["spec"].get("holderIdentity") for lease in leases]


def _with_another_version_served(crd: str) -> dict[str, Any]:
    """Keep the old version too, not served: a version in which objects were stored cannot be removed from a CRD."""
    found: dict[str, Any] = yaml.safe_load(crd)
    (ours,) = found["spec"]["versions"]
    found["spec"]["versions"] = [{**ours, "served": False}, {**ours, "name": "v1beta1", "storage": False}]
    return found
