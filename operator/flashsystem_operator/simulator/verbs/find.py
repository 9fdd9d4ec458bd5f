"""The object that a word of a command names, by name or by id; a name cannot be digits only."""

from itertools import pairwise

from flashsystem_operator.simulator.console.parser import Grammar
from flashsystem_operator.simulator.console.refusals import Refused
from flashsystem_operator.simulator.state.model import Host, HostCluster, Portset, Volume
from flashsystem_operator.simulator.state.rules import PORTSET_TYPES
from flashsystem_operator.simulator.state.system import System

GONE = "CMMVC5753E"
UNKNOWN = "CMMVC5754E"

_ABOUT_HOSTS = frozenset({"rmhost", "chhost", "addhostport", "rmhostport", "addhostiogrp", "rmhostiogrp"})
_ABOUT_VOLUMES = frozenset({"mkvdiskhostmap", "rmvdiskhostmap"})


def volume(array: System, word: str, code: str = GONE) -> Volume:
    found = array.volumes.get(int(word)) if word.isdecimal() else array.volume_named.get(word)
    if found is None:
        raise Refused(code)
    return found


def host(array: System, word: str, code: str = GONE) -> Host:
    found = array.hosts.get(int(word)) if word.isdecimal() else array.host_named.get(word)
    if found is None:
        raise Refused(code)
    return found


def named(array: System, words: list[str], grammar: Grammar) -> list[str]:
    """The words of a command about hosts and mappings, with the names of what was given by its id.

    grammar: of the verb: after an option with a value no object stands.
    """
    verb, found = words[0] if words else "", list(words)
    for place, (option, word) in enumerate(pairwise(words), 1):
        if not word.isdecimal():
            continue
        last = place == len(words) - 1 and not (option in grammar and grammar[option].takes_value)
        if option == "-host" or (last and verb in _ABOUT_HOSTS):
            host = array.hosts.get(int(word))
            found[place] = host.name if host else word
        elif last and verb in _ABOUT_VOLUMES:
            volume = array.volumes.get(int(word))
            found[place] = volume.name if volume else word
    return found


def cluster(array: System, word: str, code: str = GONE) -> HostCluster:
    found = array.clusters.get(int(word)) if word.isdecimal() else array.cluster_named.get(word)
    if found is None:
        raise Refused(code)
    return found


def portset(array: System, word: str, port_type: str) -> Portset:
    """A portset for hosts with ports of this type; empty: of any.

    CMMVC5868E where there is none of that name, CMMVC9699E where it serves no hosts, CMMVC9781E for another port_type.
    """
    for found in array.portsets.values():
        if word in {found.name, str(found.id)}:
            if found.type != "host":
                raise Refused("CMMVC9699E")
            if array.level.at(*PORTSET_TYPES) and port_type not in {"", found.port_type}:
                raise Refused("CMMVC9781E")
            return found
    raise Refused("CMMVC5868E")


def io_groups(words: list[str]) -> list[int]:
    """I/O groups by id or name; CMMVC5729E for a list with something else in it."""
    known = {f"io_grp{group}": group for group in range(4)} | {str(group): group for group in range(4)}
    if not words or any(word not in known for word in words):
        raise Refused("CMMVC5729E")
    return sorted({known[word] for word in words})
