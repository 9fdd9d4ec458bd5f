"""Where the programs come from: KUBEBUILDER_ASSETS, else PATH, else built.

The servers all come from one place, because a controller manager must not be newer than its API server.
kubectl comes with them where it can; any kubectl that is to hand serves a cluster that is not ours.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import build
from cluster.missing import Missing
from cluster.progress import report
from cluster.recipe import PACKAGES

SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager")

Place = Callable[[str], Path | None]


@dataclass(frozen=True, slots=True)
class Programs:
    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path
    origin: str


def programs(environ: Mapping[str, str]) -> Programs:
    """All programs of a local control plane. Raises Missing, with every reason."""
    reasons = []
    for origin, place in _places(environ).items():
        servers = [place(name) for name in SERVERS]
        lacking = [name for name, found in zip(SERVERS, servers, strict=True) if found is None]
        if not lacking:
            etcd, apiserver, manager = filter(None, servers)
            return Programs(etcd, apiserver, manager, place("kubectl") or kubectl(environ), origin)
        reasons.append(f"{origin} lacks {', '.join(lacking)}")
        report(reasons[-1])
    try:
        folder = build.built(PACKAGES, environ)
    except Missing as why:
        raise Missing("; ".join((*reasons, str(why)))) from why
    etcd, apiserver, manager, client = (folder / name for name in PACKAGES)
    return Programs(etcd, apiserver, manager, client, f"built from Go modules in {folder}")


def kubectl(environ: Mapping[str, str]) -> Path:
    """A kubectl, whatever its version. Raises Missing."""
    for place in _places(environ).values():
        if found := place("kubectl"):
            return found
    return build.built(["kubectl"], environ) / "kubectl"


def _places(environ: Mapping[str, str]) -> dict[str, Place]:
    def on_path(name: str) -> Path | None:
        found = shutil.which(name, path=environ.get("PATH", ""))
        return Path(found) if found else None

    def in_assets(name: str) -> Path | None:
        found = shutil.which(name, path=assets)
        return Path(found) if found else None

    assets = environ.get("KUBEBUILDER_ASSETS")
    given: dict[str, Place] = {f"KUBEBUILDER_ASSETS={assets}": in_assets} if assets else {}
    return {**given, "PATH": on_path}
