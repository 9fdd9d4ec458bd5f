"""Many attachments at once, and that they do not disturb each other. See also tests/controller/test_scale.py."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.operator_process import Operator, replica
from support.outcomes import comes_to, layout
from support.scale import NODES, array_with_200_volumes, attach, has_no_conflicts
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def _operator(_operator: Operator, installed: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that keeps its Leases on a slow machine, too: after a lost one it reads all again."""
    _operator.stop()
    with replica(installed, tmp_path_factory.mktemp("scale") / "log", "--lease-duration", "300") as running:
        yield running


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with 200 volumes, v0 to v199."""
    with array_with_200_volumes(request.param) as running:
        yield running


def test_detaching_and_attaching_on_the_same_hosts_at_once_stalls_no_object(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    before = simulator.control.state()
    stand.array(simulator, resyncInterval="10m")
    stand.apply(*map(stand.host, NODES))
    old = attach(stand, 0)
    stand.ready(ATTACHMENTS, *old)

    with watch_stalled(stand, tmp_path / "stalled") as stalled:
        with start_kubectl(stand, "delete", ATTACHMENTS, *old, "--wait=false"):
            new = attach(stand, 100)
        stand.ready(ATTACHMENTS, *new)
        comes_to(set(new), lambda: {each["metadata"]["name"] for each in stand.all(ATTACHMENTS)})
        assert has_no_conflicts(simulator)
        assert {volume for _, volume, _ in layout(simulator)["mappings"]} == set(new)

        stand.delete(ATTACHMENTS, *new, wait=False)
        stand.delete(HOSTS, *NODES, wait=False)
        stand.delete(ARRAYS, "array")
        assert stalled() == []
    assert simulator.control.state() == before


@contextmanager
def watch_stalled(stand: Stand, log: Path) -> Iterator[Callable[[], list[str]]]:
    """Watch all states of attachments and hosts; yield a function that returns the states that were Stalled."""
    shown = '{.metadata.name} {.status.conditions[?(@.type=="Stalled")].status} {.status.conditions[0].message}{"\\n"}'
    logs = {kind: log.with_suffix(f".{kind.partition('.')[0]}") for kind in (ATTACHMENTS, HOSTS)}
    with ExitStack() as stack:
        for kind, seen in logs.items():
            args = ("get", kind, "--watch", f"--output=jsonpath={shown}")
            watch = stack.enter_context(start_kubectl(stand, *args, output=stack.enter_context(seen.open("wb"))))
            stack.callback(watch.terminate)
        until("the watches to begin", lambda: all(seen.stat().st_size for seen in logs.values()))
        yield lambda: [line for seen in logs.values() for line in seen.read_text().splitlines() if " True " in line]


def start_kubectl(stand: Stand, *args: str, output: IO[bytes] | int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start kubectl in the background."""
    command = stand.cluster.kubectl_command(f"--namespace={stand.namespace}", *args)
    return subprocess.Popen(command, stdout=output, env=stand.cluster.environment())
