"""docs/drift.md is correct: each row of its table is what the code decides, and no tested change is left out."""

import re
from pathlib import Path

import pytest

from support.drift_table import TABLE

TEXT = (Path(__file__).parents[3] / "docs" / "drift.md").read_text(encoding="utf-8")
ROWS = {
    cells[0]: cells[1:]
    for line in TEXT.partition("| Change on the array |")[2].partition("\n\n")[0].splitlines()[2:]
    if (cells := [cell.strip() for cell in line.strip("|").split("|")])
}
TESTED = {row.by_hand: row for row in TABLE}


def test_the_page_describes_exactly_the_changes_that_are_tested() -> None:
    assert list(ROWS) == list(TESTED)


@pytest.mark.parametrize("change", ROWS)
def test_a_row_names_the_reasons_of_the_code_and_whether_the_operator_acts(change: str) -> None:
    reasons, done = ROWS[change]

    assert tuple(re.findall(r"`(\w+)`", reasons)) == TESTED[change].reasons
    assert bool(TESTED[change].done) == (not reasons)
    assert done
