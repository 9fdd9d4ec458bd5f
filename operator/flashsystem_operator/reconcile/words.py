"""Small words of messages."""

from collections.abc import Collection

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
