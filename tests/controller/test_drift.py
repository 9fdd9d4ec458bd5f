"""Changes that an administrator makes on the array, and how the operator reacts to them, end to end."""

from itertools import count

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, luns, mappings, mark, ports, writes
from support.local_operator import LocalOperator
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

_requests = count(1)


@pytest.fixture
def attached(stand: Namespace, simulator: Simulator) -> str:
    """The name of a host object with three volumes at LUNs 1 to 3. The array is read on request."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    for number in range(3):
        stand.apply(stand.attachment(f"a{number}", "worker-1", f"vol{number}"))
        stand.ready(ATTACHMENTS, f"a{number}")
    until("the host to report", lambda: (stand.status(HOSTS, "worker-1").get("mappings") or {}).get("count") == 3)
    (name,) = ports(simulator)
    return name


def read_array(stand: Namespace) -> None:
    """Request a full read of the array, and wait for its end."""
    value = f"read-{next(_requests)}"
    stand.annotate(ARRAYS, "array", reconcile_requested_at=value)
    until("the read", lambda: stand.status(ARRAYS, "array").get("lastHandledReconcileAt") == value)


def request_reconcile(stand: Namespace, *names: str) -> None:
    for name in names:
        stand.annotate(ATTACHMENTS, name, reconcile_requested_at=f"request-{next(_requests)}")


def log_in(simulator: Simulator, initiator: str, sessions: int) -> None:
    simulator.control.change("host_port", initiator, logins=sessions)


def drift_reason(stand: Namespace, kind: str, name: str) -> str | None:
    return stand.condition(kind, name, "Drifted").get("reason")


def test_a_removed_mapping_is_restored_only_where_that_harms_no_machine(
    stand: Namespace, simulator: Simulator, operator: LocalOperator, attached: str
) -> None:
    before = mappings(simulator)

    # No machine is logged in, and only one mapping is missing: a mistake, which is corrected.
    admin(simulator, f"rmvdiskhostmap -host {attached} vol1")
    read_array(stand)
    stand.ready(ATTACHMENTS, "a0", "a1", "a2")
    assert mappings(simulator) == before

    # The machine is logged in: only reported, also after it logged out and after a restart.
    log_in(simulator, iqn("worker-1"), 2)
    admin(simulator, f"rmvdiskhostmap -host {attached} vol1")
    since = mark(simulator)
    read_array(stand)
    assert "2 sessions" in stand.await_reason(ATTACHMENTS, "a1", "MappingRemoved", "Stalled")
    condition = stand.condition(ATTACHMENTS, "a1", "Drifted")
    assert condition["status"] == "True"
    log_in(simulator, iqn("worker-1"), 0)
    operator.kill()
    operator.start()
    read_array(stand)
    read_array(stand)
    assert stand.condition(ATTACHMENTS, "a1", "Drifted") == condition
    assert writes(simulator, since) == []

    request_reconcile(stand, "a1")
    stand.ready(ATTACHMENTS, "a1")
    assert mappings(simulator) == before
    assert drift_reason(stand, ATTACHMENTS, "a1") is None

    # Three at once: none is restored, and then each one on request.
    since = mark(simulator)
    for volume in range(3):
        admin(simulator, f"rmvdiskhostmap -host {attached} vol{volume}")
    read_array(stand)
    for name in ("a0", "a1", "a2"):
        assert "3 mappings" in stand.await_reason(ATTACHMENTS, name, "MappingRemoved", "Drifted")
    assert writes(simulator, since) == []
    request_reconcile(stand, "a0")
    stand.ready(ATTACHMENTS, "a0")
    read_array(stand)
    assert luns(simulator) == {"vol0": 1}
    request_reconcile(stand, "a1", "a2")
    stand.ready(ATTACHMENTS, "a1", "a2")
    assert mappings(simulator) == before


def test_other_changes_made_outside_the_operator_are_reported_and_left_unchanged(
    stand: Namespace, simulator: Simulator, attached: str
) -> None:
    admin(simulator, f"rmvdiskhostmap -host {attached} vol0")
    admin(simulator, f"mkvdiskhostmap -host {attached} -scsi 9 vol0")
    admin(simulator, f"mkhost -iscsiname {iqn('stranger')} -name stranger")
    admin(simulator, "mkvdiskhostmap -force -host stranger vol1")
    admin(simulator, f"addhostport -iscsiname {iqn('by-hand')} {attached}")
    before, since = simulator.control.state(), mark(simulator)
    read_array(stand)

    assert "was moved to LUN 9" in stand.await_reason(ATTACHMENTS, "a0", "LUNChanged", "Drifted")
    assert "stranger" in stand.await_reason(ATTACHMENTS, "a1", "SharedBeyondSpec", "Drifted")
    assert iqn("by-hand") in stand.await_reason(HOSTS, "worker-1", "PortsChanged", "Drifted")
    stand.ready(ATTACHMENTS, "a0", "a1", "a2")
    stand.ready(HOSTS, "worker-1")
    moved = stand.status(ATTACHMENTS, "a0")
    assert (moved["lun"], moved["connection"]["lun"]) == (1, 9)
    assert writes(simulator, since) == []
    assert simulator.control.state() == before

    request_reconcile(stand, "a0")
    until("the request to be handled", lambda: stand.status(ATTACHMENTS, "a0")["lun"] == 9)
    stand.patch(ATTACHMENTS, "a1", {"driftPolicy": "Ignore"})
    admin(simulator, f"rmhostport -iscsiname {iqn('by-hand')} {attached}")
    read_array(stand)
    until("the LUN to be accepted", lambda: drift_reason(stand, ATTACHMENTS, "a0") is None)
    until("the sharing to be ignored", lambda: drift_reason(stand, ATTACHMENTS, "a1") is None)
    until("the initiator to be forgotten", lambda: drift_reason(stand, HOSTS, "worker-1") is None)


def test_a_removed_host_object_and_its_initiators_are_restored(
    stand: Namespace, simulator: Simulator, attached: str
) -> None:
    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [iqn("worker-1"), iqn("second")]}})
    until("the second initiator", lambda: len(ports(simulator)[attached]) == 2)
    until("the host to report", lambda: len(stand.status(HOSTS, "worker-1")["ports"]) == 2)

    admin(simulator, f"rmhostport -iscsiname {iqn('second')} {attached}")
    read_array(stand)
    until("the initiator to be back", lambda: ports(simulator)[attached] == sorted([iqn("worker-1"), iqn("second")]))

    stand.patch(HOSTS, "worker-1", {"driftPolicy": "Report"})
    admin(simulator, f"rmhostport -iscsiname {iqn('second')} {attached}")
    read_array(stand)
    assert iqn("second") in stand.await_reason(HOSTS, "worker-1", "PortsChanged", "Stalled")
    assert ports(simulator)[attached] == [iqn("worker-1")]
    stand.patch(HOSTS, "worker-1", {"driftPolicy": "Correct"})
    until("the initiator to be back", lambda: len(ports(simulator)[attached]) == 2)

    # With three mappings it is not restored until a request for one of them.
    admin(simulator, f"rmhost -force {attached}")
    read_array(stand)
    assert "a0, a1 and a2" in stand.await_reason(HOSTS, "worker-1", "HostRemoved", "Stalled")
    assert ports(simulator) == {}
    request_reconcile(stand, "a1")
    stand.ready(ATTACHMENTS, "a1")
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator)[attached] == sorted([iqn("worker-1"), iqn("second")])
    assert luns(simulator) == {"vol1": 2}
    request_reconcile(stand, "a0", "a2")
    stand.ready(ATTACHMENTS, "a0", "a2")
    assert luns(simulator) == {"vol0": 1, "vol1": 2, "vol2": 3}
