"""What another hand did on the array, what is said of it and what is done: docs/drift.md, and how long it lasts."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import Origin, VolumeAttachment
from flashsystem_operator.api.common import find
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Odd
from flashsystem_operator.planner import batch, status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.conditions import kept
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Wait
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.required_looks import doubts
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.planner.unreadable import as_far_as_read
from support.builders import attachment, bound, desired, host, host_object, inventory, mapped
from support.drift_table import (
    ATTACHED,
    DATA,
    LOGGED_IN,
    LOGS,
    NODE,
    OURS,
    TABLE,
    TEMP,
    THREE,
    Row,
    attached,
    done,
    said,
    was_attached,
)
from support.status_fixtures import LATER, NOW

ELSEWHERE = replace(host_object("other", "other"), id="8")
ASKED = {"annotations": {"flashsystem.io/reconcile-requested-at": "now"}}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.by_hand)
def test_what_was_done_by_hand(row: Row) -> None:
    assert (said(row.decision), done(row.decision)) == (row.said, row.done)


def told(wished: VolumeAttachment, seen: Inventory, *others: Any, now: str = NOW, **more: Any) -> VolumeAttachment:
    """The attachment as it is after a look that showed this."""
    around = with_vanished(desired(wished, *(others or (NODE,)), **more), seen)
    outcome = Outcome(attach.plan(wished, around, seen))
    return wished.model_copy(update={"status": status.of_attachment(wished, outcome, around, seen, now)})


def asked(wished: VolumeAttachment) -> VolumeAttachment:
    metadata = wished.metadata.model_copy(update=ASKED)
    return wished.model_copy(update={"metadata": metadata})


def lun_of(decision: Decision) -> int:
    assert isinstance(decision, Act)
    (lun,) = (step.lun for step in decision.steps if isinstance(step, MapVolume))
    return lun


# -- a mapping that was removed --------------------------------------------------------------------------------------


def test_what_is_corrected_comes_back_at_its_lun_and_is_told_as_a_warning() -> None:
    decision = attached(was_attached(at=7), inventory(DATA, OURS))

    assert lun_of(decision) == 7
    assert isinstance(decision, Act)
    assert "was unmapped outside the operator. It is mapped again at LUN 7." in decision.warning


def test_what_was_reported_stays_so_when_the_machine_logs_out_and_with_the_same_words() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))
    still = told(reported, inventory(DATA, OURS), now=LATER)

    assert still.status == reported.status
    drifted = find(still.status.conditions, "Drifted")
    assert drifted is not None
    assert drifted.last_transition_time == NOW
    assert "2 sessions" in drifted.message
    assert "flashsystem.io/reconcile-requested-at" in drifted.message


def test_of_three_that_were_reported_none_is_corrected_when_the_others_are_gone() -> None:
    seen = inventory(DATA, LOGS, TEMP, OURS)
    reported = [told(each, seen, NODE, *(other for other in THREE if other is not each)) for each in THREE]

    for each in reported:
        assert said(attached(each, seen)) == ("MappingRemoved", "MappingRemoved")


def test_two_that_vanish_are_corrected_and_a_third_at_the_next_look_too() -> None:
    seen = inventory(DATA, LOGS, TEMP, OURS, mapped(OURS, TEMP, 3))
    around = with_vanished(desired(NODE, *THREE), seen)

    decisions = batch.plan(around, seen, around.attachments)

    assert [done(decision) for decision in decisions.values()] == [(MapVolume,), (MapVolume,), ()]


def test_the_order_of_a_batch_does_not_correct_what_is_too_much() -> None:
    """The first answered, so that it is mapped again: for the others there were three all the same."""
    seen = inventory(DATA, LOGS, TEMP, OURS)
    around = with_vanished(desired(NODE, asked(THREE[0]), *THREE[1:]), seen)

    decisions = batch.plan(around, seen, around.attachments)

    assert [done(decision) for decision in decisions.values()] == [(MapVolume,), (), ()]


def test_what_waits_for_an_answer_already_does_not_count_with_what_vanishes_now() -> None:
    reported = [told(each, inventory(DATA, LOGS, LOGGED_IN)) for each in THREE[:2]]

    assert done(attached(THREE[2], inventory(DATA, LOGS, TEMP, OURS), NODE, *reported)) == (MapVolume,)


def test_what_is_ignored_counts_when_it_vanishes_and_not_for_ever() -> None:
    ignored = [was_attached(what=each, drift_policy="Ignore") for each in (DATA, LOGS)]
    seen = inventory(DATA, LOGS, TEMP, OURS)

    assert done(attached(THREE[2], seen, NODE, *ignored)) == ()
    assert done(attached(THREE[2], seen, NODE, *(told(each, seen) for each in ignored))) == (MapVolume,)


def test_what_vanishes_while_the_array_is_unsettled_is_counted_when_that_is_over() -> None:
    seen = inventory(DATA, LOGS, TEMP, OURS)
    waiting = [told(each, seen, NODE, all_in_doubt=True) for each in THREE]

    assert said(attached(waiting[0], seen, NODE, *waiting[1:])) == ("MappingRemoved", "MappingRemoved")


def test_what_vanishes_while_its_host_cannot_be_told_is_not_mapped_again_when_it_can() -> None:
    torn = host("node", "node", "second")
    seen = inventory(DATA, OURS, host_object("other", "second"))
    blind = told(was_attached(), seen, torn)

    assert said(attached(blind, seen, torn)) == ("HostNotReady", "MappingRemoved")
    assert said(attached(blind, inventory(DATA, OURS))) == ("MappingRemoved", "MappingRemoved")


def test_an_answer_maps_again_under_a_live_session_too() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))

    decision = attached(asked(reported), inventory(DATA, LOGGED_IN))

    assert done(decision) == (MapVolume,)


def test_an_old_answer_is_no_answer() -> None:
    answered = asked(was_attached())
    before = answered.model_copy(
        update={"status": answered.status.model_copy(update={"last_handled_reconcile_at": "now"})}
    )

    assert said(attached(before, inventory(DATA, LOGGED_IN))) == ("MappingRemoved", "MappingRemoved")


def test_an_answer_is_not_lost_when_the_host_cannot_be_used_just_then() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))
    leaving = host("node", meta={"deleting": True})

    waiting = told(asked(reported), inventory(DATA, LOGGED_IN), leaving)

    assert waiting.status.last_handled_reconcile_at == "now"
    assert done(attached(waiting, inventory(DATA, LOGGED_IN))) == (MapVolume,)


@pytest.mark.parametrize("policy", ["Report", "Ignore"])
def test_no_answer_makes_a_policy_correct_that_only_looks(policy: str) -> None:
    reported = told(was_attached(drift_policy=policy), inventory(DATA, OURS))

    assert done(attached(asked(reported), inventory(DATA, OURS))) == ()


def test_what_was_only_reported_is_not_corrected_by_the_policy_alone() -> None:
    reported = told(was_attached(drift_policy="Report"), inventory(DATA, OURS))
    spec = was_attached().spec

    corrects = reported.model_copy(update={"spec": spec})

    assert done(attached(corrects, inventory(DATA, OURS))) == ()
    assert done(attached(asked(corrects), inventory(DATA, OURS))) == (MapVolume,)


def test_what_was_recorded_and_never_seen_mapped_is_simply_mapped() -> None:
    wished = attachment("a", "node", status=bound(OURS, DATA, lun=3))

    decision = attached(wished, inventory(DATA, LOGGED_IN))

    assert done(decision) == (MapVolume,)
    assert isinstance(decision, Act)
    assert decision.warning == ""


def test_a_correction_that_was_recorded_is_finished_after_a_crash_even_if_the_machine_logged_in() -> None:
    wished, seen = was_attached(), inventory(DATA, OURS)
    around = with_vanished(desired(wished, NODE), seen)
    outcome = Outcome(attach.plan(wished, around, seen))

    recorded = status.intent_of_attachment(wished, outcome, around, seen, NOW)

    assert recorded.attached_time is None
    assert recorded.origin is Origin.CREATED
    after = wished.model_copy(update={"status": recorded})
    assert done(attached(after, inventory(DATA, LOGGED_IN))) == (MapVolume,)


def test_a_mapping_that_came_back_is_drifted_no_more() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))

    back = told(reported, inventory(DATA, LOGGED_IN, mapped(LOGGED_IN, DATA)))

    assert [each.type for each in back.status.conditions] == ["Ready", "Reconciling", "Stalled"]
    assert back.status.attached_time == ATTACHED


@pytest.mark.parametrize(
    "seen",
    [
        inventory(DATA, host_object("a", "node"), host_object("b", "second")),
        inventory(DATA, host_object("a", "node", "third"), host_object("b", "second")),
    ],
)
def test_what_was_reported_is_kept_while_nobody_can_look(seen: Inventory) -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))

    blind = told(reported, seen, host("node", "node", "second"))

    assert find(blind.status.conditions, "Drifted") == find(reported.status.conditions, "Drifted")
    assert kept(blind.status.conditions)


def test_what_was_reported_is_kept_and_its_answer_waits_while_a_row_about_it_cannot_be_read() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))
    unread = inventory(DATA, OURS)
    unread.learn_odd("lshostvdiskmap", [Odd("svcinfo lshostvdiskmap", "no LUN", frozenset({DATA.uid.lower()}))])

    around = with_vanished(desired(asked(reported), NODE), unread)
    decision = as_far_as_read(attach.plan(asked(reported), around, unread), asked(reported), around, unread)
    blind = status.of_attachment(asked(reported), Outcome(decision), around, unread, LATER)
    after = reported.model_copy(update={"status": blind})

    assert isinstance(decision, Wait)
    assert find(blind.conditions, "Drifted") == find(reported.status.conditions, "Drifted")
    assert not isinstance(attach.plan(after, desired(after, NODE), inventory(DATA, OURS)), Act)
    assert isinstance(attach.plan(asked(after), desired(asked(after), NODE), inventory(DATA, OURS)), Act)


def test_what_is_in_the_way_of_a_correction_is_said_and_it_is_not_corrected_later() -> None:
    obstructed = told(was_attached(), inventory(DATA, OURS, ELSEWHERE, mapped(ELSEWHERE, DATA)))

    assert said(attached(obstructed, inventory(DATA, OURS))) == ("MappingRemoved", "MappingRemoved")


@pytest.mark.parametrize(
    "before",
    [
        inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(LOGGED_IN, DATA), mapped(ELSEWHERE, DATA)),
        inventory(DATA, LOGGED_IN, mapped(LOGGED_IN, DATA, 5)),
    ],
    ids=["SharedBeyondSpec", "LUNChanged"],
)
def test_a_volume_that_was_moved_to_another_host_does_not_come_back_whatever_was_reported_before(
    before: Inventory,
) -> None:
    """As volumes are moved by hand: mapped to the new host, unmapped from the old one, and unmapped there at last."""
    reported = told(was_attached(), before)
    assert kept(reported.status.conditions)

    moved = told(reported, inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(ELSEWHERE, DATA)))
    assert said(attached(reported, inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(ELSEWHERE, DATA)))) == (
        "VolumeMappedElsewhere",
        "MappingRemoved",
    )

    assert said(attached(moved, inventory(DATA, OURS, ELSEWHERE))) == ("MappingRemoved", "MappingRemoved")


def test_a_mapping_that_a_listing_lacks_is_looked_for_by_a_command_meant_for_it() -> None:
    seen, around = inventory(DATA, OURS), desired(was_attached(), NODE)

    assert doubts(around, seen, around.attachments).mapped == {OURS.name}
    assert doubts(around, inventory(DATA), around.attachments).hosts == {OURS.name}


def test_what_was_reported_is_not_looked_for_again_at_each_look() -> None:
    reported = told(was_attached(), inventory(DATA, LOGGED_IN))

    assert doubts(desired(reported, NODE), inventory(DATA, LOGGED_IN), [reported.ref]).cost == 0


# -- a LUN that was changed ------------------------------------------------------------------------------------------


def test_the_lun_that_was_given_is_remembered_and_the_connection_tells_the_truth() -> None:
    moved = told(was_attached(at=1), inventory(DATA, OURS, mapped(OURS, DATA, 5)))

    assert moved.status.lun == 1
    assert moved.status.connection is not None
    assert moved.status.connection.lun == 5
    drifted = find(moved.status.conditions, "Drifted")
    assert drifted is not None
    assert "had LUN 1" in drifted.message
    assert "was moved to LUN 5" in drifted.message


def test_a_lun_that_goes_back_is_drifted_no_more() -> None:
    moved = told(was_attached(at=1), inventory(DATA, OURS, mapped(OURS, DATA, 5)))

    assert said(attached(moved, inventory(DATA, OURS, mapped(OURS, DATA, 1)))) == ("Attached",)


def test_an_answer_accepts_the_lun_that_it_is() -> None:
    seen = inventory(DATA, OURS, mapped(OURS, DATA, 5))

    accepted = told(asked(told(was_attached(at=1), seen)), seen)

    assert accepted.status.lun == 5
    assert said(attached(accepted, seen)) == ("Attached",)


def test_what_moved_and_is_shared_too_is_said_in_one_condition() -> None:
    elsewhere = host_object("other", "other")
    seen = inventory(DATA, OURS, elsewhere, mapped(OURS, DATA, 5), mapped(elsewhere, DATA))

    decision = attached(was_attached(), seen)

    assert isinstance(decision, InSync)
    (note,) = decision.notes
    assert note.reason is Reason.LUN_CHANGED
    assert "LUN 5" in note.message
    assert "mapped to other too" in note.message
