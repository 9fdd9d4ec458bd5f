"""The log of commands: every exec line that arrived, what it was made of, and how it ended."""

import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any

_CODE = re.compile(r"CMMVC\d+[EWI]")


@dataclass(slots=True)
class Command:
    """One verb of an exec line. exit: None while it runs; done: the array carried it out.

    named: the words with the names of host and volume where a command about a mapping was given their ids.
    """

    verb: str
    words: list[str]
    prefix: str
    writes: bool
    named: list[str]
    exit: int | None = None
    code: str = ""
    done: bool = False

    def end(self, status: int, stderr: str) -> None:
        found = _CODE.search(stderr)
        self.exit, self.code = status, found.group() if found else ""


@dataclass(slots=True)
class Entry:
    """One exec line. shell: shell syntax in it that nobody may send; exit: None until it was answered."""

    seq: int
    time: float
    session: int
    user: str
    exec: int
    line: str
    shell: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    exit: int | None = None
    end: str = ""


class Journal:
    """All entries since the start, in the order of arrival."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def open(self, session: int, user: str, line: str) -> Entry:
        seq = len(self._entries) + 1
        entry = Entry(seq, round(time.time(), 6), session, user, seq, line)
        self._entries.append(entry)
        return entry

    def since(self, seq: int) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries[max(0, seq) :]]
