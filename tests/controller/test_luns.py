"""Which LUN a volume gets on a host."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from flashsystem_operator.values import MAX_LUN
from support.array_state import admin, foreign_host, luns, mappings, ports, uid, writes
from support.local_operator import LocalOperator
from support.recorded_events import all_events
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, PATIENCE, Namespace, iqn, until

pytestmark = pytest.mark.slow


def test_a_volume_gets_the_lowest_free_lun_from_one_or_the_one_in_its_spec(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("first", "worker-1", "vol0"),
        stand.attachment("pinned", "worker-1", "vol1", lun=2),
        stand.attachment("zero", "worker-1", "vol2", lun=0),
    )
    stand.ready(ATTACHMENTS, "first", "pinned", "zero")
    assert luns(simulator) == {"vol0": 1, "vol1": 2, "vol2": 0}

    stand.apply(stand.attachment("next", "worker-1", "vol3"))
    stand.ready(ATTACHMENTS, "next")
    assert luns(simulator)["vol3"] == 3

    stand.delete(ATTACHMENTS, "first")
    stand.apply(stand.attachment("again", "worker-1", "vol4"))
    stand.ready(ATTACHMENTS, "again")

    # LUN 1 is quarantined: the host may still use it for vol0.
    assert luns(simulator) == {"vol1": 2, "vol2": 0, "vol3": 3, "vol4": 4}
    assert stand.status(ATTACHMENTS, "again")["lun"] == 4
    assert stand.status(ATTACHMENTS, "again")["connection"]["lun"] == 4
    assert stand.status(ATTACHMENTS, "zero")["lun"] == 0
    assert stand.status(ATTACHMENTS, "zero")["connection"]["lun"] == 0


def test_a_pinned_lun_that_is_taken_is_refused_naming_its_owner_and_used_once_it_is_free(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=5))
    stand.ready(ATTACHMENTS, "one")
    stand.apply(stand.attachment("two", "worker-1", "vol1", lun=5))

    assert "vol0" in stand.await_reason(ATTACHMENTS, "two", "LUNTaken")
    assert stand.condition(ATTACHMENTS, "two", "Stalled")["status"] == "True"

    stand.delete(ATTACHMENTS, "one")
    stand.ready(ATTACHMENTS, "two")
    assert luns(simulator) == {"vol1": 5}


def test_a_freed_lun_is_quarantined_even_if_the_operator_crashes_during_the_unmap(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    def quarantined() -> dict[int, str]:
        found = stand.status(HOSTS, "worker-1").get("quarantinedLUNs", [])
        return {each["lun"]: each["uid"] for each in found}

    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    held = simulator.control.fault("hold", "rmvdiskhostmap", when="after")

    stand.delete(ATTACHMENTS, "one", wait=False)
    simulator.control.wait(held, seconds=PATIENCE)
    assert quarantined() == {1: uid(simulator, "vol0")}
    operator.kill()
    simulator.control.release(held)
    operator.start()
    stand.gone(ATTACHMENTS, "one")

    # The host object was removed with its last volume and is created again with the same name.
    until("the host object to be removed", lambda: not ports(simulator))
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    assert luns(simulator) == {"vol1": 2}

    # The same holds for a change outside the operator, and the volume itself may return to its LUN.
    stand.apply(stand.attachment("one", "worker-1", "vol0"), stand.attachment("three", "worker-1", "vol2", lun=9))
    stand.ready(ATTACHMENTS, "one", "three")
    assert luns(simulator) == {"vol0": 1, "vol1": 2, "vol2": 9}
    stand.patch(ATTACHMENTS, "one", {"driftPolicy": "Report"})
    (host,) = ports(simulator)
    admin(simulator, f"rmvdiskhostmap -host {host} vol0")
    stand.apply(stand.attachment("four", "worker-1", "vol3"))
    stand.ready(ATTACHMENTS, "four")
    assert luns(simulator) == {"vol1": 2, "vol2": 9, "vol3": 3}
    assert quarantined() == {1: uid(simulator, "vol0")}

    # A quarantine of 0s disables it.
    stand.patch(ARRAYS, "array", {"lunQuarantine": "0s"})
    stand.apply(stand.attachment("five", "worker-1", "vol4"))
    stand.ready(ATTACHMENTS, "five")
    assert luns(simulator)["vol4"] == 1
    until("no quarantined LUN", lambda: not quarantined())


def test_luns_assigned_on_the_host_outside_the_operator_count_as_taken(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0", "vol1"))
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol2"))

    stand.ready(ATTACHMENTS, "one")

    assert luns(simulator) == {"vol0": 0, "vol1": 1, "vol2": 2}


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_luns_of_host_cluster_mappings_count_as_taken(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"))
    admin(simulator, "mkhostcluster -name all")
    admin(simulator, "addhostclustermember -host admins all")
    admin(simulator, "mkvolumehostclustermap -hostcluster all -scsi 1 vol0")
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("one", "worker-1", "vol1"),
        stand.attachment("pinned", "worker-1", "vol2", lun=1),
        stand.attachment("through", "worker-1", "vol0"),
    )

    stand.ready(ATTACHMENTS, "one")
    assert mappings(simulator) == {("admins", "vol1", 2)}
    assert "vol0" in stand.await_reason(ATTACHMENTS, "pinned", "LUNTaken")
    assert "cluster all" in stand.await_reason(ATTACHMENTS, "through", "MappedThroughHostCluster")

    stand.patch(ATTACHMENTS, "through", {"access": "Shared"})
    stand.ready(ATTACHMENTS, "through")
    assert stand.status(ATTACHMENTS, "through")["lun"] == 1
    assert stand.status(ATTACHMENTS, "through")["origin"] == "Adopted"
    stand.delete(ATTACHMENTS, "through")
    assert simulator.control.state()["shared_mappings"] == [{"host_cluster": "all", "volume": "vol0", "lun": 1}]


def test_a_lun_may_be_pinned_later_to_its_current_value(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    before = writes(simulator)

    stand.patch(ATTACHMENTS, "one", {"lun": 1})
    stand.ready(ATTACHMENTS, "one")

    found = stand.get(ATTACHMENTS, "one")
    assert found["metadata"]["generation"] == found["status"]["observedGeneration"] == 2
    assert writes(simulator) == before


def test_a_volume_that_is_mapped_at_another_lun_than_pinned_is_not_moved(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=7))

    message = stand.await_reason(ATTACHMENTS, "one", "LUNDiffers", "Stalled")

    assert "at LUN 0, not 7" in message
    assert "create it" in message
    assert writes(simulator) == []


def test_a_lun_that_an_administrator_took_in_the_meantime_is_left_to_the_administrator(
    stand: Namespace, simulator: Simulator
) -> None:
    """The last read of the operator did not show it; the refusal of the array and another read do."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    (host,) = ports(simulator)
    held = simulator.control.fault("hold", "mkvdiskhostmap")

    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    simulator.control.wait(held)
    admin(simulator, f"mkvdiskhostmap -host {host} -scsi 2 vol2")
    simulator.control.release(held)

    stand.ready(ATTACHMENTS, "two")
    assert luns(simulator) == {"vol0": 1, "vol2": 2, "vol1": 3}


