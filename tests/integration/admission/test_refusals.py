"""What is known to be wrong at admission is refused, with a message that contains the remedy."""

from typing import Any

import pytest

from flashsystem_operator.api.metadata import Kind
from support.admission import Asking
from support.refusals import CASES, TAKEN, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_an_invalid_object_is_refused_at_admission(case: Case, dry: Asking) -> None:
    assert case.message in dry.refusal(case.kind, **case.fields)


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_a_valid_object_is_accepted(kind: Kind, fields: dict[str, Any], dry: Asking) -> None:
    assert dry.refusal(kind, **fields) == ""
