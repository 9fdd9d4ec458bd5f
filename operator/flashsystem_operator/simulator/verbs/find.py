"""Find the object that an argument of a command names, by name or by id. A name cannot be digits only."""

from itertools import pairwise

from flashsystem_operator.simulator.console.parser import Grammar
from flashsystem_operator.simulator.state.model import (
    ConsistencyGroup,
    Host,
    HostCluster,
    Pool,
    Portset,
    Volume,
    VolumeGroup,
)
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import PORTSET_TYPES
from flashsystem_operator.simulator.state.system import FlashCopy, System

GONE = "CMMVC5753E"
UNKNOWN = "CMMVC5754E"

_ABOUT_HOSTS = frozenset({"rmhost", "chhost", "addhostport", "rmhostport", "addhostiogrp", "rmhostiogrp"})
_ABOUT_VOLUMES = frozenset({"mkvdiskhostmap", "rmvdiskhostmap"})


def volume(array: System, argument: str, code: str = GONE) -> Volume:
    found = array.volumes.get(int(argument)) if argument.isdecimal() else array.volume_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def live_volume(array: System, argument: str, code: str = GONE) -> Volume:
    """Find a volume that a command may change: CMMVC8697E while it is being deleted."""
    found = volume(array, argument, code)
    if found.is_being_deleted:
        raise Refused("CMMVC8697E")
    return found


def pool(array: System, argument: str, code: str = UNKNOWN) -> Pool:
    for found in array.pools.values():
        if argument in {found.name, str(found.id)}:
            return found
    raise Refused(code)


def host(array: System, argument: str, code: str = GONE) -> Host:
    found = array.hosts.get(int(argument)) if argument.isdecimal() else array.host_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def named(array: System, tokens: list[str], grammar: Grammar) -> list[str]:
    """Return the tokens of a command about hosts or mappings, with ids replaced by names.

    grammar: the options of the verb; the value of an option is not an object.
    """
    verb, found = tokens[0] if tokens else "", list(tokens)
    for place, (option, argument) in enumerate(pairwise(tokens), 1):
        if not argument.isdecimal():
            continue
        last = place == len(tokens) - 1 and not (option in grammar and grammar[option].takes_value)
        if option == "-host" or (last and verb in _ABOUT_HOSTS):
            host = array.hosts.get(int(argument))
            found[place] = host.name if host else argument
        elif last and verb in _ABOUT_VOLUMES:
            volume = array.volumes.get(int(argument))
            found[place] = volume.name if volume else argument
    return found


def cluster(array: System, argument: str, code: str = GONE) -> HostCluster:
    found = array.clusters.get(int(argument)) if argument.isdecimal() else array.cluster_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def volume_group(array: System, argument: str, code: str = "CMMVC9808E") -> VolumeGroup:
    by_id = array.volume_groups.get(int(argument)) if argument.isdecimal() else None
    found = by_id or array.volume_group_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def flashcopy(array: System, argument: str, code: str = GONE) -> FlashCopy:
    by_id = array.flashcopies.get(int(argument)) if argument.isdecimal() else None
    found = by_id or array.flashcopy_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def consistency_group(array: System, argument: str, code: str = GONE) -> ConsistencyGroup:
    by_id = array.consistency_groups.get(int(argument)) if argument.isdecimal() else None
    found = by_id or array.consistency_group_named.get(argument)
    if found is None:
        raise Refused(code)
    return found


def portset(array: System, argument: str, port_type: str) -> Portset:
    """Find a portset for hosts. port_type: of the host's ports; empty accepts any.

    CMMVC5868E if there is none of that name, CMMVC9699E if it does not serve hosts, CMMVC9781E for another port_type.
    """
    for found in array.portsets.values():
        if argument in {found.name, str(found.id)}:
            if found.type != "host":
                raise Refused("CMMVC9699E")
            if array.level.at(*PORTSET_TYPES) and port_type not in {"", found.port_type}:
                raise Refused("CMMVC9781E")
            return found
    raise Refused("CMMVC5868E")


def io_groups(arguments: list[str], code: str = "CMMVC5729E") -> list[int]:
    """Find I/O groups by id or name; refused with this code if any of them is unknown."""
    known = {f"io_grp{group}": group for group in range(4)} | {str(group): group for group in range(4)}
    if not arguments or any(argument not in known for argument in arguments):
        raise Refused(code)
    return sorted({known[argument] for argument in arguments})
