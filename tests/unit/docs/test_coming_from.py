"""The migration pages name only tests and fields that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("coming-from-*.md")}
DEFECTS = 18
"""Number of defects of Cinder's driver that the page lists, each with a test."""


def fields(schema: Any, path: str) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from fields(inner, f"{path}.{name}")


def known() -> set[str]:
    found = set[str]()
    for file in (ROOT / "crds").glob("*s.yaml"):
        schema = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        found |= {*fields(schema["properties"]["spec"], "spec"), *fields(schema["properties"]["status"], "status")}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_field_that_a_migration_page_names_exists(page: str) -> None:
    assert set(re.findall(r"`((?:spec|status)\.[A-Za-z.]+)", PAGES[page])) - known() == set()


def test_every_defect_of_cinders_driver_is_covered_by_an_existing_test() -> None:
    rows = PAGES["coming-from-cinder"].partition("## What went wrong there")[2].partition("|---|")[2]
    named = [re.search(r"`(test_\w+)` \|$", row) for row in rows.splitlines()[1:] if row.startswith("| ")]
    existing = set[str]()
    for file in (ROOT / "tests").rglob("test_*.py"):
        existing |= set(re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))

    assert len(named) == DEFECTS
    assert {found and found[1] for found in named} <= existing
