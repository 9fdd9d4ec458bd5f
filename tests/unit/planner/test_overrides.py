"""Pause, plan mode and release: steps that are held back are reported and not done, and no plan builds on them."""

import pytest

from flashsystem_operator.api.attachment import AttachmentStatus
from flashsystem_operator.api.metadata import Asked
from flashsystem_operator.array.commands import MakeHost, MapVolume, UnmapVolume, shown
from flashsystem_operator.array.model import Host
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, InSync, Reason, Release, Wait
from flashsystem_operator.planner.policies import LEFT, left_by
from flashsystem_operator.planner.status import plan_of
from flashsystem_operator.values import Lun
from support.builders import array, attachment, bound, desired, host, host_object, inventory, mapped, own_name, volume

DATA, LOGS = volume("data", 1), volume("logs", 2)
OURS = host_object(own_name("node"), "node")
PAUSED = {"annotations": {"flashsystem.io/paused": "true"}}
PLANNED = {"annotations": {"flashsystem.io/plan": "true"}}


def mapping(on: Host = OURS) -> MapVolume:
    return MapVolume(on.name, DATA.name, DATA.uid, Lun(1))


@pytest.mark.parametrize("at", ["array", "host", "attachment"])
@pytest.mark.parametrize(
    ("meta", "reason"), [(PAUSED, Reason.PAUSED), (PLANNED, Reason.PLANNED)], ids=["paused", "in plan mode"]
)
def test_an_annotation_that_holds_a_parent_holds_all_objects_below_it(
    at: str, meta: dict[str, dict[str, str]], reason: Reason
) -> None:
    resource = attachment("one", "node", meta=meta if at == "attachment" else {})
    node = host("node", meta=meta if at == "host" else {})
    desired_state = desired(node, resource, of=array(meta=meta if at == "array" else {}))

    decided = batch.plan(desired_state, inventory(DATA, OURS), [resource.ref])[resource.ref]

    assert isinstance(decided, Wait)
    assert decided.reason is reason
    assert plan_of(decided) == (shown(mapping()),)
    holder = {"array": "FlashSystemArray storage/array", "host": "FlashSystemHost storage/node"}.get(at, "this object")
    assert holder in decided.message


def test_no_plan_builds_on_steps_that_are_held_back() -> None:
    node = host("node")
    for meta in (PAUSED, PLANNED):
        held = attachment("elder", "node", "data", meta=meta)
        free = attachment("younger", "node", "logs")

        decided = batch.plan(desired(node, held, free), inventory(DATA, LOGS), [held.ref, free.ref])

        act = decided[free.ref]
        assert isinstance(act, Act)
        assert [type(step) for step in act.steps] == [MakeHost, MapVolume]
        assert act.steps[1] == MapVolume(OURS.name, LOGS.name, LOGS.uid, Lun(1))


def test_objects_in_plan_mode_are_planned_as_they_would_be_done_one_after_another() -> None:
    resources = [attachment(name, "node", name, meta=PLANNED) for name in ("data", "logs")]
    desired_state = desired(host("node"), *resources)

    decided = batch.plan(desired_state, inventory(DATA, LOGS), [each.ref for each in resources])

    steps = [step for each in decided.values() if isinstance(each, Wait) for step in each.steps]
    live = desired(host("node"), *(attachment(name, "node", name) for name in ("data", "logs")))
    acts = batch.plan(live, inventory(DATA, LOGS), live.attachments).values()
    assert steps == [step for each in acts if isinstance(each, Act) for step in each.steps]


def test_an_object_in_sync_stays_in_sync_under_a_pause_and_reports_the_pause() -> None:
    resource = attachment("one", "node", status=bound(OURS, DATA, origin="Created"), meta=PAUSED)
    observed = inventory(DATA, OURS, mapped(OURS, DATA, 1))

    decided = batch.plan(desired(host("node"), resource), observed, [resource.ref])[resource.ref]

    assert isinstance(decided, InSync)
    assert [note.kind for note in decided.notes] == ["Paused"]


@pytest.mark.parametrize("meta", [PAUSED, PLANNED], ids=["paused", "in plan mode"])
def test_an_object_that_is_deleted_while_held_waits_and_reports_what_would_be_done(
    meta: dict[str, dict[str, str]],
) -> None:
    resource = attachment("one", "node", status=bound(OURS, DATA, origin="Created"), meta={"deleting": True, **meta})
    desired_state = desired(host("node"), resource)

    decided = batch.plan(desired_state, inventory(DATA, OURS, mapped(OURS, DATA, 1)), [resource.ref])[resource.ref]
    gone = batch.plan(desired_state, inventory(DATA, OURS), [resource.ref])[resource.ref]

    assert isinstance(decided, Wait)
    assert decided.steps == (UnmapVolume(OURS.name, DATA.name, DATA.uid),)
    assert isinstance(gone, Wait)


