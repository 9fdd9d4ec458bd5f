"""Talks to one array: types a command, sorts the answer, and keeps what the array turned out to be able to do.

Blocking, to be called from threads. What travels below is `Run`: a line in, a `Reply` out; this module neither knows
SSH nor reads tables.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import Step, line, typed, without_secrets
from flashsystem_operator.array.errors import ArrayError, OtherSystem, Refused, Unreadable, code_in
from flashsystem_operator.array.heeding import CHAIN, Ending, Heed, Typed, ending_of, nobody
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.state import Host, Mapping, System
from flashsystem_operator.array.transport import Reply
from flashsystem_operator.values import HostName, SystemId

Answer = TypeVar("Answer")
Run = Callable[[str], Reply]

NOT_THERE = frozenset({"CMMVC5753E", "CMMVC5754E", "CMMVC8957E"})
"""What a targeted look is told when its object does not exist. Source: array-cli facts 3.1."""

_MARK = "-- flashsystem-operator:"
_MARKED = re.compile(re.escape(_MARK) + r" (\d+)\n")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHAIN = 32
"""Commands in one chained line: a few kilobytes, well below any limit that a source names."""

log = logging.getLogger(__name__)


class Connections(Protocol):
    """What a session needs of the transport."""

    def run(self, line: str, *, shown: str | None = None) -> Reply: ...

    def close(self) -> None: ...


class Session:
    """One array, for as long as it is worked on. Its connections come and go; what was learnt of its abilities stays.

    expected: the system id that must answer; None accepts the first, and holds the array to it from then on.
    width: commands side by side. heed: told of every command. prepare: called in each of the array's threads as it
        begins, so that what is said from there can say of which array.
    progress: called while many commands are asked: which, how many were answered, of how many.
    """

    def __init__(
        self,
        connect: Callable[[Callable[[Run], None]], Connections],
        expected: SystemId | None,
        width: int,
        heed: Heed = nobody,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.system: System | None = None
        self.expected = expected
        self.progress: Callable[[str, int, int], None] = _untold
        self.threads = ThreadPoolExecutor(max_workers=width, thread_name_prefix="array", initializer=prepare)
        self._heed = heed
        self._chains: bool | None = None
        self._lists_all_mappings: bool | None = None
        self._connections = connect(self._greet)

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

    def do(self, step: Step) -> None:
        """Type a command that changes the array. Returns when the array says that it is done.

        Refused: nothing was changed. OutcomeUnknown, Unreadable: only another look can tell.
        """
        shown = line(step.argv())

        def type_it(watch: "_Watch") -> str:
            reply = watch.time(lambda: self._connections.run(typed(step), shown=shown))
            said = Reply(without_secrets(step, reply.stdout), without_secrets(step, reply.stderr), reply.status)
            return _sorted(said, shown)

        if words := self._told(step.argv()[1], type_it, code_in):
            log.warning("the array warned of `%s`: %s", shown, words)

    # -- many commands -----------------------------------------------------------------------------------------------

    def ask_all(self, asked: Iterable[Query[Answer]]) -> list[Answer | None]:
        """The answers to looks at many objects, None for each that is not there; chained in one line if that works."""
        answers: list[Answer | None] = []
        everything = list(asked)
        for some in _batches(everything, _CHAIN):
            answers += self._chained(some) if len(some) > 1 and self._chains is not False else self._side_by_side(some)
            self.progress(some[0].verb, len(answers), len(everything))
        return answers

    def all_mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping, ...]]]:
        """Every mapping of every one of these hosts: in one listing where the array gives it, else host by host."""
        if hosts and self._lists_all_mappings is not False:
            try:
                listed = self.ask(queries.MAPPINGS)
            except Refused:
                self._lists_all_mappings = False
            else:
                self._lists_all_mappings = True
                yield from _by_host(hosts, listed)
                return
        yield from self.mappings(hosts)

    def mappings(self, hosts: Sequence[HostName]) -> Iterator[tuple[HostName, tuple[Mapping, ...]]]:
        """The mappings of each of these hosts, by a command meant for it; none for a host that is not there."""
        for host, found in zip(hosts, self.ask_all(map(queries.mappings_of_host, hosts)), strict=True):
            yield host, found or ()

    def hosts(self, names: Iterable[HostName]) -> dict[HostName, Host | None]:
        names = tuple(names)
        return dict(zip(names, self.ask_all(map(queries.host, names)), strict=True))

    def _side_by_side(self, asked: Sequence[Query[Answer]]) -> list[Answer | None]:
        return list(self.threads.map(self.find, asked))

    def _chained(self, asked: Sequence[Query[Answer]]) -> list[Answer | None]:
        """All in one line, each part followed by its exit status. A part that failed is asked again by itself."""
        chain = "; ".join(f'{line(query.argv())}; echo "{_MARK} $?"' for query in asked)
        first = line(asked[0].argv())
        shown = f"{first}; ... ({len(asked)} commands in one line)"
        reply = self._told(CHAIN, lambda watch: watch.time(lambda: self._connections.run(chain, shown=shown)))
        parts = _MARKED.split(reply.stdout if reply.stdout.endswith("\n") else reply.stdout + "\n")
        texts, statuses = parts[0:-1:2], parts[1::2]
        if len(texts) != len(asked):
            if self._chains:
                raise Unreadable(chain[:60] + "...", f"{len(asked)} commands were chained, {len(texts)} answered")
            self._chains = False
            return self._side_by_side(asked)
        self._chains = True
        return [
            self._part(query, text) if status == "0" else self.find(query)
            for query, text, status in zip(asked, texts, statuses, strict=True)
        ]

    def _part(self, query: Query[Answer], text: str) -> Answer:
        """Of a chained line, the answer to one command. One that failed is told when it is asked by itself."""
        return self._told(query.verb, lambda _: _read(query, text, line(query.argv())))

    # -- who is told -------------------------------------------------------------------------------------------------

    def _asked(self, run: Run, query: Query[Answer]) -> Answer:
        return self._told(query.verb, lambda watch: _ask(lambda typed: watch.time(lambda: run(typed)), query))

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
            self._heed(Typed(verb, watch.seconds if ending is not Ending.NOT_SENT else None, ending, code))
            raise
        ending, code = ending_of(None, warned=warned(answer))
        self._heed(Typed(verb, watch.seconds, ending, code))
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


def _ask(run: Run, query: Query[Answer]) -> Answer:
    asked = line(query.argv())
    reply = run(asked)
    _sorted(Reply("", reply.stderr, reply.status) if query.secret else reply, asked)
    return _read(query, reply.stdout, asked)


def _read(query: Query[Answer], text: str, asked: str) -> Answer:
    """Unreadable if there is more in it than text: a name spoilt that way would be another name, and look sound."""
    if found := _NO_TEXT.search(text):
        what = "which is not shown" if query.secret else f"{text[max(0, found.start() - 20) :][:60]!a}"
        raise Unreadable(asked, f"it holds what is no text: {what}")
    return query.read(text, asked)


def _sorted(reply: Reply, shown: str) -> str:
    """The array's warning, if any; raises what else the answer is.

    A warning (CMMVCnnnnW) comes with a failing exit status although the thing was done.
    """
    code = code_in(reply.stderr)
    if code.endswith("W"):
        return reply.stderr.strip()
    if reply.status == 0 and not code:
        return ""
    if reply.status == 0:
        raise Unreadable(shown, f"it says success and {reply.stderr.strip()}")
    raise Refused(shown, reply.stderr or reply.stdout)


def _by_host(hosts: Iterable[HostName], listed: Iterable[Mapping]) -> Iterator[tuple[HostName, tuple[Mapping, ...]]]:
    found: dict[HostName, list[Mapping]] = {host: [] for host in hosts}
    for mapping in listed:
        found.setdefault(mapping.host, []).append(mapping)
    return ((host, tuple(mappings)) for host, mappings in found.items())


def _batches(asked: Iterable[Query[Answer]], size: int) -> Iterator[list[Query[Answer]]]:
    rest = iter(asked)
    while some := list(islice(rest, size)):
        yield some
