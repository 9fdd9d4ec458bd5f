"""A kind cluster, where Docker runs and the node image is there already: nothing large is fetched unasked."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.missing import Missing
from cluster.progress import reported

IMAGE = "kindest/node"
ANSWER_LIMIT = 20.0  # seconds that `docker info` and the like may take
CREATE_LIMIT = 600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """The program and the node image that a cluster can be made with."""

    program: str
    image: str
    environ: Mapping[str, str]
    configuration: Callable[[Mapping[str, str]], str] | None = None
    """kind's own configuration file for the next cluster, as YAML; with what kind takes for granted when left out."""


def usable(environ: Mapping[str, str]) -> Kind:
    """What a kind cluster can be made with here. Raises Missing with the first thing that lacks."""
    docker = _found("docker", environ)
    program = _found("kind", environ)
    info = _run(environ, docker, "info", "--format", "{{.ServerVersion}}")
    if info.returncode != 0:
        raise Missing(f"Docker does not answer: {_last_line(info.stderr)}")
    listed = _run(environ, docker, "images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", IMAGE).stdout.split("\n")
    images = [line.split() for line in listed if line.strip()]
    if not images:
        raise Missing(f"Docker has no image {IMAGE} (docker pull {IMAGE}:TAG would get one)")
    name, identity = images[0]
    # An image that was pulled by its digest, as kind itself does, has no tag.
    return Kind(program, identity if name.endswith(":<none>") else name, environ)


@contextlib.contextmanager
def running(kind: Kind, name: str, kubeconfig: Path) -> Iterator[None]:
    """A cluster that is deleted at the end, also when this process is killed."""
    with _deleted_at_the_end(kind, name):
        create(kind, name, kubeconfig)
        yield


def create(kind: Kind, name: str, kubeconfig: Path) -> None:
    """Make a cluster and its administrator's kubeconfig; the user's own kubeconfig stays as it is. Raises Missing."""
    arguments = ["create", "cluster", "--name", name, "--image", kind.image, "--wait", "120s"]
    configuration = None if kind.configuration is None else kind.configuration(kind.environ)
    if configuration is not None:
        arguments += ["--config", "-"]
    argv = (kind.program, *arguments, "--kubeconfig", str(kubeconfig))
    with reported(f"making kind cluster {name}"):
        ended = _run(kind.environ, *argv, seconds=CREATE_LIMIT, stdin=configuration)
    if ended.returncode != 0:
        delete(kind, name)
        raise Missing(f"kind create cluster failed: {_last_line(ended.stderr)}")


def delete(kind: Kind, name: str) -> None:
    _run(kind.environ, *_deletion(kind, name), seconds=CREATE_LIMIT)


@contextlib.contextmanager
def _deleted_at_the_end(kind: Kind, name: str) -> Iterator[None]:
    # A keeper that reads until our end of its pipe is closed, by us or by the kernel, and then deletes.
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; exec "$@"', "keeper", *_deletion(kind, name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=kind.environ,
    )
    try:
        yield
    finally:
        with reported(f"deleting kind cluster {name}"):
            keeper.communicate(timeout=CREATE_LIMIT)


def _deletion(kind: Kind, name: str) -> tuple[str, ...]:
    # Its default kubeconfig is the user's: kind would tidy up in there.
    return (kind.program, "delete", "cluster", "--name", name, "--kubeconfig", os.devnull)


def _found(program: str, environ: Mapping[str, str]) -> str:
    found = shutil.which(program, path=environ.get("PATH", ""))
    if found is None:
        raise Missing(f"{program} is not on PATH")
    return found


def load(kind: Kind, name: str, image: str) -> None:
    """Put an image of this Docker into the cluster's nodes. Raises Missing."""
    with reported(f"loading {image} into {name}"):
        ended = _run(kind.environ, kind.program, "load", "docker-image", image, "--name", name, seconds=CREATE_LIMIT)
    if ended.returncode != 0:
        raise Missing(f"{image} could not be loaded: {_last_line(ended.stderr)}")


def _run(
    environ: Mapping[str, str], *argv: str, seconds: float = ANSWER_LIMIT, stdin: str | None = None
) -> "subprocess.CompletedProcess[str]":
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=seconds, env=environ, **given)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no answer within {seconds:.0f} s")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it printed nothing"])[-1]
