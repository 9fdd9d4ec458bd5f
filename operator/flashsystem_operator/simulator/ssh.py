"""The SSH server: logins, exec channels, and answers that may never come. No verb is known here."""

import asyncio

import asyncssh

from flashsystem_operator.simulator.execution import Executor
from flashsystem_operator.simulator.faults import Broken
from flashsystem_operator.simulator.journal import Entry
from flashsystem_operator.simulator.objects import User
from flashsystem_operator.simulator.refusals import TOO_MANY_SESSIONS
from flashsystem_operator.simulator.sessions import Sessions
from flashsystem_operator.simulator.shell import Answer


class Running:
    """The exec lines that are under way. They outlive their connection, as they do on an array."""

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
    """One connection."""

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
        """A session too many looks like a login that worked, followed by the end of the connection or by 7017E."""
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
        """A new entry of the log of commands, in the name of this session."""
        connection = self._connection
        user = connection.get_extra_info("username") if connection else ""
        session = self._sessions.number(connection) if connection else 0
        return self._executor.journal.open(session, str(user), line)

    def cut(self) -> None:
        if self._connection:
            self._connection.abort()


class Channel(asyncssh.SSHServerSession[bytes]):
    """One exec channel: a line comes, an answer goes."""

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
        """A client may close its side first; the answer comes all the same."""
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
            self._break(broken)
            return
        except Exception:
            # A mistake of ours must not look like a command that hangs.
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

    def _break(self, broken: Broken) -> None:
        if broken.fault == "cut":
            self._login.cut()
        elif self._channel:
            self._channel.close()
