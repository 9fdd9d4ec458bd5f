"""Host objects created by administrators: used if they are for the same machine, and left unchanged."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, mappings, mark, uid, writes
from support.stand import ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

HBA = "2100000E1E30E597"


def hosts(simulator: Simulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulator.control.state()["hosts"]
    return found


def test_a_host_created_by_an_administrator_under_any_name_is_used_and_left_unchanged(
    stand: Namespace, simulator: Simulator
) -> None:
    """It is found under any name and in any letter case, and stays after its last volume is unmapped."""
    foreign_host(simulator, "Old_Box.7", iqn("Worker-1").upper().replace("IQN.", "iqn."))
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1", iqn("wORKER-1")),
        stand.attachment("one", "worker-1", "vol0", lun=1),
        stand.attachment("two", "worker-1", "vol1", lun=2),
    )

    stand.ready(ATTACHMENTS, "one", "two")
    stand.ready(HOSTS, "worker-1")
    assert hosts(simulator) == before["hosts"]
    assert mappings(simulator) == {("Old_Box.7", "vol0", 1), ("Old_Box.7", "vol1", 2)}
    status = stand.status(HOSTS, "worker-1")
    assert (status["name"], status["ownership"]) == ("Old_Box.7", "Adopted")
    listed = [{"lun": lun, "volume": name, "uid": uid(simulator, name)} for lun, name in ((1, "vol0"), (2, "vol1"))]
    assert status["mappings"] == {"count": 2, "items": listed}
    assert "administrator" in stand.condition(HOSTS, "worker-1")["message"]
    assert stand.status(ATTACHMENTS, "one")["origin"] == "Created"

    stand.delete(ATTACHMENTS, "one", "two")
    stand.delete(HOSTS, "worker-1")
    assert simulator.control.state() == before
    assert set(writes(simulator)) == {"mkvdiskhostmap", "rmvdiskhostmap"}


@pytest.mark.parametrize(
    ("option", "port"), [("-iscsiname", iqn("other")), ("-fcwwpn", HBA)], ids=["iscsi", "fibre channel"]
)
def test_a_host_object_with_extra_initiators_is_not_adopted_until_it_is_corrected(
    stand: Namespace, simulator: Simulator, option: str, port: str
) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"))
    admin(simulator, f"addhostport -force {option} {port} admins")
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(HOSTS, "worker-1", "ExtraInitiators", "Stalled")
    assert "admins" in message
    assert port in message
    assert port in stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator) == []

    admin(simulator, f"rmhostport {option} {port} admins")
    stand.ready(ATTACHMENTS, "one")
    stand.ready(HOSTS, "worker-1")
    assert mappings(simulator) == {("admins", "vol0", 1)}


def test_nothing_new_is_mapped_to_an_adopted_host_that_lacks_an_initiator(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    stand.array(simulator, resyncInterval="2s")
    stand.apply(
        stand.host("worker-1", iqn("worker-1"), iqn("second")),
        stand.attachment("found", "worker-1", "vol0"),
        stand.attachment("new", "worker-1", "vol1"),
    )

    message = stand.await_reason(HOSTS, "worker-1", "MissingInitiators", "Stalled")
    assert "admins" in message
    assert iqn("second") in message
    assert iqn("second") in stand.await_reason(ATTACHMENTS, "new", "MissingInitiators", "Stalled")
    stand.ready(ATTACHMENTS, "found")
    assert writes(simulator) == []

    admin(simulator, f"addhostport -iscsiname {iqn('second')} admins")
    stand.ready(ATTACHMENTS, "new")
    stand.ready(HOSTS, "worker-1")
    assert writes(simulator) == ["mkvdiskhostmap"]


def test_an_edited_spec_never_changes_an_adopted_host(stand: Namespace, simulator: Simulator) -> None:
    both = [iqn("worker-1"), iqn("second")]
    foreign_host(simulator, "admins", *both)
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(stand.host("worker-1", *both), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [*both, iqn("third")]}})
    stand.await_reason(HOSTS, "worker-1", "MissingInitiators", "Stalled")
    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [iqn("worker-1")]}})
    stand.await_reason(HOSTS, "worker-1", "ExtraInitiators", "Stalled")
    stand.delete(ATTACHMENTS, "one")  # a host object that no longer matches the spec can still be detached from
    stand.delete(HOSTS, "worker-1")

    assert simulator.control.state() == before
    assert set(writes(simulator)) == {"mkvdiskhostmap", "rmvdiskhostmap"}


def test_a_host_object_created_by_an_administrator_after_the_last_read_is_used(
    stand: Namespace, simulator: Simulator
) -> None:
    """The last read did not show it: the array's refusal to create a second one reveals it."""
    stand.array(simulator)
    stand.ready("flashsystemarrays.flashsystem.io", "array")
    foreign_host(simulator, "admins", iqn("worker-1"))

    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    assert mappings(simulator) == {("admins", "vol0", 1)}
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    assert [host["name"] for host in hosts(simulator)] == ["admins"]


