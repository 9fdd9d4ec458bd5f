"""A shell in the checkout, as of one who reads a page and types what it says: one block after another."""

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

PATIENCE = 300.0  # seconds for one block; a net, not a promise of speed
_GRACE = 30.0


class Failed(AssertionError):
    """A command of a block failed, or did not return."""


class Terminal:
    """What is set in one block is so in the next. folder: for what is typed and printed."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._number = 0
        self._stuck = False
        self._shell = subprocess.Popen(
            # Any command that fails is noticed, also inside of a function or at the beginning of a pipe.
            ["bash", "--noprofile", "--norc", "-E", "-o", "pipefail"],
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._tell("trap 'failed=$?' ERR")

    def type(self, text: str, *, seconds: float = PATIENCE) -> str:
        """Type a block, and wait until it returned: what it printed. Raises Failed unless every command succeeded."""
        self._number += 1
        block = self._folder / f"{self._number}.sh"
        block.write_text(text)
        self._tell(f"failed=; source {shlex.quote(str(block))} > {shlex.quote(str(self._output))} 2>&1 < /dev/null")
        self._tell('echo "done $failed"')
        answered = self._heard(seconds).split()
        if answered != ["done"]:
            self._stuck = not answered
            how = f"code {answered[1]}" if answered else f"no end within {seconds:.0f} s"
            raise Failed(f"{text.strip()}\nended with {how}, having printed\n{self.said()}")
        return self.said()

    def said(self) -> str:
        """What the last block printed until now: what it left running in the background may print more."""
        return self._output.read_text(errors="replace")

    def close(self) -> None:
        """End it, and before it what still runs in the background."""
        if self._stuck:
            os.killpg(self._shell.pid, signal.SIGTERM)
        else:
            self._tell("kill $(jobs -p) 2> /dev/null; wait; exit")
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

    def _tell(self, line: str) -> None:
        assert self._shell.stdin
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _heard(self, seconds: float) -> str:
        assert self._shell.stdout
        there, _, _ = select.select([self._shell.stdout], [], [], seconds)
        return self._shell.stdout.readline() if there else ""


@contextlib.contextmanager
def a_terminal(folder: Path, environ: Mapping[str, str]) -> Iterator[Terminal]:
    """One that is open while the block lasts. folder: one in which it makes its own."""
    terminal = Terminal(Path(tempfile.mkdtemp(prefix="terminal-", dir=folder)), environ)
    try:
        yield terminal
    finally:
        terminal.close()
