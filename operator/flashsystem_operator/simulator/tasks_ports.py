"""Initiators of hosts: which a command names, whether they may be added, and adding and removing them."""

from collections.abc import Iterable

from flashsystem_operator.simulator import find, naming
from flashsystem_operator.simulator.call import FLAG, VALUE, Call, Grammar, Option
from flashsystem_operator.simulator.objects import Host, HostPort, Kind
from flashsystem_operator.simulator.protection import Guard, refuse_if_needed
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import LEGACY_UNTIL, PARTITIONS, PROTOCOLS, Level
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import Verb

OPTIONS: dict[str, tuple[Kind, str]] = {
    "-iscsiname": ("iscsi", ","),
    "-hbawwpn": ("fc", ":"),
    "-fcwwpn": ("fc", ":"),
    "-saswwpn": ("sas", ":"),
    "-nqn": ("nvme", ","),
}
OLD_PROTOCOLS: dict[Kind, tuple[str, ...]] = {"iscsi": ("scsi",), "fc": ("scsi",), "sas": ("scsi",), "nvme": ("nvme",)}
NEW_PROTOCOLS: dict[Kind, tuple[str, ...]] = {
    "iscsi": ("iscsi", "scsi"),
    "fc": ("fcscsi", "scsi"),
    "sas": ("sas", "scsi"),
    "nvme": ("fcnvme", "rdmanvme", "tcpnvme", "nvme"),
}
HOST_IS_FULL: dict[Kind, str] = {
    "iscsi": "CMMVC6999E",
    "nvme": "CMMVC9339E",
    "fc": "CMMVC8996E",
    "sas": "CMMVC8996E",
}
"""How the array refuses one port too many of a host."""
ABSENT: dict[Kind, str] = {"fc": "CMMVC5873E", "sas": "CMMVC5873E", "nvme": "CMMVC9340E"}
"""How 8.7 refuses to remove a port that the host has not; for iSCSI names no code of its own is documented."""
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


def protocols(level: Level) -> dict[Kind, tuple[str, ...]]:
    """The protocols that fit each kind of port, the usual one first."""
    return NEW_PROTOCOLS if level.at(*PARTITIONS) else OLD_PROTOCOLS


def may_join(array: System, ports: list[HostPort], groups: list[int], already: int = 0) -> None:
    """Refuse ports that another host has, that come twice, or that would be too many."""
    folded = [port.name.casefold() for port in ports]
    if len(set(folded)) < len(folded) or any(name in array.port_owner for name in folded):
        exactly = {port.name for owner in array.hosts.values() for port in owner.ports}
        only_case = len({port.name for port in ports}) == len(ports) and not any(port.name in exactly for port in ports)
        if ports[0].kind == "iscsi" and only_case and array.level.at(*PARTITIONS):
            raise Refused("CMMVC9754E")
        raise Refused(naming.taken_code(ports[0].kind, array.rules))
    limits = array.limits
    if limits.ports_per_host and already + len(ports) > limits.ports_per_host:
        raise Refused(HOST_IS_FULL[ports[0].kind])
    iqns = sum(port.kind == "iscsi" for host in array.hosts.values() for port in host.ports) if limits.iqns else 0
    if limits.iqns and ports[0].kind == "iscsi" and iqns + len(ports) > limits.iqns:
        raise Refused("CMMVC6988E")
    refuse_if_crowded(array, ports, groups)


def refuse_if_crowded(array: System, ports: list[HostPort], groups: Iterable[int]) -> None:
    """Refuse iSCSI names in an I/O group that takes no further ones."""
    most, more = array.limits.iqns_per_io_group, sum(port.kind == "iscsi" for port in ports)
    if most and more and any(array.iqns[group] + more > most for group in groups):
        raise Refused("CMMVC9326E")


def addhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    _refuse_unfit(array, host, ports[0].kind)
    may_join(array, ports, host.io_groups, len(host.ports))
    host.ports = [*host.ports, *ports]
    for port in ports:
        array.own(host, port)
    return ""


def _refuse_unfit(array: System, host: Host, kind: Kind) -> None:
    """Refuse ports of another kind than the host has, and iSCSI names for a host without I/O groups.

    Before 8.7 a host may have iSCSI names and WWPNs.
    """
    if kind == "iscsi" and not host.io_groups:
        raise Refused("CMMVC6582E")
    kinds = {port.kind for port in host.ports} | {kind}
    if array.level.at(*PARTITIONS) and "iscsi" in kinds and kinds & {"fc", "sas"}:
        raise Refused("CMMVC9546E")
    if array.level.at(*PROTOCOLS) and kinds != {kind} and "nvme" in kinds:
        raise Refused("CMMVC9337E")
    if not host.ports and array.level.at(*PROTOCOLS) and host.protocol not in protocols(array.level)[kind]:
        raise Refused("CMMVC9337E")


def rmhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    leaving = {port.name.casefold() for port in ports}
    if not leaving <= _names(host.ports):
        absent = ABSENT.get(ports[0].kind) if array.level.at(*PARTITIONS) else None
        raise Refused(absent or naming.taken_code(ports[0].kind, array.rules))
    gone = [port for port in host.ports if port.name.casefold() in leaving]
    if len(gone) == len(host.ports):
        refuse_if_needed(array, host, array.seen_by(host), Guard.LAST_PORT)
    for port in gone:
        host.ports.remove(port)
        array.disown(host, port)
    return ""


def _names(ports: Iterable[HostPort]) -> set[str]:
    return {port.name.casefold() for port in ports}


PORT_CHANGES = (
    Verb("addhostport", addhostport, {"-force": FLAG, **PORTS}, "required", writes=True),
    Verb("rmhostport", rmhostport, {"-force": FLAG, **PORTS}, "required", writes=True, until=PARTITIONS),
    Verb("rmhostport", rmhostport, PORTS, "required", writes=True, since=PARTITIONS),
)
"""From 8.7 on the documented syntax of rmhostport has no -force."""
