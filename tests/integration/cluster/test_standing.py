"""Taking a cluster down ends the processes that were started for it, and no others."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.processes import birth
from cluster.standing import Standing, Started, down, standing, up


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does not belong to any cluster."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_that_reuses_the_pid_of_ours_is_left_alone(
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


def test_naming_another_cluster_does_not_end_the_standing_one(
    bystander: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    born = birth(bystander.pid)
    assert born is not None
    Standing(tmp_path / "cluster", [Started("etcd", bystander.pid, born)]).save()
    named = tmp_path / "kubeconfig"
    named.write_text("of another user")

    assert up({"CLUSTER_KUBECONFIG": str(named)}, tmp_path / "cluster") == named
    assert bystander.poll() is None
