"""docs/reference.md is up to date with the CRDs and the code, and the explanations are complete."""

import pytest
from tools.given import given_by_the_code, names_in_the_code, noted_by_the_code
from tools.reference import PAGE, page

from flashsystem_operator.api.metadata import KNOWN
from flashsystem_operator.planner import reasons
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.events import EventReason
from flashsystem_operator.planner.reasons import Entry

REPORTED = given_by_the_code()
READY = {Reason.READY, Reason.ATTACHED, Reason.NOT_NEEDED}


def test_every_reason_that_the_code_can_report_is_explained_in_reasons_yaml() -> None:
    missing = [reason.name for reason in Reason if reason not in reasons.REASONS]

    assert missing == [], "write what they mean and what to do into planner/reasons.yaml, then run `make reference`"


@pytest.mark.parametrize("reason", Reason)
def test_every_defined_reason_is_reported_by_the_code(reason: Reason) -> None:
    assert REPORTED[reason]


@pytest.mark.parametrize(("reason", "entry"), reasons.REASONS.items(), ids=str)
def test_a_reason_has_a_meaning_and_a_remedy(reason: Reason, entry: Entry) -> None:
    assert set(entry.kinds.split(", ")) <= {"array", "host", "volume", "attachment"}
    assert entry.means
    assert bool(entry.remedy) == (reason not in READY)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_reported_in_conditions_that_are_explained(reason: Reason) -> None:
    assert REPORTED[reason] <= reasons.CONDITIONS.keys() | reasons.FURTHER.keys()


def test_every_further_condition_is_explained_and_no_other() -> None:
    assert noted_by_the_code() <= reasons.FURTHER.keys(), "write them into planner/reasons.yaml"
    assert reasons.FURTHER.keys() <= names_in_the_code()


def test_every_reason_of_an_event_is_explained() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Events")[2].partition("##")[0]

    assert [reason for reason in EventReason if f"| `{reason}` | " not in table] == []


def test_every_annotation_is_explained() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Annotations")[2].partition("##")[0]

    assert [each for each in KNOWN if f"| `{each}` | " not in table] == []


def test_the_reference_is_up_to_date_with_crds_and_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make reference`"
