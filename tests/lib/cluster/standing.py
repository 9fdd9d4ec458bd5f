"""A cluster that stays up after the command that made it, until another command takes it down.

Everything about it is in one folder: its kubeconfig, its logs, and `standing.json`, which lists what must be ended.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cluster import kind
from cluster.choice import NAMED, Local, Named, OnKind, Source, sources
from cluster.control_plane import ControlPlane
from cluster.missing import Missing, NoCluster
from cluster.processes import GRACE, POLL, Died, Process, birth
from cluster.programs import Programs
from cluster.progress import report

CHECKOUT = Path(__file__).resolve().parents[3]
PYTHONPATH = os.pathsep.join(str(CHECKOUT / each) for each in ("tests/lib", ".ci/lab"))
"""For programs that a test starts: where the library of the tests and the kind lab are."""
FOLDER = CHECKOUT / ".run" / "cluster"


@dataclass(frozen=True, slots=True)
class Started:
    """A process of ours. By its birth it is known from another that has its pid by now."""

    name: str
    pid: int
    born: str

    @property
    def alive(self) -> bool:
        return birth(self.pid) == self.born


@dataclass(slots=True)
class Standing:
    """What must be ended: processes, or a kind cluster."""

    folder: Path
    processes: list[Started] = field(default_factory=list)
    kind_cluster: str | None = None

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def whole(self) -> bool:
        """Whether all of it is there still, as far as that can be known without asking Docker."""
        return self.kubeconfig.exists() and all(process.alive for process in self.processes)

    def remember(self, process: Process) -> None:
        """Write down a process as soon as it runs: we may be killed before the next one."""
        started = Started(process.name, process.pid, birth(process.pid) or "gone")
        self.processes = [*(each for each in self.processes if each.name != started.name), started]
        self.save()

    def save(self) -> None:
        noted = {"processes": [asdict(each) for each in self.processes], "kind_cluster": self.kind_cluster}
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / "standing.json.new"
        aside.write_text(json.dumps(noted))
        aside.rename(self.folder / "standing.json")


def standing(folder: Path = FOLDER) -> Standing | None:
    """What an earlier `up` left, or None."""
    try:
        noted = json.loads((folder / "standing.json").read_text())
    except FileNotFoundError:
        return None
    return Standing(folder, [Started(**each) for each in noted["processes"]], noted["kind_cluster"])


def up(environ: Mapping[str, str], folder: Path = FOLDER) -> Path:
    """Have a cluster that stays, and answer with its kubeconfig. Raises NoCluster."""
    before = standing(folder)
    if before is not None and before.whole and not environ.get(NAMED):
        report(f"a cluster is up already: {folder}")
        return before.kubeconfig
    if before is not None and not environ.get(NAMED):  # a cluster of the user ends none of ours
        down(environ, folder)
    for source in sources(environ):
        with contextlib.suppress(Missing):
            return _left_standing(source, folder)
    raise NoCluster("none of the ways to a cluster worked")


def down(environ: Mapping[str, str], folder: Path = FOLDER) -> None:
    """End what `up` left. Nothing there is no error."""
    left = standing(folder)
    if left is None:
        report("no cluster is up")
        return
    _end(left.processes)
    if left.kind_cluster is not None:
        try:
            kind.delete(kind.usable(environ), left.kind_cluster)
        except Missing as why:
            raise NoCluster(f"kind cluster {left.kind_cluster} cannot be deleted: {why}") from why
    shutil.rmtree(folder)
    report("the cluster is down")


def _left_standing(source: Source, folder: Path) -> Path:
    match source:
        case Named():
            report(f"using the cluster that {NAMED} names")
            return source.kubeconfig
        case OnKind():
            return _kind_left(source, folder)
        case Local():
            return _control_plane_left(source.programs, folder)


def _kind_left(source: OnKind, folder: Path) -> Path:
    checkout = hashlib.sha256(str(folder).encode()).hexdigest()[:8]  # each checkout has its own
    left = Standing(folder, kind_cluster=f"flashsystem-operator-{checkout}")
    left.save()
    try:
        kind.create(source.kind, str(left.kind_cluster), left.kubeconfig)
    except Missing as why:
        report(f"not on kind: {why}")
        shutil.rmtree(folder)
        raise
    return left.kubeconfig


def _control_plane_left(found: Programs, folder: Path) -> Path:
    report(f"using a local control plane, programs {found.origin}")
    left = Standing(folder)
    try:
        ControlPlane(found, folder, leave_to=left.remember).start()
    except Died as why:
        raise NoCluster(f"the local control plane did not start: {why}") from why
    report(f"a kubectl for it is {found.kubectl}")
    return left.kubeconfig


def _end(processes: Iterable[Started]) -> None:
    """End them, the last one first, but never one that only has the pid of ours."""
    for process in reversed(list(processes)):
        if process.alive:
            os.kill(process.pid, signal.SIGTERM)
            os.kill(process.pid, signal.SIGCONT)  # a paused program hears nothing
        deadline = time.monotonic() + GRACE
        while process.alive and time.monotonic() < deadline:
            time.sleep(POLL)
        if process.alive:
            os.killpg(process.pid, signal.SIGKILL)
