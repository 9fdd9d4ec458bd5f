"""Events of attachments: each case is a pass and the Events that it emits."""

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
from support.event_fixtures import DATA, NODE, NOW, before, condition

MAP, UNMAP = Act((MapVolume(NODE, DATA.name, DATA.uid, Lun(1)),)), Act((UnmapVolume(NODE, DATA.name, DATA.uid),))
NAMED = {"name": DATA.name, "uid": DATA.uid}
THERE = InSync(Reason.ATTACHED, "Volume data is mapped.")
OFFLINE, DEGRADED = (
    replace(THERE, notes=(Note("VolumeUnhealthy", reason, "It is not well."),))
    for reason in (Reason.VOLUME_OFFLINE, Reason.VOLUME_DEGRADED)
)
DRIFTED = Note("Drifted", Reason.LUN_DIFFERS, "The LUN was changed.")
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


def wrong_mapping_message(*, for_array_namespace: bool, problem: Exception | None = None) -> str:
    """Return the message about a mapping of another volume to another host, for the array's namespace or a tenant's."""
    other, host_object = builders.volume("secret-name", 7), builders.host_object("others-host", "other")
    meta = {} if for_array_namespace else {"namespace": "tenant"}
    one = builders.attachment("one", "node", meta=meta)
    access: dict[str, Any] = (
        {} if for_array_namespace else {"volume_access": [{"namespaceSelector": {}, "volumes": ["d*"]}]}
    )
    array = builders.array(**access)
    desired_state, intended = builders.desired(one, of=array), MapVolume(NODE, DATA.name, DATA.uid, Lun(4))
    event = events.of_wrong_mapping(one, intended, builders.mapped(host_object, other, 4), problem, desired_state)
    assert (event.reason, event.warning) == ("WrongVolumeMapped", True)
    return event.message


def test_a_wrong_mapping_is_reported_with_what_was_created_and_what_was_intended() -> None:
    message = wrong_mapping_message(for_array_namespace=True)

    assert "secret-name" in message
    assert "others-host" in message
    assert f"instead of data (UID {DATA.uid})" in message
    assert message.endswith("It was unmapped.")


def test_a_wrong_mapping_is_reported_to_a_tenant_without_the_names_of_other_objects() -> None:
    message = wrong_mapping_message(for_array_namespace=False)

    assert "secret-name" not in message
    assert "others-host" not in message


def test_a_wrong_mapping_that_remains_is_reported_with_what_to_do() -> None:
    assert wrong_mapping_message(for_array_namespace=True, problem=Refused("rmvdiskhostmap", "CMMVC8457E")).endswith(
        "Unmap it on the array."
    )


class Case(NamedTuple):
    because: str
    before: VolumeAttachment
    planned: Decision
    outcome: Outcome
    after: AttachmentStatus
    expected: tuple[tuple[str, bool], ...] = ()
    """Reason, and whether it is a warning."""


ATTACHED = before(condition("Ready", "True", "Attached"), attached=True)
DRIFTING = before(condition("Drifted", "True", "LUNDiffers"), attached=True)

