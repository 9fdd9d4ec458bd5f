"""Times as statuses have them: RFC 3339 in UTC, with whole seconds and a Z, so that their text sorts as they do.

What somebody else wrote is put into these words first: another zone, or a year of fewer digits, would sort otherwise.
"""

from datetime import UTC, datetime, timedelta


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