def test_a_released_object_is_removed_without_a_command_even_under_a_pause() -> None:
    asked = {"flashsystem.io/release": "the-uid", **PAUSED["annotations"]}
    meta = {"deleting": True, "uid": "the-uid", "annotations": asked}
    resource = attachment("one", "node", status=bound(OURS, DATA, origin="Created"), meta=meta)

    decided = batch.plan(desired(host("node"), resource), inventory(DATA, OURS, mapped(OURS, DATA, 1)), [resource.ref])[
        resource.ref
    ]

    assert isinstance(decided, Release)
    assert "left unchanged" in decided.left


def test_a_persistent_volume_that_is_no_longer_managed_is_named() -> None:
    meta = {"uid": "the-uid", "deleting": True, "annotations": {"flashsystem.io/release": "the-uid"}}
    status = bound(OURS, DATA, persistent_volume={"name": "fsattach-1"})
    resource = attachment("one", "node", status=status, meta=meta)

    decided = batch.plan(desired(resource), inventory(DATA, OURS, mapped(OURS, DATA)), [resource.ref])[resource.ref]

    assert isinstance(decided, Release)
    assert "PersistentVolume fsattach-1 stays, too" in decided.left
    assert left_by(host("node").status) == left_by(attachment("two", "node").status) == LEFT


def test_a_release_for_another_object_of_the_same_name_has_no_effect() -> None:
    meta = {"deleting": True, "annotations": {"flashsystem.io/release": "of-its-predecessor"}}
    resource = attachment("one", "node", status=bound(OURS, DATA, origin="Created"), meta=meta)

    decided = batch.plan(desired(host("node"), resource), inventory(DATA, OURS, mapped(OURS, DATA, 1)), [resource.ref])[
        resource.ref
    ]

    assert isinstance(decided, Act)


def test_a_released_object_that_is_not_deleted_is_left_alone() -> None:
    resource = attachment("one", "node", meta={"uid": "the-uid", "annotations": {"flashsystem.io/release": "the-uid"}})

    decided = batch.plan(desired(host("node"), resource), inventory(DATA, OURS), [resource.ref])[resource.ref]

    assert isinstance(decided, Wait)
    assert decided.reason is Reason.RELEASED


@pytest.mark.parametrize(
    ("written", "on"),
    [("true", True), ("yes", True), ("typo", True), ("", False), ("false", False), (" False ", False)],
)
def test_every_annotation_value_except_empty_and_false_holds_the_object(written: str, on: bool) -> None:
    asked = Asked.read({"flashsystem.io/paused": written, "flashsystem.io/plan": written})

    assert (asked.paused, asked.plan) == (on, on)


def test_of_a_request_value_that_is_too_long_for_the_status_only_the_echoed_part_counts() -> None:
    request = "again " * 100

    asked = Asked.read({"flashsystem.io/reconcile-requested-at": request})

    assert asked.reconcile_requested_at == AttachmentStatus(last_handled_reconcile_at=request).last_handled_reconcile_at


@pytest.mark.parametrize(
    ("more", "reason"),
    [(PAUSED["annotations"], Reason.PAUSED), ({}, Reason.PLANNED)],
    ids=["a pause precedes plan mode", "plan mode precedes force-detach"],
)
def test_the_override_annotations_have_an_order_of_precedence(more: dict[str, str], reason: Reason) -> None:
    asked = {"flashsystem.io/force-detach": "the-uid", **PLANNED["annotations"], **more}
    meta = {"deleting": True, "uid": "the-uid", "annotations": asked}
    resource = attachment("one", "node", status=bound(OURS, DATA, origin="Created"), meta=meta)

    decided = batch.plan(desired(host("node"), resource), inventory(DATA, OURS, mapped(OURS, DATA, 1)), [resource.ref])[
        resource.ref
    ]

    assert isinstance(decided, Wait)
    assert decided.reason is reason


@pytest.mark.parametrize("meta", [PAUSED, PLANNED], ids=["paused", "in plan mode"])
def test_a_deletion_that_is_held_back_reports_what_will_stay_on_the_array(meta: dict[str, dict[str, str]]) -> None:
    admins = host_object("admins", "node")
    lost = attachment("one", "node", meta={"deleting": True, **meta}, deletion_policy="Delete")

    decided = batch.plan(desired(host("node"), lost), inventory(DATA, admins, mapped(admins, DATA)), [lost.ref])[
        lost.ref
    ]

    assert isinstance(decided, Wait)
    assert "Volume data stays mapped to host admins" in decided.message
    assert "nothing is left" not in decided.message
