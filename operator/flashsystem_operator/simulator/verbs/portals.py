"""Reads of ports, addresses, portsets and Fibre Channel logins."""

from collections.abc import Iterator
from dataclasses import dataclass

from flashsystem_operator.simulator.console.output import Column, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import FILTER, LS, VALUE, Call, Verb
from flashsystem_operator.simulator.state.model import Address, FibrePort, Host, HostPort, IpPort, Node, Portset
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EVER, HOST_CLUSTERS, LEGACY_UNTIL, NEVER, PORTSET_TYPES, PORTSETS
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs.find import UNKNOWN
from flashsystem_operator.simulator.verbs.find import host as find_host

WIDER = (7, 4)
"""From this release on lsportip has about a dozen more columns."""


@dataclass(frozen=True, slots=True)
class PortRow:
    """A row of lsportip: a port of its node, or the addresses that it took over from its partner."""

    port: IpPort
    node: Node
    taken_over: IpPort | None = None
    failover: bool = False

    def here(self, field: str) -> str:
        """Return a field of the addresses; empty if this row has none."""
        source = self.taken_over if self.failover else self.port
        return str(getattr(source, field)) if source else ""

    def state(self) -> str:
        return "online" if self.failover and self.port.state != "unconfigured" else self.port.state


def _address(name: str, since: tuple[int, ...] = EVER, until: tuple[int, ...] = NEVER) -> Column[PortRow]:
    """A column that belongs to the addresses and moves to the partner with them."""
    header = {"address": "IP_address", "address_6": "IP_address_6"}.get(name, name)
    return Column(header, lambda _, row: row.here(name), since, until)


def _wired(name: str, since: tuple[int, ...] = EVER, until: tuple[int, ...] = NEVER) -> Column[PortRow]:
    """A column of the port itself."""
    return Column("MAC" if name == "mac" else name, lambda _, row: str(getattr(row.port, name)), since, until)


VLAN = ("vlan", "vlan_6", "adapter_location", "adapter_port_id")
PORT: list[Column[PortRow]] = [
    Column("id", lambda _, row: row.port.id),
    Column("node_id", lambda _, row: row.node.id),
    Column("node_name", lambda _, row: row.node.name),
    *(_wired(name, EVER, LEGACY_UNTIL) for name in ("canister_id", "adapter_id", "port_id")),
    *(_address(name) for name in ("address", "mask", "gateway", "address_6", "prefix_6", "gateway_6")),
    _wired("mac"),
    _wired("duplex"),
    Column("state", lambda _, row: row.state()),
    _wired("speed"),
    Column("failover", lambda _, row: "yes" if row.failover else "no"),
    _address("link_state"),
    _address("host"),
    _address("host_6", EVER, LEGACY_UNTIL),
    *blank("remote_copy", WIDER),
    _address("host_6", WIDER),
    *blank("remote_copy_6 remote_copy_status remote_copy_status_6", WIDER),
    *(_wired(name, EVER, LEGACY_UNTIL) for name in VLAN),
    *(_wired(name, WIDER) for name in VLAN),
    *blank("dcbx_state lossless_iscsi storage storage_6", WIDER),
]


def _port_rows(array: System) -> Iterator[PortRow]:
    """Return the ports of online nodes, and the addresses that they took over from the partner in the I/O group."""
    for port in array.state.ports:
        node = array.nodes[port.node]
        if node.status != "online":
            continue
        yield PortRow(port, node)
        partners = {
            other.name
            for other in array.nodes.values()
            if other.io_group == node.io_group and other is not node and other.status != "online"
        }
        taken = next(
            (
                other
                for other in array.state.ports
                if other.node in partners
                and other.state != "unconfigured"
                and (other.id == port.id or array.level.legacy)
            ),
            None,
        )
        if taken or (not array.level.legacy and port.state != "unconfigured"):
            yield PortRow(port, node, taken, failover=True)


