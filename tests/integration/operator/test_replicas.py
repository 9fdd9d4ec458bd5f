"""Two replicas divide the arrays between them; one replica manages each array, whatever happens to the other."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cluster.api import path_to
from cluster.client import Cluster
from cluster.ports import free_ports
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mark, writes
from support.holding_proxy import Holding
from support.operator_process import LEASE_SECONDS, NAMESPACE, Operator, account, install, open_secrets, replica
from support.outcomes import comes_to, layout, stays_in_sync
from support.probes import is_ready
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, PATIENCE, Stand, until

pytestmark = pytest.mark.long

NAMES = ("one", "two", "three", "four")
LEASES = "coordination.k8s.io/v1"
LONG = ("--lease-duration", "60")
"""A Lease so long that no test could wait until it expires."""

Simulators = Mapping[str, Simulator]
Replicas = Mapping[str, Operator]


@pytest.fixture
def simulators() -> Iterator[Simulators]:
    """Four arrays, two of each dialect, each a system of its own."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(simulated({"system": {"id": f"00000204A0C0{number:04}"}}, dialect))
            for number, (name, dialect) in enumerate(zip(NAMES, ("legacy", "modern") * 2, strict=True))
        }


@pytest.fixture
def replicas(request: pytest.FixtureRequest, stand: Stand, operator: Operator, tmp_path: Path) -> Iterator[Replicas]:
    """Two replicas, `a` and `b`, and no other operator. A parameter gives them further options."""
    operator.stop()
    options = getattr(request, "param", ())
    ports = dict(zip(("a", "b"), free_ports(2), strict=True))
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(
                replica(stand.cluster, tmp_path / name, "--identity", name, "--probe-port", str(port), *options)
            )
            for name, port in ports.items()
        }
        # Otherwise the replica that starts first would have all arrays before the other has seen them.
        until("both to be ready", lambda: all(map(is_ready, ports.values())))
        yield running


def attach(stand: Stand, number: int) -> None:
    """Attach one more volume on every array; the first call creates the hosts too."""
    for name in NAMES:
        stand.apply(
            stand.host(f"host-{name}", array=name), stand.attachment(f"{name}-{number}", f"host-{name}", f"vol{number}")
        )
    stand.ready(ATTACHMENTS, *(f"{name}-{number}" for name in NAMES))


def versions(stand: Stand) -> set[str]:
    """The versions of every object; a new version means that it was written."""
    found = stand.all(ARRAYS, HOSTS, ATTACHMENTS)
    return {f"{each['kind']}/{each['metadata']['name']}/{each['metadata']['resourceVersion']}" for each in found}


def lease(stand: Stand, simulator: Simulator) -> Any:
    return stand.cluster.api.get(path_to(LEASES, "leases", lease_of(simulator), NAMESPACE))["spec"]


def holders(stand: Stand, simulators: Simulators) -> dict[str, str]:
    """Which replica has the Lease of each array."""
    leases = stand.cluster.api.get(path_to(LEASES, "leases", namespace=NAMESPACE))["items"]
    held = {each["metadata"]["name"]: each["spec"].get("holderIdentity", "") for each in leases}
    return {name: held.get(lease_of(simulator), "").partition("-")[0] for name, simulator in simulators.items()}


def lease_of(simulator: Simulator) -> str:
    return f"flashsystem-{simulator.control.state()['system']['id'].lower()}"


def sessions_do_not_overlap(simulator: Simulator) -> bool:
    """Whether no session has a command between the first and last of another; a replica has one session per array."""
    spans: dict[int, list[float]] = {}
    for entry in simulator.control.log():
        if entry["session"]:
            spans.setdefault(entry["session"], []).append(entry["time"])
    ordered = sorted((times[0], times[-1]) for times in spans.values())
    return all(one[1] < other[0] for one, other in pairwise(ordered))


def test_replicas_share_the_arrays_and_a_crash_hands_them_over(
    stand: Stand, simulators: Simulators, replicas: Replicas
) -> None:
    # One after another: a replica with arrays leaves the next to others, but it may take all of several at once.
    for name, simulator in simulators.items():
        stand.array(simulator, name, resyncInterval="1s")
        stand.ready(ARRAYS, name)
    attach(stand, 0)
    first = holders(stand, simulators)
    assert set(first.values()) == {"a", "b"}, "one replica does everything"

    replicas["a"].kill()
    attach(stand, 1)
    assert set(holders(stand, simulators).values()) == {"b"}

    replicas["a"].start()
    attach(stand, 2)
    for simulator in simulators.values():
        stays_in_sync(simulator)
    before = versions(stand)
    replicas["b"].kill()
    comes_to({"a"}, lambda: set(holders(stand, simulators).values()))
    for simulator in simulators.values():
        stays_in_sync(simulator)
    assert versions(stand) == before, "objects that were in sync were written only because the replica changed"

    attach(stand, 3)
    for simulator in simulators.values():
        assert sessions_do_not_overlap(simulator)
        assert writes(simulator) == ["mkhost", *["mkvdiskhostmap"] * 4]


@pytest.mark.parametrize("replicas", [LONG], indirect=True, ids=["with-a-long-Lease"])
def test_a_replica_that_is_stopped_hands_its_arrays_over_at_once(
    stand: Stand, simulators: Simulators, replicas: Replicas
) -> None:
    for name, simulator in simulators.items():
        stand.array(simulator, name)
    attach(stand, 0)

    assert replicas["a"].stop() == 0
    attach(stand, 1)
    assert set(holders(stand, simulators).values()) == {"b"}

    replicas["a"].start()
    assert replicas["b"].stop() == 0
    attach(stand, 2)
    assert set(holders(stand, simulators).values()) == {"a"}
    for simulator in simulators.values():
        assert sessions_do_not_overlap(simulator)


