"""The status of hosts, volumes and attachments: what is recorded before commands, and what is written after a pass."""

from collections.abc import Mapping
from dataclasses import dataclass

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, HostSeen, VolumeAttachment, VolumeSeen
from flashsystem_operator.api.base import ArraySeen, Conditions, Origin
from flashsystem_operator.api.host import FlashSystemHost, HostMapping, HostMappings, HostPort, HostStatus
from flashsystem_operator.api.metadata import ObjectRef, Resource
from flashsystem_operator.api.volume import FlashSystemVolume, ThrottleSeen, VolumeIntent, VolumeOrigin, VolumeStatus
from flashsystem_operator.array import model
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, SetChap, shown
from flashsystem_operator.array.model import Inventory, Port, Protocol, Volume
from flashsystem_operator.array.volume_commands import CreateVolume, planned_uid
from flashsystem_operator.planner import drift, luns
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, Reader, has_been_admitted, stands_on, volume_of
from flashsystem_operator.planner.drift import ASKED
from flashsystem_operator.planner.host import host_plan, host_settings
from flashsystem_operator.planner.host.host_plan import put_by_us
from flashsystem_operator.planner.luns import quarantine_entries, quarantined_on
from flashsystem_operator.planner.outputs import connection, portals_for
from flashsystem_operator.planner.text import conditions, kept, quantity
from flashsystem_operator.planner.volume import volume_plan
from flashsystem_operator.values import HostName


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a pass for one object.

    error: what prevented its steps from being done. refused: the array itself refused one of them.
    """

    decision: Decision
    error: Exception | None = None
    refused: bool = False


def status_fields(resource: Resource, outcome: Outcome, now: str) -> dict[str, object]:
    generation = resource.metadata.generation
    before: Conditions = getattr(resource, "status").conditions  # noqa: B009 - every kind has one, each its own
    return {
        "conditions": conditions(outcome.decision, before, generation, now, outcome.error),
        "observed_generation": generation,
        "last_handled_reconcile_at": resource.metadata.asked.reconcile_requested_at,
        "plan": plan_of(outcome.decision),
    }


def plan_of(decision: Decision) -> tuple[str, ...] | None:
    """The commands that are held back, as they would be sent."""
    return tuple(map(shown, decision.steps)) if isinstance(decision, Wait) and decision.steps else None


def binding(attachment: VolumeAttachment, name: HostName, desired: Desired, inventory: Inventory) -> dict[str, object]:
    known = inventory.hosts.get(name)
    initiators = tuple(sorted(known.iqns)) if known else desired.hosts[attachment.host].spec.initiators.iscsi
    return volume_seen(attachment, desired, inventory) | {
        "array": array_seen(desired, inventory),
        "host": HostSeen(name=name, id=known.id if known and known.id else None, initiators=initiators),
    }


def volume_seen(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> dict[str, object]:
    """What the status may show of the volume: nothing if the namespace may not attach it, not even that it exists."""
    if not has_been_admitted(attachment) and desired.access_denied(attachment, inventory):
        return {}
    volume = volume_of(attachment, inventory)
    if volume is None:
        return {}
    seen = attachment.status.volume
    # A list view does not show the preferred node: the value from an earlier detailed view is kept.
    known = seen.preferred_node if seen and seen.uid == volume.uid else None
    return {
        "volume": VolumeSeen(
            name=volume.name,
            id=volume.id,
            uid=volume.uid,
            capacity=quantity(volume.capacity),
            preferred_node=volume.preferred_node or known,
        )
    }


def array_seen(desired: Desired, inventory: Inventory) -> ArraySeen:
    meta = desired.array.metadata
    return ArraySeen(name=meta.name, namespace=meta.namespace, system_id=inventory.body.system.id)


def intent_of_attachment(
    attachment: VolumeAttachment, outcome: Outcome, desired: Desired, inventory: Inventory, now: str
) -> AttachmentStatus:
    """Volume, host object and origin of a mapping that is about to be created.

    Taken from the steps: they were planned on what earlier ones of the batch leave, which the inventory does not show.
    """
    steps = outcome.decision.steps if isinstance(outcome.decision, Act) else ()
    name = next((step.host for step in steps if isinstance(step, MapVolume)), None)
    if name is None:
        return attachment.status
    return attachment.status.model_copy(
        update=status_fields(attachment, outcome, now)
        | binding(attachment, name, desired, inventory)
        | {"origin": Origin.CREATED, "connection": None, "attached_time": None}
    )


def needs_finalizer(attachment: VolumeAttachment, decision: Decision) -> bool:
    """Whether deleting a live attachment has something to undo, so that it needs our finalizer.

    Also for a mapping that an older attachment left to it and that it cannot use.
    """
    if attachment.metadata.deleting:
        return False
    if isinstance(decision, Wait | Refuse):
        return attachment.status.origin is not None and decision.reason is not Reason.DUPLICATE
    return isinstance(decision, Act | InSync)


@dataclass(frozen=True, slots=True)
class HostRecord:
    """The status that a host needs before commands are sent. freed_by: the attachments that free LUNs of it."""

    status: HostStatus
    freed_by: frozenset[ObjectRef] = frozenset()


def intents_of_hosts(
    decisions: Mapping[ObjectRef, Decision], desired: Desired, inventory: Inventory
) -> dict[ObjectRef, HostRecord]:
    """The hosts whose status has to be written before these decisions are carried out.

    It records the initiators that our host object is to be given, since only recorded ones are ever removed again; and
    the LUNs that are about to be freed, since they must be quarantined even if the operator ends before it sees that.
    """
    # The hosts whose host object these decisions create, or give an initiator or a secret.
    steps = (step for decision in decisions.values() if isinstance(decision, Act) for step in decision.steps)
    makers = (step for step in steps if isinstance(step, MakeHost | AddPorts | SetChap))
    given = {desired.host_by_object_name[step.host].ref for step in makers}
    freed = luns.freed(decisions, desired, inventory)
    found: dict[ObjectRef, HostRecord] = {}
    for ref in given | freed.keys():
        host, frees = desired.hosts[ref], freed.get(ref, {})
        update: dict[str, object] = {}
        if ref in given:
            put = put_by_us(host)
            known = tuple(port for port in host.status.ports if port.iqn in put)
            asked = tuple(HostPort(iqn=iqn, state=ASKED) for iqn in host.spec.initiators.iscsi if iqn not in put)
            update = {"chap": host_settings.chap_asked(host)}
            if asked:
                update |= {
                    "array": array_seen(desired, inventory),
                    "name": desired.object_of(host, inventory),
                    "ownership": Origin.CREATED,
                    "ports": (*known, *asked),
                }
        if frees:
            quarantine = luns.with_freed(
                luns.quarantined_on(host, desired, inventory), frees.values(), desired, inventory
            )
            update |= {"quarantined_luns": luns.quarantine_entries(quarantine)}
        status = host.status.model_copy(update=update)
        if status != host.status:
            found[ref] = HostRecord(status, frozenset(frees))
    return found


def of_host(host: FlashSystemHost, outcome: Outcome, desired: Desired, inventory: Inventory, now: str) -> HostStatus:
    """The status of a host. `ports` of a host object that we created has only those that the spec named once."""
    fields = status_fields(host, outcome, now)
    if stands_on(host, desired, inventory):  # what was known stays
        return host.status.model_copy(update=fields)
    found = host_plan.resolve_host(host, desired, inventory)
    if isinstance(found, Wait | Refuse):
        return host.status.model_copy(update=fields)
    fields |= {
        "array": array_seen(desired, inventory),
        "quarantined_luns": quarantine_entries(quarantined_on(host, desired, inventory)),
    }
    if isinstance(found, host_plan.Absent):
        asked = host.status.ports if desired.is_in_doubt(found.name) else ()
        known = {
            "ports": asked,
            "ownership": Origin.CREATED if asked else None,
            "chap": host.status.chap if asked else None,
        }
        return HostStatus(**fields, mappings=HostMappings(count=0), **known)
    reader = Reader.of(host, desired)
    rows = [row for rows in inventory.on_host(found.host.name).values() for row in rows]
    # A mapping with another LUN in each I/O group is listed with each: all are quarantined when it is removed.
    mapped = sorted((lun, row.volume, row.uid) for row in rows for lun in row.luns)
    return HostStatus(
        **fields,
        name=found.host.name,
        id=found.host.id,
        ownership=Origin.CREATED if isinstance(found, host_plan.Managed) else Origin.ADOPTED,
        ports=_ports(host, found, desired),
        mappings=HostMappings(
            count=len(rows),
            items=tuple(
                HostMapping(lun=lun, volume=volume if reader.may_know(volume, uid) else None, uid=uid)
                for lun, volume, uid in mapped
            ),
        ),
        chap=host_settings.chap_seen(host, found.host.name, desired, inventory)
        if isinstance(found, host_plan.Managed)
        else None,
    )


def of_attachment(
    attachment: VolumeAttachment, outcome: Outcome, desired: Desired, inventory: Inventory, now: str
) -> AttachmentStatus:
    """The status of an attachment. Volume, host, LUN and origin are kept while the mapping does not exist."""
    fields = status_fields(attachment, outcome, now)
    if stands_on(attachment, desired, inventory):  # what was known stays, its connection too
        if kept(attachment.status.conditions):  # and a request, which answers the drift, is still to be done
            del fields["last_handled_reconcile_at"]
        return attachment.status.model_copy(update=fields)
    if drift.is_forgiven(attachment, desired, inventory):
        fields["attached_time"] = None
    before = attachment.status.model_copy(update=fields)
    target = None if attachment.metadata.deleting else attach.find(attachment, desired, inventory)
    if not isinstance(target, attach.Target):
        way = None if target is None else _kept_connection(attachment, desired, inventory)
        return before.model_copy(update=volume_seen(attachment, desired, inventory) | {"connection": way})
    bound = before.model_copy(update=binding(attachment, target.name, desired, inventory) | {"connection": None})
    rows = inventory.on_host(target.name).get(target.volume.uid, ())
    portals = portals_for(target.name, desired, inventory)
    if not rows and attachment.status.host:  # it may still be mapped where it was
        bound = bound.model_copy(update={"host": attachment.status.host})
    mapping = next((row for row in rows if not row.cluster), rows[0]) if rows else None
    recorded = _recorded_connection(attachment, mapping, inventory)
    if not isinstance(outcome.decision, InSync) or mapping is None or not portals:
        origin = _inherited(attachment, outcome, target, desired, inventory)
        return bound.model_copy(update={"origin": origin, "connection": None if portals else recorded})
    return bound.model_copy(
        update={
            "lun": drift.given_lun(attachment, mapping),
            "origin": _origin(attachment, target, mapping, desired, refused=outcome.refused),
            "connection": recorded
            or connection(
                mapping,
                target.volume,
                bound.volume.preferred_node if bound.volume else None,
                portals,
                desired.array.spec.iscsi.port,
            ),
            "attached_time": attachment.status.attached_time or now,
        }
    )


def intents_of_volumes(
    decisions: Mapping[ObjectRef, Decision], desired: Desired, inventory: Inventory
) -> dict[ObjectRef, VolumeStatus]:
    """The volumes whose status has to be written before these decisions are carried out.

    It records what is about to be created, to recognize it if the reply is lost; and the UID of a volume that was found
    and is not recorded yet, before anything is changed on it.
    """
    found: dict[ObjectRef, VolumeStatus] = {}
    for ref, decision in decisions.items():
        resource = desired.volumes.get(ref)
        if resource is None or not isinstance(decision, Act) or resource.status.uid is not None:
            continue
        update: dict[str, object] = {"array": array_seen(desired, inventory)}
        if step := next((step for step in decision.steps if isinstance(step, CreateVolume)), None):
            intent = VolumeIntent(name=step.volume, size=step.size, pool=step.pool, time=desired.now)
            update |= {"origin": VolumeOrigin.CREATED, "name": step.volume, "intent": intent}
        elif isinstance(volume := volume_plan.resolve_volume(resource, desired, inventory), Volume):
            update |= _volume_identity(resource, volume, desired)
        else:
            continue
        found[ref] = resource.status.model_copy(update=update)
    return found


def of_volume(
    resource: FlashSystemVolume, outcome: Outcome, desired: Desired, inventory: Inventory, now: str
) -> VolumeStatus:
    """The status of a volume. What was known of it stays while it cannot be read, or is gone."""
    fields = status_fields(resource, outcome, now)
    attachments = desired.attachments_by_ref(resource.ref)
    known = resource.status.model_copy(
        update=fields | {"attachments": len(attachments), "deletion_time": volume_plan.deletion_time(resource, desired)}
    )
    if stands_on(resource, desired, inventory):
        return known
    found = volume_plan.resolve_volume(resource, desired, inventory)
    if isinstance(found, Volume) and found.uid != planned_uid(found.name):
        throttle = found.throttle
        return known.model_copy(
            update={
                "array": array_seen(desired, inventory),
                **_volume_identity(resource, found, desired),
                "id": found.id,
                "pool": found.pool,
                "capacity": quantity(found.capacity),
                "used": None if found.used is None else quantity(found.used),
                "state": found.status,
                "formatting": found.formatting,
                "throttle": None
                if throttle is None or not throttle.name
                else ThrottleSeen(
                    iops=throttle.iops,
                    bandwidth=None if throttle.bandwidth is None else quantity(throttle.bandwidth * 1024 * 1024),
                ),
            }
        )
    return known


def _volume_identity(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> dict[str, object]:
    """What binds a resource to its volume. The intent has ended with that."""
    origin = volume_plan.origin_of(resource, volume, desired)
    name = volume_plan.expected_name(resource, volume, desired)
    return {"name": name, "uid": volume.uid, "origin": origin, "intent": None}


def _kept_connection(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Connection | None:
    """The connection of an attached volume whose FlashSystemHost cannot be used: its machine still uses the volume."""
    mapping = attach.kept_mapping(attachment, desired, inventory)
    if recorded := _recorded_connection(attachment, mapping, inventory):
        return recorded
    portals = portals_for(mapping.host, desired, inventory) if mapping else ()
    if mapping is None or not portals:
        return None
    volume, seen = inventory.volumes[mapping.uid], attachment.status.volume
    preferred = volume.preferred_node or (seen.preferred_node if seen else None)
    return connection(mapping, volume, preferred, portals, desired.array.spec.iscsi.port)


def _recorded_connection(
    attachment: VolumeAttachment, mapping: model.Mapping | None, inventory: Inventory
) -> Connection | None:
    """The recorded connection, while nodes or addresses that may be part of it cannot be read."""
    before = attachment.status.connection
    if not inventory.body.odd or before is None or mapping is None:
        return None
    if (before.volume_uid, before.lun) != (mapping.uid, mapping.lun):
        return None
    return before


def _origin(
    attachment: VolumeAttachment, target: attach.Target, mapping: model.Mapping, desired: Desired, *, refused: bool
) -> Origin | None:
    """On a host that we created the mapping is ours; elsewhere only if it was recorded before it was created.

    refused: the array refused to create it, and yet it exists: it was created outside the operator.
    """
    if isinstance(target.found, host_plan.Managed) and not mapping.cluster:
        return Origin.CREATED
    if attachment.status.origin is Origin.CREATED and not refused and _is_where_it_was(attachment, target):
        return Origin.CREATED
    leaving = (each for each in desired.leaving(mapping.uid) if each.host == attachment.host)
    if attachment.status.origin is None and any(each.status.origin is Origin.CREATED for each in leaving):
        return Origin.CREATED  # an attachment that is being deleted leaves it to this one
    return Origin.ADOPTED


def _inherited(
    attachment: VolumeAttachment, outcome: Outcome, target: attach.Target, desired: Desired, inventory: Inventory
) -> Origin | None:
    """The origin that a younger attachment of the same volume and host takes over from the older one.

    Also from an older one that is being deleted, whether or not the younger can use the mapping as it is: one of them
    has to own it. What was recorded before a command that the array refused was not created by us.
    """
    elder = attach.elder_of_pair(attachment, target.volume, desired, inventory)
    if elder and elder.status.origin:
        return elder.status.origin
    mapped = inventory.on_host(target.name).get(target.volume.uid)
    if outcome.refused or (mapped and not _is_where_it_was(attachment, target)):
        return None
    access_denied = isinstance(target.found, host_plan.Adopted) and desired.tenancy.adoption(
        attachment.metadata.namespace
    )
    leaving = desired.leaving(target.volume.uid) if mapped and not access_denied else ()
    left = (each.status.origin for each in leaving if each.host == attachment.host)
    return attachment.status.origin or next(filter(None, left), None)


def _is_where_it_was(attachment: VolumeAttachment, target: attach.Target) -> bool:
    """Whether this is the recorded host object, perhaps renamed: what we did to another one is no claim on this."""
    seen = attachment.status.host
    if seen is None or seen.name == target.name or isinstance(target.found, host_plan.Absent):
        return True
    return not target.found.host.iqns.isdisjoint(seen.initiators)


def _ports(
    host: FlashSystemHost, found: host_plan.Managed | host_plan.Adopted, desired: Desired
) -> tuple[HostPort, ...]:
    """Of a host object that we created: the ports that we added, and those that a command in doubt may still add."""
    iscsi = tuple(port for port in found.host.ports if port.protocol is Protocol.ISCSI)
    if isinstance(found, host_plan.Adopted):
        return tuple(map(_port, iscsi))
    put = {*host.spec.initiators.iscsi, *host_plan.put_by_us(host)}
    there = tuple(_port(port) for port in iscsi if port.name in put)
    if not desired.is_in_doubt(found.host.name):
        return (*there, *drift.remembered(host, found.host))
    return (*there, *(port for port in host.status.ports if port.iqn not in found.host.iqns))


def _port(port: Port) -> HostPort:
    return HostPort(iqn=port.name, state=port.state, logins=port.logins)
