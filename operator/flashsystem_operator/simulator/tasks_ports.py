"""Initiators of hosts: which a command names, whether they may be added, and adding and removing them."""

from collections.abc import Iterable

from . import find, naming
from .call import FLAG, VALUE, Call, Grammar, Option
from .objects import Host, HostPort, Kind
from .refusals import Refused
from .release import LEGACY_UNTIL, NINE_ONE, PROTOCOLS
from .system import System
from .verb import Verb

OPTIONS: dict[str, tuple[Kind, str]] = {
    "-iscsiname": ("iscsi", ","),
    "-hbawwpn": ("fc", ":"),
    "-fcwwpn": ("fc", ":"),
    "-saswwpn": ("sas", ":"),
    "-nqn": ("nvme", ","),
}
PORTS: Grammar = {
    "-iscsiname": VALUE,
    "-hbawwpn": VALUE,
    "-fcwwpn": VALUE,
    "-saswwpn": Option(since=LEGACY_UNTIL),
    "-nqn": Option(since=PROTOCOLS),
}


def named(array: System, call: Call) -> list[HostPort]:
    """The ports of a command: one option of them, not none and not two; each a name that could be one."""
    given = [option for option in OPTIONS if call.has(option)]
    if not given:
        raise Refused("CMMVC5707E")
    if len(given) > 1:
        raise Refused("CMMVC5713E")
    kind, separator = OPTIONS[given[0]]
    words = call.listed(given[0], separator)
    return [HostPort(kind=kind, name=naming.initiator(kind, word, array.rules)) for word in words]


def may_join(array: System, ports: list[HostPort], groups: list[int], already: int = 0) -> None:
    """Refuse ports that another host has, that come twice, or that would be too many."""
    folded = [port.name.casefold() for port in ports]
    if len(set(folded)) < len(folded) or any(name in array.port_owner for name in folded):
        raise Refused(naming.taken_code(ports[0].kind, array.rules))
    limit = array.limits.ports_per_host
    full = bool(limit) and already + len(ports) > limit
    most = array.limits.iqns_per_io_group if ports[0].kind == "iscsi" else 0
    crowded = bool(most) and any(array.iqns.get(group, 0) + len(ports) > most for group in groups)
    if full or crowded:
        raise Refused(array.rules.too_many_ports_code)


def refuse_if_protected(array: System, host: Host) -> None:
    """Volume protection guards every volume that a host sees, -force or not."""
    if any(array.protected(mapping.volume) for mapping in array.seen_by(host)):
        raise Refused(array.rules.protection_code, text=PROTECTED)


PROTECTED = "The command failed because volume protection is enabled and the volume has had recent I/O."


def addhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    may_join(array, ports, host.io_groups, len(host.ports))
    host.ports = [*host.ports, *ports]
    for port in ports:
        array.own(host, port)
    return ""


def rmhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    leaving = {port.name.casefold() for port in ports}
    if not leaving <= _names(host.ports):
        raise Refused(naming.taken_code(ports[0].kind, array.rules))
    refuse_if_protected(array, host)
    for port in [port for port in host.ports if port.name.casefold() in leaving]:
        host.ports.remove(port)
        array.disown(host, port)
    return ""


def _names(ports: Iterable[HostPort]) -> set[str]:
    return {port.name.casefold() for port in ports}


VERBS = (
    Verb("addhostport", addhostport, {"-force": FLAG, **PORTS}, "required", writes=True),
    Verb("rmhostport", rmhostport, {"-force": FLAG, **PORTS}, "required", writes=True, until=NINE_ONE),
    Verb("rmhostport", rmhostport, PORTS, "required", writes=True, since=NINE_ONE),
)
"""From 9.1 on the documented syntax of rmhostport has no -force."""
