"""The life of a FlashSystemVolume: created, imported, grown, attached, and deleted with its data."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin
from support.local_operator import LocalOperator
from support.recorded_events import reasons
from support.simulated_arrays import last, writes
from support.stand import ATTACHMENTS, PATIENCE, VOLUMES, Namespace, until

pytestmark = pytest.mark.slow

POOL = {"legacy": "mdiskgrp0", "modern": "Pool0"}
GIB = 1024**3


def volumes(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """The volumes of the array by name."""
    return {each["name"]: each for each in simulator.control.state()["volumes"]}


def pool_of(simulator: Simulator) -> str:
    return str(simulator.control.state()["pools"][0]["name"])


def created(
    stand: Namespace, simulator: Simulator, name: str = "data", size: str = "2Gi", **spec: Any
) -> dict[str, Any]:
    """Create a volume and wait for it; returns it as the array has it."""
    stand.apply(stand.volume(name, size, **{"pool": pool_of(simulator), **spec}))
    stand.ready(VOLUMES, name)
    return volumes(simulator)[stand.status(VOLUMES, name)["name"]]


def test_a_volume_is_created_and_its_status_shows_what_the_array_has(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)

    found = created(stand, simulator, size="2Gi")

    status = stand.status(VOLUMES, "data")
    assert found["capacity"] == 2 * GIB
    assert (status["uid"], status["capacity"], status["origin"]) == (found["uid"], "2Gi", "Created")
    assert (status["pool"], status["state"], status["attachments"]) == (pool_of(simulator), "online", 0)
    assert status["name"].startswith("data-")
    assert "intent" not in status
    assert stand.get(VOLUMES, "data")["metadata"]["annotations"]["flashsystem.io/volume-uid"] == found["uid"]
    assert reasons(stand, "data") == ["VolumeCreated"]


def test_a_volume_grows_to_the_size_of_its_spec_and_never_shrinks(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    created(stand, simulator, size="2Gi")

    stand.patch(VOLUMES, "data", {"size": "5Gi"})
    stand.ready(VOLUMES, "data")

    assert stand.status(VOLUMES, "data")["capacity"] == "5Gi"
    assert volumes(simulator)[stand.status(VOLUMES, "data")["name"]]["capacity"] == 5 * GIB
    assert sum("expandvdisksize" in line for line in writes(simulator)) == 1


def test_a_deleted_volume_is_deleted_on_the_array_with_its_data(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    before = volumes(simulator)
    created(stand, simulator)

    stand.delete(VOLUMES, "data")

    assert volumes(simulator) == before
    assert "VolumeDeleted" in reasons(stand, "data")


def test_a_volume_with_deletion_policy_retain_stays_on_the_array(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    found = created(stand, simulator, deletionPolicy="Retain")

    stand.delete(VOLUMES, "data")

    assert volumes(simulator)[found["name"]]["uid"] == found["uid"]


def test_an_imported_volume_is_changed_in_nothing_and_stays_on_the_array(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    before, since = volumes(simulator), last(simulator)

    stand.apply(stand.volume("taken", imported={"name": "vol0"}))
    stand.ready(VOLUMES, "taken")

    status = stand.status(VOLUMES, "taken")
    assert (status["uid"], status["name"], status["origin"]) == (before["vol0"]["uid"], "vol0", "Imported")
    stand.delete(VOLUMES, "taken")
    assert volumes(simulator) == before
    assert writes(simulator, since) == []


def test_an_attachment_by_reference_waits_for_the_volume_and_keeps_it_from_being_deleted(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("data", "worker-1", {"ref": {"name": "data"}}))
    stand.await_reason(ATTACHMENTS, "data", "VolumeNotReady")

    found = created(stand, simulator)
    stand.ready(ATTACHMENTS, "data")
    stand.delete(VOLUMES, "data", wait=False)
    stand.await_reason(VOLUMES, "data", "InUse")

    assert stand.status(ATTACHMENTS, "data")["volume"]["uid"] == found["uid"]
    assert found["name"] in volumes(simulator)
    stand.delete(ATTACHMENTS, "data")
    stand.gone(VOLUMES, "data")
    assert found["name"] not in volumes(simulator)


def test_an_attachment_whose_host_does_not_exist_keeps_the_volume_that_it_refers_to(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    found = created(stand, simulator)
    stand.apply(stand.attachment("data", "missing", {"ref": {"name": "data"}}))

    stand.delete(VOLUMES, "data", wait=False)

    stand.await_reason(VOLUMES, "data", "InUse")
    assert found["name"] in volumes(simulator)
    stand.delete(ATTACHMENTS, "data")
    stand.gone(VOLUMES, "data")


def test_a_volume_that_an_administrator_mapped_is_not_deleted(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    found = created(stand, simulator)
    admin(simulator, "mkhost -iscsiname iqn.2001-01.com.x:foreign -name foreign")
    admin(simulator, f"mkvdiskhostmap -host foreign {found['name']}")

    stand.delete(VOLUMES, "data", wait=False)

    stand.await_reason(VOLUMES, "data", "StillMapped")
    assert found["name"] in volumes(simulator)


def test_a_volume_that_is_gone_is_never_created_again(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    found = created(stand, simulator)
    remove = "rmvdisk" if simulator.dialect == "legacy" else "rmvolume"
    admin(simulator, f"{remove} {found['name']}")

    stand.annotate(VOLUMES, "data", reconcile_requested_at="now")

    stand.await_reason(VOLUMES, "data", "VolumeGone")
    assert found["name"] not in volumes(simulator)
    stand.delete(VOLUMES, "data")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_a_volume_is_created_leads_to_one_volume(
    stand: Namespace, simulator: Simulator, operator: LocalOperator, when: str
) -> None:
    stand.array(simulator)
    make = "mkvdisk" if simulator.dialect == "legacy" else "mkvolume"
    before = volumes(simulator)
    held = simulator.control.fault("hold", make, when=when)
    stand.apply(stand.volume("data", "2Gi", pool=pool_of(simulator)))
    simulator.control.wait(held, seconds=PATIENCE)
    operator.kill()
    simulator.control.release(held)
    until("the end of the command", lambda: len(volumes(simulator)) == len(before) + 1)

    operator.start()
    stand.ready(VOLUMES, "data")

    assert len(volumes(simulator)) == len(before) + 1
    assert stand.status(VOLUMES, "data")["origin"] == "Created"


def test_a_lost_reply_to_an_expansion_does_not_grow_the_volume_twice(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    created(stand, simulator, size="2Gi")
    simulator.control.fault("cut", "expandvdisksize", when="after")

    stand.patch(VOLUMES, "data", {"size": "3Gi"})
    stand.ready(VOLUMES, "data")

    assert volumes(simulator)[stand.status(VOLUMES, "data")["name"]]["capacity"] == 3 * GIB


def test_a_foreign_volume_under_the_name_is_never_taken_over(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    found = created(stand, simulator, deletionPolicy="Retain")
    stand.delete(VOLUMES, "data")

    stand.apply(stand.volume("data", "2Gi", pool=pool_of(simulator)))

    assert found["uid"] in stand.await_reason(VOLUMES, "data", "NameTaken")
    stand.delete(VOLUMES, "data")
    assert volumes(simulator)[found["name"]]["uid"] == found["uid"]


def test_a_retained_volume_that_is_imported_again_stays_when_the_import_is_deleted(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    found = created(stand, simulator, deletionPolicy="Retain")
    stand.delete(VOLUMES, "data")

    stand.apply(stand.volume("data", imported={"uid": found["uid"]}))
    stand.ready(VOLUMES, "data")

    assert stand.status(VOLUMES, "data")["origin"] == "Imported"
    stand.delete(VOLUMES, "data")
    assert volumes(simulator)[found["name"]]["uid"] == found["uid"]


def test_a_volume_whose_status_was_lost_is_found_by_its_annotation(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    stand.array(simulator)
    found = created(stand, simulator)
    operator.stop()
    stand.remove_finalizers(VOLUMES, "data")
    stand.delete(VOLUMES, "data")
    restored = stand.volume("data", "2Gi", pool=pool_of(simulator))
    annotations = {"flashsystem.io/volume-uid": found["uid"]}
    stand.apply({**restored, "metadata": {**restored["metadata"], "annotations": annotations}})

    operator.start()
    stand.ready(VOLUMES, "data")

    assert stand.status(VOLUMES, "data")["uid"] == found["uid"]
    assert stand.status(VOLUMES, "data")["origin"] == "Created"
    assert len([name for name in volumes(simulator) if name.startswith("data-")]) == 1
