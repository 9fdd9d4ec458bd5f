"""Volume protection: refuse to unmap or delete within some minutes of the last I/O, even with -force.

Each command has its own code, in two generations. Which release uses which is not documented.
"""

from collections.abc import Iterable
from enum import Enum

from flashsystem_operator.simulator.state.model import Host, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.system import Mapping, System
from flashsystem_operator.simulator.verbs.host_views import status


class Guard(Enum):
    """What a command would remove, with its code in both generations."""

    MAPPING = ("CMMVC8457E", "CMMVC8478E")
    VOLUME = ("CMMVC8458E", "CMMVC8479E")  # a rule replaces the first by 8459E
    HOST = ("CMMVC8461E", "CMMVC8482E")
    IO_GROUPS = ("CMMVC8462E", "CMMVC8483E")
    LAST_PORT = ("CMMVC8463E", "CMMVC8484E")
    MEMBER = ("CMMVC9080E", "CMMVC9080E")


def refuse_if_recent(array: System, volumes: Iterable[Volume], guard: Guard) -> None:
    """Refuse if one of these volumes had recent I/O."""
    if any(array.protected(volume) for volume in volumes):
        older = array.rules.volume_protection_code if guard is Guard.VOLUME else guard.value[0]
        raise Refused(guard.value[1] if array.rules.newer_protection_codes else older)


def refuse_if_needed(array: System, host: Host, mappings: Iterable[Mapping], guard: Guard) -> None:
    """Refuse if one of these mappings of a host has a volume with recent I/O.

    An offline host may be removed while another host has the volume, so that a cluster of hosts can be removed.
    """
    offline = status(array, host) == "offline"
    needed = [each.volume for each in mappings if not offline or array.hosts_of(each.volume) == [host]]
    refuse_if_recent(array, needed, guard)
