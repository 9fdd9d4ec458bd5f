"""Plan many objects, one after another, each on what the earlier ones leave. Each decision passes the policies."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.attachment import attach, detach_guard
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Release, Wait
from flashsystem_operator.planner.desired import Desired, by_age
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.overrides import Worked, is_in_plan_mode
from flashsystem_operator.planner.policies import Circumstances, apply_policies
from flashsystem_operator.planner.safety.detach_rate_limit import RateLimiter

Decisions = Mapping[ObjectRef, Decision]
"""The decision about each object, in the order in which they were planned."""


def plan(
    desired: Desired, inventory: Inventory, due: Iterable[ObjectRef], undone: Container[ObjectRef] = ()
) -> Decisions:
    """Decide about the hosts and attachments of `due` that exist and can be read.

    undone: objects whose steps were not done in this pass, for example because the array refused one. No other plan
        builds on theirs: their results are not on the array.

    Objects in plan mode come last: they may build on what the others leave, but no other builds on their plan.
    """
    found = (desired.hosts.get(ref) or desired.attachments.get(ref) for ref in dict.fromkeys(due))
    resources = [each for each in found if each is not None and not each.unreadable]
    planned = {each.ref for each in resources if is_in_plan_mode(each, desired)}
    draft = inventory.copy()
    decisions = _plan(desired, inventory, draft, [each for each in resources if each.ref not in planned], undone)
    decisions |= _plan(desired, inventory, draft, [each for each in resources if each.ref in planned], undone)
    return {ref: _as_seen(decision, ref, desired, inventory) for ref, decision in decisions.items()}


def _plan(
    desired: Desired, inventory: Inventory, draft: Inventory, due: Iterable[Worked], undone: Container[ObjectRef]
) -> dict[ObjectRef, Decision]:
    """Plan in this order: ports of hosts, detaches, attaches (the oldest first), and host objects left empty."""
    decisions = dict[ObjectRef, Decision]()
    due = by_age(due)
    due_hosts = [each for each in due if isinstance(each, FlashSystemHost)]
    due_attachments = [each for each in due if isinstance(each, VolumeAttachment)]

    around = Circumstances(desired, inventory, RateLimiter.of(desired), {})

    def settle(resource: Worked, planned: Decision) -> None:
        decisions[resource.ref] = decision = apply_policies(planned, resource, around)
        for step in _to_be_assumed(decision) if resource.ref not in undone else ():
            step.apply(draft)

    for host in due_hosts:
        settle(host, host_plan.plan(host, desired, draft))
    leaving = [each for each in due_attachments if each.metadata.deleting]
    if leaving:
        around = replace(around, partings=detach_guard.partings(desired, draft))
    for attachment in leaving:
        settle(attachment, attach.plan(attachment, desired, draft))
    for attachment in due_attachments:
        if not attachment.metadata.deleting:
            settle(attachment, attach.plan(attachment, desired, draft))
    for host in due_hosts:
        if isinstance(decisions[host.ref], InSync) and isinstance(again := host_plan.plan(host, desired, draft), Act):
            del decisions[host.ref]  # its steps come after those of the attachments
            settle(host, again)
    return decisions


def _as_seen(decision: Decision, ref: ObjectRef, desired: Desired, inventory: Inventory) -> Decision:
    """Release an object only by what was observed on the array, never by what others of the plan are expected to do."""
    if not isinstance(decision, Release):
        return decision
    if (host := desired.hosts.get(ref)) is not None:
        released, seen = host.metadata.released, host_plan.plan(host, desired, inventory)
    else:
        attachment = desired.attachments[ref]
        released, seen = attachment.metadata.released, attach.plan(attachment, desired, inventory)
    if released or isinstance(seen, Release):
        return decision
    return Wait(Reason.HANDING_OVER, "What it has on the array is about to be removed for another object.")


def _to_be_assumed(decision: Decision) -> tuple[Step, ...]:
    """The steps that later plans may build on: those that are done, and those that plan mode only lists."""
    match decision:
        case Act(steps):
            return steps
        case Wait(reason=Reason.PLANNED, steps=steps):
            return steps
        case _:
            return ()
