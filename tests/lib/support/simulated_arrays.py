"""Simulated arrays of a test, and the check that no received line contained shell syntax."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import Any

from flashsystem_operator.simulator import Simulator

_numbers = itertools.count(1)


@contextlib.contextmanager
def simulated(config: dict[str, Any] | None = None, dialect: Any = None, **options: Any) -> Iterator[Simulator]:
    """An array that lives while the block lasts; at its end no line may have contained shell syntax.

    It is a system of its own, as two arrays always are: whatever an earlier test left in the cluster is not about it.
    """
    system = {"id": f"{os.getpid():08X}{next(_numbers):08X}", **(config or {}).get("system", {})}
    with Simulator({**(config or {}), "system": system}, dialect, **options) as running:
        yield running
        assert injections(running) == []


def injections(simulator: Simulator) -> list[str]:
    """The lines with something that bash would not read as a plain argument."""
    return [entry["line"] for entry in simulator.control.log() if entry["shell"] and entry["session"]]


def last(simulator: Simulator) -> int:
    """Where the log of commands ends now, to be asked later what came after."""
    return max((entry["seq"] for entry in simulator.control.log()), default=0)


def writes(simulator: Simulator, since: int = 0) -> list[str]:
    """The commands over SSH that were meant to change something, whatever came of them."""
    return [
        " ".join(command["named"])
        for entry in simulator.control.log(since)
        for command in entry["commands"]
        if command["writes"] and entry["session"]
    ]
