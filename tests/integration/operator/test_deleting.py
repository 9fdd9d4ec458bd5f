"""Deletion of a namespace by the controllers of Kubernetes. All other deletions: tests/controller/test_deleting.py."""

from flashsystem_operator.simulator import Simulator
from support.stand import ATTACHMENTS, Stand


def test_a_namespace_may_be_deleted_with_everything_in_it(stand: Stand, simulator: Simulator) -> None:
    before = simulator.control.state()
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")

    stand.cluster.kubectl("delete", "namespace", stand.namespace, "--timeout=90s")

    assert simulator.control.state() == before