CASES = [
    Case("a volume was mapped", before(), MAP, Outcome(THERE), after(), (("VolumeMapped", False),)),
    Case("a mapping was found", before(), THERE, Outcome(THERE), after(origin="Adopted"), (("VolumeMapped", False),)),
    Case(
        "it was mapped in a pass that emitted no Event",
        before(),
        THERE,
        Outcome(THERE),
        after(),
        (("VolumeMapped", False),),
    ),
    Case("nothing changed", ATTACHED, THERE, Outcome(THERE), after()),
    Case(
        "the attachment waits",
        before(),
        Wait(Reason.ARRAY_NOT_READY, "x"),
        Outcome(Wait(Reason.ARRAY_NOT_READY, "x")),
        after(),
    ),
    Case("a lost mapping was created again", ATTACHED, MAP, Outcome(THERE), after(), (("DriftCorrected", False),)),
    Case(
        "a lost mapping was created again, with a warning",
        ATTACHED,
        replace(MAP, warning="It was unmapped outside the operator."),
        Outcome(THERE),
        after(),
        (("DriftCorrected", True),),
    ),
    Case(
        "a lost mapping was created again, but another problem remains",
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
        "the volume was renamed",
        before(attached=True, volume=NAMED),
        THERE,
        Outcome(THERE),
        after(volume={**NAMED, "name": "renamed"}),
        (("VolumeRenamed", False),),
    ),
    Case("the volume was not renamed", before(attached=True, volume=NAMED), THERE, Outcome(THERE), after(volume=NAMED)),
    Case(
        "its connection Secret cannot be written",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(condition("ConnectionSecretBlocked", "True", "SecretForbidden"),)),
        (("ConnectionSecretBlocked", True),),
    ),
    Case(
        "its connection Secret still cannot be written",
        before(condition("ConnectionSecretBlocked", "True", "SecretForbidden"), attached=True),
        THERE,
        Outcome(THERE),
        after(conditions=(condition("ConnectionSecretBlocked", "True", "SecretForbidden"),)),
    ),
    Case(
        "its connection Secret now conflicts with another one",
        before(condition("ConnectionSecretBlocked", "True", "SecretForbidden"), attached=True),
        THERE,
        Outcome(THERE),
        after(conditions=(condition("ConnectionSecretBlocked", "True", "SecretConflict"),)),
        (("ConnectionSecretBlocked", True),),
    ),
    Case(
        "a PersistentVolume is refused",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(condition("PersistentVolumeBlocked", "True", "PersistentVolumeRefused"),)),
        (("PersistentVolumeBlocked", True),),
    ),
    Case(
        "the operator only waits for a PersistentVolume",
        ATTACHED,
        THERE,
        Outcome(THERE),
        after(conditions=(condition("PersistentVolumeBlocked", "True", "PersistentVolumeInUse"),)),
    ),
    Case("drift ended without a command", DRIFTING, THERE, Outcome(THERE), after(), (("DriftEnded", False),)),
    Case("drift was corrected", DRIFTING, UNMAP, Outcome(THERE), after(), (("DriftCorrected", False),)),
    Case(
        "a detach is blocked",
        ATTACHED,
        Wait(Reason.PORT_LOGGED_IN, "x", (BLOCKED,)),
        Outcome(Wait(Reason.PORT_LOGGED_IN, "x", (BLOCKED,))),
        after(),
        (("DetachBlocked", True),),
    ),
    Case(
        "a pause is not a warning",
        ATTACHED,
        THERE,
        Outcome(InSync(Reason.ATTACHED, "x", (Note("Paused", Reason.PAUSED, "x"),))),
        after(),
        (("Paused", False),),
    ),
    Case("the attachment is refused", before(), TAKEN, Outcome(TAKEN), after(), (("LUNTaken", True),)),
    Case(
        "the attachment is still refused",
        before(condition("Stalled", "True", "LUNTaken")),
        TAKEN,
        Outcome(TAKEN),
        after(),
    ),
    Case(
        "the attachment is refused for another reason",
        before(condition("Stalled", "True", "HostFull")),
        TAKEN,
        Outcome(TAKEN),
        after(),
        (("LUNTaken", True),),
    ),
    Case(
        "a refusal because of drift is reported once",
        before(),
        REMOVED,
        Outcome(REMOVED),
        after(),
        (("Drifted", True),),
    ),
    Case(
        "a problem of the array is reported on the array",
        before(),
        Refuse(Reason.NO_USABLE_PORTAL, "x"),
        Outcome(Refuse(Reason.NO_USABLE_PORTAL, "x")),
        after(),
    ),
    Case(
        "the array refused", before(), MAP, Outcome(MAP, NO_TO_MAP, refused=True), after(), (("RefusedByArray", True),)
    ),
    Case(
        "the array refused again, which is counted",
        before(condition("Reconciling", "True", "RefusedByArray")),
        MAP,
        Outcome(MAP, NO_TO_MAP, refused=True),
        after(),
        (("RefusedByArray", True),),
    ),
    Case(
        "the array refused a mapping that exists all the same",
        ATTACHED,
        THERE,
        Outcome(THERE, NO_TO_MAP, refused=True),
        after(),
    ),
    Case(
        "its volume went offline",
        ATTACHED,
        OFFLINE,
        Outcome(OFFLINE),
        after(),
        (("VolumeUnhealthy", True),),
    ),
    Case("a node restarts and degrades its volume like all others", ATTACHED, DEGRADED, Outcome(DEGRADED), after()),
    Case(
        "the reply of the array cannot be read",
        before(),
        MAP,
        Outcome(MAP, Unreadable("x", "odd")),
        after(),
        (("UnreadableAnswer", True),),
    ),
    Case("the reply of the array was lost", before(), MAP, Outcome(MAP, OutcomeUnknown("x", "cut")), after()),
    Case(
        "the steps were done with a warning",
        ATTACHED,
        Act(UNMAP.steps, warning="It is logged in."),
        Outcome(Release()),
        after(),
        (("DoneWithWarning", True),),
    ),
    Case(
        "a step that was not done causes no warning",
        ATTACHED,
        Act(UNMAP.steps, warning="It is logged in."),
        Outcome(UNMAP, OutcomeUnknown("x", "cut")),
        after(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_a_pass_over_an_attachment_emits_events_for_what_is_new(case: Case) -> None:
    records = events.of_attachment(case.before, case.planned, case.outcome, case.after)

    assert tuple((each.reason, each.warning) for each in records) == case.expected
    assert all(each.message for each in records)


def test_the_message_of_a_refusal_quotes_the_array_and_explains_the_way_out() -> None:
    (event,) = events.of_attachment(before(), MAP, Outcome(MAP, NO_TO_MAP, refused=True), after())

    assert "CMMVC5879E No." in event.message
    assert "taken by another volume" in event.message
