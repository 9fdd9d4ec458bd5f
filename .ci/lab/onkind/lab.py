"""The environment of the tests: the operator as a user installs it, two simulated arrays, and the objects of a team."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.client import Cluster, KubectlFailed
from cluster.standing import CHECKOUT
from onkind.pages import README, block
from onkind.simulated_array import NAMESPACE as ARRAYS
from onkind.simulated_array import PASSWORD, USER, SimulatedArray
from onkind.standing import Standing
from onkind.terminal import Terminal, a_terminal

MANIFESTS = CHECKOUT / "manifests"
SYSTEM = "flashsystem-system"
OPERATOR = "deployment/flashsystem-operator"
STORAGE = "storage-team"
"""The namespace of the FlashSystemArrays. An array may have only one, so all tests share these."""
DIALECTS = ("legacy", "modern")
KINDS = "fsattach,fshost,fsarray"
PATIENCE = 300.0

Document = Mapping[str, Any]


@dataclass(slots=True)
class Lab:
    """The cluster with its operator and arrays. cluster: for kubectl. standing: how the cluster was created."""

    cluster: Cluster
    standing: Standing
    folder: Path
    arrays: dict[str, SimulatedArray] = field(init=False)

    def __post_init__(self) -> None:
        self.arrays = {dialect: SimulatedArray(self.cluster, dialect) for dialect in DIALECTS}

    def install(self) -> None:
        """Install the operator and the simulated arrays with the commands of the README. What exists is not changed."""
        self.type(block(README, "kubectl apply -k manifests/base").text)
        self.type("kubectl apply -k manifests/examples/simulator")
        crds = (f"crd/{kind}.flashsystem.io" for kind in ("volumeattachments", "flashsystemhosts", "flashsystemarrays"))
        self.cluster.kubectl("wait", "--for=condition=Established", *crds, "--timeout=300s")
        self.rolled_out()
        for dialect in DIALECTS:
            self.rolled_out(self.arrays[dialect].deployment, ARRAYS)

    def uninstall(self) -> None:
        """Remove the operator, the arrays and all that was created with them. What does not exist is no error."""
        self.type(f"""
            if kubectl get crd volumeattachments.flashsystem.io; then
              for kind in fsattach fshost fsarray; do kubectl delete $kind --all --all-namespaces --timeout=300s; done
            fi
            kubectl delete -k manifests/base --ignore-not-found
            kubectl delete -k manifests/examples/simulator --ignore-not-found
            kubectl delete namespace {STORAGE} --ignore-not-found
        """)

    def type(self, text: str) -> str:
        """Type a block of a page in a new shell; returns what it printed."""
        with self.terminal() as terminal:
            return terminal.type(text)

    def terminal(self, *, points_here: bool = True) -> contextlib.AbstractContextManager[Terminal]:
        """A shell in the checkout with the kubectl of this cluster. points_here: KUBECONFIG is set to this cluster."""
        ours = self.cluster.environment()
        where = {"KUBECONFIG": str(self.standing.kubeconfig)} if points_here else {}
        programs = Path(self.standing.kubectl).parent
        return a_terminal(self.folder, {**ours, "PATH": f"{programs}:{ours['PATH']}", **where})

    def rolled_out(self, what: str = OPERATOR, namespace: str = SYSTEM) -> None:
        """Wait until the pods of a Deployment are ready."""
        self.cluster.kubectl("rollout", "status", what, f"--namespace={namespace}", f"--timeout={PATIENCE:.0f}s")

    def connect_arrays(self) -> None:
        """Create a FlashSystemArray of each dialect, `fs-legacy` and `fs-modern`, that every namespace may use."""
        self.cluster.apply(_storage(self.arrays))
        for dialect in DIALECTS:
            self.await_ready(f"fsarray/fs-{dialect}", STORAGE)

    def await_ready(self, what: str, namespace: str, *, seconds: float = PATIENCE) -> None:
        """Wait for Ready as a user does; on failure the message of the condition is shown."""
        try:
            limits = (f"--namespace={namespace}", f"--timeout={seconds:.0f}s")
            self.cluster.kubectl("wait", "--for=condition=Ready", *what.split(), *limits)
        except (KubectlFailed, subprocess.TimeoutExpired) as why:
            columns = "NAME:.metadata.name,READY:.status.conditions[?(@.type=='Ready')].message"
            shown = self.cluster.kubectl("get", KINDS, f"--namespace={namespace}", f"--output=custom-columns={columns}")
            raise AssertionError(f"{what} in {namespace} is not Ready ({why})\n{shown}") from None

    def operator_pods(self) -> list[dict[str, Any]]:
        """The pods of the operator that are not being deleted."""
        selector = "--selector=app.kubernetes.io/name=flashsystem-operator"
        pods = self.cluster.get("pods", f"--namespace={SYSTEM}", selector)["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def operator_log(self, since: str = "1h") -> list[dict[str, Any]]:
        """The log lines of the current operator, each with time, level, logger, message."""
        args = ("logs", OPERATOR, f"--namespace={SYSTEM}", f"--since={since}")
        return [json.loads(line) for line in self.cluster.kubectl(*args).splitlines()]

    def node_shell(self, script: str) -> str:
        """Run a shell script on the node as root, for what kubectl cannot do; returns its output."""
        tools = self.standing.tools(os.environ)
        argv = ("docker", "exec", self.standing.node, "bash", "-ec", script)
        return subprocess.run(argv, env=tools.environ, capture_output=True, text=True, check=True, timeout=120).stdout

    def load_as(self, tag: str) -> str:
        """Give the operator's image in the node a second tag, like that of another release; returns its name."""
        name = f"{self.standing.image.partition(':')[0]}:{tag}"
        here = "docker.io/library/"  # what Docker leaves out of a name, and containerd does not
        self.node_shell(f"ctr --namespace k8s.io images tag --force {here}{self.standing.image} {here}{name}")
        return name


