"""Unused ports on loopback."""

import random
import socket
from collections.abc import Iterator

# Below the range from which systems take the ports of outgoing connections (Linux from 32768, others from 49152):
# there, any client could take the port of a server that is down for a restart.
RANGE = range(20000, 32000)


def free_ports(count: int) -> list[int]:
    """So many different ports, free a moment ago."""
    found: list[int] = []
    for port in _shuffled():
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"no {count} free ports between {RANGE.start} and {RANGE.stop}")


def _shuffled() -> Iterator[int]:
    yield from random.sample(RANGE, len(RANGE))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
