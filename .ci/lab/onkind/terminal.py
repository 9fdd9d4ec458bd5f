"""A shell in the checkout, like that of a user who reads a page and types its blocks one after another."""

import contextlib
import os
import select
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster.standing import CHECKOUT

PATIENCE = 300.0  # seconds for one block; a safety limit, not a promise of speed
_GRACE = 30.0


class Failed(AssertionError):
    """A command of a block failed, or did not return."""


class Terminal:
    """A shell whose variables and functions persist from block to block. folder: for its scripts and their output."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._number = 0
        self._stuck = False
        self._shell = subprocess.Popen(
            # Every failing command is noticed, also inside a function or at the beginning of a pipe.
            ["bash", "--noprofile", "--norc", "-E", "-o", "pipefail"],
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._send("trap 'failed=$?' ERR")

    def type(self, text: str, *, seconds: float = PATIENCE) -> str:
        """Type a block and wait for its end; returns what it printed. Raises Failed unless every command succeeded."""
        self._number += 1
        block = self._folder / f"{self._number}.sh"
        block.write_text(text)
        self._send(f"failed=; source {shlex.quote(str(block))} > {shlex.quote(str(self._output))} 2>&1 < /dev/null")
        self._send('echo "done $failed"')
        reply = self._receive(seconds).split()
        if reply != ["done"]:
            self._stuck = not reply
            how = f"code {reply[1]}" if reply else f"no end within {seconds:.0f} s"
            raise Failed(f"{text.strip()}\nended with {how}, having printed\n{self.output()}")
        return self.output()

    def output(self) -> str:
        """The output of the last block so far: a process that it left in the background may print more."""
        return self._output.read_text(errors="replace")

    def close(self) -> None:
        """End the shell, and before it what still runs in its background."""
        if self._stuck:
            os.killpg(self._shell.pid, signal.SIGTERM)
        else:
            self._send("kill $(jobs -p) 2> /dev/null; wait; exit")
        try:
            self._shell.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        for pipe in (self._shell.stdin, self._shell.stdout):
            if pipe:
                pipe.close()

    @property
    def _output(self) -> Path:
        return self._folder / f"{self._number}.out"

    def _send(self, line: str) -> None:
        assert self._shell.stdin
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _receive(self, seconds: float) -> str:
        assert self._shell.stdout
        readable, _, _ = select.select([self._shell.stdout], [], [], seconds)
        return self._shell.stdout.readline() if readable else ""


@contextlib.contextmanager
def a_terminal(folder: Path, environ: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal that is open during the `with` block. folder: where it creates its own folder."""
    terminal = Terminal(Path(tempfile.mkdtemp(prefix="terminal-", dir=folder)), environ)
    try:
        yield terminal
    finally:
        terminal.close()