def test_a_host_object_of_the_operator_that_was_renamed_belongs_to_the_administrator(
    stand: Namespace, simulator: Simulator
) -> None:
    """Its name was the proof that the operator created it; its volumes are detached all the same."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    (created,) = hosts(simulator)
    admin(simulator, f"chhost -name renamed {created['name']}")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert [host["name"] for host in hosts(simulator)] == ["renamed"]
    assert mappings(simulator) == set()


def test_an_attachment_follows_a_host_object_that_was_renamed(stand: Namespace, simulator: Simulator) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"))
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    admin(simulator, "chhost -name renamed admins")
    until("the new name", lambda: stand.status(ATTACHMENTS, "one")["host"]["name"] == "renamed")
    stand.ready(ATTACHMENTS, "one")
    start = mark(simulator)
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")

    assert mappings(simulator) == {("renamed", "vol0", 1), ("renamed", "vol1", 2)}
    assert writes(simulator, start) == ["mkvdiskhostmap"]
    stand.delete(ATTACHMENTS, "one", "two")
    assert mappings(simulator) == set()


def test_volumes_are_unmapped_from_a_host_object_that_was_renamed_a_moment_ago(
    stand: Namespace, simulator: Simulator
) -> None:
    """Not read since: the operator finds the host object by its initiators, and adopted mappings stay."""
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("found", "worker-1", "vol0"),
        stand.attachment("made", "worker-1", "vol1"),
    )
    stand.ready(ATTACHMENTS, "found", "made")

    admin(simulator, "chhost -name renamed admins")
    stand.delete(ATTACHMENTS, "found", "made")
    stand.delete(HOSTS, "worker-1")

    assert mappings(simulator) == {("renamed", "vol0", 0)}
    assert [host["name"] for host in hosts(simulator)] == ["renamed"]


def test_an_adopted_host_object_whose_initiator_moved_to_another_machine_is_left_unchanged(
    stand: Namespace, simulator: Simulator
) -> None:
    """The administrator moved the port: the old host object is another machine's now, and its mappings stay."""
    foreign_host(simulator, "admins", iqn("worker-1"), iqn("second"))
    stand.array(simulator)
    stand.apply(stand.host("worker-1", iqn("worker-1"), iqn("second")), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    admin(simulator, f"rmhostport -iscsiname {iqn('worker-1')} admins")
    admin(simulator, f"rmhostport -iscsiname {iqn('second')} admins")
    admin(simulator, f"addhostport -iscsiname {iqn('unrelated')} admins")
    foreign_host(simulator, "cluster", iqn("worker-1"), iqn("others"))
    admin(simulator, "mkvdiskhostmap -force -host cluster vol0")
    before = simulator.control.state()

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert simulator.control.state() == before
