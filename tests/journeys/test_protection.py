"""What the array protects for its recent I/O is waited for, whatever the code is in which it says so."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.simulator import Simulator
from support.arrays import pretend
from support.contents import commands, mappings, mark
from support.stand import ATTACHMENTS, HOSTS, Stand, iqn, until


@pytest.fixture(params=["CMMVC9199E", "CMMVC8420E"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A modern array that refuses in one word or another. The legacy dialect has no such protection."""
    with pretend({"rules": {"protection_code": request.param}}, dialect="modern") as running:
        yield running


def test_a_volume_with_recent_io_goes_when_the_array_lets_it_and_never_by_force(
    stand: Stand, simulator: Simulator
) -> None:
    code = simulator.control.state()["rules"]["protection_code"]
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("node", iqn("node"), iqn("old")), stand.attachment("one", "node", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    simulator.control.change("volume", "vol0", recent_io=True)

    stand.patch(HOSTS, "node", {"initiators": {"iscsi": [iqn("node")]}})
    assert "rmhostport" in stand.says(HOSTS, "node", "VolumeProtected")
    stand.delete(ATTACHMENTS, "one", wait=False)
    message = stand.says(ATTACHMENTS, "one", "VolumeProtected")
    assert code in message
    assert "volume protection is enabled and the volume has had recent I/O" in message
    assert "at most 15 minutes after the last I/O" in message
    assert stand.condition(ATTACHMENTS, "one", "Reconciling")["status"] == "True"
    assert len(mappings(simulator)) == 1

    start = mark(simulator)
    until("it to be tried again", lambda: any(each["verb"] == "rmvdiskhostmap" for each in commands(simulator, start)))
    simulator.control.change("volume", "vol0", recent_io=False)
    stand.gone(ATTACHMENTS, "one")
    assert not any("-force" in each["words"] for each in commands(simulator))


def test_a_refusal_while_protection_is_off_is_just_a_refusal(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("node"), stand.attachment("one", "node", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    simulator.control.change("pool", "Pool0", vdisk_protection_enabled="no")
    fault = simulator.control.fault("refuse", "rmvdiskhostmap", code="CMMVC9997E", text="No.", times=None)

    stand.delete(ATTACHMENTS, "one", wait=False)

    assert "CMMVC9997E No." in stand.says(ATTACHMENTS, "one", "RefusedByArray")
    simulator.control.forget(fault)
    stand.gone(ATTACHMENTS, "one")
