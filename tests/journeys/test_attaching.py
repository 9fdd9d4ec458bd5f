"""An attachment made and undone."""

from flashsystem_operator.simulator import Simulator
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn


def test_the_first_volume_makes_the_host_and_the_last_one_removes_it(stand: Stand, simulator: Simulator) -> None:
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )

    stand.ready(ATTACHMENTS, "one", "two")
    (host,) = simulator.control.state()["hosts"]
    assert [port["name"] for port in host["ports"]] == [iqn("worker-1")]

    stand.delete(ATTACHMENTS, "one")
    assert len(simulator.control.state()["hosts"]) == 1

    stand.delete(ATTACHMENTS, "two")
    stand.delete(HOSTS, "worker-1")
    stand.delete(ARRAYS, "array")
    assert simulator.control.state() == before
