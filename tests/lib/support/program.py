"""The program as a process of its own, outside a pod, with a clean environment."""

import os
import subprocess
import sys

LIMIT = 180.0


def program(*arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "POD_", "FLASHSYSTEM_"))}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "flashsystem_operator", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
        env=clean,
    )


def complaint(*arguments: str) -> str:
    """The one line with which the program ends."""
    ended = program(*arguments)
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line
