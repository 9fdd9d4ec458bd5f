"""The stage on a kind cluster: operator and arrays are pods, of the image that `make e2e` loaded into its node."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.client import Cluster, KubectlFailed
from cluster.processes import Process
from demo.array import ARRAYS, READY, Array
from flashsystem_operator.simulator.client import Control
from support.operator_process import NAMESPACE, ROOT

SIMULATOR = ROOT / "manifests" / "components" / "simulator"
_DEPLOYMENT = "deployment/flashsystem-operator"
_FORWARDING = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+)", re.MULTILINE)
_START_LIMIT = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Pod:
    """The operator, as its Deployment runs it."""

    cluster: Cluster

    def start(self) -> None:
        arguments = ("rollout", "status", _DEPLOYMENT, f"--namespace={NAMESPACE}", f"--timeout={_START_LIMIT:.0f}s")
        self.cluster.kubectl(*arguments)

    def stop(self) -> None:
        """It was there before, and stays."""

    @property
    def running(self) -> bool:
        with contextlib.suppress(KubectlFailed):
            status = self.cluster.get(_DEPLOYMENT, f"--namespace={NAMESPACE}")["status"]
            return int(status.get("readyReplicas", 0)) > 0
        return False

    @property
    def log(self) -> str:
        return self.cluster.kubectl("logs", _DEPLOYMENT, f"--namespace={NAMESPACE}", "--since=10m")


@contextlib.contextmanager
def an_array(cluster: Cluster, image: str, dialect: str, namespace: str, folder: Path) -> Iterator[Array]:
    """A simulated array in the namespace, which it goes with. Its control port is forwarded while the block lasts."""
    cluster.apply(_documents(dialect, image), namespace)
    where, name = f"--namespace={namespace}", f"flashsystem-simulator-{dialect}"
    cluster.kubectl("rollout", "status", f"deployment/{name}", where, f"--timeout={_START_LIMIT:.0f}s")
    found = READY.search(cluster.kubectl("logs", f"deployment/{name}", where))
    assert found is not None
    spoken, _, _, _, host_key, user = found.groups()
    log = folder / f"forwarding-{dialect}.log"
    arguments = cluster.kubectl_command("port-forward", f"deployment/{name}", where, "--address=127.0.0.1", ":8022")
    forwarder = Process("kubectl port-forward", arguments, log, env=cluster.environment())
    forwarder.start()
    try:
        forwarder.await_ready(lambda: _FORWARDING.search(log.read_text()) is not None, _START_LIMIT)
        port = _FORWARDING.search(log.read_text())
        assert port is not None
        control = Control(f"http://127.0.0.1:{port[1]}")
        array = Array(spoken, f"{name}.{namespace}.svc", 22, control, host_key, user)
        array.began = array.state()
        yield array
    finally:
        forwarder.stop()


def _documents(dialect: str, image: str) -> list[dict[str, Any]]:
    """Those of the manifests, with the state that the story begins with."""
    deployment, service = yaml.safe_load_all((SIMULATOR / f"{dialect}.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["image"] = image
    container["args"] = [*container["args"], "--config=/etc/array/state.yaml"]
    container["volumeMounts"] = [{"name": "state", "mountPath": "/etc/array"}]
    pod["volumes"] = [{"name": "state", "configMap": {"name": "array-state"}}]
    state = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "array-state"},
        "data": {"state.yaml": (ARRAYS / f"{dialect}.yaml").read_text()},
    }
    return [state, deployment, service]
