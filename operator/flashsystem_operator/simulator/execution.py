"""From an exec line to its answer: the shell, the faults around each command, the log of it all."""

import asyncio

from flashsystem_operator.simulator import console, find, shell
from flashsystem_operator.simulator.faults import Armed, Broken, Faults
from flashsystem_operator.simulator.journal import Command, Entry, Journal
from flashsystem_operator.simulator.objects import ADMINISTRATOR
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.shell import Answer
from flashsystem_operator.simulator.system import System


class Executor:
    """Runs exec lines against one array. Effects happen between two awaits, so each is whole."""

    def __init__(self, array: System) -> None:
        self.array = array
        self.journal = Journal()
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
        typed = console.typed(self.array, words)
        named = find.named(self.array, typed.words, typed.verb.grammar if typed.verb else {})
        command = Command(typed.name, typed.words, typed.prefix, typed.writes, named)
        entry.commands.append(command)
        striking = self.faults.strike(command.verb, entry.line, " ".join(named)) if faulty else []
        answer = await self._instead(striking, entry)
        if answer is None:
            answer = console.run(self.array, console.typed(self.array, words), entry.user)
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
