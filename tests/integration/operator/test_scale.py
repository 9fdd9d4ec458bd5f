"""Many attachments at once: how many commands they need, and that they do not disturb each other."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import IO

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mark, writes
from support.operator_process import Operator, replica
from support.outcomes import comes_to, layout
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

pytestmark = pytest.mark.long

NODES = [f"node-{number}" for number in range(16)]
MAX_COMMANDS = 306
"""Commands from the first contact until all is Ready.

80 of them create the 16 host objects and the 64 mappings. Of the reads, two come right before each mapping, and one
right after it, which checks that it is the intended one.
"""


@pytest.fixture(scope="module")
def _operator(_operator: Operator, installed: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that keeps its Leases on a slow machine, too: after a lost one it reads all again."""
    _operator.stop()
    with replica(installed, tmp_path_factory.mktemp("scale") / "log", "--lease-duration", "300") as running:
        yield running


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with 200 volumes, v0 to v199."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[request.param]
    with simulated({"volumes": [{"name": f"v{n}", "pool": pool} for n in range(200)]}, request.param) as running:
        yield running


def volumes(first: int) -> list[tuple[str, str]]:
    """Four volumes for each node, from this number on: pairs of node and volume; the volume names the attachment."""
    return [(node, f"v{first + number}") for number, (node, _) in enumerate(product(NODES, range(4)))]


def attach(stand: Stand, first: int) -> list[str]:
    pairs = volumes(first)
    stand.apply(*(stand.attachment(volume, node, volume) for node, volume in pairs))
    return [volume for _, volume in pairs]


def has_no_conflicts(simulator: Simulator) -> bool:
    """Whether each initiator is in one host object, each LUN is used once on a host, and each volume is mapped once."""
    seen = layout(simulator)
    initiators = [port for _, ports in seen["hosts"] for port in ports]
    luns = [(host, lun) for host, _, lun in seen["mappings"]]
    mapped = [volume for _, volume, _ in seen["mappings"]]
    return all(len(each) == len(set(each)) for each in (initiators, luns, mapped))


def test_64_attachments_of_16_new_hosts_take_at_most_306_commands(stand: Stand, simulator: Simulator) -> None:
    simulator.control.change("availability", "refused")
    stand.array(simulator, resyncInterval="10m")
    stand.apply(*map(stand.host, NODES))
    names = attach(stand, 0)
    stand.await_reason(ARRAYS, "array", "Unreachable")
    stand.await_reason(ATTACHMENTS, names[-1], "ArrayNotReady")
    assert commands(simulator) == []

    simulator.control.change("availability", "up")
    stand.ready(ATTACHMENTS, *names)
    stand.ready(HOSTS, *NODES)

    assert Counter(writes(simulator)) == {"mkhost": 16, "mkvdiskhostmap": 64}
    assert len(commands(simulator)) <= MAX_COMMANDS, Counter(each["verb"] for each in commands(simulator))
    assert len(layout(simulator)["hosts"]) == 16
    assert has_no_conflicts(simulator)


@pytest.mark.parametrize("access", ["Exclusive", "Shared"])
def test_one_more_attachment_of_a_known_host_takes_seven_commands_and_a_shared_one_twelve(
    stand: Stand, simulator: Simulator, access: str
) -> None:
    """For a second mapping of a Shared volume its other host, and the attachment there, are read too.

    Two or three of these are the read right before the command, in one line where the shell allows chains, and one is
    the read right after it.
    """
    stand.array(simulator, resyncInterval="10m")
    stand.apply(stand.host("worker-1"), stand.host("worker-2"))
    stand.apply(*(stand.attachment(f"at-{host}", host, "v0", access="Shared") for host in ("worker-1", "worker-2")))
    stand.ready(ATTACHMENTS, "at-worker-1", "at-worker-2")
    stand.ready(HOSTS, "worker-1", "worker-2")
    if access == "Shared":
        stand.apply(stand.attachment("first", "worker-2", "v1", access="Shared"))
        stand.ready(ATTACHMENTS, "first")
    start = mark(simulator)

    stand.apply(stand.attachment("more", "worker-1", "v1", access=access))
    stand.ready(ATTACHMENTS, "more")

    sent = [each["verb"] for each in commands(simulator, start)]
    assert sent.count("mkvdiskhostmap") == 1
    assert len(sent) <= (7 if access == "Exclusive" else 12), sent


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