@dataclass(frozen=True, slots=True)
class Team:
    """A namespace and its objects. Names of volumes and initiators begin with the name of the namespace."""

    lab: Lab
    array: SimulatedArray
    namespace: str

    @property
    def cluster(self) -> Cluster:
        return self.lab.cluster

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl(*args, f"--namespace={self.namespace}", stdin=stdin)

    def get(self, *args: str) -> Any:
        return self.cluster.get(*args, f"--namespace={self.namespace}")

    def apply(self, *documents: Document) -> None:
        self.cluster.apply(documents, self.namespace)

    def apply_at_once(self, *documents: Document) -> None:
        """Server-side apply, as Flux and Argo CD use it: one request each; client-side apply needs two and is slow."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        self.kubectl("apply", "--server-side", "--filename=-", stdin=listed)

    def iqn(self, host: str) -> str:
        return f"iqn.1994-05.com.redhat:{self.namespace}-{host}"

    def volume(self, name: str) -> str:
        """The name of a volume of this team on the array."""
        return f"{self.namespace}-{name}"

    def hosts(self, *names: str) -> list[Document]:
        """FlashSystemHosts, to be applied."""
        where = {"name": f"fs-{self.array.dialect}", "namespace": STORAGE}
        return [
            _document("FlashSystemHost", name, {"arrayRef": where, "initiators": {"iscsi": [self.iqn(name)]}})
            for name in names
        ]

    def attachment(self, name: str, host: str, **spec: Any) -> Document:
        """A VolumeAttachment of the volume of the same name, to be applied."""
        spec = {"hostRef": {"name": host}, "volume": {"name": self.volume(name)}, **spec}
        return _document("VolumeAttachment", name, spec)

    def volumes(self, *names: str) -> None:
        """Create these volumes on the array."""
        self.array.volumes(map(self.volume, names))

    def mapped(self, *names: str) -> set[tuple[str, str, int]]:
        """The mappings of these volumes on the array: host, volume and LUN."""
        return self.array.mappings(*map(self.volume, names))

    def await_ready(self, what: str, *, seconds: float = PATIENCE) -> None:
        self.lab.await_ready(what, self.namespace, seconds=seconds)

    def delete(self, what: str, *, seconds: float = PATIENCE) -> None:
        """Delete as a user does; returns when the objects are gone."""
        self.kubectl("delete", *what.split(), f"--timeout={seconds:.0f}s")


def until(condition: Callable[[], bool], why: str, *, seconds: float = PATIENCE) -> None:
    """Wait until the condition holds; `why` is the message if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {why}"
        time.sleep(0.2)


def opened(standing: Standing, folder: Path) -> Lab:
    """The lab of a cluster that is up. folder: for the files of kubectl."""
    return Lab(Cluster(standing.kubeconfig, Path(standing.kubectl), folder), standing, folder)


def _storage(arrays: Mapping[str, SimulatedArray]) -> Sequence[Document]:
    login = {"username": USER, "password": PASSWORD}
    secrets_allowed = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "flashsystem-operator-secrets", "namespace": STORAGE},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "flashsystem-operator-secrets",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "flashsystem-operator", "namespace": SYSTEM}],
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORAGE}},
        secrets_allowed,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "fs-login", "namespace": STORAGE},
            "type": "kubernetes.io/basic-auth",
            "stringData": login,
        },
        *(
            _document(
                "FlashSystemArray",
                f"fs-{dialect}",
                {
                    "management": {"addresses": [array.address]},
                    "credentialsSecretRef": {"name": "fs-login"},
                    "hostKeys": [array.host_key],
                    "allowedNamespaces": {"from": "All"},
                    "resyncInterval": "10s",
                    # After an operator died, its successor unmaps nothing for this long.
                    "limits": {"commandTimeout": "20s"},
                },
                STORAGE,
            )
            for dialect, array in arrays.items()
        ),
    ]


def _document(kind_: str, name: str, spec: Document, namespace: str | None = None) -> Document:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "flashsystem.io/v1alpha1", "kind": kind_, "metadata": meta, "spec": spec}
