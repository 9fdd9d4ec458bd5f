"""Texts: lists, plurals and times in messages, and a decision as a condition, which `kubectl wait` can read."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from flashsystem_operator.api.base import Condition, Conditions, Truth, find
from flashsystem_operator.array.errors import ArrayError, Refused, Unreadable
from flashsystem_operator.planner import codes
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait

_SHOWN = 5


def listed(names: Collection[str]) -> str:
    """`a, b and c`; beyond five names, the number of further ones."""
    shown = list(names)[:_SHOWN]
    hidden = len(names) - len(shown)
    if hidden:
        return f"{', '.join(shown)} and {hidden} more"
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)


def plural(count: int, noun: str) -> str:
    """`1 volume`, `2 volumes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def text(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds. Raises OverflowError for a time that in UTC is beyond the last year."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def in_utc(time: str | None) -> str | None:
    """The same time as RFC 3339 in UTC; None if it is not a time, or has no time zone."""
    try:
        moment = datetime.fromisoformat(time or "")
        return text(moment) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def after(time: str, seconds: float) -> str:
    """The time so many seconds later, or earlier if negative. time: as `text` returns it."""
    return text(datetime.fromisoformat(time) + timedelta(seconds=seconds))


def quantity(size: int) -> str:
    """Return a size in bytes as a Kubernetes Quantity, in the largest unit in which it is whole."""
    units = ((unit, 1024**power) for power, unit in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")))
    return next((f"{size // each}{unit}" for unit, each in units if size and size % each == 0), str(size))


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
        case Act() if isinstance(error, Refused):
            sentence = _capital(str(error)).rstrip(".")
            return Reason.REFUSED_BY_ARRAY, f"{sentence}. {codes.remark(error)} It is tried again."
        case Act() if isinstance(error, Unreadable):
            return Reason.UNREADABLE_ANSWER, f"{_capital(str(error))}. Please report this; it is tried again."
        case Act() if isinstance(error, ArrayError):
            return Reason.OUTCOME_UNKNOWN, f"{_capital(str(error))}. The array is read again."
        case Act() if error is not None:
            return Reason.PROGRESSING, f"{_capital(str(error))}. It is tried again."
        case Act(steps):
            return Reason.PROGRESSING, f"{plural(len(steps), 'command')} still to be sent to the array."
        case Release(left):
            return Reason.DETACHING, left or "All its objects on the array were removed."


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
