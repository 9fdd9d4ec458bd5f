"""The life of a volume on a real API server, with the rights and the admission policy of the operator in force."""

from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import mappings, mark, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, VOLUMES, Stand, until

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
GIB = 1024**3


def on_array(simulator: Simulator) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in simulator.control.state()["volumes"]}


def test_a_volume_is_created_attached_grown_and_deleted_as_its_manifests_are(
    stand: Stand, simulator: Simulator
) -> None:
    before, pool = on_array(simulator), POOLS[simulator.dialect]
    make, remove = ("mkvdisk", "rmvdisk") if simulator.dialect == "legacy" else ("mkvolume", "rmvolume")
    stand.array(simulator, resyncInterval="2s")
    start = mark(simulator)

    # All at once, as `kubectl apply` of a folder does it: the attachment waits for the volume.
    stand.apply(
        stand.attachment("data", "node", {"ref": {"name": "data"}}),
        stand.host("node"),
        stand.volume("data", "2Gi", pool=pool),
    )
    stand.ready(ATTACHMENTS, "data")

    status, found = stand.status(VOLUMES, "data"), stand.get(VOLUMES, "data")
    (name,) = on_array(simulator).keys() - before.keys()
    made = on_array(simulator)[name]
    assert (status["name"], status["uid"], status["capacity"], status["pool"]) == (name, made["uid"], "2Gi", pool)
    assert (status["origin"], made["capacity"]) == ("Created", 2 * GIB)
    assert found["metadata"]["annotations"] == {"flashsystem.io/volume-uid": made["uid"]}
    assert found["metadata"]["finalizers"] == ["flashsystem.io/cleanup"]
    assert stand.status(ATTACHMENTS, "data")["connection"]["volumeUID"] == made["uid"]
    assert [volume for _, volume, _ in mappings(simulator)] == [name]
    until("the attachment to be counted", lambda: stand.status(VOLUMES, "data")["attachments"] == 1)

    stand.patch(VOLUMES, "data", {"size": "3Gi"})
    stand.ready(VOLUMES, "data")
    assert on_array(simulator)[name]["capacity"] == 3 * GIB
    assert stand.status(VOLUMES, "data")["capacity"] == "3Gi"

    stand.delete(VOLUMES, "data", wait=False)
    assert "data" in stand.await_reason(VOLUMES, "data", "InUse")
    assert name in on_array(simulator)
    stand.delete(ATTACHMENTS, "data")
    stand.gone(VOLUMES, "data")
    stand.delete(HOSTS, "node")
    stand.delete(ARRAYS, "array")

    assert on_array(simulator) == before
    assert simulator.control.state()["hosts"] == []
    assert writes(simulator, start) == [
        *(make, "mkhost", "mkvdiskhostmap", "expandvdisksize"),
        *("rmvdiskhostmap", "rmhost", remove),
    ]


def test_a_volume_that_is_left_is_in_the_audit_and_is_imported_again(stand: Stand, simulator: Simulator) -> None:
    pool = POOLS[simulator.dialect]
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.volume("data", "2Gi", pool=pool, deletionPolicy="Retain"))
    stand.ready(VOLUMES, "data")
    uid = stand.status(VOLUMES, "data")["uid"]

    stand.delete(VOLUMES, "data")

    def released() -> list[str]:
        found = stand.status(ARRAYS, "array").get("audit", {}).get("released", {})
        return [item["uid"] for item in found.get("items", []) if "host" not in item]

    until("the volume to be reported as released", lambda: released() == [uid])
    stand.apply(stand.volume("again", imported={"uid": uid}, deletionPolicy="Delete"))
    stand.ready(VOLUMES, "again")
    assert (stand.status(VOLUMES, "again")["uid"], stand.status(VOLUMES, "again")["origin"]) == (uid, "Imported")
    until("nothing to be reported any longer", lambda: released() == [])
    stand.delete(VOLUMES, "again")
    assert uid not in {each["uid"] for each in on_array(simulator).values()}
