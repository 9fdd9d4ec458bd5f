"""Talks to one array: types a command, sorts the answer, and keeps what the array turned out to be able to do.

Blocking, to be called from threads. What travels below is `Run`: a line in, a `Reply` out; this module neither knows
SSH nor reads tables.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import Step, line, typed, without_secrets
from flashsystem_operator.array.errors import OtherSystem, Refused, Unreadable, code_in
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
    width: commands side by side.
    progress: called while many commands are asked: which, how many were answered, of how many.
    """

    def __init__(
        self, connect: Callable[[Callable[[Run], None]], Connections], expected: SystemId | None, width: int
    ) -> None:
        self.system: System | None = None
        self.expected = expected
        self.progress: Callable[[str, int, int], None] = _untold
        self.threads = ThreadPoolExecutor(max_workers=width, thread_name_prefix="array")
        self._chains: bool | None = None
        self._lists_all_mappings: bool | None = None
        self._connections = connect(self._greet)

    def close(self) -> None:
        self._connections.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    # -- one command -------------------------------------------------------------------------------------------------

    def ask(self, query: Query[Answer]) -> Answer:
        answer = _ask(self._connections.run, query)
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
        reply = self._connections.run(typed(step), shown=shown)
        said = Reply(without_secrets(step, reply.stdout), without_secrets(step, reply.stderr), reply.status)
        if words := _sorted(said, shown):
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
        reply = self._connections.run(chain, shown=f"{first}; ... ({len(asked)} commands in one line)")
        parts = _MARKED.split(reply.stdout if reply.stdout.endswith("\n") else reply.stdout + "\n")
        texts, statuses = parts[0:-1:2], parts[1::2]
        if len(texts) != len(asked):
            if self._chains:
                raise Unreadable(chain[:60] + "...", f"{len(asked)} commands were chained, {len(texts)} answered")
            self._chains = False
            return self._side_by_side(asked)
        self._chains = True
        return [
            _read(query, text, line(query.argv())) if status == "0" else self.find(query)
            for query, text, status in zip(asked, texts, statuses, strict=True)
        ]

    # -- who answers -------------------------------------------------------------------------------------------------

    def _greet(self, run: Run) -> None:
        """Called on every fresh connection before anything is believed: is this still the same system?"""
        self._recognise(_ask(run, queries.SYSTEM))

    def _recognise(self, found: System) -> None:
        if self.expected not in (None, found.id):
            raise OtherSystem(str(self.expected), found.id)
        self.expected = found.id
        self.system = found


def _untold(_command: str, _answered: int, _asked: int) -> None:
    """Nobody wants to know."""


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
