"""Reads about the addresses that hosts log in to: ports with addresses, addresses in portsets, portsets."""

from collections.abc import Iterator
from dataclasses import dataclass

from flashsystem_operator.simulator.call import Call
from flashsystem_operator.simulator.objects import Address, IpPort, Node, Portset
from flashsystem_operator.simulator.printing import Column, blank, concise, detailed, pairs
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EVER, LEGACY_UNTIL, NEVER, PORTSET_TYPES, PORTSETS
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import FILTER, LS, Verb

WIDER = (7, 4)
"""From here on lsportip shows a good dozen more columns."""


@dataclass(frozen=True, slots=True)
class PortRow:
    """A row of lsportip: a port as its node has it, or the addresses it took over from its partner."""

    port: IpPort
    node: Node
    taken_over: IpPort | None = None
    failover: bool = False

    def here(self, field: str) -> str:
        """A field that comes with the addresses, empty where this row has none."""
        source = self.taken_over if self.failover else self.port
        return str(getattr(source, field)) if source else ""

    def state(self) -> str:
        return "online" if self.failover and self.port.state != "unconfigured" else self.port.state


def _address(name: str, since: tuple[int, ...] = EVER, until: tuple[int, ...] = NEVER) -> Column[PortRow]:
    """A column that comes with the addresses and moves to the partner with them."""
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
    """The ports of the nodes that are up, and what they took over from the partner in their I/O group."""
    for port in array.state.ports:
        node = array.nodes[port.node]
        if node.status != "online":
            continue
        yield PortRow(port, node)
        taken = _taken_over(array, port, node)
        if taken or (not array.level.legacy and port.state != "unconfigured"):
            yield PortRow(port, node, taken, failover=True)


def _taken_over(array: System, port: IpPort, node: Node) -> IpPort | None:
    for other in array.state.ports:
        partner = array.nodes[other.node]
        near = partner.io_group == node.io_group and partner is not node
        same_port = other.id == port.id or array.level.legacy
        if near and same_port and partner.status != "online" and other.state != "unconfigured":
            return other
    return None


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
