"""docs/gitops.md is true: its table is what kstatus and Argo CD make of such objects, and its files are there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tools.argo import health

from support.kstatus import kstatus

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")
ROWS = {
    cells[0]: cells[2:]
    for line in TEXT.partition("| State |")[2].partition("\n\n")[0].splitlines()[2:]
    if (cells := [cell.strip() for cell in line.strip("|").split("|")])
}


def thing(*true: str, reason: str = "Because", seen: int = 1, **meta: str) -> Mapping[str, Any]:
    """Of Ready, Reconciling, Stalled and Reachable, those that are not named are False."""
    truths = dict.fromkeys(("Ready", "Reconciling", "Stalled", "Reachable"), "False") | dict.fromkeys(true, "True")
    conditions = [{"type": kind, "status": truth, "reason": reason, "message": ""} for kind, truth in truths.items()]
    return {"metadata": {"generation": 1, **meta}, "status": {"observedGeneration": seen, "conditions": conditions}}


SHOWN = {
    "just created, or changed and not observed yet": [thing("Ready", seen=0), thing("Stalled", seen=-1)],
    "in progress, or waiting for another object, a volume, the array": [thing("Reconciling", "Reachable")],
    "done": [thing("Ready", "Reachable")],
    "only a change of the spec or of the array helps": [thing("Stalled", "Reachable")],
    "held back by `paused`, and done before": [thing("Ready", "Paused", "Reachable", reason="Paused")],
    "held back by `paused` or `plan`, with something to do": [
        thing("Reconciling", "Paused", "Reachable", reason="Paused"),
        thing("Reconciling", "Reachable", reason="Planned"),
    ],
    "an array cannot be reached": [thing("Reconciling")],
    "the same, its attachments and hosts that were Ready": [thing("Ready", "Reachable")],
    "being deleted, and perhaps waiting": [thing("Reconciling", deletionTimestamp="2026-01-01T00:00:00Z")],
}


@pytest.mark.parametrize("row", ROWS)
def test_a_line_of_the_table_is_what_the_tools_make_of_it(row: str) -> None:
    reads, shows = ROWS[row]

    assert {kstatus(each).value for each in SHOWN[row]} == {reads}
    assert {health(each).status for each in SHOWN[row]} == {shows.partition(",")[0]}


def test_every_line_is_tested() -> None:
    assert ROWS.keys() == SHOWN.keys()


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"manifests/[\w./-]*\w", TEXT))

    assert named
    assert not [each for each in named if not (ROOT / each).exists()]
