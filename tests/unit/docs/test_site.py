"""The site builds without a warning, and the reasons in the tables of the pages exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flashsystem_operator.planner.decision import Reason

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").glob("*.md"))
HAND_WRITTEN = [page for page in PAGES if page.name != "reference.md"]


def build(config_file: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--config-file",
            str(config_file),
            "--site-dir",
            str(site),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    built = build(ROOT / "mkdocs.yml", tmp_path)

    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    assert {page.with_suffix(".html").name for page in PAGES} <= {each.name for each in tmp_path.glob("*.html")}


@pytest.mark.slow
@pytest.mark.parametrize("bad", ["[gone](nowhere.md)", "[gone](index.md#nowhere)"])
def test_a_dead_link_fails_the_build(tmp_path: Path, bad: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# First\n\n{bad}\n")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[0]
    (tmp_path / "mkdocs.yml").write_text(config)

    assert build(tmp_path / "mkdocs.yml", tmp_path / "site").returncode != 0


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: page.name)
def test_every_reason_in_the_first_column_of_a_table_exists(page: Path) -> None:
    tables = re.findall(r"^\| Reason \|.*\n\|[-|]+\n((?:\|.*\n)+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    named = {
        name
        for table in tables
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row[: row.index("|", 1)])
    }

    assert named <= set(Reason)
