"""The kind cluster of this checkout: `up` creates it, and it stays until `down` or the next `up`."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import kind
from cluster.kind import Kind
from cluster.missing import Missing, NoCluster
from cluster.programs import kubectl
from cluster.progress import report
from cluster.standing import CHECKOUT
from onkind import image
from sealed import clusters, engine, machine
from sealed.images import Names

FOLDER = CHECKOUT / ".run" / "e2e"
REMEDY = """\
No kind cluster can be created here. Either of these is enough:
  - Docker running, kind on PATH, and its node image pulled (docker pull kindest/node:TAG)
  - Debian, root, Go 1.21 or newer, a way to package mirrors, and: apt-get install docker.io containerd runc debootstrap
    iptables iproute2. The node image is then built here, and runs in an isolated network
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A cluster that is up.

    program: kind. node_image: the image of the node. image: of the operator, in the node.
    sealed: the cluster is in our own isolated engine; otherwise in the user's Docker.
    """

    name: str
    program: str
    node_image: str
    image: str
    kubectl: str
    sealed: bool
    folder: str = str(FOLDER)

    @property
    def kubeconfig(self) -> Path:
        return Path(self.folder) / "kubeconfig"

    @property
    def node(self) -> str:
        """The name of the node's container."""
        return f"{self.name}-control-plane"

    def tools(self, environ: Mapping[str, str]) -> Kind:
        """The kind and the Docker with which it was created."""
        return Kind(self.program, self.node_image, engine.environment(environ) if self.sealed else environ)


def up(environ: Mapping[str, str], folder: Path = FOLDER) -> Standing:
    """Create a cluster with a new image of the operator in it; one that is up is deleted first. Raises NoCluster."""
    _remove(environ, folder)
    with _found(environ) as (found, bases):
        return _create(found, bases, environ, folder)


def prepare(environ: Mapping[str, str]) -> None:
    """Provide the node image and the engine that holds it. Raises NoCluster."""
    with _found(environ):
        pass


def down(environ: Mapping[str, str], folder: Path = FOLDER) -> None:
    """Delete the cluster, and stop the engine if it is ours and has no other cluster. Nothing to delete is no error."""
    _remove(environ, folder)
    clusters.end_if_unused(environ)
    report("no kind cluster of this checkout is up")


def standing(folder: Path = FOLDER) -> Standing | None:
    """The cluster that `up` created, as far as is known without asking Docker; None if there is none."""
    left = _noted(folder)
    return left if left is not None and left.kubeconfig.exists() and _has_engine(left) else None


def _noted(folder: Path) -> Standing | None:
    try:
        return Standing(**json.loads((folder / "standing.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _has_engine(left: Standing) -> bool:
    return engine.running() or not left.sealed


@contextlib.contextmanager
def _found(environ: Mapping[str, str]) -> Iterator[tuple[Kind, Names | None]]:
    """The tools to create a cluster with and, without a network, the base images to build on. Raises NoCluster."""
    try:
        try:
            found = kind.usable(environ)
        except Missing as why:
            report(f"no node image is available ({why}), so one is built here")
            machine.release(environ)
            # There is one engine for the whole machine, and image names in it are shared too.
            with machine.machine_lock():
                yield clusters.usable(environ)
            return
        report(f"using Docker with {found.image}")
        yield found, None
    except Missing as why:
        raise NoCluster(f"{REMEDY}What was found:\n  - {why}") from why


def _create(found: Kind, bases: Names | None, environ: Mapping[str, str], folder: Path) -> Standing:
    name = f"fs-e2e-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"  # each checkout has its own
    client = str(kubectl(environ))
    left = Standing(name, found.program, found.image, image.name(), client, bases is not None, str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    # Recorded before it is created: if this run is killed from here on, the next one can clean up.
    (folder / "standing.json").write_text(json.dumps(asdict(left)))
    kind.delete(found, name)  # one that Docker restarted after a reboot
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(image.build, found.environ, bases)
        kind.create(found, name, left.kubeconfig)
        kind.load(found, name, building.result().name)
    return left


def _remove(environ: Mapping[str, str], folder: Path) -> None:
    left = _noted(folder)
    if left is not None and _has_engine(left):
        kind.delete(left.tools(environ), left.name)
    shutil.rmtree(folder, ignore_errors=True)
