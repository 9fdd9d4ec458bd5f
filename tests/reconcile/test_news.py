"""What is told of an object as an Event: each case is a pass, and what it has to tell."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from flashsystem_operator.api.array import ArrayStatus, Counts
from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.conditions import Condition, Truth
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.reconcile import array_status, news
from flashsystem_operator.reconcile.array_status import Contact
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.reconcile.news import News
from flashsystem_operator.reconcile.saying import Outcome
from flashsystem_operator.values import Lun
from support.arranging import array, attachment, bound, host, host_object, own_name, view, volume

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
NODE, DATA = own_name("node"), volume()
MAP, UNMAP = Act((MapVolume(NODE, DATA.name, DATA.uid, Lun(1)),)), Act((UnmapVolume(NODE, DATA.name, DATA.uid),))
NAMED = {"name": DATA.name, "uid": DATA.uid}
THERE = InSync(Reason.ATTACHED, "Volume data is mapped.")
DRIFTED = Note("Drifted", Reason.LUN_DIFFERS, "Somebody changed the LUN.")
BLOCKED = Note("DetachBlocked", Reason.PORT_LOGGED_IN, "2 sessions.")
TAKEN = Refuse(Reason.LUN_TAKEN, "LUN 1 is taken.")
NO_TO_MAP = Refused("svctask mkvdiskhostmap -host a data", "CMMVC5879E No.")


def said(kind: str, truth: Truth, reason: str = "Some") -> Condition:
    return Condition(type=kind, status=truth, reason=reason, message="It was.", last_transition_time=THEN)


def before(*conditions: Condition, attached: bool = False, **status: Any) -> VolumeAttachment:
    known = {"attached_time": THEN} if attached else {}
    return attachment("db", "node", status={**known, "conditions": conditions, **status})


def after(**status: Any) -> AttachmentStatus:
    return AttachmentStatus.model_validate({"attached_time": NOW, **status})


class Case(NamedTuple):
    because: str
    before: VolumeAttachment
    planned: Decision
    outcome: Outcome
    after: AttachmentStatus
    tells: tuple[tuple[str, bool], ...] = ()
    """Reason, and whether it is a warning."""


ATTACHED = before(said("Ready", "True", "Attached"), attached=True)
DRIFTING = before(said("Drifted", "True", "LUNDiffers"), attached=True)

CASES = [
    Case("a volume was mapped", before(), MAP, Outcome(THERE), after(), (("Attached", False),)),
    Case("a mapping was found", before(), THERE, Outcome(THERE), after(origin="TakenOver"), (("Attached", False),)),
    Case(
        "it was mapped in a pass of which nothing was told",
        before(),
        THERE,
        Outcome(THERE),
        after(),
        (("Attached", False),),
    ),
    Case("all is as it was", ATTACHED, THERE, Outcome(THERE), after()),
    Case("it waits", before(), Wait(Reason.ARRAY_NOT_READY, "x"), Outcome(Wait(Reason.ARRAY_NOT_READY, "x")), after()),
    Case("what had vanished was mapped again", ATTACHED, MAP, Outcome(THERE), after(), (("DriftCorrected", False),)),
    Case(
        "what had vanished was mapped again, and how is told with it",
        ATTACHED,
        replace(MAP, warning="Another hand unmapped it."),
        Outcome(THERE),
        after(),
        (("DriftCorrected", True),),
    ),
    Case(
        "it was mapped again, but something else is not as it should be",
        ATTACHED,
        replace(MAP, warning="Another hand unmapped it."),
        Outcome(Wait(Reason.HOST_NOT_READY, "x")),
        after(),
        (("DoneWithWarning", True),),
    ),
    Case(
        "drift was found",
        ATTACHED,
        THERE,
        Outcome(InSync(Reason.ATTACHED, "x", (DRIFTED,))),
        after(),
        (("Drifted", True),),
    ),
    Case("drift is still there", DRIFTING, THERE, Outcome(InSync(Reason.ATTACHED, "x", (DRIFTED,))), after()),
    Case(
        "the volume has another name",
        before(attached=True, volume=NAMED),
        THERE,
        Outcome(THERE),
        after(volume={**NAMED, "name": "renamed"}),
        (("VolumeRenamed", False),),
    ),
    Case(
        "it has the name that it had", before(attached=True, volume=NAMED), THERE, Outcome(THERE), after(volume=NAMED)
    ),
    Case(
        "a Secret beside it cannot be written",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(said("ConnectionSecretBlocked", "True", "SecretForbidden"),)),
        (("ConnectionSecretBlocked", True),),
    ),
    Case(
        "it still cannot",
        before(said("ConnectionSecretBlocked", "True", "SecretForbidden"), attached=True),
        THERE,
        Outcome(THERE),
        after(conditions=(said("ConnectionSecretBlocked", "True", "SecretForbidden"),)),
    ),
    Case(
        "now it is in the way of another",
        before(said("ConnectionSecretBlocked", "True", "SecretForbidden"), attached=True),
        THERE,
        Outcome(THERE),
        after(conditions=(said("ConnectionSecretBlocked", "True", "SecretConflict"),)),
        (("ConnectionSecretBlocked", True),),
    ),
    Case(
        "a PersistentVolume is refused",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(said("PersistentVolumeBlocked", "True", "PersistentVolumeRefused"),)),
        (("PersistentVolumeBlocked", True),),
    ),
    Case(
        "a PersistentVolume is only waited for",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(said("PersistentVolumeBlocked", "True", "PersistentVolumeInUse"),)),
    ),
    Case("drift went by itself", DRIFTING, THERE, Outcome(THERE), after(), (("DriftEnded", False),)),
    Case("drift was put right", DRIFTING, UNMAP, Outcome(THERE), after(), (("DriftCorrected", False),)),
    Case(
        "a detach is blocked",
        ATTACHED,
        Wait(Reason.PORT_LOGGED_IN, "x", (BLOCKED,)),
        Outcome(Wait(Reason.PORT_LOGGED_IN, "x", (BLOCKED,))),
        after(),
        (("DetachBlocked", True),),
    ),
    Case(
        "a pause is no warning",
        ATTACHED,
        THERE,
        Outcome(InSync(Reason.ATTACHED, "x", (Note("Paused", Reason.PAUSED, "x"),))),
        after(),
        (("Paused", False),),
    ),
    Case("it is refused", before(), TAKEN, Outcome(TAKEN), after(), (("LUNTaken", True),)),
    Case("it is still refused", before(said("Stalled", "True", "LUNTaken")), TAKEN, Outcome(TAKEN), after()),
    Case(
        "it is refused for another reason",
        before(said("Stalled", "True", "HostFull")),
        TAKEN,
        Outcome(TAKEN),
        after(),
        (("LUNTaken", True),),
    ),
    Case(
        "what is wrong with the array is told there",
        before(),
        Refuse(Reason.NO_USABLE_PORTAL, "x"),
        Outcome(Refuse(Reason.NO_USABLE_PORTAL, "x")),
        after(),
    ),
    Case(
        "the array refused", before(), MAP, Outcome(MAP, NO_TO_MAP, refused=True), after(), (("RefusedByArray", True),)
    ),
    Case(
        "it refused again, which is counted",
        before(said("Reconciling", "True", "RefusedByArray")),
        MAP,
        Outcome(MAP, NO_TO_MAP, refused=True),
        after(),
        (("RefusedByArray", True),),
    ),
    Case("it refused what is there all the same", ATTACHED, THERE, Outcome(THERE, NO_TO_MAP, refused=True), after()),
    Case(
        "its answer cannot be read",
        before(),
        MAP,
        Outcome(MAP, Unreadable("x", "odd")),
        after(),
        (("UnreadableAnswer", True),),
    ),
    Case("its answer was lost", before(), MAP, Outcome(MAP, OutcomeUnknown("x", "cut")), after()),
    Case(
        "it was done with a warning",
        ATTACHED,
        Act(UNMAP.steps, warning="It is logged in."),
        Outcome(Release()),
        after(),
        (("DoneWithWarning", True),),
    ),
    Case(
        "what was not done is not warned of",
        ATTACHED,
        Act(UNMAP.steps, warning="It is logged in."),
        Outcome(UNMAP, OutcomeUnknown("x", "cut")),
        after(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_an_attachment_tells_what_is_new(case: Case) -> None:
    told = news.of_attachment(case.before, case.planned, case.outcome, case.after)

    assert tuple((each.reason, each.warning) for each in told) == case.tells
    assert all(each.message for each in told)


def test_the_message_of_a_refusal_has_the_arrays_words_and_the_way_out() -> None:
    (told,) = news.of_attachment(before(), MAP, Outcome(MAP, NO_TO_MAP, refused=True), after())

    assert "CMMVC5879E No." in told.message
    assert "taken by another volume" in told.message


# -- hosts -----------------------------------------------------------------------------------------------------------

READY = InSync(Reason.READY, "It is as wished.")
MADE = {"name": NODE, "id": "7", "ownership": "Created"}
ADOPTED = {"name": "admins", "id": "8", "ownership": "Adopted"}
ASKED = {"name": NODE, "ownership": "Created", "ports": [{"iqn": "iqn.1994-05.com.redhat:node", "state": "asked"}]}


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        ({}, MADE, "HostMade"),
        (ASKED, MADE, "HostMade"),
        (MADE, MADE, None),
        ({}, ADOPTED, "HostAdopted"),
        (ADOPTED, ADOPTED, None),
        (MADE, {}, "HostRemoved"),
        ({}, {}, None),
        (ASKED, {}, None),
    ],
)
def test_a_host_tells_of_its_host_object(was: dict[str, Any], now: dict[str, Any], reason: str | None) -> None:
    told = news.of_host(host("node", status=was), READY, Outcome(READY), HostStatus.model_validate(now))

    assert [each.reason for each in told] == ([reason] if reason else [])
    assert all((was or now)["name"] in each.message and not each.warning for each in told)


# -- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "decision", "reason"),
    [
        (before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN)), Release(), "Detached"),
        (before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN)), Release("It stays."), "LeftOnArray"),
        (before(), Release(), None),
        (host("node", status=MADE), Release(), "HostRemoved"),
        (host("node", status=MADE), Release("It stays."), "LeftOnArray"),
        (host("node", status=ADOPTED), Release(), None),
        (host("node"), Release(), None),
    ],
)
def test_what_goes_tells_what_became_of_it_on_the_array(
    resource: FlashSystemHost | VolumeAttachment, decision: Release, reason: str | None
) -> None:
    told = news.of_release(resource, decision)

    assert [(each.reason, each.warning) for each in told] == ([(reason, False)] if reason else [])


def test_a_detach_under_a_session_tells_so_although_the_object_goes() -> None:
    detached = before(**bound(host_object(NODE, "node"), DATA, attached_time=THEN))

    told = news.of_release(detached, Release(), Act((), warning="It has 2 sessions."))

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
        return array_status.reached(array(), decision, view(), Contact("", "", "1"), Counts(), NOW)
    return array_status.unreached(array(), decision, NOW)


@pytest.mark.parametrize(
    ("was", "now", "tells"),
    [
        (None, UP, [("Ready", False)]),
        (UP, UP, []),
        (None, DOWN, [("Unreachable", True)]),
        (UP, DOWN, [("Unreachable", True)]),
        (DOWN, DOWN, []),
        (DOWN, NO_LOGIN, [("LoginFailed", True)]),
        (DOWN, UP, [("Reachable", False)]),
        (UP, OPEN, [("OpenAccessOn", True)]),
        (OPEN, OPEN, []),
        (OPEN, UP, [("Ready", False)]),
    ],
)
def test_an_array_tells_once_that_it_is_down_and_once_that_it_is_back(
    was: Decision | None, now: Decision, tells: list[tuple[str, bool]]
) -> None:
    before = array().model_copy(update={"status": look(was)})

    told: tuple[News, ...] = news.of_array(before, look(now))

    assert [(each.reason, each.warning) for each in told] == tells


def test_what_cannot_be_read_is_told_once_and_what_is_only_missing_is_not() -> None:
    unreadable = Refuse(Reason.SPEC_UNREADABLE, "spec.volume.name cannot be read.")

    assert news.of_stray((), unreadable) == (News("SpecUnreadable", unreadable.message, warning=True),)
    assert news.of_stray((said("Stalled", "True", "SpecUnreadable"),), unreadable) == ()
    assert news.of_stray((), Wait(Reason.ARRAY_NOT_FOUND, "x")) == ()
