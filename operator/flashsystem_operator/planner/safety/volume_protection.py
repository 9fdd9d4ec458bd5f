"""Volume protection of the array: report a refused detach, and do not retry it too early."""

from dataclasses import replace

from flashsystem_operator.array.discovery import Protection
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.planner.decision import Act, Decision, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import listed


def guarded(refused: Refused, found: Protection) -> Wait:
    """The wait after a refusal while volume protection was on. The detach is never forced."""
    text = str(refused).rstrip(".")
    return Wait(
        Reason.VOLUME_PROTECTED,
        f"{text[:1].upper()}{text[1:]}. Volume protection is on there"
        + (f" (in pool {listed(found.pools)})" if found.pools else "")
        + ": the array keeps volumes with recent I/O, at most "
        f"{found.minutes} minutes after the last I/O. It is tried again until then, and never forced.",
    )


def not_before_its_time(decision: Decision, desired: Desired) -> Decision:
    """The decision without the steps that the array refused recently; a wait, if these were all."""
    if not isinstance(decision, Act) or desired.held.keys().isdisjoint(decision.steps):
        return decision
    steps = tuple(step for step in decision.steps if step not in desired.held)
    return replace(decision, steps=steps) if steps else desired.held[decision.steps[0]]
