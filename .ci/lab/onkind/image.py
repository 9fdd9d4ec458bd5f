"""The operator's image: built as a user builds it or, without a network, from wheels that are downloaded before."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.build import home
from cluster.missing import Missing
from cluster.progress import report, reported
from cluster.standing import CHECKOUT
from sealed.images import Names
from sealed.machine import run_program

CONTEXT = ("Dockerfile", ".dockerignore", "requirements", "pyproject.toml", "README.md", "LICENSE", "operator")
REQUIREMENTS = ("requirements/image.txt", "requirements/build.txt")
BUILD_LIMIT = 1200.0  # seconds


@dataclass(frozen=True, slots=True)
class Image:
    """A built image.

    name: with its tag. size: in bytes, as Docker reports it, including the base image.
    """

    name: str
    size: int

    def __str__(self) -> str:
        return f"{self.name} ({self.size / 1e6:.0f} MB)"


def name() -> str:
    """The name that the manifests use: an image of this name that is in the node is not pulled."""
    text = (CHECKOUT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', text, re.MULTILINE)
    assert version is not None
    return f"flashsystem-operator:{version[1]}"


def build(environ: Mapping[str, str], bases: Names | None = None) -> Image:
    """Build it with the Docker of this environment. Raises Missing with the end of the build log.

    bases: images to build on without a network; the packages are then downloaded here first.
    """
    tag = name()
    args = ["--tag", tag, "--build-arg", f"VERSION={tag.partition(':')[2]}"]
    args += ["--build-arg", f"REVISION={_revision()}"]
    parts = ["-C", str(CHECKOUT), "--exclude=__pycache__", "-c", *CONTEXT]
    if bases is not None:
        wheels = _wheels(bases, environ)
        parts += ["-C", str(wheels.parent), f"--transform=s,^{wheels.name},wheels,", wheels.name]
        args += ["--build-arg", f"BASE={bases.python}", "--build-arg", f"BUILD_BASE={bases.build}"]
        args += ["--build-arg", "PIP_OPTIONS=--no-index --find-links=/wheels"]
    with reported(f"building the image {tag}"):
        _run_build(args, parts, environ)
    image = Image(tag, int(run_program(("docker", "image", "inspect", "--format", "{{.Size}}", tag), environ)))
    report(f"the image is {image}")
    return image


def _run_build(args: list[str], parts: list[str], environ: Mapping[str, str]) -> None:
    # The context is a tar, so that the wheels need not be copied into the checkout.
    with tempfile.TemporaryFile() as log, subprocess.Popen(("tar", *parts), stdout=subprocess.PIPE) as context:
        ended = subprocess.run(
            ("docker", "build", *args, "-"),
            stdin=context.stdout,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environ,
            check=False,
            timeout=BUILD_LIMIT,
        )
        log.seek(0)
        last = b"\n".join(log.read().strip().splitlines()[-25:]).decode(errors="replace")
    if ended.returncode != 0 or context.returncode != 0:
        raise Missing(f"the image could not be built:\n{last}")


def _revision() -> str:
    head = subprocess.run(
        ("git", "-C", CHECKOUT, "rev-parse", "HEAD"), capture_output=True, text=True, check=False
    )  # unknown without git, or outside of a clone
    return head.stdout.strip() or "unknown"


def _wheels(bases: Names, environ: Mapping[str, str]) -> Path:
    """A folder with the pinned packages. They are downloaded once, into a temporary folder that is then renamed."""
    pins = hashlib.sha256(b"".join((CHECKOUT / each).read_bytes() for each in REQUIREMENTS)).hexdigest()[:12]
    folder = home(environ) / "wheels" / pins
    if folder.exists():
        return folder
    _require_same_python(bases, environ)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        for each in REQUIREMENTS:
            with reported(f"fetching the wheels of {each}"):
                run_program((*PIP, "--dest", aside, "--requirement", CHECKOUT / each), environ)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:")


def _require_same_python(bases: Names, environ: Mapping[str, str]) -> None:
    """Check that the image has the Python version of this process: pip downloads wheels for the Python that runs it."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    argv = ("docker", "run", "--rm", "--network", "none", bases.python, "python3", "-c", program)
    in_image = run_program(argv, environ).strip()
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if in_image != here:
        raise Missing(
            f"the image gets Debian's Python {in_image}, but its packages would be fetched by Python {here}: "
            f"make .venv with Python {in_image} (rm -r .venv, and put python{in_image} on PATH as python3)"
        )
