"""A machine that is logged in does not lose its last volumes by mistake: all deletions are considered together."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.metadata import FINALIZER, FORCE_DETACH, RELEASE, ObjectRef
from flashsystem_operator.array.commands import RemoveHost, UnmapVolume
from flashsystem_operator.array.model import Inventory, Mapping, Port, Protocol, Volume
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release, Wait
from support.builders import (
    array,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    volume,
)

VOLUMES = tuple(volume(f"v{number}", number) for number in range(8))
NODE = host("node")
LIVE = host_object(own_name("node"), port("node", logins=2), port("second", logins=1))
IDLE = host_object(own_name("node"), "node")


def of(what: Volume, *, leaving: bool = True, meta: dict[str, Any] | None = None, **spec: Any) -> VolumeAttachment:
    """Return the attachment of a volume to the node, with the name of the volume."""
    return attachment(
        what.name, "node", what.name, status=bound(LIVE, what), meta={"deleting": leaving, **(meta or {})}, **spec
    )


def seen(*volumes: Volume, on: Any = LIVE, **more: Any) -> Inventory:
    rows: list[Mapping] = [mapped(on, each, number + 1, **more) for number, each in enumerate(volumes)]
    return inventory(on, *volumes, *rows)


def decided(
    attachments: list[VolumeAttachment], current: Inventory, due: list[VolumeAttachment] | None = None, **more: Any
) -> dict[ObjectRef, Decision]:
    due_attachments = attachments if due is None else due
    return dict(batch.plan(desired(NODE, *attachments, **more), current, [each.ref for each in due_attachments]))


def blocked(decision: Decision) -> Wait:
    assert isinstance(decision, Wait), decision
    assert decision.reason is Reason.DETACH_BLOCKED
    return decision


def test_the_message_about_a_single_volume_is_in_the_singular() -> None:
    (decision,) = decided([of(VOLUMES[0])], seen(VOLUMES[0])).values()

    assert "without the 1 volume to be unmapped" in blocked(decision).message
    assert "applications that use it" in blocked(decision).message


def test_of_eight_deletions_that_cover_all_eight_volumes_none_is_executed() -> None:
    leaving = [of(each) for each in VOLUMES]

    for decision in decided(leaving, seen(*VOLUMES)).values():
        assert "3 sessions" in blocked(decision).message
        assert "without the 8 volumes to be unmapped it would have none left" in blocked(decision).message
        assert "applications that use them" in blocked(decision).message


def test_the_remedy_logs_the_host_out_of_this_array_and_of_no_other() -> None:
    (decision,) = decided([of(VOLUMES[0])], seen(VOLUMES[0])).values()

    message = blocked(decision).message
    for node in seen(VOLUMES[0]).body.nodes:
        assert f"`iscsiadm --mode node --targetname {node.iqn} --logout`" in message
    assert message.count("--logout") == message.count("--targetname") > 0


def test_one_of_eight_volumes_is_detached_with_a_warning() -> None:
    leaving = of(VOLUMES[0])

    (done,) = decided([leaving], seen(*VOLUMES)).values()

    assert isinstance(done, Act)
    assert done.steps == (UnmapVolume(LIVE.name, VOLUMES[0].name, VOLUMES[0].uid),)
    assert "3 sessions" in done.warning


def test_deletions_that_are_not_due_or_held_for_other_reasons_count_too() -> None:
    first, second, third = VOLUMES[:3]
    later = of(second)
    held = of(third, meta={"finalizers": (FINALIZER, "example.com/in-use")})

    (decision,) = decided([of(first), later, held], seen(first, second, third), due=[of(first)]).values()

    blocked(decision)


def test_others_may_be_detached_when_one_is_released_or_retained_or_has_a_successor() -> None:
    first, second = VOLUMES[:2]
    released = of(second, meta={"uid": "u-1", "annotations": {RELEASE: "u-1"}})
    retained = of(second, deletion_policy="Retain")
    succeeded = [of(second), attachment("successor", "node", second.name)]

    for staying in ([released], [retained], succeeded):
        leaving = of(first)
        found = decided([leaving, *staying], seen(first, second), due=[leaving])
        assert isinstance(found[leaving.ref], Act)


def test_a_mapping_through_a_host_cluster_counts_as_remaining() -> None:
    first, second = VOLUMES[:2]
    current = inventory(LIVE, first, second, mapped(LIVE, first, 1), mapped(LIVE, second, 2, cluster="c"))

    (decision,) = decided([of(first)], current).values()

    assert isinstance(decision, Act)


def test_a_machine_without_sessions_does_not_wait_and_gets_no_warning() -> None:
    leaving = [of(each) for each in VOLUMES]
    fresh = {each.ref: 2.0 for each in leaving}

    for decision in decided(leaving, seen(*VOLUMES, on=IDLE), debounced=fresh).values():
        assert isinstance(decision, Act)
        assert not decision.warning


@pytest.mark.parametrize(
    "other_port",
    [Port(Protocol.FC, "2100000E1E30E597", 1, "active"), Port(Protocol.ISCSI, iqn("x"), None, "")],
    ids=["by another protocol", "with an unknown number of logins"],
)
def test_a_session_of_any_kind_counts(other_port: Port) -> None:
    node = host_object(own_name("node"), "node", other_port)

    (decision,) = decided([of(VOLUMES[0])], seen(VOLUMES[0], on=node)).values()

    blocked(decision)


def test_a_condition_reports_the_blocked_detach_with_both_remedies() -> None:
    leaving = of(VOLUMES[0])

    (decision,) = decided([leaving], seen(VOLUMES[0])).values()

    (note,) = blocked(decision).notes
    assert (note.kind, note.reason) == ("DetachBlocked", Reason.DETACH_BLOCKED)
    assert f"{FORCE_DETACH}: {leaving.metadata.uid}" in note.message
    assert "log the host out of this array" in note.message


def test_a_blocked_detach_is_retried_by_itself() -> None:
    for resync, retry_seconds in (("60s", 15), ("2s", 2)):
        (decision,) = decided([of(VOLUMES[0])], seen(VOLUMES[0]), of=array(resync_interval=resync)).values()
        assert blocked(decision).retry == retry_seconds


def test_warn_detaches_with_a_warning_and_disabled_without_one_and_the_others_of_the_set_stay() -> None:
    first, second, third = VOLUMES[:3]
    warned, off, enforced = of(first, detach_guard="Warn"), of(second, detach_guard="Disabled"), of(third)

    found = decided([warned, off, enforced], seen(first, second, third))

    with_warning, without_warning = found[warned.ref], found[off.ref]
    assert isinstance(with_warning, Act)
    assert with_warning.warning
    assert isinstance(without_warning, Act)
    assert not without_warning.warning
    blocked(found[enforced.ref])


def test_force_detach_applies_to_its_own_object_only() -> None:
    first, second = VOLUMES[:2]
    forced, other = of(first, meta={"uid": "u-1", "annotations": {FORCE_DETACH: "u-1"}}), of(second)

    found = decided([forced, other], seen(first, second))

    done = found[forced.ref]
    assert isinstance(done, Act)
    assert done.warning
    blocked(found[other.ref])


@pytest.mark.parametrize("named", ["u-2", "", "true"])
def test_force_detach_with_another_uid_has_no_effect_and_is_reported(named: str) -> None:
    leaving = of(VOLUMES[0], meta={"uid": "u-1", "annotations": {FORCE_DETACH: named}})

    (decision,) = decided([leaving], seen(VOLUMES[0])).values()

    message = blocked(decision).message
    assert f"names {named or 'nothing'}, which is another object" in message
    assert f"{FORCE_DETACH}: u-1." in message


def test_nothing_is_decided_while_further_deletions_may_come() -> None:
    first, second = of(VOLUMES[0]), of(VOLUMES[1])

    found = decided([first, second], seen(*VOLUMES), debounced={second.ref: 2.5})

    for decision in found.values():
        assert isinstance(decision, Wait)
        assert (decision.reason, decision.retry) == (Reason.DETACHING, 2.5)


def test_force_and_warn_and_disabled_do_not_wait_for_further_deletions() -> None:
    forced = of(VOLUMES[0], meta={"uid": "u-1", "annotations": {FORCE_DETACH: "u-1"}})
    warned, off = of(VOLUMES[1], detach_guard="Warn"), of(VOLUMES[2], detach_guard="Disabled")
    fresh = {each.ref: 2.5 for each in (forced, warned, off)}

    found = decided([forced, warned, off], seen(*VOLUMES), debounced=fresh)

    assert all(isinstance(decision, Act) for decision in found.values())


def test_of_two_attachments_of_one_blocked_mapping_none_is_released() -> None:
    twin = attachment("twin", "node", VOLUMES[0].name, status=bound(LIVE, VOLUMES[0]), meta={"deleting": True})

    for decision in decided([of(VOLUMES[0]), twin], seen(VOLUMES[0])).values():
        blocked(decision)


def test_a_blocked_mapping_counts_as_present_for_all_that_is_planned_after_it() -> None:
    leaving, coming = of(VOLUMES[0]), attachment("coming", "other", VOLUMES[0].name)
    state = desired(NODE, host("other"), leaving, coming)

    found = batch.plan(state, seen(VOLUMES[0]), [*state.hosts, *state.attachments])

    blocked(found[leaving.ref])
    waits = found[coming.ref]
    assert isinstance(waits, Wait)
    assert waits.reason is Reason.VOLUME_IN_USE
    assert not isinstance(found[NODE.ref], Act)


def test_an_empty_host_object_is_removed_although_its_machine_is_logged_in() -> None:
    """A session without a mapping has no volume to lose."""
    found = batch.plan(desired(NODE), inventory(LIVE), [NODE.ref])

    assert found[NODE.ref] == Act((RemoveHost(LIVE.name),))


def test_an_attachment_without_a_mapping_is_released_whichever_host_is_logged_in() -> None:
    (decision,) = decided([of(VOLUMES[0])], seen(VOLUMES[1])).values()

    assert decision == Release()
