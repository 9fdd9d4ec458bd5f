"""A cluster as tests and the demo see it: kubectl, namespaces, kubeconfigs of service accounts, the audit log."""

import contextlib
import functools
import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster import audit, kubeconfig
from cluster.api import Api, Refused
from cluster.audit import AuditRecord
from cluster.control_plane import ControlPlane

KUBECTL_LIMIT = 360.0  # seconds; longer than any --timeout that a test passes

Document = Mapping[str, Any]


class KubectlFailed(Exception):
    """kubectl ended with another code than 0; `stderr` has its message."""

    def __init__(self, arguments: Sequence[str], code: int, stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)} ended with code {code}: {stderr.strip()}")
        self.stderr = stderr
        self.code = code


class NoAudit(Exception):
    """The audit log of this cluster cannot be read."""


class Cluster:
    """A Kubernetes cluster that may be changed at will.

    kubeconfig: of an administrator.
    control_plane: the programs of the API server, when they are ours; None in a cluster that is only used.
    """

    def __init__(
        self, kubeconfig_file: Path, kubectl: Path, folder: Path, control_plane: ControlPlane | None = None
    ) -> None:
        self.kubeconfig = kubeconfig_file
        self.control_plane = control_plane
        self._kubectl = kubectl
        self._folder = folder
        self._numbers = itertools.count(1)

    @functools.cached_property
    def api(self) -> Api:
        """The administrator's way past kubectl."""
        return Api(self.kubeconfig)

    def kubectl(self, *arguments: str, stdin: str | None = None, kubeconfig_file: Path | None = None) -> str:
        """Run kubectl as the administrator, or as the user of the kubeconfig; raises KubectlFailed with its message."""
        ended = subprocess.run(
            self.kubectl_command(*arguments, kubeconfig_file=kubeconfig_file),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=KUBECTL_LIMIT,
            env=self.environment(),
        )
        if ended.returncode != 0:
            raise KubectlFailed(arguments, ended.returncode, ended.stderr)
        return ended.stdout

    def kubectl_command(self, *arguments: str, kubeconfig_file: Path | None = None) -> list[str]:
        """The command line that runs kubectl against this cluster and no other, for callers that start it."""
        # The usual cache is named after the server's address; on loopback the next cluster may have the same.
        cache = self._folder / "kubectl-cache"
        return [
            str(self._kubectl),
            f"--kubeconfig={kubeconfig_file or self.kubeconfig}",
            f"--cache-dir={cache}",
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        """Our environment without what would lead a client to another cluster."""
        ours = {
            key: value for key, value in os.environ.items() if key != "KUBECONFIG" and not key.startswith("KUBERNETES_")
        }
        # Over a websocket `kubectl exec` loses output that comes before its streams are there ("Unknown stream id").
        return {**ours, "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}

    def get(self, *arguments: str) -> Any:
        """What `kubectl get` finds, decoded."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def apply(self, what: Path | str | Document | Sequence[Document], namespace: str | None = None) -> str:
        """Apply a file, a folder (a kustomization when it is one), YAML text, or documents."""
        where = [] if namespace is None else [f"--namespace={namespace}"]
        if isinstance(what, Path):
            option = "--kustomize" if (what / "kustomization.yaml").exists() else "--filename"
            return self.kubectl("apply", option, str(what), *where)
        text = what if isinstance(what, str) else json.dumps(_list(what))
        return self.kubectl("apply", "--filename=-", *where, stdin=text)

    def new_namespace(self, prefix: str = "test") -> str:
        """Create a namespace with an unused name."""
        begin = re.sub("[^a-z0-9]+", "-", prefix.lower()).strip("-")[:40].strip("-")
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{begin or 'test'}-"}}
        return str(self.api.create("/api/v1/namespaces", body)["metadata"]["name"])

    @contextlib.contextmanager
    def namespace(self, prefix: str = "test") -> Iterator[str]:
        """A namespace with an unused name, deleted afterwards without waiting for it to be gone."""
        name = self.new_namespace(prefix)
        try:
            yield name
        finally:
            with contextlib.suppress(Refused):  # it is gone, or going
                self.api.delete(f"/api/v1/namespaces/{name}")

    def kubeconfig_for(self, service_account: str, namespace: str, duration: str = "8h") -> Path:
        """A kubeconfig with a fresh token of the service account in it, and nothing else: exactly its rights."""
        token = self.kubectl("create", "token", service_account, f"--namespace={namespace}", f"--duration={duration}")
        shown = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        path = self._folder / f"{namespace}-{service_account}-{next(self._numbers)}.kubeconfig"
        return kubeconfig.write(path, kubeconfig.Server.of(shown), service_account, token.strip(), namespace)

    @property
    def audited(self) -> bool:
        return self.control_plane is not None and self.control_plane.audit_log is not None

    def audit(self) -> list[AuditRecord]:
        """All requests so far. Raises NoAudit unless the cluster is a local control plane started with audit=True."""
        if self.control_plane is None or self.control_plane.audit_log is None:
            raise NoAudit("only a local control plane started with audit=True has an audit log that can be read")
        return audit.records(self.control_plane.audit_log)


def _list(what: Document | Sequence[Document]) -> Document:
    items = [what] if isinstance(what, Mapping) else list(what)
    return {"apiVersion": "v1", "kind": "List", "items": items}
