"""YAML is read as Kubernetes reads it and written so that it is, and no mistake in it shows what may be a secret."""

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
def test_what_is_no_yaml_is_told_with_the_way_out_and_without_a_secret(text: str) -> None:
    with pytest.raises(NotYaml) as told:
        documents(text)

    assert BAD[text] in str(told.value)
    assert CANARY not in str(told.value)


AS_KUBERNETES: dict[str, Any] = {
    "60050768E1": 600507680.0,
    "y": True,
    "N": False,
    "2026-01-01": "2026-01-01",
    "'y'": "y",
    "node": "node",
    "{5: a}": {"5": "a"},
}
"""As kubectl takes it; Python's own reader takes most of it for something else."""


@pytest.mark.parametrize("text", AS_KUBERNETES)
def test_a_word_is_read_as_kubernetes_reads_it(text: str) -> None:
    assert documents(text) == [AS_KUBERNETES[text]]


@pytest.mark.parametrize(
    "word", ["y", "n", "Y", "N", "yes", "on", "null", "60050768E1", "1e5", "0x1", "2026-01-01", "~"]
)
def test_a_word_that_is_written_is_read_as_that_word(word: str) -> None:
    assert documents(document({"name": word})) == [{"name": word}]


@pytest.mark.parametrize("kind", ["[a]", "{a: b}", "7", "null"])
def test_a_kind_that_is_no_word_is_told(ran: Run, tmp_path: Path, kind: str) -> None:
    (tmp_path / "bad.yaml").write_text(f"apiVersion: flashsystem.io/v1alpha1\nkind: {kind}\n")

    ended = ran("plan", "-f", str(tmp_path))

    assert ended.code == 1
    assert "document 1: is not a Kubernetes object: it has no kind" in ended.err


def test_a_path_that_cannot_be_is_told(ran: Run) -> None:
    ended = ran("plan", "-f", "x" * 300)

    assert ended.code == 1
    assert "cannot be read (File name too long)" in ended.err
