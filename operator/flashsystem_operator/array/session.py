"""A session with an array: runs queries and steps, chains them, and checks the identity of the array.

Every command is reported to the instrumentation.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import MapVolume, Step, line, typed, without_secrets
from flashsystem_operator.array.errors import (
    ArrayError,
    OtherSystem,
    OutcomeUnknown,
    Refused,
    Unreadable,
    Withheld,
)
from flashsystem_operator.array.model import Host, Mapping, Odd, System, Volume
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.array.volume_commands import CreateVolume
from flashsystem_operator.values import HostName, SystemId, code_in

CHAIN = "chain"
"""The verb reported for a line of several chained queries."""


class Ending(StrEnum):
    """How a command ended."""

    DONE = "done"
    WARNED = "warned"
    """Done, with a warning."""
    ABSENT = "absent"
    """A query of one object that does not exist: a normal answer."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """The answer cannot be parsed."""
    UNKNOWN = "unknown"
    """The reply was lost: the command may or may not have run."""
    NOT_SENT = "not_sent"
    """There was no session to send it on."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of one command, or of a line of several.

    verb: the command's name without arguments, or `CHAIN`; each successful command of such a line is also reported by
    itself. seconds: from sending the line until its whole answer was received; None for a command that was one of
    several in a line, and for one that was not sent. code: the array's code, empty if there is none.
    """

    verb: str
    seconds: float | None
    ending: Ending
    code: str = ""


Instrumentation = Callable[[CommandResult], None]
"""Called in the thread that sent the command. It must not block or raise."""


def no_instrumentation(_: CommandResult) -> None:
    """Ignore the result."""


def ending_of(error: ArrayError | None, *, warned: str = "") -> tuple[Ending, str]:
    """Return how a command ended, and the array's code. warned: the code of its warning, if any."""
    match error:
        case None:
            return (Ending.WARNED, warned) if warned else (Ending.DONE, "")
        case Refused(code=code):
            return Ending.REFUSED, code
        case Unreadable():
            return Ending.UNREADABLE, ""
        case OutcomeUnknown():
            return Ending.UNKNOWN, ""
        case _:
            return Ending.NOT_SENT, ""


Answer = TypeVar("Answer")
Run = Callable[[str], Reply]

NOT_THERE = frozenset({"CMMVC5753E", "CMMVC5754E", "CMMVC8957E"})
"""The codes of a query of one object that does not exist. Source: array-cli facts 3.1."""

_MARK = "-- flashsystem-operator:"
_MARKED = re.compile(re.escape(_MARK) + r" (\d+)\n")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SYSTEM_BEGINS = re.compile(r"^id!(?=[0-9A-Fa-f]{16}\r?$)", re.MULTILINE)
"""The beginning of the answer to `lssystem` on every array. Source: array-cli facts 2.1."""
_NO_BANNER = re.compile(r"^[a-z]\w*!|CMMVC\d", re.MULTILINE)
_CHAIN = 32
"""Maximum number of commands in one chained line: a few kilobytes, well below every documented limit."""
_SHARE = 0.25
"""The part of the time limit of one line that a chain may take, estimated from earlier commands."""

log = logging.getLogger(__name__)


