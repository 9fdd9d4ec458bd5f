"""Making, changing and removing hosts."""

from . import find, naming
from .call import FLAG, VALUE, Call, Grammar, Option
from .config import default_portset
from .objects import Host, HostPort
from .refusals import Refused
from .release import HOST_CLUSTERS, LEGACY_UNTIL, NINE_ONE, PARTITIONS, PORTSET_TYPES, PORTSETS, PROTOCOLS, SITES
from .system import System
from .tasks_ports import PORTS, may_join, named, refuse_if_protected
from .verb import Verb
from .views_hosts import status

TYPES = ("generic", "hpux", "tpgs", "openvms", "epps", "adminlun", "hide_secondary")
OLD_PROTOCOLS = ("scsi", "nvme")
NEW_PROTOCOLS = ("fcscsi", "fcnvme", "rdmanvme", "tcpnvme", "sas", "iscsi", "scsi")
NATURAL = {"fc": "fcscsi", "sas": "sas", "nvme": "fcnvme"}


def mkhost(array: System, call: Call) -> str:
    ports = named(array, call)
    name = naming.name(call.value("-name")) if call.has("-name") else ""
    if name in array.host_named:
        raise Refused("CMMVC6035E")
    if array.limits.hosts and len(array.hosts) >= array.limits.hosts:
        raise Refused(array.rules.too_many_hosts_code, text="The maximum number of hosts has been reached.")
    groups = find.io_groups(call.listed("-iogrp", ":")) if call.has("-iogrp") else [0, 1, 2, 3]
    may_join(array, ports, groups)
    host = Host(
        id=0,
        name=name or "host",
        ports=ports,
        type=_type(call, "generic"),
        io_groups=groups,
        protocol=_protocol(array, call, ports),
        portset=_portset(array, call, ports),
        site_id=_site_id(array, call.value("-site")),
        site=call.value("-site"),
        host_cluster=find.cluster(array, call.value("-hostcluster")).name if call.has("-hostcluster") else "",
    )
    host.id = array.host_ids.take()
    host.name = name or _given_name(array, host.id)
    array.add_host(host)
    return f"Host, id [{host.id}], successfully created\n"


def _site_id(array: System, site: str) -> str:
    """The number of a site; only the nodes know which sites there are."""
    return next((node.site_id for node in array.nodes.values() if site and node.site_name == site), "")


def _given_name(array: System, number: int) -> str:
    """The name that the array gives itself, of the pattern that it keeps for that."""
    while f"host{number}" in array.host_named:
        number += 1
    return f"host{number}"


def _type(call: Call, default: str) -> str:
    kind = call.value("-type", default)
    if kind not in TYPES:
        raise Refused("CMMVC5711E", kind)
    return kind


def _protocol(array: System, call: Call, ports: list[HostPort]) -> str:
    """The protocol of a new host. From 8.7 on the default is fcscsi, which does not suit an iSCSI name."""
    new = array.level.within(PARTITIONS)
    if call.has("-protocol"):
        return _known_protocol(array, call.value("-protocol"))
    kind = ports[0].kind
    if not new:
        return "nvme" if kind == "nvme" else "scsi"
    if kind != "iscsi":
        return NATURAL[kind]
    if array.rules.iscsi_host_without_protocol == "refused":
        raise Refused("CMMVC5767E")
    return array.rules.iscsi_host_without_protocol


def _known_protocol(array: System, protocol: str) -> str:
    if protocol not in (NEW_PROTOCOLS if array.level.within(PARTITIONS) else OLD_PROTOCOLS):
        raise Refused("CMMVC5711E", protocol)
    return protocol


def _portset(array: System, call: Call, ports: list[HostPort]) -> str:
    if call.has("-portset"):
        return find.portset(array, call.value("-portset")).name
    if not array.level.within(PORTSETS):
        return ""
    return default_portset(array.state.portsets, fc=ports[0].kind == "fc")


def chhost(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    if not call.options:
        raise Refused("CMMVC5707E")
    name = naming.name(call.value("-name")) if call.has("-name") else host.name
    if name != host.name and name in array.host_named:
        raise Refused("CMMVC6035E")
    changed = {"type": _type(call, host.type), **_secrets(array, call), **_place(array, call, host)}
    for field, value in changed.items():
        setattr(host, field, value)
    del array.host_named[host.name]
    host.name = name
    array.host_named[name] = host
    return ""


def _place(array: System, call: Call, host: Host) -> dict[str, str]:
    """Where a host belongs: its portset, protocol, site and mask."""
    changed = {field: call.value(f"-{field}") for field in ("site", "mask") if call.has(f"-{field}")}
    if call.has("-site"):
        changed["site_id"] = _site_id(array, call.value("-site"))
    if call.has("-protocol"):
        if array.seen_by(host):
            raise Refused("CMMVC9331E")
        changed["protocol"] = _known_protocol(array, call.value("-protocol"))
    if call.has("-portset"):
        changed["portset"] = portset = find.portset(array, call.value("-portset")).name
        if status(array, host) != "offline" and not _overlap(array, portset, host.portset):
            refuse_if_protected(array, host)
    return changed


def _overlap(array: System, one: str, other: str) -> bool:
    """Whether two portsets share a port of a node."""
    ports = [{(a.node, a.port_id) for a in array.state.addresses if a.portset == name} for name in (one, other)]
    return bool(ports[0] & ports[1])


def _secrets(array: System, call: Call) -> dict[str, str]:
    """CHAP as three generations of firmware spell it."""
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
    refuse_if_protected(array, host)
    array.remove_host(host)
    return ""


def _asked_groups(call: Call) -> list[int]:
    if call.has("-iogrpall") == call.has("-iogrp"):
        raise Refused("CMMVC5713E" if call.has("-iogrp") else "CMMVC5707E")
    return [0, 1, 2, 3] if call.has("-iogrpall") else find.io_groups(call.listed("-iogrp", ":"))


def addhostiogrp(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    array.regroup(host, sorted({*host.io_groups, *_asked_groups(call)}))
    return ""


def rmhostiogrp(array: System, call: Call) -> str:
    host = find.host(array, call.object)
    left = sorted(set(host.io_groups) - set(_asked_groups(call)))
    cut_off = [m for m in array.of_host[host.id].values() if not set(array.groups(m.volume)) & set(left)]
    if cut_off and not call.has("-force"):
        raise Refused("CMMVC5871E")
    refuse_if_protected(array, host)
    for mapping in cut_off:
        array.unmap(mapping)
    array.regroup(host, left)
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
    "-protocol": Option(since=PROTOCOLS),
    "-portset": Option(since=PORTSETS),
}
GROUPS: Grammar = {"-iogrp": VALUE, "-iogrpall": FLAG}
VERBS = (
    Verb("mkhost", mkhost, MKHOST, "none", writes=True),
    Verb("chhost", chhost, CHHOST, "required", writes=True),
    Verb("rmhost", rmhost, {"-force": FLAG}, "required", writes=True),
    Verb("addhostiogrp", addhostiogrp, GROUPS, "required", writes=True),
    Verb("rmhostiogrp", rmhostiogrp, {**GROUPS, "-force": FLAG}, "required", writes=True),
)
