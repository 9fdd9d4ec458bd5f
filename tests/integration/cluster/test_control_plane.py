"""A control plane of our own can be paused and killed, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster import Cluster, ControlPlane, KubectlFailed
from cluster.processes import birth
from cluster.standing import PYTHONPATH, down, standing, up

RUN = """
from cluster import a_control_plane
with a_control_plane() as cluster:
    print(*(process.pid for process in cluster.control_plane.processes), flush=True)
    input()
"""


@pytest.fixture
def plane(own_control_plane: Cluster) -> ControlPlane:
    assert own_control_plane.control_plane is not None
    return own_control_plane.control_plane


def test_a_paused_api_server_answers_no_request_until_it_is_resumed(
    own_control_plane: Cluster, plane: ControlPlane
) -> None:
    plane.pause()
    try:
        with pytest.raises(KubectlFailed):
            own_control_plane.kubectl("get", "namespaces", "--request-timeout=1s")
    finally:
        plane.resume()

    assert own_control_plane.get("namespaces")["items"]


def test_a_killed_api_server_returns_at_the_same_address_with_its_data(
    own_control_plane: Cluster, plane: ControlPlane
) -> None:
    name = own_control_plane.new_namespace("remembered")

    plane.kill_apiserver()
    with pytest.raises(KubectlFailed, match="refused"):
        own_control_plane.get("namespaces")
    plane.start_apiserver()

    assert own_control_plane.get("namespace", name)["metadata"]["name"] == name


def test_the_audit_log_continues_after_a_restart(own_control_plane: Cluster, plane: ControlPlane) -> None:
    own_control_plane.get("namespace", "kube-public")
    before = own_control_plane.audit()

    plane.restart_apiserver()
    own_control_plane.get("namespace", "kube-system")

    after = own_control_plane.audit()
    assert after[: len(before)] == before
    assert [each.verb for each in after if each.user == "admin" and each.name == "kube-system"] == ["get"]


@pytest.mark.cluster
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_all_processes_end_with_a_run_that_is_ended_by(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(birth, pids))
        run.send_signal(number)
        run.wait(30)

    assert _all_gone(pids)


@pytest.mark.cluster
def test_a_standing_cluster_is_found_again_and_removed_when_it_is_taken_down(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    environ = {name: value for name, value in os.environ.items() if name != "CLUSTER_KUBECONFIG"}
    starts_one = (
        f"import os; from pathlib import Path; from cluster.standing import up; up(os.environ, Path({str(folder)!r}))"
    )
    subprocess.run([sys.executable, "-c", starts_one], env={**environ, "PYTHONPATH": PYTHONPATH}, check=True)

    left = standing(folder)
    assert left is not None
    assert left.whole
    assert up(environ, folder) == left.kubeconfig
    assert standing(folder) == left

    down(environ, folder)

    assert _all_gone([process.pid for process in left.processes])
    assert not folder.exists()


def _all_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(map(birth, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(birth, pids))