class Connections(Protocol):
    """The transport that a session needs."""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply: ...

    def drain(self) -> None: ...

    def finishing(self) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class Session:
    """A session with one array. Connections are replaced; the detected abilities of the array are kept.

    expected: the system id that must answer; None accepts the first one, and requires it from then on.
    width: maximum number of parallel commands. timeout: seconds for the answer to one line.
    instrument: receives the result of every command. prepare: called at the start of each thread of the array, so that
        its log lines can name the array.
    progress: called during a batch of queries, with the verb, the number of answers and the number of queries.
    """

    def __init__(
        self,
        connect: Callable[[Callable[[Run], None]], Connections],
        expected: SystemId | None,
        width: int,
        instrument: Instrumentation = no_instrumentation,
        prepare: Callable[[], None] = lambda: None,
        timeout: float = 60.0,
    ) -> None:
        self.system: System | None = None
        self.expected = expected
        self.progress: Callable[[str, int, int], None] = lambda _verb, _answered, _asked: None
        self.threads = ThreadPoolExecutor(max_workers=width, thread_name_prefix="array", initializer=prepare)
        self._instrument = instrument
        self._timeout = timeout
        self._pace = 0.0
        """Seconds that one query takes, estimated from earlier ones."""
        self._banner = ""
        """The text that the array prints before each answer: a login message, or a password that expires soon."""
        self._chains: bool | None = None
        self._lists_all_mappings: bool | None = None
        self._connections = connect(self._greet)

    def drain(self) -> None:
        """Send no more commands: later calls raise Withheld. Commands that were sent are completed."""
        self._connections.drain()

    def finishing(self) -> AbstractContextManager[None]:
        """A block for queries that complete a command that was sent: also sent after `drain`, within a time limit."""
        return self._connections.finishing()

    def close(self) -> None:
        self._connections.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    # -- one command -------------------------------------------------------------------------------------------------

    def ask(self, query: Query[Answer]) -> Answer:
        answer = self._run_query(self._connections.run, query)
        if isinstance(answer, System):
            self._recognise(answer)
        return answer

    def find(self, query: Query[Answer]) -> Answer | None:
        """Query one object; None if the array answers that it does not exist."""
        try:
            return self.ask(query)
        except Refused as refused:
            if refused.code in NOT_THERE:
                return None
            raise

    def do(
        self, step: Step, before: Callable[[], None] = unconditionally, known: queries.Known | None = None
    ) -> queries.Found | Volume | None:
        """Run a command that changes the array. Returns when the array has completed it.

        known: the preconditions of the step. They are read again first, and after a volume was mapped the mapping is
        read back and returned; after a volume was created, the volume. None: no such checks.
        before: the last check, called with an open channel; what it raises is raised, and nothing is sent.
        Withheld: the step would affect another object, and nothing was sent. Refused: nothing was changed.
        OutcomeUnknown, Unreadable: observe the array again.
        """
        answers: Sequence[Any] = ()
        sent = step if known is None else queries.as_sent(step, known)
        if known is not None:
            try:
                # Not by `ask_all`: a thread of the pool must not wait for another one.
                batch = queries.questions(step)
                chained = self._chains and len(batch) > 1
                answers = self._chained(batch) if chained else [self.find(query) for query in batch]
                queries.check(step, known, answers)
            except (OutcomeUnknown, Refused, Unreadable) as error:
                raise Withheld(f"its host object or volume could not be read again: {error}") from error
        shown = line(step.argv())  # messages show names, not ids
        if sent != step:
            log.debug("`%s` is sent by ids: `%s`", shown, line(sent.argv()))

        def send(watch: "_Watch") -> tuple[Reply, str]:
            reply = watch.time(lambda: self._connections.run(typed(sent), shown=shown, before=before))
            cleaned = Reply(without_secrets(step, reply.stdout), without_secrets(step, reply.stderr), reply.status)
            return cleaned, _warning_of(cleaned, shown)

        reply, warning = self._instrumented(step.argv()[1], send, lambda done: code_in(done[1]))
        if warning:
            log.warning("the array warned of `%s`: %s", shown, warning)
        if known is None or not isinstance(step, MapVolume | CreateVolume):
            return None
        try:
            with self.finishing():  # also while the operator stops: the result of the command is not known before
                if isinstance(step, CreateVolume):
                    return queries.find_volume(step, reply.stdout, self.find)
                return queries.find_mapping(step, answers[0], answers[1], known, self.find)
        except (ArrayError, Withheld) as error:
            made = "its volume" if isinstance(step, CreateVolume) else "its mapping"
            raise OutcomeUnknown(shown, f"it was done, but {made} could not be read: {error}") from error

    # -- many commands -----------------------------------------------------------------------------------------------

    def ask_all(self, batch: Iterable[Query[Answer]]) -> list[Answer | None]:
        """Run many queries; None for each object that does not exist. Chained in one line if the array supports it."""
        answers: list[Answer | None] = []
        everything = list(batch)
        while len(answers) < len(everything):
            # The commands of one chain share one time limit, so a slow array gets shorter chains.
            length = _CHAIN
            if self._chains is not False and self._pace:
                length = max(1, min(_CHAIN, int(_SHARE * self._timeout / self._pace)))
            some = everything[len(answers) :][:length]
            answers += self._chained(some) if len(some) > 1 and self._chains is not False else self._side_by_side(some)
            self.progress(some[0].verb, len(answers), len(everything))
        return answers

    def _learn_pace(self, seconds: float, commands: int) -> None:
        """Update the estimate: at once if the array is slower, gradually if it is faster."""
        found = seconds / commands
        self._pace = max(found, (self._pace + found) / 2)

    def all_mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping | Odd, ...] | None]]:
        """Read all mappings of these hosts: in one listing if the array has it, otherwise host by host.

        Also host by host if the host of a row of the listing cannot be read.
        """
        if hosts and self._lists_all_mappings is not False:
            try:
                listed = self.ask(queries.MAPPINGS)
            except Refused:
                self._lists_all_mappings = False
            else:
                self._lists_all_mappings = True
                if all(row.host for row in listed):
                    found: dict[HostName, list[Mapping | Odd]] = {host: [] for host in hosts}
                    for row in listed:
                        if row.host:
                            found.setdefault(row.host, []).append(row)
                    yield from ((host, tuple(rows)) for host, rows in found.items())
                    return
        yield from self.mappings(hosts)

    def mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping | Odd, ...] | None]]:
        """Read the mappings of each of these hosts by its own command; None for a host that does not exist.

        A renamed host object also gives None: that does not prove that its mappings are gone.
        """
        yield from zip(hosts, self.ask_all(map(queries.mappings_of_host, hosts)), strict=True)

    def hosts(self, names: Iterable[HostName]) -> dict[HostName, Host | Odd | None]:
        names = tuple(names)
        return dict(zip(names, self.ask_all(map(queries.host_or_odd, names)), strict=True))

    def _side_by_side(self, batch: Sequence[Query[Answer]]) -> list[Answer | None]:
        return list(self.threads.map(self.find, batch))

    def _chained(self, batch: Sequence[Query[Answer]]) -> list[Answer | None]:
        """Run all queries in one line, each followed by its exit status. A failed query is run again by itself."""
        chain = "; ".join(f'{line(query.argv())}; echo "{_MARK} $?"' for query in batch)
        first = line(batch[0].argv())
        shown = f"{first}; ... ({len(batch)} commands in one line)"
        began = time.monotonic()
        try:
            reply = self._instrumented(
                CHAIN, lambda watch: watch.time(lambda: self._connections.run(chain, shown=shown))
            )
        finally:
            self._learn_pace(time.monotonic() - began, len(batch))
        text = reply.stdout.removeprefix(self._banner)
        parts = _MARKED.split(text if text.endswith("\n") else text + "\n")
        texts, statuses = parts[0:-1:2], parts[1::2]
        if len(texts) != len(batch):
            if self._chains:
                raise Unreadable(chain[:60] + "...", f"{len(batch)} commands were chained, {len(texts)} answered")
            self._chains = False
            return self._side_by_side(batch)
        self._chains = True
        # An error or a warning may be about any of the queries: one without output is then run again by itself.
        doubtful = bool(code_in(reply.stderr))
        return [
            self._part(query, text) if status == "0" and (text.strip() or not doubtful) else self.find(query)
            for query, text, status in zip(batch, texts, statuses, strict=True)
        ]

    def _part(self, query: Query[Answer], text: str) -> Answer | None:
        """Parse the answer to one query of a chained line. An unreadable one is run again by itself."""
        try:
            answer = _read(query, text, line(query.argv()))
        except Unreadable:
            return self.find(query)
        return self._instrumented(query.verb, lambda _: answer)

    # -- instrumentation ---------------------------------------------------------------------------------------------

    def _run_query(self, run: Run, query: Query[Answer]) -> Answer:
        began = time.monotonic()
        answer = self._instrumented(
            query.verb, lambda watch: self._read(lambda typed: watch.time(lambda: run(typed)), query)
        )
        if not self._pace:
            self._learn_pace(time.monotonic() - began, 1)
        return answer

    def _read(self, run: Run, query: Query[Answer]) -> Answer:
        """Run a query and parse its output, without the array's banner.

        The banner is the text above the answer to lssystem, which is the only answer with a known beginning. It may
        change, for example with the days until a password expires, so it is read again before an answer is unreadable.
        """
        command = line(query.argv())
        reply = run(command)
        if query.verb == queries.SYSTEM.verb:
            self._banner = _banner_of(reply.stdout)
        elif not reply.stdout.startswith(self._banner):
            self._learn_banner(run)
        warning = _warning_of(Reply("", reply.stderr, reply.status) if query.secret else reply, command)
        text = reply.stdout.removeprefix(self._banner)
        if warning and not text.strip():
            raise Unreadable(command, f"it contains only a warning, which is not an empty list: {warning}")
        try:
            answer = _read(query, text, command)
            if not isinstance(answer, Odd) or not self._learn_banner(run):
                return answer
        except Unreadable:
            if query.verb == queries.SYSTEM.verb or not self._learn_banner(run):
                raise
        return _read(query, reply.stdout.removeprefix(self._banner), command)

    def _learn_banner(self, run: Run) -> bool:
        """Read the banner again; return whether it changed."""
        before, self._banner = self._banner, _banner_of(run(line(queries.SYSTEM.argv())).stdout)
        return before != self._banner

    def _instrumented(
        self, verb: str, work: Callable[["_Watch"], Answer], warned: Callable[[Answer], str] = lambda _: ""
    ) -> Answer:
        """Run `work` and report its result to the instrumentation. warned: returns the code of a warning."""
        watch = _Watch()
        try:
            answer = work(watch)
        except ArrayError as error:
            ending, code = ending_of(error)
            if verb.startswith("ls") and code in NOT_THERE:
                ending = Ending.ABSENT
            self._instrument(
                CommandResult(verb, watch.seconds if ending is not Ending.NOT_SENT else None, ending, code)
            )
            raise
        ending, code = ending_of(None, warned=warned(answer))
        self._instrument(CommandResult(verb, watch.seconds, ending, code))
        return answer

    # -- identity of the array ----------------------------------------------------------------------------------------

    def _greet(self, run: Run) -> None:
        """Check on every new connection that the expected system answers."""
        self._recognise(self._run_query(run, queries.SYSTEM))

    def _recognise(self, found: System) -> None:
        if self.expected not in (None, found.id):
            raise OtherSystem(str(self.expected), found.id)
        self.expected = found.id
        self.system = found


