"""A Kubernetes API server of our own on loopback: etcd, kube-apiserver and kube-controller-manager, without a node.

Deployments are accepted and validated, but no pod starts. Namespaces end and owner references are honoured,
because the controller manager runs. Pods, Services and volumes have no controller here.
"""

import http.client
import secrets
import shutil
import signal
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cluster import audit, certificates, kubeconfig
from cluster.ports import free_ports
from cluster.processes import Died, Process
from cluster.programs import Programs
from cluster.progress import reported

START_LIMIT = 60.0  # seconds; about 5 on a quiet machine
ATTEMPTS = 3  # a port that was free a moment ago may be taken by now
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True, slots=True)
class Ports:
    client: int
    peer: int
    api: int


class ControlPlane:
    """The three programs, from `start` to `stop`.

    folder: where state, keys and logs go.
    audit: keep a record of all requests, for `audit_log`.
    leave_to: the programs outlive us; it receives each as it begins, to end it some day.
    """

    def __init__(
        self,
        programs: Programs,
        folder: Path,
        *,
        audit: bool = False,
        leave_to: Callable[[Process], None] | None = None,
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = self.folder / "kubeconfig"
        self.audit_log = self.folder / "audit.log" if audit else None
        self._leave_to = leave_to
        self._tokens = {name: secrets.token_hex(16) for name in ("admin", "system:kube-controller-manager")}
        self._started: list[Process] = []

    def start(self) -> None:
        """Start all three and wait until they do their work. Raises Died, and then leaves the logs in the folder."""
        with reported("starting etcd, kube-apiserver and kube-controller-manager"):
            self._start()

    def _start(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start_once()
            except Died as failure:
                self.stop()
                if attempt == ATTEMPTS or "address already in use" not in str(failure):
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def stop(self) -> None:
        """End what runs, in the order in which none waits for another. The folder stays."""
        while self._started:
            self._started.pop().stop(grace=1)

    @property
    def processes(self) -> tuple[Process, ...]:
        """What was started, the first one first."""
        return tuple(self._started)

    # For tests of what an API server's failure does to its clients.

    def pause(self) -> None:
        """Make the API server stand still: connections stay open, and nothing is answered."""
        self._apiserver.send(signal.SIGSTOP)

    def resume(self) -> None:
        self._apiserver.send(signal.SIGCONT)

    def kill_apiserver(self) -> None:
        """End the API server at once: connections break, and new ones are refused."""
        self._apiserver.kill()

    def start_apiserver(self) -> None:
        """Start the API server that was killed, at its old address and with its old state."""
        self._apiserver.start()
        self._apiserver.await_ready(self._answers, START_LIMIT)

    def restart_apiserver(self) -> None:
        self._apiserver.stop(grace=1)  # it would wait a minute for its watchers to leave
        self.start_apiserver()

    def _start_once(self) -> None:
        shutil.rmtree(self._store, ignore_errors=True)
        self._keys = certificates.make(self.folder)
        self._ports = Ports(*free_ports(3))
        self._write_files()
        etcd = self._begin("etcd", [self.programs.etcd, *self._etcd_flags()])
        etcd.await_ready(self._stores, START_LIMIT)
        self._apiserver = self._begin("kube-apiserver", [self.programs.apiserver, *self._apiserver_flags()])
        self._apiserver.await_ready(self._answers, START_LIMIT)
        manager = self._begin("kube-controller-manager", [self.programs.controller_manager, *self._manager_flags()])
        manager.await_ready(self._has_controllers, START_LIMIT)

    def _begin(self, name: str, argv: list[str | Path]) -> Process:
        process = Process(name, argv, self.folder / f"{name}.log", detached=self._leave_to is not None)
        process.start()
        if self._leave_to is not None:
            self._leave_to(process)
        self._started.append(process)
        return process

    def _write_files(self) -> None:
        server = kubeconfig.Server.local(self._ports.api, self._keys.authority)
        for user, path in (("admin", self.kubeconfig), ("system:kube-controller-manager", self._manager_kubeconfig)):
            kubeconfig.write(path, server, user, self._tokens[user])
        self._token_file.touch(mode=0o600)
        lines = (f"{token},{user},{user},system:masters\n" for user, token in self._tokens.items())
        self._token_file.write_text("".join(lines))
        self._audit_policy.write_text(audit.POLICY)

    @property
    def _store(self) -> Path:
        return self.folder / "etcd"

    @property
    def _manager_kubeconfig(self) -> Path:
        return self.folder / "kube-controller-manager.kubeconfig"

    @property
    def _token_file(self) -> Path:
        return self.folder / "tokens.csv"

    @property
    def _audit_policy(self) -> Path:
        return self.folder / "audit-policy.yaml"

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._ports.client, self._ports.peer))
        return [
            f"--data-dir={self._store}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
            "--unsafe-no-fsync",  # the state need not survive the machine
        ]

    def _apiserver_flags(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._ports.client}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._ports.api}",
            "--endpoint-reconciler-type=none",  # it would refuse a loopback address
            f"--tls-cert-file={self._keys.server}",
            f"--tls-private-key-file={self._keys.server_key}",
            f"--token-auth-file={self._token_file}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",  # as clusters with nodes have it: what is forbidden is decided by Pod Security
            f"--service-account-key-file={self._keys.accounts_key}",
            f"--service-account-signing-key-file={self._keys.accounts_key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            *self._audit_flags(),
        ]

    def _audit_flags(self) -> list[str]:
        if self.audit_log is None:
            return []
        return [
            f"--audit-policy-file={self._audit_policy}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",  # no batch that a reader would have to wait for
            "--audit-log-maxsize=10000",  # MiB: one file, never rotated
        ]

    def _manager_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self._manager_kubeconfig}",
            f"--service-account-private-key-file={self._keys.accounts_key}",
            f"--root-ca-file={self._keys.authority}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _stores(self) -> bool:
        etcd = http.client.HTTPConnection("127.0.0.1", self._ports.client, timeout=5)
        return _status(etcd, "/health") == http.HTTPStatus.OK

    def _answers(self) -> bool:
        return self._get("/readyz") == http.HTTPStatus.OK

    def _has_controllers(self) -> bool:
        """Whether the controller manager has done the first thing that is seen of it."""
        return self._get("/api/v1/namespaces/default/serviceaccounts/default") == http.HTTPStatus.OK

    def _get(self, path: str) -> int:
        trust = ssl.create_default_context(cafile=self._keys.authority)
        apiserver = http.client.HTTPSConnection("127.0.0.1", self._ports.api, timeout=5, context=trust)
        return _status(apiserver, path, {"Authorization": f"Bearer {self._tokens['admin']}"})


def _status(server: http.client.HTTPConnection, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> int:
    """The status that a GET is answered with, 0 without an answer."""
    try:
        server.request("GET", path, headers=headers)
        return server.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        server.close()
