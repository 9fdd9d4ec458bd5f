"""Reads of hosts: their ports, I/O groups, CHAP secrets and logins."""

import itertools
from dataclasses import dataclass

from flashsystem_operator.simulator.console.output import Column, Columns, Pair, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import FILTER, LS, Call, Verb
from flashsystem_operator.simulator.state.model import Host, HostPort, Kind
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import (
    EIGHT,
    EVER,
    HOST_CLUSTERS,
    NINE_ONE,
    PARTITIONS,
    PORTSETS,
    PROTOCOLS,
    SITES,
)
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs.find import UNKNOWN
from flashsystem_operator.simulator.verbs.find import host as find_host
from flashsystem_operator.simulator.verbs.system import io_group_name

PORT_KEY: dict[Kind, str] = {"iscsi": "iscsi_name", "fc": "WWPN", "nvme": "nqn", "sas": "SAS_WWPN"}


def status(array: System, host: Host) -> str:
    """Return online, degraded or offline, by the kind of the host's ports."""
    if host.status is not None:
        return host.status
    if not any(port.kind == "iscsi" for port in host.ports):
        nodes = sum(node.status == "online" for node in array.nodes.values())
        logins = [port.logins for port in host.ports]
        if not any(logins):
            return "offline"
        return "online" if min(logins) >= nodes else "degraded"
    # online: sessions with every I/O group through which the host has a mapping; offline: with none of its own.
    # Three passages of the guide contradict each other on a host without mappings; see the rule.
    reached = set().union(*(sessions_with(array, port) for port in host.ports)) & set(host.io_groups)
    if not reached:
        return "offline"
    mapped = _mapped_groups(array, host)
    if not mapped and array.rules.unmapped_iscsi_host != "by_io_groups":
        return array.rules.unmapped_iscsi_host
    return "online" if (mapped or _live_groups(array) & set(host.io_groups)) <= reached else "degraded"


def _live_groups(array: System) -> set[int]:
    """Return the I/O groups that have an online node."""
    return {n.io_group for n in array.nodes.values() if n.status == "online" and n.io_group is not None}


def sessions_with(array: System, port: HostPort) -> set[int]:
    """Return the I/O groups that an iSCSI name has sessions with."""
    if not port.logins:
        return set()
    return _live_groups(array) if port.login_groups is None else set(port.login_groups)


def _mapped_groups(array: System, host: Host) -> set[int]:
    """Return the I/O groups through which a host has a mapping."""
    groups = {group for mapping in array.seen_by(host) for group in array.groups(mapping.volume)}
    return groups & set(host.io_groups)


def port_state(array: System, host: Host, port: HostPort) -> str:
    """Return the state of a port: active, inactive (nothing is mapped), degraded (not all paths) or offline."""
    if port.state is not None:
        return port.state
    if not port.logins:
        return "offline"
    mapped = _mapped_groups(array, host)
    if not mapped:
        return "inactive"
    if port.kind != "iscsi":
        nodes = sum(node.status == "online" and node.io_group in mapped for node in array.nodes.values())
        return "active" if port.logins >= nodes else "degraded"
    reached = mapped & sessions_with(array, port)
    if reached == mapped:
        return "active"
    return "degraded" if reached else "offline"


