"""Small words of messages."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

_SHOWN = 5


def listed(names: Collection[str]) -> str:
    """`a, b and c`; beyond five the rest is a number."""
    shown = list(names)[:_SHOWN]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)


def plural(count: int, thing: str) -> str:
    """`1 volume`, `2 volumes`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def text(moment: datetime) -> str:
    """Raises OverflowError for what in UTC is beyond all years."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def in_utc(words: str | None) -> str | None:
    """The same time in our words; None if it is not a time, or one that does not tell its zone."""
    try:
        moment = datetime.fromisoformat(words or "")
        return text(moment) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def after(time: str, seconds: float) -> str:
    """So many seconds later, or earlier if there are fewer than none. time: in our words."""
    return text(datetime.fromisoformat(time) + timedelta(seconds=seconds))


def quantity(size: int) -> str:
    """Return a size in bytes as a Kubernetes Quantity, in the largest unit in which it is whole."""
    units = ((unit, 1024**power) for power, unit in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")))
    return next((f"{size // each}{unit}" for unit, each in units if size and size % each == 0), str(size))
