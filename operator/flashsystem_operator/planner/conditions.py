"""Conditions for a decision, in the form that `kubectl wait`, Flux and Argo CD read.

`Ready` states whether the array was in sync at the last observation. `Reconciling` is True while something is under way
or awaited. `Stalled` is True when only a change of the spec or of the array helps.
"""

from flashsystem_operator.api.common import Condition, Conditions, Truth, find
from flashsystem_operator.array.errors import ArrayError, Refused, Unreadable
from flashsystem_operator.planner import codes
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.text import plural


def conditions(
    decision: Decision, before: Conditions, generation: int, now: str, error: Exception | None = None
) -> Conditions:
    """Ready, Reconciling and Stalled, and the notes of the decision.

    error: what prevented the decided steps, if anything.
    """
    reason, message = verdict(decision, error)
    truths: dict[str, Truth] = {
        "Ready": _truth(isinstance(decision, InSync)),
        "Reconciling": _truth(isinstance(decision, Act | Wait | Release)),
        "Stalled": _truth(isinstance(decision, Refuse)),
    }
    result = tuple(
        condition(kind, truth, reason, message if kind == "Ready" or truth == "True" else "", before, generation, now)
        for kind, truth in truths.items()
    )
    return result + tuple(
        condition(note.kind, "True", note.reason, note.message, before, generation, now) for note in decision.notes
    )


def condition(
    kind: str, truth: Truth, reason: Reason, message: str, before: Conditions, generation: int, now: str
) -> Condition:
    """One condition. Its transition time changes only with its status."""
    since = next((each.last_transition_time for each in before if (each.type, each.status) == (kind, truth)), now)
    return Condition(
        type=kind,
        status=truth,
        reason=reason,
        message=message,
        observed_generation=generation,
        last_transition_time=since,
    )


def verdict(decision: Decision, error: Exception | None) -> tuple[Reason, str]:
    """Reason and message. For a step that is not done, the error is more useful than that it is pending."""
    match decision:
        case InSync(reason, message) | Wait(reason, message) | Refuse(reason, message):
            return reason, message
        case Act() if error is not None:
            return _failed(error)
        case Act(steps):
            return Reason.PROGRESSING, f"{plural(len(steps), 'command')} still to be sent to the array."
        case Release(left):
            return Reason.DETACHING, left or "All its objects on the array were removed."


def _failed(error: Exception) -> tuple[Reason, str]:
    match error:
        case Refused():
            return Reason.REFUSED_BY_ARRAY, f"{_sentence(error)} {codes.remark(error)} It is tried again."
        case Unreadable():
            return Reason.UNREADABLE_ANSWER, f"{_capital(str(error))}. Please report this; it is tried again."
        case ArrayError():
            return Reason.OUTCOME_UNKNOWN, f"{_capital(str(error))}. The array is read again."
        case _:
            return Reason.PROGRESSING, f"{_capital(str(error))}. It is tried again."


def _sentence(error: Exception) -> str:
    return f"{_capital(str(error)).rstrip('.')}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _truth(truth: bool) -> Truth:
    return "True" if truth else "False"


def kept(before: Conditions) -> tuple[Note, ...]:
    """The reported drift: it is kept until an observation shows otherwise."""
    result = find(before, "Drifted")
    if result is None or result.status != "True" or result.reason not in set(Reason):
        return ()
    return (Note("Drifted", Reason(result.reason), result.message),)
