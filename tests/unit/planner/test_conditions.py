"""A decision as the conditions that `kubectl wait` reads."""

import pytest

from flashsystem_operator.api.base import Condition
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.text import conditions
from flashsystem_operator.values import HostName

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
READY = InSync(Reason.ATTACHED, "Volume data is mapped.")
ACTING = Act((RemoveHost(HostName("node")),))
WAITING = Wait(Reason.HOST_NOT_FOUND, "There is no host.")
STALLED = Refuse(Reason.LUN_TAKEN, "LUN 1 is taken. Choose another.")


def conditions_of(
    decision: Decision, before: tuple[Condition, ...] = (), error: Exception | None = None
) -> dict[str, Condition]:
    return {each.type: each for each in conditions(decision, before, 7, NOW, error)}


@pytest.mark.parametrize(
    ("decision", "statuses"),
    [
        pytest.param(READY, ("True", "False", "False"), id="in sync"),
        pytest.param(ACTING, ("False", "True", "False"), id="acting"),
        pytest.param(WAITING, ("False", "True", "False"), id="waiting"),
        pytest.param(Release(), ("False", "True", "False"), id="being released"),
        pytest.param(STALLED, ("False", "False", "True"), id="stalled"),
    ],
)
def test_exactly_one_of_ready_reconciling_and_stalled_is_true(decision: Decision, statuses: tuple[str, ...]) -> None:
    by_type = conditions_of(decision)

    assert tuple(by_type[kind].status for kind in ("Ready", "Reconciling", "Stalled")) == statuses


@pytest.mark.parametrize("decision", [READY, WAITING, STALLED])
def test_reason_and_message_come_from_the_decision(decision: InSync | Wait | Refuse) -> None:
    by_type = conditions_of(decision)

    assert (by_type["Ready"].reason, by_type["Ready"].message) == (decision.reason, decision.message)
    assert all(each.reason == decision.reason and each.observed_generation == 7 for each in by_type.values())


@pytest.mark.parametrize(
    ("error", "reason", "fragment"),
    [
        (Refused("svctask rmhost node", "CMMVC5871E in a mapping"), Reason.REFUSED_BY_ARRAY, "CMMVC5871E in a mapping"),
        (OutcomeUnknown("svctask rmhost node", "cut"), Reason.OUTCOME_UNKNOWN, "may or may not have run"),
        (Unreadable("svctask rmhost node", "odd"), Reason.UNREADABLE_ANSWER, "Please report"),
        (RuntimeError("the Lease was lost"), Reason.PROGRESSING, "The Lease was lost"),
    ],
)
def test_an_error_that_prevented_a_step_takes_precedence_over_the_decision(
    error: Exception, reason: Reason, fragment: str
) -> None:
    ready = conditions_of(ACTING, error=error)["Ready"]

    assert (ready.status, ready.reason) == ("False", reason)
    assert fragment in ready.message


def test_an_error_that_the_second_read_disproves_is_not_reported() -> None:
    ready = conditions_of(READY, error=Refused("svctask mkvdiskhostmap", "CMMVC5878E"))["Ready"]

    assert (ready.status, ready.message) == ("True", READY.message)


def test_the_transition_time_changes_only_with_the_status() -> None:
    before = conditions(WAITING, (), 6, THEN)

    still, turned = conditions_of(Wait(Reason.IN_USE, "Something else."), before), conditions_of(READY, before)

    assert {each.last_transition_time for each in still.values()} == {THEN}
    assert {kind: each.last_transition_time for kind, each in turned.items()} == {
        "Ready": NOW,
        "Reconciling": NOW,
        "Stalled": THEN,
    }


def test_a_condition_that_is_not_true_has_no_message_that_looks_like_an_error() -> None:
    assert conditions_of(READY)["Stalled"].message == ""
    assert conditions_of(STALLED)["Reconciling"].message == ""


def test_the_message_of_the_array_comes_first_then_its_meaning_and_then_what_to_do() -> None:
    error = Refused("svctask mkvdiskhostmap -host a -scsi 1 data", "CMMVC5879E Ce LUN est pris.")

    message = conditions_of(ACTING, error=error)["Ready"].message

    theirs, ours = message.index("CMMVC5879E Ce LUN est pris."), message.index("taken by another volume.")
    assert theirs < ours < message.index("create the attachment again")
    assert "pris.." not in message
    assert message.endswith("It is tried again.")


def test_an_unknown_code_is_quoted_from_the_array_and_the_user_is_asked_to_report_it() -> None:
    message = conditions_of(ACTING, error=Refused("svctask mkhost", "CMMVC9998E Ni oui ni non"))["Ready"].message

    assert "CMMVC9998E Ni oui ni non." in message
    assert "does not know this code" in message
