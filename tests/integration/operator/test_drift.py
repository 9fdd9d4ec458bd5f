"""What somebody does to the array by hand, and what comes of it on the whole way."""

from itertools import count

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, luns, mappings, mark, ports, writes
from support.operator_process import Operator
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until

_looks = count(1)


@pytest.fixture
def attached(stand: Stand, simulator: Simulator) -> str:
    """The name of a host object with three volumes at LUNs 1 to 3. The array is looked at when somebody asks for it."""
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    for number in range(3):
        stand.apply(stand.attachment(f"a{number}", "worker-1", f"vol{number}"))
        stand.ready(ATTACHMENTS, f"a{number}")
    until("the host to tell", lambda: (stand.status(HOSTS, "worker-1").get("mappings") or {}).get("count") == 3)
    (name,) = ports(simulator)
    return name


def look(stand: Stand) -> None:
    """Ask for a look at the whole array, and wait for its end."""
    word = f"look-{next(_looks)}"
    stand.annotate(ARRAYS, "array", reconcile_requested_at=word)
    until("the look", lambda: stand.status(ARRAYS, "array").get("lastHandledReconcileAt") == word)


def answer(stand: Stand, *names: str) -> None:
    for name in names:
        stand.annotate(ATTACHMENTS, name, reconcile_requested_at=f"answer-{next(_looks)}")


def log_in(simulator: Simulator, initiator: str, sessions: int) -> None:
    simulator.control.change("host_port", initiator, logins=sessions)


def drifted(stand: Stand, kind: str, name: str) -> str | None:
    return stand.condition(kind, name, "Drifted").get("reason")


def test_a_mapping_that_was_removed_comes_back_only_where_no_machine_is_hurt(
    stand: Stand, simulator: Simulator, operator: Operator, attached: str
) -> None:
    before = mappings(simulator)

    # Nobody is logged in, and it is one: a slip.
    admin(simulator, f"rmvdiskhostmap -host {attached} vol1")
    look(stand)
    stand.ready(ATTACHMENTS, "a0", "a1", "a2")
    assert mappings(simulator) == before

    # The machine is logged in: said, also after it logged out and after a restart.
    log_in(simulator, iqn("worker-1"), 2)
    admin(simulator, f"rmvdiskhostmap -host {attached} vol1")
    since = mark(simulator)
    look(stand)
    assert "2 sessions" in stand.await_reason(ATTACHMENTS, "a1", "MappingRemoved", "Stalled")
    said = stand.condition(ATTACHMENTS, "a1", "Drifted")
    assert said["status"] == "True"
    log_in(simulator, iqn("worker-1"), 0)
    operator.kill()
    operator.start()
    look(stand)
    look(stand)
    assert stand.condition(ATTACHMENTS, "a1", "Drifted") == said
    assert writes(simulator, since) == []

    answer(stand, "a1")
    stand.ready(ATTACHMENTS, "a1")
    assert mappings(simulator) == before
    assert drifted(stand, ATTACHMENTS, "a1") is None

    # Three at once: none, and one by one when somebody says so.
    since = mark(simulator)
    for volume in range(3):
        admin(simulator, f"rmvdiskhostmap -host {attached} vol{volume}")
    look(stand)
    for name in ("a0", "a1", "a2"):
        assert "3 mappings" in stand.await_reason(ATTACHMENTS, name, "MappingRemoved", "Drifted")
    assert writes(simulator, since) == []
    answer(stand, "a0")
    stand.ready(ATTACHMENTS, "a0")
    look(stand)
    assert luns(simulator) == {"vol0": 1}
    answer(stand, "a1", "a2")
    stand.ready(ATTACHMENTS, "a1", "a2")
    assert mappings(simulator) == before


