"""Opening a connection to an array: which address, how often, and whether the right system answers there."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flashsystem_operator.array.errors import (
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    OutcomeUnknown,
    Unreachable,
    Withheld,
)
from flashsystem_operator.array.ssh.credentials import HostKey, Login, Trust
from flashsystem_operator.array.ssh.transport import Connection, NoChannel, NotTyped, Reply, unconditionally

log = logging.getLogger(__name__)

Greet = Callable[[Callable[[str], Reply]], None]
"""Is given a function that types a line on the fresh connection, and raises if that is not to be used."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the array is, and how it is recognised.

    addresses: tried in this order at each attempt. host_keys: as in `known_hosts` without the name; with
    `trust_first_use` there may be none, and then the key that is seen first is held on to for the life of the opener.
    """

    addresses: tuple[str, ...]
    port: int
    host_keys: tuple[str, ...]
    trust_first_use: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked of the array. Times are in seconds.

    command_timeout: from typing a line until its whole answer is here. connect_timeout: for each of connecting,
    logging in and opening a channel.
    """

    concurrent_commands: int
    sessions: int
    command_timeout: float
    new_connections_per_second: float
    connect_timeout: float = 20.0


class Pace:
    """Keeps attempts apart. Source of the need: array-cli facts 1.2 (15 new connections per second, bursts of 3)."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._apart = 1 / per_second
        self._clock = clock
        self._next = clock()

    def delay(self) -> float:
        """Book the next attempt, and say in how many seconds it may begin."""
        now = self._clock()
        begins = max(now, self._next)
        self._next = begins + self._apart
        return begins - now


class Connector:
    """Opens connections to one array, one at a time: an array drops whoever knocks while three others are at the door.

    stopped: once set, nothing is opened any more, and nothing is sent on what was just opened.
    """

    def __init__(
        self, endpoint: Endpoint, login: Login, limits: Limits, greet: Greet, stopped: threading.Event
    ) -> None:
        login.proof()
        self._trust = Trust(tuple(HostKey.read(line) for line in endpoint.host_keys), endpoint.trust_first_use)
        self._endpoint = endpoint
        self._login = login
        self._limits = limits
        self._greet = greet
        self._stopped = stopped
        self._pace = Pace(limits.new_connections_per_second, time.monotonic)
        self._greeted: Connection | None = None

    def close(self) -> None:
        """Cut off the connection that is just being greeted. `stopped` was set before.

        One that is not that far ends by the limits of connecting and logging in.
        """
        if (greeted := self._greeted) is not None:
            greeted.close()

    def open(self) -> Connection:
        """A connection on which the right system was greeted; Unreachable or what `greet` raises if there is none."""
        reasons = []
        for address in self._endpoint.addresses:
            self._stopped.wait(self._pace.delay())
            self._go_on()
            try:
                connection = self._open(address)
            except (LoginRefused, HostKeyMismatch, OtherSystem):
                # The array's own answer, or an impostor's: the other address is no way round it.
                raise
            except Unreachable as error:
                reasons.append(f"{address}: {error}")
            else:
                self._trust = Trust(self._trust.pinned or (connection.host_key,), self._trust.first_use)
                log.debug("connected to %s port %d as %s", address, self._endpoint.port, self._login.username)
                return connection
        raise Unreachable("; ".join(reasons))

    def _open(self, address: str) -> Connection:
        limits = self._limits
        try:
            fresh = Connection.open(address, self._endpoint.port, self._login, self._trust, limits.connect_timeout)
        except LoginRefused as error:
            raise LoginRefused(f"{address}: {error}") from None
        except HostKeyMismatch as error:
            raise HostKeyMismatch(f"{address}: {error}", error.seen) from None
        self._greeted = fresh
        try:
            self._greet(lambda line: fresh.run(line, shown=line, timeout=limits.command_timeout, before=self._go_on))
        except OutcomeUnknown as error:
            fresh.close()
            # Of the line that somebody wants to type once there is a connection, nothing was typed.
            raise Unreachable(f"the session ended as soon as it was used: {error}") from None
        except BaseException:
            fresh.close()
            raise
        finally:
            self._greeted = None
        return fresh

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise Withheld("the connections to this array are being ended")


__all__ = ["Connections", "Endpoint", "Greet", "Limits", "Login", "Reply"]

_CONTENT_FOR = 60.0
"""Seconds in which a refused additional session is not asked for again."""


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
        self._opener = Connector(endpoint, login, limits, greet, self._stopped)
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
