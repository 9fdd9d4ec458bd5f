"""What must be written before the first command is sent, so that a crash after it leaves nothing unexplained."""

from collections.abc import Iterable

from flashsystem_operator.api.attachment import AttachmentStatus, Origin, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostPort, HostStatus, Ownership
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, SetChap
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import chap
from flashsystem_operator.reconcile.decision import Act, Decision
from flashsystem_operator.reconcile.host import put_by_us
from flashsystem_operator.reconcile.saying import Outcome, array_seen, binding, said_conditions
from flashsystem_operator.reconcile.world import World

ASKED = "asked"
"""The state of a port that the array was asked for, and was not seen to have yet."""


def of_attachment(
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
        | {"origin": Origin.CREATED, "connection": None}
    )


def of_host(host: FlashSystemHost, world: World, view: View) -> HostStatus:
    """The initiators and the secret that our host object is to be given: only what was recorded is taken off again."""
    put = put_by_us(host)
    known = tuple(port for port in host.status.ports if port.iqn in put)
    asked = tuple(HostPort(iqn=iqn, state=ASKED) for iqn in host.spec.initiators.iscsi if iqn not in put)
    if not asked:
        return host.status.model_copy(update={"chap": chap.asked(host)})
    return host.status.model_copy(
        update={
            "array": array_seen(world, view),
            "name": world.object_of(host, view),
            "ownership": Ownership.CREATED,
            "ports": (*known, *asked),
            "chap": chap.asked(host),
        }
    )


def hosts_given_ports(decisions: Iterable[Decision], world: World) -> set[ObjectRef]:
    """Whose host object is made, or given an initiator or a secret, by these decisions."""
    steps = (step for decision in decisions if isinstance(decision, Act) for step in decision.steps)
    owners = (world.host_by_object_name[step.host] for step in steps if isinstance(step, MakeHost | AddPorts | SetChap))
    return {owner.ref for owner in owners}
