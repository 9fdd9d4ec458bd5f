"""The operator waits for volumes that the array protects because of recent I/O, whatever code the refusal has."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mappings, mark, ports
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A modern array. The legacy dialect has no such protection."""
    with simulated(dialect="modern") as running:
        yield running


@pytest.mark.parametrize("code", ["CMMVC8457E", "CMMVC8478E", "CMMVC9998E"])
def test_a_volume_with_recent_io_is_unmapped_once_the_array_allows_it_and_never_by_force(
    code: str, stand: Namespace, simulator: Simulator
) -> None:
    """This includes releases that refuse with a code that the operator does not know."""
    control = simulator.control
    control.change("rules", newer_protection_codes=code == "CMMVC8478E")
    other = control.fault("refuse", "rmvdiskhostmap", code=code, times=None) if code == "CMMVC9998E" else None
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("node", iqn("node"), iqn("old")), stand.attachment("one", "node", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    control.change("volume", "vol0", recent_io=True)

    stand.patch(HOSTS, "node", {"initiators": {"iscsi": [iqn("node")]}})
    until("the old initiator to be removed", lambda: [iqn("node")] in ports(simulator).values())
    stand.delete(ATTACHMENTS, "one", wait=False)
    message = stand.await_reason(ATTACHMENTS, "one", "VolumeProtected")
    assert code in message
    assert "Volume protection is on there (in pool Pool0)" in message
    assert "at most 15 minutes after the last I/O" in message
    assert stand.condition(ATTACHMENTS, "one", "Reconciling")["status"] == "True"
    assert len(mappings(simulator)) == 1

    start = mark(simulator)
    until("a retry of the unmap", lambda: any(each["verb"] == "rmvdiskhostmap" for each in commands(simulator, start)))
    control.change("volume", "vol0", recent_io=False)
    if other is not None:
        control.forget(other)
    stand.gone(ATTACHMENTS, "one")
    assert not any("-force" in each["words"] for each in commands(simulator))


def test_a_refusal_while_protection_is_off_is_just_a_refusal(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("node"), stand.attachment("one", "node", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    simulator.control.change("pool", "Pool0", vdisk_protection_enabled="no")
    fault = simulator.control.fault("refuse", "rmvdiskhostmap", code="CMMVC9997E", text="No.", times=None)

    stand.delete(ATTACHMENTS, "one", wait=False)

    assert "CMMVC9997E No." in stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")
    simulator.control.forget(fault)
    stand.gone(ATTACHMENTS, "one")
