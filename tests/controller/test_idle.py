"""A system that is in sync causes almost no load."""

from collections.abc import Iterator
from itertools import groupby, product

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, looks, mark
from support.local_operator import LocalCluster
from support.recorded_events import all_events
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, HOSTS, Namespace, until

pytestmark = [pytest.mark.slow, pytest.mark.long]

NODES = [f"node-{number}" for number in range(16)]


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with 64 volumes, v0 to v63."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[request.param]
    with simulated({"volumes": [{"name": f"v{n}", "pool": pool} for n in range(64)]}, request.param) as running:
        yield running


def test_a_system_in_sync_is_read_with_the_same_few_commands_and_nothing_is_written(
    stand: Namespace, simulator: Simulator, cluster_here: LocalCluster
) -> None:
    """64 attachments of 16 hosts. The only writes anywhere are the renewals of the Leases."""
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        *map(stand.host, NODES),
        *(stand.attachment(f"v{n}", node, f"v{n}") for n, (node, _) in enumerate(product(NODES, range(4)))),
    )
    stand.ready(ATTACHMENTS, *(f"v{n}" for n in range(64)))
    stand.ready(HOSTS, *NODES)
    # The statuses of hosts and attachments are written concurrently; the counts in the array's status come last.
    until("the count of mappings in the array's status", lambda: mapping_count(stand) == 64)
    # Events are written shortly after the status: one for each attachment, one for each host, and one for the array.
    until("all Events", lambda: len(all_events(stand)) == 64 + len(NODES) + 1)
    began, start = len(cluster_here.api.writes), mark(simulator)

    until("six reads of the array", lambda: looks(simulator, start) > 6)

    sent = commands(simulator, start)
    assert not any(each["writes"] for each in sent)
    passes = resyncs([str(each["verb"]) for each in sent])[1:-1]  # the first and the last one may be cut off
    assert len(passes) >= 4
    assert all(each == passes[0] for each in passes), passes
    # Legacy has no listing of all mappings and no chains: two commands for each host in addition to eight.
    assert len(passes[0]) <= 8 + 2 * len(NODES), passes[0]
    written = [each.path for each in cluster_here.api.writes[began:]]
    assert [each for each in written if "/leases/" not in each] == []


def mapping_count(stand: Namespace) -> int:
    return int(stand.status("flashsystemarrays.flashsystem.io", "array").get("counts", {}).get("mappings", 0))


def resyncs(verbs: list[str]) -> list[list[str]]:
    """Split the commands by full read of the array; each read starts with the system itself."""
    numbers, number = [], 0
    for verb in verbs:
        number += verb in ("lssystem", "lscluster")
        numbers.append(number)
    return [
        [verb for _, verb in some] for _, some in groupby(zip(numbers, verbs, strict=True), key=lambda each: each[0])
    ]
