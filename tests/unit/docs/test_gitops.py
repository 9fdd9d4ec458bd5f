"""docs/gitops.md is correct: kstatus and Argo CD compute the health in its table, and its files exist."""

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


def resource(*true: str, reason: str = "Because", observed: int = 1, **meta: str) -> Mapping[str, Any]:
    """Build a resource. Of Ready, Reconciling, Stalled and Reachable, those not in `true` are False."""
    statuses = dict.fromkeys(("Ready", "Reconciling", "Stalled", "Reachable"), "False") | dict.fromkeys(true, "True")
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": ""} for kind, status in statuses.items()
    ]
    return {"metadata": {"generation": 1, **meta}, "status": {"observedGeneration": observed, "conditions": conditions}}


SHOWN = {
    "just created, or changed and not observed yet": [resource("Ready", observed=0), resource("Stalled", observed=-1)],
    "in progress, or waiting for another object, a volume, the array": [resource("Reconciling", "Reachable")],
    "done": [resource("Ready", "Reachable")],
    "only a change of the spec or of the array helps": [resource("Stalled", "Reachable")],
    "held back by `paused`, and done before": [resource("Ready", "Paused", "Reachable", reason="Paused")],
    "held back by `paused` or `plan`, with something to do": [
        resource("Reconciling", "Paused", "Reachable", reason="Paused"),
        resource("Reconciling", "Reachable", reason="Planned"),
    ],
    "an array cannot be reached": [resource("Reconciling")],
    "the same, its attachments and hosts that were Ready": [resource("Ready", "Reachable")],
    "being deleted, and perhaps waiting": [resource("Reconciling", deletionTimestamp="2026-01-01T00:00:00Z")],
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_table_is_the_health_that_kstatus_and_argo_cd_compute(row: str) -> None:
    reads, shows = ROWS[row]

    assert {kstatus(each).value for each in SHOWN[row]} == {reads}
    assert {health(each).status for each in SHOWN[row]} == {shows.partition(",")[0]}


def test_every_row_is_tested() -> None:
    assert ROWS.keys() == SHOWN.keys()


def test_every_file_that_the_page_names_exists() -> None:
    named = set(re.findall(r"manifests/[\w./-]*\w", TEXT))

    assert named
    assert not [each for each in named if not (ROOT / each).exists()]
