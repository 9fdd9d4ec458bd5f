"""Who is connected: the session table with its limits, and the way to throw everybody out."""

import asyncio
import time

import asyncssh

from flashsystem_operator.simulator.system import System


class Sessions:
    """Every SSH connection, from its arrival to its end."""

    def __init__(self, array: System) -> None:
        self._array = array
        self._given = 0
        self._tokens = 0.0
        self._refilled = 0.0
        self.arrived: set[asyncssh.SSHServerConnection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self.logged_in: dict[asyncssh.SSHServerConnection, int] = {}

    def may_arrive(self, connection: asyncssh.SSHServerConnection) -> bool:
        """Note a new connection. False: the limits of the array drop it at once."""
        limits = self._array.limits
        waiting = len(self.arrived) - len(self.logged_in)
        self.arrived.add(connection)
        self._empty.clear()
        if limits.unauthenticated and waiting >= limits.unauthenticated:
            return False
        return not limits.connections_per_second or self._take_token()

    def _take_token(self) -> bool:
        limits, now = self._array.limits, time.monotonic()
        gained = (now - self._refilled) * limits.connections_per_second
        self._tokens = min(float(limits.connection_burst), self._tokens + gained)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def log_in(self, connection: asyncssh.SSHServerConnection) -> bool:
        """Give a connection its session. False: the table is full."""
        limit = self._array.limits.sessions
        if limit and len(self.logged_in) + self._array.limits.other_sessions >= limit:
            return False
        self._given += 1
        self.logged_in[connection] = self._given
        return True

    def number(self, connection: asyncssh.SSHServerConnection) -> int:
        return self.logged_in.get(connection, 0)

    def leave(self, connection: asyncssh.SSHServerConnection) -> None:
        self.arrived.discard(connection)
        self.logged_in.pop(connection, None)
        if not self.arrived:
            self._empty.set()

    async def everybody_left(self) -> None:
        await self._empty.wait()

    def drop_all(self) -> int:
        """Cut every connection, as when the configuration node changes. Returns how many."""
        dropped = list(self.arrived)
        for connection in dropped:
            connection.abort()
        return len(dropped)
