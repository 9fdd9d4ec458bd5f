"""When an array last answered: precise enough to be useful, and rarely written."""

import pytest

from flashsystem_operator.api.array import ArrayStatus, Counts
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.array.array_plan import Contact
from flashsystem_operator.planner.decision import InSync, Reason
from support.builders import array, inventory

FIRST = "2026-02-02T00:00:00Z"


def status_after(now: str, status: ArrayStatus | None = None, message: str = "fs1 is ready.") -> ArrayStatus:
    resource = array().model_copy(update={"status": status or ArrayStatus()})
    decision = InSync(Reason.READY, message)
    return array_plan.reached(resource, decision, inventory(), Contact("", "", "1"), Counts(), now)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-02-02T00:01:00Z", FIRST),
        ("2026-02-02T00:09:59Z", FIRST),
        ("2026-02-02T00:10:00Z", "2026-02-02T00:10:00Z"),
        ("2026-02-05T00:00:00Z", "2026-02-05T00:00:00Z"),
    ],
)
def test_an_unchanged_array_updates_its_last_contact_time_every_ten_minutes(now: str, expected: str) -> None:
    assert status_after(now, status_after(FIRST)).last_contact_time == expected


def test_any_other_change_updates_the_last_contact_time_at_once() -> None:
    assert (
        status_after("2026-02-02T00:00:01Z", status_after(FIRST), "The message changed.").last_contact_time
        == "2026-02-02T00:00:01Z"
    )


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59Z", "2026-02-02T00:05:00+03:00", None])
def test_a_last_contact_time_that_another_client_wrote_is_replaced(written: str | None) -> None:
    forged = status_after(FIRST).model_copy(update={"last_contact_time": written})

    assert status_after("2026-02-02T00:01:00Z", forged).last_contact_time == "2026-02-02T00:01:00Z"
