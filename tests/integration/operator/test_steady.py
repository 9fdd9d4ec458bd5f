"""Objects that are in sync are not written, and the status is about the current spec."""

from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import foreign_host, looks, mappings, mark, ports, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until


def versions(stand: Stand) -> dict[str, str]:
    found = stand.all(ATTACHMENTS, HOSTS, ARRAYS)
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in found}


def await_reads(simulator: Simulator, times: int = 3) -> None:
    """Wait for this number of further full reads of the array."""
    start = mark(simulator)
    until("further reads", lambda: looks(simulator, start) >= times)


def wipe(stand: Stand, kind: str, name: str) -> None:
    stand.kubectl("patch", kind, name, "--subresource=status", "--type=merge", '--patch={"status":null}')


def test_repeated_passes_change_nothing(stand: Stand, simulator: Simulator) -> None:
    """This holds for attachments that are attached, wait or were refused, and for a host object of an administrator."""
    foreign_host(simulator, "admins", iqn("adopted"), volumes=("vol4",))
    foreign_host(simulator, "backup", iqn("backup"), iqn("extra"), volumes=("vol3",))
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        *(stand.host(name) for name in ("worker-1", "adopted", "empty", "backup")),
        stand.attachment("one", "worker-1", "vol0"),
        stand.attachment("two", "worker-1", "vol1", lun=9),
        stand.attachment("found", "adopted", "vol4"),
        stand.attachment("missing", "worker-1", "nothing"),
        stand.attachment("elsewhere", "worker-1", "vol3"),
        stand.attachment("unready", "backup", "vol2"),
        stand.attachment("orphan", "no-such-host", "vol2"),
    )
    stand.ready(ATTACHMENTS, "one", "two", "found")
    for name, reason in {
        "missing": "VolumeNotFound",
        "elsewhere": "VolumeMappedElsewhere",
        "unready": "HostNotReady",
    }.items():
        stand.await_reason(ATTACHMENTS, name, reason)
    stand.ready(HOSTS, "worker-1", "adopted", "empty")
    await_reads(simulator, 2)
    before, start = versions(stand), mark(simulator)

    await_reads(simulator, 4)

    assert writes(simulator, start) == []
    assert versions(stand) == before


def test_a_status_that_was_wiped_manually_is_restored(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=4))
    stand.ready(ATTACHMENTS, "one")
    stand.ready(HOSTS, "worker-1")
    attachment, host = status_without_times(stand, ATTACHMENTS, "one"), status_without_times(stand, HOSTS, "worker-1")
    start = mark(simulator)

    wipe(stand, ATTACHMENTS, "one")
    wipe(stand, HOSTS, "worker-1")
    wipe(stand, ARRAYS, "array")
    until("the attachment's status", lambda: status_without_times(stand, ATTACHMENTS, "one") == attachment)
    until("the host's status", lambda: status_without_times(stand, HOSTS, "worker-1") == host)
    stand.ready(ARRAYS, "array")

    assert writes(simulator, start) == []
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


def status_without_times(stand: Stand, kind: str, name: str) -> dict[str, Any]:
    """Read a status and remove its times."""
    status: dict[str, Any] = stand.status(kind, name)
    status.pop("attachedTime", None)
    for condition in status.get("conditions", []):
        condition.pop("lastTransitionTime")
    return status


def test_a_lost_status_errs_on_the_safe_side_on_an_administrators_host(stand: Stand, simulator: Simulator) -> None:
    """The creator of the mapping is no longer known, so the mapping stays."""
    foreign_host(simulator, "admins", iqn("worker-1"))
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["origin"] == "Created"

    wipe(stand, ATTACHMENTS, "one")
    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["origin"] == "Adopted"
    stand.delete(ATTACHMENTS, "one")

    assert mappings(simulator) == {("admins", "vol0", 1)}


def test_a_volume_is_detached_although_its_status_was_wiped_meanwhile(stand: Stand, simulator: Simulator) -> None:
    """On a host object of the operator, each mapping of an attachment belongs to the operator."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    wipe(stand, ATTACHMENTS, "one")
    wipe(stand, HOSTS, "worker-1")
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert ports(simulator) == {}


def test_a_changed_spec_is_not_ready_before_it_was_reconciled(stand: Stand, simulator: Simulator) -> None:
    """`kubectl wait` relies on it: a new object is not current, and an old status is not about a new spec."""
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    stand.array(simulator, limits={"commandTimeout": "60s"})
    stand.ready(ATTACHMENTS, "one")
    held = simulator.control.fault("hold", "lshost", times=None)
    held_volumes = simulator.control.fault("hold", "lsvdisk", times=None)

    stand.patch(ATTACHMENTS, "one", {"access": "Shared", "deletionPolicy": "Retain"})
    found = stand.get(ATTACHMENTS, "one")
    assert found["metadata"]["generation"] == 2
    assert found["status"]["observedGeneration"] == 1
    assert {each["observedGeneration"] for each in found["status"]["conditions"]} == {1}
    for fault in (held, held_volumes):
        simulator.control.release(fault)
        simulator.control.forget(fault)

    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["observedGeneration"] == 2


def test_a_refusal_is_about_the_current_spec_too_and_ends_with_its_cause(stand: Stand, simulator: Simulator) -> None:
    foreign_host(simulator, "backup", iqn("backup"), volumes=("vol0",))
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.kubectl("wait", "--for=condition=Stalled", ATTACHMENTS, "one", "--timeout=40s")
    status = stand.status(ATTACHMENTS, "one")
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "False",
        "Reconciling": "False",
        "Stalled": "True",
    }
    assert status["observedGeneration"] == 1

    stand.patch(ATTACHMENTS, "one", {"access": "Shared"})
    stand.ready(ATTACHMENTS, "one")
    status = stand.status(ATTACHMENTS, "one")
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert status["observedGeneration"] == 2
