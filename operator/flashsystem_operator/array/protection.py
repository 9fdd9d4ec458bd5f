"""Whether volume protection may be what keeps the array from taking something away.

It guards volumes with recent I/O, -force or not, where the system *and* the volume's pool have it on. Its codes are
known (8457E to 8463E, 8478E to 8484E). For how long it guards, and whether a code that is not known may be its, is
decided by these facts, which are read after a refusal only.
Source: array-cli facts 4.4.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flashsystem_operator.array import queries
from flashsystem_operator.array.session import Session
from flashsystem_operator.values import PoolName, VolumeName


@dataclass(frozen=True, slots=True)
class Protection:
    """Volume protection that is on. minutes: after the last I/O. pools: those concerned that have it on."""

    minutes: int
    pools: tuple[PoolName, ...]


def protection(session: Session, volumes: Iterable[VolumeName]) -> Protection | None:
    """What guards any of these volumes now, or None. Without a volume to ask about, the system's word has to do.

    Takes a command for the system and, where that has it on, one for each volume and each pool.
    """
    minutes = session.ask(queries.PROTECTION_TIME)
    if minutes is None:
        return None
    names = tuple(volumes)
    found = session.ask_all(map(queries.pools_of_volume, names))
    pools = tuple(dict.fromkeys(pool for some in found for pool in some or ()))
    guarding = tuple(pool for pool in pools if session.find(queries.protects(pool)))
    return Protection(minutes, guarding) if guarding or not names else None
