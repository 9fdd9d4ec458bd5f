"""What is on an array and explained by no resource is told, and left alone."""

import json
from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, looks, mappings, mark, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until


def told(stand: Stand, sort: str) -> set[tuple[str, str]]:
    """Host object and volume of each item; of a host object itself without a volume."""
    found = stand.status(ARRAYS, "array").get("audit", {}).get(sort, {})
    return {(item["host"].partition("-")[0], item.get("volume", "")) for item in found.get("items", [])}


def events(stand: Stand) -> list[str]:
    found: list[dict[str, Any]] = json.loads(stand.kubectl("get", "events", "--output=json"))["items"]
    return [each["message"] for each in found if each["reason"] == "AuditChanged"]


def test_what_nobody_explains_is_told_sorted_and_left_alone(stand: Stand, simulator: Simulator) -> None:
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
    until("the administrator's to be told", lambda: told(stand, "foreign") == {("admins", ""), ("admins", "vol0")})
    assert told(stand, "orphaned") == told(stand, "released") == set()

    since = mark(simulator)
    stand.delete(ATTACHMENTS, "kept")
    uid = stand.get(ATTACHMENTS, "released")["metadata"]["uid"]
    stand.kubectl("annotate", ATTACHMENTS, "released", f"flashsystem.io/release={uid}")
    stand.delete(ATTACHMENTS, "released")
    for kind in (ATTACHMENTS, HOSTS):
        forget(stand, kind, "lost")
    until("the lost to be told", lambda: told(stand, "orphaned") == {("lost", ""), ("lost", "vol4")})
    until("what was let go to be told", lambda: told(stand, "released") == {("node", "vol2"), ("node", "vol3")})
    counted = stand.status(ARRAYS, "array")["audit"]
    assert (counted["orphaned"]["hosts"], counted["orphaned"]["mappings"]) == (1, 1)
    assert (counted["released"]["hosts"], counted["released"]["mappings"]) == (0, 2)
    assert writes(simulator, since) == []
    assert any("released: 0 host objects and 2 mappings" in each for each in events(stand))

    before, version, since = events(stand), stand.get(ARRAYS, "array")["metadata"]["resourceVersion"], mark(simulator)
    until("two more surveys", lambda: looks(simulator, since) > 1)
    assert events(stand) == before
    assert stand.get(ARRAYS, "array")["metadata"]["resourceVersion"] == version

    (host,) = {name for name, volume, _ in mappings(simulator) if volume == "vol3"}
    admin(simulator, f"rmvdiskhostmap -host {host} vol3")
    stand.apply(stand.attachment("again", "node", "vol2"))
    stand.ready(ATTACHMENTS, "again")
    until("nothing to be left of what was let go", lambda: told(stand, "released") == set())


def forget(stand: Stand, kind: str, name: str) -> None:
    """What no document tells anybody to do: the finalizer edited away, so that the operator hears only of the end."""
    stand.kubectl("annotate", kind, name, "flashsystem.io/paused=true")
    stand.delete(kind, name, wait=False)
    free = json.dumps({"metadata": {"finalizers": None}})
    stand.kubectl("patch", kind, name, "--type=merge", "--patch", free)
