"""YAML is read as Kubernetes reads it and written so that it is, and no error message shows what may be a secret."""

from pathlib import Path
from typing import Any

import pytest

from flashsystem_operator.cli.manifests import NotYaml, documents
from flashsystem_operator.cli.screen import document
from support.manifest_files import CANARY

from .conftest import Run

BAD = {
    "{{ .Values.fs1 }}": "line 1: a key is a list or a mapping, as with {{ }} of a template",
    "? [a, b]\n: c": "line 1: a key is a list or a mapping",
    "a: 1\na: 2": "line 2: the key 'a' is there twice",
    "a: .nan": "digits that are no number",
    "a: 0b_": "digits that are no number",
    "a: &a [*a]": "a list or mapping inside itself",
    "[" * 3000: "too deeply nested lists or mappings",
    "a: !!binary aGVsbG8=": "put text that begins with ! in quotes",
    "a: !!set {b}": "put text that begins with ! in quotes",
    f"password: *{CANARY}": "put text that begins with * in quotes",
    f"password: !{CANARY}": "put text that begins with ! in quotes",
    "a: @b": "line 1: found character '@'",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:20])
def test_invalid_yaml_is_reported_with_the_remedy_and_without_a_secret(text: str) -> None:
    with pytest.raises(NotYaml) as error:
        documents(text)

    assert BAD[text] in str(error.value)
    assert CANARY not in str(error.value)


AS_KUBERNETES: dict[str, Any] = {
    "60050768E1": 600507680.0,
    "y": True,
    "N": False,
    "2026-01-01": "2026-01-01",
    "'y'": "y",
    "node": "node",
    "{5: a}": {"5": "a"},
}
"""What kubectl makes of it; a plain Python parser reads most of these differently."""


@pytest.mark.parametrize("text", AS_KUBERNETES)
def test_a_scalar_is_read_as_kubernetes_reads_it(text: str) -> None:
    assert documents(text) == [AS_KUBERNETES[text]]


@pytest.mark.parametrize(
    "text", ["y", "n", "Y", "N", "yes", "on", "null", "60050768E1", "1e5", "0x1", "2026-01-01", "~"]
)
def test_a_string_that_is_written_is_read_back_as_that_string(text: str) -> None:
    assert documents(document({"name": text})) == [{"name": text}]


@pytest.mark.parametrize("kind", ["[a]", "{a: b}", "7", "null"])
def test_a_kind_that_is_not_a_string_is_reported(run_cli: Run, tmp_path: Path, kind: str) -> None:
    (tmp_path / "bad.yaml").write_text(f"apiVersion: flashsystem.io/v1alpha1\nkind: {kind}\n")

    ended = run_cli("plan", "-f", str(tmp_path))

    assert ended.code == 1
    assert "document 1: is not a Kubernetes object: it has no kind" in ended.err


def test_a_path_that_cannot_exist_is_reported(run_cli: Run) -> None:
    ended = run_cli("plan", "-f", "x" * 300)

    assert ended.code == 1
    assert "cannot be read (File name too long)" in ended.err
