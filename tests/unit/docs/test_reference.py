"""docs/reference.md is what the CRDs and the code say now, and what they say is whole."""

import pytest
from tools.given import given_by_the_code, noted_by_the_code, words_of_the_code
from tools.reference import PAGE, page

from flashsystem_operator.planner import reasons
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.events import EventReason
from flashsystem_operator.planner.reasons import Entry

GIVEN = given_by_the_code()
READY = {Reason.READY, Reason.ATTACHED, Reason.NOT_NEEDED}


def test_every_reason_that_the_code_can_give_is_explained_in_reasons_yaml() -> None:
    missing = [reason.name for reason in Reason if reason not in reasons.REASONS]

    assert missing == [], "write what they mean and what to do into planner/reasons.yaml, then run `make reference`"


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_that_nobody_gives_is_not_one(reason: Reason) -> None:
    assert GIVEN[reason]


@pytest.mark.parametrize(("reason", "entry"), reasons.REASONS.items(), ids=str)
def test_a_reason_says_what_it_means_and_what_to_do(reason: Reason, entry: Entry) -> None:
    assert set(entry.kinds.split(", ")) <= {"array", "host", "attachment"}
    assert entry.means
    assert bool(entry.remedy) == (reason not in READY)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_given_with_conditions_that_are_explained(reason: Reason) -> None:
    assert GIVEN[reason] <= reasons.CONDITIONS.keys() | reasons.FURTHER.keys()


def test_every_further_condition_is_explained_and_no_other() -> None:
    assert noted_by_the_code() <= reasons.FURTHER.keys(), "write them into planner/reasons.yaml"
    assert reasons.FURTHER.keys() <= words_of_the_code()


def test_every_reason_of_an_event_is_explained() -> None:
    told = PAGE.read_text(encoding="utf-8").partition("## Events")[2].partition("##")[0]

    assert [reason for reason in EventReason if f"| `{reason}` | " not in told] == []


def test_the_reference_is_what_crds_and_code_say_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make reference`"
