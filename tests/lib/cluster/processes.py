"""Programs that we start: each with a log, its own process group, and an end that is certain."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GRACE = 5.0  # seconds between the request to end and the end by force
POLL = 0.05  # seconds between two checks of something awaited
LEASH = Path(__file__).with_name("leash.py")


class Died(Exception):
    """A program ended, or did not become ready; the message shows the end of its log."""


class Process:
    """A program, its log, and the way to end it.

    detached: outlive us (the caller records its pid and start time). Otherwise the program ends at
        the latest with the thread that started it (see leash.py), so start it from a thread that stays.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        detached: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = [str(each) for each in argv]
        self._env = env
        self._cwd = cwd
        self._detached = detached
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program. Its output is appended to the log."""
        leash = [] if self._detached else [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [*leash, *self._argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us, and we end it in order
                env=self._env,
                cwd=self._cwd,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program itself, unless it has ended."""
        self._popen.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait for the program's own end, or raise subprocess.TimeoutExpired."""
        return self._popen.wait(seconds)

    def kill(self) -> None:
        """End the program and its children at once, without a chance to tidy up."""
        self._signal_group(signal.SIGKILL)
        self._popen.wait()

    def stop(self, grace: float = GRACE) -> None:
        """End the program: ask, wait so many seconds, then force. What has ended already is left alone."""
        if self._running is None:
            return
        if self.alive:
            self.send(signal.SIGTERM)
            self.send(signal.SIGCONT)  # a paused program hears nothing
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace)
        self.kill()

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` answers True, or raise Died with the end of the log."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise Died(f"{self.name} ended with code {self.returncode}. {self.tail()}")
            if time.monotonic() > deadline:
                raise Died(f"{self.name} was not ready after {seconds:.0f} s. {self.tail()}")
            time.sleep(POLL)

    def tail(self, lines: int = 20) -> str:
        """The end of the log, with a heading."""
        with self.log.open(errors="replace") as log:
            return f"The end of {self.log}:\n" + "".join(deque(log, lines))

    @property
    def _popen(self) -> subprocess.Popen[bytes]:
        if self._running is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._running

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)


def birth(pid: int) -> str | None:
    """When a process began, as a text that only has to be compared; None when there is none, or only its remains."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            state, *rest = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state == "Z" else rest[18]  # the 22nd of all, counted in ticks since the machine began
    ps = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout.strip() or None
