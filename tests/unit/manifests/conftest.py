"""Every manifest, rendered in every way that a user would render it, once per test run."""

import os
from pathlib import Path

import pytest
from tools.install_yaml import write

from cluster.missing import Missing
from cluster.programs import kubectl as find_kubectl
from support.rendering import MANIFESTS, VARIANTS, Object, objects_of, text_of, together


@pytest.fixture(scope="session")
def kubectl() -> Path:
    try:
        return find_kubectl(os.environ)
    except Missing as why:
        pytest.skip(f"no kubectl: {why}")


@pytest.fixture(scope="session")
def rendered(kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each variant, rendered on first use: pytest keeps the dictionary for all tests."""

    class Texts(dict[str, str]):
        def __missing__(self, variant: str) -> str:
            self[variant] = _text(variant, kubectl, tmp_path_factory.mktemp("rendered"))
            return self[variant]

    return Texts()


def _text(variant: str, kubectl: Path, folder: Path) -> str:
    mode, _, rest = variant.partition(" ")
    if mode == "file":
        write(folder / "install.yaml")
        return (folder / "install.yaml").read_text(encoding="utf-8")
    if mode == "folder":
        return text_of(MANIFESTS / rest, kubectl)
    namespace_only, names = mode == "namespace", rest.split()[1:]
    return text_of(
        together(folder, names, base=not namespace_only, namespace="storage-team" if namespace_only else ""), kubectl
    )


@pytest.fixture(params=VARIANTS)
def text(request: pytest.FixtureRequest, rendered: dict[str, str]) -> str:
    return rendered[request.param]


@pytest.fixture
def objects(text: str) -> list[Object]:
    return objects_of(text)
