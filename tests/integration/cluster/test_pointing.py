"""A shell can evaluate the output of `make -s cluster` and `make -s e2e-env`; it then works with that cluster."""

import subprocess
from pathlib import Path

import pytest

from cluster.pointing import pointing

ASK = 'eval "$LINES_OF_OURS"; echo "$KUBECONFIG"; kubectl'


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A kubectl that prints the name of its folder, which needs to be quoted."""
    return a_kubectl(tmp_path / "it's ours")


def a_kubectl(folder: Path) -> Path:
    folder.mkdir()
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\necho "{folder.name}"\n')
    program.chmod(0o755)
    return program


def evaluated(kubeconfig: Path, kubectl: Path, path: str) -> list[str]:
    lines = pointing(kubeconfig, kubectl, {"PATH": path})
    environ = {"PATH": path, "LINES_OF_OURS": lines}
    ended = subprocess.run(["/bin/bash", "-euc", ASK], env=environ, capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


def test_a_shell_without_kubectl_gets_one(tmp_path: Path, ours: Path) -> None:
    kubeconfig = tmp_path / "its $(kubeconfig)"
    empty = tmp_path / "empty"

    assert evaluated(kubeconfig, ours, str(empty)) == [str(kubeconfig), "it's ours"]


def test_a_shell_that_has_a_kubectl_keeps_it(tmp_path: Path, ours: Path) -> None:
    theirs = a_kubectl(tmp_path / "theirs")

    assert evaluated(tmp_path / "kubeconfig", ours, str(theirs.parent)) == [str(tmp_path / "kubeconfig"), "theirs"]
