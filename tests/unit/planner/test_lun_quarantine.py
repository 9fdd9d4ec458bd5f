"""A LUN that was freed rests on its host, whoever freed it, until the machine can be expected to have noticed."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.array import FormerHost
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, QuarantinedLun
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host
from flashsystem_operator.planner import batch, luns, status
from flashsystem_operator.planner.decision import Act
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.status import Outcome
from support.builders import array, attachment, body, desired, host, inventory, iqn, mapped, uid, volume
from support.drift_table import ADMINS, DATA, LOGS, OURS, TEMP, was_attached

NOW, END, LATER = "2026-03-01T00:00:00Z", "2026-03-01T00:05:00Z", "2026-03-01T00:04:59Z"
RESTING = {"quarantined_luns": [{"lun": 1, "uid": uid(1), "until": END}]}


def node(*items: tuple[int, int], **fields: Any) -> FlashSystemHost:
    """A host that was seen with these LUNs of the volumes of these numbers."""
    listed = [{"lun": lun, "volume": f"v{number}", "uid": uid(number)} for lun, number in items]
    return host("node", status={"mappings": {"count": len(listed), "items": listed}, **fields})


def around(*resources: FlashSystemHost | VolumeAttachment, now: str = NOW, quarantine: str = "5m") -> Desired:
    return desired(*resources, of=array(lun_quarantine=quarantine), now=now)


def acts(wished: Desired, seen: Inventory) -> dict[str, Act]:
    """What is to be done, by the name of the attachment."""
    decisions = batch.plan(with_vanished(wished, seen), seen, wished.attachments)
    return {ref.name: decision for ref, decision in decisions.items() if isinstance(decision, Act)}


def chosen(wished: Desired, seen: Inventory) -> dict[str, int]:
    """The LUN that each attachment is to get."""
    return {
        name: step.lun for name, act in acts(wished, seen).items() for step in act.steps if isinstance(step, MapVolume)
    }


def recorded(wished: Desired, seen: Inventory) -> tuple[QuarantinedLun, ...]:
    """What the host says before anything is done."""
    decisions = batch.plan(wished, seen, [*wished.hosts, *wished.attachments])
    (record,) = status.intents_of_hosts(decisions, wished, seen).values()
    return record.status.quarantined_luns


def said(wished: Desired, seen: Inventory) -> tuple[QuarantinedLun, ...]:
    """What the host says after the look."""
    (resource,) = wished.hosts.values()
    return status.of_host(resource, Outcome(host_plan.plan(resource, wished, seen)), wished, seen, NOW).quarantined_luns


def entry(lun: int, number: int, until: str = END) -> QuarantinedLun:
    return QuarantinedLun.model_validate({"lun": lun, "uid": uid(number), "until": until})


def off(on: Host = OURS) -> VolumeAttachment:
    """The attachment of `data` that is being deleted."""
    return was_attached(on, meta={"deleting": True})


# -- what rests ------------------------------------------------------------------------------------------------------


def test_what_is_about_to_be_freed_is_recorded_before() -> None:
    seen = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1), mapped(OURS, LOGS, 2))

    assert recorded(around(node((1, 1), (2, 2)), off()), seen) == (entry(1, 1),)


def test_on_an_administrators_host_object_it_is_the_same() -> None:
    assert recorded(around(node(), off(ADMINS)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))) == (entry(1, 1),)


def test_the_last_volume_takes_the_host_object_with_it_and_its_lun_rests_all_the_same() -> None:
    assert recorded(around(node(), off()), inventory(DATA, OURS, mapped(OURS, DATA))) == (entry(1, 1),)
    assert said(around(node(**RESTING)), inventory(DATA)) == (entry(1, 1),)


def test_whose_record_it_is_if_it_fails() -> None:
    going, seen = off(), inventory(DATA, OURS, mapped(OURS, DATA))
    wished = around(node(), going)

    (record,) = status.intents_of_hosts(batch.plan(wished, seen, wished.attachments), wished, seen).values()

    assert record.freed_by == {going.ref}


def test_where_there_is_no_host_resource_nobody_needs_to_be_told() -> None:
    wished, seen = around(off()), inventory(DATA, OURS, mapped(OURS, DATA))
    decisions = batch.plan(wished, seen, wished.attachments)

    assert any(isinstance(step, UnmapVolume) for step in acts(wished, seen)["data"].steps)
    assert status.intents_of_hosts(decisions, wished, seen) == {}


def test_a_detach_that_is_refused_time_after_time_is_not_recorded_each_time() -> None:
    seen = inventory(DATA, OURS, mapped(OURS, DATA))
    early, late = "2026-03-01T00:02:00Z", "2026-03-01T00:03:00Z"

    for now, writes in ((NOW, 0), (early, 0), (late, 1)):
        wished = around(node(**RESTING), off(), now=now)
        assert len(status.intents_of_hosts(batch.plan(wished, seen, wished.attachments), wished, seen)) == writes


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-02-28T19:04:00-05:00", "2026-03-01T00:04:00Z"),
        ("2026-03-01T00:00:00.900Z", None),
        ("2026-03-01T01:00:00+01:00", None),
        ("9999-12-31T23:59:59Z", END),
        ("soon", END),
    ],
)
def test_a_time_that_somebody_else_wrote_counts_as_the_time_that_it_is(written: str, told: str | None) -> None:
    """One that cannot be read, or is too far off, is the latest that can be."""
    rests = said(around(node(quarantined_luns=[{"lun": 2, "uid": uid(2), "until": written}])), inventory(OURS))

    assert rests == ((entry(2, 2, told),) if told else ())


def test_what_is_not_freed_yet_goes_on_being_said_until_it_is() -> None:
    assert said(around(node((1, 1), **RESTING), off()), inventory(DATA, OURS, mapped(OURS, DATA))) == (entry(1, 1),)


def test_from_the_look_that_shows_it_free_it_rests_for_the_whole_time() -> None:
    wished = around(node((1, 1), **RESTING), off(), now="2026-03-01T00:01:00Z")

    assert said(wished, inventory(DATA, OURS)) == (entry(1, 1, "2026-03-01T00:06:00Z"),)


def test_what_another_hand_freed_rests_too() -> None:
    assert said(around(node((1, 1), (2, 2))), inventory(DATA, OURS, mapped(OURS, LOGS, 2))) == (entry(1, 1),)


def test_of_a_mapping_with_a_lun_in_each_io_group_that_another_hand_freed_every_lun_rests() -> None:
    wished, apart = around(node()), inventory(DATA, OURS, mapped(OURS, DATA, 1, 9))
    (resource,) = wished.hosts.values()
    before = status.of_host(resource, Outcome(host_plan.plan(resource, wished, apart)), wished, apart, NOW)

    assert before.mappings is not None
    assert before.mappings.count == 1
    later = resource.model_copy(update={"status": before})
    assert said(around(later), inventory(DATA, OURS)) == (entry(1, 1), entry(9, 1))


def test_what_went_with_a_host_object_that_another_hand_removed_rests_too() -> None:
    assert set(said(around(node((1, 1), (2, 2))), inventory(DATA))) == {entry(1, 1), entry(2, 2)}


def test_what_is_not_in_the_hosts_list_is_known_by_its_attachment() -> None:
    assert said(around(node(), was_attached(at=700)), inventory(DATA, OURS)) == (entry(700, 1),)


def test_what_is_mapped_again_rests_no_more() -> None:
    assert said(around(node(**RESTING)), inventory(LOGS, OURS, mapped(OURS, LOGS, 1))) == ()
    assert said(around(node(**RESTING)), inventory(DATA, OURS, mapped(OURS, DATA, 1))) == ()


def test_what_has_rested_is_forgotten() -> None:
    assert said(around(node(**RESTING), now=LATER), inventory(OURS)) == (entry(1, 1),)
    assert said(around(node(**RESTING), now=END), inventory(OURS)) == ()


def test_a_shorter_quarantine_counts_for_what_rests_already_and_none_ends_it() -> None:
    assert said(around(node(**RESTING), quarantine="1m"), inventory(OURS)) == (entry(1, 1, "2026-03-01T00:01:00Z"),)
    assert said(around(node((2, 2), **RESTING), quarantine="0s"), inventory(OURS)) == ()


def test_with_no_quarantine_nothing_is_recorded() -> None:
    wished, seen = around(node(), off(), quarantine="0s"), inventory(DATA, OURS, mapped(OURS, DATA))

    assert status.intents_of_hosts(batch.plan(wished, seen, wished.attachments), wished, seen) == {}


def test_a_look_at_what_nobody_changed_says_the_same_again() -> None:
    wished = around(node((2, 2), **RESTING), now=LATER)

    assert (
        said(wished, inventory(LOGS, OURS, mapped(OURS, LOGS, 2)))
        == wished.hosts[host("node").ref].status.quarantined_luns
    )


# -- who gets it -----------------------------------------------------------------------------------------------------


def test_it_is_not_given_to_another_volume() -> None:
    assert chosen(around(node(**RESTING), attachment("a", "node", "logs")), inventory(DATA, LOGS, OURS)) == {"a": 2}


def test_it_is_given_to_the_same_volume_to_who_asks_for_it_and_to_anybody_when_it_has_rested() -> None:
    seen = inventory(DATA, LOGS, OURS)

    assert chosen(around(node(**RESTING), attachment("a", "node", "data")), seen) == {"a": 1}
    assert chosen(around(node(**RESTING), attachment("a", "node", "logs", lun=1)), seen) == {"a": 1}
    assert chosen(around(node(**RESTING), attachment("a", "node", "logs"), now=END), seen) == {"a": 1}


def test_one_goes_and_another_comes_in_the_same_batch_at_another_lun() -> None:
    seen = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1))

    assert chosen(around(node(), off(), attachment("a", "node", "logs")), seen) == {"a": 2}
    assert chosen(around(node(), off(), attachment("a", "node", "logs"), quarantine="0s"), seen) == {"a": 1}


def test_what_another_hand_freed_since_the_last_look_is_not_given_away_in_that_pass() -> None:
    assert chosen(around(node((1, 1)), attachment("a", "node", "logs")), inventory(DATA, LOGS, OURS)) == {"a": 2}


def test_a_full_host_takes_those_that_rested_longest_and_says_so() -> None:
    full = [mapped(OURS, volume(f"v{lun}", lun + 100), lun) for lun in range(5, 2048)]
    until = [f"2026-03-01T00:0{minute}:00Z" for minute in (4, 2, 3, 5)]
    rest = [{"lun": lun, "uid": uid(50 + lun), "until": time} for lun, time in enumerate(until, 1)]
    wished = around(
        node(quarantined_luns=rest),
        *(attachment(each, "node", each) for each in ("data", "logs")),
        now="2026-03-01T00:01:00Z",
    )
    seen = inventory(DATA, LOGS, TEMP, OURS, *full)

    assert chosen(wished, seen) == {"data": 2, "logs": 3}
    assert uid(52) in acts(wished, seen)["data"].warning
    assert "rescan" in acts(wished, seen)["data"].warning


def test_on_a_small_system_a_host_is_full_sooner_and_takes_the_one_that_rested_longest() -> None:
    small = replace(body(), system=replace(body().system, product="IBM Storwize V3500"))
    full = [mapped(OURS, volume(f"v{lun}", lun + 100), lun) for lun in range(3, 512)]
    rest = [{"lun": lun, "uid": uid(50 + lun), "until": f"2026-03-01T00:0{5 - lun}:00Z"} for lun in (1, 2)]
    wished = around(node(quarantined_luns=rest), attachment("data", "node", "data"), now="2026-03-01T00:01:00Z")

    assert chosen(wished, inventory(DATA, OURS, *full, of=small)) == {"data": 2}
    assert chosen(wished, inventory(DATA, OURS, *full)) == {"data": 512}


def test_who_asks_for_one_that_rests_is_not_warned() -> None:
    asking = around(node(**RESTING), attachment("a", "node", "logs", lun=1))

    assert acts(asking, inventory(DATA, LOGS, OURS))["a"].warning == ""


# -- where the FlashSystemHost goes, or is gone ----------------------------------------------------------------------


def former(*entries: QuarantinedLun) -> dict[str, Any]:
    return {"initiators": [iqn("elsewhere"), iqn("node")], "luns": [each.model_dump() for each in entries]}


def created_again(*formers: dict[str, Any], now: str = NOW, quarantine: str = "5m") -> Desired:
    """A FlashSystemHost without a status, on an array that remembers former hosts, and an attachment of `logs`."""
    remembers = array(lun_quarantine=quarantine, status={"quarantined_luns": formers})
    return desired(host("node"), attachment("a", "node", "logs"), of=remembers, now=now)


def test_a_lun_is_not_given_away_early_because_the_host_resource_was_deleted_and_created_again() -> None:
    assert chosen(created_again(former(entry(1, 1))), inventory(DATA, LOGS)) == {"a": 2}
    assert said(created_again(former(entry(1, 1))), inventory(DATA)) == (entry(1, 1),)


def test_what_the_array_remembers_counts_for_the_same_machine_only_and_for_no_longer_than_the_quarantine() -> None:
    seen = inventory(DATA, LOGS)

    assert chosen(created_again({**former(entry(1, 1)), "initiators": [iqn("other")]}), seen) == {"a": 1}
    assert chosen(created_again(former(entry(1, 1)), now=END), seen) == {"a": 1}
    assert chosen(created_again(former(entry(1, 1)), quarantine="0s"), seen) == {"a": 1}
    assert said(created_again(former(entry(1, 1)), quarantine="1m"), seen) == (entry(1, 1, "2026-03-01T00:01:00Z"),)


def test_of_what_the_host_and_the_array_remember_the_later_end_counts() -> None:
    remembers = array(lun_quarantine="5m", status={"quarantined_luns": [former(entry(1, 1, LATER), entry(2, 2, END))]})
    wished = desired(
        node(quarantined_luns=[entry(1, 3, END).model_dump(), entry(2, 4, LATER).model_dump()]), of=remembers, now=NOW
    )

    assert said(wished, inventory(DATA, OURS)) == (entry(1, 3), entry(2, 2))


def test_what_a_host_leaves_has_every_initiator_by_which_its_machine_was_known() -> None:
    going = host("node", "new", status={"ports": [{"iqn": iqn("old")}], **RESTING})

    left = luns.left_by(going, going.status.quarantined_luns)

    assert (left.initiators, left.luns) == ((iqn("new"), iqn("old")), (entry(1, 1),))


def test_the_array_forgets_what_has_rested_and_keeps_one_entry_for_each_lun() -> None:
    before = FormerHost.model_validate(former(entry(1, 1, NOW), entry(2, 2, LATER)))
    more = FormerHost.model_validate(former(entry(2, 3, END)))

    (kept,) = luns.remembering([before], [more], NOW)
    assert kept.luns == (entry(2, 3, END),)
    assert luns.remembering([kept], [], END) == ()


def test_where_the_array_remembers_too_much_those_that_rested_longest_are_left_out() -> None:
    def numbered(number: int, count: int, until: str) -> FormerHost:
        return FormerHost(initiators=(iqn(f"n{number}"),), luns=tuple(entry(lun, lun, until) for lun in range(count)))

    many = [numbered(number, 1, f"2026-03-01T00:0{1 + number % 2}:00Z") for number in range(100)]
    kept = luns.remembering(many, [numbered(100, 1, END)], NOW)
    assert len(kept) == 64
    assert {iqn("n100"), *(iqn(f"n{number}") for number in range(1, 100, 2))} <= {each.initiators[0] for each in kept}

    wide = luns.remembering([numbered(1, 500, LATER)], [numbered(2, 500, END)], NOW)
    assert {each.initiators[0]: len(each.luns) for each in wide} == {iqn("n1"): 12, iqn("n2"): 500}


def test_what_is_freed_on_a_host_object_without_a_host_resource_is_recorded_with_the_array() -> None:
    wished, seen = around(going := off()), inventory(DATA, OURS, mapped(OURS, DATA))
    decisions = batch.plan(wished, seen, wished.attachments)

    (left,) = luns.freed_of_former_hosts(decisions, wished, seen).values()
    assert (left.initiators, left.luns) == ((iqn("node"),), (entry(1, 1),))

    known = array(lun_quarantine="5m", status={"quarantined_luns": [left.model_dump()]})
    assert luns.freed_of_former_hosts(decisions, desired(going, of=known, now=NOW), seen) == {}
    assert luns.freed_of_former_hosts(decisions, around(node(), going), seen) == {}
    assert luns.freed_of_former_hosts(decisions, around(going, quarantine="0s"), seen) == {}
