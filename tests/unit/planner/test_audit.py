"""Objects on an array that no resource explains are reported, sorted and counted; none of them is ever removed."""

from typing import Any

import pytest

from flashsystem_operator.api.array import Audit
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.values import host_object_name
from support.builders import (
    NAMESPACE,
    array,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    managed_volume,
    mapped,
    own_name,
    own_volume_name,
    volume,
)

DATA, LOGS = volume("data", 1), volume("logs", 2)
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "box")
GONE = host_object(own_name("gone"), "gone")
THEIRS = host_object(host_object_name("another-cluster", NAMESPACE, "node", "node"), "far")

Found = set[tuple[str, str | None]]


def audit(
    observed: Inventory, *resources: FlashSystemHost | VolumeAttachment, before: Audit | None = None, **more: Any
) -> dict[str, Found]:
    """Return the host objects and the mappings (host object and volume) of each category."""
    known = array(status={"audit": before}) if before else array()
    found = audits.audit(desired(*resources, of=known, **more), observed)
    parts = {"orphaned": found.orphaned, "foreign": found.foreign, "released": found.released}
    for part in parts.values():
        assert part is not None
        assert (part.hosts or 0) + (part.mappings or 0) == len(part.items)
    return {
        name: {(str(item.host), item.volume) for item in part.items}
        for name, part in parts.items()
        if part and part.items
    }


def test_an_object_that_a_resource_explains_is_not_listed() -> None:
    observed = inventory(DATA, LOGS, OURS, ADMINS, mapped(OURS, DATA), mapped(ADMINS, LOGS))

    assert (
        audit(
            observed,
            host("node"),
            host("box"),
            attachment("a", "node", "data"),
            attachment("b", "box", "logs", status=bound(ADMINS, LOGS)),
        )
        == {}
    )


def test_an_object_with_a_name_of_the_operator_and_without_a_resource_is_orphaned() -> None:
    assert audit(inventory(DATA, GONE, mapped(GONE, DATA))) == {"orphaned": {(GONE.name, None), (GONE.name, "data")}}


def test_objects_created_by_others_are_foreign_including_those_of_another_cluster() -> None:
    observed = inventory(DATA, LOGS, ADMINS, THEIRS, mapped(ADMINS, DATA), mapped(THEIRS, LOGS))

    assert audit(observed) == {
        "foreign": {("admins", None), ("admins", "data"), (THEIRS.name, None), (THEIRS.name, "logs")}
    }


def test_a_mapping_without_an_attachment_is_listed_although_its_host_has_a_resource() -> None:
    observed = inventory(DATA, LOGS, OURS, ADMINS, mapped(OURS, DATA), mapped(ADMINS, LOGS))

    assert audit(observed, host("node"), host("box")) == {
        "orphaned": {(OURS.name, "data")},
        "foreign": {("admins", "logs")},
    }


def test_a_host_object_named_with_a_former_installation_id_belongs_to_its_resource() -> None:
    retained = host_object(host_object_name("before", NAMESPACE, "node", "node"), "node")

    assert audit(inventory(retained), host("node"), former=("before",)) == {}
    assert audit(inventory(retained), former=("before",)) == {"orphaned": {(retained.name, None)}}


def test_a_mapping_being_detached_is_explained_until_its_attachment_is_released() -> None:
    detaching: dict[str, Any] = {"status": bound(OURS, DATA), "meta": {"deleting": True}}
    released: dict[str, Any] = {"status": bound(OURS, DATA), "meta": {"deleting": True, "finalizers": ()}}
    observed = inventory(DATA, OURS, mapped(OURS, DATA))

    assert audit(observed, host("node"), attachment("a", "node", **detaching)) == {}
    assert audit(observed, host("node"), attachment("a", "node", **released)) == {"orphaned": {(OURS.name, "data")}}


def test_a_released_object_is_listed_as_released_while_it_exists_without_a_resource() -> None:
    retained = attachment("a", "node", status=bound(OURS, DATA), meta={"deleting": True, "finalizers": ()})
    owner = host("node", status={"name": OURS.name, "ownership": "Created"})
    observed = inventory(DATA, OURS, mapped(OURS, DATA))
    remembered = audits.remembering(None, [retained.status, owner.status])

    assert audit(observed, before=remembered) == {"released": {(OURS.name, None), (OURS.name, "data")}}
    assert audit(observed, owner, before=remembered) == {"released": {(OURS.name, "data")}}
    assert audit(observed, owner, attachment("b", "node"), before=remembered) == {}
    assert audit(inventory(DATA, OURS), before=remembered) == {"released": {(OURS.name, None)}}
    again = audits.audit(desired(of=array(status={"audit": remembered})), inventory(DATA))
    assert again.released is not None
    assert again.released.items == ()


def test_an_adopted_host_object_of_an_administrator_counts_as_foreign_and_not_as_released() -> None:
    adopted = host("box", status={"name": "admins", "ownership": "Adopted"})

    assert audits.remembering(None, [adopted.status]) == Audit()
    assert audits.remembering(None, [attachment("never-attached", "box").status]) == Audit()


def test_nothing_is_recorded_twice() -> None:
    retained = attachment("a", "node", status=bound(OURS, DATA))
    once = audits.remembering(None, [retained.status])

    assert audits.remembering(once, [retained.status]) == once


