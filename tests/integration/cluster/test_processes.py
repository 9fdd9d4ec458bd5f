"""Programs that the tests start always end."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.processes import Died, Process, birth
from cluster.standing import PYTHONPATH


def test_a_program_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from cluster.processes import Process; import time\n"
        f"child = Process('sleep', ['sleep', '60'], Path({str(tmp_path / 'log')!r})); child.start()\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={"PYTHONPATH": PYTHONPATH}
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert birth(pid) is not None
        parent.kill()

    assert soon(lambda: birth(pid) is None)


def test_a_paused_program_ends_when_it_is_stopped(tmp_path: Path) -> None:
    process = _started(tmp_path, "exec sleep 60")
    process.send(signal.SIGSTOP)

    process.stop()

    assert process.returncode == -signal.SIGTERM


def test_a_program_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    process = _started(tmp_path, "trap '' TERM; echo ready; sleep 60 & echo $!; wait; wait")
    assert soon(lambda: len(process.log.read_text().split()) == 2)

    process.stop(grace=0.1)

    assert process.returncode == -signal.SIGKILL
    assert soon(lambda: birth(int(process.log.read_text().split()[1])) is None)


def test_stopping_twice_is_no_error(tmp_path: Path) -> None:
    process = _started(tmp_path, "exec sleep 60")

    process.stop()
    process.stop()

    assert not process.alive


def test_a_program_that_dies_at_startup_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = _started(tmp_path, "echo address already in use; exit 3")

    with pytest.raises(Died, match=r"(?s)shell ended with code 3.*address already in use"):
        process.await_ready(lambda: False, 10)


def test_a_program_that_is_never_ready_is_reported_after_the_limit(tmp_path: Path) -> None:
    process = _started(tmp_path, "exec sleep 60")

    with pytest.raises(Died, match="shell was not ready after 0 s"):
        process.await_ready(lambda: False, 0.1)

    process.stop()


def _started(folder: Path, script: str) -> Process:
    process = Process("shell", ["sh", "-c", script], folder / "log")
    process.start()
    return process


def soon(happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happens()
