"""Reads about hosts: their ports, I/O groups, CHAP secrets and logins."""

from .call import Call
from .find import UNKNOWN
from .find import host as find_host
from .objects import Host, HostPort, Kind
from .printing import Column, Pair, blank, concise, detailed, pairs
from .refusals import Refused
from .release import EIGHT, EVER, HOST_CLUSTERS, PARTITIONS, PORTSETS, PROTOCOLS, SITES
from .system import System
from .verb import FILTER, LS, Verb
from .views_system import io_group_name

PORT_KEY: dict[Kind, str] = {"iscsi": "iscsi_name", "fc": "WWPN", "nvme": "nqn", "sas": "SAS_WWPN"}


def status(array: System, host: Host) -> str:
    """online: every port is logged in to every online node; offline: none to any; degraded: all else."""
    if host.status is not None:
        return host.status
    nodes = sum(node.status == "online" for node in array.nodes.values())
    logins = [port.logins for port in host.ports]
    if not any(logins):
        return "offline"
    return "online" if min(logins) >= nodes else "degraded"


def port_state(port: HostPort) -> str:
    if port.state is not None:
        return port.state
    return "active" if port.logins else "offline"


def _cluster_id(array: System, host: Host) -> str | int:
    cluster = array.cluster_of(host)
    return cluster.id if cluster else ""


def _portset_id(array: System, host: Host) -> str | int:
    return array.portsets[host.portset].id if host.portset else ""


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
    Column("host_cluster_id", _cluster_id, HOST_CLUSTERS),
    Column("host_cluster_name", lambda _, host: host.host_cluster, HOST_CLUSTERS),
    Column("protocol", lambda _, host: host.protocol, EIGHT),
]
PORTSET: list[Column[Host]] = [
    Column("portset_id", _portset_id, PORTSETS),
    Column("portset_name", lambda _, host: host.portset, PORTSETS),
    *blank("partition_id partition_name", PARTITIONS),
]
CONCISE: list[Column[Host]] = [*ID, GROUPS, STATUS, *PLACE, *blank("owner_id owner_name", EIGHT), *PORTSET]
DETAILED: list[Column[Host]] = [
    *ID,
    Column("type", lambda _, host: host.type),
    Column("mask", lambda _, host: host.mask, EVER, PORTSETS),
    GROUPS,
    STATUS,
    *PLACE,
    *blank("status_policy", PROTOCOLS, value="redundant"),
    *blank("status_site", PROTOCOLS, value="all"),
]
AFTER_PORTS: list[Column[Host]] = [*blank("owner_id owner_name", PORTSETS), *PORTSET]


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
            ("state", port_state(port)),
        ]
    return detailed(call, pairs(array, DETAILED, host) + blocks + pairs(array, AFTER_PORTS, host))


IO_GROUP: list[Column[int]] = [
    Column("id", lambda _, group: group),
    Column("name", lambda _, group: io_group_name(group)),
]


def lshostiogrp(array: System, call: Call) -> str:
    return concise(array, call, IO_GROUP, sorted(find_host(array, call.object, UNKNOWN).io_groups))


def _method(array: System, host: Host | None) -> str:
    if host is None:
        return array.state.system.iscsi_auth_method
    return "chap" if host.chap_secret else "none"


CHAP: list[Column[Host | None]] = [
    Column("type", lambda _, host: "host" if host else "cluster"),
    Column("id", lambda array, host: host.id if host else array.state.system.id),
    Column("name", lambda array, host: host.name if host else array.state.system.name),
    Column("iscsi_auth_method", _method),
    Column("iscsi_chap_secret", lambda array, host: host.chap_secret if host else array.state.system.iscsi_chap_secret),
]


def lsiscsiauth(array: System, call: Call) -> str:
    first: list[Host | None] = [None] if array.rules.iscsiauth_cluster_row else []
    return concise(array, call, CHAP, first + [host for _, host in sorted(array.hosts.items())])


def lshostiplogin(array: System, call: Call) -> str:
    """The host of an IQN that is logged in; CMMVC5804E for every other one."""
    owner = array.port_owner.get(call.object.casefold())
    port = owner and next(port for port in owner.ports if port.name.casefold() == call.object.casefold())
    if not owner or not port or not port.logins:
        raise Refused("CMMVC5804E")
    record: list[Pair] = [("host_id", owner.id), ("host_name", owner.name), ("iscsi_name", port.name)]
    return detailed(call, record)


VERBS = (
    Verb("lshost", lshost, {**LS, **FILTER}, "optional"),
    Verb("lshostiogrp", lshostiogrp, LS, "required"),
    Verb("lsiscsiauth", lsiscsiauth, {**LS, **FILTER}),
    Verb("lshostiplogin", lshostiplogin, LS, "required", exists=lambda array: bool(array.rules.iplogin)),
)
