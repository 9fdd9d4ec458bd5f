"""The end of an attachment is never reported as a detach while its host still sees the volume."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.model import Host, Inventory, Mapping
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner import events
from flashsystem_operator.planner.attachment.attach import plan
from flashsystem_operator.planner.decision import Act, Reason, Refuse, Release
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
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
    volume,
)

DATA = volume()
NAMES = own_name("node"), own_name("b"), "admins"
B = host("b", status={"name": own_name("b"), "ownership": "Created", "ports": [{"iqn": iqn("b")}]})
NODE = host("node", "x", "y")


def states() -> Iterator[tuple[Inventory, list[Host]]]:
    """Yield every placement of the initiators of the host, with every way in which the volume may be mapped."""
    for x, y in product((None, *NAMES), repeat=2):
        objects = [
            host_object(
                name, *(["x"] if x == name else []), *(["y"] if y == name else []), *(["b"] if name == NAMES[1] else [])
            )
            for name in NAMES
        ]
        for clusters in product((None, "", "cluster-1"), repeat=len(NAMES)):
            rows: list[Mapping] = [
                mapped(each, DATA, cluster=cluster)
                for each, cluster in zip(objects, clusters, strict=True)
                if cluster is not None
            ]
            yield inventory(DATA, *objects, *rows), objects


def ended(leaving: VolumeAttachment, state: Desired, seen: Inventory) -> Release:
    """Return the decision after everything that was to be unmapped is unmapped."""
    for _ in NAMES:
        decision = plan(leaving, state, seen)
        if not isinstance(decision, Act):
            break
        for step in decision.steps:
            step.apply(seen)
    decision = plan(leaving, state, seen)
    assert isinstance(decision, Release)
    return decision


@pytest.mark.parametrize("origin", ["Created", "Adopted"])
@pytest.mark.parametrize("recorded", NAMES)
def test_a_mapping_that_the_host_still_sees_is_reported_as_left_and_never_as_detached(
    recorded: str, origin: str
) -> None:
    status = bound(host_object(recorded, "x", "y"), DATA, origin=origin, attached_time="2026-01-01T00:00:00Z")
    leaving = attachment("a", "node", status=status, meta={"deleting": True})
    state = desired(leaving, NODE, B)
    for seen, objects in states():
        end = ended(leaving, state, seen)
        visible = {each.name for each in objects if each.iqns & {iqn("x"), iqn("y")} and seen.on_host(each.name)}

        (event,) = events.of_release(leaving, end)
        assert event.reason == ("LeftOnArray" if end.left else "Detached")
        if visible:
            assert visible <= {*end.on}, (end, seen)
            assert end.left.count("stays mapped") == len(end.on)
        assert all(seen.on_host(each.name) for each in objects if each.name in end.on)


def test_the_audit_lists_what_stays_on_the_host_object_on_which_it_stays() -> None:
    moved = host_object(own_name("b"), "x", "y", "b")
    status = bound(host_object(own_name("node"), "x", "y"), DATA, attached_time="2026-01-01T00:00:00Z")
    leaving = attachment("a", "node", status=status, meta={"deleting": True})
    seen = inventory(DATA, moved, host_object(own_name("node")), mapped(moved, DATA))
    end = ended(leaving, desired(leaving, NODE, B), seen)

    released = audits.remembering(None, audits.left_on(leaving.status, end.on))
    found = audits.audit(desired(NODE, B, of=array(status={"audit": released})), seen)
    assert found.released is not None
    assert [(item.host, item.volume) for item in found.released.items] == [(moved.name, "data")]


def test_a_mapping_through_a_host_cluster_is_listed_by_the_audit_when_its_attachment_is_gone() -> None:
    member = host_object(own_name("node"), "x", "y", cluster="cluster-1")
    status = bound(member, DATA, attached_time="2026-01-01T00:00:00Z")
    leaving = attachment("a", "node", status=status, meta={"deleting": True})
    seen = inventory(DATA, member, mapped(member, DATA, cluster="cluster-1"))
    end = ended(leaving, desired(leaving, NODE), seen)

    assert "host cluster cluster-1" in end.left
    released = audits.remembering(None, audits.left_on(leaving.status, end.on))
    found = audits.audit(desired(NODE, of=array(status={"audit": released})), seen)
    assert found.released is not None
    assert [(item.host, item.volume) for item in found.released.items] == [(member.name, "data")]


# -- when the host object was renamed and lost its initiators ----------------------------------------------------------

RENAMED = host_object("renamed")
"""It has no initiators and another name: only its id shows that it is the recorded host object."""


def was_attached(on: str = own_name("node"), **more: Any) -> VolumeAttachment:
    status = bound(host_object(on, "x", "y"), DATA, attached_time="2026-01-01T00:00:00Z")
    status["host"]["id"] = RENAMED.id
    return attachment("a", "node", status=status, access="Shared", **more)


def another(name: str, *ports: str) -> Host:
    return replace(host_object(name, *ports), id="8")


@pytest.mark.parametrize("on", NAMES[:1] + NAMES[2:], ids=["the operator's", "an administrator's"])
@pytest.mark.parametrize(
    "present", [[], [another(own_name("node"), "x", "y")]], ids=["no host object", "another host object"]
)
def test_a_shared_volume_is_not_mapped_again_while_it_stays_on_the_renamed_host_object(
    on: str, present: list[Host]
) -> None:
    current = was_attached(on)
    seen = inventory(DATA, RENAMED, *present, mapped(RENAMED, DATA))
    state = with_vanished(desired(current, NODE), seen)

    decision = plan(current, state, seen)

    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.VOLUME_MAPPED_ELSEWHERE
    assert f"still mapped to renamed, where this attachment had it, which was named {on}" in decision.message
    assert not decision.notes
    assert not state.vanished


def test_a_mapping_that_was_only_planned_is_not_reported_as_one_that_the_attachment_had() -> None:
    """The id of a host object that was deleted in the meantime may belong to another machine by now."""
    current = was_attached()
    before = current.status.model_copy(update={"attached_time": None})
    about_to = current.model_copy(update={"status": before})
    seen = inventory(DATA, RENAMED, mapped(RENAMED, DATA))

    decision = plan(about_to, with_vanished(desired(about_to, NODE), seen), seen)

    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.VOLUME_MAPPED_ELSEWHERE
    assert "never observed there" in decision.message
    assert "If another host uses it there, delete this attachment" in decision.message


@pytest.mark.parametrize("on", NAMES[:1] + NAMES[2:], ids=["the operator's", "an administrator's"])
@pytest.mark.parametrize(
    "present",
    [[], [another(own_name("node"), "x", "y")], [another("other", "x", "y")]],
    ids=["no host object", "another of the operator's", "another of an administrator's"],
)
def test_the_end_of_an_attachment_reports_what_stays_on_the_renamed_host_object(on: str, present: list[Host]) -> None:
    leaving = was_attached(on, meta={"deleting": True})
    seen = inventory(DATA, RENAMED, *present, mapped(RENAMED, DATA))
    end = ended(leaving, desired(leaving, NODE), seen)

    assert "Volume data stays mapped to host renamed" in end.left
    assert events.of_release(leaving, end)[0].reason == "LeftOnArray"
    released = audits.remembering(None, audits.left_on(leaving.status, end.on))
    found = audits.audit(desired(NODE, of=array(status={"audit": released})), seen)
    assert found.released is not None
    assert [(item.host, item.volume) for item in found.released.items] == [("renamed", "data")]


def test_a_volume_is_mapped_again_when_another_attachments_host_object_reuses_the_recorded_id() -> None:
    current, other = was_attached(), attachment("of-b", "b", access="Shared")
    taken = host_object(own_name("b"), "b")
    seen = inventory(DATA, taken, mapped(taken, DATA))
    state = with_vanished(desired(current, other, NODE, B), seen)

    assert isinstance(plan(current, state, seen), Act)
    assert state.vanished == {current.ref}
    assert ended(was_attached(meta={"deleting": True}), desired(other, NODE, B), seen).on == ()


def test_the_audit_explains_a_mapping_that_an_attachment_still_has_on_a_renamed_host_object() -> None:
    found = audits.audit(desired(was_attached(), NODE), inventory(DATA, RENAMED, mapped(RENAMED, DATA)))

    assert found.foreign is not None
    assert [(item.host, item.volume) for item in found.foreign.items] == [("renamed", None)]


def test_a_volume_is_not_mapped_again_while_a_host_object_with_a_former_initiator_has_it() -> None:
    elsewhere, present = another("other", "x"), host_object(own_name("node"), "y")
    current = was_attached()
    seen = inventory(DATA, elsewhere, present, mapped(elsewhere, DATA))

    decision = plan(current, desired(current, host("node", "y")), seen)

    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.VOLUME_MAPPED_ELSEWHERE
