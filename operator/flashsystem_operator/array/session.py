"""Who wants to know of every command that an array was given, and what they are told. Nothing here does anything."""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from flashsystem_operator.array import identity, queries
from flashsystem_operator.array.commands import MapVolume, Step, line, typed, without_secrets
from flashsystem_operator.array.errors import (
    ArrayError,
    OtherSystem,
    OutcomeUnknown,
    Refused,
    Unreadable,
    Withheld,
    code_in,
)
from flashsystem_operator.array.model import Host, Mapping, Odd, System
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.values import HostName, SystemId

CHAIN = "chain"
"""Stands for the verb of a line in which several looks were chained."""


class Ending(StrEnum):
    """How a command ended."""

    DONE = "done"
    WARNED = "warned"
    """Done, with a warning."""
    ABSENT = "absent"
    """A look at one object, and the array says that there is none: an answer like any other."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """The array answered in a way that we do not understand."""
    UNKNOWN = "unknown"
    """The answer was lost: it may or may not have run."""
    NOT_SENT = "not_sent"
    """There was no session to type it on."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """One command, or a line of several.

    verb: the command's name, without what it is about, or `CHAIN`: each command of such a line that succeeded is told
    too, by itself. seconds: from typing the line until its whole answer was there; None for a command that was one of
    several in a line, and for one that was not sent. code: what the array gave as its reason, empty if nothing.
    """

    verb: str
    seconds: float | None
    ending: Ending
    code: str = ""


Instrumentation = Callable[[CommandResult], None]
"""Called from whichever thread typed the command. It must neither wait nor fail."""


def no_instrumentation(_: CommandResult) -> None:
    """For those who have nobody to tell."""


def ending_of(error: ArrayError | None, *, warned: str = "") -> tuple[Ending, str]:
    """How a command ended, and the array's code. warned: the code of its warning, if any."""
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
"""What a targeted look is told when its object does not exist. Source: array-cli facts 3.1."""

_MARK = "-- flashsystem-operator:"
_MARKED = re.compile(re.escape(_MARK) + r" (\d+)\n")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SYSTEM_BEGINS = re.compile(r"^id!(?=[0-9A-Fa-f]{16}\r?$)", re.MULTILINE)
"""How the answer to `lssystem` begins on every array. Source: array-cli facts 2.1."""
_NO_BANNER = re.compile(r"^[a-z]\w*!|CMMVC\d", re.MULTILINE)
_CHAIN = 32
"""Commands in one chained line, at most: a few kilobytes, well below any limit that a source names."""
_SHARE = 0.25
"""The part of the time limit of one line that a chain may take, by the pace of the commands before it."""

log = logging.getLogger(__name__)


