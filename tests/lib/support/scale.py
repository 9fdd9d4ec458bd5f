"""Many attachments on the hosts of a cluster."""

import contextlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from flashsystem_operator.simulator import Simulator
from support.outcomes import layout
from support.simulated_arrays import simulated
from support.stand import Namespace

NODES = [f"node-{number}" for number in range(16)]


@contextlib.contextmanager
def array_with_200_volumes(dialect: Any) -> Iterator[Simulator]:
    """Simulate an array with the volumes v0 to v199."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[dialect]
    with simulated({"volumes": [{"name": f"v{n}", "pool": pool} for n in range(200)]}, dialect) as running:
        yield running


def volumes(first: int) -> list[tuple[str, str]]:
    """Four volumes for each node, from this number on: pairs of node and volume; the volume names the attachment."""
    return [(node, f"v{first + number}") for number, (node, _) in enumerate(product(NODES, range(4)))]


def attach(stand: Namespace, first: int) -> list[str]:
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