class _Watch:
    """Measures one line, with the time of the transport if available. seconds: None until it was answered."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def time(self, run: Callable[[], Reply]) -> Reply:
        began = time.monotonic()
        reply: Reply | None = None
        try:
            reply = run()
        finally:
            measured = None if reply is None else reply.seconds
            self.seconds = time.monotonic() - began if measured is None else measured
        return reply


def _banner_of(text: str) -> str:
    """Return the text above an answer to `lssystem`; empty if it may be part of the answer or an error."""
    begins = _SYSTEM_BEGINS.search(text)
    banner = text[: begins.start()] if begins else ""
    return "" if _NO_BANNER.search(banner) else banner


def _read(query: Query[Answer], text: str, command: str) -> Answer:
    """Parse an answer; Unreadable if it has control characters, since a corrupted name may look valid."""
    if found := _NO_TEXT.search(text):
        what = "which is not shown" if query.secret else f"{text[max(0, found.start() - 20) :][:60]!a}"
        raise Unreadable(command, f"it contains control characters: {what}")
    return query.read(text, command)


def _warning_of(reply: Reply, shown: str) -> str:
    """Return the array's warning, if any; raise Refused or Unreadable for any other failure.

    A warning (CMMVCnnnnW) means that the command was done. Its status is 0 by IBM's guide, but not on all arrays.
    """
    code = code_in(reply.stderr)
    if code.endswith("W"):
        return reply.stderr.strip()
    if reply.status == 0 and not code:
        return ""
    if reply.status == 0:
        raise Unreadable(shown, f"its status is 0, but it reports {reply.stderr.strip()}")
    raise Refused(shown, reply.stderr or reply.stdout)
