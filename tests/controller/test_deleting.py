"""Deletion in any order, whatever happened to the array in the meantime."""

from functools import partial

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, mappings, mark, ports, writes
from support.outcomes import comes_to
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, until

pytestmark = pytest.mark.slow


def attached(stand: Namespace, simulator: Simulator) -> str:
    """Attach two volumes to one host; return the name of its host object."""
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    (name,) = ports(simulator)
    return name


def finalizers(stand: Namespace, kind: str, name: str) -> list[str]:
    found: list[str] = stand.get(kind, name)["metadata"].get("finalizers", [])
    return found


def nothing_left(stand: Namespace) -> None:
    until("the deletion of everything", lambda: not stand.all(ATTACHMENTS, HOSTS, ARRAYS))


def test_deleted_hosts_and_arrays_wait_while_in_use_and_accept_nothing_new(
    stand: Namespace, simulator: Simulator
) -> None:
    before = simulator.control.state()
    attached(stand, simulator)
    start = mark(simulator)

    stand.delete(ARRAYS, "array", wait=False)
    stand.delete(HOSTS, "worker-1", wait=False)
    message = stand.await_reason(HOSTS, "worker-1", "InUse")
    assert "2 VolumeAttachments" in message
    assert "one" in message
    assert "two" in message
    assert "1 FlashSystemHost" in stand.await_reason(ARRAYS, "array", "InUse")
    stand.apply(stand.attachment("late", "worker-1", "vol2"))
    assert "worker-1" in stand.await_reason(ATTACHMENTS, "late", "ParentDeleting")
    stand.ready(ATTACHMENTS, "one", "two")
    assert writes(simulator, start) == []

    stand.delete(ATTACHMENTS, "one", "two", "late")
    stand.gone(HOSTS, "worker-1")
    stand.gone(ARRAYS, "array")
    assert simulator.control.state() == before


def test_an_array_that_is_being_deleted_accepts_no_new_attachment(stand: Namespace, simulator: Simulator) -> None:
    attached(stand, simulator)
    stand.delete(ARRAYS, "array", wait=False)
    stand.await_reason(ARRAYS, "array", "InUse")

    stand.apply(stand.host("worker-2"), stand.attachment("late", "worker-2", "vol2"))

    assert "array" in stand.await_reason(ATTACHMENTS, "late", "ParentDeleting")
    assert {volume for _, volume, _ in mappings(simulator)} == {"vol0", "vol1"}


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "in reverse"])
def test_everything_may_be_deleted_at_once_with_its_secret(
    stand: Namespace, simulator: Simulator, reverse: bool
) -> None:
    before = simulator.control.state()
    attached(stand, simulator)
    deletions = [
        partial(stand.delete_secret, "array"),
        partial(stand.delete, ARRAYS, "array", wait=False),
        partial(stand.delete, HOSTS, "worker-1", wait=False),
        partial(stand.delete, ATTACHMENTS, "one", wait=False),
        partial(stand.delete, ATTACHMENTS, "two", wait=False),
    ]

    for delete in deletions[::-1] if reverse else deletions:
        delete()
    nothing_left(stand)

    assert simulator.control.state() == before


