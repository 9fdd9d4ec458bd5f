"""A system that is in sync causes almost no load: as a process, whose framework could write to objects too."""

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


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An array with 64 volumes, v0 to v63."""
    with simulated({"volumes": [{"name": f"v{n}", "pool": "Pool0"} for n in range(64)]}, "modern") as running:
        yield running


def test_a_system_in_sync_is_read_with_the_same_few_commands_and_nothing_is_written(
    stand: Stand, simulator: Simulator, audited_cluster: Cluster
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
    began, start = len(audited_cluster.audit()), mark(simulator)

    until("six reads of the array", lambda: looks(simulator, start) > 6)

    sent = commands(simulator, start)
    assert not any(each["writes"] for each in sent)
    passes = resyncs([str(each["verb"]) for each in sent])[1:-1]  # the first and the last one may be cut off
    assert len(passes) >= 4
    assert all(each == passes[0] for each in passes), passes
    # Legacy has no listing of all mappings and no chains: two commands for each host in addition to eight.
    assert len(passes[0]) <= 8 + 2 * len(NODES), passes[0]
    written = [each for each in audited_cluster.audit()[began:] if each.writes and each.user == account()]
    assert {each.resource for each in written} <= {LEASES}, [each for each in written if each.resource != LEASES]


def mapping_count(stand: Stand) -> int:
    return int(stand.status("flashsystemarrays.flashsystem.io", "array").get("counts", {}).get("mappings", 0))


def account() -> str:
    return f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


def resyncs(verbs: list[str]) -> list[list[str]]:
    """Split the commands by full read of the array; each read starts with the system itself."""
    numbers, number = [], 0
    for verb in verbs:
        number += verb in ("lssystem", "lscluster")
        numbers.append(number)
    return [
        [verb for _, verb in some] for _, some in groupby(zip(numbers, verbs, strict=True), key=lambda each: each[0])
    ]
