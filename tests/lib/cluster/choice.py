"""Which cluster: the one that the caller names, else kind, else a local control plane. And why, in a line each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import kind
from cluster.kind import Kind
from cluster.missing import Missing, NoCluster, nothing_to_hand
from cluster.programs import Programs, kubectl, programs
from cluster.progress import report

NAMED = "CLUSTER_KUBECONFIG"


@dataclass(frozen=True, slots=True)
class Named:
    """A cluster that the caller chose on purpose."""

    kubeconfig: Path
    kubectl: Path


@dataclass(frozen=True, slots=True)
class OnKind:
    kind: Kind
    kubectl: Path


@dataclass(frozen=True, slots=True)
class Local:
    programs: Programs


Source = Named | OnKind | Local


def sources(environ: Mapping[str, str]) -> Iterator[Source]:
    """What is to hand, best first; only as far as it is asked for. Raises NoCluster after the last one.

    A named cluster is used, and no other. KUBECONFIG and the current context are
    never read: they may name a cluster that is in use.
    """
    if environ.get(NAMED):
        yield _named(environ)
        return
    reasons = [f"{NAMED} is not set"]
    report(f"no cluster is named ({NAMED} is not set; KUBECONFIG and the current context are never used)")
    try:
        yield OnKind(kind.usable(environ), kubectl(environ))
        reasons.append("kind could not make a cluster")
    except Missing as why:
        report(f"not on kind: {why}")
        reasons.append(str(why))
    try:
        yield Local(programs(environ))
    except Missing as why:
        raise nothing_to_hand([*reasons, str(why)]) from why


def _named(environ: Mapping[str, str]) -> Named:
    path = Path(environ[NAMED])
    if not path.is_file():
        raise NoCluster(f"{NAMED} names {path}, and there is no such file. Correct it, or unset it.")
    try:
        return Named(path.absolute(), kubectl(environ))
    except Missing as why:
        raise NoCluster(f"{NAMED} is set, but there is no kubectl to use it with: {why}") from why
