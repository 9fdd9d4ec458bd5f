"""Parts of messages: lists, plurals and times."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

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
