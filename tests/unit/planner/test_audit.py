"""What is on an array and explained by nobody is told, sorted and counted; nothing of it is ever removed."""

from typing import Any

from flashsystem_operator.api.array import Audit
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner.names import host_object_name
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
    mapped,
    own_name,
    volume,
)

DATA, LOGS = volume("data", 1), volume("logs", 2)
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "box")
GONE = host_object(own_name("gone"), "gone")
THEIRS = host_object(host_object_name("another-cluster", NAMESPACE, "node", "node"), "far")

Found = set[tuple[str, str | None]]


def audit(
    seen: Inventory, *resources: FlashSystemHost | VolumeAttachment, before: Audit | None = None, **more: Any
) -> dict[str, Found]:
    """Host objects, and mappings by host object and volume, of each sort."""
    known = array(status={"audit": before}) if before else array()
    found = audits.audit(desired(*resources, of=known, **more), seen)
    parts = {"orphaned": found.orphaned, "foreign": found.foreign, "released": found.released}
    for part in parts.values():
        assert part is not None
        assert (part.hosts or 0) + (part.mappings or 0) == len(part.items)
    return {
        name: {(str(item.host), item.volume) for item in part.items}
        for name, part in parts.items()
        if part and part.items
    }


def test_what_resources_explain_is_not_listed() -> None:
    seen = inventory(DATA, LOGS, OURS, ADMINS, mapped(OURS, DATA), mapped(ADMINS, LOGS))

    assert (
        audit(
            seen,
            host("node"),
            host("box"),
            attachment("a", "node", "data"),
            attachment("b", "box", "logs", status=bound(ADMINS, LOGS)),
        )
        == {}
    )


def test_what_is_ours_by_name_and_nobodys_is_orphaned() -> None:
    assert audit(inventory(DATA, GONE, mapped(GONE, DATA))) == {"orphaned": {(GONE.name, None), (GONE.name, "data")}}


def test_what_others_made_is_foreign_another_clusters_too() -> None:
    seen = inventory(DATA, LOGS, ADMINS, THEIRS, mapped(ADMINS, DATA), mapped(THEIRS, LOGS))

    assert audit(seen) == {
        "foreign": {("admins", None), ("admins", "data"), (THEIRS.name, None), (THEIRS.name, "logs")}
    }


def test_a_mapping_that_nobody_wishes_is_listed_though_its_host_is_somebodys() -> None:
    seen = inventory(DATA, LOGS, OURS, ADMINS, mapped(OURS, DATA), mapped(ADMINS, LOGS))

    assert audit(seen, host("node"), host("box")) == {
        "orphaned": {(OURS.name, "data")},
        "foreign": {("admins", "logs")},
    }


def test_a_host_object_of_a_former_id_is_its_resources() -> None:
    kept = host_object(host_object_name("before", NAMESPACE, "node", "node"), "node")

    assert audit(inventory(kept), host("node"), former=("before",)) == {}
    assert audit(inventory(kept), former=("before",)) == {"orphaned": {(kept.name, None)}}


def test_what_is_being_detached_is_explained_until_it_was_let_go() -> None:
    leaving: dict[str, Any] = {"status": bound(OURS, DATA), "meta": {"deleting": True}}
    let_go: dict[str, Any] = {"status": bound(OURS, DATA), "meta": {"deleting": True, "finalizers": ()}}
    seen = inventory(DATA, OURS, mapped(OURS, DATA))

    assert audit(seen, host("node"), attachment("a", "node", **leaving)) == {}
    assert audit(seen, host("node"), attachment("a", "node", **let_go)) == {"orphaned": {(OURS.name, "data")}}


def test_what_was_let_go_is_remembered_as_released_for_as_long_as_it_is_there_and_nobodys() -> None:
    kept = attachment("a", "node", status=bound(OURS, DATA), meta={"deleting": True, "finalizers": ()})
    owner = host("node", status={"name": OURS.name, "ownership": "Created"})
    seen = inventory(DATA, OURS, mapped(OURS, DATA))
    remembered = audits.remembering(None, [kept.status, owner.status])

    assert audit(seen, before=remembered) == {"released": {(OURS.name, None), (OURS.name, "data")}}
    assert audit(seen, owner, before=remembered) == {"released": {(OURS.name, "data")}}
    assert audit(seen, owner, attachment("b", "node"), before=remembered) == {}
    assert audit(inventory(DATA, OURS), before=remembered) == {"released": {(OURS.name, None)}}
    again = audits.audit(desired(of=array(status={"audit": remembered})), inventory(DATA))
    assert again.released is not None
    assert again.released.items == ()


def test_an_administrators_host_object_that_was_only_used_is_not_released_but_foreign() -> None:
    adopted = host("box", status={"name": "admins", "ownership": "Adopted"})

    assert audits.remembering(None, [adopted.status]) == Audit()
    assert audits.remembering(None, [attachment("never-attached", "box").status]) == Audit()


def test_nothing_is_remembered_twice() -> None:
    kept = attachment("a", "node", status=bound(OURS, DATA))
    once = audits.remembering(None, [kept.status])

    assert audits.remembering(once, [kept.status]) == once


def test_who_is_not_let_in_explains_nothing() -> None:
    stranger = {"namespace": "elsewhere"}
    ref = {"name": "array", "namespace": NAMESPACE}
    claims = host("box", initiators={"iscsi": [iqn("box")]}, array_ref=ref, meta=stranger)
    wishes = attachment("a", "box", "data", meta=stranger)

    assert audit(inventory(DATA, ADMINS, mapped(ADMINS, DATA)), claims, wishes) == {
        "foreign": {("admins", None), ("admins", "data")}
    }


def test_a_long_list_is_cut_and_still_counted() -> None:
    boxes = [host_object(f"box{number:03}", f"box{number}") for number in range(60)]
    found = audits.audit(desired(), inventory(*boxes))

    assert found.foreign is not None
    assert (found.foreign.hosts, len(found.foreign.items)) == (60, 50)


def test_an_event_tells_numbers_and_no_names_and_only_of_news() -> None:
    seen = audits.audit(desired(), inventory(DATA, GONE, ADMINS, mapped(GONE, DATA)))
    nothing = audits.audit(desired(), inventory())

    said = audits.sentence(seen)
    assert "orphaned: 1 host object and 1 mapping; foreign: 1 host object and 0 mappings" in said
    assert GONE.name not in said
    assert audits.sentence(nothing) == "Everything on the array belongs to a resource."
    assert audits.is_news(seen, None)
    assert audits.is_news(nothing, seen)
    assert not audits.is_news(seen, seen)
    assert not audits.is_news(nothing, None)
    assert not audits.is_news(None, seen)
