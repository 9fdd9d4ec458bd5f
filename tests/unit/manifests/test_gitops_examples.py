"""The examples for Flux and Argo CD: fields that their APIs have, paths that exist, and the right order.

Their CRDs are not installed on our API servers. Sources of the fields: docs/spec/v1/kustomizations.md of
fluxcd/kustomize-controller, docs/spec/v1/gitrepositories.md of fluxcd/source-controller, and
docs/operator-manual/application.yaml of argoproj/argo-cd.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashsystem_operator.api.metadata import API_VERSION, Kind

FOLDER = Path(__file__).parents[3] / "manifests" / "examples" / "gitops"
WAVE = "argocd.argoproj.io/sync-wave"

FIELDS = {
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): {"interval", "url", "ref.branch"},
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): {
        *("sourceRef.kind", "sourceRef.name", "path", "interval", "retryInterval", "timeout", "prune", "wait"),
        *("deletionPolicy", "dependsOn.name"),
        *(f"healthChecks.{name}" for name in ("apiVersion", "kind", "name", "namespace")),
    },
    ("argoproj.io/v1alpha1", "Application"): {
        *("project", "source.repoURL", "source.targetRevision", "source.path"),
        *("destination.server", "destination.namespace", "syncPolicy.syncOptions"),
        *(f"syncPolicy.automated.{name}" for name in ("prune", "selfHeal", "allowEmpty")),
        *(
            "syncPolicy.retry.limit",
            *(f"syncPolicy.retry.backoff.{name}" for name in ("duration", "factor", "maxDuration")),
        ),
    },
}
"""The fields below `spec` that the examples may use."""


def documents(path: Path) -> list[dict[str, Any]]:
    return [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path


KUSTOMIZATIONS = {
    each["metadata"]["name"]: each["spec"]
    for each in documents(FOLDER / "flux.yaml")
    if each["kind"] == "Kustomization"
}
(APPLICATION,) = documents(FOLDER / "argo-cd.yaml")


def resources_in(folder: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield the resources of a kustomization, each with its namespace and its sync wave."""
    (built,) = documents(folder / "kustomization.yaml")
    for name in built["resources"]:
        if (folder / name).is_dir():
            yield from resources_in(folder / name)
            continue
        for each in documents(folder / name):
            yield each, built["namespace"], built["commonAnnotations"][WAVE]


@pytest.mark.parametrize("path", [FOLDER / "flux.yaml", FOLDER / "argo-cd.yaml"], ids=lambda path: path.name)
def test_every_field_exists_in_the_api(path: Path) -> None:
    for each in documents(path):
        assert set(leaves(each["spec"])) <= FIELDS[each["apiVersion"], each["kind"]]


def test_flux_builds_existing_folders_in_an_order_without_cycles() -> None:
    done: set[str] = set()
    for name, spec in KUSTOMIZATIONS.items():
        assert (FOLDER / spec["path"] / "kustomization.yaml").exists()
        assert {each["name"] for each in spec.get("dependsOn", ())} <= done, "what it depends on comes before it"
        done.add(name)

    assert [
        name for name, spec in KUSTOMIZATIONS.items() if not spec.get("wait") and not spec.get("healthChecks")
    ] == []
    assert not any("force" in spec for spec in KUSTOMIZATIONS.values())


def test_flux_checks_the_health_of_what_it_applies() -> None:
    for spec in KUSTOMIZATIONS.values():
        applied = {
            (each["kind"], each["metadata"]["name"], where) for each, where, _ in resources_in(FOLDER / spec["path"])
        }
        for check in spec.get("healthChecks", ()):
            assert check["apiVersion"] == API_VERSION
            assert (check["kind"], check["name"], check["namespace"]) in applied


def test_argo_cd_creates_arrays_then_hosts_and_volumes_then_attachments_and_deletes_in_reverse_order() -> None:
    waves = {each["kind"]: wave for each, _, wave in resources_in(FOLDER / APPLICATION["spec"]["source"]["path"])}

    assert waves == {Kind.ARRAY: "0", Kind.HOST: "1", Kind.VOLUME: "1", Kind.ATTACHMENT: "2"}
    # PruneLast would put all deletions into one wave after the others, so their order would be lost.
    assert "PruneLast=true" not in APPLICATION["spec"]["syncPolicy"]["syncOptions"]


def test_neither_tool_deletes_the_data_of_a_volume_that_is_removed_from_git() -> None:
    volumes = [each for each, _, _ in resources_in(FOLDER / "storage") if each["kind"] == Kind.VOLUME]

    assert [each["spec"]["deletionPolicy"] for each in volumes] == ["Retain"]
    (annotations,) = [each["metadata"]["annotations"] for each in volumes]
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"


def test_argo_cd_never_deletes_and_recreates_and_never_deletes_everything_at_once() -> None:
    policy = APPLICATION["spec"]["syncPolicy"]

    assert not any(each.startswith(("Replace", "Force")) for each in policy["syncOptions"])
    assert policy["automated"]["allowEmpty"] is False
    (array,) = [each for each, _, _ in resources_in(FOLDER / "storage" / "array") if each["kind"] == Kind.ARRAY]
    assert array["spec"]["detachRateLimit"]
