"""Plan many objects, one after another, each on what the earlier ones leave; and the policies for each decision.

`POLICIES` is all of them, in the order in which they apply; each gets the decision of the one before. Drift is left to
the planning itself: whether a change on the array is corrected depends on the resolved host object and volume.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.commands import RemoveHost, Step, UnmapVolume
from flashsystem_operator.array.discovery import Protection
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.volume_commands import CreateVolume
from flashsystem_operator.planner.attachment import attach, detach_guard
from flashsystem_operator.planner.attachment.detach_guard import Parting
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, Reader, Worked, by_age, has_been_admitted, stands_on
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.policies import RateLimiter, apply_overrides, is_in_plan_mode
from flashsystem_operator.planner.text import kept, listed
from flashsystem_operator.planner.volume import volume_plan
from flashsystem_operator.values import HostName

_TAKING = (UnmapVolume, RemoveHost)
_READ_AGAIN_SECONDS = 60.0
"""Seconds until output that could not be read is read again."""
_OF_THE_ARRAY = (Reason.IO_GROUP_NOT_FOUND, Reason.PORTSET_NOT_FOUND, Reason.NO_USABLE_PORTAL)
"""Reasons about missing objects of the array itself, which may be in an unreadable row."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the policies judge by. inventory: as read from the array, without what this plan would change.

    partings: the host objects with sessions that are to lose volumes; needed for detaches only.
    limiter: the detach rate limit, which counts the detaches of this plan.
    """

    desired: Desired
    inventory: Inventory
    limiter: RateLimiter
    partings: Mapping[HostName, Parting]


Policy = Callable[[Decision, Worked, Circumstances], Decision]


def hold_guarded_detach(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Hold back a detach that would leave a machine with sessions without any volume."""
    if (detach := _detach_of(decision, resource)) is None:
        return decision
    attachment, act = detach
    host = next((step.host for step in act.steps if isinstance(step, UnmapVolume)), None)
    return detach_guard.guard_detach(attachment, act, around.partings.get(host) if host else None, around.desired)


