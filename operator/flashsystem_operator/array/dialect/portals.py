"""Parsers of the addresses at which hosts may log in: `lsportip` (legacy, modern before 8.4.2) or `lsip` (later).

Cinder's drivers used one address of one node, read once at the start. Here every address is a portal, and its fact
includes whether a host can use it now.

Source: array-cli facts 2.3, 2.4, 2.5; Cinder bugs 1985065 and 1992160.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from flashsystem_operator.array.dialect.objects import Row, cell, concise_or_odd, identifiers, sift
from flashsystem_operator.array.model import Dialect, Node, Odd, Portal, Portset


def portsets(text: str, line: str, odd: list[Odd]) -> tuple[Portset, ...]:
    """Parse `lsportset`. Its column port_type was added after the command.

    odd: unreadable rows are added to it.
    """
    return tuple(
        Portset(cell(row, "name", line), cell(row, "type", line), row.get("port_type", ""))
        for row in sift(concise_or_odd(text, line), odd)
    )


def from_lsip(
    text: str, line: str, nodes: Iterable[Node], known_portsets: Collection[Portset], odd: list[Odd]
) -> tuple[Portal, ...]:
    """Parse `lsip`. It does not show the link: a configured address of an online node counts as usable.

    From 8.7 on it also lists the management addresses. They belong to the system, so their rows have no node.
    """
    known = {node.id: node for node in nodes}
    for_hosts = {portset.name for portset in known_portsets if portset.serves_iscsi}
    return tuple(
        _portal(
            node,
            address,
            state="configured",
            portset=cell(row, "portset_name", line),
            serves_hosts=row["portset_name"] in for_hosts,
        )
        for row in sift(concise_or_odd(text, line), odd)
        if (address := cell(row, "IP_address", line)) and cell(row, "node_id", line)
        if (node := _node(row, known, line, odd))
    )


def from_lsportip(text: str, line: str, nodes: Iterable[Node], dialect: Dialect, odd: list[Odd]) -> tuple[Portal, ...]:
    """Parse `lsportip`. Rows with failover=yes are addresses taken over from the partner, and are ignored."""
    known = {node.id: node for node in nodes}
    return tuple(
        _portal(
            node,
            address,
            state=row["state"],
            portset="",
            serves_hosts=_serves_hosts(row, dialect, suffix=suffix, line=line),
        )
        for row in sift(concise_or_odd(text, line), odd)
        if row.get("failover", "no") != "yes" and cell(row, "state", line) != "unconfigured"
        if (node := _node(row, known, line, odd))
        # The IPv4 and the IPv6 address of a port, each with the suffix of its columns.
        for address, suffix in ((cell(row, "IP_address", line), ""), (row.get("IP_address_6", ""), "_6"))
        if address
    )


def _serves_hosts(row: Row, dialect: Dialect, *, suffix: str, line: str) -> bool:
    """Whether the port is up and for hosts. Legacy has an empty host column, and shows a dead port by its speed."""
    state = cell(row, "state", line)
    if dialect is Dialect.LEGACY:
        return state in ("configured", "online") and row.get("speed") != "NONE" and row.get("link_state") != "inactive"
    link = row.get("link_state")
    up = (state == "online" and link != "inactive") or (state == "configured" and link == "active")
    return up and row.get(f"host{suffix}", row.get("host")) == "yes"


def _portal(node: Node, address: str, *, state: str, portset: str, serves_hosts: bool) -> Portal:
    with suppress(ValueError):  # as in spec.iscsi.portalAddresses; an invalid address is left unchanged
        address = str(ipaddress.ip_address(address))
    return Portal(
        address=address,
        node_id=node.id,
        node=node.name,
        io_group=node.io_group,
        iqn=node.iqn,
        portset=portset,
        state=state,
        usable=serves_hosts and node.online and bool(node.iqn),
    )


def _node(row: Row, known: Mapping[str, Node], line: str, odd: list[Odd]) -> Node | None:
    """Find the node of the address. A node that was added after the nodes were read makes the row odd once."""
    node = known.get(cell(row, "node_id", line))
    if node is None:
        why = f"node_id {row['node_id']!r} is not among the nodes {', '.join(known)}"
        odd.append(Odd(line, why, identifiers(row.values()), row.get("id", "")))
    return node