def test_a_removed_host_object_is_created_again_with_every_volume_at_its_lun(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(
        stand.host("worker-1"),
        *(stand.attachment(f"vol{number}", "worker-1", f"vol{number}", lun=number + 1) for number in range(2)),
    )
    stand.ready(ATTACHMENTS, "vol0", "vol1")
    stand.apply(stand.attachment("vol2", "worker-1", "vol2"))
    stand.ready(ATTACHMENTS, "vol2")
    stand.delete(ATTACHMENTS, "vol0")
    before = mappings(simulator)
    (host,) = ports(simulator)

    admin(simulator, f"rmhost -force {host}")
    until("every volume at its LUN", lambda: mappings(simulator) == before)
    stand.ready(ATTACHMENTS, "vol1", "vol2")

    assert ports(simulator) == {host: [iqn("worker-1")]}
    assert luns(simulator) == {"vol1": 2, "vol2": 3}


@pytest.mark.parametrize(("dialect", "pool"), [("legacy", "mdiskgrp0"), ("modern", "Pool0")])
def test_a_volume_at_another_lun_in_each_io_group_is_reported_until_it_is_unmapped(
    stand: Namespace, dialect: str, pool: str
) -> None:
    volumes = [{"name": "wide", "pool": pool, "access_io_groups": [0, 1]}, {"name": "narrow", "pool": pool}]
    with simulated({"volumes": volumes, "rules": {"lun_per_io_group": True}}, dialect) as simulator:
        stand.array(simulator, resyncInterval="2s")
        stand.apply(stand.host("worker-1", lifecycle="Persistent"))
        stand.ready(HOSTS, "worker-1")
        (host,) = ports(simulator)
        for name in ("narrow", "wide"):
            admin(simulator, f"mkvdiskhostmap -host {host} {name}")

        stand.apply(stand.attachment("one", "worker-1", "wide"))
        assert "LUNs 0, 1" in stand.await_reason(ATTACHMENTS, "one", "MismatchedLUNs")
        assert stand.condition(ATTACHMENTS, "one", "Stalled")["status"] == "True"
        assert "mkvdiskhostmap" not in writes(simulator)

        admin(simulator, f"rmvdiskhostmap -host {host} wide")
        stand.ready(ATTACHMENTS, "one")


@pytest.mark.parametrize(("dialect", "most"), [("legacy", 2048), ("modern", 512)])
def test_a_full_host_uses_the_lun_that_was_quarantined_longest_and_reports_it(
    stand: Namespace, dialect: str, most: int
) -> None:
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[dialect]
    with simulated(_nearly_full(pool, most), dialect) as simulator:
        stand.array(simulator)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        stand.delete(ATTACHMENTS, "one")
        assert "vol0" not in luns(simulator)

        stand.apply(stand.attachment("two", "worker-1", "vol1"))
        stand.ready(ATTACHMENTS, "two")
        assert luns(simulator)["vol1"] == 1
        until("the warning", lambda: "free for longest" in str(all_events(stand)))


def _nearly_full(pool: str, most: int) -> dict[str, Any]:
    """A host object of an administrator with one free LUN, on a system that allows no more."""
    names = ["vol0", "vol1", *(f"v{lun}" for lun in range(most) if lun != 1)]
    return {
        "system": {"product_name": "IBM Storwize V3500" if most < MAX_LUN else "IBM FlashSystem 900"},
        "limits": {"luns_per_host": most},
        "volumes": [{"id": number, "name": name, "pool": pool} for number, name in enumerate(names)],
        "hosts": [{"id": 0, "name": "admins", "ports": [{"name": iqn("worker-1")}]}],
        "mappings": [{"host": "admins", "volume": f"v{lun}", "lun": lun} for lun in range(most) if lun != 1],
    }
