"""The operator is killed at the worst moments; after a restart the outcome is the same as without the kill.

Each scenario runs twice: undisturbed, then with a kill while the same operation is held for six hosts. A held
operation has taken effect or not, and it continues before the restart, after it, or never.
"""

import contextlib
from collections.abc import Iterator
from itertools import product
from typing import Any, Protocol

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mark
from support.holding_proxy import Held, Holds
from support.outcomes import comes_to, ending, stays_in_sync
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, PATIENCE, Namespace, until

MOMENTS = [f"{when}-{fate}" for when, fate in product(("before", "after"), ("early", "late", "lost"))]
"""When an operation is held, and if it continues before the restart, after it, or never. Also the host names."""

FIRST = [f"{moment}-1" for moment in MOMENTS]
SECOND = [f"{moment}-2" for moment in MOMENTS]
LIMITS = {"commandTimeout": "4s", "concurrentCommands": 16}


class Killable(Protocol):
    """An operator, as a process or in this one."""

    def start(self) -> None: ...
    def kill(self) -> None: ...


@contextlib.contextmanager
def array_with_two_volumes_for_each_host(dialect: Any) -> Iterator[Simulator]:
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[dialect]
    with simulated({"volumes": [{"name": name, "pool": pool} for name in FIRST + SECOND]}, dialect) as running:
        yield running


def kill_while_commands_are_running(
    stand: Namespace, simulator: Simulator, operator: Killable, coming: str, going: str
) -> None:
    before = simulator.control.state()
    stand.array(simulator, limits=LIMITS, resyncInterval="1s")
    full, empty = undisturbed(stand, simulator)

    for verb, act, end in (coming, attach, full), (going, detach, empty):
        held = hold(simulator, verb)
        act(stand)
        for fault in held.values():
            simulator.control.wait(fault, seconds=PATIENCE)
        operator.kill()
        release(simulator, held, "early")
        restart(operator, simulator)
        release(simulator, held, "late")
        ends_as(end, stand, simulator)

    clear(stand)
    assert simulator.control.state() == before


def kill_while_it_writes_to_the_cluster(
    stand: Namespace, simulator: Simulator, holds: Holds, operator: Killable, coming: str, going: str
) -> None:
    """Coming, going: of WRITES."""
    before = simulator.control.state()
    stand.array(simulator, limits=LIMITS, resyncInterval="1s")
    full, empty = undisturbed(stand, simulator)

    for write, act, end in (coming, attach, full), (going, detach, empty):
        held = hold_writes(holds, write)
        act(stand)
        for order in held.values():
            order.wait()
        operator.kill()
        continue_writes(held, "early")
        restart(operator, simulator)
        continue_writes(held, "late")
        ends_as(end, stand, simulator)

    clear(stand)
    assert simulator.control.state() == before


def attach(stand: Namespace) -> None:
    """Attach two volumes to each new host. One LUN is pinned: of two created in one second either may be the older."""
    hosts = [stand.host(moment) for moment in MOMENTS]
    firsts = [stand.attachment(f"{moment}-1", moment, f"{moment}-1") for moment in MOMENTS]
    seconds = [stand.attachment(f"{moment}-2", moment, f"{moment}-2", lun=7) for moment in MOMENTS]
    stand.apply(*hosts, *firsts, *seconds)


def detach(stand: Namespace) -> None:
    stand.delete(ATTACHMENTS, *FIRST, *SECOND, wait=False)


def undisturbed(stand: Namespace, simulator: Simulator) -> tuple[object, object]:
    """Run the scenario once; return the outcome when all is attached, and when all is detached again."""
    attach(stand)
    stand.ready(ATTACHMENTS, *FIRST, *SECOND)
    comes_to(12, lambda: _reported(stand))
    full = ending(stand, simulator)
    detach(stand)
    until("the deletion of all attachments", lambda: not stand.all(ATTACHMENTS))
    comes_to([], lambda: simulator.control.state()["hosts"])
    comes_to(0, lambda: _reported(stand))
    empty = ending(stand, simulator)
    stand.delete(HOSTS, *MOMENTS)
    return full, empty


def _reported(stand: Namespace) -> int:
    """The number of mappings that the hosts report, which is the last write of a pass."""
    return sum(each.get("status", {}).get("mappings", {}).get("count", 0) for each in stand.all(HOSTS))


def ends_as(expected: object, stand: Namespace, simulator: Simulator) -> None:
    comes_to(expected, lambda: ending(stand, simulator))
    stays_in_sync(simulator)
    assert ending(stand, simulator) == expected


def restart(operator: Killable, simulator: Simulator) -> None:
    """Start the operator, and wait until it has read the array: it does not expect what continues from here."""
    since = mark(simulator)
    operator.start()
    until("a read of the hosts after the restart", lambda: "lshost" in [c["verb"] for c in commands(simulator, since)])


def clear(stand: Namespace) -> None:
    stand.delete(HOSTS, *MOMENTS)
    stand.delete(ARRAYS, "array")


def hold(simulator: Simulator, verb: str) -> dict[str, int]:
    """Hold this command for each host, in the way that the host's name describes."""
    return {
        moment: simulator.control.fault(
            "hold",
            verb,
            line=f"[ =]{moment}-",
            when=moment.partition("-")[0],
            dies_with_connection=moment.endswith("lost"),
        )
        for moment in MOMENTS
    }


def release(simulator: Simulator, held: dict[str, int], fate: str) -> None:
    for moment, fault in held.items():
        if moment.endswith(fate):
            assert simulator.control.release(fault) == 1


WRITES = {
    "finalizer": ("volumeattachments/{}-1$", 0),
    "record": ("volumeattachments/{}-1/status$", 0),
    "report": ("volumeattachments/{}-1/status$", 1),
    "release": ("volumeattachments/{}-1$", 0),
    "quarantine": ("flashsystemhosts/{}/status$", 0),
    "host": ("flashsystemhosts/{}/status$", 1),
}
"""Writes for an attachment: before anything else, before its first command, after its last one, and when it is deleted.
Writes for its host when a volume is unmapped: before its LUN is free, and afterwards. Each with its path, and with the
number of writes to the same path that come before."""


def hold_writes(holds: Holds, write: str) -> dict[str, Held]:
    """Hold this write for each host, in the way that the host's name describes."""
    path, skip = WRITES[write]
    return {
        moment: holds.hold(path.format(moment), "before" if moment.startswith("before") else "after", skip=skip)
        for moment in MOMENTS
    }


def continue_writes(held: dict[str, Held], fate: str) -> None:
    for moment, order in held.items():
        if moment.endswith(fate):
            order.release()
        elif moment.endswith("lost"):
            order.drop()
