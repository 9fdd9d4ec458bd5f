"""What must be written before the first command is sent, so that a crash after it leaves nothing unexplained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flashsystem_operator.api.attachment import AttachmentStatus, Origin, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostPort, HostStatus, Ownership
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, SetChap
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import chap, cooling
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.reconcile.host import put_by_us
from flashsystem_operator.reconcile.ports import ASKED
from flashsystem_operator.reconcile.saying import Outcome, array_seen, binding, said_conditions
from flashsystem_operator.reconcile.world import World


def intent_of_attachment(
    attachment: VolumeAttachment, outcome: Outcome, world: World, view: View, now: str
) -> AttachmentStatus:
    """Volume, host object and origin of a mapping that is to be made.

    Told by the steps: they were planned on what earlier ones of the batch leave, which the view does not show yet.
    """
    steps = outcome.decision.steps if isinstance(outcome.decision, Act) else ()
    name = next((step.host for step in steps if isinstance(step, MapVolume)), None)
    if name is None:
        return attachment.status
    return attachment.status.model_copy(
        update=said_conditions(attachment, outcome, now)
        | binding(attachment, name, world, view)
        | {"origin": Origin.CREATED, "connection": None, "attached_time": None}
    )


def answers(attachment: VolumeAttachment, decision: Decision) -> bool:
    """Whether the end of a live attachment has something to undo, so that our finalizer has to be on it.

    Also of a mapping that an elder left to it, and that it cannot use.
    """
    if attachment.metadata.deleting:
        return False
    if isinstance(decision, Wait | Refuse):
        return attachment.status.origin is not None and decision.reason is not Reason.DUPLICATE
    return isinstance(decision, Act | InSync)


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What a host's status has to say before something is done. freed_by: the attachments that free LUNs of it."""

    status: HostStatus
    freed_by: frozenset[ObjectRef] = frozenset()


def intents_of_hosts(decisions: Mapping[ObjectRef, Decision], world: World, view: View) -> dict[ObjectRef, HostRecord]:
    """The hosts whose status has to be written before these decisions are carried out.

    With the initiators that our host object is to be given, since only what was recorded is ever taken off it again;
    and with the LUNs that are about to be free, since they must rest even if nobody lives to see them freed.
    """
    given, freed = _given_ports(decisions.values(), world), cooling.freed(decisions, world, view)
    found: dict[ObjectRef, HostRecord] = {}
    for ref in given | freed.keys():
        host, frees = world.hosts[ref], freed.get(ref, {})
        update = _asked_ports(host, world, view) if ref in given else {}
        if frees:
            resting = cooling.with_freed(cooling.cooling(host, world, view), frees.values(), world, view)
            update |= {"cooling_luns": cooling.listed(resting)}
        status = host.status.model_copy(update=update)
        if status != host.status:
            found[ref] = HostRecord(status, frozenset(frees))
    return found


def _asked_ports(host: FlashSystemHost, world: World, view: View) -> dict[str, object]:
    put = put_by_us(host)
    known = tuple(port for port in host.status.ports if port.iqn in put)
    asked = tuple(HostPort(iqn=iqn, state=ASKED) for iqn in host.spec.initiators.iscsi if iqn not in put)
    if not asked:
        return {"chap": chap.asked(host)}
    return {
        "array": array_seen(world, view),
        "name": world.object_of(host, view),
        "ownership": Ownership.CREATED,
        "ports": (*known, *asked),
        "chap": chap.asked(host),
    }


def _given_ports(decisions: Iterable[Decision], world: World) -> set[ObjectRef]:
    """Whose host object is made, or given an initiator or a secret, by these decisions."""
    steps = (step for decision in decisions if isinstance(decision, Act) for step in decision.steps)
    owners = (world.host_by_object_name[step.host] for step in steps if isinstance(step, MakeHost | AddPorts | SetChap))
    return {owner.ref for owner in owners}
