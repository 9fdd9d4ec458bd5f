"""docs/drift.md is true: each line of its table is decided as it says, and nothing that is tested is left out."""

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
SAID = {row.by_hand: row for row in TABLE}


def test_what_the_page_tells_is_what_is_tested() -> None:
    assert list(ROWS) == list(SAID)


@pytest.mark.parametrize("by_hand", ROWS)
def test_a_line_has_the_reasons_that_the_code_gives_and_says_whether_anything_is_done(by_hand: str) -> None:
    said, done = ROWS[by_hand]

    assert tuple(re.findall(r"`(\w+)`", said)) == SAID[by_hand].said
    assert bool(SAID[by_hand].done) == (not said)
    assert done
