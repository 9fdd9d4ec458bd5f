"""Events of hosts and arrays, and of objects that are released."""

from typing import Any

import pytest

from flashsystem_operator.api.array import ArrayStatus, Counts
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.planner import events
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.array.array_plan import Contact
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.events import EventRecord
from flashsystem_operator.planner.status import Outcome
from support.builders import array, bound, host, host_object, inventory
from support.event_fixtures import DATA, NODE, NOW, THEN, before, condition

READY = InSync(Reason.READY, "It matches the spec.")
MADE = {"name": NODE, "id": "7", "ownership": "Created"}
ADOPTED = {"name": "admins", "id": "8", "ownership": "Adopted"}
ASKED = {"name": NODE, "ownership": "Created", "ports": [{"iqn": "iqn.1994-05.com.redhat:node", "state": "asked"}]}


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        ({}, MADE, "HostObjectCreated"),
        (ASKED, MADE, "HostObjectCreated"),
        (MADE, MADE, None),
        ({}, ADOPTED, "HostObjectAdopted"),
        (ADOPTED, ADOPTED, None),
        (MADE, {}, "HostObjectRemoved"),
        ({}, {}, None),
        (ASKED, {}, None),
    ],
)
def test_a_host_emits_an_event_when_its_host_object_changes(
    was: dict[str, Any], now: dict[str, Any], reason: str | None
) -> None:
    records = events.of_host(host("node", status=was), READY, Outcome(READY), HostStatus.model_validate(now))

    assert [each.reason for each in records] == ([reason] if reason else [])
    assert all((was or now)["name"] in each.message and not each.warning for each in records)


# -- release ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "decision", "reason"),
    [
        (before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN)), Release(), "Detached"),
        (before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN)), Release("It stays."), "LeftOnArray"),
        (before(), Release(), None),
        (host("node", status=MADE), Release(), "HostObjectRemoved"),
        (host("node", status=MADE), Release("It stays."), "LeftOnArray"),
        (host("node", status=ADOPTED), Release(), None),
        (host("node"), Release(), None),
    ],
)
def test_the_event_of_a_released_object_reports_what_happened_to_it_on_the_array(
    resource: FlashSystemHost | VolumeAttachment, decision: Release, reason: str | None
) -> None:
    records = events.of_release(resource, decision)

    assert [(each.reason, each.warning) for each in records] == ([(reason, False)] if reason else [])


def test_a_detach_under_a_session_emits_a_warning_although_the_object_is_released() -> None:
    detached = before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN))

    records = events.of_release(detached, Release(), Act((), warning="It has 2 sessions."))

    assert [each.reason for each in records] == ["DoneWithWarning", "Detached"]
    assert (records[0].message, records[0].warning) == ("It has 2 sessions.", True)


# -- arrays ----------------------------------------------------------------------------------------------------------

DOWN, OPEN = Wait(Reason.UNREACHABLE, "No route."), Refuse(Reason.OPEN_ACCESS_ON, "Open access is on.")
NO_LOGIN, UP = Refuse(Reason.LOGIN_FAILED, "No."), InSync(Reason.READY, "fs1 is ready.")


def status_after(decision: Decision | None) -> ArrayStatus:
    """Return the status after a read with this result; None: before the first read."""
    if decision is None:
        return ArrayStatus()
    if decision in (UP, OPEN):
        return array_plan.reached(array(), decision, inventory(), Contact("", "", "1"), Counts(), NOW)
    return array_plan.unreached(array(), decision, NOW)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (None, UP, [("ArrayReady", False)]),
        (UP, UP, []),
        (None, DOWN, [("Unreachable", True)]),
        (UP, DOWN, [("Unreachable", True)]),
        (DOWN, DOWN, []),
        (DOWN, NO_LOGIN, [("LoginFailed", True)]),
        (DOWN, UP, [("Reachable", False)]),
        (UP, OPEN, [("OpenAccessOn", True)]),
        (OPEN, OPEN, []),
        (OPEN, UP, [("ArrayReady", False)]),
    ],
)
def test_an_array_reports_once_that_it_is_unreachable_and_once_that_it_is_back(
    was: Decision | None, now: Decision, expected: list[tuple[str, bool]]
) -> None:
    before = array().model_copy(update={"status": status_after(was)})

    records: tuple[EventRecord, ...] = events.of_array(before, status_after(now))

    assert [(each.reason, each.warning) for each in records] == expected


def test_an_unreadable_spec_is_reported_once_and_a_missing_array_is_not_reported() -> None:
    unreadable = Refuse(Reason.SPEC_UNREADABLE, "spec.volume.name cannot be read.")

    assert events.of_unassigned((), unreadable) == (EventRecord("SpecUnreadable", unreadable.message, warning=True),)
    assert events.of_unassigned((condition("Stalled", "True", "SpecUnreadable"),), unreadable) == ()
    assert events.of_unassigned((), Wait(Reason.ARRAY_NOT_FOUND, "x")) == ()
