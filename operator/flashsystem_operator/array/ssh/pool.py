"""The SSH connections to one array: opening them at a limited rate, and sharing them between commands."""

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
"""Checks a new connection, with a function that runs a line on it. Raises if it must not be used."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The addresses and host keys of an array.

    addresses: tried in this order at each attempt. host_keys: as in `known_hosts` without the name; with
    `trust_first_use` it may be empty, and the first key that is seen is pinned for the lifetime of the connector.
    """

    addresses: tuple[str, ...]
    port: int
    host_keys: tuple[str, ...]
    trust_first_use: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the load on an array. Times are in seconds.

    command_timeout: from sending a line until its whole answer is received. connect_timeout: for each of connecting,
    logging in and opening a channel.
    """

    concurrent_commands: int
    sessions: int
    command_timeout: float
    new_connections_per_second: float
    connect_timeout: float = 20.0


class Pace:
    """Rate limit of attempts. The array permits 15 new connections per second, bursts of 3 (array-cli facts 1.2)."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._apart = 1 / per_second
        self._clock = clock
        self._next = clock()

    def delay(self) -> float:
        """Reserve the next attempt; return the seconds until it may begin."""
        now = self._clock()
        begins = max(now, self._next)
        self._next = begins + self._apart
        return begins - now


class Connector:
    """Opens connections to one array, one at a time: an array drops a connection while three others are logging in.

    stopped: once set, no connection is opened, and nothing is sent on a new one.
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
        """Close the connection that is being checked. `stopped` was set before.

        An earlier attempt ends by the time limits of connecting and logging in.
        """
        if (greeted := self._greeted) is not None:
            greeted.close()

    def open(self) -> Connection:
        """Open a connection and check it with `greet`; raises Unreachable or what `greet` raises."""
        reasons = []
        for address in self._endpoint.addresses:
            self._stopped.wait(self._pace.delay())
            self._go_on()
            try:
                connection = self._open(address)
            except (LoginRefused, HostKeyMismatch, OtherSystem):
                # The answer of the array, or of an impostor: another address must not bypass it.
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
            # The line for which this connection was opened was not sent.
            raise Unreachable(f"the session ended as soon as it was used: {error}") from None
        except BaseException:
            fresh.close()
            raise
        finally:
            self._greeted = None
        return fresh

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise Withheld("the connections to this array are being closed")


__all__ = ["Connections", "Endpoint", "Greet", "Limits", "Login", "Reply"]

_REFUSED_SECONDS = 60.0
"""Seconds until a refused additional session is requested again."""


@dataclass(slots=True, eq=False)
class _Lane:
    """A connection. width: its maximum number of parallel commands. busy: the commands that run on it now."""

    connection: Connection
    width: int
    busy: int = 0


@dataclass(slots=True, eq=False)
class _Attempt:
    """A connection that is being opened. failure: the result for the threads that wait for it."""

    failure: Exception | None = None


class Connections:
    """Runs lines on one array. Blocking and thread-safe. The first line opens a connection.

    greet: called on every new connection before it is used, with a function that runs a line on it. What it raises
    closes the connection and is raised in the threads that wait for one. (Its OutcomeUnknown becomes Unreachable: the
    line that waits was not sent.)

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
        """Monotonic time at which all commands that were sent before `drain` are answered or abandoned."""
        self._finishing = threading.local()
        self._opener = Connector(endpoint, login, limits, greet, self._stopped)
        self._changed = threading.Condition()
        self._lanes: list[_Lane] = []
        self._attempt: _Attempt | None = None
        self._no_more_until = clock()
        self._last: Connection | None = None
        self._closed = False

    @property
    def host_key_seen(self) -> str | None:
        """The host key of the last good connection, as in `known_hosts` without the name."""
        return self._last.host_key.line if self._last else None

    @property
    def address(self) -> str | None:
        """The address of the last good connection."""
        return self._last.address if self._last else None

    @property
    def width(self) -> int:
        """Number of parallel commands on the open connections; 0 if none is open."""
        with self._changed:
            return sum(lane.width for lane in self._lanes if lane.connection.alive)

    @property
    def sessions(self) -> int:
        """Number of open connections."""
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
        """Run a line and return the reply, including refusals of the array.

        timeout: seconds for the answer; None: `Limits.command_timeout`. shown: the line for errors and logs, with
        its secrets masked. before: called with an open channel, right before the line is sent; if it raises, nothing
        is sent, and its exception is raised.

        Raises Withheld after `drain`; Unreachable (or LoginRefused, HostKeyMismatch, what `greet` raises) if the line
        was certainly not sent, and OutcomeUnknown if it may have been. A line that was not sent because the connection
        was dead is retried once on a new one.
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
                # After `drain` a line gets only the remaining time of the lines that were sent before it.
                seconds = min(timeout or self._limits.command_timeout, self._finished_by - time.monotonic())
                reply = lane.connection.run(line, shown=shown, timeout=max(seconds, 0.0), before=last_question)
            except NotTyped as error:
                refused = isinstance(error, NoChannel)
                if refused and (width > 1 or self._spared(lane)):
                    continue
                lane.connection.close()
                if not again:
                    raise Unreachable(f"{lane.connection.address}: {error}") from None
                again = False
            else:
                took = reply.seconds or 0.0
                fields = {"command": shown, "status": reply.status, "seconds": round(took, 3)}
                ended = lane.connection.address, shown, reply.status, took
                log.debug("%s: `%s` ended with %d after %.3f s", *ended, extra=fields)
                return reply
            finally:
                with self._changed:
                    lane.busy -= 1
                    if refused:
                        lane.width = max(1, min(lane.width, lane.busy))
                        log.debug("%s takes %d commands at a time", lane.connection.address, lane.width)
                    self._changed.notify_all()

    def drain(self) -> None:
        """Send no more lines: waiting and later ones raise Withheld. Lines that were sent are completed.

        All of it ends within `Limits.command_timeout` from now, including what is sent in `finishing`.
        """
        with self._changed:
            self._finished_by = min(self._finished_by, time.monotonic() + self._limits.command_timeout)
            self._stopped.set()
            self._changed.notify_all()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """A block in which this thread completes a command that was sent: its lines are also sent after `drain`.

        Together they have the rest of `Limits.command_timeout` since `drain`, so that they do not delay the end. After
        that they raise Withheld. They also need an open connection: none is opened after `drain`.
        """
        before, self._finishing.on = getattr(self._finishing, "on", False), True
        try:
            yield
        finally:
            self._finishing.on = before

    def close(self) -> None:
        """Close every session. Running commands have an unknown outcome; waiting and later ones fail.

        A connection that is being opened ends by its own time limit.
        """
        with self._changed:
            self._closed = True
            self._stopped.set()
            lanes, self._lanes = self._lanes, []
            self._changed.notify_all()
        self._opener.close()
        for lane in lanes:
            lane.connection.close()

    def _take(self) -> tuple[_Lane, int]:
        """Reserve a place on a connection; return it with the width of the connection at that time."""
        patience = (self._limits.command_timeout + 2 * self._limits.connect_timeout) * self._limits.concurrent_commands
        until = time.monotonic() + patience
        while True:
            with self._changed:
                while not (self._free() or self._may_open()):
                    opening = self._attempt
                    if not self._changed.wait(min(until, self._finished_by) - time.monotonic()):
                        self._go_on()
                        raise Unreachable(
                            f"no free channel on the array within {patience:g} s: other commands use all of them"
                        )
                    if opening and opening.failure and not self._lanes:
                        raise opening.failure
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
            raise Withheld("no more commands are sent to this array: the operator stops or no longer manages it")

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
        return not wide and len(self._lanes) < self._limits.sessions and self._clock() >= self._no_more_until

    def _spared(self, lane: _Lane) -> bool:
        """Close an additional session that accepts no command; False if it is the only one."""
        with self._changed:
            if all(other is lane for other in self._lanes):
                return False
            self._no_more_until = self._clock() + _REFUSED_SECONDS
        lane.connection.close()
        return True

    def _open(self, attempt: _Attempt) -> None:
        """Open one more connection; only one thread does so at a time."""
        fresh: Connection | None = None
        try:
            fresh = self._opener.open()
        except Withheld as error:
            attempt.failure = error
            self._go_on()  # after `close` it is Unreachable
            raise
        except Exception as error:
            attempt.failure = error
            if type(error) is not Unreachable:
                raise
            # The array accepts no more connections: continue with the open ones, if any.
            with self._changed:
                self._no_more_until = self._clock() + _REFUSED_SECONDS
                if not any(lane.connection.alive for lane in self._lanes):
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
