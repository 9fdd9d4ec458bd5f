"""Opening a connection to an array: which address, how often, and whether the right system answers there."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flashsystem_operator.array.credentials import Login
from flashsystem_operator.array.errors import (
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    OutcomeUnknown,
    Unreachable,
    Withheld,
)
from flashsystem_operator.array.hostkeys import HostKey, Trust
from flashsystem_operator.array.transport import Connection, Reply

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


class Opener:
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
