"""Execution of exec lines, and the log of commands: each line received, its commands, and how it ended."""

import asyncio
import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from flashsystem_operator.simulator import dispatch
from flashsystem_operator.simulator.console import shell
from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.server.faults import Broken, Faults
from flashsystem_operator.simulator.state.model import ADMINISTRATOR
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import find

_CODE = re.compile(r"CMMVC\d+[EWI]")


@dataclass(slots=True)
class Command:
    """One command of an exec line. The fields are the keys of the control port's log.

    exit: None while it runs. done: the array executed it. words: the verb and its arguments.
    named: the same, with the names of host and volume where a command about a mapping used their ids.
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
    """One exec line. shell: forbidden shell syntax in it. exit: None until it was answered."""

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
    """All exec lines since the start, in the order of arrival."""

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
    """Run exec lines against one array. Each change happens without an await, so it is atomic."""

    def __init__(self, array: System) -> None:
        self.array = array
        self.journal = CommandLog()
        self.faults = Faults()
        self.answering = asyncio.Event()
        self.answering.set()

    async def run(self, entry: Entry) -> Answer:
        """Run a line received over SSH. Raises Broken if a fault drops the answer."""
        await self.answering.wait()
        try:
            answer = await self._run(entry, faulty=True)
        except Broken as broken:
            entry.end = broken.fault
            raise
        entry.exit, entry.end = answer.status, "answered"
        return answer

    async def administer(self, line: str) -> Answer:
        """Run a line as the array administrator: with all rights and without faults."""
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
        if not line.pieces[0].tokens:
            return Answer()
        return await shell.run(line, lambda tokens: self._command(entry, tokens, faulty=faulty))

    async def _command(self, entry: Entry, tokens: list[str], *, faulty: bool) -> Answer:
        typed = dispatch.typed(self.array, tokens)
        named = find.named(self.array, typed.tokens, typed.verb.grammar if typed.verb else {})
        command = Command(typed.name, typed.tokens, typed.prefix, typed.writes, named)
        entry.commands.append(command)
        striking = self.faults.strike(command.verb, entry.line, " ".join(named)) if faulty else []
        for armed in striking:
            answer = await self.faults.before(armed, entry.exec)
            if answer is not None:  # it replaces the command
                break
        else:
            answer = dispatch.run(self.array, dispatch.typed(self.array, tokens), entry.user)
            command.done = answer.status == 0
            for armed in striking:
                answer = await self.faults.after(armed, entry.exec, answer)
        command.end(answer.status, answer.stderr)
        return answer
