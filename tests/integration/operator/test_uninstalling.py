"""The steps of docs/uninstall.md leave nothing, and recovery from the wrong order needs no edit of a finalizer."""

import re
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.operator_process import ROOT, Operator, install, open_secrets
from support.outcomes import layout
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

pytestmark = pytest.mark.long

PAGE = (ROOT / "docs" / "uninstall.md").read_text(encoding="utf-8")
IN_ORDER, SHOWN, AGAIN, AT_LAST = (
    [line.strip().removeprefix("kubectl ").replace("manifests/base", str(ROOT / "manifests" / "base")) for line in each]
    for each in (
        re.findall(r"^ {4}(kubectl .*)$", block, re.MULTILINE) for block in re.findall(r"(?m)(?:^ {4}.*\n)+", PAGE)
    )
)
EMPTY: dict[str, list[Any]] = {"hosts": [], "mappings": []}
OURS = (
    "crd,clusterrole,clusterrolebinding,namespace,validatingadmissionpolicy,validatingadmissionpolicybinding",
    "--selector=app.kubernetes.io/part-of=flashsystem",
    "--output=name",
)


def attached(cluster: Cluster, namespace: str, simulator: Simulator) -> Stand:
    open_secrets(cluster, namespace)
    stand = Stand(cluster, namespace)
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    return stand


def follow(cluster: Cluster, commands: list[str]) -> None:
    assert commands
    for command in commands:
        cluster.kubectl(*command.split())


def crds(cluster: Cluster) -> set[str]:
    return set(cluster.kubectl("get", "crd", "--output=name").split())


def left(cluster: Cluster) -> list[str]:
    """The objects that the command of the page finds."""
    (command,) = SHOWN
    return cluster.kubectl(*command.split(), "--output=name").splitlines()


def test_the_order_of_the_page_leaves_nothing_on_the_array_and_nothing_in_the_cluster(
    own_control_plane: Cluster, tmp_path: Path
) -> None:
    cluster = own_control_plane
    install(cluster)
    operator = Operator(cluster, tmp_path / "log")
    operator.start()
    with cluster.namespace("leaving") as namespace, simulated(dialect="legacy") as simulator:
        attached(cluster, namespace, simulator)

        assert len(left(cluster)) > 5
        follow(cluster, IN_ORDER)

        assert layout(simulator) == EMPTY
        operator.stop()
    until("all to be gone", lambda: cluster.kubectl("get", *OURS) == "")
    assert left(cluster) == []


def test_in_the_wrong_order_nothing_is_lost_and_reinstalling_the_operator_completes_it(
    own_control_plane: Cluster, tmp_path: Path
) -> None:
    cluster = own_control_plane
    install(cluster)
    operator = Operator(cluster, tmp_path / "log")
    operator.start()
    with cluster.namespace("leaving") as namespace, simulated(dialect="modern") as simulator:
        stand = attached(cluster, namespace, simulator)
        operator.stop()
        had_objects = {f"customresourcedefinition.apiextensions.k8s.io/{kind}" for kind in (ARRAYS, HOSTS, ATTACHMENTS)}
        assert had_objects < crds(cluster)
        cluster.kubectl("delete", "--kustomize", str(ROOT / "manifests" / "base"), "--wait=false")
        until("the host to be deleted", lambda: "deletionTimestamp" in stand.get(HOSTS, "worker-1")["metadata"])
        assert len(layout(simulator)["mappings"]) == 1

        follow(cluster, AGAIN)
        operator = Operator(cluster, tmp_path / "again")
        operator.start()

        # One without objects was gone at once, and was created again with the operator.
        until("the CRDs that had objects to be gone", lambda: not had_objects & crds(cluster))
        assert layout(simulator) == EMPTY
        until("the operator to wait for the CRDs", lambda: "not installed" in operator.log)
        follow(cluster, AT_LAST)
        operator.stop()
        assert "Traceback" not in operator.log
    until("all to be gone", lambda: cluster.kubectl("get", *OURS) == "")
