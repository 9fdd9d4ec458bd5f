"""The output of `kubectl kustomize`: valid for the API server, with one image, and complete."""

import pytest
import yaml

from cluster.client import Cluster
from support.operator_process import install
from support.rendering import (
    ALL,
    COMPONENTS,
    MANIFESTS,
    ROOT,
    VARIANTS,
    Object,
    containers,
    kustomizations,
    objects_of,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ready_for_all(cluster: Cluster) -> Cluster:
    """The cluster with the base and the namespaces of the examples installed: a dry run does not create them."""
    install(cluster)
    for name in ("storage-team", "shop", "flashsystem-simulator"):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return cluster


def test_the_api_server_accepts_the_manifests_with_strict_validation(text: str, ready_for_all: Cluster) -> None:
    args = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-"]
    known = [each for each in objects_of(text) if _is_served(each, ready_for_all)]

    output = ready_for_all.kubectl(*args, stdin=yaml.safe_dump_all(known))

    assert len(output.splitlines()) == len(known)


def test_the_api_server_would_reject_a_misspelt_field(rendered: dict[str, str], ready_for_all: Cluster) -> None:
    wrong = rendered["folder base"].replace("readOnlyRootFilesystem", "readOnlyRootFileSystem")

    with pytest.raises(Exception, match="readOnlyRootFileSystem"):
        ready_for_all.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=wrong)


def _is_served(each: Object, cluster: Cluster) -> bool:
    """Whether the API server serves the kind. Kinds of other projects (ServiceMonitor) may not be installed."""
    group = each["apiVersion"].rpartition("/")[0]
    return group.endswith((".k8s.io", "flashsystem.io")) or "." not in group or group in cluster.kubectl("api-versions")


def test_image_and_tag_are_set_in_one_place_and_match_the_package(rendered: dict[str, str]) -> None:
    (line,) = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version")]
    version = line.partition('"')[2].rstrip('"')
    (image,) = yaml.safe_load((COMPONENTS / "image" / "kustomization.yaml").read_text())["images"]
    elsewhere = [
        str(file.relative_to(MANIFESTS))
        for file in MANIFESTS.rglob("*.yaml")
        if version in file.read_text(encoding="utf-8") and file.parent != COMPONENTS / "image"
    ]

    assert image["newTag"] == version
    for variant in VARIANTS:
        images = {container["image"] for _, container in containers(objects_of(rendered[variant]))}
        assert images <= {f"{image['newName']}:{version}"}
    assert elsewhere == []


def test_every_component_has_a_comment_and_is_used_by_an_example() -> None:
    texts = {folder: (folder / "kustomization.yaml").read_text() for folder in kustomizations("Kustomization")}
    for name in ALL:
        assert (COMPONENTS / name / "kustomization.yaml").read_text().startswith("# ")
        users = [folder.name for folder, text in texts.items() if f"components/{name}" in text]
        assert users, f"no example uses manifests/components/{name}"
