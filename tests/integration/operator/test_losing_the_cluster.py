"""The operator reports the loss of a CRD, of rights or of the API server, waits for it, and then resumes work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.client import Cluster
from cluster.ports import free_ports
from flashsystem_operator.simulator import Simulator
from support.operator_process import Operator, install, open_secrets, replica
from support.probes import is_alive, is_ready
from support.simulated_arrays import last, simulated
from support.stand import ARRAYS, ATTACHMENTS, Stand, until

pytestmark = pytest.mark.long

BINDING = "flashsystem-operator"


@pytest.fixture(scope="module")
def cluster(own_control_plane: Cluster) -> Cluster:
    """A cluster whose API server may be killed."""
    install(own_control_plane)
    return own_control_plane


@pytest.fixture
def port() -> int:
    (free,) = free_ports(1)
    return free


@pytest.fixture
def operator(cluster: Cluster, tmp_path: Path, port: int) -> Iterator[Operator]:
    with replica(cluster, tmp_path / "log", "--probe-port", str(port)) as running:
        until("the operator to be ready", lambda: is_ready(port))
        yield running


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated array of the dialect that the test names: one per test, since the dialect does not matter here."""
    with simulated(dialect=request.param) as running:
        yield running


@pytest.fixture
def stand(cluster: Cluster, operator: Operator, simulator: Simulator) -> Iterator[Stand]:
    """A namespace with an array that is Ready and a volume that is attached."""
    assert operator.running
    with cluster.namespace("losing") as namespace:
        open_secrets(cluster, namespace)
        standing = Stand(cluster, namespace)
        standing.array(simulator)
        standing.apply(standing.host("worker-1"), standing.attachment("one", "worker-1", "vol0"))
        standing.ready(ATTACHMENTS, "one")
        yield standing
        standing.sweep()


def mapped(simulator: Simulator) -> set[str]:
    return {each["volume"] for each in simulator.control.state()["mappings"]}


def await_log(operator: Operator, *parts: str) -> None:
    """Wait until one line of the log contains all of these parts."""
    until(
        f"a log line with {parts}",
        lambda: any(all(part in line for part in parts) for line in operator.log.splitlines()),
    )


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_a_removed_crd_is_reported_and_work_resumes_when_it_is_installed_again(
    cluster: Cluster, operator: Operator, stand: Stand, simulator: Simulator, port: int
) -> None:
    """Kubernetes deletes the objects before the CRD, and waits for our finalizer: the volumes are detached properly."""
    cluster.kubectl("delete", "crd", ATTACHMENTS)
    assert mapped(simulator) == set()
    await_log(
        operator,
        "WARNING",
        f"these CRDs are not installed, or without version v1alpha1: {ATTACHMENTS}",
        "retries until it works",
    )
    assert is_alive(port)
    assert not is_ready(port)

    install(cluster)
    until("the operator to be ready again", lambda: is_ready(port))
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    assert mapped(simulator) == {"vol1"}

    cluster.kubectl("delete", "crd", ATTACHMENTS)
    until("the operator to wait again", lambda: not is_ready(port))
    assert operator.stop() == 0, "stopped while it waits"
    install(cluster)


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_withdrawn_rights_and_a_long_outage_are_reported_and_waited_for(
    cluster: Cluster, operator: Operator, stand: Stand, simulator: Simulator, port: int
) -> None:
    plane, began = cluster.control_plane, operator.pid
    assert plane is not None
    plane.kill_apiserver()
    await_log(operator, "escalating", "ClientConnector")  # kopf has used all its retries
    plane.start_apiserver()
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")

    cluster.kubectl("delete", "clusterrolebinding", BINDING)
    plane.restart_apiserver()  # the rights of an open watch are not checked again
    await_log(operator, "WARNING", "no right to", "apply the RBAC of this release")
    assert is_alive(port)
    assert not is_ready(port)
    stand.delete(ATTACHMENTS, "one", wait=False)
    assert mapped(simulator) == {"vol0", "vol1"}

    install(cluster)
    stand.gone(ATTACHMENTS, "one")
    assert mapped(simulator) == {"vol1"}
    assert operator.pid == began


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_a_read_that_hangs_while_the_cluster_is_lost_does_not_prevent_recovery(
    cluster: Cluster, operator: Operator, stand: Stand, simulator: Simulator, port: int
) -> None:
    """The Lease is lost during a pass, and then everything is restarted: no work of that pass may be lost."""
    plane, began = cluster.control_plane, operator.pid
    assert plane is not None
    hung = _hang_a_read(stand, simulator)

    cluster.kubectl("delete", "clusterrolebinding", BINDING)
    plane.restart_apiserver()
    await_log(operator, "WARNING", "no right to", "apply the RBAC of this release")
    install(cluster)

    until("the operator to be ready again", lambda: is_ready(port))
    assert is_alive(port)
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    assert mapped(simulator) == {"vol0", "vol1"}
    assert operator.pid == began
    simulator.control.forget(hung)


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_stopped_while_the_cluster_is_lost_and_a_read_hangs_it_exits_and_sends_nothing_more(
    cluster: Cluster, operator: Operator, stand: Stand, simulator: Simulator
) -> None:
    plane = cluster.control_plane
    assert plane is not None
    hung = _hang_a_read(stand, simulator)
    plane.kill_apiserver()
    try:
        await_log(operator, "WARNING", "cannot renew Lease")
        start = last(simulator)

        assert operator.stop() == 0

        assert [entry["line"] for entry in simulator.control.log(start) if entry["session"]] == []
    finally:
        plane.start_apiserver()
        simulator.control.forget(hung)
        operator.start()  # to detach what the test attached


def _hang_a_read(stand: Stand, simulator: Simulator) -> int:
    """Start a full read of the array in which one command hangs until the command timeout."""
    stand.patch(ARRAYS, "array", {"limits": {"commandTimeout": "20s"}})
    stand.ready(ARRAYS, "array")
    hung = simulator.control.fault("hold", "lsvdisk")
    stand.annotate(ARRAYS, "array", reconcile_requested_at="now")
    simulator.control.wait(hung, seconds=25.0)
    return hung
