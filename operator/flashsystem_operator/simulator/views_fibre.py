"""Reads about Fibre Channel: ports of the nodes, target ports, their portsets, and logins of hosts."""

from collections.abc import Iterator
from dataclasses import dataclass

from flashsystem_operator.simulator.call import VALUE, Call
from flashsystem_operator.simulator.find import UNKNOWN
from flashsystem_operator.simulator.find import host as find_host
from flashsystem_operator.simulator.objects import FibrePort, Host, HostPort
from flashsystem_operator.simulator.printing import Column, blank, concise
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EVER, HOST_CLUSTERS, LEGACY_UNTIL, PORTSET_TYPES
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import FILTER, LS, Verb

NPIV = HOST_CLUSTERS
"""Virtual target ports came with the same release as host clusters, 7.7."""

FIBRE_PORT: list[Column[FibrePort]] = [
    Column("id", lambda array, port: array.state.fibre_ports.index(port)),
    Column("canister_id", lambda _, _port: "0", EVER, LEGACY_UNTIL),
    Column("adapter_id", lambda _, _port: "0", EVER, LEGACY_UNTIL),
    Column("fc_io_port_id", lambda _, port: port.port_id, LEGACY_UNTIL),
    Column("port_id", lambda _, port: port.port_id),
    *blank("type", value="fc"),
    Column("port_speed", lambda _, port: port.speed),
    Column("node_id", lambda array, port: array.nodes[port.node].id),
    Column("node_name", lambda _, port: port.node),
    Column("WWPN", lambda _, port: port.wwpn),
    Column("nportid", lambda _, port: port.nportid),
    Column("status", lambda _, port: port.status),
    *blank("attachment", value="switch"),
    Column("topology", lambda _, _port: "pp", EVER, LEGACY_UNTIL),
]


def lsportfc(array: System, call: Call) -> str:
    return concise(array, call, FIBRE_PORT, array.state.fibre_ports)


@dataclass(frozen=True, slots=True)
class Target:
    """A row of lstargetportfc: a port with the name of its own, or with the virtual one that hosts log in to."""

    number: int
    port: FibrePort
    virtual: bool

    @property
    def permitted(self) -> bool:
        """Whether hosts may log in here: to the virtual name, where there is one."""
        return self.virtual or not self.port.virtual_wwpn


def _logins_at(array: System, row: Target) -> int:
    return sum(login.port is row.port for login in _logins(array)) if row.permitted else 0


TARGET: list[Column[Target]] = [
    Column("id", lambda _, row: row.number),
    Column("WWPN", lambda _, row: row.port.virtual_wwpn if row.virtual else row.port.wwpn),
    Column("WWNN", lambda array, row: array.nodes[row.port.node].wwnn),
    Column("port_id", lambda _, row: row.port.port_id),
    Column("owning_node_id", lambda array, row: array.nodes[row.port.node].id),
    Column("current_node_id", lambda array, row: array.nodes[row.port.node].id),
    Column("nportid", lambda _, row: row.port.nportid),
    Column("host_io_permitted", lambda _, row: "yes" if row.permitted else "no"),
    Column("virtualized", lambda _, row: "yes" if row.virtual else "no"),
    *blank("protocol", (8, 2), value="scsi"),
    Column("fc_io_port_id", lambda _, row: row.port.port_id, PORTSET_TYPES),
    Column("portset_count", lambda array, row: len(_portsets(array, row.port)), PORTSET_TYPES),
    Column("host_count", lambda array, _row: sum(any(_fibre(host)) for host in array.hosts.values()), PORTSET_TYPES),
    Column("active_login_count", _logins_at, PORTSET_TYPES),
]


def lstargetportfc(array: System, call: Call) -> str:
    names = [(port, virtual) for port in array.state.fibre_ports for virtual in (False, True)]
    there = [(port, virtual) for port, virtual in names if port.virtual_wwpn or not virtual]
    return concise(array, call, TARGET, [Target(number, *row) for number, row in enumerate(there, start=1)])


def _portsets(array: System, port: FibrePort) -> list[str]:
    """The portsets of this array that a port is in."""
    return [name for name in port.portsets if name in array.portsets]


@dataclass(frozen=True, slots=True)
class Member:
    """A row of lsfcportsetmember."""

    number: int
    port_id: int
    portset: str


MEMBER: list[Column[Member]] = [
    Column("id", lambda _, row: row.number),
    Column("fc_io_port_id", lambda _, row: row.port_id),
    Column("portset_id", lambda array, row: array.portsets[row.portset].id),
    Column("portset_name", lambda _, row: row.portset),
    *blank("owner_id owner_name"),
]


def lsfcportsetmember(array: System, call: Call) -> str:
    """One row for each port number and portset: the nodes of a system are wired alike."""
    members = {(port.port_id, name) for port in array.state.fibre_ports for name in _portsets(array, port)}
    return concise(array, call, MEMBER, [Member(number, *member) for number, member in enumerate(sorted(members))])


def _fibre(host: Host) -> Iterator[HostPort]:
    return (port for port in host.ports if port.kind == "fc")


@dataclass(frozen=True, slots=True)
class Login:
    """A row of lsfabric: an initiator of a host that is logged in to a port of a node."""

    host: Host
    initiator: HostPort
    port: FibrePort


def _logins(array: System) -> Iterator[Login]:
    """As many ports as the initiator has logins, the first ones of them."""
    for _, host in sorted(array.hosts.items()):
        for initiator in _fibre(host):
            for port in array.state.fibre_ports[: initiator.logins]:
                yield Login(host, initiator, port)


LOGIN: list[Column[Login]] = [
    Column("remote_wwpn", lambda _, row: row.initiator.name),
    *blank("remote_nportid", value="010000"),
    Column("id", lambda array, row: array.nodes[row.port.node].id),
    Column("node_name", lambda _, row: row.port.node),
    Column("local_wwpn", lambda _, row: row.port.virtual_wwpn or row.port.wwpn),
    Column("local_port", lambda _, row: row.port.port_id),
    Column("local_nportid", lambda _, row: row.port.nportid),
    Column("state", lambda _, row: row.initiator.state or "active"),
    Column("name", lambda _, row: row.host.name),
    *blank("cluster_name"),
    *blank("type", value="host"),
]


def lsfabric(array: System, call: Call) -> str:
    """Only what is logged in. -host and -wwpn exclude each other."""
    if call.has("-host") and call.has("-wwpn"):
        raise Refused("CMMVC5713E")
    rows = list(_logins(array))
    if call.has("-host"):
        host = find_host(array, call.value("-host"), UNKNOWN)
        rows = [row for row in rows if row.host is host]
    if call.has("-wwpn"):
        wanted = call.value("-wwpn").casefold()
        rows = [row for row in rows if row.initiator.name.casefold() == wanted]
    return concise(array, call, LOGIN, rows)


FIBRE_READS = (
    Verb("lsportfc", lsportfc, {**LS, **FILTER}),
    Verb("lstargetportfc", lstargetportfc, {**LS, **FILTER}, since=NPIV),
    Verb("lsfcportsetmember", lsfcportsetmember, {**LS, **FILTER}, since=PORTSET_TYPES),
    Verb("lsfabric", lsfabric, {**LS, "-host": VALUE, "-wwpn": VALUE}),
)
