"""What a pass leaves behind: what it saw, and whose turn comes again, and when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import AddPorts, RemoveHost, RemovePort, UnmapVolume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.decision import OBSTRUCTED, Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.reconcile.saying import Outcome
from flashsystem_operator.reconcile.world import World


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
        return decision.reason is Reason.OUTCOME_UNKNOWN and not world.all_unsettled
    return isinstance(decision, Act)


def obstructed(decisions: Mapping[ObjectRef, Decision]) -> set[ObjectRef]:
    """Objects that something on the array is in the way of."""
    return {
        ref
        for ref, decision in decisions.items()
        if isinstance(decision, Wait | Refuse) and decision.reason in OBSTRUCTED
    }


def frees(planned: Mapping[ObjectRef, Decision]) -> bool:
    """Whether something was taken out of the way of others on the array."""
    steps = (step for decision in planned.values() if isinstance(decision, Act) for step in decision.steps)
    return any(isinstance(step, UnmapVolume | RemovePort | RemoveHost | AddPorts) for step in steps)