def test_a_clean_restart_resumes_work_at_once(
    stand: Stand, simulator: Simulator, operator: Operator, tmp_path: Path
) -> None:
    operator.stop()
    with replica(stand.cluster, tmp_path / "log", "--lease-duration", "300") as running:
        stand.array(simulator)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")

        assert running.stop() == 0
        running.start()

        stand.apply(stand.attachment("two", "worker-1", "vol1"))
        stand.ready(ATTACHMENTS, "two")


def test_a_lease_renewal_whose_reply_is_lost_does_not_lose_the_array(
    stand: Stand, simulator: Simulator, operator: Operator, tmp_path: Path
) -> None:
    operator.stop()
    with (
        Holding(account(stand.cluster)) as proxy,
        replica(stand.cluster, tmp_path / "log", "--lease-duration", "15", kubeconfig=proxy.kubeconfig),
    ):
        stand.array(simulator)
        stand.ready(ARRAYS, "array")
        lost = proxy.holds.hold(f"/leases/{lease_of(simulator)}$", when="after", method="PUT")
        lost.wait()
        before = lease(stand, simulator)
        lost.drop()

        until("another renewal", lambda: lease(stand, simulator)["renewTime"] != before["renewTime"])

        after = lease(stand, simulator)
        assert {**after, "renewTime": ""} == {**before, "renewTime": ""}


def test_a_replica_that_was_suspended_while_another_took_over_writes_nothing_more(
    stand: Stand, simulator: Simulator, replicas: Replicas
) -> None:
    """It is suspended in the middle of its commands. Its remaining work has been undone when it resumes."""
    before = simulator.control.state()
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": 1}, resyncInterval="1s")
    fault = simulator.control.fault("hold", "mkvdiskhostmap", when="before")
    volumes = ["vol0", "vol1", "vol2"]
    stand.apply(stand.host("worker-1"), *(stand.attachment(volume, "worker-1", volume) for volume in volumes))
    simulator.control.wait(fault, seconds=PATIENCE)
    suspended = replicas[holders(stand, {"it": simulator})["it"]]

    suspended.pause()
    stand.ready(ATTACHMENTS, *volumes)
    stand.delete(ATTACHMENTS, *volumes)
    stand.delete(HOSTS, "worker-1")
    assert simulator.control.release(fault) == 1  # too late: the host object is gone
    assert simulator.control.state() == before
    start, log_before = mark(simulator), suspended.log

    suspended.resume()
    until(
        "the suspended replica to notice",
        lambda: "cannot renew" in suspended.log[len(log_before) :] or has_lost_the_lease(suspended, log_before),
    )
    comes_to(1, lambda: len(simulator.control.sessions()))
    stays_in_sync(simulator)
    assert writes(simulator, start) == []
    stand.delete(ARRAYS, "array")
    assert simulator.control.state() == before


def has_lost_the_lease(suspended: Operator, log_before: str) -> bool:
    return "taken by another holder" in suspended.log[len(log_before) :]


@pytest.fixture
def apart(own_control_plane: Cluster, tmp_path: Path) -> Iterator[tuple[Stand, Operator]]:
    """A namespace of a cluster whose API server may fail, and an operator of that cluster."""
    install(own_control_plane)
    with own_control_plane.namespace("apart") as name:
        open_secrets(own_control_plane, name)
        standing = Stand(own_control_plane, name)
        with replica(own_control_plane, tmp_path / "log") as running:
            yield standing, running
        standing.sweep()


def test_without_the_api_server_nothing_is_sent_and_work_resumes_with_it(
    apart: tuple[Stand, Operator], simulator: Simulator
) -> None:
    stand, operator = apart
    plane = stand.cluster.control_plane
    assert plane is not None
    stand.array(simulator, limits={"commandTimeout": "30s", "concurrentCommands": 1}, resyncInterval="1s")
    fault = simulator.control.fault("hold", "mkvdiskhostmap", when="after")
    volumes = ["vol0", "vol1", "vol2"]
    stand.apply(stand.host("worker-1"), *(stand.attachment(volume, "worker-1", volume) for volume in volumes))
    simulator.control.wait(fault, seconds=PATIENCE)

    held = lease(stand, simulator)
    plane.pause()
    time.sleep(LEASE_SECONDS)  # until the Lease has expired
    start = mark(simulator)
    assert simulator.control.release(fault) == 1
    until("the connection to be closed with the Lease", lambda: not simulator.control.sessions())
    assert [each["verb"] for each in commands(simulator, start)] == ["lshostvdiskmap"], "the held command is checked"
    plane.resume()
    stand.ready(ATTACHMENTS, *volumes)
    assert writes(simulator, start) == ["mkvdiskhostmap", "mkvdiskhostmap"]

    plane.kill_apiserver()
    until("the Lease to be lost", lambda: operator.log.count("cannot renew Lease") > 2)
    plane.start_apiserver()
    stand.apply(stand.attachment("vol3", "worker-1", "vol3"))
    stand.ready(ATTACHMENTS, "vol3")
    stand.delete(ATTACHMENTS, "vol3", *volumes)
    stand.delete(HOSTS, "worker-1")
    assert layout(simulator) == {"hosts": [], "mappings": []}
    assert operator.running
    assert lease(stand, simulator)["acquireTime"] == held["acquireTime"], "another replica had the Lease"