class Connections(Protocol):
    """What a session needs of the transport."""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply: ...

    def drain(self) -> None: ...

    def finishing(self) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class Session:
    """One array, for as long as it is worked on. Its connections come and go; what was learnt of its abilities stays.

    expected: the system id that must answer; None accepts the first, and holds the array to it from then on.
    width: commands side by side. timeout: seconds that the answer to one line may take.
    heed: told of every command. prepare: called in each of the array's threads as it
        begins, so that what is said from there can say of which array.
    progress: called while many commands are asked: which, how many were answered, of how many.
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
        self.progress: Callable[[str, int, int], None] = _untold
        self.threads = ThreadPoolExecutor(max_workers=width, thread_name_prefix="array", initializer=prepare)
        self._heed = instrument
        self._timeout = timeout
        self._pace = 0.0
        """Seconds that one look takes, by those before it."""
        self._banner = ""
        """What the array prints before each answer: an administrator's login message, a password that is to expire."""
        self._chains: bool | None = None
        self._lists_all_mappings: bool | None = None
        self._connections = connect(self._greet)

    def drain(self) -> None:
        """Send nothing more: whatever is asked or done from now on raises Withheld. What was sent is answered."""
        self._connections.drain()

    def finishing(self) -> AbstractContextManager[None]:
        """A block for what belongs to a command that was sent: it is sent after `drain`, too, within a time limit."""
        return self._connections.finishing()

    def close(self) -> None:
        self._connections.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    # -- one command -------------------------------------------------------------------------------------------------

    def ask(self, query: Query[Answer]) -> Answer:
        answer = self._asked(self._connections.run, query)
        if isinstance(answer, System):
            self._recognise(answer)
        return answer

    def find(self, query: Query[Answer]) -> Answer | None:
        """The answer to a look at one object, or None when the array itself says that there is no such object."""
        try:
            return self.ask(query)
        except Refused as refused:
            if refused.code in NOT_THERE:
                return None
            raise

    def do(
        self, step: Step, before: Callable[[], None] = unconditionally, known: identity.Known | None = None
    ) -> identity.Found | None:
        """Type a command that changes the array. Returns when the array says that it is done.

        known: what the step stands on; it is read again first, and after a volume was mapped it is looked whether that
        is what was meant: answers with that. None asks nothing.
        before: the last question whether it may be sent, asked with the channel in hand; what it raises is raised, and
        nothing is sent. Withheld: it would mean something else by now, and nothing was sent. Refused: nothing was
        changed. OutcomeUnknown, Unreadable: only another look can tell.
        """
        looked: Sequence[Any] = ()
        sent = step if known is None else identity.as_sent(step, known)
        if known is not None:
            try:
                looked = self._ask_here(identity.questions(step))
                identity.check(step, known, looked)
            except (OutcomeUnknown, Refused, Unreadable) as error:
                raise Withheld(f"what it is about could not be read again: {error}") from error
        shown = line(step.argv())  # what is said of it names what it is about
        if sent != step:
            log.debug("`%s` is sent by ids: `%s`", shown, line(sent.argv()))

        def type_it(watch: "_Watch") -> str:
            reply = watch.time(lambda: self._connections.run(typed(sent), shown=shown, before=before))
            said = Reply(without_secrets(step, reply.stdout), without_secrets(step, reply.stderr), reply.status)
            return _sorted(said, shown)

        if words := self._told(step.argv()[1], type_it, code_in):
            log.warning("the array warned of `%s`: %s", shown, words)
        if known is None or not isinstance(step, MapVolume):
            return None
        try:
            with self.finishing():  # at a stop, too: what was sent is not settled before
                return identity.find_mapping(step, looked[0], looked[1], known, self.find)
        except (ArrayError, Withheld) as error:
            raise OutcomeUnknown(shown, f"it was done, but what it mapped could not be read: {error}") from error

    # -- many commands -----------------------------------------------------------------------------------------------

    def ask_all(self, asked: Iterable[Query[Answer]]) -> list[Answer | None]:
        """The answers to looks at many objects, None for each that is not there; chained in one line if that works."""
        answers: list[Answer | None] = []
        everything = list(asked)
        while len(answers) < len(everything):
            some = everything[len(answers) :][: self._chain_length]
            answers += self._chained(some) if len(some) > 1 and self._chains is not False else self._side_by_side(some)
            self.progress(some[0].verb, len(answers), len(everything))
        return answers

    @property
    def _chain_length(self) -> int:
        """Commands in the next chain. They share the time limit of one line, so a slow array gets shorter chains."""
        if self._chains is False or not self._pace:
            return _CHAIN
        return max(1, min(_CHAIN, int(_SHARE * self._timeout / self._pace)))

    def _learn_pace(self, seconds: float, commands: int) -> None:
        """A slower array is believed at once, a faster one by and by."""
        found = seconds / commands
        self._pace = max(found, (self._pace + found) / 2)

    def all_mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping | Odd, ...] | None]]:
        """Every mapping of every one of these hosts: in one listing where the array gives it, else host by host.

        Also host by host where a row of the listing does not tell whose mapping it is.
        """
        if hosts and self._lists_all_mappings is not False:
            try:
                listed = self.ask(queries.MAPPINGS)
            except Refused:
                self._lists_all_mappings = False
            else:
                self._lists_all_mappings = True
                if all(row.host for row in listed):
                    yield from _by_host(hosts, listed)
                    return
        yield from self.mappings(hosts)

    def mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping | Odd, ...] | None]]:
        """The mappings of each of these hosts, by a command meant for it; None for a host that is not there.

        A host object that was renamed is not there either: of its mappings that says nothing.
        """
        yield from zip(hosts, self.ask_all(map(queries.mappings_of_host, hosts)), strict=True)

    def hosts(self, names: Iterable[HostName]) -> dict[HostName, Host | Odd | None]:
        names = tuple(names)
        return dict(zip(names, self.ask_all(map(queries.host_or_odd, names)), strict=True))

    def _ask_here(self, asked: Sequence[Query[Answer]]) -> list[Answer | None]:
        """As `ask_all`, in the thread of the caller: one of `threads` must not wait for another of them."""
        if self._chains and len(asked) > 1:
            return self._chained(asked)
        return [self.find(query) for query in asked]

    def _side_by_side(self, asked: Sequence[Query[Answer]]) -> list[Answer | None]:
        return list(self.threads.map(self.find, asked))

    def _chained(self, asked: Sequence[Query[Answer]]) -> list[Answer | None]:
        """All in one line, each part followed by its exit status. A part that failed is asked again by itself."""
        chain = "; ".join(f'{line(query.argv())}; echo "{_MARK} $?"' for query in asked)
        first = line(asked[0].argv())
        shown = f"{first}; ... ({len(asked)} commands in one line)"
        began = time.monotonic()
        try:
            reply = self._told(CHAIN, lambda watch: watch.time(lambda: self._connections.run(chain, shown=shown)))
        finally:
            self._learn_pace(time.monotonic() - began, len(asked))
        text = reply.stdout.removeprefix(self._banner)
        parts = _MARKED.split(text if text.endswith("\n") else text + "\n")
        texts, statuses = parts[0:-1:2], parts[1::2]
        if len(texts) != len(asked):
            if self._chains:
                raise Unreadable(chain[:60] + "...", f"{len(asked)} commands were chained, {len(texts)} answered")
            self._chains = False
            return self._side_by_side(asked)
        self._chains = True
        # An error or a warning may be about any of the parts: one that shows nothing is then asked again by itself.
        doubtful = bool(code_in(reply.stderr))
        return [
            self._part(query, text) if status == "0" and (text.strip() or not doubtful) else self.find(query)
            for query, text, status in zip(asked, texts, statuses, strict=True)
        ]

    def _part(self, query: Query[Answer], text: str) -> Answer | None:
        """Of a chained line, the answer to one command. One that failed is told when it is asked by itself."""
        try:
            answer = _read(query, text, line(query.argv()))
        except Unreadable:
            return self.find(query)
        return self._told(query.verb, lambda _: answer)

    # -- who is told -------------------------------------------------------------------------------------------------

    def _asked(self, run: Run, query: Query[Answer]) -> Answer:
        began = time.monotonic()
        answer = self._told(query.verb, lambda watch: self._read(lambda typed: watch.time(lambda: run(typed)), query))
        if not self._pace:
            self._learn_pace(time.monotonic() - began, 1)
        return answer

    def _read(self, run: Run, query: Query[Answer]) -> Answer:
        """Type a look and read what it shows, below the array's banner where there is one.

        The banner is what stands above the answer to lssystem, of which alone the beginning is known. It changes, for
        example with the days until a password expires: so it is asked for again before an answer is unreadable.
        """
        asked = line(query.argv())
        reply = run(asked)
        if query.verb == queries.SYSTEM.verb:
            self._banner = _banner_of(reply.stdout)
        elif not reply.stdout.startswith(self._banner):
            self._learn_banner(run)
        warning = _sorted(Reply("", reply.stderr, reply.status) if query.secret else reply, asked)
        text = reply.stdout.removeprefix(self._banner)
        if warning and not text.strip():
            raise Unreadable(asked, f"it shows nothing but a warning, which is not an empty list: {warning}")
        try:
            answer = _read(query, text, asked)
            if not isinstance(answer, Odd) or not self._learn_banner(run):
                return answer
        except Unreadable:
            if query.verb == queries.SYSTEM.verb or not self._learn_banner(run):
                raise
        return _read(query, reply.stdout.removeprefix(self._banner), asked)

    def _learn_banner(self, run: Run) -> bool:
        """Whether it is another one than was known."""
        before, self._banner = self._banner, _banner_of(run(line(queries.SYSTEM.argv())).stdout)
        return before != self._banner

    def _told(
        self, verb: str, work: Callable[["_Watch"], Answer], warned: Callable[[Answer], str] = lambda _: ""
    ) -> Answer:
        """Do it, and tell how it ended, whatever came of it. warned: the code of a warning in what `work` gave."""
        watch = _Watch()
        try:
            answer = work(watch)
        except ArrayError as error:
            ending, code = ending_of(error)
            if verb.startswith("ls") and code in NOT_THERE:
                ending = Ending.ABSENT
            self._heed(CommandResult(verb, watch.seconds if ending is not Ending.NOT_SENT else None, ending, code))
            raise
        ending, code = ending_of(None, warned=warned(answer))
        self._heed(CommandResult(verb, watch.seconds, ending, code))
        return answer

    # -- who answers -------------------------------------------------------------------------------------------------

    def _greet(self, run: Run) -> None:
        """Called on every fresh connection before anything is believed: is this still the same system?"""
        self._recognise(self._asked(run, queries.SYSTEM))

    def _recognise(self, found: System) -> None:
        if self.expected not in (None, found.id):
            raise OtherSystem(str(self.expected), found.id)
        self.expected = found.id
        self.system = found