ID: list[Column[Host]] = [
    Column("id", lambda _, host: host.id),
    Column("name", lambda _, host: host.name),
    Column("port_count", lambda _, host: len(host.ports)),
]
GROUPS: Column[Host] = Column("iogrp_count", lambda _, host: len(host.io_groups))
STATUS: Column[Host] = Column("status", status)
PLACE: list[Column[Host]] = [
    Column("site_id", lambda _, host: host.site_id, SITES),
    Column("site_name", lambda _, host: host.site, SITES),
    Column(
        "host_cluster_id",
        lambda array, host: array.cluster_named[host.host_cluster].id if host.host_cluster else "",
        HOST_CLUSTERS,
    ),
    Column("host_cluster_name", lambda _, host: host.host_cluster, HOST_CLUSTERS),
    Column("protocol", lambda _, host: host.protocol, EIGHT),
]
PORTSET: list[Column[Host]] = [
    Column("portset_id", lambda array, host: array.portsets[host.portset].id if host.portset else "", PORTSETS),
    Column("portset_name", lambda _, host: host.portset, PORTSETS),
    *blank("partition_id partition_name", PARTITIONS),
]
DRAFT: Columns[object] = [
    *blank("draft_partition_id draft_partition_name", PARTITIONS),
    *blank("ungrouped_volume_mapping", PARTITIONS, value="no"),
]
CONCISE: list[Column[Host]] = [
    *ID,
    GROUPS,
    STATUS,
    *PLACE,
    *blank("owner_id owner_name", EIGHT),
    *PORTSET,
    *DRAFT,
    *blank("location_system_name", PARTITIONS),
]
DETAILED: list[Column[Host]] = [
    *ID,
    Column("type", lambda _, host: host.type),
    Column("mask", lambda _, host: host.mask, EVER, PARTITIONS),
    GROUPS,
    STATUS,
    *PLACE,
    *blank("status_policy", PROTOCOLS, value="redundant"),
    *blank("status_site", PROTOCOLS, value="all"),
    *blank("io_activity_status", NINE_ONE, value="inactive"),
    *blank("discovery_status", NINE_ONE, value="offline"),
]
AFTER_PORTS: list[Column[Host]] = [
    *blank("owner_id owner_name", PORTSETS),
    *PORTSET,
    *blank("location1_status location2_status", NINE_ONE),
    *DRAFT,
    *blank("auto_storage_discovery", NINE_ONE, value="no"),
    *blank("location_system_name", PARTITIONS),
    Column("auth_method", lambda _, host: "chap" if host.chap_secret else "none", NINE_ONE),
    Column("host_username", lambda _, host: host.chap_username, NINE_ONE),
    Column("storage_username", lambda _, host: host.storage_username, NINE_ONE),
    Column("host_secret", lambda _, host: "yes" if host.chap_secret else "no", NINE_ONE),
    Column("storage_secret", lambda _, host: "yes" if host.storage_secret else "no", NINE_ONE),
    *blank("offline_alert_suppressed", NINE_ONE, value="no"),
]


def lshost(array: System, call: Call) -> str:
    if (call.has("-filtervalue") or call.has("-filtervalue?")) and not array.rules.host_filters:
        raise Refused("CMMVC5709E", "-filtervalue")
    if not call.object:
        return concise(array, call, CONCISE, (host for _, host in sorted(array.hosts.items())))
    host = find_host(array, call.object, UNKNOWN)
    blocks: list[Pair] = []
    for port in host.ports:
        blocks += [
            (PORT_KEY[port.kind], port.name),
            ("node_logged_in_count", port.logins),
            ("state", port_state(array, host, port)),
        ]
    return detailed(call, pairs(array, DETAILED, host) + blocks + pairs(array, AFTER_PORTS, host))


IO_GROUP: list[Column[int]] = [
    Column("id", lambda _, group: group),
    Column("name", lambda _, group: io_group_name(group)),
]


def lshostiogrp(array: System, call: Call) -> str:
    return concise(array, call, IO_GROUP, sorted(find_host(array, call.object, UNKNOWN).io_groups))


def _secret(array: System, secret: str) -> str:
    if array.rules.chap_secrets_hidden:
        return "yes" if secret else "no"
    return secret


CHAP: list[Column[Host | None]] = [
    Column("type", lambda _, host: "host" if host else "cluster"),
    Column("id", lambda array, host: host.id if host else array.state.system.id),
    Column("name", lambda array, host: host.name if host else array.state.system.name),
    Column(
        "iscsi_auth_method",
        lambda array, host: ("chap" if host.chap_secret else "none") if host else array.state.system.iscsi_auth_method,
    ),
    Column(
        "iscsi_chap_secret",
        lambda array, host: _secret(array, host.chap_secret if host else array.state.system.iscsi_chap_secret),
    ),
    Column("cluster_iscsi_auth_method", lambda array, _: array.state.system.iscsi_auth_method, PARTITIONS),
    Column(
        "cluster_iscsi_chap_secret", lambda array, _: _secret(array, array.state.system.iscsi_chap_secret), PARTITIONS
    ),
    Column("iscsiusername", lambda _, host: host.chap_username if host else "", PARTITIONS),
]


