"""The connections to one array: normally one, kept open, with commands side by side on it.

How many commands an array runs on one connection, nobody says. So it is learnt: a connection begins as wide as the
limits wish, each channel that the array refuses makes it narrower, down to one, and only when that is too narrow is
another connection opened, up to `Limits.sessions`.

Those who wait for a connection share its failure. When to try again after a failure is for the caller to say.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flashsystem_operator.array.credentials import Login
from flashsystem_operator.array.errors import Unreachable, Withheld
from flashsystem_operator.array.opening import Endpoint, Greet, Limits, Opener
from flashsystem_operator.array.transport import Connection, NoChannel, NotTyped, Reply, unconditionally

__all__ = ["Connections", "Endpoint", "Greet", "Limits", "Login", "Reply"]

_CONTENT_FOR = 60.0
"""Seconds in which a refused additional session is not asked for again."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Lane:
    """A connection, how many commands it takes at a time, and how many are on it now."""

    connection: Connection
    width: int
    busy: int = 0


@dataclass(slots=True, eq=False)
class _Attempt:
    """A connection being opened. Those who wait for it keep it in hand, and see here what became of it."""

    failure: Exception | None = None


class Connections:
    """Types lines on one array. Blocking, and safe to use from many threads. The first line opens a connection.

    greet: called on every fresh connection before anybody else may use it, with a function that types a line there;
    what it raises ends the connection and reaches whoever waits for one. (Its own OutcomeUnknown becomes Unreachable:
    of the line that was to be typed, nothing was.)

    Raises BadHostKey or BadCredentials, both ValueErrors, at once when the endpoint or the login cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        login: Login,
        limits: Limits,
        greet: Greet,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._stopped = threading.Event()
        self._finished_by = float("inf")
        """By the monotonic clock, when all that was sent before `drain` has been answered or given up."""
        self._finishing = threading.local()
        self._opener = Opener(endpoint, login, limits, greet, self._stopped)
        self._changed = threading.Condition()
        self._lanes: list[_Lane] = []
        self._attempt: _Attempt | None = None
        self._content_until = clock()
        self._last: Connection | None = None
        self._closed = False

    @property
    def host_key_seen(self) -> str | None:
        """The key of the array at the last good connection, as in `known_hosts` without the name."""
        return self._last.host_key.line if self._last else None

    @property
    def address(self) -> str | None:
        """Where the last good connection leads."""
        return self._last.address if self._last else None

    @property
    def width(self) -> int:
        """How many commands the open connections take side by side; 0 when none is open."""
        with self._changed:
            return sum(lane.width for lane in self._lanes if lane.connection.alive)

    @property
    def sessions(self) -> int:
        """How many connections are open."""
        with self._changed:
            return sum(lane.connection.alive for lane in self._lanes)

    def run(
        self,
        line: str,
        *,
        timeout: float | None = None,
        shown: str | None = None,
        before: Callable[[], None] = unconditionally,
    ) -> Reply:
        """Type a line and return the answer, refusals of the array's included.

        timeout: seconds for the answer, else `Limits.command_timeout`. shown: the line for errors and logs, with
        its secrets masked. before: called with the channel in hand, right before the line is sent; if it raises,
        nothing is sent, and that is what this raises.

        Raises Withheld after `drain`; Unreachable (or LoginRefused, HostKeyMismatch, what `greet` raises) when the line
        was certainly not typed, and OutcomeUnknown when it may have been. A line that was not typed because a
        connection turned out to be dead is typed on a fresh one, once.
        """
        shown = shown or line
        again = True

        def last_question() -> None:
            self._go_on()
            before()

        while True:
            lane, width = self._take()
            refused = False
            try:
                # After `drain` no line gets more than what is left of the time of those that were sent before it.
                seconds = min(timeout or self._limits.command_timeout, self._finished_by - time.monotonic())
                return self._type(lane.connection, line, shown, max(seconds, 0.0), last_question)
            except NotTyped as error:
                refused = isinstance(error, NoChannel)
                if refused and (width > 1 or self._spared(lane)):
                    continue
                lane.connection.close()
                if not again:
                    raise Unreachable(f"{lane.connection.address}: {error}") from None
                again = False
            finally:
                self._give_back(lane, narrower=refused)

    def drain(self) -> None:
        """Send nothing more: lines that wait for their turn, and later ones, are Withheld. Those sent are answered.

        `Limits.command_timeout` from now all of it is over, what is sent in `finishing` included.
        """
        with self._changed:
            self._finished_by = min(self._finished_by, time.monotonic() + self._limits.command_timeout)
            self._stopped.set()
            self._changed.notify_all()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """A block in which this thread finishes a command that was sent: its lines are sent after `drain`, too.

        All of them together have the time that a command has that was sent right before `drain`, so that they make no
        end later: what is left of `Limits.command_timeout` since then. After that they are Withheld. They also need a
        connection that is open: none is opened for them after `drain`.
        """
        before, self._finishing.on = getattr(self._finishing, "on", False), True
        try:
            yield
        finally:
            self._finishing.on = before

    def close(self) -> None:
        """End every session. Commands under way have an unknown outcome; those that wait, and later ones, fail.

        A connection that is just being made ends by its own time limit.
        """
        with self._changed:
            self._closed = True
            self._stopped.set()
            lanes, self._lanes = self._lanes, []
            self._changed.notify_all()
        self._opener.close()
        for lane in lanes:
            lane.connection.close()

    def _type(self, connection: Connection, line: str, shown: str, timeout: float, before: Callable[[], None]) -> Reply:
        reply = connection.run(line, shown=shown, timeout=timeout, before=before)
        took = reply.seconds or 0.0
        said = {"command": shown, "status": reply.status, "seconds": round(took, 3)}
        log.debug("%s: `%s` ended with %d after %.3f s", connection.address, shown, reply.status, took, extra=said)
        return reply

    def _take(self) -> tuple[_Lane, int]:
        """A place on a connection, and how wide the connection was when the place was given."""
        patience = (self._limits.command_timeout + 2 * self._limits.connect_timeout) * self._limits.concurrent_commands
        until = time.monotonic() + patience
        while True:
            with self._changed:
                while not (self._free() or self._may_open()):
                    self._wait(until, patience)
                if lane := self._free():
                    lane.busy += 1
                    return lane, lane.width
                attempt = self._attempt = _Attempt()
            self._open(attempt)

    def _go_on(self) -> None:
        if self._closed:
            raise Unreachable("the connections to this array were closed")
        finishing = getattr(self._finishing, "on", False) and time.monotonic() < self._finished_by
        if self._stopped.is_set() and not finishing:
            raise Withheld("no more commands are sent to this array: the operator stops or works it no longer")

    def _free(self) -> _Lane | None:
        self._go_on()
        self._lanes = [lane for lane in self._lanes if lane.connection.alive]
        if sum(lane.busy for lane in self._lanes) >= self._limits.concurrent_commands:
            return None
        return next((lane for lane in self._lanes if lane.busy < lane.width), None)

    def _may_open(self) -> bool:
        if self._attempt:
            return False
        if not self._lanes:
            return True
        wide = sum(lane.width for lane in self._lanes) >= self._limits.concurrent_commands
        return not wide and len(self._lanes) < self._limits.sessions and self._clock() >= self._content_until

    def _wait(self, until: float, patience: float) -> None:
        attempt = self._attempt
        if not self._changed.wait(min(until, self._finished_by) - time.monotonic()):
            self._go_on()
            raise Unreachable(f"no turn on the array within {patience:g} s: other commands took all its channels")
        if attempt and attempt.failure and not self._lanes:
            raise attempt.failure

    def _give_back(self, lane: _Lane, *, narrower: bool) -> None:
        with self._changed:
            lane.busy -= 1
            if narrower:
                lane.width = max(1, min(lane.width, lane.busy))
                log.debug("%s takes %d commands at a time", lane.connection.address, lane.width)
            self._changed.notify_all()

    def _spared(self, lane: _Lane) -> bool:
        """Do without an additional session that takes no command at all."""
        with self._changed:
            if all(other is lane for other in self._lanes):
                return False
            self._content_until = self._clock() + _CONTENT_FOR
        lane.connection.close()
        return True

    def _open(self, attempt: _Attempt) -> None:
        """Open one more connection; nobody else does so meanwhile."""
        fresh: Connection | None = None
        try:
            fresh = self._opener.open()
        except Withheld as error:
            attempt.failure = error
            self._go_on()  # after `close` it is Unreachable
            raise
        except Exception as error:
            attempt.failure = error
            if type(error) is not Unreachable or not self._content():
                raise
        finally:
            with self._changed:
                self._attempt = None
                if fresh:
                    self._last = fresh
                    self._lanes.append(_Lane(fresh, self._limits.concurrent_commands))
                self._changed.notify_all()
        if self._closed:
            self.close()

    def _content(self) -> bool:
        """Put up with the connections that are there, if any, since the array has no more to give."""
        with self._changed:
            self._content_until = self._clock() + _CONTENT_FOR
            return any(lane.connection.alive for lane in self._lanes)
