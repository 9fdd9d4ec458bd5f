"""When an array last answered: told closely enough to be of use, and written seldom."""

import pytest

from flashsystem_operator.api.array import ArrayStatus, Counts
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.array.array_plan import Contact
from flashsystem_operator.planner.decision import InSync, Reason
from support.builders import array, inventory

FIRST = "2026-02-02T00:00:00Z"


def look(now: str, status: ArrayStatus | None = None, words: str = "fs1 can be worked with.") -> ArrayStatus:
    seen = array().model_copy(update={"status": status or ArrayStatus()})
    decision = InSync(Reason.READY, words)
    return array_plan.reached(seen, decision, inventory(), Contact("", "", "1"), Counts(), now)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-02-02T00:01:00Z", FIRST),
        ("2026-02-02T00:09:59Z", FIRST),
        ("2026-02-02T00:10:00Z", "2026-02-02T00:10:00Z"),
        ("2026-02-05T00:00:00Z", "2026-02-05T00:00:00Z"),
    ],
)
def test_an_array_of_which_nothing_changed_tells_its_contact_every_ten_minutes(now: str, told: str) -> None:
    assert look(now, look(FIRST)).last_contact_time == told


def test_whatever_else_changes_tells_it_at_once() -> None:
    assert look("2026-02-02T00:00:01Z", look(FIRST), "It is another one.").last_contact_time == "2026-02-02T00:00:01Z"


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59Z", "2026-02-02T00:05:00+03:00", None])
def test_a_time_that_somebody_else_wrote_does_not_stay(written: str | None) -> None:
    forged = look(FIRST).model_copy(update={"last_contact_time": written})

    assert look("2026-02-02T00:01:00Z", forged).last_contact_time == "2026-02-02T00:01:00Z"
