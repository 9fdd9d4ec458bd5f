"""A cluster for as long as a `with` lasts: what was started for it is ended with it."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from cluster import kind
from cluster.choice import NAMED, Local, Named, OnKind, Source, sources
from cluster.client import Cluster, KubectlFailed
from cluster.control_plane import ControlPlane
from cluster.missing import Missing, NoCluster, nothing_to_hand
from cluster.processes import Died
from cluster.programs import Programs, programs
from cluster.progress import report
from cluster.scratch import Scratch


@contextlib.contextmanager
def a_cluster(*, audit: bool = False, environ: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A running cluster of whichever kind is to hand; what was started for it is ended afterwards.

    audit: a local control plane keeps the records that Cluster.audit reads. The other kinds cannot.
    Raises NoCluster with a message for the user.
    """
    environ = os.environ if environ is None else environ
    with contextlib.ExitStack() as ends:
        for source in sources(environ):
            try:
                cluster = ends.enter_context(_opened(source, audit=audit))
            except Missing as why:
                report(f"not on kind: {why}")
                continue
            yield cluster
            return


@contextlib.contextmanager
def a_control_plane(*, audit: bool = False, environ: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A local control plane whatever else is to hand: for tests that pause, kill or restart the API server."""
    try:
        found = programs(os.environ if environ is None else environ)
    except Missing as why:
        raise nothing_to_hand([str(why)]) from why
    with _local(found, audit=audit) as cluster:
        yield cluster


def prepare(environ: Mapping[str, str]) -> None:
    """Have ready what the two above need, where one can watch: a test's output is not seen while a build goes on.

    Raises NoCluster when there will be no cluster at all.
    """
    source = next(sources(environ))
    try:
        found = source.programs if isinstance(source, Local) else programs(environ)
        report(f"ready: {found.origin}")
    except Missing as why:
        report(f"no local control plane, so tests that pause or kill an API server will be skipped: {why}")


def _opened(source: Source, *, audit: bool) -> contextlib.AbstractContextManager[Cluster]:
    match source:
        case Named():
            return _used(source)
        case OnKind():
            return _on_kind(source)
        case Local():
            return _local(source.programs, audit=audit)


@contextlib.contextmanager
def _used(named: Named) -> Iterator[Cluster]:
    report(f"using the cluster that {NAMED} names: {named.kubeconfig}")
    with _scratch() as folder:
        cluster = Cluster(named.kubeconfig, named.kubectl, folder)
        try:
            cluster.kubectl("get", "--raw=/readyz", "--request-timeout=20s")
        except (KubectlFailed, subprocess.TimeoutExpired) as why:
            raise NoCluster(f"the cluster that {NAMED} names does not answer. {why}") from why
        yield cluster


@contextlib.contextmanager
def _on_kind(source: OnKind) -> Iterator[Cluster]:
    report(f"using kind, because Docker runs and has {source.kind.image}")
    with _scratch() as folder, kind.running(source.kind, f"flashsystem-operator-{os.getpid()}", folder / "kubeconfig"):
        yield Cluster(folder / "kubeconfig", source.kubectl, folder)


@contextlib.contextmanager
def _local(found: Programs, *, audit: bool) -> Iterator[Cluster]:
    report(f"using a local control plane, programs {found.origin}")
    with contextlib.ExitStack() as ends:
        scratch = Scratch()
        ends.callback(scratch.remove)
        plane = ControlPlane(found, scratch.path, audit=audit)
        try:
            plane.start()
        except Died as why:
            ends.pop_all()  # the folder stays: its logs have more than the message can show
            raise NoCluster(f"the local control plane did not start: {why}") from why
        ends.callback(plane.stop)
        yield Cluster(plane.kubeconfig, found.kubectl, plane.folder, plane)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    scratch = Scratch()
    try:
        yield scratch.path
    finally:
        scratch.remove()
