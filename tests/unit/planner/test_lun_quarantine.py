"""Every LUN that is freed on a host is quarantined there until the machine can be expected to have noticed."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.array import FormerHost
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, QuarantinedLun
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.array.model import Host, Inventory
from flashsystem_operator.planner import batch, luns, status
from flashsystem_operator.planner.decision import Act
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.status import Outcome
from support.builders import array, attachment, body, desired, host, inventory, iqn, mapped, uid, volume
from support.drift_table import ADMINS, DATA, LOGS, OURS, TEMP, was_attached

NOW, END, LATER = "2026-03-01T00:00:00Z", "2026-03-01T00:05:00Z", "2026-03-01T00:04:59Z"
QUARANTINED = {"quarantined_luns": [{"lun": 1, "uid": uid(1), "until": END}]}


def node(*items: tuple[int, int], **fields: Any) -> FlashSystemHost:
    """Return a host whose status lists these pairs of LUN and volume number."""
    listed = [{"lun": lun, "volume": f"v{number}", "uid": uid(number)} for lun, number in items]
    return host("node", status={"mappings": {"count": len(listed), "items": listed}, **fields})


def desired_with(*resources: FlashSystemHost | VolumeAttachment, now: str = NOW, quarantine: str = "5m") -> Desired:
    return desired(*resources, of=array(lun_quarantine=quarantine), now=now)


def acts(desired_state: Desired, observed: Inventory) -> dict[str, Act]:
    """Return the planned acts by the names of their attachments."""
    decisions = batch.plan(with_vanished(desired_state, observed), observed, desired_state.attachments)
    return {ref.name: decision for ref, decision in decisions.items() if isinstance(decision, Act)}


def chosen(desired_state: Desired, observed: Inventory) -> dict[str, int]:
    """Return the LUN that is planned for each attachment."""
    return {
        name: step.lun
        for name, act in acts(desired_state, observed).items()
        for step in act.steps
        if isinstance(step, MapVolume)
    }


def recorded(desired_state: Desired, observed: Inventory) -> tuple[QuarantinedLun, ...]:
    """Return the quarantine in the status of the host before any command is sent."""
    decisions = batch.plan(desired_state, observed, [*desired_state.hosts, *desired_state.attachments])
    (record,) = status.intents_of_hosts(decisions, desired_state, observed).values()
    return record.status.quarantined_luns


def reported(desired_state: Desired, observed: Inventory) -> tuple[QuarantinedLun, ...]:
    """Return the quarantine in the status of the host after the read."""
    (resource,) = desired_state.hosts.values()
    return status.of_host(
        resource, Outcome(host_plan.plan(resource, desired_state, observed)), desired_state, observed, NOW
    ).quarantined_luns


def entry(lun: int, number: int, until: str = END) -> QuarantinedLun:
    return QuarantinedLun.model_validate({"lun": lun, "uid": uid(number), "until": until})


def detaching(on: Host = OURS) -> VolumeAttachment:
    """Return the attachment of `data`, being deleted."""
    return was_attached(on, meta={"deleting": True})


# -- what is quarantined ---------------------------------------------------------------------------------------------


def test_a_lun_that_is_about_to_be_freed_is_recorded_before() -> None:
    observed = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1), mapped(OURS, LOGS, 2))

    assert recorded(desired_with(node((1, 1), (2, 2)), detaching()), observed) == (entry(1, 1),)


def test_a_lun_on_an_administrators_host_object_is_recorded_before_it_is_freed_too() -> None:
    assert recorded(desired_with(node(), detaching(ADMINS)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))) == (
        entry(1, 1),
    )


def test_the_lun_of_the_last_volume_is_quarantined_although_the_host_object_is_removed_too() -> None:
    assert recorded(desired_with(node(), detaching()), inventory(DATA, OURS, mapped(OURS, DATA))) == (entry(1, 1),)
    assert reported(desired_with(node(**QUARANTINED)), inventory(DATA)) == (entry(1, 1),)


def test_a_record_names_the_attachment_that_frees_the_lun_in_case_that_fails() -> None:
    deleted, observed = detaching(), inventory(DATA, OURS, mapped(OURS, DATA))
    desired_state = desired_with(node(), deleted)

    (record,) = status.intents_of_hosts(
        batch.plan(desired_state, observed, desired_state.attachments), desired_state, observed
    ).values()

    assert record.freed_by == {deleted.ref}


def test_without_a_host_resource_the_lun_is_freed_and_no_host_is_updated() -> None:
    desired_state, observed = desired_with(detaching()), inventory(DATA, OURS, mapped(OURS, DATA))
    decisions = batch.plan(desired_state, observed, desired_state.attachments)

    assert any(isinstance(step, UnmapVolume) for step in acts(desired_state, observed)["data"].steps)
    assert status.intents_of_hosts(decisions, desired_state, observed) == {}


def test_a_detach_that_is_refused_repeatedly_is_not_recorded_each_time() -> None:
    observed = inventory(DATA, OURS, mapped(OURS, DATA))
    early, late = "2026-03-01T00:02:00Z", "2026-03-01T00:03:00Z"

    for now, writes in ((NOW, 0), (early, 0), (late, 1)):
        desired_state = desired_with(node(**QUARANTINED), detaching(), now=now)
        assert (
            len(
                status.intents_of_hosts(
                    batch.plan(desired_state, observed, desired_state.attachments), desired_state, observed
                )
            )
            == writes
        )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-02-28T19:04:00-05:00", "2026-03-01T00:04:00Z"),
        ("2026-03-01T00:00:00.900Z", None),
        ("2026-03-01T01:00:00+01:00", None),
        ("9999-12-31T23:59:59Z", END),
        ("soon", END),
    ],
)
def test_an_end_time_that_another_client_wrote_counts_as_the_time_that_it_is(
    written: str, expected: str | None
) -> None:
    """A time that cannot be read, or is too late, counts as the latest possible one."""
    quarantined = reported(
        desired_with(node(quarantined_luns=[{"lun": 2, "uid": uid(2), "until": written}])), inventory(OURS)
    )

    assert quarantined == ((entry(2, 2, expected),) if expected else ())


def test_a_lun_that_is_not_freed_yet_stays_in_the_record_until_it_is() -> None:
    assert reported(
        desired_with(node((1, 1), **QUARANTINED), detaching()), inventory(DATA, OURS, mapped(OURS, DATA))
    ) == (entry(1, 1),)


def test_a_lun_is_quarantined_for_the_whole_time_from_the_read_that_shows_it_free() -> None:
    desired_state = desired_with(node((1, 1), **QUARANTINED), detaching(), now="2026-03-01T00:01:00Z")

    assert reported(desired_state, inventory(DATA, OURS)) == (entry(1, 1, "2026-03-01T00:06:00Z"),)


def test_a_lun_freed_outside_the_operator_is_quarantined_too() -> None:
    assert reported(desired_with(node((1, 1), (2, 2))), inventory(DATA, OURS, mapped(OURS, LOGS, 2))) == (entry(1, 1),)


def test_every_lun_of_a_multi_lun_mapping_freed_outside_the_operator_is_quarantined() -> None:
    desired_state, per_io_group = desired_with(node()), inventory(DATA, OURS, mapped(OURS, DATA, 1, 9))
    (resource,) = desired_state.hosts.values()
    before = status.of_host(
        resource, Outcome(host_plan.plan(resource, desired_state, per_io_group)), desired_state, per_io_group, NOW
    )

    assert before.mappings is not None
    assert before.mappings.count == 1
    later = resource.model_copy(update={"status": before})
    assert reported(desired_with(later), inventory(DATA, OURS)) == (entry(1, 1), entry(9, 1))


def test_the_luns_of_a_host_object_removed_outside_the_operator_are_quarantined_too() -> None:
    assert set(reported(desired_with(node((1, 1), (2, 2))), inventory(DATA))) == {entry(1, 1), entry(2, 2)}


def test_a_lun_that_the_list_of_the_host_lacks_is_known_from_its_attachment() -> None:
    assert reported(desired_with(node(), was_attached(at=700)), inventory(DATA, OURS)) == (entry(700, 1),)


def test_a_lun_that_is_mapped_again_is_no_longer_quarantined() -> None:
    assert reported(desired_with(node(**QUARANTINED)), inventory(LOGS, OURS, mapped(OURS, LOGS, 1))) == ()
    assert reported(desired_with(node(**QUARANTINED)), inventory(DATA, OURS, mapped(OURS, DATA, 1))) == ()


def test_an_expired_quarantine_is_forgotten() -> None:
    assert reported(desired_with(node(**QUARANTINED), now=LATER), inventory(OURS)) == (entry(1, 1),)
    assert reported(desired_with(node(**QUARANTINED), now=END), inventory(OURS)) == ()


def test_a_shorter_quarantine_applies_to_luns_already_quarantined_and_none_ends_it() -> None:
    assert reported(desired_with(node(**QUARANTINED), quarantine="1m"), inventory(OURS)) == (
        entry(1, 1, "2026-03-01T00:01:00Z"),
    )
    assert reported(desired_with(node((2, 2), **QUARANTINED), quarantine="0s"), inventory(OURS)) == ()


def test_with_no_quarantine_nothing_is_recorded() -> None:
    desired_state, observed = (
        desired_with(node(), detaching(), quarantine="0s"),
        inventory(DATA, OURS, mapped(OURS, DATA)),
    )

    assert (
        status.intents_of_hosts(batch.plan(desired_state, observed, desired_state.attachments), desired_state, observed)
        == {}
    )


def test_reading_an_unchanged_array_leaves_the_record_unchanged() -> None:
    desired_state = desired_with(node((2, 2), **QUARANTINED), now=LATER)

    assert (
        reported(desired_state, inventory(LOGS, OURS, mapped(OURS, LOGS, 2)))
        == desired_state.hosts[host("node").ref].status.quarantined_luns
    )


# -- reuse of a quarantined LUN --------------------------------------------------------------------------------------


def test_a_quarantined_lun_is_not_given_to_another_volume() -> None:
    assert chosen(desired_with(node(**QUARANTINED), attachment("a", "node", "logs")), inventory(DATA, LOGS, OURS)) == {
        "a": 2
    }


def test_a_quarantined_lun_is_given_to_its_volume_or_on_request_and_after_expiry_to_any_volume() -> None:
    observed = inventory(DATA, LOGS, OURS)

    assert chosen(desired_with(node(**QUARANTINED), attachment("a", "node", "data")), observed) == {"a": 1}
    assert chosen(desired_with(node(**QUARANTINED), attachment("a", "node", "logs", lun=1)), observed) == {"a": 1}
    assert chosen(desired_with(node(**QUARANTINED), attachment("a", "node", "logs"), now=END), observed) == {"a": 1}


def test_a_volume_attached_in_the_batch_that_detaches_another_gets_another_lun() -> None:
    observed = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1))

    assert chosen(desired_with(node(), detaching(), attachment("a", "node", "logs")), observed) == {"a": 2}
    assert chosen(desired_with(node(), detaching(), attachment("a", "node", "logs"), quarantine="0s"), observed) == {
        "a": 1
    }


def test_a_lun_freed_outside_the_operator_since_the_last_read_is_not_reused_in_that_pass() -> None:
    assert chosen(desired_with(node((1, 1)), attachment("a", "node", "logs")), inventory(DATA, LOGS, OURS)) == {"a": 2}


def test_a_full_host_reuses_the_luns_that_were_quarantined_longest_and_reports_it() -> None:
    full = [mapped(OURS, volume(f"v{lun}", lun + 100), lun) for lun in range(5, 2048)]
    until = [f"2026-03-01T00:0{minute}:00Z" for minute in (4, 2, 3, 5)]
    entries = [{"lun": lun, "uid": uid(50 + lun), "until": time} for lun, time in enumerate(until, 1)]
    desired_state = desired_with(
        node(quarantined_luns=entries),
        *(attachment(each, "node", each) for each in ("data", "logs")),
        now="2026-03-01T00:01:00Z",
    )
    observed = inventory(DATA, LOGS, TEMP, OURS, *full)

    assert chosen(desired_state, observed) == {"data": 2, "logs": 3}
    assert uid(52) in acts(desired_state, observed)["data"].warning
    assert "rescan" in acts(desired_state, observed)["data"].warning


def test_on_a_small_system_a_host_is_full_sooner_and_reuses_the_lun_quarantined_longest() -> None:
    small = replace(body(), system=replace(body().system, product="IBM Storwize V3500"))
    full = [mapped(OURS, volume(f"v{lun}", lun + 100), lun) for lun in range(3, 512)]
    entries = [{"lun": lun, "uid": uid(50 + lun), "until": f"2026-03-01T00:0{5 - lun}:00Z"} for lun in (1, 2)]
    desired_state = desired_with(
        node(quarantined_luns=entries), attachment("data", "node", "data"), now="2026-03-01T00:01:00Z"
    )

    assert chosen(desired_state, inventory(DATA, OURS, *full, of=small)) == {"data": 2}
    assert chosen(desired_state, inventory(DATA, OURS, *full)) == {"data": 512}


def test_a_request_for_a_quarantined_lun_causes_no_warning() -> None:
    requesting = desired_with(node(**QUARANTINED), attachment("a", "node", "logs", lun=1))

    assert acts(requesting, inventory(DATA, LOGS, OURS))["a"].warning == ""


# -- deleted FlashSystemHosts ----------------------------------------------------------------------------------------


def former(*entries: QuarantinedLun) -> dict[str, Any]:
    return {"initiators": [iqn("elsewhere"), iqn("node")], "luns": [each.model_dump() for each in entries]}


def created_again(*formers: dict[str, Any], now: str = NOW, quarantine: str = "5m") -> Desired:
    """A FlashSystemHost without a status, on an array that remembers former hosts, and an attachment of `logs`."""
    remembers = array(lun_quarantine=quarantine, status={"quarantined_luns": formers})
    return desired(host("node"), attachment("a", "node", "logs"), of=remembers, now=now)


def test_a_lun_is_not_reused_early_because_the_host_resource_was_deleted_and_created_again() -> None:
    assert chosen(created_again(former(entry(1, 1))), inventory(DATA, LOGS)) == {"a": 2}
    assert reported(created_again(former(entry(1, 1))), inventory(DATA)) == (entry(1, 1),)


def test_the_record_of_the_array_applies_to_the_same_machine_only_and_not_after_the_quarantine() -> None:
    observed = inventory(DATA, LOGS)

    assert chosen(created_again({**former(entry(1, 1)), "initiators": [iqn("other")]}), observed) == {"a": 1}
    assert chosen(created_again(former(entry(1, 1)), now=END), observed) == {"a": 1}
    assert chosen(created_again(former(entry(1, 1)), quarantine="0s"), observed) == {"a": 1}
    assert reported(created_again(former(entry(1, 1)), quarantine="1m"), observed) == (
        entry(1, 1, "2026-03-01T00:01:00Z"),
    )


def test_the_later_end_in_the_records_of_the_host_and_the_array_counts() -> None:
    remembers = array(lun_quarantine="5m", status={"quarantined_luns": [former(entry(1, 1, LATER), entry(2, 2, END))]})
    desired_state = desired(
        node(quarantined_luns=[entry(1, 3, END).model_dump(), entry(2, 4, LATER).model_dump()]), of=remembers, now=NOW
    )

    assert reported(desired_state, inventory(DATA, OURS)) == (entry(1, 3), entry(2, 2))


def test_the_record_of_a_deleted_host_has_every_initiator_that_its_machine_was_known_by() -> None:
    deleted = host("node", "new", status={"ports": [{"iqn": iqn("old")}], **QUARANTINED})

    left = luns.left_by(deleted, deleted.status.quarantined_luns)

    assert (left.initiators, left.luns) == ((iqn("new"), iqn("old")), (entry(1, 1),))


def test_the_array_forgets_expired_quarantines_and_keeps_one_entry_for_each_lun() -> None:
    before = FormerHost.model_validate(former(entry(1, 1, NOW), entry(2, 2, LATER)))
    more = FormerHost.model_validate(former(entry(2, 3, END)))

    (remembered,) = luns.remembering([before], [more], NOW)
    assert remembered.luns == (entry(2, 3, END),)
    assert luns.remembering([remembered], [], END) == ()


def test_if_the_record_of_the_array_is_too_long_the_luns_quarantined_longest_are_dropped() -> None:
    def numbered(number: int, count: int, until: str) -> FormerHost:
        return FormerHost(initiators=(iqn(f"n{number}"),), luns=tuple(entry(lun, lun, until) for lun in range(count)))

    many = [numbered(number, 1, f"2026-03-01T00:0{1 + number % 2}:00Z") for number in range(100)]
    remembered = luns.remembering(many, [numbered(100, 1, END)], NOW)
    assert len(remembered) == 64
    assert {iqn("n100"), *(iqn(f"n{number}") for number in range(1, 100, 2))} <= {
        each.initiators[0] for each in remembered
    }

    wide = luns.remembering([numbered(1, 500, LATER)], [numbered(2, 500, END)], NOW)
    assert {each.initiators[0]: len(each.luns) for each in wide} == {iqn("n1"): 12, iqn("n2"): 500}


def test_a_lun_freed_on_a_host_object_without_a_host_resource_is_recorded_on_the_array() -> None:
    desired_state, observed = desired_with(deleted := detaching()), inventory(DATA, OURS, mapped(OURS, DATA))
    decisions = batch.plan(desired_state, observed, desired_state.attachments)

    (left,) = luns.freed_of_former_hosts(decisions, desired_state, observed).values()
    assert (left.initiators, left.luns) == ((iqn("node"),), (entry(1, 1),))

    known = array(lun_quarantine="5m", status={"quarantined_luns": [left.model_dump()]})
    assert luns.freed_of_former_hosts(decisions, desired(deleted, of=known, now=NOW), observed) == {}
    assert luns.freed_of_former_hosts(decisions, desired_with(node(), deleted), observed) == {}
    assert luns.freed_of_former_hosts(decisions, desired_with(deleted, quarantine="0s"), observed) == {}
