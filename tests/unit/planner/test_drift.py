"""Changes made outside the operator: what is reported, what is corrected (docs/drift.md), and for how long."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Origin, find
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.model import Inventory, Odd
from flashsystem_operator.controller.observer import doubtful_focus
from flashsystem_operator.planner import batch, status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.batch import Circumstances, wait_for_readable_output
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Wait
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.policies import RateLimiter
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.planner.text import kept
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
    reasons_of,
    was_attached,
)
from support.status_fixtures import LATER, NOW

ELSEWHERE = replace(host_object("other", "other"), id="8")
REQUESTED = {"annotations": {"flashsystem.io/reconcile-requested-at": "now"}}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.by_hand)
def test_a_change_made_outside_the_operator_is_handled_as_the_drift_table_lists_it(row: Row) -> None:
    assert (reasons_of(row.decision), done(row.decision)) == (row.reasons, row.done)


def after_pass(
    resource: VolumeAttachment, observed: Inventory, *others: Any, now: str = NOW, **more: Any
) -> VolumeAttachment:
    """Return the attachment with the status that it has after a pass that read this inventory."""
    desired_state = with_vanished(desired(resource, *(others or (NODE,)), **more), observed)
    outcome = Outcome(attach.plan(resource, desired_state, observed))
    return resource.model_copy(update={"status": status.of_attachment(resource, outcome, desired_state, observed, now)})


def with_request(resource: VolumeAttachment) -> VolumeAttachment:
    metadata = resource.metadata.model_copy(update=REQUESTED)
    return resource.model_copy(update={"metadata": metadata})


def lun_of(decision: Decision) -> int:
    assert isinstance(decision, Act)
    (lun,) = (step.lun for step in decision.steps if isinstance(step, MapVolume))
    return lun


# -- a mapping that was removed --------------------------------------------------------------------------------------


def test_a_removed_mapping_is_restored_at_its_lun_and_reported_as_a_warning() -> None:
    decision = attached(was_attached(at=7), inventory(DATA, OURS))

    assert lun_of(decision) == 7
    assert isinstance(decision, Act)
    assert "was unmapped outside the operator. It is mapped again at LUN 7." in decision.warning


def test_reported_drift_stays_with_the_same_message_when_the_host_logs_out() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))
    still = after_pass(reported, inventory(DATA, OURS), now=LATER)

    assert still.status == reported.status
    drifted = find(still.status.conditions, "Drifted")
    assert drifted is not None
    assert drifted.last_transition_time == NOW
    assert "2 sessions" in drifted.message
    assert "flashsystem.io/reconcile-requested-at" in drifted.message


def test_none_of_three_reported_mappings_is_corrected_when_the_other_attachments_are_gone() -> None:
    observed = inventory(DATA, LOGS, TEMP, OURS)
    reported = [after_pass(each, observed, NODE, *(other for other in THREE if other is not each)) for each in THREE]

    for each in reported:
        assert reasons_of(attached(each, observed)) == ("MappingRemoved", "MappingRemoved")


def test_two_mappings_that_vanish_are_corrected_and_a_third_at_the_next_read_too() -> None:
    observed = inventory(DATA, LOGS, TEMP, OURS, mapped(OURS, TEMP, 3))
    desired_state = with_vanished(desired(NODE, *THREE), observed)

    decisions = batch.plan(desired_state, observed, desired_state.attachments)

    assert [done(decision) for decision in decisions.values()] == [(MapVolume,), (MapVolume,), ()]


def test_too_many_lost_mappings_are_not_corrected_whatever_the_order_of_the_batch() -> None:
    """The first one is mapped again on request; for the others, three mappings vanished at once all the same."""
    observed = inventory(DATA, LOGS, TEMP, OURS)
    desired_state = with_vanished(desired(NODE, with_request(THREE[0]), *THREE[1:]), observed)

    decisions = batch.plan(desired_state, observed, desired_state.attachments)

    assert [done(decision) for decision in decisions.values()] == [(MapVolume,), (), ()]


def test_mappings_that_were_reported_before_do_not_count_with_those_that_vanish_now() -> None:
    reported = [after_pass(each, inventory(DATA, LOGS, LOGGED_IN)) for each in THREE[:2]]

    assert done(attached(THREE[2], inventory(DATA, LOGS, TEMP, OURS), NODE, *reported)) == (MapVolume,)


def test_an_ignored_mapping_counts_only_in_the_pass_in_which_it_vanishes() -> None:
    ignored = [was_attached(what=each, drift_policy="Ignore") for each in (DATA, LOGS)]
    observed = inventory(DATA, LOGS, TEMP, OURS)

    assert done(attached(THREE[2], observed, NODE, *ignored)) == ()
    assert done(attached(THREE[2], observed, NODE, *(after_pass(each, observed) for each in ignored))) == (MapVolume,)


def test_mappings_that_vanish_while_the_array_is_in_doubt_are_counted_afterwards() -> None:
    observed = inventory(DATA, LOGS, TEMP, OURS)
    waiting = [after_pass(each, observed, NODE, all_in_doubt=True) for each in THREE]

    assert reasons_of(attached(waiting[0], observed, NODE, *waiting[1:])) == ("MappingRemoved", "MappingRemoved")


def test_a_mapping_lost_while_its_host_cannot_be_identified_is_not_mapped_again_later() -> None:
    ambiguous = host("node", "node", "second")
    observed = inventory(DATA, OURS, host_object("other", "second"))
    incomplete = after_pass(was_attached(), observed, ambiguous)

    assert reasons_of(attached(incomplete, observed, ambiguous)) == ("HostNotReady", "MappingRemoved")
    assert reasons_of(attached(incomplete, inventory(DATA, OURS))) == ("MappingRemoved", "MappingRemoved")


def test_a_reconcile_request_restores_a_mapping_even_under_a_live_session() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))

    decision = attached(with_request(reported), inventory(DATA, LOGGED_IN))

    assert done(decision) == (MapVolume,)


def test_a_reconcile_request_that_was_handled_before_has_no_effect() -> None:
    requested = with_request(was_attached())
    before = requested.model_copy(
        update={"status": requested.status.model_copy(update={"last_handled_reconcile_at": "now"})}
    )

    assert reasons_of(attached(before, inventory(DATA, LOGGED_IN))) == ("MappingRemoved", "MappingRemoved")


def test_a_reconcile_request_is_not_lost_while_the_host_cannot_be_used() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))
    leaving = host("node", meta={"deleting": True})

    waiting = after_pass(with_request(reported), inventory(DATA, LOGGED_IN), leaving)

    assert waiting.status.last_handled_reconcile_at == "now"
    assert done(attached(waiting, inventory(DATA, LOGGED_IN))) == (MapVolume,)


@pytest.mark.parametrize("policy", ["Report", "Ignore"])
def test_a_reconcile_request_corrects_nothing_under_a_policy_that_does_not_correct(policy: str) -> None:
    reported = after_pass(was_attached(drift_policy=policy), inventory(DATA, OURS))

    assert done(attached(with_request(reported), inventory(DATA, OURS))) == ()


def test_reported_drift_is_not_corrected_by_a_change_of_policy_alone() -> None:
    reported = after_pass(was_attached(drift_policy="Report"), inventory(DATA, OURS))
    spec = was_attached().spec

    corrects = reported.model_copy(update={"spec": spec})

    assert done(attached(corrects, inventory(DATA, OURS))) == ()
    assert done(attached(with_request(corrects), inventory(DATA, OURS))) == (MapVolume,)


def test_a_recorded_mapping_that_was_never_observed_is_created_without_a_warning() -> None:
    resource = attachment("a", "node", status=bound(OURS, DATA, lun=3))

    decision = attached(resource, inventory(DATA, LOGGED_IN))

    assert done(decision) == (MapVolume,)
    assert isinstance(decision, Act)
    assert decision.warning == ""


def test_a_recorded_correction_is_finished_after_a_crash_even_if_the_host_logged_in() -> None:
    resource, observed = was_attached(), inventory(DATA, OURS)
    desired_state = with_vanished(desired(resource, NODE), observed)
    outcome = Outcome(attach.plan(resource, desired_state, observed))

    recorded = status.intent_of_attachment(resource, outcome, desired_state, observed, NOW)

    assert recorded.attached_time is None
    assert recorded.origin is Origin.CREATED
    after = resource.model_copy(update={"status": recorded})
    assert done(attached(after, inventory(DATA, LOGGED_IN))) == (MapVolume,)


def test_a_mapping_that_came_back_is_no_longer_drifted() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))

    back = after_pass(reported, inventory(DATA, LOGGED_IN, mapped(LOGGED_IN, DATA)))

    assert [each.type for each in back.status.conditions] == ["Ready", "Reconciling", "Stalled"]
    assert back.status.attached_time == ATTACHED


@pytest.mark.parametrize(
    "observed",
    [
        inventory(DATA, host_object("a", "node"), host_object("b", "second")),
        inventory(DATA, host_object("a", "node", "third"), host_object("b", "second")),
    ],
)
def test_reported_drift_is_kept_while_the_host_cannot_be_identified(observed: Inventory) -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))

    incomplete = after_pass(reported, observed, host("node", "node", "second"))

    assert find(incomplete.status.conditions, "Drifted") == find(reported.status.conditions, "Drifted")
    assert kept(incomplete.status.conditions)


def test_reported_drift_is_kept_and_its_reconcile_request_waits_while_a_row_is_unreadable() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))
    unread = inventory(DATA, OURS)
    unread.learn_odd("lshostvdiskmap", [Odd("svcinfo lshostvdiskmap", "no LUN", frozenset({DATA.uid.lower()}))])

    desired_state = with_vanished(desired(with_request(reported), NODE), unread)
    around = Circumstances(desired_state, unread, RateLimiter.of(desired_state), {})
    planned = attach.plan(with_request(reported), desired_state, unread)
    decision = wait_for_readable_output(planned, with_request(reported), around)
    incomplete = status.of_attachment(with_request(reported), Outcome(decision), desired_state, unread, LATER)
    after = reported.model_copy(update={"status": incomplete})

    assert isinstance(decision, Wait)
    assert find(incomplete.conditions, "Drifted") == find(reported.status.conditions, "Drifted")
    assert not isinstance(attach.plan(after, desired(after, NODE), inventory(DATA, OURS)), Act)
    assert isinstance(attach.plan(with_request(after), desired(with_request(after), NODE), inventory(DATA, OURS)), Act)


def test_an_obstacle_to_a_correction_is_reported_and_the_drift_is_not_corrected_later() -> None:
    obstructed = after_pass(was_attached(), inventory(DATA, OURS, ELSEWHERE, mapped(ELSEWHERE, DATA)))

    assert reasons_of(attached(obstructed, inventory(DATA, OURS))) == ("MappingRemoved", "MappingRemoved")


@pytest.mark.parametrize(
    "before",
    [
        inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(LOGGED_IN, DATA), mapped(ELSEWHERE, DATA)),
        inventory(DATA, LOGGED_IN, mapped(LOGGED_IN, DATA, 5)),
    ],
    ids=["SharedBeyondSpec", "LUNChanged"],
)
def test_a_volume_moved_to_another_host_is_not_mapped_back_whatever_was_reported_before(
    before: Inventory,
) -> None:
    """A volume is moved by hand: mapped to the new host, unmapped from the old one, then unmapped from the new one."""
    reported = after_pass(was_attached(), before)
    assert kept(reported.status.conditions)

    moved = after_pass(reported, inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(ELSEWHERE, DATA)))
    assert reasons_of(attached(reported, inventory(DATA, LOGGED_IN, ELSEWHERE, mapped(ELSEWHERE, DATA)))) == (
        "VolumeMappedElsewhere",
        "MappingRemoved",
    )

    assert reasons_of(attached(moved, inventory(DATA, OURS, ELSEWHERE))) == ("MappingRemoved", "MappingRemoved")


def test_a_mapping_missing_from_a_list_view_is_checked_with_a_specific_command() -> None:
    observed, desired_state = inventory(DATA, OURS), desired(was_attached(), NODE)

    assert doubtful_focus(desired_state, observed, desired_state.attachments).mapped == {OURS.name}
    assert doubtful_focus(desired_state, inventory(DATA), desired_state.attachments).hosts == {OURS.name}


def test_a_mapping_that_was_reported_is_not_checked_again_at_each_read() -> None:
    reported = after_pass(was_attached(), inventory(DATA, LOGGED_IN))

    assert doubtful_focus(desired(reported, NODE), inventory(DATA, LOGGED_IN), [reported.ref]).cost == 0


# -- a LUN that was changed ------------------------------------------------------------------------------------------


def test_the_status_keeps_the_assigned_lun_and_the_connection_has_the_actual_lun() -> None:
    moved = after_pass(was_attached(at=1), inventory(DATA, OURS, mapped(OURS, DATA, 5)))

    assert moved.status.lun == 1
    assert moved.status.connection is not None
    assert moved.status.connection.lun == 5
    drifted = find(moved.status.conditions, "Drifted")
    assert drifted is not None
    assert "had LUN 1" in drifted.message
    assert "was moved to LUN 5" in drifted.message


def test_a_lun_that_is_changed_back_is_no_longer_drifted() -> None:
    moved = after_pass(was_attached(at=1), inventory(DATA, OURS, mapped(OURS, DATA, 5)))

    assert reasons_of(attached(moved, inventory(DATA, OURS, mapped(OURS, DATA, 1)))) == ("Attached",)


def test_a_reconcile_request_accepts_the_actual_lun() -> None:
    observed = inventory(DATA, OURS, mapped(OURS, DATA, 5))

    accepted = after_pass(with_request(after_pass(was_attached(at=1), observed)), observed)

    assert accepted.status.lun == 5
    assert reasons_of(attached(accepted, observed)) == ("Attached",)


def test_a_changed_lun_and_an_additional_host_are_reported_in_one_condition() -> None:
    elsewhere = host_object("other", "other")
    observed = inventory(DATA, OURS, elsewhere, mapped(OURS, DATA, 5), mapped(elsewhere, DATA))

    decision = attached(was_attached(), observed)

    assert isinstance(decision, InSync)
    (note,) = decision.notes
    assert note.reason is Reason.LUN_CHANGED
    assert "LUN 5" in note.message
    assert "mapped to other too" in note.message
