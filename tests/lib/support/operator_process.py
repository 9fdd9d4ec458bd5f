"""The operator as a process, with a service account's token and exactly the rights of the manifests."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from cluster.api import path_to
from cluster.client import Cluster
from support.kinds import await_kinds

ROOT = Path(__file__).parents[3]
NAMESPACE = "flashsystem-system"
ACCOUNT = "flashsystem-operator"
LEASE_SECONDS = 3.0
IN_DOUBT_SECONDS = 3.0
DEBOUNCE_SECONDS = 2.0
PROTECTED_SECONDS = 2.0


def install(cluster: Cluster) -> None:
    """CRDs and manifests, as a user applies them. Nothing runs of them without a node, but rights and fences hold."""
    cluster.apply(ROOT / "manifests" / "base")
    await_kinds(cluster)


def open_secrets(cluster: Cluster, namespace: str, role: str = "flashsystem-operator-secrets") -> None:
    """Let the operator read Secrets of a namespace, by the binding that the docs describe.

    role: with flashsystem-operator-connection-secrets it may keep those of attachments there.
    """
    cluster.api.create(
        path_to("rbac.authorization.k8s.io/v1", "rolebindings", namespace=namespace),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        },
    )


@contextlib.contextmanager
def keeping_volumes(cluster: Cluster) -> Iterator[None]:
    """The operator may keep PersistentVolumes while the block lasts: by the component, in the whole cluster."""
    component = ROOT / "manifests" / "components" / "persistent-volumes" / "roles.yaml"
    cluster.apply(component)
    try:
        yield
    finally:
        cluster.kubectl("delete", "--filename", str(component))


def account(cluster: Cluster) -> Path:
    """A kubeconfig of the operator's service account."""
    return cluster.kubeconfig_for(ACCOUNT, NAMESPACE)


@contextlib.contextmanager
def replica(cluster: Cluster, log: Path, *options: str, kubeconfig: Path | None = None) -> Iterator["Operator"]:
    """One that runs while the block lasts. A failing test shows its log, in which it may report no bug of its own."""
    operator = Operator(cluster, log, options, kubeconfig)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()
        print(operator.log[-20000:])  # noqa: T201 - pytest shows it when the test fails
    assert "Traceback" not in operator.log, "the operator reported a bug of its own"
    assert [line for line in operator.log.splitlines() if " ERROR " in line] == []


class Operator:
    """One replica. `start`, `kill` and `stop` may follow one another.

    options: of `run`; they come last, so they win over those given here. kubeconfig: another way to the API server.
    """

    def __init__(
        self, cluster: Cluster, log: Path, options: Sequence[str] = (), kubeconfig: Path | None = None
    ) -> None:
        self._log = log
        self._options = list(options)
        self._kubeconfig = kubeconfig or account(cluster)
        self._process: subprocess.Popen[bytes] | None = None
        self._written: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        self._written = self._log.open("ab")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-m", "flashsystem_operator", "run"),
                *("--kubeconfig", str(self._kubeconfig), "--namespace", NAMESPACE),
                *("--lease-duration", str(LEASE_SECONDS), "--in-doubt-timeout", str(IN_DOUBT_SECONDS)),
                *("--deletion-debounce", str(DEBOUNCE_SECONDS), "--protected-retry", str(PROTECTED_SECONDS)),
                *("--log-level", "DEBUG", *self._options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._written,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KUBECONFIG": ""},
        )

    def ensure(self) -> None:
        if not self.running:
            self.start()

    def kill(self) -> None:
        """As the kernel does when memory runs out: nothing is let go."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Suspend it, like a machine that stops for a while: nothing is released, and nothing is renewed."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """As Kubernetes does: answers with the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(timeout=300)
        if self._written:
            self._written.close()
        self._process = self._written = None
        return code