def lsportip(array: System, call: Call) -> str:
    stub = array.level.within(PORTSETS) and array.rules.lsportip_after_portsets == "empty"
    rows = [] if stub else list(_port_rows(array))
    if not call.object:
        return concise(array, call, PORT, rows)
    chosen = [row for row in rows if str(row.port.id) == call.object]
    if not chosen:
        raise Refused("CMMVC5754E")
    return detailed(call, *(pairs(array, PORT, row) for row in chosen))


ADDRESS: list[Column[Address]] = [
    Column("id", lambda _, address: address.id),
    Column("node_id", lambda array, address: array.nodes[address.node].id if address.node else ""),
    Column("node_name", lambda _, address: address.node),
    Column("port_id", lambda _, address: address.port_id),
    Column("portset_id", lambda array, address: array.portsets[address.portset].id),
    Column("portset_name", lambda _, address: address.portset),
    Column("IP_address", lambda _, address: address.address),
    Column("prefix", lambda _, address: address.prefix),
    Column("vlan", lambda _, address: address.vlan),
    Column("gateway", lambda _, address: address.gateway),
    *blank("owner_id owner_name"),
]


def lsip(array: System, call: Call) -> str:
    chosen = [a for a in array.state.addresses if call.object in {"", str(a.id)}]
    if call.object and not chosen:
        raise Refused("CMMVC5754E")
    if call.object:
        return detailed(call, pairs(array, ADDRESS, chosen[0]))
    return concise(array, call, ADDRESS, chosen)


PORTSET: list[Column[Portset]] = [
    Column("id", lambda _, portset: portset.id),
    Column("name", lambda _, portset: portset.name),
    Column("type", lambda _, portset: portset.type),
    Column("port_count", lambda array, portset: sum(a.portset == portset.name for a in array.state.addresses)),
    Column("host_count", lambda array, portset: sum(h.portset == portset.name for h in array.hosts.values())),
    Column("lossless", lambda _, portset: "yes" if portset.port_type == "fc" else ""),
    *blank("owner_id owner_name"),
    Column("port_type", lambda _, portset: portset.port_type, PORTSET_TYPES),
    Column("is_default", lambda _, portset: portset.is_default, PORTSET_TYPES),
]


def lsportset(array: System, call: Call) -> str:
    portsets = sorted(array.portsets.values(), key=lambda portset: portset.id)
    if not call.object:
        return concise(array, call, PORTSET, portsets)
    for portset in portsets:
        if call.object in {portset.name, str(portset.id)}:
            return detailed(call, pairs(array, PORTSET, portset))
    raise Refused("CMMVC5754E")


READS = (
    Verb("lsportip", lsportip, {**LS, **FILTER}, "optional"),
    Verb("lsip", lsip, {**LS, **FILTER}, "optional", since=PORTSETS),
    Verb("lsportset", lsportset, {**LS, **FILTER}, "optional", since=PORTSETS),
)


NPIV = HOST_CLUSTERS
"""Virtual target ports were added in the same release as host clusters, 7.7."""

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
    """A row of lstargetportfc: a port with its own name, or with the virtual one that hosts log in to."""

    number: int
    port: FibrePort
    virtual: bool

    @property
    def permitted(self) -> bool:
        """Whether hosts may log in to this name: to the virtual one, if there is one."""
        return self.virtual or not self.port.virtual_wwpn


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
    Column(
        "active_login_count",
        lambda array, row: sum(login.port is row.port for login in _logins(array)) if row.permitted else 0,
        PORTSET_TYPES,
    ),
]


def lstargetportfc(array: System, call: Call) -> str:
    names = [(port, virtual) for port in array.state.fibre_ports for virtual in (False, True)]
    there = [(port, virtual) for port, virtual in names if port.virtual_wwpn or not virtual]
    return concise(array, call, TARGET, [Target(number, *row) for number, row in enumerate(there, start=1)])


def _portsets(array: System, port: FibrePort) -> list[str]:
    """Return the portsets of a port that exist on this array."""
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
    """Return one row for each port number and portset: all nodes of a system have the same wiring."""
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
    """Return as many of the first ports as the initiator has logins."""
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
    """List the logged-in initiators. -host and -wwpn exclude each other."""
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
