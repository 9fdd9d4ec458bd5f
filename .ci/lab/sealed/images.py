"""Images made from nothing but packages: of a node for kind, and of a Python to build the operator's image on."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.build import a_go, built, cache, home
from cluster.missing import Missing
from cluster.progress import say, told
from cluster.recipe import CONTROL_PLANE, PACKAGES
from sealed.debian import a_root
from sealed.engine import environment
from sealed.machine import done
from sealed.recipe import BUILD_PACKAGES, COMPONENTS, HERE, NODE_PACKAGES, PROGRAMS, PYTHON_PACKAGES, key

REPOSITORY = "flashsystem-operator"
STEPS = {
    "components": "making images of the Kubernetes components",
    "base": "importing the node's Debian",
    "files": "putting kind's files into the node",
    "preload": "loading the components into the node",
    "commit": "keeping the node image",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the images of this recipe are called."""

    node: str
    python: str
    build: str

    @classmethod
    def of(cls, release: str) -> "Names":
        tag = key(release)
        return cls(f"{REPOSITORY}/node:{tag}", f"{REPOSITORY}/python:{tag}", f"{REPOSITORY}/python-build:{tag}")


def folder(environ: Mapping[str, str]) -> Path:
    return home(environ) / "sealed"


def programs(environ: Mapping[str, str]) -> None:
    """Have all programs of a node built. Raises Missing."""
    built(PACKAGES, environ)
    built(PROGRAMS.packages, environ, PROGRAMS)


def make(release: str, environ: Mapping[str, str]) -> Names:
    """Have all images in the engine, which runs. What is there already is not made again. Raises Missing."""
    names = Names.of(release)
    if not _present(names.node, environ):
        programs(environ)
        with a_root(folder(environ), release, NODE_PACKAGES, environ) as root:
            _node(names.node, root, environ)
    for name, packages in ((names.python, PYTHON_PACKAGES), (names.build, BUILD_PACKAGES)):
        if not _present(name, environ):
            with a_root(folder(environ), release, packages, environ) as root, told(f"importing {name}"):
                _imported(root, name, environ)
    _forget_older(names, environ)
    return names


def _node(name: str, root: Path, environ: Mapping[str, str]) -> None:
    settings = {
        **environment(environ),
        **COMPONENTS,
        "ROOT": str(root),
        "SERVERS": str(cache(environ, CONTROL_PLANE)),
        "NODE": str(cache(environ, PROGRAMS)),
        "KIND_FILES": str(_kind_files(environ)),
        "VERSION": PROGRAMS.version(),
        "IMAGE": name,
    }
    for step, work in STEPS.items():
        with told(work):
            done((HERE / "node" / "image.sh", step), settings)
    size = int(done(("docker", "image", "inspect", "--format", "{{.Size}}", name), settings))
    say(f"the node image has {size / 1e6:.0f} MB: {name}")


def _kind_files(environ: Mapping[str, str]) -> Path:
    """The files that kind puts into a node, from its module."""
    argv = [a_go(environ), "mod", "download", "-json", "sigs.k8s.io/kind"]
    told_of = subprocess.run(argv, cwd=PROGRAMS.module, env=environ, capture_output=True, text=True, check=False)
    if told_of.returncode != 0:
        raise Missing(f"the files of kind's module cannot be had: {told_of.stderr.strip()}")
    return Path(json.loads(told_of.stdout)["Dir"]) / "images" / "base" / "files"


def _imported(root: Path, name: str, environ: Mapping[str, str]) -> None:
    with subprocess.Popen(("tar", "-C", root, "-c", "."), stdout=subprocess.PIPE) as packed:
        ended = subprocess.run(
            ("docker", "import", "-", name),
            stdin=packed.stdout,
            env=environment(environ),
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode != 0 or packed.returncode != 0:
        raise Missing(f"{name} could not be imported: {ended.stderr.strip()}")


def _present(name: str, environ: Mapping[str, str]) -> bool:
    return bool(done(("docker", "images", "--quiet", name), environment(environ)).strip())


def _forget_older(names: Names, environ: Mapping[str, str]) -> None:
    """Older recipes leave a gigabyte each. One that a cluster still uses stays: Docker refuses to remove it."""
    for name in (names.node, names.python, names.build):
        repository = name.partition(":")[0]
        listed = done(("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", repository), environment(environ))
        for older in set(listed.split()) - {name}:
            subprocess.run(
                ("docker", "rmi", older), env=environment(environ), capture_output=True, check=False, timeout=120
            )
