"""What is told as an Event of hosts and arrays, and of whatever goes."""

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
from support.event_fixtures import DATA, NODE, NOW, THEN, before, said

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
def test_a_host_tells_of_its_host_object(was: dict[str, Any], now: dict[str, Any], reason: str | None) -> None:
    told = events.of_host(host("node", status=was), READY, Outcome(READY), HostStatus.model_validate(now))

    assert [each.reason for each in told] == ([reason] if reason else [])
    assert all((was or now)["name"] in each.message and not each.warning for each in told)


# -- the end ---------------------------------------------------------------------------------------------------------


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
def test_what_goes_tells_what_became_of_it_on_the_array(
    resource: FlashSystemHost | VolumeAttachment, decision: Release, reason: str | None
) -> None:
    told = events.of_release(resource, decision)

    assert [(each.reason, each.warning) for each in told] == ([(reason, False)] if reason else [])


def test_a_detach_under_a_session_tells_so_although_the_object_goes() -> None:
    detached = before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN))

    told = events.of_release(detached, Release(), Act((), warning="It has 2 sessions."))

    assert [each.reason for each in told] == ["DoneWithWarning", "Detached"]
    assert (told[0].message, told[0].warning) == ("It has 2 sessions.", True)


# -- arrays ----------------------------------------------------------------------------------------------------------

DOWN, OPEN = Wait(Reason.UNREACHABLE, "No route."), Refuse(Reason.OPEN_ACCESS_ON, "Open access is on.")
NO_LOGIN, UP = Refuse(Reason.LOGIN_FAILED, "No."), InSync(Reason.READY, "fs1 can be worked with.")


def look(decision: Decision | None) -> ArrayStatus:
    """The status after a look that ended so; None: before the first one."""
    if decision is None:
        return ArrayStatus()
    if decision in (UP, OPEN):
        return array_plan.reached(array(), decision, inventory(), Contact("", "", "1"), Counts(), NOW)
    return array_plan.unreached(array(), decision, NOW)


@pytest.mark.parametrize(
    ("was", "now", "tells"),
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
def test_an_array_tells_once_that_it_is_down_and_once_that_it_is_back(
    was: Decision | None, now: Decision, tells: list[tuple[str, bool]]
) -> None:
    before = array().model_copy(update={"status": look(was)})

    told: tuple[EventRecord, ...] = events.of_array(before, look(now))

    assert [(each.reason, each.warning) for each in told] == tells


def test_what_cannot_be_read_is_told_once_and_what_is_only_missing_is_not() -> None:
    unreadable = Refuse(Reason.SPEC_UNREADABLE, "spec.volume.name cannot be read.")

    assert events.of_unassigned((), unreadable) == (EventRecord("SpecUnreadable", unreadable.message, warning=True),)
    assert events.of_unassigned((said("Stalled", "True", "SpecUnreadable"),), unreadable) == ()
    assert events.of_unassigned((), Wait(Reason.ARRAY_NOT_FOUND, "x")) == ()
