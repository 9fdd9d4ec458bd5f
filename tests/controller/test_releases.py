"""Attach and detach on releases of the modern dialect that differ in addresses, volume lookup and host creation."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import mappings, ports, target_portals
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn

pytestmark = pytest.mark.slow

RELEASES = ["7.1.0.0", "7.8.1.0", "8.4.1.0", "8.5.0.0", "8.7.0.0", "9.1.3.0"]


@pytest.fixture(params=RELEASES)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated array of the modern dialect with this release."""
    with Simulator({"release": request.param}, dialect="modern") as running:
        yield running


def test_volumes_are_attached_and_detached_on_every_release(stand: Namespace, simulator: Simulator) -> None:
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(
        stand.host("a"),
        stand.host("b"),
        stand.attachment("one", "a", "vol0"),
        stand.attachment("two", "a", {"uid": before["volumes"][1]["uid"]}, access="Shared", lun=2),
        stand.attachment("three", "b", "vol1", access="Shared"),
    )
    stand.ready(ATTACHMENTS, "one", "two", "three")
    assert {(volume, lun) for _, volume, lun in mappings(simulator)} == {("vol0", 1), ("vol1", 2), ("vol1", 1)}
    assert target_portals(stand.status(ATTACHMENTS, "one")["connection"]) == ["10.0.1.11:3260", "10.0.1.12:3260"]

    stand.patch(HOSTS, "a", {"initiators": {"iscsi": [iqn("new")]}})
    stand.ready(HOSTS, "a")
    assert sorted(ports(simulator).values()) == [[iqn("b")], [iqn("new")]]

    stand.delete(ATTACHMENTS, "one", "two", "three")
    stand.delete(HOSTS, "a", "b")
    stand.delete(ARRAYS, "array")
    assert simulator.control.state() == before
