"""The SSH server: session table with its limits, listener, logins and exec channels."""

import asyncio
import socket
import time
from pathlib import Path
from typing import Literal

import asyncssh

from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.server.execution import Entry, Executor
from flashsystem_operator.simulator.server.faults import Broken
from flashsystem_operator.simulator.state.config import ConfigError
from flashsystem_operator.simulator.state.model import User
from flashsystem_operator.simulator.state.refusals import TOO_MANY_SESSIONS
from flashsystem_operator.simulator.state.system import System


class Sessions:
    """Table of all SSH connections, from their arrival to their end."""

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
        """Record a new connection. False: the limits of the array drop it at once."""
        limits = self._array.limits
        waiting = len(self.arrived) - len(self.logged_in)
        self.arrived.add(connection)
        self._empty.clear()
        if limits.unauthenticated and waiting >= limits.unauthenticated:
            return False
        if not limits.connections_per_second:
            return True
        now = time.monotonic()
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

    async def wait_until_empty(self) -> None:
        await self._empty.wait()

    def drop_all(self) -> int:
        """Cut every connection, as when the configuration node changes, and return how many."""
        dropped = list(self.arrived)
        for connection in dropped:
            connection.abort()
        return len(dropped)


Availability = Literal["up", "refused", "silent"]
KEY_KIND = "ssh-ed25519"
_TURNS_TO_ARRIVE = 2  # of the event loop, from accept to `connection_made`: a task creates the transport and calls it


def bound(where: tuple[str, int]) -> socket.socket:
    """Bind a socket to this address; port 0 is any free one. Raises ConfigError with the remedy."""
    host, port = where
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConfigError(f"{host}:{port}: {error.strerror}: give an address of this machine") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise ConfigError(f"{host}:{port}: {error.strerror}: choose another port, or 0 for any free one") from None
    return sock


def host_key(path: Path | None) -> asyncssh.SSHKey:
    """Read the host key from a file, or create one."""
    if path is None:
        return asyncssh.generate_private_key(KEY_KIND)
    try:
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise ConfigError(
            f"{path}: {error}: give a private key without a passphrase, or omit it to create one"
        ) from None


class Listener:
    """The SSH listener. While it is not up, a bound socket reserves the port."""

    def __init__(self, executor: Executor, sessions: Sessions, key: asyncssh.SSHKey) -> None:
        self._executor = executor
        self._sessions = sessions
        self._key = key
        self._running = Running()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._placeholder: socket.socket | None = None
        self.availability: Availability = "refused"
        self.address: tuple[str, int] = ("", 0)

    @property
    def public_key(self) -> str:
        algorithm, key = self._key.export_public_key().decode().split()[:2]
        return f"{algorithm} {key}"

    async def open(self, sock: socket.socket) -> None:
        self.address = sock.getsockname()[:2]
        self._acceptor = await asyncssh.listen(
            sock=sock,
            server_factory=lambda: Login(self._executor, self._sessions, self._running),
            server_host_keys=[self._key],
            encoding=None,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            gss_host=None,
            kbdint_auth=False,
            backlog=256,
        )
        self.availability = "up"
        self._executor.answering.set()

    async def become(self, availability: Availability) -> None:
        """Set the availability.

        refused: connections are cut, and new ones refused. silent: nothing answers, and old sessions hang.
        """
        if availability == self.availability:
            return
        await self._shut()
        if availability == "up":
            await self.open(bound(self.address))
            return
        self.availability = availability
        self._placeholder = bound(self.address)
        if availability == "silent":
            self._placeholder.listen(256)
            self._executor.answering.clear()
        else:
            self._sessions.drop_all()
            self._executor.answering.set()

    def change_key(self, key: asyncssh.SSHKey | None = None) -> None:
        """Use another host key from the next connection on."""
        self._key = key or asyncssh.generate_private_key(KEY_KIND)
        if self._acceptor:
            self._acceptor.update(server_host_keys=[self._key])

    async def _shut(self) -> None:
        if self._placeholder:
            self._placeholder.close()
            self._placeholder = None
        if self._acceptor:
            # Stop accepting, but wait for connections that the loop has accepted: a closed server has no transport for
            # them (CPython asserts it), and their sockets would stay open.
            asyncio.get_running_loop().remove_reader(self._acceptor.sockets[0])
            for _ in range(_TURNS_TO_ARRIVE):
                await asyncio.sleep(0)
            self._acceptor.close()
            self._acceptor = None

    async def close(self) -> None:
        """Stop listening, cut every connection, and cancel every running command."""
        await self._shut()
        self._sessions.drop_all()
        await self._running.stop()
        await self._sessions.wait_until_empty()


