"""A decision in the form that `kubectl wait` reads."""

import pytest

from flashsystem_operator.api.common import Condition
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.planner.conditions import conditions
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.values import HostName

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
READY = InSync(Reason.ATTACHED, "Volume data is mapped.")
ACTING = Act((RemoveHost(HostName("node")),))
WAITING = Wait(Reason.HOST_NOT_FOUND, "There is no host.")
STALLED = Refuse(Reason.LUN_TAKEN, "LUN 1 is taken. Choose another.")


def said(
    decision: Decision, before: tuple[Condition, ...] = (), error: Exception | None = None
) -> dict[str, Condition]:
    return {each.type: each for each in conditions(decision, before, 7, NOW, error)}


@pytest.mark.parametrize(
    ("decision", "truths"),
    [
        pytest.param(READY, ("True", "False", "False"), id="in sync"),
        pytest.param(ACTING, ("False", "True", "False"), id="acting"),
        pytest.param(WAITING, ("False", "True", "False"), id="waiting"),
        pytest.param(Release(), ("False", "True", "False"), id="being let go"),
        pytest.param(STALLED, ("False", "False", "True"), id="stalled"),
    ],
)
def test_exactly_one_of_the_three_is_true(decision: Decision, truths: tuple[str, ...]) -> None:
    told = said(decision)

    assert tuple(told[kind].status for kind in ("Ready", "Reconciling", "Stalled")) == truths


@pytest.mark.parametrize("decision", [READY, WAITING, STALLED])
def test_reason_and_message_are_the_decisions(decision: InSync | Wait | Refuse) -> None:
    told = said(decision)

    assert (told["Ready"].reason, told["Ready"].message) == (decision.reason, decision.message)
    assert all(each.reason == decision.reason and each.observed_generation == 7 for each in told.values())


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (Refused("svctask rmhost node", "CMMVC5871E in a mapping"), Reason.REFUSED_BY_ARRAY, "CMMVC5871E in a mapping"),
        (OutcomeUnknown("svctask rmhost node", "cut"), Reason.OUTCOME_UNKNOWN, "may or may not have run"),
        (Unreadable("svctask rmhost node", "odd"), Reason.UNREADABLE_ANSWER, "Please report"),
        (RuntimeError("the Lease was lost"), Reason.PROGRESSING, "The Lease was lost"),
    ],
)
def test_what_kept_a_step_from_being_done_is_more_to_the_point(error: Exception, reason: Reason, words: str) -> None:
    ready = said(ACTING, error=error)["Ready"]

    assert (ready.status, ready.reason) == ("False", reason)
    assert words in ready.message


def test_an_error_that_the_second_look_shows_to_be_none_is_not_told() -> None:
    ready = said(READY, error=Refused("svctask mkvdiskhostmap", "CMMVC5878E"))["Ready"]

    assert (ready.status, ready.message) == ("True", READY.message)


def test_the_time_moves_only_with_the_truth() -> None:
    before = conditions(WAITING, (), 6, THEN)

    still, turned = said(Wait(Reason.IN_USE, "Something else."), before), said(READY, before)

    assert {each.last_transition_time for each in still.values()} == {THEN}
    assert {kind: each.last_transition_time for kind, each in turned.items()} == {
        "Ready": NOW,
        "Reconciling": NOW,
        "Stalled": THEN,
    }


def test_what_is_not_true_has_no_message_to_mistake_for_a_complaint() -> None:
    assert said(READY)["Stalled"].message == ""
    assert said(STALLED)["Reconciling"].message == ""


def test_the_arrays_own_words_come_first_and_then_what_they_mean_and_what_to_do() -> None:
    error = Refused("svctask mkvdiskhostmap -host a -scsi 1 data", "CMMVC5879E Ce LUN est pris.")

    message = said(ACTING, error=error)["Ready"].message

    theirs, ours = message.index("CMMVC5879E Ce LUN est pris."), message.index("taken by another volume.")
    assert theirs < ours < message.index("create the attachment again")
    assert "pris.." not in message
    assert message.endswith("It is tried again.")


def test_what_an_unknown_code_means_is_left_to_the_array_and_asked_to_be_reported() -> None:
    message = said(ACTING, error=Refused("svctask mkhost", "CMMVC9998E Ni oui ni non"))["Ready"].message

    assert "CMMVC9998E Ni oui ni non." in message
    assert "does not know this code" in message
