"""Debian root file systems: a cached minimal one, and others that are created from it by installing packages."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.missing import Missing
from cluster.progress import reported
from sealed.machine import run_program

ASIDE = ".making-"
INSTALL = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d  # nothing is started in here
chmod +x /usr/sbin/policy-rc.d
apt-get update --quiet --quiet
DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "$@"
rm /usr/sbin/policy-rc.d
"""
# No manuals are needed in the image, and package lists are soon outdated.
NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "var/log")


@contextlib.contextmanager
def a_root(folder: Path, release: str, packages: Sequence[str], environ: Mapping[str, str]) -> Iterator[Path]:
    """A root file system with these packages, for the duration of the `with` block. folder: where roots are created."""
    for left_by_a_killed_run in folder.glob(f"{ASIDE}*"):
        _remove(left_by_a_killed_run, environ)
    bare = _bare(folder, release, environ)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    try:
        with reported(f"installing {len(packages)} packages and what they need ({packages[0]}, ...)"):
            run_program(("cp", "--archive", f"{bare}/.", aside), environ)
            # The mirror is reached with the current name servers of this machine.
            shutil.copy("/etc/resolv.conf", aside / "etc" / "resolv.conf")
            run_program(("chroot", aside, "sh", "-ec", INSTALL, "install", *packages), environ)
        for name in NOT_NEEDED:
            _empty(aside / name)
        yield aside
    finally:
        _remove(aside, environ)


def mirror(release: str, environ: Mapping[str, str]) -> str:
    """The mirror from which this machine gets its own packages."""
    form = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
    known = run_program(("apt-get", "indextargets", "--format", form), environ)
    found = re.search(rf"^Debian {re.escape(release)} main (\S+?)/?$", known, re.MULTILINE)
    if found is None:
        raise Missing(f"apt knows no mirror of Debian {release} (apt-get update, then again)")
    return found[1]


def _bare(folder: Path, release: str, environ: Mapping[str, str]) -> Path:
    """The smallest Debian in which apt works. Built in a temporary folder and renamed: it is never incomplete."""
    bare = folder / f"debian-{release}"
    if bare.exists():
        return bare
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    with reported(f"installing a bare Debian {release}"):
        run_program(("debootstrap", "--variant=minbase", release, aside, mirror(release, environ)), environ)
        aside.chmod(0o755)
        aside.rename(bare)
    return bare


def _remove(root: Path, environ: Mapping[str, str]) -> None:
    """Remove a root, even if debootstrap was killed and left file systems mounted in it."""
    for inside in ("proc", "sys"):
        if os.path.ismount(root / inside):
            run_program(("umount", "--lazy", root / inside), environ)
    run_program(("rm", "--recursive", "--force", "--one-file-system", root), environ)


def _empty(folder: Path) -> None:
    for each in folder.iterdir() if folder.exists() else ():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
