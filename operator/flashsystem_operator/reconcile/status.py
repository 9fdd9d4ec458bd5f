"""What is said of hosts and attachments: a translation of wishes, facts and a decision into a status."""

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, Origin, VolumeAttachment
from flashsystem_operator.api.host import (
    FlashSystemHost,
    HostMapping,
    HostMappings,
    HostPort,
    HostStatus,
    Ownership,
)
from flashsystem_operator.array import state
from flashsystem_operator.array.state import Port, Protocol
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import attachment as attachments
from flashsystem_operator.reconcile import chap, drift, ports
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile.conditions import kept
from flashsystem_operator.reconcile.connection import connection, portals_for
from flashsystem_operator.reconcile.cooling import cooling, listed
from flashsystem_operator.reconcile.decision import InSync, Refuse, Wait
from flashsystem_operator.reconcile.saying import Outcome, array_seen, binding, said_conditions, volume_seen
from flashsystem_operator.reconcile.telling import Reader
from flashsystem_operator.reconcile.unread import stands_on
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import Lun, VolumeName, VolumeUid


def of_host(host: FlashSystemHost, outcome: Outcome, world: World, view: View, now: str) -> HostStatus:
    """The host object as it is. `ports` of one that we made lists only those that the spec named at some time."""
    said = said_conditions(host, outcome, now)
    if stands_on(host, world, view):  # what was known of it stays
        return host.status.model_copy(update=said)
    found = hosts.standing(host, world, view)
    if isinstance(found, Wait | Refuse):
        return host.status.model_copy(update=said)
    said |= {"array": array_seen(world, view), "cooling_luns": listed(cooling(host, world, view))}
    if isinstance(found, hosts.Unmade):
        asked = host.status.ports if world.is_unsettled(found.name) else ()
        known = {"ports": asked, "ownership": _made(asked), "chap": host.status.chap if asked else None}
        return HostStatus(**said, mappings=HostMappings(count=0), **known)
    reader = Reader.of(host, world)
    rows = [row for rows in view.on_host(found.host.name).values() for row in rows]
    # One that has another LUN in each I/O group is listed with each: all of them cool when it goes.
    mapped = sorted((lun, row.volume, row.uid) for row in rows for lun in row.luns)
    return HostStatus(
        **said,
        name=found.host.name,
        id=found.host.id,
        ownership=Ownership.CREATED if isinstance(found, hosts.Ours) else Ownership.ADOPTED,
        ports=_ports(host, found, world),
        mappings=HostMappings(count=len(rows), items=tuple(_mapping(row, reader) for row in mapped)),
        chap=chap.seen(host, found.host.name, world, view) if isinstance(found, hosts.Ours) else None,
    )


def of_attachment(
    attachment: VolumeAttachment, outcome: Outcome, world: World, view: View, now: str
) -> AttachmentStatus:
    """The mapping as it is. What binds the attachment (volume, host, LUN, origin) is kept when it is not there."""
    said = said_conditions(attachment, outcome, now)
    if stands_on(attachment, world, view):  # what was known of it stays, its connection too
        if kept(attachment.status.conditions):  # and a request, which is the answer to a drift, is yet to be done
            del said["last_handled_reconcile_at"]
        return attachment.status.model_copy(update=said)
    if drift.is_forgiven(attachment, world, view):
        said["attached_time"] = None
    before = attachment.status.model_copy(update=said)
    target = None if attachment.metadata.deleting else attachments.find(attachment, world, view)
    if not isinstance(target, attachments.Target):
        way = None if target is None else _kept_connection(attachment, world, view)
        return before.model_copy(update=volume_seen(attachment, world, view) | {"connection": way})
    bound = before.model_copy(update=binding(attachment, target.name, world, view) | {"connection": None})
    rows = view.on_host(target.name).get(target.volume.uid, ())
    portals = portals_for(target.name, world, view)
    if not rows and attachment.status.host:  # where it was mapped, it may be mapped still
        bound = bound.model_copy(update={"host": attachment.status.host})
    mapping = next((row for row in rows if not row.cluster), rows[0]) if rows else None
    told = _told_before(attachment, mapping, view)
    if not isinstance(outcome.decision, InSync) or mapping is None or not portals:
        origin = _inherited(attachment, outcome, target, world, view)
        return bound.model_copy(update={"origin": origin, "connection": None if portals else told})
    return bound.model_copy(
        update={
            "lun": drift.given_lun(attachment, mapping),
            "origin": _origin(attachment, target, mapping, world, refused=outcome.refused),
            "connection": told
            or connection(
                mapping,
                target.volume,
                bound.volume.preferred_node if bound.volume else None,
                portals,
                world.array.spec.iscsi.port,
            ),
            "attached_time": attachment.status.attached_time or now,
        }
    )


