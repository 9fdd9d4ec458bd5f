"""What a pass leaves behind: what it saw, and whose turn comes again, and when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import AddPorts, RemoveHost, RemovePort, UnmapVolume
from flashsystem_operator.array.view import View
from flashsystem_operator.controller.steps import Results
from flashsystem_operator.reconcile.decision import OBSTRUCTED, UNSEEN, Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.reconcile.saying import Outcome
from flashsystem_operator.reconcile.world import World

_TAKES = UnmapVolume | RemovePort | RemoveHost | AddPorts
"""Commands that may clear the way for other objects."""


_ENDS_BY_ITSELF = {Reason.OUTCOME_UNKNOWN, Reason.HANDING_OVER}
"""Reasons of waiting that end without an event: a look shows that, or what was written for another object."""


@dataclass(slots=True)
class Ended:
    """What a pass leaves.

    again: objects that need another turn, with the seconds until then (None: by their back-off).
    obstructed: objects that something on the array is in the way of.
    freed: whether something was taken out of the way on the array, so that the obstructed may try.
    """

    view: View
    verdict: InSync | Refuse
    acted: bool
    again: dict[ObjectRef, float | None] = field(default_factory=dict)
    obstructed: set[ObjectRef] = field(default_factory=set)
    freed: bool = False


def again(
    outcomes: Mapping[ObjectRef, Outcome], unwritten: Collection[ObjectRef], world: World
) -> dict[ObjectRef, float | None]:
    """Objects that need another turn, with the seconds until then (None: by their back-off)."""
    timed = {
        ref: each.decision.retry
        for ref, each in outcomes.items()
        if isinstance(each.decision, Wait) and each.decision.retry is not None
    }
    unfinished = (ref for ref, each in outcomes.items() if each.error or _unfinished(each.decision, world))
    return {**dict.fromkeys(unfinished), **timed, **dict.fromkeys(unwritten)}


def _unfinished(decision: Decision, world: World) -> bool:
    if isinstance(decision, Wait):
        # While the whole array is unsettled, all wait for the same moment: the array's own next turn.
        return decision.reason in _ENDS_BY_ITSELF and not world.all_unsettled
    return isinstance(decision, Act) or (isinstance(decision, Refuse) and decision.reason in UNSEEN)


def obstructed(outcomes: Mapping[ObjectRef, Outcome]) -> set[ObjectRef]:
    """Objects that something on the array is in the way of.

    Without those whose own command was refused or not sent: these back off, whatever becomes of others.
    """
    return {
        ref
        for ref, outcome in outcomes.items()
        if not outcome.error and isinstance(outcome.decision, Wait | Refuse) and outcome.decision.reason in OBSTRUCTED
    }


def frees(results: Results) -> bool:
    """Whether something was, or may have been, taken out of the way of others on the array.

    A refused command takes nothing away. If it counted, two objects that the array refuses would wake each other
    without rest.
    """
    return any(isinstance(errand.step, _TAKES) for errand in (*results.done, *results.unsettled))
