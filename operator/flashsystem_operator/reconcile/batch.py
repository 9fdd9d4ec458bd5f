"""Plans many objects, one after another, each on what the earlier ones leave.

Two attachments of one free volume, or of one free LUN, must not both be promised it; and the second volume of a new
host must not make the host again. So each plan is supposed to be done before the next is made.
"""

from collections.abc import Iterable, Mapping

from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import RemoveHost, UnmapVolume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import attachment as attachments
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Reason, Wait
from flashsystem_operator.reconcile.world import World, by_age

Decisions = Mapping[ObjectRef, Decision]
"""What to do about each object, in the order in which it was planned."""

TAKING = (UnmapVolume, RemoveHost)


def plan(world: World, view: View, due: Iterable[ObjectRef]) -> Decisions:
    """Decide about the hosts and attachments of `due` that exist.

    In this order: ports of hosts, what is to go, what is to come (the elder first), and host objects left empty.
    """
    draft, decisions = view.copy(), dict[ObjectRef, Decision]()
    refs = tuple(dict.fromkeys(due))
    due_hosts = by_age(world.hosts[ref] for ref in refs if ref in world.hosts)
    due_attachments = by_age(world.attachments[ref] for ref in refs if ref in world.attachments)

    def settle(ref: ObjectRef, wished: Decision) -> None:
        decisions[ref] = decision = _as_allowed(wished, world)
        if isinstance(decision, Act):
            for step in decision.steps:
                draft.assume(step)

    for host in due_hosts:
        settle(host.ref, hosts.plan(host, world, draft))
    for attachment in sorted(due_attachments, key=lambda each: not each.metadata.deleting):
        settle(attachment.ref, attachments.plan(attachment, world, draft))
    for host in due_hosts:
        if isinstance(decisions[host.ref], InSync) and isinstance(again := hosts.plan(host, world, draft), Act):
            del decisions[host.ref]  # its steps come after those of the attachments
            settle(host.ref, again)
    return decisions


def _as_allowed(decision: Decision, world: World) -> Decision:
    """While the array is closed, only what takes away may be done: detaching always works."""
    if not world.closed or not isinstance(decision, Act) or all(isinstance(step, TAKING) for step in decision.steps):
        return decision
    return Wait(Reason.ARRAY_NOT_READY, f"{world.array.ref} is not ready: {world.closed}")
