"""The first volume of the README is created, attached and deleted: its manifests and commands work as described."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from flashsystem_operator.simulator.cli import simulate
from onkind.pages import README, block
from onkind.terminal import Terminal, a_terminal
from support.array_state import target_portals
from support.operator_process import ROOT, Operator
from support.stand import until

README_TEXT = (ROOT / README).read_text(encoding="utf-8")
KINDS = "flashsystemarrays,flashsystemhosts,flashsystemvolumes,volumeattachments.flashsystem.io"
NAMESPACE = block(README, "apiVersion: v1\nkind: Namespace")
ARRAY = block(README, "apiVersion: v1\nkind: Secret")
HOST_AND_VOLUME = block(README, "apiVersion: flashsystem.io/v1alpha1\nkind: FlashSystemHost")
CHECK_COMMANDS = block(README, "kubectl -n storage-team wait").text


@dataclass(frozen=True, slots=True)
class Reader:
    """The values of their own environment that a reader puts into the manifests of the README."""

    address: str
    port: int
    host_key: str
    user: str = "kubernetes"
    password: str = "REPLACE ME"
    pool: str = "Pool0"
    namespace: str = "storage-team"

    def manifests(self) -> list[Any]:
        """All of them, in the order of the README."""
        text = "---\n".join(each.text for each in (NAMESPACE, ARRAY, HOST_AND_VOLUME))
        return [self._changed(each) for each in yaml.safe_load_all(text.replace("storage-team", self.namespace))]

    def _changed(self, document: Any) -> Any:
        match document["kind"]:
            case "Secret":
                document["stringData"] = {"username": self.user, "password": self.password}
            case "FlashSystemArray":
                document["spec"]["management"] = {"addresses": [self.address], "port": self.port}
                document["spec"]["hostKeys"] = [self.host_key]
            case "FlashSystemVolume":
                document["spec"]["pool"] = self.pool
            case _:
                pass
        return document


@pytest.fixture
def readers_array() -> Iterator[Simulator]:
    """An array with the user that the README names."""
    user = {"name": "kubernetes", "password": "REPLACE ME", "role": "Administrator"}
    with Simulator({"users": [user]}, dialect="legacy") as running:
        yield running


def test_the_readmes_first_volume_is_created_attached_and_deleted(
    installed: Cluster, namespace: str, operator: Operator, readers_array: Simulator
) -> None:
    assert operator.running
    before = readers_array.control.state()
    (pool,) = before["pools"]
    reader = Reader(
        readers_array.host, readers_array.port, readers_array.host_key, pool=pool["name"], namespace=namespace
    )

    installed.apply(reader.manifests())
    lines = CHECK_COMMANDS.replace("storage-team", namespace).splitlines()
    answers = [installed.kubectl(*shlex.split(line)[1:]) for line in lines]

    connection = json.loads(answers[-1])
    assert connection["lun"] == 1
    assert len(target_portals(connection)) == 2
    state = readers_array.control.state()
    (mapping,) = state["mappings"]
    (volume,) = (each for each in state["volumes"] if each["name"].startswith("db-data-"))
    assert (mapping["volume"], mapping["lun"]) == (volume["name"], 1)
    assert volume["capacity"] == 10 * 1024**3

    installed.kubectl("delete", KINDS, "--all", "--namespace", namespace, "--timeout=300s")
    assert readers_array.control.state() == before


@pytest.fixture
def terminal(installed: Cluster, tmp_path: Path) -> Iterator[Terminal]:
    """A shell of a reader. `make cluster` finds a running cluster, and the simulator listens on any free port."""
    kubectl = Path(installed.kubectl_command()[0])
    ours = installed.environment()
    environ = {
        **ours,
        "PATH": f"{kubectl.parent}:{ours['PATH']}",
        "CLUSTER_KUBECONFIG": str(installed.kubeconfig),
        "FLASHSYSTEM_SIMULATE_LISTEN": "127.0.0.1:0",
        "FLASHSYSTEM_SIMULATE_CONTROL": "127.0.0.1:0",
    }
    with a_terminal(tmp_path, environ) as opened:
        yield opened


def test_the_commands_that_the_readme_lists_attach_its_first_volume(
    installed: Cluster, operator: Operator, terminal: Terminal
) -> None:
    operator.stop()  # the reader starts one
    pattern = r"with address (\S+), port (\d+), user `(\w+)`, password `(\w+)`, the host key .* and pool `(\w+)`"
    values = re.search(pattern, README_TEXT, re.DOTALL)
    assert values
    address, port, user, password, pool = values.groups()
    assert f"{address}:{port}" in {option.default for option in simulate.params}

    terminal.type(block(README, 'eval "$(make -s cluster)"').text)
    ready = until("the simulator", lambda: re.search(r'ssh=\S+:(\d+) .*host-key="(.*?)"', terminal.output()))
    reader = Reader(address, int(ready[1]), ready[2], user, password, pool)
    installed.apply(reader.manifests())
    try:
        connection = json.loads(terminal.type(CHECK_COMMANDS).splitlines()[-1])
        assert connection["lun"] == 1
        installed.kubectl("delete", KINDS, "--all", f"--namespace={reader.namespace}", "--timeout=300s")
    finally:
        installed.kubectl("delete", "namespace", reader.namespace, "--wait=false")
