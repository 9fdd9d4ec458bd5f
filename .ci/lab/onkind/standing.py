"""The kind cluster of this checkout: made afresh by `up`, and there until `down`, or until the next `up`."""

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
from cluster.progress import say
from cluster.standing import CHECKOUT
from onkind import image
from sealed import clusters, engine, machine
from sealed.images import Names

FOLDER = CHECKOUT / ".run" / "e2e"
REMEDY = """\
No kind cluster can be had here. Either of these is enough:
  - Docker running, kind on PATH, and its node image to hand (docker pull kindest/node:TAG)
  - Debian, root, Go 1.21 or newer, a way to package mirrors, and: apt-get install docker.io containerd runc debootstrap
    iptables iproute2. The node image is then made here, in a network of its own that has no way out
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is up.

    program: kind. node_image: what it made the node of. image: of the operator, in the node.
    sealed: in the engine of our own; else in the user's Docker.
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
        """The container that is the node."""
        return f"{self.name}-control-plane"

    def tools(self, environ: Mapping[str, str]) -> Kind:
        """The kind and the Docker that it was made with."""
        return Kind(self.program, self.node_image, engine.environment(environ) if self.sealed else environ)


def up(environ: Mapping[str, str], folder: Path = FOLDER) -> Standing:
    """A new cluster with a new image of the operator in it; one that was up goes first. Raises NoCluster."""
    _remove(environ, folder)
    with _found(environ) as (found, bases):
        return _made(found, bases, environ, folder)


def prepare(environ: Mapping[str, str]) -> None:
    """Have the node image, and the engine that holds it. Raises NoCluster."""
    with _found(environ):
        pass


def down(environ: Mapping[str, str], folder: Path = FOLDER) -> None:
    """End the cluster, and the engine if it is ours and nobody else has a cluster in it. Nothing there is no error."""
    _remove(environ, folder)
    clusters.end_if_unused(environ)
    say("no kind cluster of this checkout is up")


def standing(folder: Path = FOLDER) -> Standing | None:
    """What `up` left, as far as that can be known without asking Docker; None when nothing is."""
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
    """What to make a cluster with, and what to build the image on where there is no network. Raises NoCluster."""
    try:
        try:
            found = kind.usable(environ)
        except Missing as why:
            say(f"no node image is to hand ({why}), so one is made here")
            machine.release(environ)
            # The engine is one for the whole machine, and an image's name in it too.
            with machine.alone():
                yield clusters.usable(environ)
            return
        say(f"using Docker with {found.image}")
        yield found, None
    except Missing as why:
        raise NoCluster(f"{REMEDY}What was found:\n  - {why}") from why


def _made(found: Kind, bases: Names | None, environ: Mapping[str, str], folder: Path) -> Standing:
    name = f"fs-e2e-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"  # each checkout has its own
    client = str(kubectl(environ))
    left = Standing(name, found.program, found.image, image.name(), client, bases is not None, str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    # Written down before it is made: a run that is killed from here on leaves what the next one ends.
    (folder / "standing.json").write_text(json.dumps(asdict(left)))
    kind.delete(found, name)  # one that Docker started again after the machine did
    with ThreadPoolExecutor(1) as beside:
        building = beside.submit(image.build, found.environ, bases)
        kind.create(found, name, left.kubeconfig)
        kind.load(found, name, building.result().name)
    return left


def _remove(environ: Mapping[str, str], folder: Path) -> None:
    left = _noted(folder)
    if left is not None and _has_engine(left):
        kind.delete(left.tools(environ), left.name)
    shutil.rmtree(folder, ignore_errors=True)
