"""Programs built once a machine and kept outside the checkout."""

import contextlib
import fcntl
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from cluster.missing import Missing
from cluster.processes import Process
from cluster.progress import reported
from cluster.recipe import CONTROL_PLANE, ENVIRONMENT, Recipe

OLDEST_GO = (1, 21)  # from there on, Go fetches the newer Go that a module asks for
LONGEST_BUILD = 3600.0  # seconds
ASIDE = ".building-"


def home(environ: Mapping[str, str]) -> Path:
    """The folder of all that is made once for each machine."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "flashsystem-operator"


def cache(environ: Mapping[str, str], recipe: Recipe = CONTROL_PLANE) -> Path:
    """The folder of the programs of this recipe."""
    return home(environ) / "programs" / recipe.key()


def built(names: Iterable[str], environ: Mapping[str, str], recipe: Recipe = CONTROL_PLANE) -> Path:
    """The folder with these programs, after building those that are not there. Raises Missing without a usable Go."""
    folder = cache(environ, recipe)
    if not _absent(folder, names):
        return folder
    go = a_go(environ)
    with _alone_in(folder):
        wanted = _absent(folder, names)  # another process may have built them while we waited
        for number, name in enumerate(wanted, 1):
            with reported(f"building {name} ({number} of {len(wanted)}, {recipe.subject} {recipe.version()})"):
                _build(go, name, folder, environ, recipe)
    return folder


def _absent(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if not (folder / name).exists()]


def a_go(environ: Mapping[str, str]) -> str:
    """A Go that builds our module. What it needs besides (HOME, a proxy) it takes from the caller's environment."""
    go = shutil.which("go", path=environ.get("PATH", ""))
    if go is None:
        raise Missing("Go is not on PATH, so the programs cannot be built")
    shown = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"go(\d+)\.(\d+)", shown)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GO:
        raise Missing(f"{go} is older than Go {'.'.join(map(str, OLDEST_GO))}, so the programs cannot be built")
    return go


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait for another build in this folder. The lock goes with the process that holds it, however that ends."""
    with _lock_file(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with reported("waiting for another build of the same programs"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        for left_by_a_killed_build in folder.glob(f"{ASIDE}*"):
            shutil.rmtree(left_by_a_killed_build)
        yield


def _lock_file(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / ".lock").open("w")
    except OSError as why:
        raise Missing(f"the programs cannot be kept (XDG_CACHE_HOME names another place for them): {why}") from why


def _build(go: str, name: str, folder: Path, environ: Mapping[str, str], recipe: Recipe) -> None:
    """Build one program aside and move it into place, so that what is in place is whole."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=ASIDE) as aside:
        target = Path(aside) / name
        argv = [go, *recipe.arguments(name, target)]
        log = Path(aside) / "log"
        compiler = Process("go build", argv, log, env={**environ, **ENVIRONMENT}, cwd=recipe.module)
        compiler.start()
        try:
            code = compiler.wait(LONGEST_BUILD)
        finally:
            compiler.stop()
        if code != 0:
            raise Missing(f"{name} could not be built. {compiler.tail()}")
        target.rename(folder / name)
