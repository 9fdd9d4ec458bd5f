"""The kind cluster of this checkout: made afresh by `up`, and there until `down`, or until the next `up`."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import kind
from cluster.kind import Kind
from cluster.missing import Missing, NoCluster
from cluster.programs import kubectl
from cluster.progress import say
from cluster.standing import CHECKOUT
from onkind import image
from onkind.image import Image
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
    """What is up. sealed: in the engine of our own, else in the user's Docker. image: of the operator, in the node."""

    name: str
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
        """The kind and the Docker that it was made with. Raises Missing."""
        return clusters.kind(self.node_image, environ) if self.sealed else kind.usable(environ)


def up(environ: Mapping[str, str], folder: Path = FOLDER) -> Standing:
    """A new cluster with a new image of the operator in it; one that was up goes first. Raises NoCluster."""
    _remove(environ, folder)
    try:
        found, bases = _found(environ)
        built = image.build(found.environ, bases)
        return _made(found, bases, built, environ, folder)
    except Missing as why:
        raise NoCluster(f"{REMEDY}What was found:\n  - {why}") from why


def prepare(environ: Mapping[str, str]) -> None:
    """Have the node image, and the engine that holds it. Raises NoCluster."""
    try:
        _found(environ)
    except Missing as why:
        raise NoCluster(f"{REMEDY}What was found:\n  - {why}") from why


def down(environ: Mapping[str, str], folder: Path = FOLDER) -> None:
    """End the cluster, and the engine if it is ours and nobody else has a cluster in it. Nothing there is no error."""
    _remove(environ, folder)
    clusters.end_if_unused(environ)
    say("no kind cluster of this checkout is up")


def standing(folder: Path = FOLDER) -> Standing | None:
    """What `up` left, as far as that can be known without asking Docker; None when nothing is."""
    try:
        left = Standing(**json.loads((folder / "standing.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return left if left.kubeconfig.exists() and (engine.running() or not left.sealed) else None


def _found(environ: Mapping[str, str]) -> tuple[Kind, Names | None]:
    try:
        found = kind.usable(environ)
    except Missing as why:
        say(f"no node image is to hand ({why}), so one is made here")
        return clusters.usable(environ)
    say(f"using Docker with {found.image}")
    return found, None


def _made(found: Kind, bases: Names | None, built: Image, environ: Mapping[str, str], folder: Path) -> Standing:
    name = f"fs-e2e-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"  # each checkout has its own
    left = Standing(name, found.image, built.name, str(kubectl(environ)), bases is not None, str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    # Written down before it is made: a run that is killed from here on leaves what the next one ends.
    (folder / "standing.json").write_text(json.dumps(asdict(left)))
    if bases is None:
        kind.create(found, name, left.kubeconfig)
    else:
        with machine.alone():  # who comes next must see which port is taken
            kind.create(found, name, left.kubeconfig)
    kind.load(found, name, built.name)
    return left


def _remove(environ: Mapping[str, str], folder: Path) -> None:
    left = standing(folder)
    if left is not None:
        try:
            kind.delete(left.tools(environ), left.name)
        except Missing as why:
            raise NoCluster(f"kind cluster {left.name} cannot be deleted: {why}") from why
    shutil.rmtree(folder, ignore_errors=True)
