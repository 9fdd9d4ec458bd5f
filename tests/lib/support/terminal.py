"""The program at a terminal, with answers that are typed."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping

from support.program import LIMIT


def at_a_terminal(*arguments: str, answers: Mapping[str, str] | None = None, **environment: str) -> tuple[int, str]:
    """Run it there; answers with the exit code and all that was shown.

    answers: what to type when a text is shown, by that text, in this order.
    """
    keyboard, line = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "FLASHSYSTEM_"))}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "flashsystem_operator", *arguments],
        stdin=line,
        stdout=line,
        stderr=line,
        env={**clean, "TERM": "xterm", "COLUMNS": "120", "LINES": "50", **environment},
    )
    os.close(line)
    shown, waiting = "", list((answers or {}).items())
    try:
        while some := _read(keyboard):
            shown += some
            if waiting and waiting[0][0] in shown:
                os.write(keyboard, f"{waiting.pop(0)[1]}\n".encode())
        code = process.wait(LIMIT)
    finally:
        process.kill()
        os.close(keyboard)
    return code, shown


def _read(keyboard: int) -> str:
    """The next output; empty at the end, which Linux reports as an error."""
    try:
        return os.read(keyboard, 2**16).decode(errors="replace")
    except OSError:
        return ""
