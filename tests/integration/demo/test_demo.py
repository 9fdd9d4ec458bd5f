"""The demo is honest: it succeeds only if everything that it claims is true, and it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cluster.client import Cluster
from cluster.processes import Died
from cluster.standing import PYTHONPATH
from demo.array import an_array
from demo.screen import Screen
from demo.story import STORY
from onkind.pages import README, block

ROOT = Path(__file__).parents[3]
LIMIT = 240.0  # seconds; a net, not a promise of speed

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def demo(own_control_plane: Cluster, tmp_path: Path) -> Iterator["Demo"]:
    """The demo, ready to run in a cluster that looks to it like a cluster of the user."""
    yield Demo(own_control_plane, tmp_path)
    assert left_running(tmp_path) == []


class Demo:
    """`make demo` with options. Its temporary folder is known, so that its processes can be recognized."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._argv = [sys.executable, "-W", "error", "-m", "demo"]
        self._environ = {
            **cluster.environment(),
            "CLUSTER_KUBECONFIG": str(cluster.kubeconfig),
            "PYTHONPATH": PYTHONPATH,
            "TMPDIR": str(folder),
        }

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._argv, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environ,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        with self.start(*options) as process:
            try:
                output, _ = process.communicate(timeout=LIMIT)
            finally:
                process.send_signal(signal.SIGTERM)
        print(output)  # noqa: T201 - pytest shows it when the test fails
        return process.returncode, output


def test_the_command_in_the_readme_starts_the_demo() -> None:
    command = block(README, "make demo").text.split()

    # A user does not type it inside another make, as this test may run: remove the flags of make from the environment.
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    typed = subprocess.run(
        [*command, "--dry-run"], cwd=ROOT, env=clean, capture_output=True, text=True, check=True
    ).stdout

    assert typed.splitlines()[-1].endswith("python -m demo")


def test_the_demo_keeps_its_claims_for_both_arrays_and_leaves_the_cluster_as_it_was(
    demo: Demo, own_control_plane: Cluster
) -> None:
    before = everything_in(own_control_plane)

    code, output = demo.run()

    assert code == 0
    assert re.findall(r"^ *(\d+)\. ", output, re.MULTILINE) == [str(n) for n in range(1, len(STORY) + 1)] * 2
    assert len(re.findall(r"^ *ok ", output, re.MULTILINE)) == 2 * len(STORY)
    assert "\033" not in output, "colours in a pipe"
    assert output.count("Its state is the one it began with") == 2
    assert everything_in(own_control_plane) == before


def test_a_step_whose_promise_is_broken_is_named_and_the_demo_fails(demo: Demo, own_control_plane: Cluster) -> None:
    before = everything_in(own_control_plane)

    code, output = demo.run("--dialect", "modern", "--refuse", "mkhost", "--patience", "15")

    assert code == 1
    assert "Step 3 (modern) did not hold: A host and two attachments" in output
    assert "RefusedByArray" in output, "the conditions of the objects"
    assert "The end of the operator's log (it is running):" in output
    assert "Every step held" not in output
    assert everything_in(own_control_plane) == before


def test_an_interrupted_demo_leaves_nothing_running(demo: Demo) -> None:
    with demo.start("--dialect", "legacy") as process:
        assert process.stdout is not None
        assert any(line.startswith("  1. ") for line in process.stdout), "the story began"
        process.send_signal(signal.SIGINT)  # Ctrl-C; SIGTERM and SIGHUP are handled the same way
        output, _ = process.communicate(timeout=LIMIT)

    assert process.returncode == 130, output
    assert "Traceback" not in output


def test_a_demo_interrupted_while_its_cluster_starts_leaves_nothing(tmp_path: Path, own_control_plane: Cluster) -> None:
    """The control plane is started by the demo here; the fixture only ensures that this is possible."""
    environ = {**own_control_plane.environment(), "PYTHONPATH": PYTHONPATH, "TMPDIR": str(tmp_path)}
    environ.pop("CLUSTER_KUBECONFIG", None)
    command = [sys.executable, "-m", "demo", "--processes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ) as process:
        assert process.stdout is not None
        assert any("starting etcd" in line for line in process.stdout), "the cluster is about to start"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT)

    assert process.returncode == 130, output
    assert list(tmp_path.iterdir()) == []
    assert left_running(tmp_path) == []


def test_without_a_cluster_the_demo_prints_what_to_do(tmp_path: Path) -> None:
    environ = {**os.environ, "CLUSTER_KUBECONFIG": str(tmp_path / "none"), "PYTHONPATH": PYTHONPATH}

    ended = subprocess.run([sys.executable, "-m", "demo"], env=environ, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "there is no such file" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_an_array_that_does_not_start_is_reported_with_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.array.ARRAYS", tmp_path)

    with pytest.raises(Died, match="No such file"), an_array("legacy", tmp_path):
        pass


def test_no_command_that_the_array_received_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    reads = [command(f"lshost -delim ! host-{n}") for n in range(40)]

    Screen().array([*reads, command("mkhost -name a", writes=True, code="CMMVC6035E"), *reads])

    output = capsys.readouterr().out
    assert output.count("received   svctask mkhost -name a (CMMVC6035E)\n") == 1
    assert re.findall(r"lshost host-(\d+)", output) == [str(n) for n in range(40)] * 2
    assert max(map(len, output.splitlines())) < 120


def command(line: str, *, writes: bool = False, code: str = "") -> dict[str, object]:
    prefix = "svctask" if writes else "svcinfo"
    return {"words": line.split(), "named": line.split(), "prefix": prefix, "writes": writes, "code": code}


def everything_in(cluster: Cluster) -> Sequence[str]:
    """What an administrator finds: namespaces, CRDs, RBAC, admission policies."""
    kinds = "namespaces,crds,clusterroles,clusterrolebindings,validatingadmissionpolicies"
    names = cluster.kubectl("get", kinds, "--output=name").split()
    return [name for name in names if "flashsystem" in name or "/demo-" in name]


def left_running(folder: Path) -> list[str]:
    """The programs that were started with this temporary folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended, or is not ours
            continue
    return found
