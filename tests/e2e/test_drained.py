"""The node is drained and comes back: the operator is evicted and rescheduled, and volumes stay attached."""

from collections.abc import Iterator

import pytest

from onkind.lab import SYSTEM, Team
from onkind.simulated_array import NAMESPACE as ARRAYS


@pytest.fixture
def node(team: Team) -> Iterator[str]:
    name = team.lab.standing.node
    yield name
    team.cluster.kubectl("uncordon", name)
    team.lab.rolled_out()
    team.lab.rolled_out("deployment/coredns", "kube-system")


@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_a_drain_evicts_the_operator_and_detaches_no_volume(team: Team, node: str) -> None:
    """The simulated arrays are not evicted: they would lose their state, and a physical array is not evicted either."""
    team.volumes("before", "meanwhile")
    team.apply(*team.hosts("worker-1"), team.attachment("before", "worker-1"))
    team.await_ready("fsattach/before")
    mapped = team.mapped("before")
    position = team.array.log_position()

    team.cluster.kubectl(
        *("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=110s"),
        "--pod-selector=app.kubernetes.io/name!=flashsystem-simulator",
    )
    team.apply(team.attachment("meanwhile", "worker-1"))
    (pending,) = team.lab.operator_pods()
    assert pending["status"]["phase"] == "Pending", f"no pod of {SYSTEM} runs on a drained node"
    assert team.cluster.kubectl("get", "pods", f"--namespace={ARRAYS}", "--field-selector=status.phase=Running")
    assert team.mapped("before", "meanwhile") == mapped

    team.cluster.kubectl("uncordon", node)
    team.await_ready("fsattach --all")

    assert team.mapped("before") == mapped
    assert len(team.mapped("meanwhile")) == 1
    assert team.array.commands("rmvdiskhostmap", position) == []
