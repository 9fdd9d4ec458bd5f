"""What can be known to be wrong is refused at once, with words that tell the way out."""

from typing import Any

import pytest

from flashsystem_operator.api.metadata import Kind
from support.admission import Asking
from support.refusals import CASES, TAKEN, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_at_admission(case: Case, dry: Asking) -> None:
    assert case.said in dry.refusal(case.kind, **case.fields)


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_what_is_right_is_taken(kind: Kind, fields: dict[str, Any], dry: Asking) -> None:
    assert dry.refusal(kind, **fields) == ""
