"""Host objects: mkhost, chhost, rmhost, their ports and I/O groups."""

from collections.abc import Iterable

from flashsystem_operator.simulator.console.parser import FLAG, VALUE, Call, Grammar, Option, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.config import default_portset
from flashsystem_operator.simulator.state.model import Host, HostPort, Kind
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import (
    HOST_CLUSTERS,
    LEGACY_UNTIL,
    NINE_ONE,
    PARTITIONS,
    PORTSET_TYPES,
    PORTSETS,
    PROTOCOLS,
    SITES,
    Level,
)
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import find
from flashsystem_operator.simulator.verbs.host_views import status
from flashsystem_operator.simulator.verbs.protection import Guard, refuse_if_needed

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
"""Code of the refusal for too many ports of a host."""
ABSENT: dict[Kind, str] = {"fc": "CMMVC5873E", "sas": "CMMVC5873E", "nvme": "CMMVC9340E"}
"""Code of 8.7 for the removal of a port that the host does not have; none is documented for iSCSI names."""
PORTS: Grammar = {
    "-iscsiname": VALUE,
    "-hbawwpn": VALUE,
    "-fcwwpn": VALUE,
    "-saswwpn": Option(since=LEGACY_UNTIL),
    "-nqn": Option(since=PROTOCOLS),
}


def named(array: System, call: Call) -> list[HostPort]:
    """Return the ports that a command names. Exactly one option may name them; each name must be valid."""
    given = [option for option in OPTIONS if call.has(option)]
    if not given:
        raise Refused("CMMVC5707E")
    if len(given) > 1:
        raise Refused("CMMVC5713E")
    kind, separator = OPTIONS[given[0]]
    names = call.listed(given[0], separator)
    return [HostPort(kind=kind, name=model.initiator(kind, name, array.rules)) for name in names]


def protocols(level: Level) -> dict[Kind, tuple[str, ...]]:
    """Return the protocols for each kind of port, the default first."""
    return NEW_PROTOCOLS if level.at(*PARTITIONS) else OLD_PROTOCOLS


def may_join(array: System, ports: list[HostPort], groups: list[int], already: int = 0) -> None:
    """Refuse ports that another host has, that are repeated, or that exceed a limit."""
    folded = [port.name.casefold() for port in ports]
    if len(set(folded)) < len(folded) or any(name in array.port_owner for name in folded):
        exactly = {port.name for owner in array.hosts.values() for port in owner.ports}
        only_case = len({port.name for port in ports}) == len(ports) and not any(port.name in exactly for port in ports)
        if ports[0].kind == "iscsi" and only_case and array.level.at(*PARTITIONS):
            raise Refused("CMMVC9754E")
        raise Refused(model.taken_code(ports[0].kind, array.rules))
    limits = array.limits
    if limits.ports_per_host and already + len(ports) > limits.ports_per_host:
        raise Refused(HOST_IS_FULL[ports[0].kind])
    iqns = sum(port.kind == "iscsi" for host in array.hosts.values() for port in host.ports) if limits.iqns else 0
    if limits.iqns and ports[0].kind == "iscsi" and iqns + len(ports) > limits.iqns:
        raise Refused("CMMVC6988E")
    refuse_if_crowded(array, ports, groups)


def refuse_if_crowded(array: System, ports: list[HostPort], groups: Iterable[int]) -> None:
    """Refuse iSCSI names in an I/O group that is full."""
    most, more = array.limits.iqns_per_io_group, sum(port.kind == "iscsi" for port in ports)
    if most and more and any(array.iqns[group] + more > most for group in groups):
        raise Refused("CMMVC9326E")


def addhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    kind = ports[0].kind
    if kind == "iscsi" and not host.io_groups:
        raise Refused("CMMVC6582E")
    kinds = {port.kind for port in host.ports} | {kind}
    # Before 8.7 a host may have iSCSI names and WWPNs.
    if array.level.at(*PARTITIONS) and "iscsi" in kinds and kinds & {"fc", "sas"}:
        raise Refused("CMMVC9546E")
    if array.level.at(*PROTOCOLS) and kinds != {kind} and "nvme" in kinds:
        raise Refused("CMMVC9337E")
    if not host.ports and array.level.at(*PROTOCOLS) and host.protocol not in protocols(array.level)[kind]:
        raise Refused("CMMVC9337E")
    may_join(array, ports, host.io_groups, len(host.ports))
    host.ports = [*host.ports, *ports]
    for port in ports:
        array.own(host, port)
    return ""


