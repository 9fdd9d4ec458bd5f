"""Host objects that the operator creates: their ports follow the spec, and they stay with their machine."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host, mappings, mark, ports, writes
from support.stand import ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

OLD, NEW, MORE = iqn("old"), iqn("new"), iqn("more")


def attached(stand: Namespace, simulator: Simulator, *iqns: str, resync: str = "60s") -> str:
    """Attach a volume to a host; return the name of its host object."""
    stand.array(simulator, resyncInterval=resync)
    stand.apply(stand.host("worker-1", *iqns), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    stand.ready(HOSTS, "worker-1")
    (name,) = ports(simulator)
    return name


def edit(stand: Namespace, *iqns: str, host: str = "worker-1") -> None:
    stand.patch(HOSTS, host, {"initiators": {"iscsi": list(iqns)}})


def test_ports_follow_the_spec_and_are_added_first_and_removed_last(stand: Namespace, simulator: Simulator) -> None:
    name = attached(stand, simulator, OLD)

    edit(stand, OLD, MORE)
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator) == {name: [MORE, OLD]}

    start = mark(simulator)
    edit(stand, NEW, MORE)
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator) == {name: [MORE, NEW]}
    assert writes(simulator, start) == ["addhostport", "rmhostport"]

    edit(stand, NEW)
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator) == {name: [NEW]}
    assert [port["iqn"] for port in stand.status(HOSTS, "worker-1")["ports"]] == [NEW]

    start = mark(simulator)
    edit(stand, OLD)
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator) == {name: [OLD]}
    assert writes(simulator, start) == ["addhostport", "rmhostport"]
    stand.ready(ATTACHMENTS, "one")
    assert mappings(simulator) == {(name, "vol0", 1)}
    assert stand.status(ATTACHMENTS, "one")["host"]["initiators"] == [OLD]


def test_a_port_that_is_logged_in_is_removed_only_after_its_logout(stand: Namespace, simulator: Simulator) -> None:
    name = attached(stand, simulator, OLD, resync="2s")
    simulator.control.change("host_port", OLD, logins=2)

    edit(stand, NEW)

    assert OLD in stand.await_reason(HOSTS, "worker-1", "PortLoggedIn")
    assert ports(simulator) == {name: [NEW, OLD]}
    assert "rmhostport" not in writes(simulator)
    stand.ready(ATTACHMENTS, "one")

    simulator.control.change("host_port", OLD, logins=0)
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator) == {name: [NEW]}


def test_a_port_that_the_operator_never_added_is_not_removed(stand: Namespace, simulator: Simulator) -> None:
    name = attached(stand, simulator, OLD, resync="2s")
    admin(simulator, f"addhostport -iscsiname {MORE} {name}")

    edit(stand, OLD, NEW)
    stand.ready(HOSTS, "worker-1")
    edit(stand, NEW)
    stand.ready(HOSTS, "worker-1")

    assert ports(simulator) == {name: [MORE, NEW]}
    assert MORE not in [port["iqn"] for port in stand.status(HOSTS, "worker-1")["ports"]]


def test_initiators_are_equal_in_every_letter_case(stand: Namespace, simulator: Simulator) -> None:
    name = attached(stand, simulator, OLD)
    start = mark(simulator)

    edit(stand, OLD.upper().replace("IQN.", "Iqn."))
    stand.ready(HOSTS, "worker-1")
    stand.ready(ATTACHMENTS, "one")

    assert ports(simulator) == {name: [OLD]}
    assert writes(simulator, start) == []


def test_a_machine_that_was_reinstalled_keeps_its_volumes(stand: Namespace, simulator: Simulator) -> None:
    """Another IQN in the same resource, while two volumes are mapped."""
    name = attached(stand, simulator, OLD)
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    before = mappings(simulator)

    edit(stand, NEW)
    stand.ready(HOSTS, "worker-1")
    stand.ready(ATTACHMENTS, "one", "two")

    assert ports(simulator) == {name: [NEW]}
    assert mappings(simulator) == before
    stand.delete(ATTACHMENTS, "one", "two")
    stand.delete(HOSTS, "worker-1")
    assert ports(simulator) == {}


def orphaned(stand: Namespace, simulator: Simulator, resync: str = "60s") -> str:
    """Remove the resources without the operator, so that the host object and its mapping stay; return its name."""
    name = attached(stand, simulator, OLD, resync=resync)
    simulator.control.change("availability", "refused")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.delete(HOSTS, "worker-1", wait=False)
    stand.remove_finalizers(ATTACHMENTS, "one")
    stand.remove_finalizers(HOSTS, "worker-1")
    stand.gone(HOSTS, "worker-1")
    return name


def test_an_empty_host_object_of_the_operator_gets_the_new_initiators_of_its_machine(
    stand: Namespace, simulator: Simulator
) -> None:
    name = orphaned(stand, simulator)
    admin(simulator, f"rmvdiskhostmap -host {name} vol0")
    simulator.control.change("availability", "up")

    stand.apply(stand.host("worker-1", NEW), stand.attachment("one", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "one")

    assert ports(simulator) == {name: [NEW]}
    assert mappings(simulator) == {(name, "vol1", 1)}


def test_a_host_object_of_the_operator_with_other_mappings_gets_no_other_initiators(
    stand: Namespace, simulator: Simulator
) -> None:
    name = orphaned(stand, simulator, resync="2s")
    simulator.control.change("availability", "up")
    start = mark(simulator)

    stand.apply(stand.host("worker-1", NEW), stand.attachment("one", "worker-1", "vol1"))
    message = stand.await_reason(HOSTS, "worker-1", "HostHoldsOtherMappings", "Stalled")

    assert name in message
    assert OLD in message
    assert "unmap" in message
    assert name in stand.await_reason(ATTACHMENTS, "one", "HostNotReady")
    assert writes(simulator, start) == []

    admin(simulator, f"rmvdiskhostmap -host {name} vol0")
    stand.ready(ATTACHMENTS, "one")
    assert ports(simulator) == {name: [NEW]}


def test_a_host_waits_while_the_host_object_of_another_resource_holds_its_initiator(
    stand: Namespace, simulator: Simulator
) -> None:
    """A machine whose resource was renamed: the old one still holds its initiator."""
    name = attached(stand, simulator, OLD, resync="2s")
    simulator.control.change("host_port", OLD, logins=1)
    edit(stand, NEW)
    stand.await_reason(HOSTS, "worker-1", "PortLoggedIn")

    stand.apply(stand.host("worker-2", OLD), stand.attachment("two", "worker-2", "vol1"))
    message = stand.await_reason(HOSTS, "worker-2", "InitiatorHeldBy")
    assert name in message
    assert "worker-1" in message
    assert name in stand.await_reason(ATTACHMENTS, "two", "HostNotReady")
    assert mappings(simulator) == {(name, "vol0", 1)}

    simulator.control.change("host_port", OLD, logins=0)
    stand.ready(ATTACHMENTS, "two")
    assert sorted(ports(simulator).values()) == [[NEW], [OLD]]
    assert stand.status(HOSTS, "worker-2")["ownership"] == "Created"


def test_a_host_that_takes_over_an_initiator_waits_until_the_previous_host_is_deleted(
    stand: Namespace, simulator: Simulator
) -> None:
    name = attached(stand, simulator, OLD)
    stand.apply(stand.host("worker-2", OLD), stand.attachment("two", "worker-2", "vol1"))
    assert "worker-1" in stand.await_reason(HOSTS, "worker-2", "InitiatorClaimed", "Stalled")

    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")
    stand.ready(ATTACHMENTS, "two")

    (other,) = ports(simulator)
    assert other != name
    # LUN 1 is quarantined: it is the same machine, which may still know vol0 by this LUN.
    assert mappings(simulator) == {(other, "vol1", 2)}


def test_initiators_on_several_host_objects_must_first_be_corrected_by_the_administrator(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "here", OLD)
    foreign_host(simulator, "there", NEW)
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("worker-1", OLD, NEW), stand.attachment("one", "worker-1", "vol0"))

    message = stand.await_reason(HOSTS, "worker-1", "Conflict", "Stalled")
    assert "here" in message
    assert "there" in message
    assert writes(simulator) == []

    admin(simulator, "rmhost there")
    admin(simulator, f"addhostport -iscsiname {NEW} here")
    stand.ready(ATTACHMENTS, "one")
    assert mappings(simulator) == {("here", "vol0", 1)}


def test_a_port_that_an_administrator_removed_from_a_created_host_object_is_restored(
    stand: Namespace, simulator: Simulator
) -> None:
    name = attached(stand, simulator, OLD, NEW, resync="2s")
    admin(simulator, f"rmhostport -iscsiname {NEW} {name}")

    until("the port", lambda: ports(simulator) == {name: [NEW, OLD]})
    stand.ready(HOSTS, "worker-1")


def test_removing_an_orphaned_host_object_is_left_to_the_administrator_and_advised_once_unused(
    stand: Namespace, simulator: Simulator
) -> None:
    name = orphaned(stand, simulator, resync="2s")
    simulator.control.change("availability", "up")
    start = mark(simulator)

    stand.apply(stand.host("worker-2", OLD), stand.attachment("two", "worker-2", "vol1"))
    message = stand.await_reason(HOSTS, "worker-2", "InitiatorHeldBy")
    assert name in message
    assert "no longer exists" in message
    assert "mappings of 1 volume" in message
    assert "remove" not in message
    assert writes(simulator, start) == []

    admin(simulator, f"rmvdiskhostmap -host {name} vol0")
    until(
        "the advice to remove it",
        lambda: "remove it on the array" in stand.await_reason(HOSTS, "worker-2", "InitiatorHeldBy"),
    )
    assert writes(simulator, start) == []

    admin(simulator, f"rmhost {name}")
    stand.ready(ATTACHMENTS, "two")
    assert name not in ports(simulator)


def test_an_initiator_that_another_host_object_has_is_not_added_until_it_is_released(
    stand: Namespace, simulator: Simulator
) -> None:
    """The operator's last read did not show it. What is already attached stays, and can be detached."""
    name = attached(stand, simulator, OLD, resync="2s")
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    foreign_host(simulator, "there", NEW)

    edit(stand, OLD, NEW)
    message = stand.await_reason(HOSTS, "worker-1", "Conflict", "Stalled")
    assert "there" in message
    stand.delete(ATTACHMENTS, "two")
    assert mappings(simulator) == {(name, "vol0", 1)}

    admin(simulator, "rmhost there")
    stand.ready(HOSTS, "worker-1")
    stand.ready(ATTACHMENTS, "one")
    assert ports(simulator) == {name: [NEW, OLD]}


def test_two_machines_may_swap_their_initiators(stand: Namespace, simulator: Simulator) -> None:
    attached(stand, simulator, OLD, resync="2s")
    stand.apply(stand.host("worker-2", NEW), stand.attachment("two", "worker-2", "vol1"))
    stand.ready(ATTACHMENTS, "two")

    edit(stand, NEW)
    edit(stand, OLD, host="worker-2")
    stand.ready(HOSTS, "worker-1", "worker-2")
    stand.ready(ATTACHMENTS, "one", "two")

    names = {port: host for host, (port,) in ports(simulator).items()}
    assert mappings(simulator) == {(names[NEW], "vol0", 1), (names[OLD], "vol1", 1)}
