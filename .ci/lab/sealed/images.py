"""Images built from packages alone: a node for kind, and a Python on which to build the operator's image."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.build import a_go, built, cache, home
from cluster.missing import Missing
from cluster.progress import report, reported
from cluster.recipe import CONTROL_PLANE, PACKAGES
from sealed.debian import a_root
from sealed.engine import environment
from sealed.machine import run_program
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
    """The names of the images of this recipe."""

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
    """Build all programs of a node, unless they are in the cache. Raises Missing."""
    built(PACKAGES, environ)
    built(PROGRAMS.packages, environ, PROGRAMS)


def make(release: str, environ: Mapping[str, str]) -> Names:
    """Build all images in the running engine. Those that exist are not built again. Raises Missing."""
    names = Names.of(release)
    if not _present(names.node, environ):
        programs(environ)
        with a_root(folder(environ), release, NODE_PACKAGES, environ) as root:
            _node(names.node, root, environ)
    for name, packages in ((names.python, PYTHON_PACKAGES), (names.build, BUILD_PACKAGES)):
        if not _present(name, environ):
            with a_root(folder(environ), release, packages, environ) as root, reported(f"importing {name}"):
                _import(root, name, environ)
    _remove_older(names, environ)
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
        with reported(work):
            run_program((HERE / "node" / "image.sh", step), settings)
    size = int(run_program(("docker", "image", "inspect", "--format", "{{.Size}}", name), settings))
    report(f"the node image has {size / 1e6:.0f} MB: {name}")


def _kind_files(environ: Mapping[str, str]) -> Path:
    """The folder in the Go module of kind with the files that kind puts into a node."""
    argv = [a_go(environ), "mod", "download", "-json", "sigs.k8s.io/kind"]
    downloaded = subprocess.run(argv, cwd=PROGRAMS.module, env=environ, capture_output=True, text=True, check=False)
    if downloaded.returncode != 0:
        raise Missing(f"the files of kind's module cannot be downloaded: {downloaded.stderr.strip()}")
    return Path(json.loads(downloaded.stdout)["Dir"]) / "images" / "base" / "files"


def _import(root: Path, name: str, environ: Mapping[str, str]) -> None:
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
    return bool(run_program(("docker", "images", "--quiet", name), environment(environ)).strip())


def _remove_older(names: Names, environ: Mapping[str, str]) -> None:
    """Remove the images of older recipes, a gigabyte each. Docker refuses to remove one that a cluster still uses."""
    for name in (names.node, names.python, names.build):
        repository = name.partition(":")[0]
        listed = run_program(
            ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", repository), environment(environ)
        )
        for older in set(listed.split()) - {name}:
            subprocess.run(
                ("docker", "rmi", older), env=environment(environ), capture_output=True, check=False, timeout=120
            )
