"""Taking a cluster down ends what was started for it, and nobody else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.processes import birth
from cluster.standing import Standing, Started, down, standing, up


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has nothing to do with any cluster."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_that_only_has_the_pid_of_ours_is_left_alone(
    bystander: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    Standing(tmp_path / "cluster", [Started("etcd", bystander.pid, "long ago")]).save()

    down({}, tmp_path / "cluster")

    assert bystander.poll() is None


def test_what_was_started_is_ended(bystander: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    born = birth(bystander.pid)
    assert born is not None
    Standing(tmp_path / "cluster", [Started("etcd", bystander.pid, born)]).save()

    down({}, tmp_path / "cluster")

    assert bystander.poll() is not None
    assert standing(tmp_path / "cluster") is None


def test_taking_down_where_nothing_is_up_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    down({}, tmp_path / "cluster")

    assert "no cluster is up" in capsys.readouterr().err


def test_whoever_names_a_cluster_ends_none_that_stands_here(
    bystander: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    born = birth(bystander.pid)
    assert born is not None
    Standing(tmp_path / "cluster", [Started("etcd", bystander.pid, born)]).save()
    named = tmp_path / "kubeconfig"
    named.write_text("of somebody")

    assert up({"CLUSTER_KUBECONFIG": str(named)}, tmp_path / "cluster") == named
    assert bystander.poll() is None
