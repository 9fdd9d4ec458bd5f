"""The manifests as `kubectl kustomize` renders them: each folder, and components put together as a user would."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests"
COMPONENTS = MANIFESTS / "components"
LIMIT = 60.0  # seconds

Object = dict[str, Any]

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet"}


def text_of(folder: Path, kubectl: Path) -> str:
    """The rendered YAML of a kustomization; raises CalledProcessError."""
    ended = subprocess.run(
        [str(kubectl), "kustomize", str(folder)], stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT
    )
    return ended.stdout


@cache
def objects_of(text: str) -> list[Object]:
    return [each for each in yaml.safe_load_all(text) if each]


def kustomizations(kind: str) -> list[Path]:
    """The folders of manifests/ that are a Kustomization, or a Component."""
    files = sorted(MANIFESTS.rglob("kustomization.yaml"))
    return [file.parent for file in files if yaml.safe_load(file.read_text(encoding="utf-8"))["kind"] == kind]


def together(folder: Path, components: Iterable[str], *, base: bool = True, namespace: str = "") -> Path:
    """A kustomization in `folder` of these components, on the base or alone."""
    written: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "components": [os.path.relpath(COMPONENTS / name, folder) for name in components],
    }
    written |= {"resources": [os.path.relpath(MANIFESTS / "base", folder)]} if base else {}
    written |= {"namespace": namespace} if namespace else {}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return folder


OPEN_A_NAMESPACE = {"secrets", "connection-secrets", "watched-namespace", "watched-connection-secrets"}
"""Components that are for a namespace of users, and not for the base."""
TAKE_AWAY = {"namespaced", "administrator"}
"""Components that leave out a part of the base."""
ALL = {folder.name for folder in kustomizations("Component")}
STAND_APART = {"simulator", "image"}
"""Components that have an example of their own, or are in the base."""
ADD = ALL - OPEN_A_NAMESPACE - TAKE_AWAY - STAND_APART


def variants() -> Iterator[str]:
    yield from (f"folder {folder.relative_to(MANIFESTS)}" for folder in kustomizations("Kustomization"))
    yield from (f"base and {name}" for name in sorted(ADD | TAKE_AWAY))
    yield f"base and {' '.join(sorted(ADD))}"
    yield f"base and {' '.join(['namespaced', *sorted(ADD - {'persistent-volumes'})])}"
    yield from (f"namespace with {name}" for name in sorted(OPEN_A_NAMESPACE))
    yield "namespace with secrets watched-connection-secrets"
    yield "file dist/install.yaml"


VARIANTS = sorted(set(variants()))


def pods(objects: list[Object]) -> Iterator[Object]:
    for each in objects:
        if each["kind"] in WORKLOADS:
            spec = each["spec"]
            spec = spec["jobTemplate"]["spec"] if each["kind"] == "CronJob" else spec
            yield spec["template"]["spec"] if "template" in spec else spec


def containers(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    for pod in pods(objects):
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            yield pod, container


def rules(objects: list[Object]) -> Iterator[tuple[Object, Any]]:
    for each in objects:
        if each["kind"] in {"Role", "ClusterRole"}:
            yield from ((each, rule) for rule in each["rules"])


def named(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def chooses(selector: Object, deployment: Object) -> bool:
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    return bool(selector["matchLabels"].items() <= labels.items())