def test_what_is_not_as_it_was_is_told_and_left_alone(stand: Stand, simulator: Simulator, attached: str) -> None:
    admin(simulator, f"rmvdiskhostmap -host {attached} vol0")
    admin(simulator, f"mkvdiskhostmap -host {attached} -scsi 9 vol0")
    admin(simulator, f"mkhost -iscsiname {iqn('stranger')} -name stranger")
    admin(simulator, "mkvdiskhostmap -force -host stranger vol1")
    admin(simulator, f"addhostport -iscsiname {iqn('by-hand')} {attached}")
    before, since = simulator.control.state(), mark(simulator)
    look(stand)

    assert "was moved to LUN 9" in stand.await_reason(ATTACHMENTS, "a0", "LUNChanged", "Drifted")
    assert "stranger" in stand.await_reason(ATTACHMENTS, "a1", "SharedBeyondSpec", "Drifted")
    assert iqn("by-hand") in stand.await_reason(HOSTS, "worker-1", "PortsChanged", "Drifted")
    stand.ready(ATTACHMENTS, "a0", "a1", "a2")
    stand.ready(HOSTS, "worker-1")
    moved = stand.status(ATTACHMENTS, "a0")
    assert (moved["lun"], moved["connection"]["lun"]) == (1, 9)
    assert writes(simulator, since) == []
    assert simulator.control.state() == before

    answer(stand, "a0")
    until("the answer to be taken", lambda: stand.status(ATTACHMENTS, "a0")["lun"] == 9)
    stand.patch(ATTACHMENTS, "a1", {"driftPolicy": "Ignore"})
    admin(simulator, f"rmhostport -iscsiname {iqn('by-hand')} {attached}")
    look(stand)
    until("the LUN to be accepted", lambda: drifted(stand, ATTACHMENTS, "a0") is None)
    until("the sharing to be ignored", lambda: drifted(stand, ATTACHMENTS, "a1") is None)
    until("the initiator to be forgotten", lambda: drifted(stand, HOSTS, "worker-1") is None)


def test_a_host_object_and_its_initiators_are_put_back(stand: Stand, simulator: Simulator, attached: str) -> None:
    stand.patch(HOSTS, "worker-1", {"initiators": {"iscsi": [iqn("worker-1"), iqn("second")]}})
    until("the second initiator", lambda: len(ports(simulator)[attached]) == 2)
    until("the host to tell", lambda: len(stand.status(HOSTS, "worker-1")["ports"]) == 2)

    admin(simulator, f"rmhostport -iscsiname {iqn('second')} {attached}")
    look(stand)
    until("the initiator to be back", lambda: ports(simulator)[attached] == sorted([iqn("worker-1"), iqn("second")]))

    stand.patch(HOSTS, "worker-1", {"driftPolicy": "Report"})
    admin(simulator, f"rmhostport -iscsiname {iqn('second')} {attached}")
    look(stand)
    assert iqn("second") in stand.await_reason(HOSTS, "worker-1", "PortsChanged", "Stalled")
    assert ports(simulator)[attached] == [iqn("worker-1")]
    stand.patch(HOSTS, "worker-1", {"driftPolicy": "Correct"})
    until("the initiator to be back", lambda: len(ports(simulator)[attached]) == 2)

    # With three mappings it goes for good, until somebody says so of one of them.
    admin(simulator, f"rmhost -force {attached}")
    look(stand)
    assert "a0, a1 and a2" in stand.await_reason(HOSTS, "worker-1", "HostRemoved", "Stalled")
    assert ports(simulator) == {}
    answer(stand, "a1")
    stand.ready(ATTACHMENTS, "a1")
    stand.ready(HOSTS, "worker-1")
    assert ports(simulator)[attached] == sorted([iqn("worker-1"), iqn("second")])
    assert luns(simulator) == {"vol1": 2}
    answer(stand, "a0", "a2")
    stand.ready(ATTACHMENTS, "a0", "a2")
    assert luns(simulator) == {"vol0": 1, "vol1": 2, "vol2": 3}
