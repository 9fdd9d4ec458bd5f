"""The log of commands: every exec line that arrived, what it was made of, and how it ended."""

import asyncio
import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from flashsystem_operator.simulator.console import dispatch, shell
from flashsystem_operator.simulator.console.refusals import Refused
from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.server.faults import Armed, Broken, Faults
from flashsystem_operator.simulator.state.model import ADMINISTRATOR
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import find

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


class CommandLog:
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


class Executor:
    """Runs exec lines against one array. Effects happen between two awaits, so each is whole."""

    def __init__(self, array: System) -> None:
        self.array = array
        self.journal = CommandLog()
        self.faults = Faults()
        self.answering = asyncio.Event()
        self.answering.set()

    async def run(self, entry: Entry) -> Answer:
        """Run a line that came over SSH. Raises Broken where a fault takes the answer away."""
        await self.answering.wait()
        try:
            answer = await self._run(entry, faulty=True)
        except Broken as broken:
            entry.end = broken.fault
            raise
        entry.exit, entry.end = answer.status, "answered"
        return answer

    async def administer(self, line: str) -> Answer:
        """Run a line by the administrator's hand: every right, no fault."""
        entry = self.journal.open(0, ADMINISTRATOR, line)
        answer = await self._run(entry, faulty=False)
        entry.exit, entry.end = answer.status, "answered"
        return answer

    async def _run(self, entry: Entry, *, faulty: bool) -> Answer:
        line = shell.Reader(entry.line).read()
        entry.shell = line.suspects
        if line.needs_shell and not self.array.rules.shell_chains:
            refused = Refused(self.array.rules.shell_refused_code)
            return Answer(stderr=f"{refused}\n", status=1)
        if line.fatal:
            return Answer(stderr=f"rbash: {line.fatal}\n", status=2)
        if not line.pieces[0].words:
            return Answer()
        return await shell.run(line, lambda words: self._command(entry, words, faulty=faulty))

    async def _command(self, entry: Entry, words: list[str], *, faulty: bool) -> Answer:
        typed = dispatch.typed(self.array, words)
        named = find.named(self.array, typed.words, typed.verb.grammar if typed.verb else {})
        command = Command(typed.name, typed.words, typed.prefix, typed.writes, named)
        entry.commands.append(command)
        striking = self.faults.strike(command.verb, entry.line, " ".join(named)) if faulty else []
        answer = await self._instead(striking, entry)
        if answer is None:
            answer = dispatch.run(self.array, dispatch.typed(self.array, words), entry.user)
            command.done = answer.status == 0
            for armed in striking:
                answer = await self.faults.after(armed, entry.exec, answer)
        command.end(answer.status, answer.stderr)
        return answer

    async def _instead(self, striking: list[Armed], entry: Entry) -> Answer | None:
        """The answer that a fault gives in place of the command, after all that the faults do before it."""
        for armed in striking:
            answer = await self.faults.before(armed, entry.exec)
            if answer is not None:
                return answer
        return None