def rmhostport(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    ports = named(array, call)
    leaving = {port.name.casefold() for port in ports}
    if not leaving <= {port.name.casefold() for port in host.ports}:
        absent = ABSENT.get(ports[0].kind) if array.level.at(*PARTITIONS) else None
        raise Refused(absent or model.taken_code(ports[0].kind, array.rules))
    gone = [port for port in host.ports if port.name.casefold() in leaving]
    if len(gone) == len(host.ports):
        refuse_if_needed(array, host, array.seen_by(host), Guard.LAST_PORT)
    for port in gone:
        host.ports.remove(port)
        array.disown(host, port)
    return ""


PORT_CHANGES = (
    Verb("addhostport", addhostport, {"-force": FLAG, **PORTS}, "required", writes=True),
    Verb("rmhostport", rmhostport, {"-force": FLAG, **PORTS}, "required", writes=True, until=PARTITIONS),
    Verb("rmhostport", rmhostport, PORTS, "required", writes=True, since=PARTITIONS),
)
"""From 8.7 on the documented syntax of rmhostport has no -force."""


TYPES = ("generic", "hpux", "tpgs", "openvms", "epps", "adminlun", "hide_secondary")


def mkhost(array: System, call: Call) -> str:
    if array.state.system.open_access_enabled == "on":
        raise Refused("CMMVC7326E")
    ports = named(array, call)
    name = model.name(call.value("-name")) if call.has("-name") else ""
    if name in array.host_named:
        raise Refused("CMMVC6035E")
    groups = find.io_groups(call.listed("-iogrp", ":")) if call.has("-iogrp") else [0, 1, 2, 3]
    if array.limits.hosts and len(array.hosts) >= array.limits.hosts:
        raise Refused("CMMVC8991E")
    _refuse_if_full(array, groups)
    may_join(array, ports, groups)
    protocol = _protocol(array, call, ports)
    kind = _type(call, "generic")
    if ports[0].kind == "nvme" and kind != "generic":
        raise Refused("CMMVC9324E")
    port_type = _port_type(ports[0].kind, protocol)
    if call.has("-portset"):
        portset = find.portset(array, call.value("-portset"), port_type).name
    elif array.level.within(PORTSETS):
        portset = default_portset(array.state.portsets, fc=port_type == "fc")
    else:
        portset = ""
    host = Host(
        id=0,
        name=name or "host",
        ports=ports,
        type=kind,
        io_groups=groups,
        protocol=protocol,
        portset=portset,
        site_id=_site_id(array, call.value("-site")),
        site=call.value("-site"),
        host_cluster=find.cluster(array, call.value("-hostcluster")).name if call.has("-hostcluster") else "",
    )
    host.id = array.host_ids.take()
    if not name:  # the array chooses one, from its reserved pattern
        number = host.id
        while f"host{number}" in array.host_named:
            number += 1
        host.name = f"host{number}"
    array.add_host(host)
    return f"Host, id [{host.id}], successfully created\n"


def _refuse_if_full(array: System, groups: Iterable[int]) -> None:
    """Refuse another host in an I/O group that is full."""
    most = array.limits.hosts_per_io_group
    if most and any(sum(group in host.io_groups for host in array.hosts.values()) >= most for group in groups):
        raise Refused("CMMVC8994E")


def _site_id(array: System, site: str) -> str:
    """Return the id of a site; the sites are known from the nodes only."""
    return next((node.site_id for node in array.nodes.values() if site and node.site_name == site), "")


def _type(call: Call, default: str) -> str:
    kind = call.value("-type", default)
    if kind not in TYPES:
        raise Refused("CMMVC5706E", "-type")
    return kind


def _protocol(array: System, call: Call, ports: list[HostPort]) -> str:
    """Return the protocol of a new host: as requested, or the default of its ports."""
    kind = ports[0].kind
    suitable = protocols(array.level)
    if not call.has("-protocol"):
        if kind == "nvme":
            raise Refused("CMMVC9323E")  # its default is for SCSI
        return array.rules.iscsi_host_protocol if kind == "iscsi" and array.level.at(*PARTITIONS) else suitable[kind][0]
    protocol = _known_protocol(array, call.value("-protocol"))
    if protocol not in suitable[kind]:
        raise Refused("CMMVC9323E")
    return protocol


def _known_protocol(array: System, protocol: str) -> str:
    if not any(protocol in suitable for suitable in protocols(array.level).values()):
        raise Refused("CMMVC5706E", "-protocol")
    return protocol


def _port_type(kind: Kind | None, protocol: str) -> str:
    """Return the port_type of a portset for these ports; empty if both fit."""
    if kind in {"fc", "iscsi"}:
        return "fc" if kind == "fc" else "ethernet"
    return {"fcnvme": "fc", "rdmanvme": "ethernet", "tcpnvme": "ethernet"}.get(protocol, "")


def chhost(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    if not call.options:
        raise Refused("CMMVC5733E")
    name = model.name(call.value("-name")) if call.has("-name") else host.name
    if name != host.name and name in array.host_named:
        raise Refused("CMMVC6035E")
    kind = _type(call, host.type)
    if kind != "generic" and "nvme" in host.protocol:
        raise Refused("CMMVC9330E")
    changed = {"type": kind, **_secrets(array, call), **_place(array, call, host)}
    for field, value in changed.items():
        setattr(host, field, value)
    del array.host_named[host.name]
    host.name = name
    array.host_named[name] = host
    return ""


def _place(array: System, call: Call, host: Host) -> dict[str, str]:
    """Return the changed settings of a host: portset, protocol, site and mask."""
    changed = {field: call.value(f"-{field}") for field in ("site", "mask") if call.has(f"-{field}")}
    if call.has("-site"):
        changed["site_id"] = _site_id(array, call.value("-site"))
    if call.has("-protocol"):
        changed["protocol"] = _known_protocol(array, call.value("-protocol"))
        for code, applies in (
            ("CMMVC9345E", host.host_cluster),
            ("CMMVC9332E", array.seen_by(host)),
            ("CMMVC9331E", host.ports),
        ):
            if applies:
                raise Refused(code)
    if call.has("-portset"):
        port_type = _port_type(host.ports[0].kind if host.ports else None, host.protocol)
        changed["portset"] = portset = find.portset(array, call.value("-portset"), port_type).name
        if array.state.system.vdisk_protection_enabled == "yes" and status(array, host) != "offline":
            addresses = array.state.addresses
            old = {(address.node, address.port_id) for address in addresses if address.portset == host.portset}
            new = {(address.node, address.port_id) for address in addresses if address.portset == portset}
            if not old & new:  # no port of a node is in both portsets
                raise Refused("CMMVC9714E")
    return changed


def _secrets(array: System, call: Call) -> dict[str, str]:
    """Set CHAP, with the options of three generations of firmware."""
    for option in ("-chapsecret", "-hostsecret"):
        if call.has(option) and not 0 < len(call.value(option)) <= array.rules.longest_chap_secret:
            raise Refused(array.rules.chap_secret_code)
        if call.has(option) and call.has(option.replace("-", "-no", 1)):
            raise Refused("CMMVC5713E")
    spelled = {
        "-chapsecret": "chap_secret",
        "-hostsecret": "chap_secret",
        "-iscsiusername": "chap_username",
        "-hostusername": "chap_username",
        "-storagesecret": "storage_secret",
        "-storageusername": "storage_username",
    }
    changed = {field: call.value(option) for option, field in spelled.items() if call.has(option)}
    if call.has("-nochapsecret") or call.has("-nohostsecret"):
        changed |= {"chap_secret": "", "chap_username": ""}
    if call.has("-nostoragesecret"):
        changed |= {"storage_secret": "", "storage_username": ""}
    return changed


def rmhost(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    if array.seen_by(host) and not call.has("-force"):
        raise Refused("CMMVC5871E")
    if host.host_cluster:
        raise Refused(array.rules.in_cluster_code)
    refuse_if_needed(array, host, array.seen_by(host), Guard.HOST)
    array.remove_host(host)
    return ""


def _asked_groups(call: Call) -> list[int]:
    if call.has("-iogrpall") == call.has("-iogrp"):
        raise Refused("CMMVC5713E" if call.has("-iogrp") else "CMMVC5707E")
    return [0, 1, 2, 3] if call.has("-iogrpall") else find.io_groups(call.listed("-iogrp", ":"))


def addhostiogrp(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    asked = set(_asked_groups(call))
    added = asked - set(host.io_groups)
    if not added or (added < asked and not call.has("-iogrpall")):
        raise Refused("CMMVC8998E")
    _refuse_if_full(array, added)
    refuse_if_crowded(array, host.ports, added)
    array.regroup(host, sorted({*host.io_groups, *added}))
    return ""


def rmhostiogrp(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    asked = set(_asked_groups(call))
    taken = asked & set(host.io_groups)
    if not taken or (taken < asked and not call.has("-iogrpall")):
        raise Refused("CMMVC8997E")
    through = [mapping for mapping in array.seen_by(host) if taken & set(array.groups(mapping.volume))]
    left = set(host.io_groups) - taken
    if any(mapping.owner is not host for mapping in through):
        raise Refused("CMMVC9374E")
    if any(left & set(array.groups(mapping.volume)) for mapping in through):
        raise Refused("CMMVC8262E")  # -force or not
    if through and not call.has("-force"):
        raise Refused("CMMVC8999E")
    refuse_if_needed(array, host, through, Guard.IO_GROUPS)
    for mapping in through:
        array.unmap(mapping)
    array.regroup(host, sorted(left))
    return ""


MKHOST: Grammar = {
    **PORTS,
    "-name": VALUE,
    "-iogrp": VALUE,
    "-mask": VALUE,
    "-force": FLAG,
    "-type": VALUE,
    "-ibgid": Option(until=LEGACY_UNTIL),
    "-site": Option(since=SITES),
    "-hostcluster": Option(since=HOST_CLUSTERS),
    "-protocol": Option(since=PROTOCOLS),
    "-portset": Option(since=PORTSETS),
    "-ownershipgroup": Option(since=PORTSETS),
    **{name: Option(since=PARTITIONS) for name in ("-partition", "-location", "-fdminame")},
    "-autostoragediscovery": Option(takes_value=False, since=PARTITIONS),
}
CHHOST: Grammar = {
    "-type": VALUE,
    "-name": VALUE,
    "-mask": Option(until=PORTSETS),
    "-chapsecret": Option(until=NINE_ONE),
    "-nochapsecret": Option(takes_value=False, until=NINE_ONE),
    "-iscsiusername": Option(since=PORTSET_TYPES, until=NINE_ONE),
    **{name: Option(since=NINE_ONE) for name in ("-hostusername", "-hostsecret", "-storageusername", "-storagesecret")},
    **{name: Option(takes_value=False, since=NINE_ONE) for name in ("-nohostsecret", "-nostoragesecret")},
    "-site": Option(since=SITES),
    "-protocol": Option(since=PROTOCOLS, until=PARTITIONS),
    "-portset": Option(since=PORTSETS),
}
GROUPS: Grammar = {"-iogrp": VALUE, "-iogrpall": FLAG}
CHANGES = (
    Verb("mkhost", mkhost, MKHOST, "none", writes=True),
    Verb("chhost", chhost, CHHOST, "required", writes=True),
    Verb("rmhost", rmhost, {"-force": FLAG}, "required", writes=True),
    Verb("addhostiogrp", addhostiogrp, GROUPS, "required", writes=True),
    Verb("rmhostiogrp", rmhostiogrp, {**GROUPS, "-force": FLAG}, "required", writes=True),
)
