"""The policies: what may hold back a decision, or let it pass, after it was planned.

`POLICIES` is all of them, in the order in which they apply; each gets the decision of the one before. Drift is left to
the planning itself: whether a change on the array is corrected depends on the resolved host object and volume.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.commands import RemoveHost, UnmapVolume
from flashsystem_operator.array.discovery import Protection
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.attachment import detach_guard
from flashsystem_operator.planner.attachment.detach_guard import Parting
from flashsystem_operator.planner.decision import Act, Decision, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.overrides import Worked, apply_overrides
from flashsystem_operator.planner.redaction import Reader
from flashsystem_operator.planner.safety.detach_rate_limit import RateLimiter
from flashsystem_operator.planner.text import listed
from flashsystem_operator.planner.unreadable import as_far_as_read
from flashsystem_operator.values import HostName

_TAKING = (UnmapVolume, RemoveHost)


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
    if (act := _detach_of(decision, resource)) is None or not isinstance(resource, VolumeAttachment):
        return decision
    host = next((step.host for step in act.steps if isinstance(step, UnmapVolume)), None)
    return detach_guard.judge(resource, act, around.partings.get(host) if host else None, around.desired)


def limit_detach_rate(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Hold back a detach that exceeds the detach rate limit."""
    if (act := _detach_of(decision, resource)) is None or not isinstance(resource, VolumeAttachment):
        return decision
    return around.limiter.judge(resource, act)


def wait_for_readable_output(decision: Decision, resource: Worked, around: Circumstances) -> Decision:
    """Wait if the resource depends on a row of the array's output that cannot be read."""
    return as_far_as_read(decision, resource, around.desired, around.inventory)


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
    if _detach_of(decision, resource) is not None and isinstance(resource, VolumeAttachment):
        around.limiter.take(resource)
    return decision


def _detach_of(decision: Decision, resource: Worked) -> Act | None:
    """The decision, if it is about a deleted attachment and has commands."""
    is_deleted = isinstance(resource, VolumeAttachment) and resource.metadata.deleting
    return decision if is_deleted and isinstance(decision, Act) else None
