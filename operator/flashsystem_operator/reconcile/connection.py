"""What an iSCSI initiator needs to log in: the portals that a host can use, in the order in which it should.

Source: Cinder's initialize_connection and os-brick's reading of it; array-cli facts 2.4 (portsets).
"""

from collections.abc import Sequence

from flashsystem_operator.api.attachment import Connection
from flashsystem_operator.array import state
from flashsystem_operator.array.state import Portal, Volume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import HostName


def portals_for(host: HostName, world: World, view: View) -> tuple[Portal, ...]:
    """The usable portals of the host's portset and I/O groups, of those addresses that the array's spec allows."""
    known, allowed = view.hosts.get(host), world.array.spec.iscsi.addresses
    portset = known.portset if known else ""
    groups = {view.body.io_groups.get(group) for group in view.io_groups.get(host, ())}
    return tuple(
        portal
        for portal in view.body.portals
        if portal.usable
        and (not allowed or portal.address in allowed)
        and (not portset or not portal.portset or portal.portset == portset)
        and (not groups or portal.io_group in groups)
    )


def connection(
    mapping: state.Mapping, volume: Volume, preferred_node: str | None, portals: Sequence[Portal], port: int
) -> Connection:
    """The connection, with the portals of the volume's I/O group first: the others forward its I/O at best.

    Of these the preferred node's come first: its partner serves the volume too, but second best.
    """
    ordered = sorted(
        portals,
        key=lambda each: (
            each.io_group != volume.io_group,
            each.node_id != preferred_node,
            each.node,
            each.address,
        ),
    )
    addresses = tuple(_with_port(portal.address, port) for portal in ordered)
    iqns = tuple(portal.iqn for portal in ordered)
    return Connection(
        target_portal=addresses[0],
        target_iqn=iqns[0],
        target_lun=mapping.lun,
        volume_id=volume.uid,
        target_portals=addresses,
        target_iqns=iqns,
        target_luns=(mapping.lun,) * len(ordered),
    )


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
