"""Temporary folders. What a killed run left behind (a database of 64 MB), the next run sweeps away."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "flashsystem-cluster-"
YOUNG = 60.0  # seconds in which a folder may have an owner that has not recorded that yet


class Scratch:
    """A folder of our own, until `remove`. Its owner holds a lock in it, which goes when the process goes."""

    def __init__(self, among: Path | None = None) -> None:
        parent = among or Path(tempfile.gettempdir())
        _sweep(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # A bare descriptor: the folder of a failed start is never removed, and no warning is needed.
        self._owner = os.open(self.path / "owner", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._owner, fcntl.LOCK_EX)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._owner)


def _sweep(parent: Path) -> None:
    for owner in parent.glob(f"{PREFIX}*/owner"):
        if _is_abandoned(owner):
            shutil.rmtree(owner.parent, ignore_errors=True)


def _is_abandoned(owner: Path) -> bool:
    try:
        if time.time() - owner.stat().st_mtime < YOUNG:
            return False
        descriptor = os.open(owner, os.O_RDWR)
    except OSError:  # gone by now, or not ours
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
