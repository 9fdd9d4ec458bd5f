"""What volume protection keeps on the array for a while, and that is not asked for again before its time."""

from dataclasses import replace

from flashsystem_operator.array.discovery import Protection
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.planner.decision import Act, Decision, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import listed


def guarded(refused: Refused, found: Protection) -> Wait:
    """Said after a refusal while volume protection was on. It is never forced."""
    words = str(refused).rstrip(".")
    return Wait(
        Reason.VOLUME_PROTECTED,
        f"{words[:1].upper()}{words[1:]}. Volume protection is on there"
        + (f" (in pool {listed(found.pools)})" if found.pools else "")
        + ": what has had I/O lately is kept, and "
        f"may go at most {found.minutes} minutes after the last I/O. It is tried again until then, and never forced.",
    )


def not_before_its_time(decision: Decision, desired: Desired) -> Decision:
    """Without the steps that the array refused a moment ago; a wait, when these were all."""
    if not isinstance(decision, Act) or desired.held.keys().isdisjoint(decision.steps):
        return decision
    steps = tuple(step for step in decision.steps if step not in desired.held)
    return replace(decision, steps=steps) if steps else desired.held[decision.steps[0]]
