"""The change log of a running operator, as its readers ask it."""

import json
from typing import Any, Protocol

_MARK = " flashsystem_operator.changes: "


class Logging(Protocol):
    """An operator, as a process or in this one."""

    @property
    def log(self) -> str: ...


def changes(operator: Logging, **wanted: str) -> list[dict[str, Any]]:
    """The lines that have these values, in their order: what `grep` and `jq` find in a plain log."""
    lines = (line.partition(_MARK)[2] for line in operator.log.splitlines() if _MARK in line)
    return [change for change in map(json.loads, lines) if wanted.items() <= change.items()]
