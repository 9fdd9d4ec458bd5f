"""docs/resources.md is correct: it introduces every kind, and the files that it names exist."""

import re
from pathlib import Path

import pytest

from flashsystem_operator.api.metadata import Kind

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "resources.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_introduced_with_its_short_name(kind: Kind) -> None:
    assert f"| `{kind}` | `{kind.short_name}` |" in TEXT
    assert f"\n## {kind}\n" in TEXT


def test_examples_and_components_that_the_page_names_exist() -> None:
    for path in re.findall(r"`(manifests/[^`]+)`", TEXT):
        assert (ROOT / path).exists(), path
