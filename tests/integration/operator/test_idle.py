"""A system that is in line costs next to nothing."""

from collections.abc import Iterator
from itertools import groupby, product

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, looks, mark
from support.operator_process import ACCOUNT, NAMESPACE
from support.recorded_events import all_events
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, HOSTS, Stand, until

pytestmark = pytest.mark.long

NODES = [f"node-{number}" for number in range(16)]
LEASES = "leases.coordination.k8s.io"


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with 64 volumes, v0 to v63."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[request.param]
    with simulated({"volumes": [{"name": f"v{n}", "pool": pool} for n in range(64)]}, request.param) as running:
        yield running


def test_a_system_in_line_is_looked_at_with_the_same_few_commands_and_written_nowhere(
    stand: Stand, simulator: Simulator, audited_cluster: Cluster
) -> None:
    """64 attachments of 16 hosts. The only writes anywhere are those that keep the Leases."""
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        *map(stand.host, NODES),
        *(stand.attachment(f"v{n}", node, f"v{n}") for n, (node, _) in enumerate(product(NODES, range(4)))),
    )
    stand.ready(ATTACHMENTS, *(f"v{n}" for n in range(64)))
    stand.ready(HOSTS, *NODES)
    # The hosts' statuses are written side by side with the attachments'; the array's counts come last.
    until("the array to count them", lambda: counted(stand) == 64)
    # Events come a moment after what they tell: of each attachment, of each host, and of the array.
    until("all to be told", lambda: len(all_events(stand)) == 64 + len(NODES) + 1)
    began, start = len(audited_cluster.audit()), mark(simulator)

    until("six looks", lambda: looks(simulator, start) > 6)

    took = commands(simulator, start)
    assert not any(each["writes"] for each in took)
    rounds = resyncs([str(each["verb"]) for each in took])[1:-1]  # the first and the last one may be cut off
    assert len(rounds) >= 4
    assert all(each == rounds[0] for each in rounds), rounds
    # Legacy has no listing of all mappings and no chains: two commands for each host beside the eight for everything.
    assert len(rounds[0]) <= 8 + 2 * len(NODES), rounds[0]
    wrote = [each for each in audited_cluster.audit()[began:] if each.writes and each.user == account()]
    assert {each.resource for each in wrote} <= {LEASES}, [each for each in wrote if each.resource != LEASES]


def counted(stand: Stand) -> int:
    return int(stand.status("flashsystemarrays.flashsystem.io", "array").get("counts", {}).get("mappings", 0))


def account() -> str:
    return f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


def resyncs(verbs: list[str]) -> list[list[str]]:
    """The commands of each look at everything, which begins with the system itself."""
    numbers, number = [], 0
    for verb in verbs:
        number += verb in ("lssystem", "lscluster")
        numbers.append(number)
    return [
        [verb for _, verb in some] for _, some in groupby(zip(numbers, verbs, strict=True), key=lambda each: each[0])
    ]