def limit_detach_rate(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Hold back a detach that exceeds the detach rate limit."""
    detach = _detach_of(decision, resource)
    return decision if detach is None else around.limiter.limit(*detach)


def wait_for_readable_output(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Wait if the resource depends on a row of the array's output that cannot be read.

    An unreadable row must not stop other resources, and must not count as absent for those that depend on it: it may be
    a mapping, and its volume in use.
    """
    desired, inventory = around.desired, around.inventory
    if (
        isinstance(resource, VolumeAttachment)
        and not has_been_admitted(resource)
        and desired.access_denied(resource, inventory)
    ):
        return decision  # nothing about objects of others is shown to it
    odd = stands_on(resource, desired, inventory)
    if odd is None and inventory.body.odd and isinstance(decision, Refuse) and decision.reason in _OF_THE_ARRAY:
        odd = inventory.body.odd[0]
    if odd is None and isinstance(decision, Refuse) and decision.reason is Reason.POOL_NOT_FOUND:
        odd = next((each for each in inventory.odd if "lsmdiskgrp" in each.line), None)
    if odd is None:
        return decision
    return Wait(
        Reason.UNREADABLE_ANSWER,
        f"The array's answer to `{odd.line}` cannot be read where it is about this object: {odd.why}. Nothing is "
        "changed for it meanwhile. Please report this with the array's code level; it is tried again.",
        # Reported drift is kept: otherwise it would be corrected later without a request.
        notes=kept(resource.status.conditions),
        retry=_READ_AGAIN_SECONDS,
    )


def wait_for_volume_protection(decision: Decision, _: Worked, around: Circumstances) -> Decision:
    """Leave out the steps that volume protection refused recently; wait if these were all."""
    held = around.desired.held
    if not isinstance(decision, Act) or held.keys().isdisjoint(decision.steps):
        return decision
    steps = tuple(step for step in decision.steps if step not in held)
    return replace(decision, steps=steps) if steps else held[decision.steps[0]]


def protected_wait(refused: Refused, found: Protection) -> Wait:
    """The wait after a refusal while volume protection was on. The detach is never forced."""
    text = str(refused).rstrip(".")
    return Wait(
        Reason.VOLUME_PROTECTED,
        f"{text[:1].upper()}{text[1:]}. Volume protection is on there"
        + (f" (in pool {listed(found.pools)})" if found.pools else "")
        + ": the array keeps volumes with recent I/O, at most "
        f"{found.minutes} minutes after the last I/O. It is tried again until then, and never forced.",
    )


def hold_while_array_closed(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """While the array is not Ready, hold back all but unmapping volumes and removing host objects."""
    desired = around.desired
    if not desired.closed or not isinstance(decision, Act) or all(isinstance(step, _TAKING) for step in decision.steps):
        return decision
    # The details name pools and nodes, which only the array administrator may see.
    why = (
        desired.closed
        if Reader.of(resource, desired).keeps_the_array
        else "see its conditions, or ask the array administrator."
    )
    return Wait(Reason.ARRAY_NOT_READY, f"{desired.array.ref} is not ready: {why}")


def follow_overrides(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Apply the annotations release, paused and plan."""
    return apply_overrides(decision, resource, around.desired)


POLICIES: tuple[Policy, ...] = (
    hold_guarded_detach,
    limit_detach_rate,
    wait_for_readable_output,
    wait_for_volume_protection,
    hold_while_array_closed,
    follow_overrides,
)


def apply_policies(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Pass a planned decision through all policies, and count a detach that is left for the rate limit."""
    for policy in POLICIES:
        decision = policy(decision, resource, around)
    if (detach := _detach_of(decision, resource)) is not None:
        around.limiter.take(detach[0])
    return decision


def _detach_of(decision: Decision, resource: Worked) -> tuple[VolumeAttachment, Act] | None:
    """The deleted attachment and its commands, if the decision is about one and has any."""
    if isinstance(decision, Act) and isinstance(resource, VolumeAttachment) and resource.metadata.deleting:
        return resource, decision
    return None


Decisions = Mapping[ObjectRef, Decision]
"""The decision about each object, in the order in which they were planned."""


def plan(
    desired: Desired, inventory: Inventory, due: Iterable[ObjectRef], undone: Container[ObjectRef] = ()
) -> Decisions:
    """Decide about the hosts, volumes and attachments of `due` that exist and can be read.

    undone: objects whose steps were not done in this pass, for example because the array refused one. No other plan
        builds on theirs: their results are not on the array.

    Objects in plan mode come last: they may build on what the others leave, but no other builds on their plan.
    """
    found = (desired.resource(ref) for ref in dict.fromkeys(due))
    resources = [each for each in found if each is not None and not each.unreadable]
    planned = {each.ref for each in resources if is_in_plan_mode(each, desired)}
    draft = inventory.copy()
    decisions = _plan(desired, inventory, draft, [each for each in resources if each.ref not in planned], undone)
    decisions |= _plan(desired, inventory, draft, [each for each in resources if each.ref in planned], undone)
    return {ref: _as_seen(decision, ref, desired, inventory) for ref, decision in decisions.items()}


def _plan(
    desired: Desired, inventory: Inventory, draft: Inventory, due: Iterable[Worked], undone: Container[ObjectRef]
) -> dict[ObjectRef, Decision]:
    """Plan in this order: ports of hosts, detaches, volumes, attaches (the oldest first), and host objects left empty.

    A volume is deleted by what was observed alone, never because others of the plan are expected to unmap it.
    """
    decisions = dict[ObjectRef, Decision]()
    due = by_age(due)
    due_hosts = [each for each in due if isinstance(each, FlashSystemHost)]
    due_attachments = [each for each in due if isinstance(each, VolumeAttachment)]

    around = Circumstances(desired, inventory, RateLimiter.of(desired), {})

    def settle(resource: Worked, planned: Decision) -> None:
        decisions[resource.ref] = decision = apply_policies(planned, resource, around)
        steps = _to_be_assumed(decision) if resource.ref not in undone else ()
        # The UID of a new volume is not known before: nothing can be planned for it.
        for step in (each for each in steps if not isinstance(each, CreateVolume)):
            step.apply(draft)

    for host in due_hosts:
        settle(host, host_plan.plan(host, desired, draft))
    leaving = [each for each in due_attachments if each.metadata.deleting]
    if leaving:
        around = replace(around, partings=detach_guard.partings(desired, draft))
    for attachment in leaving:
        settle(attachment, attach.plan(attachment, desired, draft))
    for volume in (each for each in due if isinstance(each, FlashSystemVolume)):
        settle(volume, volume_plan.plan(volume, desired, inventory))
    for attachment in (each for each in due_attachments if not each.metadata.deleting):
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
    seen: Decision
    match resource := desired.resource(ref):
        case FlashSystemHost():
            seen = host_plan.plan(resource, desired, inventory)
        case FlashSystemVolume():
            seen = volume_plan.plan(resource, desired, inventory)
        case VolumeAttachment():
            seen = attach.plan(resource, desired, inventory)
        case None:
            return decision
    if resource.metadata.released or isinstance(seen, Release):
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