def _untold(_command: str, _answered: int, _asked: int) -> None:
    """Nobody wants to know."""


class _Watch:
    """How long the answer to one line took, by the transport where it says so; seconds is None until then."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def time(self, run: Callable[[], Reply]) -> Reply:
        began = time.monotonic()
        reply: Reply | None = None
        try:
            reply = run()
        finally:
            told = None if reply is None else reply.seconds
            self.seconds = time.monotonic() - began if told is None else told
        return reply


def _banner_of(text: str) -> str:
    """What stands above an answer to `lssystem`. What may be of the answer itself, or about it, is no banner."""
    begins = _SYSTEM_BEGINS.search(text)
    banner = text[: begins.start()] if begins else ""
    return "" if _NO_BANNER.search(banner) else banner


def _read(query: Query[Answer], text: str, asked: str) -> Answer:
    """Unreadable if there is more in it than text: a name spoilt that way would be another name, and look sound."""
    if found := _NO_TEXT.search(text):
        what = "which is not shown" if query.secret else f"{text[max(0, found.start() - 20) :][:60]!a}"
        raise Unreadable(asked, f"it holds what is no text: {what}")
    return query.read(text, asked)


def _sorted(reply: Reply, shown: str) -> str:
    """The array's warning, if any; raises what else the answer is.

    After a warning (CMMVCnnnnW) the thing was done. Its status is 0 by IBM's guide, and another one on some arrays.
    """
    code = code_in(reply.stderr)
    if code.endswith("W"):
        return reply.stderr.strip()
    if reply.status == 0 and not code:
        return ""
    if reply.status == 0:
        raise Unreadable(shown, f"it says success and {reply.stderr.strip()}")
    raise Refused(shown, reply.stderr or reply.stdout)


def _by_host(
    hosts: Iterable[HostName], listed: Iterable[Mapping | Odd]
) -> Iterator[tuple[HostName, tuple[Mapping | Odd, ...]]]:
    found: dict[HostName, list[Mapping | Odd]] = {host: [] for host in hosts}
    for mapping in listed:
        if mapping.host:
            found.setdefault(mapping.host, []).append(mapping)
    return ((host, tuple(mappings)) for host, mappings in found.items())
