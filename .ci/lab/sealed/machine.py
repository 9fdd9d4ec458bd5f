"""The requirements for this machine, and the lock for everything that is changed on it."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.missing import Missing
from cluster.progress import reported

RUN = Path("/run/flashsystem-operator")
"""State that exists once per machine, whichever checkout created it: gone after a reboot, like the processes."""

# The needed programs, each with its Debian package.
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
    """The Debian release of this machine, such as bookworm. Raises Missing if a requirement is not met."""
    if not sys.platform.startswith("linux"):
        raise Missing("a cluster without an existing node image can be created on Linux only")
    if os.geteuid() != 0:
        raise Missing("only root can build a node image here")
    lacking = {package for program, package in NEEDED.items() if shutil.which(program, path=paths(environ)) is None}
    if lacking:
        raise Missing(f"to build a node image, install what is missing: apt-get install {' '.join(sorted(lacking))}")
    os_release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if os_release.get("ID") != "debian":
        raise Missing(
            f"a node image is built from Debian's packages, and this is {os_release.get('ID', 'something else')}"
        )
    return os_release["VERSION_CODENAME"].strip('"')


def paths(environ: Mapping[str, str]) -> str:
    """PATH, and where programs for root are."""
    return f"{environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextlib.contextmanager
def machine_lock() -> Iterator[None]:
    """Wait until no other run on this machine builds, starts or stops anything. The lock ends with its process."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with reported("waiting for another checkout that works on its cluster"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_program(argv: Sequence[str | Path], environ: Mapping[str, str], *, seconds: float = LONGEST_STEP) -> str:
    """Run a program to its end and return its output. Raises Missing with the end of its output."""
    args = [str(arg) for arg in argv]
    try:
        ended = subprocess.run(
            args,
            env={**environ, "PATH": paths(environ)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        raise Missing(f"{' '.join(args[:3])} did not end within {seconds:.0f} s") from late
    if ended.returncode != 0:
        last = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-12:])
        raise Missing(f"{' '.join(args[:3])} ended with code {ended.returncode}:\n{last}")
    return ended.stdout
