"""docs/install.md, upgrade.md and uninstall.md match the manifests, the options and the versions that exist."""

import re
from pathlib import Path

import click
import pytest

from flashsystem_operator.cli import main

ROOT = Path(__file__).parents[3]
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("install", "upgrade", "uninstall")
}
COMPONENTS = {path.name for path in (ROOT / "manifests" / "components").iterdir()}
USABLE_SINCE = {
    r"size\(": 30,
    r"(is)?(IP|CIDR|ip|cidr)\(": 31,
    r"format\.\w+\(": 32,
    r"transform(List|Map|MapEntry)\(": 33,
    r"(isSemver|semver)\(": 34,
    r"(lists\.range|sortBy|distinct|flatten)\(": 35,
}
"""Functions of CRD validation rules, and the first minor version of Kubernetes 1 that accepts them in a new CRD: one
after the version that introduced them, so that a cluster can roll back. ValidatingAdmissionPolicy v1 needs 30.
Source: baseOpts and DefaultCompatibilityVersion in pkg/cel/environment/base.go of k8s.io/apiserver."""
ON_OTHER_PAGES = {"simulator", "monitoring", "image"}


@pytest.mark.parametrize("page", PAGES)
def test_every_manifest_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"\b((?:manifests|crds)(?:/[\w.-]+)*)", PAGES[page])

    assert named
    assert [path for path in named if not (ROOT / path.rstrip(".")).exists()] == []


def test_every_component_is_described_or_used_by_an_example() -> None:
    used = [file.read_text(encoding="utf-8") for file in (ROOT / "manifests" / "examples").rglob("kustomization.yaml")]
    described = {name for name in COMPONENTS if f"components/{name}`" in PAGES["install"]}
    by_example = {name for name in COMPONENTS if any(f"components/{name}\n" in f"{text}\n" for text in used)}

    assert COMPONENTS - described - by_example - ON_OTHER_PAGES == set()


def test_every_option_that_the_pages_name_is_an_option_of_run() -> None:
    run = main.get_command(click.Context(main), "run")
    assert run
    options = {name for option in run.params for name in option.opts}
    named = {name for text in PAGES.values() for name in re.findall(r"`(--[a-z-]+)`", text)}

    assert named
    assert named <= options


def test_every_variable_of_the_examples_is_an_option_of_run() -> None:
    run = main.get_command(click.Context(main), "run")
    assert run
    known = {f"FLASHSYSTEM_RUN_{str(option.name).upper()}" for option in run.params}
    manifests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "manifests").rglob("*.yaml"))

    named = set(re.findall(r"FLASHSYSTEM_RUN_[A-Z_]+", manifests + "".join(PAGES.values()))) - {"FLASHSYSTEM_RUN_"}
    assert named <= known


def test_the_oldest_kubernetes_version_that_the_pages_name_accepts_our_rules() -> None:
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "crds").glob("*.yaml"))
    needed = max(minor for function, minor in USABLE_SINCE.items() if re.search(rf"\b{function}", rules))
    pages = PAGES["install"] + (ROOT / "README.md").read_text(encoding="utf-8")
    minors = re.findall(r"Kubernetes 1\.(\d+) or newer", pages)

    assert [int(minor) for minor in minors] == [needed, needed]


def test_dockerfile_and_page_name_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8") + PAGES["install"]
    assert version

    named = re.findall(r"flashsystem-operator:(\d[\w.]*\w)|ARG VERSION=(\S+)", text)
    assert len(named) == 4
    assert {found for each in named for found in each if found} == {version[1]}


def test_no_page_instructs_the_user_to_edit_a_finalizer() -> None:
    for text in PAGES.values():
        assert not re.search(r"(patch|edit|remove|delete)[^.]{0,40}finalizers?\b(?! needs)", text)
