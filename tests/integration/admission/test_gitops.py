"""A real API server and a real kubectl accept what GitOps tools apply."""

import json
from pathlib import Path

from tools.argo import PATCH, SCRIPT

from cluster.client import Cluster
from flashsystem_operator.api.metadata import GROUP, Kind

STORAGE = Path(__file__).parents[3] / "manifests" / "examples" / "gitops" / "storage"
KEY = f"resource.customizations.health.{GROUP}"


def test_the_example_git_folder_is_accepted_as_it_is(with_crds: Cluster) -> None:
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "storage-team"}}
    with_crds.kubectl("apply", "--filename=-", stdin=json.dumps(team))

    output = with_crds.kubectl("apply", "--dry-run=server", "--server-side", "--kustomize", str(STORAGE))

    assert sorted(line.partition("/")[0] for line in output.splitlines()) == sorted(
        f"{kind.value.lower()}.{GROUP}" for kind in (Kind.ARRAY, Kind.HOST, Kind.VOLUME, Kind.ATTACHMENT)
    )


def test_the_patch_for_argo_cd_gives_each_kind_its_script_and_keeps_the_rest(
    with_crds: Cluster, namespace: str
) -> None:
    where = f"--namespace={namespace}"
    with_crds.kubectl("create", "configmap", "argocd-cm", "--from-literal=url=https://argo.example.com", where)

    with_crds.kubectl("patch", "configmap", "argocd-cm", where, f"--patch-file={PATCH}")

    script = SCRIPT.read_text(encoding="utf-8")
    found = with_crds.get("configmap", "argocd-cm", where)["data"]
    assert found == {"url": "https://argo.example.com"} | {f"{KEY}_{kind}": script for kind in Kind}
