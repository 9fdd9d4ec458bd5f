"""Objects on an array that no resource explains are reported and left unchanged."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, looks, mappings, mark, writes
from support.recorded_events import all_events
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


def audited(stand: Namespace, category: str) -> set[tuple[str, str]]:
    """Host object and volume of each item. The volume is empty if the item is a host object."""
    found = stand.status(ARRAYS, "array").get("audit", {}).get(category, {})
    return {(item["host"].partition("-")[0], item.get("volume", "")) for item in found.get("items", [])}


def events(stand: Namespace) -> list[str]:
    return [each["message"] for each in all_events(stand) if each["reason"] == "AuditChanged"]


def test_objects_that_no_resource_explains_are_reported_by_category_and_left_unchanged(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("admins"), volumes=("vol0",))
    stand.array(simulator, resyncInterval="2s")
    stand.apply(
        stand.host("node"),
        stand.host("lost"),
        stand.attachment("stays", "node", "vol1"),
        stand.attachment("kept", "node", "vol2", deletionPolicy="Retain"),
        stand.attachment("released", "node", "vol3"),
        stand.attachment("lost", "lost", "vol4"),
    )
    stand.ready(ATTACHMENTS, "stays", "kept", "released", "lost")
    until(
        "the administrator's objects to be reported",
        lambda: audited(stand, "foreign") == {("admins", ""), ("admins", "vol0")},
    )
    assert audited(stand, "orphaned") == audited(stand, "released") == set()

    since = mark(simulator)
    stand.delete(ATTACHMENTS, "kept")
    uid = stand.get(ATTACHMENTS, "released")["metadata"]["uid"]
    stand.annotate(ATTACHMENTS, "released", release=uid)
    stand.delete(ATTACHMENTS, "released")
    for kind in (ATTACHMENTS, HOSTS):
        remove_finalizer(stand, kind, "lost")
    until("the orphaned objects to be reported", lambda: audited(stand, "orphaned") == {("lost", ""), ("lost", "vol4")})
    until(
        "the released mappings to be reported",
        lambda: audited(stand, "released") == {("node", "vol2"), ("node", "vol3")},
    )
    counted = stand.status(ARRAYS, "array")["audit"]
    assert (counted["orphaned"]["hosts"], counted["orphaned"]["mappings"]) == (1, 1)
    assert (counted["released"]["hosts"], counted["released"]["mappings"]) == (0, 2)
    assert writes(simulator, since) == []
    assert any("released: 0 host objects and 2 mappings" in each for each in events(stand))

    before, version, since = events(stand), stand.get(ARRAYS, "array")["metadata"]["resourceVersion"], mark(simulator)
    until("two more full reads", lambda: looks(simulator, since) > 1)
    assert events(stand) == before
    assert stand.get(ARRAYS, "array")["metadata"]["resourceVersion"] == version

    (host,) = {name for name, volume, _ in mappings(simulator) if volume == "vol3"}
    admin(simulator, f"rmvdiskhostmap -host {host} vol3")
    stand.apply(stand.attachment("again", "node", "vol2"))
    stand.ready(ATTACHMENTS, "again")
    until("no released mappings to be left", lambda: audited(stand, "released") == set())


def remove_finalizer(stand: Namespace, kind: str, name: str) -> None:
    """Remove the finalizer by hand, which no document advises: the operator only sees that the object is gone."""
    stand.annotate(kind, name, paused="true")
    stand.delete(kind, name, wait=False)
    stand.remove_finalizers(kind, name)
