"""The object that a word of a command names, by name or by id; a name cannot be digits only."""

from .objects import Host, HostCluster, Portset, Volume
from .refusals import Refused
from .system import System

GONE = "CMMVC5753E"
UNKNOWN = "CMMVC5754E"


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


def cluster(array: System, word: str, code: str = GONE) -> HostCluster:
    found = array.clusters.get(int(word)) if word.isdecimal() else array.cluster_named.get(word)
    if found is None:
        raise Refused(code)
    return found


def portset(array: System, word: str) -> Portset:
    """A portset for hosts: CMMVC5868E where there is none of that name, CMMVC9699E where it serves no hosts."""
    for found in array.portsets.values():
        if word in {found.name, str(found.id)}:
            if found.type != "host":
                raise Refused("CMMVC9699E")
            return found
    raise Refused("CMMVC5868E")


def io_groups(words: list[str]) -> list[int]:
    """I/O groups by id or name; CMMVC5729E for a list with something else in it."""
    known = {f"io_grp{group}": group for group in range(4)} | {str(group): group for group in range(4)}
    if not words or any(word not in known for word in words):
        raise Refused("CMMVC5729E")
    return sorted({known[word] for word in words})