class Running:
    """The running exec lines. They outlive their connection, as on an array."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Login(asyncssh.SSHServer):
    """One SSH connection."""

    def __init__(self, executor: Executor, sessions: Sessions, running: Running) -> None:
        self._executor = executor
        self._sessions = sessions
        self._running = running
        self._connection: asyncssh.SSHServerConnection | None = None
        self.channels = 0
        self.without_session = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        if not self._sessions.may_arrive(conn):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncssh's signature
        if self._connection:
            self._sessions.leave(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        rules = self._executor.array.rules
        if self._connection and rules.login_message and rules.login_message_on == "ssh":
            self._connection.send_auth_banner(f"{rules.login_message}\r\n")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        user = self._user(username)
        return user is not None and user.password is not None and user.password == password

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        user = self._user(username)
        return user is not None and any(asyncssh.import_public_key(known) == key for known in user.keys)

    def _user(self, name: str) -> User | None:
        return next((user for user in self._executor.array.state.users if user.name == name), None)

    def auth_completed(self) -> None:
        """Refuse a session above the limit: the login succeeds, then the connection ends or every answer is 7017E."""
        if not self._connection or self._sessions.log_in(self._connection):
            return
        if self._executor.array.rules.too_many_sessions == "7017E":
            self.without_session = True
        else:
            asyncio.get_running_loop().call_soon(self._connection.abort)

    def session_requested(self) -> "Channel":
        limit = self._executor.array.limits.channels
        if limit and self.channels >= limit:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many channels on this connection")
        return Channel(self, self._executor, self._running)

    def entry(self, line: str) -> Entry:
        """Add an entry of this session to the log of commands."""
        connection = self._connection
        user = connection.get_extra_info("username") if connection else ""
        session = self._sessions.number(connection) if connection else 0
        return self._executor.journal.open(session, str(user), line)

    def cut(self) -> None:
        if self._connection:
            self._connection.abort()


class Channel(asyncssh.SSHServerSession[bytes]):
    """One exec channel: receives a line and sends the answer."""

    def __init__(self, login: Login, executor: Executor, running: Running) -> None:
        self._login = login
        self._executor = executor
        self._running = running
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._line: str | None = None
        self._entry: Entry | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan
        self._login.channels += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        self._channel = None
        self._login.channels -= 1
        if self._task and self._entry and self._executor.faults.dies(self._entry.exec):
            self._entry.end = "died"
            self._task.cancel()

    def exec_requested(self, command: str) -> bool:
        self._line = command
        return True

    def eof_received(self) -> bool:
        """A client may close its side first; the answer is sent nevertheless."""
        return True

    def session_started(self) -> None:
        if self._line is not None:
            self._entry = self._login.entry(self._line)
            self._task = asyncio.get_running_loop().create_task(self._answer(self._entry))
            self._running.start(self._task)

    async def _answer(self, entry: Entry) -> None:
        try:
            refused = Answer(stdout=TOO_MANY_SESSIONS)
            answer = refused if self._login.without_session else await self._executor.run(entry)
        except Broken as broken:
            if broken.fault == "cut":
                self._login.cut()
            elif self._channel:
                self._channel.close()
            return
        except Exception:
            # An internal error must not look like a command that hangs.
            self._login.cut()
            raise
        if self._channel:
            rules = self._executor.array.rules
            message = f"{rules.login_message}\n".encode() if rules.login_message else b""
            if rules.login_message_on == "stdout":
                self._channel.write(message)
            elif rules.login_message_on == "stderr":
                self._channel.write_stderr(message)
            self._channel.write(answer.stdout.encode("utf-8", "surrogateescape"))
            self._channel.write_stderr(answer.stderr.encode("utf-8", "surrogateescape"))
            self._channel.exit(answer.status)
