"""How programs are built from Go modules. What is here decides the name of the cache."""

import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODULE = Path(__file__).with_name("programs")

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}

# Whatever the caller has set for other projects must not change what is built here.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A folder with a go.mod, which names the versions, and the package of each program.

    subject: what it is programs of, as people call it; source: the Go module whose version is theirs.
    flags: of the compiler; None for those of Kubernetes.
    """

    module: Path
    packages: Mapping[str, str] = field(hash=False)
    subject: str = "Kubernetes"
    source: str = "k8s.io/kubernetes"
    flags: tuple[str, ...] | None = None

    def version(self) -> str:
        """The version of its source that go.mod pins, as in v1.36.3."""
        required = rf"^\s*(?:require )?{re.escape(self.source)} (v\S+)"
        pinned = re.search(required, (self.module / "go.mod").read_text(), re.MULTILINE)
        if pinned is None:
            raise LookupError(f"{self.module / 'go.mod'} does not require {self.source}")
        return pinned[1]

    def arguments(self, name: str, target: Path) -> list[str]:
        """The words after `go` that build one program, the same on every machine."""
        flags = ("-ldflags", self._ldflags()) if self.flags is None else self.flags
        return ["build", "-trimpath", *flags, "-o", str(target), self.packages[name]]

    def key(self) -> str:
        """A name for programs built like this: version and hash. Anything that changes them changes it."""
        recipe = hashlib.sha256()
        for file in (self.module / "go.mod", self.module / "go.sum", *sorted(self.module.rglob("*.go"))):
            recipe.update(file.read_bytes())
        words = [self.arguments(name, Path(name)) for name in self.packages]
        recipe.update(repr((words, sorted(ENVIRONMENT.items()), sys.platform, platform.machine())).encode())
        return f"{self.version()}-{recipe.hexdigest()[:12]}"

    def _ldflags(self) -> str:
        """Strip the programs, and tell them their version: without it clients read v0.0.0-master."""
        major, minor, _ = self.version().removeprefix("v").split(".", 2)
        told = {"gitVersion": self.version(), "gitMajor": major, "gitMinor": minor}
        variables = (f"-X k8s.io/component-base/version.{name}={value}" for name, value in told.items())
        return " ".join(("-s -w", *variables))


CONTROL_PLANE = Recipe(MODULE, PACKAGES)
