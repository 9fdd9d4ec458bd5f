"""Debian's root file systems: a bare one, kept, and others that are made of it by installing packages."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.missing import Missing
from cluster.progress import told
from sealed.machine import done

ASIDE = ".making-"
INSTALL = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d  # nothing is started in here
chmod +x /usr/sbin/policy-rc.d
apt-get update --quiet --quiet
DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "$@"
rm /usr/sbin/policy-rc.d
"""
# Nobody reads a manual in there, and the packages' lists are old tomorrow.
NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "var/log")


@contextlib.contextmanager
def a_root(folder: Path, release: str, packages: Sequence[str], environ: Mapping[str, str]) -> Iterator[Path]:
    """A root file system with these packages, for as long as the block lasts. folder: where roots are made."""
    for left_by_a_killed_run in folder.glob(f"{ASIDE}*"):
        _removed(left_by_a_killed_run, environ)
    bare = _bare(folder, release, environ)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    try:
        with told(f"installing {len(packages)} packages and what they need ({packages[0]}, ...)"):
            done(("cp", "--archive", f"{bare}/.", aside), environ)
            # The way to the mirror is this machine's, of today.
            shutil.copy("/etc/resolv.conf", aside / "etc" / "resolv.conf")
            done(("chroot", aside, "sh", "-ec", INSTALL, "install", *packages), environ)
        for name in NOT_NEEDED:
            _emptied(aside / name)
        yield aside
    finally:
        _removed(aside, environ)


def mirror(release: str, environ: Mapping[str, str]) -> str:
    """Where this machine has its own packages from."""
    form = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
    known = done(("apt-get", "indextargets", "--format", form), environ)
    found = re.search(rf"^Debian {re.escape(release)} main (\S+?)/?$", known, re.MULTILINE)
    if found is None:
        raise Missing(f"apt knows no mirror of Debian {release} (apt-get update, then again)")
    return found[1]


def _bare(folder: Path, release: str, environ: Mapping[str, str]) -> Path:
    """The smallest Debian that apt works in. Made aside and moved into place, so that what is in place is whole."""
    bare = folder / f"debian-{release}"
    if bare.exists():
        return bare
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
    with told(f"installing a bare Debian {release}"):
        done(("debootstrap", "--variant=minbase", release, aside, mirror(release, environ)), environ)
        aside.chmod(0o755)
        aside.rename(bare)
    return bare


def _removed(root: Path, environ: Mapping[str, str]) -> None:
    """Also when debootstrap was killed, and what it mounts in there for its time is mounted still."""
    for inside in ("proc", "sys"):
        if os.path.ismount(root / inside):
            done(("umount", "--lazy", root / inside), environ)
    done(("rm", "--recursive", "--force", "--one-file-system", root), environ)


def _emptied(folder: Path) -> None:
    for each in folder.iterdir() if folder.exists() else ():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