def test_the_volume_stays_mapped_while_another_finalizer_marks_it_as_in_use(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator)
    used = stand.attachment("one", "worker-1", "vol0")
    holds = {"finalizers": ["example.com/pod", "example.com/backup"]}
    stand.apply(stand.host("worker-1"), {**used, "metadata": {**used["metadata"], **holds}})
    stand.ready(ATTACHMENTS, "one")
    start = mark(simulator)

    stand.delete(ATTACHMENTS, "one", wait=False)
    message = stand.await_reason(ATTACHMENTS, "one", "WaitingForFinalizers")
    assert "example.com/pod" in message
    assert "example.com/backup" in message
    stand.remove_finalizers(ATTACHMENTS, "one", "example.com/pod")
    until("the new message", lambda: "example.com/pod" not in stand.condition(ATTACHMENTS, "one")["message"])
    assert writes(simulator, start) == []

    stand.remove_finalizers(ATTACHMENTS, "one", "example.com/backup")
    stand.gone(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


GONE = {
    "the mapping": ["rmvdiskhostmap -host {host} vol0"],
    "all mappings and the host": ["rmhost -force {host}"],
    "the volume": ["rmvdisk -force vol0"],
    "everything": ["rmhost -force {host}", "rmvdisk vol0", "rmvdisk vol1"],
}


@pytest.mark.parametrize("lines", GONE.values(), ids=GONE.keys())
def test_objects_that_the_administrator_already_removed_do_not_block_a_deletion(
    stand: Namespace, simulator: Simulator, lines: list[str]
) -> None:
    host = attached(stand, simulator)
    for line in lines:
        admin(simulator, line.format(host=host))

    stand.delete(ATTACHMENTS, "one", "two")
    stand.delete(HOSTS, "worker-1")
    stand.delete(ARRAYS, "array")

    assert ports(simulator) == {}
    assert mappings(simulator) == set()


def test_a_host_object_created_again_under_its_name_is_not_confused_with_the_old_one(
    stand: Namespace, simulator: Simulator
) -> None:
    """Another machine has the name now: none of its volumes is unmapped."""
    stand.array(simulator)
    admin(simulator, "mkhost -name admins -iscsiname iqn.1994-05.com.redhat:worker-1")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    admin(simulator, "rmhost -force admins")
    admin(simulator, "mkhost -name admins -iscsiname iqn.1994-05.com.redhat:other")
    admin(simulator, "mkvdiskhostmap -host admins vol0")
    before = simulator.control.state()

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert simulator.control.state() == before


def test_an_unreachable_array_is_not_treated_as_gone(stand: Namespace, simulator: Simulator) -> None:
    before = simulator.control.state()
    attached(stand, simulator)
    simulator.control.change("availability", "refused")

    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.delete(HOSTS, "worker-1", wait=False)
    assert "array" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    stand.await_reason(ARRAYS, "array", "Unreachable")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotReady")
    assert stand.condition(ATTACHMENTS, "two")["status"] == "True"  # as of the last read
    assert stand.exists(ATTACHMENTS, "one")

    simulator.control.change("availability", "up")
    stand.gone(ATTACHMENTS, "one")
    stand.await_reason(HOSTS, "worker-1", "InUse")
    stand.delete(ATTACHMENTS, "two")
    stand.gone(HOSTS, "worker-1")
    stand.ready(ARRAYS, "array")
    assert simulator.control.state() == before


def test_a_volume_is_detached_although_its_host_resource_is_gone(stand: Namespace, simulator: Simulator) -> None:
    """An administrator removed the finalizer of the host: the status of the attachment is sufficient."""
    attached(stand, simulator)
    stand.delete(HOSTS, "worker-1", wait=False)
    stand.remove_finalizers(HOSTS, "worker-1")
    stand.gone(HOSTS, "worker-1")
    assert "worker-1" in stand.await_reason(ATTACHMENTS, "one", "HostNotFound")
    assert len(mappings(simulator)) == 2

    stand.delete(ATTACHMENTS, "one", "two")
    assert mappings(simulator) == set()


def test_what_was_never_attached_is_deleted_at_once(stand: Namespace, simulator: Simulator) -> None:
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    stand.await_reason(HOSTS, "worker-1", "ArrayNotFound")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "nothing"))
    stand.await_reason(ATTACHMENTS, "one", "VolumeNotFound")
    assert finalizers(stand, ATTACHMENTS, "one") == []
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    stand.delete(ARRAYS, "array")
    assert writes(simulator) == []


def test_an_attachment_created_again_at_once_is_attached_again(stand: Namespace, simulator: Simulator) -> None:
    """Deleted and applied without a wait in between, as GitOps tools do; the host too."""
    attached(stand, simulator)

    for _ in range(3):
        stand.delete(ATTACHMENTS, "one", "two", wait=False)
        stand.delete(HOSTS, "worker-1", wait=False)
        stand.gone(ATTACHMENTS, "one")
        stand.gone(ATTACHMENTS, "two")
        stand.gone(HOSTS, "worker-1")
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.apply(stand.attachment("two", "worker-1", "vol1"))
        stand.ready(ATTACHMENTS, "one", "two")

    assert len(ports(simulator)) == 1
    stand.delete(ATTACHMENTS, "one", "two", wait=False)
    stand.delete(HOSTS, "worker-1", wait=False)
    stand.delete(ARRAYS, "array", wait=False)
    nothing_left(stand)
    assert ports(simulator) == {}


def test_what_is_deleted_before_it_was_ready_leaves_nothing(stand: Namespace, simulator: Simulator) -> None:
    before = simulator.control.state()
    stand.array(simulator)
    stand.ready(ARRAYS, "array")

    for delay in ("mkhost", "mkvdiskhostmap", None):
        if delay:
            simulator.control.fault("delay", delay, seconds=0.5)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.delete(ATTACHMENTS, "one")
        stand.delete(HOSTS, "worker-1")
        # Not at once: a deletion may come before the operator's finalizer (see test_lost_finalizer).
        comes_to(before, simulator.control.state)
