"""What this machine must have, and the one lock for what is changed on it."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.missing import Missing
from cluster.progress import told

RUN = Path("/run/flashsystem-operator")
"""What there is once on a machine, whichever checkout started it: gone after a restart, as the processes are."""

# Each program with its Debian package.
NEEDED = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "chroot": "coreutils",
    "tar": "tar",
}
LONGEST_STEP = 1800.0  # seconds


def release(environ: Mapping[str, str]) -> str:
    """The Debian that this machine is, as in bookworm, once all that is needed is there. Raises Missing."""
    if not sys.platform.startswith("linux"):
        raise Missing("a cluster without a node image to hand is made on Linux only")
    if os.geteuid() != 0:
        raise Missing("only root can make a node image here")
    lacking = {package for program, package in NEEDED.items() if shutil.which(program, path=paths(environ)) is None}
    if lacking:
        raise Missing(f"to make a node image, install what lacks: apt-get install {' '.join(sorted(lacking))}")
    told_of = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if told_of.get("ID") != "debian":
        raise Missing(f"a node image is made from Debian's packages, and this is {told_of.get('ID', 'something else')}")
    return told_of["VERSION_CODENAME"].strip('"')


def paths(environ: Mapping[str, str]) -> str:
    """PATH, and where programs for root are."""
    return f"{environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else on this machine builds, starts or ends anything here. The lock goes with its process."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with told("waiting for another checkout that works on its cluster"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def done(argv: Sequence[str | Path], environ: Mapping[str, str], *, seconds: float = LONGEST_STEP) -> str:
    """Run a program to its end and answer with its output. Raises Missing with the last of its words."""
    words = [str(word) for word in argv]
    try:
        ended = subprocess.run(
            words,
            env={**environ, "PATH": paths(environ)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        raise Missing(f"{' '.join(words[:3])} did not end within {seconds:.0f} s") from late
    if ended.returncode != 0:
        last = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-12:])
        raise Missing(f"{' '.join(words[:3])} ended with code {ended.returncode}:\n{last}")
    return ended.stdout
