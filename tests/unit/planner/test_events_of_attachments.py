"""What is told of an attachment as an Event: each case is a pass, and what it has to tell."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.planner import events
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import Lun
from support import builders
from support.event_fixtures import DATA, NODE, NOW, before, said

MAP, UNMAP = Act((MapVolume(NODE, DATA.name, DATA.uid, Lun(1)),)), Act((UnmapVolume(NODE, DATA.name, DATA.uid),))
NAMED = {"name": DATA.name, "uid": DATA.uid}
THERE = InSync(Reason.ATTACHED, "Volume data is mapped.")
OFFLINE, DEGRADED = (
    replace(THERE, notes=(Note("VolumeUnhealthy", reason, "It is not well."),))
    for reason in (Reason.VOLUME_OFFLINE, Reason.VOLUME_DEGRADED)
)
DRIFTED = Note("Drifted", Reason.LUN_DIFFERS, "Somebody changed the LUN.")
BLOCKED = Note("DetachBlocked", Reason.PORT_LOGGED_IN, "2 sessions.")
TAKEN = Refuse(Reason.LUN_TAKEN, "LUN 1 is taken.")
REMOVED = Refuse(
    Reason.MAPPING_REMOVED,
    "It was unmapped outside the operator.",
    (Note("Drifted", Reason.MAPPING_REMOVED, "It was unmapped outside the operator."),),
)
NO_TO_MAP = Refused("svctask mkvdiskhostmap -host a data", "CMMVC5879E No.")


def after(**status: Any) -> AttachmentStatus:
    return AttachmentStatus.model_validate({"attached_time": NOW, **status})


def wrong(*, keeper: bool, problem: Exception | None = None) -> str:
    """What is told of a mapping to another machine, of another volume, in the array's namespace or in a tenant's."""
    other, host_object = builders.volume("secret-name", 7), builders.host_object("others-host", "other")
    meta = {} if keeper else {"namespace": "tenant"}
    one = builders.attachment("one", "node", meta=meta)
    access: dict[str, Any] = {} if keeper else {"volume_access": [{"namespaceSelector": {}, "volumes": ["d*"]}]}
    array = builders.array(**access)
    around, meant = builders.desired(one, of=array), MapVolume(NODE, DATA.name, DATA.uid, Lun(4))
    told = events.of_wrong_mapping(one, meant, builders.mapped(host_object, other, 4), problem, around)
    assert (told.reason, told.warning) == ("WrongVolumeMapped", True)
    return told.message


def test_a_wrong_mapping_of_ours_is_told_with_what_was_made_and_what_was_meant() -> None:
    message = wrong(keeper=True)

    assert "secret-name" in message
    assert "others-host" in message
    assert f"instead of data (UID {DATA.uid})" in message
    assert message.endswith("It was unmapped.")


def test_a_tenant_is_told_of_a_wrong_mapping_without_the_names_of_others() -> None:
    message = wrong(keeper=False)

    assert "secret-name" not in message
    assert "others-host" not in message


def test_a_wrong_mapping_that_stays_is_told_with_the_way_out() -> None:
    assert wrong(keeper=True, problem=Refused("rmvdiskhostmap", "CMMVC8457E")).endswith("Unmap it on the array.")


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
    Case("a volume was mapped", before(), MAP, Outcome(THERE), after(), (("VolumeMapped", False),)),
    Case("a mapping was found", before(), THERE, Outcome(THERE), after(origin="Adopted"), (("VolumeMapped", False),)),
    Case(
        "it was mapped in a pass of which nothing was told",
        before(),
        THERE,
        Outcome(THERE),
        after(),
        (("VolumeMapped", False),),
    ),
    Case("all is as it was", ATTACHED, THERE, Outcome(THERE), after()),
    Case("it waits", before(), Wait(Reason.ARRAY_NOT_READY, "x"), Outcome(Wait(Reason.ARRAY_NOT_READY, "x")), after()),
    Case("what had vanished was mapped again", ATTACHED, MAP, Outcome(THERE), after(), (("DriftCorrected", False),)),
    Case(
        "what had vanished was mapped again, and how is told with it",
        ATTACHED,
        replace(MAP, warning="It was unmapped outside the operator."),
        Outcome(THERE),
        after(),
        (("DriftCorrected", True),),
    ),
    Case(
        "it was mapped again, but something else is not as it should be",
        ATTACHED,
        replace(MAP, warning="It was unmapped outside the operator."),
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
        "what is refused for what drifted is one thing, and told once",
        before(),
        REMOVED,
        Outcome(REMOVED),
        after(),
        (("Drifted", True),),
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
        "its volume went offline",
        ATTACHED,
        OFFLINE,
        Outcome(OFFLINE),
        after(),
        (("VolumeUnhealthy", True),),
    ),
    Case("a node restarts and degrades its volume, as all others", ATTACHED, DEGRADED, Outcome(DEGRADED), after()),
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
    told = events.of_attachment(case.before, case.planned, case.outcome, case.after)

    assert tuple((each.reason, each.warning) for each in told) == case.tells
    assert all(each.message for each in told)


def test_the_message_of_a_refusal_has_the_arrays_words_and_the_way_out() -> None:
    (told,) = events.of_attachment(before(), MAP, Outcome(MAP, NO_TO_MAP, refused=True), after())

    assert "CMMVC5879E No." in told.message
    assert "taken by another volume" in told.message
