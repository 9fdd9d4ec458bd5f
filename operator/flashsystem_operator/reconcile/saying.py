"""What records and statuses are both made of: the outcome of a pass, and what an object is bound to."""

from dataclasses import dataclass

from flashsystem_operator.api.attachment import HostSeen, VolumeAttachment, VolumeSeen
from flashsystem_operator.api.conditions import Conditions
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.api.references import ArraySeen
from flashsystem_operator.array.commands import shown
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.conditions import conditions
from flashsystem_operator.reconcile.decision import Decision, Wait
from flashsystem_operator.reconcile.world import World, volume_of, was_let_in
from flashsystem_operator.values import HostName


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended for one object.

    error: what kept its steps from being done. refused: the array itself refused one of them.
    """

    decision: Decision
    error: Exception | None = None
    refused: bool = False


def said_conditions(resource: Resource, outcome: Outcome, now: str) -> dict[str, object]:
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


def binding(attachment: VolumeAttachment, name: HostName, world: World, view: View) -> dict[str, object]:
    known = view.hosts.get(name)
    initiators = tuple(sorted(known.iqns)) if known else world.hosts[attachment.host].spec.initiators.iscsi
    return volume_seen(attachment, world, view) | {
        "array": array_seen(world, view),
        "host": HostSeen(name=name, id=known.id if known and known.id else None, initiators=initiators),
    }


def volume_seen(attachment: VolumeAttachment, world: World, view: View) -> dict[str, object]:
    """What may be told of the volume: nothing to who may not attach it, not even whether it exists."""
    if not was_let_in(attachment) and world.barred(attachment, view):
        return {}
    volume = volume_of(attachment, view)
    if volume is None:
        return {}
    seen = attachment.status.volume
    # A listing does not tell the preferred node: what was read closely before is kept.
    known = seen.preferred_node if seen and seen.uid == volume.uid else None
    return {
        "volume": VolumeSeen(
            name=volume.name,
            id=volume.id,
            uid=volume.uid,
            capacity=volume.capacity,
            preferred_node=volume.preferred_node or known,
        )
    }


def array_seen(world: World, view: View) -> ArraySeen:
    meta = world.array.metadata
    return ArraySeen(name=meta.name, namespace=meta.namespace, system_id=view.body.system.id)
