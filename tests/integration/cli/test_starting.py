"""Starting on a cluster that is not ready for the operator, and stopping on one that is."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import kubeconfig
from cluster.client import Cluster
from support.operator_process import NAMESPACE, ROOT, Operator, install, open_secrets
from support.program import complaint
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

CRDS = ROOT / "crds"
OPENAPI = "/openapi/v3/apis/flashsystem.io/v1alpha1"


def test_what_the_cluster_lacks_is_told_with_what_to_apply(own_control_plane: Cluster) -> None:
    """One story, since each step takes away the reason of the one before."""
    cluster = own_control_plane
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "nobody"}}
    cluster.apply(account, "default")
    nobody = cluster.kubeconfig_for("nobody", "default")
    said = complaint("run", "--kubeconfig", str(nobody))
    assert "403" in said
    assert "apply the RBAC" in said

    admin = ("run", "--kubeconfig", str(cluster.kubeconfig))
    assert "CRDs of flashsystem.io are not installed" in complaint(*admin)

    crd = (CRDS / "flashsystemarrays.yaml").read_text()
    cluster.apply(_with_another_version_served(crd))
    until("the API server to serve it", lambda: "flashsystem.io/v1beta1" in cluster.kubectl("api-versions"))
    said = complaint(*admin)
    assert "they have version v1beta1, and this operator needs v1alpha1" in said

    cluster.apply(crd)
    until("the API server to serve it", lambda: "flashsystem.io/v1alpha1" in cluster.kubectl("api-versions"))
    said = complaint(*admin)
    assert f"not installed, or without version v1alpha1: {HOSTS}, {ATTACHMENTS}" in said

    for _ in range(2):
        complaint(*admin, "--namespace=default", "--identity=operator-0", "--pod-uid=uid-0")
    (event,) = cluster.get("events", "--namespace=default", "--field-selector=reason=CannotStart")["items"]
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "operator-0", "uid": "uid-0"}
    assert event["involvedObject"] == about
    assert (event["type"], event["count"]) == ("Warning", 2)
    assert f"flashsystem-operator: {event['message']}" == said

    install(cluster)
    older = (CRDS / "flashsystemhosts.yaml").read_text().replace("quarantinedLUNs:", "frozenLUNs:")
    cluster.apply(older.replace("logins:", "sessions:"))
    until("the API server to publish it", lambda: "frozenLUNs" in cluster.kubectl("get", "--raw", OPENAPI))
    said = complaint(*admin)
    assert "of an older release than this operator: they lack FlashSystemHost status." in said
    assert "FlashSystemHost status.ports[].logins" in said
    assert "FlashSystemHost status.quarantinedLUNs" in said
    assert "kubectl apply -k crds" in said

    cluster.apply(CRDS)
    until("the API server to publish it", lambda: "quarantinedLUNs" in cluster.kubectl("get", "--raw", OPENAPI))
    shown = cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
    server = kubeconfig.Server.of(shown)
    forged = kubeconfig.write(nobody.with_name("forged"), server, "nobody", "not-a-token", "default")
    said = complaint("run", "--kubeconfig", str(forged))
    assert "401" in said
    assert "--kubeconfig" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_lets_its_leases_go_and_ends_well(
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


def test_a_command_that_was_sent_is_waited_for_before_the_end(own_control_plane: Cluster, tmp_path: Path) -> None:
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
    """Not by that version alone: what was stored once could not be taken back without a deletion of the CRD."""
    found: dict[str, Any] = yaml.safe_load(crd)
    (ours,) = found["spec"]["versions"]
    found["spec"]["versions"] = [{**ours, "served": False}, {**ours, "name": "v1beta1", "storage": False}]
    return found