def test_resources_of_a_namespace_that_is_not_allowed_explain_nothing() -> None:
    elsewhere = {"namespace": "elsewhere"}
    ref = {"name": "array", "namespace": NAMESPACE}
    other_host = host("box", initiators={"iscsi": [iqn("box")]}, array_ref=ref, meta=elsewhere)
    other_attachment = attachment("a", "box", "data", meta=elsewhere)

    assert audit(inventory(DATA, ADMINS, mapped(ADMINS, DATA)), other_host, other_attachment) == {
        "foreign": {("admins", None), ("admins", "data")}
    }


def test_a_long_list_is_truncated_and_its_count_is_complete() -> None:
    boxes = [host_object(f"box{number:03}", f"box{number}") for number in range(60)]
    found = audits.audit(desired(), inventory(*boxes))

    assert found.foreign is not None
    assert (found.foreign.hosts, len(found.foreign.items)) == (60, 50)


def test_an_event_reports_only_changes_and_only_counts_without_names() -> None:
    observed = audits.audit(desired(), inventory(DATA, GONE, ADMINS, mapped(GONE, DATA)))
    nothing = audits.audit(desired(), inventory())

    message = audits.sentence(observed)
    assert "orphaned: 1 host object and 1 mapping; foreign: 1 host object and 0 mappings" in message
    assert GONE.name not in message
    assert audits.sentence(nothing) == "Everything on the array belongs to a resource."
    assert audits.is_news(observed, None)
    assert audits.is_news(nothing, observed)
    assert not audits.is_news(observed, observed)
    assert not audits.is_news(nothing, None)
    assert not audits.is_news(None, observed)


KEPT = volume(own_volume_name("kept"), 7)


def volumes(found: Audit) -> dict[str, set[str | None]]:
    """The volumes of each category, without mappings."""
    parts = {"orphaned": found.orphaned, "foreign": found.foreign, "released": found.released}
    listed = {name: [item for item in part.items if item.host is None] for name, part in parts.items() if part}
    return {name: {item.volume for item in items} for name, items in listed.items() if items}


def audited(observed: Inventory, *resources: FlashSystemVolume, before: Audit | None = None, **more: Any) -> Audit:
    known = array(status={"audit": before}) if before else array()
    return audits.audit(desired(*resources, of=known, **more), observed)


def test_a_volume_with_a_name_of_the_operator_and_without_a_resource_is_orphaned() -> None:
    found = audited(inventory(DATA, KEPT))

    assert volumes(found) == {"orphaned": {KEPT.name}}
    assert found.orphaned is not None
    assert (found.orphaned.hosts, found.orphaned.mappings, found.orphaned.volumes) == (0, 0, 1)
    assert "orphaned: 0 host objects, 0 mappings and 1 volume" in audits.sentence(found)
    assert KEPT.name not in audits.sentence(found)
    assert audits.is_news(found, None)


@pytest.mark.parametrize(
    ("status", "meta", "listed"),
    [
        ({"uid": KEPT.uid, "origin": "Created"}, {}, False),
        ({"intent": {"name": KEPT.name, "size": KEPT.capacity, "pool": "Pool0"}}, {}, False),
        ({}, {"annotations": {"flashsystem.io/volume-uid": KEPT.uid}}, False),
        ({}, {}, True),
        ({"uid": KEPT.uid, "origin": "Created"}, {"deleting": True}, False),
        ({"uid": KEPT.uid, "origin": "Created"}, {"deleting": True, "finalizers": ()}, True),
    ],
    ids=[
        "it is bound to it",
        "it is about to create it",
        "it lost its status, and the annotation has the UID",
        "nothing shows that it created it (NameTaken)",
        "it is being deleted",
        "it is released",
    ],
)
def test_a_resource_explains_its_volume_from_the_intent_until_it_is_released(
    status: dict[str, Any], meta: dict[str, Any], listed: bool
) -> None:
    kept = managed_volume("kept", status=status, meta=meta)

    assert volumes(audited(inventory(KEPT), kept)) == ({"orphaned": {KEPT.name}} if listed else {})


def test_a_volume_of_others_and_a_replicated_one_are_not_listed() -> None:
    theirs = volume(host_object_name("another-cluster", NAMESPACE, "kept", "kept"), 8)
    copy = volume(own_volume_name("copied"), 9, replicated="is replicated by policy (recovery)")

    assert volumes(audited(inventory(DATA, theirs, copy))) == {}


def test_a_volume_that_was_left_on_purpose_is_released_while_it_exists_without_a_resource() -> None:
    retained = managed_volume("kept", status={"uid": KEPT.uid, "name": KEPT.name, "origin": "Created"})
    remembered = audits.remembering(None, [retained.status])

    assert volumes(audited(inventory(KEPT), before=remembered)) == {"released": {KEPT.name}}
    assert volumes(audited(inventory(KEPT), retained, before=remembered)) == {}
    gone = audited(inventory(DATA), before=remembered)
    assert gone.released is not None
    assert gone.released.items == ()


def test_a_mapping_of_an_orphaned_volume_is_listed_apart_from_the_volume() -> None:
    found = audited(inventory(KEPT, OURS, mapped(OURS, KEPT)))

    assert found.orphaned is not None
    assert (found.orphaned.hosts, found.orphaned.mappings, found.orphaned.volumes) == (1, 1, 1)


def test_a_long_list_of_volumes_is_truncated_and_its_count_is_complete() -> None:
    many = [volume(own_volume_name(f"v{number:03}"), number) for number in range(60)]
    found = audited(inventory(*many))

    assert found.orphaned is not None
    assert (found.orphaned.volumes, len(found.orphaned.items)) == (60, 50)