def _kept_connection(attachment: VolumeAttachment, world: World, view: View) -> Connection | None:
    """The connection of an attached volume whose FlashSystemHost cannot be used: its machine uses it all the same."""
    mapping = attachments.kept_mapping(attachment, world, view)
    if told := _told_before(attachment, mapping, view):
        return told
    portals = portals_for(mapping.host, world, view) if mapping else ()
    if mapping is None or not portals:
        return None
    volume, seen = view.volumes[mapping.uid], attachment.status.volume
    preferred = volume.preferred_node or (seen.preferred_node if seen else None)
    return connection(mapping, volume, preferred, portals, world.array.spec.iscsi.port)


def _told_before(attachment: VolumeAttachment, mapping: state.Mapping | None, view: View) -> Connection | None:
    """The connection that was told before, while nodes or addresses cannot be read that may be part of it."""
    before = attachment.status.connection
    if not view.body.odd or before is None or mapping is None:
        return None
    if (before.volume_id, before.target_lun) != (mapping.uid, mapping.lun):
        return None
    return before


def _origin(
    attachment: VolumeAttachment, target: attachments.Target, mapping: state.Mapping, world: World, *, refused: bool
) -> Origin | None:
    """On a host that we made the mapping is ours; elsewhere only what was recorded before it was made.

    refused: the array would not make it, and yet it is there: somebody else was quicker.
    """
    if isinstance(target.found, hosts.Ours) and not mapping.cluster:
        return Origin.CREATED
    if attachment.status.origin is Origin.CREATED and not refused and _is_where_it_was(attachment, target):
        return Origin.CREATED
    leaving = (each for each in world.leaving(mapping.uid) if each.host == attachment.host)
    if attachment.status.origin is None and any(each.status.origin is Origin.CREATED for each in leaving):
        return Origin.CREATED  # it is left to us by one that is about to go
    return Origin.TAKEN_OVER


def _inherited(
    attachment: VolumeAttachment, outcome: Outcome, target: attachments.Target, world: World, view: View
) -> Origin | None:
    """A younger attachment of one pair will take the mapping over as what the elder had it for.

    Also from an elder that is about to go, whether or not the younger can use the mapping as it is: one of them has
    to answer for it. What was recorded before a command that the array refused was not made by us after all.
    """
    elder = attachments.elder_of_pair(attachment, target.volume, world, view)
    if elder and elder.status.origin:
        return elder.status.origin
    mapped = view.on_host(target.name).get(target.volume.uid)
    if outcome.refused or (mapped and not _is_where_it_was(attachment, target)):
        return None
    barred = isinstance(target.found, hosts.Adopted) and world.tenancy.adoption(attachment.metadata.namespace)
    leaving = world.leaving(target.volume.uid) if mapped and not barred else ()
    left = (each.status.origin for each in leaving if each.host == attachment.host)
    return attachment.status.origin or next(filter(None, left), None)


def _is_where_it_was(attachment: VolumeAttachment, target: attachments.Target) -> bool:
    """Whether this is the host object that was recorded, perhaps renamed: what we did to another is no claim on it."""
    seen = attachment.status.host
    if seen is None or seen.name == target.name or isinstance(target.found, hosts.Unmade):
        return True
    return not target.found.host.iqns.isdisjoint(seen.initiators)


def _ports(host: FlashSystemHost, found: hosts.Ours | hosts.Adopted, world: World) -> tuple[HostPort, ...]:
    """Of a host object that we made those that we put, and those that a command under way may still put there."""
    iscsi = tuple(port for port in found.host.ports if port.protocol is Protocol.ISCSI)
    if isinstance(found, hosts.Adopted):
        return tuple(map(_port, iscsi))
    put = {*host.spec.initiators.iscsi, *hosts.put_by_us(host)}
    there = tuple(_port(port) for port in iscsi if port.name in put)
    if not world.is_unsettled(found.host.name):
        return (*there, *ports.remembered(host, found.host))
    return (*there, *(port for port in host.status.ports if port.iqn not in found.host.iqns))


def _mapping(row: tuple[Lun, VolumeName, VolumeUid], reader: Reader) -> HostMapping:
    lun, volume, uid = row
    return HostMapping(lun=lun, volume=volume if reader.may_know(volume, uid) else None, uid=uid)


def _port(port: Port) -> HostPort:
    return HostPort(iqn=port.name, state=port.state, logins=port.logins)


def _made(asked: tuple[HostPort, ...]) -> Ownership | None:
    return Ownership.CREATED if asked else None
