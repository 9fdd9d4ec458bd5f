"""What the demo plays on: a cluster with CRDs and rights, the operator, and a namespace for each array.

On the kind cluster of `make e2e` when it is up, with pods; else with processes, on whichever API server is available.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.choice import NAMED
from cluster.client import Cluster, KubectlFailed
from cluster.progress import report
from cluster.running import a_cluster
from cluster.scratch import Scratch
from demo import array, pods
from demo.array import Array
from demo.pods import Pod
from demo.resources import KINDS
from demo.screen import Screen
from flashsystem_operator.api.metadata import GROUP
from onkind.standing import Standing, standing
from support.operator_process import NAMESPACE, ROOT, Operator, install, open_secrets

_PATIENT = ("--lease-duration=15", "--log-level=INFO")
"""As in production: a busy machine must not look like a dead replica."""


@dataclass(frozen=True, slots=True)
class Stage:
    """folder: for logs, gone at the end. image: what pods run; None where there are none."""

    cluster: Cluster
    operator: Operator | Pod
    folder: Path
    image: str | None = None

    def an_array(self, dialect: str, namespace: str) -> contextlib.AbstractContextManager[Array]:
        if self.image is None:
            return array.an_array(dialect, self.folder)
        return pods.an_array(self.cluster, self.image, dialect, namespace, self.folder)


@contextlib.contextmanager
def a_stage(screen: Screen, *, processes: bool = False) -> Iterator[Stage]:
    """Set up, and afterwards end and remove all of it: also when it is left by an exception or by Ctrl-C.

    processes: do without pods, even where a kind cluster is up.
    """
    with contextlib.ExitStack() as ends:
        scratch = Scratch()
        ends.callback(scratch.remove)
        kind = None if processes or os.environ.get(NAMED) else standing()
        cluster = ends.enter_context(a_cluster() if kind is None else _on(kind, scratch.path))
        screen.show("The CRDs, the operator's rights and its fence, as a user installs them:")
        screen.typed("kubectl apply -k manifests/base")
        ends.enter_context(_installed(cluster))
        if kind is not None:
            screen.show("The operator, as a pod:")
            screen.typed(f"kubectl -n {NAMESPACE} rollout status deployment/flashsystem-operator")
            pod = Pod(cluster)
            pod.start()
            yield Stage(cluster, pod, scratch.path, kind.image)
            return
        operator = Operator(cluster, scratch.path / "operator.log", _PATIENT)
        screen.show("The operator, as a process, with the token of its service account and no other right:")
        screen.typed("flashsystem-operator run")
        ends.callback(operator.stop)
        operator.start()
        yield Stage(cluster, operator, scratch.path)


@contextlib.contextmanager
def _on(kind: Standing, folder: Path) -> Iterator[Cluster]:
    report(f"using kind cluster {kind.name}, which `make e2e` left up (`make e2e-down` ends it)")
    yield Cluster(kind.kubeconfig, Path(kind.kubectl), folder)


@contextlib.contextmanager
def _installed(cluster: Cluster) -> Iterator[None]:
    """A control plane of ours vanishes as a whole. In a cluster of the user, what was there before stays."""
    what = ("namespace,customresourcedefinition", "--output=name")
    present = {name for name in cluster.kubectl("get", *what).split() if name.endswith((f"/{NAMESPACE}", f".{GROUP}"))}
    try:
        install(cluster)
        yield
    finally:
        if cluster.control_plane is None and not present:
            cluster.kubectl("delete", "--kustomize", str(ROOT / "manifests" / "base"), "--ignore-not-found")


@contextlib.contextmanager
def a_namespace(cluster: Cluster, prefix: str) -> Iterator[str]:
    """A namespace whose Secrets the operator may read."""
    name = cluster.new_namespace(prefix)
    try:
        open_secrets(cluster, name)
        yield name
    finally:
        if cluster.control_plane is None:
            _sweep(cluster, name)
            cluster.kubectl("delete", "namespace", name)


def _sweep(cluster: Cluster, namespace: str) -> None:
    """After a story that broke. Its array goes with it, so there is nothing that a finalizer could still guard."""
    where = f"--namespace={namespace}"
    cluster.kubectl("delete", KINDS, "--all", "--wait=false", where)
    for left in cluster.kubectl("get", KINDS, "--output=name", where).split():
        with contextlib.suppress(KubectlFailed):  # it went by itself meanwhile
            cluster.kubectl("patch", left, where, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