def lsiscsiauth(array: System, call: Call) -> str:
    """List the I/O groups of hosts; a host without I/O groups has no row."""
    first: list[Host | None] = [None] if array.rules.iscsiauth_cluster_row else []
    return concise(array, call, CHAP, first + [host for _, host in sorted(array.hosts.items()) if host.io_groups])


@dataclass(frozen=True, slots=True)
class Login:
    """A logged-in iSCSI name."""

    number: int
    host: Host
    port: HostPort


LOGIN: list[Column[Login]] = [
    Column("id", lambda _, login: login.number),
    Column("name", lambda _, login: login.port.name),
    Column("host_id", lambda _, login: login.host.id),
    Column("host_name", lambda _, login: login.host.name),
    Column("login_count", lambda _, login: login.port.logins),
    *blank("login_protocol", value="iscsi"),
]


def lshostiplogin(array: System, call: Call) -> str:
    """List the logged-in iSCSI names, or one of them with its sessions; CMMVC5804E if it is not logged in.

    Before 8.7 the name is needed.
    """
    ports = [(host, port) for _, host in sorted(array.hosts.items()) for port in host.ports]
    there = [(host, port) for host, port in ports if port.kind == "iscsi" and port.logins]
    logins = [Login(number, host, port) for number, (host, port) in enumerate(there)]
    if not call.object:
        if not array.level.at(*PARTITIONS):
            raise Refused("CMMVC5701E")
        return concise(array, call, LOGIN, logins)
    wanted = call.object.casefold()
    login = next((each for each in logins if wanted in {each.port.name.casefold(), str(each.number)}), None)
    if login is None:
        raise Refused("CMMVC5804E")
    # A block for each session, over the nodes in turn, each with its first address in the host's portset.
    groups = sessions_with(array, login.port)
    nodes = [node for node in array.nodes.values() if node.status == "online" and node.io_group in groups]
    details = pairs(array, LOGIN, login)
    for number, node in zip(range(login.port.logins), itertools.cycle(nodes), strict=False):
        at = next((a for a in array.state.addresses if (a.node, a.portset) == (node.name, login.host.portset)), None)
        details += [
            ("login", number),
            ("node_id", node.id),
            ("node_name", node.name),
            ("port_id", at.port_id if at else ""),
            ("protocol", "iscsi"),
            ("ip_version", "6" if at and ":" in at.address else "4"),
            ("failover", "no"),
        ]
    return detailed(call, details)


@dataclass(frozen=True, slots=True)
class HostPortRow:
    """A row of lshostports."""

    host: Host
    number: int
    port: HostPort


def _named(kind: Kind) -> Column[HostPortRow]:
    return Column(PORT_KEY[kind], lambda _, row: row.port.name if row.port.kind == kind else "")


HOST_PORT: list[Column[HostPortRow]] = [
    Column("host_id", lambda _, row: row.host.id),
    Column("host_name", lambda _, row: row.host.name),
    Column("port_id", lambda _, row: row.number),
    _named("fc"),
    _named("sas"),
    _named("iscsi"),
    _named("nvme"),
    Column("node_logged_in_count", lambda _, row: row.port.logins),
    Column("state", lambda array, row: port_state(array, row.host, row.port)),
]


def lshostports(array: System, call: Call) -> str:
    """Return every port of every host."""
    hosts = [host for _, host in sorted(array.hosts.items())]
    rows = (HostPortRow(host, number, port) for host in hosts for number, port in enumerate(host.ports))
    return concise(array, call, HOST_PORT, rows)


READS = (
    Verb("lshost", lshost, {**LS, **FILTER}, "optional"),
    Verb("lshostiogrp", lshostiogrp, LS, "required"),
    Verb("lshostports", lshostports, LS, since=PARTITIONS),
    Verb("lsiscsiauth", lsiscsiauth, {**LS, **FILTER}),
    Verb("lshostiplogin", lshostiplogin, {**LS, **FILTER}, "optional", exists=lambda array: bool(array.rules.iplogin)),
)
