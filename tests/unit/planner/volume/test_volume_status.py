"""What is recorded of a volume before a command and after a pass, and the Events of it."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.metadata import VOLUME_UID
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin, VolumeStatus
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.model import Inventory, Odd, Throttle
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
    planned_uid,
)
from flashsystem_operator.planner import batch, events, status
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.planner.volume import volume_plan
from support.builders import POOL, SYSTEM, array, attachment, desired, inventory, managed_volume, of_volume, uid
from support.event_fixtures import condition
from support.volume_fixtures import (
    ANNOTATED,
    DATA,
    GIB,
    IN_FLIGHT,
    LEAVING,
    NAME,
    NOW,
    RENAMED,
    VOL0,
    from_import,
)

READY = InSync(Reason.READY, "Volume data has 1Gi.")


def unreadable(*words: str) -> Odd:
    return Odd("svcinfo lsvdisk", "capacity is no number", frozenset(words))


# -- before the commands ----------------------------------------------------------------------------------------------


def intents(resource: FlashSystemVolume, seen: Inventory, **more: Any) -> list[VolumeStatus]:
    state = desired(resource, **{"now": NOW, **more})
    decisions = {resource.ref: volume_plan.plan(resource, state, seen)}
    return [*status.intents_of_volumes(decisions, state, seen).values()]


def test_what_is_about_to_be_created_is_recorded_first() -> None:
    (recorded,) = intents(managed_volume(pool="Pool0", size=str(GIB + 1)), inventory())

    assert recorded.intent is not None
    assert recorded.intent.to_json() == {"name": NAME, "size": GIB + 512, "pool": "Pool0", "time": NOW}
    assert (recorded.name, recorded.uid, recorded.origin) == (NAME, None, VolumeOrigin.CREATED)
    assert recorded.array is not None
    assert recorded.array.system_id == SYSTEM


def test_the_volume_is_recorded_before_anything_is_changed_on_it() -> None:
    (imported,) = intents(managed_volume(size="2Gi", **from_import({"name": "vol0"})), inventory(VOL0))
    (created,) = intents(managed_volume(size="2Gi", status=IN_FLIGHT), inventory(DATA))
    (restored,) = intents(managed_volume(size="2Gi", meta=ANNOTATED), inventory(DATA))

    assert (imported.uid, imported.origin, imported.name) == (VOL0.uid, VolumeOrigin.IMPORTED, "vol0")
    assert (created.uid, created.origin, created.intent) == (DATA.uid, VolumeOrigin.CREATED, None)
    assert (restored.uid, restored.origin, restored.name) == (DATA.uid, VolumeOrigin.CREATED, NAME)


def test_also_before_it_is_deleted() -> None:
    (recorded,) = intents(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory(DATA))

    assert recorded.uid == DATA.uid


def test_nothing_is_recorded_for_a_bound_volume_or_without_a_command() -> None:
    assert intents(managed_volume(size="2Gi", status=of_volume(DATA)), inventory(DATA)) == []
    assert intents(managed_volume(**from_import({"name": "vol0"})), inventory(VOL0)) == []
    assert intents(managed_volume(pool="Pool9"), inventory()) == []
    restored = managed_volume(meta={"namespace": "team", **LEAVING, **ANNOTATED}, status=IN_FLIGHT)
    assert intents(restored, inventory()) == []


# -- after a pass -----------------------------------------------------------------------------------------------------


def of(
    resource: FlashSystemVolume, seen: Inventory, *others: Any, decision: Decision = READY, **more: Any
) -> VolumeStatus:
    return status.of_volume(resource, Outcome(decision), desired(resource, *others, **more), seen, NOW)


def test_the_status_shows_what_the_array_has() -> None:
    volume = replace(DATA, used=4096, formatting=True, throttle=Throttle("throttle0", 500, 100))

    shown = of(managed_volume(status=IN_FLIGHT), inventory(volume), attachment("a", "node", {"ref": {"name": "data"}}))

    assert (shown.name, shown.uid, shown.id, shown.pool) == (NAME, DATA.uid, "1", POOL.name)
    assert (shown.capacity, shown.used, shown.state, shown.formatting) == ("1Gi", "4Ki", "online", True)
    assert (shown.origin, shown.intent, shown.attachments) == (VolumeOrigin.CREATED, None, 1)
    assert shown.throttle is not None
    assert (shown.throttle.iops, shown.throttle.bandwidth) == (500, "100Mi")
    assert shown.observed_generation == 1


@pytest.mark.parametrize("throttle", [None, Throttle()], ids=["not read", "none"])
def test_the_status_shows_no_throttle_that_the_array_does_not_show(throttle: Throttle | None) -> None:
    assert of(managed_volume(status=of_volume(DATA)), inventory(replace(DATA, throttle=throttle))).throttle is None


def test_the_name_of_a_renamed_volume_is_the_one_that_it_should_have() -> None:
    """By that it is renamed back; an import has the name that the array administrator gives it."""
    created = managed_volume(status=of_volume(DATA))
    imported = managed_volume(status=of_volume(DATA, origin="Imported"), **from_import({"uid": DATA.uid}))

    assert of(created, inventory(RENAMED)).name == NAME
    assert of(imported, inventory(RENAMED)).name == "mine"


KNOWN: dict[str, Any] = of_volume(DATA, capacity="1Gi", pool="Pool0", state="online")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(inventory(), id="it is gone"),
        pytest.param(inventory(replace(DATA, uid=uid(9))), id="another volume has its name"),
    ],
)
def test_what_was_known_of_a_volume_stays_while(seen: Inventory) -> None:
    shown = of(managed_volume(status=KNOWN), seen)

    assert (shown.uid, shown.name, shown.capacity, shown.state) == (DATA.uid, NAME, "1Gi", "online")


def test_what_was_known_stays_while_the_volume_cannot_be_read() -> None:
    seen = inventory(replace(DATA, capacity=1))
    seen.learn_odd("lsvdisk", [unreadable(DATA.uid.lower())])

    assert of(managed_volume(status=KNOWN), seen).capacity == "1Gi"


def test_the_intent_stays_until_the_volume_is_found() -> None:
    assert of(managed_volume(status=IN_FLIGHT), inventory()).intent is not None


def test_a_volume_that_only_a_plan_has_is_not_recorded() -> None:
    shown = of(managed_volume(pool="Pool0"), inventory(replace(DATA, uid=planned_uid(NAME))))

    assert (shown.uid, shown.capacity) == (None, None)


def test_the_time_of_a_delayed_deletion_is_shown() -> None:
    resource = managed_volume(status=of_volume(DATA), meta=LEAVING, deletion_delay="2h")

    assert of(resource, inventory(DATA)).deletion_time == "2026-02-01T02:00:00Z"
    assert of(managed_volume(status=of_volume(DATA), deletion_delay="2h"), inventory(DATA)).deletion_time is None


# -- rows that cannot be read -----------------------------------------------------------------------------------------


def batch_decision(resource: FlashSystemVolume, *odd: tuple[str, Odd], seen: Inventory | None = None) -> Decision:
    observed = seen or inventory()
    for source, row in odd:
        observed.learn_odd(source, [row])
    return batch.plan(desired(resource, now=NOW), observed, [resource.ref])[resource.ref]


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(managed_volume(status=of_volume(DATA), meta=LEAVING), id="its UID"),
        pytest.param(managed_volume(meta={**LEAVING, **ANNOTATED}), id="the UID of its annotation"),
        pytest.param(managed_volume(meta=LEAVING, **from_import({"uid": DATA.uid})), id="the UID of its import"),
    ],
)
def test_a_volume_is_not_taken_as_gone_while_a_row_cannot_be_read_that_has(resource: FlashSystemVolume) -> None:
    decision = batch_decision(resource, ("lsvdisk", unreadable(DATA.uid.lower())))

    assert isinstance(decision, Wait)
    assert (decision.reason, decision.retry) == (Reason.UNREADABLE_ANSWER, 60.0)


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(managed_volume(pool="Pool0"), id="created"),
        pytest.param(managed_volume(status=of_volume(RENAMED), size="2Gi"), id="grown"),
        pytest.param(managed_volume(status=of_volume(DATA), meta=LEAVING), id="deleted"),
    ],
)
def test_while_a_row_with_its_name_cannot_be_read_no_volume_is(resource: FlashSystemVolume) -> None:
    decision = batch_decision(resource, ("lsvdisk", unreadable(NAME)), seen=inventory(DATA))

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.UNREADABLE_ANSWER


def test_a_row_of_a_mapping_that_cannot_be_read_keeps_its_volume() -> None:
    row = Odd("svcinfo lsvdiskhostmap", "SCSI_id is no number", frozenset({"node", DATA.uid.lower()}))

    decision = batch_decision(
        managed_volume(status=of_volume(DATA), meta=LEAVING), ("lsvdiskhostmap x", row), seen=inventory(DATA)
    )

    assert isinstance(decision, Wait)


def test_rows_about_other_volumes_do_not_matter() -> None:
    resource = managed_volume(status=of_volume(DATA), meta=LEAVING)

    decision = batch_decision(resource, ("lsvdisk", unreadable("vol0")), seen=inventory(DATA))

    assert decision == Act((RemoveVolume(NAME, DATA.uid),))


def test_a_pool_that_cannot_be_read_is_not_a_missing_one() -> None:
    row = Odd("svcinfo lsmdiskgrp -delim ! -bytes", "free_capacity is no number", frozenset({"pool0"}))

    decision = batch_decision(managed_volume(pool="Pool0"), ("lsmdiskgrp", row), seen=inventory(pools=[]))

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.UNREADABLE_ANSWER


def test_attachments_are_planned_on_the_new_name_and_without_a_volume_that_is_deleted() -> None:
    renamed, gone = managed_volume(status=of_volume(DATA)), managed_volume("gone", status=of_volume(VOL0), meta=LEAVING)
    by_name = attachment("a", "node", "vol0", meta={"namespace": "storage"})
    state: Desired = desired(renamed, gone, now=NOW)

    decisions = batch.plan(state, inventory(RENAMED, VOL0), [renamed.ref, gone.ref])

    assert decisions[renamed.ref] == Act((RenameVolume(RENAMED.name, DATA.uid, NAME),))
    assert decisions[gone.ref] == Act((RemoveVolume(VOL0.name, VOL0.uid),))
    waiting = batch.plan(desired(gone, by_name, now=NOW), inventory(VOL0), [gone.ref, by_name.ref])
    assert not isinstance(waiting[gone.ref], Act)


# -- Events -----------------------------------------------------------------------------------------------------------

CREATE = Act((CreateVolume(NAME, POOL.name, GIB),))


def after(**more: Any) -> VolumeStatus:
    return VolumeStatus.model_validate(of_volume(DATA, capacity="1Gi", pool="Pool0", **more))


def reported(
    before: FlashSystemVolume, now: VolumeStatus, planned: Decision = READY, outcome: Outcome | None = None
) -> list[tuple[str, bool]]:
    found = events.of_volume(before, planned, outcome or Outcome(READY), now)
    return [(each.reason, each.warning) for each in found]


def test_a_volume_is_reported_as_created_once() -> None:
    assert reported(managed_volume(), after(), CREATE) == [("VolumeCreated", False)]
    assert reported(managed_volume(status=IN_FLIGHT), after()) == [("VolumeCreated", False)]
    assert reported(managed_volume(status=of_volume(DATA)), after()) == []


def test_a_volume_that_existed_is_reported_as_managed() -> None:
    assert reported(managed_volume(), after(origin="Imported")) == [("VolumeImported", False)]
    assert reported(managed_volume(meta=ANNOTATED), after()) == [("VolumeImported", False)]


def test_growth_is_reported_with_what_is_to_be_done_on_the_hosts() -> None:
    before = managed_volume(status=of_volume(DATA, capacity="1Gi"))

    (grown,) = events.of_volume(
        before, READY, Outcome(READY), after(attachments=1).model_copy(update={"capacity": "2Gi"})
    )

    assert grown.reason == "VolumeGrown"
    assert "2Gi now, and had 1Gi" in grown.message
    assert "Scan for the new size" in grown.message
    assert reported(before, after().model_copy(update={"capacity": "512Mi"})) == []


def test_a_refusal_of_the_array_and_one_of_ours_are_warnings() -> None:
    no = Refused("svctask mkvolume", "CMMVC5860E No.")

    assert reported(managed_volume(), VolumeStatus(), CREATE, Outcome(CREATE, no)) == [("RefusedByArray", True)]
    gone = Outcome(Refuse(Reason.VOLUME_GONE, "It is gone."))
    assert reported(managed_volume(status=of_volume(DATA)), after(), READY, gone) == [("VolumeGone", True)]
    known = managed_volume(status=of_volume(DATA, conditions=[condition("Stalled", "True", "VolumeGone")]))
    assert reported(known, after(), READY, gone) == []


def test_the_end_of_drift_is_reported() -> None:
    drifted = managed_volume(status=of_volume(DATA, conditions=[condition("Drifted", "True", "NameChanged")]))

    assert reported(drifted, after()) == [("DriftEnded", False)]
    assert reported(drifted, after(), Act((RenameVolume(RENAMED.name, DATA.uid, NAME),))) == [("DriftCorrected", False)]


def test_a_release_reports_the_deleted_volume_or_what_stays() -> None:
    bound, never = managed_volume(status=of_volume(DATA)), managed_volume()

    assert [each.reason for each in events.of_release(bound, Release())] == ["VolumeDeleted"]
    assert [each.reason for each in events.of_release(bound, Release("It stays."))] == ["LeftOnArray"]
    assert events.of_release(never, Release()) == ()


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (CREATE.steps[0], "volume created"),
        (ExpandVolume(NAME, DATA.uid, GIB, 2 * GIB), "volume grown"),
        (RenameVolume(RENAMED.name, DATA.uid, NAME), "drift corrected"),
        (ThrottleVolume(NAME, DATA.uid, 500, None), "volume throttled"),
        (RemoveThrottle(NAME, DATA.uid, "throttle0"), "volume throttled"),
        (RemoveVolume(NAME, DATA.uid), "volume deleted"),
    ],
)
def test_every_command_for_a_volume_has_a_reason_in_the_change_log(step: Any, why: str) -> None:
    reason = events.change_reason_of(managed_volume(status=of_volume(DATA), meta=LEAVING), step)

    assert reason.why == why
    assert "data" in reason.because


def test_the_annotation_is_not_needed_for_the_status() -> None:
    other = {"annotations": {VOLUME_UID: uid(9)}}

    assert of(managed_volume(status=of_volume(DATA), meta=other), inventory(DATA), of=array()).uid == DATA.uid
