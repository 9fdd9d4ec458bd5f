"""What is said of hosts and attachments: a translation of wishes, facts and a decision into a status."""

from dataclasses import dataclass

from flashsystem_operator.api.attachment import AttachmentStatus, HostSeen, Origin, VolumeAttachment, VolumeSeen
from flashsystem_operator.api.conditions import Conditions
from flashsystem_operator.api.host import (
    FlashSystemHost,
    HostMapping,
    HostMappings,
    HostPort,
    HostStatus,
    Ownership,
)
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.api.references import ArraySeen
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.state import Mapping, Protocol
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import attachment as attachments
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile.conditions import conditions
from flashsystem_operator.reconcile.connection import connection, portals_for
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Refuse, Wait
from flashsystem_operator.reconcile.world import World, volume_of
from flashsystem_operator.values import HostName


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended for one object.

    error: what kept its steps from being done. refused: the array itself refused one of them.
    """

    decision: Decision
    error: Exception | None = None
    refused: bool = False


def of_host(host: FlashSystemHost, outcome: Outcome, world: World, view: View, now: str) -> HostStatus:
    """The host object as it is. `ports` of one that we made lists only those that the spec named at some time."""
    said = _conditions(host, outcome, now)
    found = hosts.standing(host, world, view)
    if isinstance(found, Wait | Refuse):
        return host.status.model_copy(update=said)
    seen = array_seen(world, view)
    if isinstance(found, hosts.Unmade):
        return HostStatus(**said, array=seen, mappings=HostMappings(count=0))
    mapped = sorted((m.lun, m.volume) for rows in view.on_host(found.host.name).values() for m in rows)
    return HostStatus(
        **said,
        array=seen,
        name=found.host.name,
        id=found.host.id,
        ownership=Ownership.CREATED if isinstance(found, hosts.Ours) else Ownership.ADOPTED,
        ports=_ports(host, found),
        mappings=HostMappings(count=len(mapped), items=tuple(HostMapping(lun=n, volume=v) for n, v in mapped)),
    )


def of_attachment(
    attachment: VolumeAttachment, outcome: Outcome, world: World, view: View, now: str
) -> AttachmentStatus:
    """The mapping as it is. What binds the attachment (volume, host, LUN, origin) is kept when it is not there."""
    said = _conditions(attachment, outcome, now)
    before = attachment.status.model_copy(update=said)
    target = None if attachment.metadata.deleting else attachments.find(attachment, world, view)
    if not isinstance(target, attachments.Target):
        return before.model_copy(update=_volume_update(attachment, view) | {"connection": None})
    bound = before.model_copy(update=_binding(attachment, target.name, world, view) | {"connection": None})
    rows = view.on_host(target.name).get(target.volume.uid, ())
    portals = portals_for(target.name, world, view)
    if not rows and attachment.status.host:  # where it was mapped, it may be mapped still
        bound = bound.model_copy(update={"host": attachment.status.host})
    if not isinstance(outcome.decision, InSync) or not rows or not portals:
        return bound.model_copy(update={"origin": _inherited(attachment, outcome, target, world, view)})
    mapping = next((row for row in rows if not row.cluster), rows[0])
    return bound.model_copy(
        update={
            "lun": mapping.lun,
            "origin": _origin(attachment, target, mapping, world, refused=outcome.refused),
            "connection": connection(mapping, target.volume, portals, world.array.spec.iscsi.port),
            "attached_time": attachment.status.attached_time or now,
        }
    )


def record(attachment: VolumeAttachment, outcome: Outcome, world: World, view: View, now: str) -> AttachmentStatus:
    """What must be written before the first command is sent, so that a crash after it leaves nothing unexplained.

    Told by the steps: they were planned on what earlier ones of the batch leave, which the view does not show yet.
    """
    steps = outcome.decision.steps if isinstance(outcome.decision, Act) else ()
    name = next((step.host for step in steps if isinstance(step, MapVolume)), None)
    if name is None:
        return attachment.status
    return attachment.status.model_copy(
        update=_conditions(attachment, outcome, now)
        | _binding(attachment, name, world, view)
        | {"origin": Origin.CREATED, "connection": None}
    )


def array_seen(world: World, view: View) -> ArraySeen:
    meta = world.array.metadata
    return ArraySeen(name=meta.name, namespace=meta.namespace, system_id=view.body.system.id)


def _conditions(resource: Resource, outcome: Outcome, now: str) -> dict[str, object]:
    generation = resource.metadata.generation
    before: Conditions = getattr(resource, "status").conditions  # noqa: B009 - every kind has one, each its own
    return {
        "conditions": conditions(outcome.decision, before, generation, now, outcome.error),
        "observed_generation": generation,
    }


def _binding(attachment: VolumeAttachment, name: HostName, world: World, view: View) -> dict[str, object]:
    known = view.hosts.get(name)
    initiators = tuple(sorted(known.iqns)) if known else world.hosts[attachment.host].spec.initiators.iscsi
    return _volume_update(attachment, view) | {
        "array": array_seen(world, view),
        "host": HostSeen(name=name, id=known.id if known and known.id else None, initiators=initiators),
    }


def _volume_update(attachment: VolumeAttachment, view: View) -> dict[str, object]:
    volume = volume_of(attachment, view)
    if volume is None:
        return {}
    return {"volume": VolumeSeen(name=volume.name, id=volume.id, uid=volume.uid, capacity=volume.capacity)}


def _origin(
    attachment: VolumeAttachment, target: attachments.Target, mapping: Mapping, world: World, *, refused: bool
) -> Origin | None:
    """On a host that we made the mapping is ours; elsewhere only what was recorded before it was made.

    refused: the array would not make it, and yet it is there: somebody else was quicker.
    """
    if isinstance(target.found, hosts.Ours) and not mapping.cluster:
        return Origin.CREATED
    if attachment.status.origin is Origin.CREATED and not refused:
        return Origin.CREATED
    leaving = (each for each in world.leaving(mapping.uid) if each.host == attachment.host)
    if attachment.status.origin is None and any(each.status.origin is Origin.CREATED for each in leaving):
        return Origin.CREATED  # it is left to us by one that is about to go
    return Origin.TAKEN_OVER


def _inherited(
    attachment: VolumeAttachment, outcome: Outcome, target: attachments.Target, world: World, view: View
) -> Origin | None:
    """A younger attachment of one pair will take the mapping over as what the elder had it for.

    What was recorded before a command that the array refused was not made by us after all.
    """
    elder = attachments.elder_of_pair(attachment, target.volume, world, view)
    if elder and elder.status.origin:
        return elder.status.origin
    return None if outcome.refused else attachment.status.origin


def _ports(host: FlashSystemHost, found: hosts.Ours | hosts.Adopted) -> tuple[HostPort, ...]:
    put = {*host.spec.initiators.iscsi, *(port.iqn for port in host.status.ports)}
    return tuple(
        HostPort(iqn=port.name, state=port.state, logins=port.logins)
        for port in found.host.ports
        if port.protocol is Protocol.ISCSI and (isinstance(found, hosts.Adopted) or port.name in put)
    )
