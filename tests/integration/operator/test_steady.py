"""What is as it should be is left alone, and what is said is true of what is wished now."""

from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import foreign_host, looks, mappings, mark, ports, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until


def versions(stand: Stand) -> dict[str, str]:
    found = stand.all(ATTACHMENTS, HOSTS, ARRAYS)
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in found}


def looked_again(simulator: Simulator, times: int = 3) -> None:
    """Wait for so many further looks at everything."""
    start = mark(simulator)
    until("further looks", lambda: looks(simulator, start) >= times)


def wipe(stand: Stand, kind: str, name: str) -> None:
    stand.kubectl("patch", kind, name, "--subresource=status", "--type=merge", '--patch={"status":null}')


def test_repeated_passes_change_nothing(stand: Stand, simulator: Simulator) -> None:
    """Not those that are attached, nor those that wait or were refused, nor an administrator's host."""
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
        stand.attachment("orphan", "nobody", "vol2"),
    )
    stand.ready(ATTACHMENTS, "one", "two", "found")
    for name, reason in {
        "missing": "VolumeNotFound",
        "elsewhere": "VolumeMappedElsewhere",
        "unready": "HostNotReady",
    }.items():
        stand.await_reason(ATTACHMENTS, name, reason)
    stand.ready(HOSTS, "worker-1", "adopted", "empty")
    looked_again(simulator, 2)
    before, start = versions(stand), mark(simulator)

    looked_again(simulator, 4)

    assert writes(simulator, start) == []
    assert versions(stand) == before


def test_a_status_that_was_wiped_by_hand_comes_back(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0", lun=4))
    stand.ready(ATTACHMENTS, "one")
    stand.ready(HOSTS, "worker-1")
    attachment, host = said(stand, ATTACHMENTS, "one"), said(stand, HOSTS, "worker-1")
    start = mark(simulator)

    wipe(stand, ATTACHMENTS, "one")
    wipe(stand, HOSTS, "worker-1")
    wipe(stand, ARRAYS, "array")
    until("the attachment's status", lambda: said(stand, ATTACHMENTS, "one") == attachment)
    until("the host's status", lambda: said(stand, HOSTS, "worker-1") == host)
    stand.ready(ARRAYS, "array")

    assert writes(simulator, start) == []
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


def said(stand: Stand, kind: str, name: str) -> dict[str, Any]:
    """A status without its times."""
    status: dict[str, Any] = stand.status(kind, name)
    status.pop("attachedTime", None)
    for condition in status.get("conditions", []):
        condition.pop("lastTransitionTime")
    return status


def test_a_lost_status_errs_on_the_safe_side_on_an_administrators_host(stand: Stand, simulator: Simulator) -> None:
    """Nobody knows any more who made the mapping: so it stays."""
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
    """On a host that we made, whatever is mapped for an attachment of ours is ours."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    wipe(stand, ATTACHMENTS, "one")
    wipe(stand, HOSTS, "worker-1")
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert ports(simulator) == {}


def test_a_wish_is_not_ready_before_it_was_looked_at(stand: Stand, simulator: Simulator) -> None:
    """What `kubectl wait` stands on: no fresh object is current, and no old answer is one to a new wish."""
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    stand.array(simulator, limits={"commandTimeout": "60s"})
    stand.ready(ATTACHMENTS, "one")
    held = simulator.control.fault("hold", "lshost", times=None)
    looking = simulator.control.fault("hold", "lsvdisk", times=None)

    stand.patch(ATTACHMENTS, "one", {"access": "Shared", "deletionPolicy": "Retain"})
    found = stand.get(ATTACHMENTS, "one")
    assert found["metadata"]["generation"] == 2
    assert found["status"]["observedGeneration"] == 1
    assert {each["observedGeneration"] for each in found["status"]["conditions"]} == {1}
    for fault in (held, looking):
        simulator.control.release(fault)
        simulator.control.forget(fault)

    stand.ready(ATTACHMENTS, "one")
    assert stand.status(ATTACHMENTS, "one")["observedGeneration"] == 2


def test_a_refusal_is_current_too_and_goes_with_its_cause(stand: Stand, simulator: Simulator) -> None:
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
