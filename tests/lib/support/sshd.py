"""A small SSH server with the bad habits of arrays, for the tests of the transport. It is asyncssh underneath.

The received line decides what it does: see `_Session.answer`.
"""
# ruff: noqa: ARG002 - asyncssh decides which arguments its methods get

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

import asyncssh

USER = "superuser"
PASSWORD = "correct horse"
CUT = "a password that cuts the connection"

Challenge = tuple[str, str, str, list[tuple[str, bool]]]


class Sshd:
    """Runs in a thread of its own while the block lasts.

    channels: how many a connection may have at a time. channels_in_all: all connections together. sessions: how many
    connections stay after the login.
    gate: lines that begin with `hold` are answered when it is set. typed: every line that was typed. logins: each try.
    most_held: how many lines were on hold at the same time, at most.
    cuts: how many times the connection is cut as soon as a channel is asked for.
    """

    def __init__(
        self,
        *,
        host_keys: Sequence[asyncssh.SSHKey] = (),
        password: str | None = PASSWORD,
        authorized: Sequence[asyncssh.SSHKey] = (),
        dialogue: bool = False,
        channels: int = 10,
        channels_in_all: int = 100,
        sessions: int = 32,
        port: int = 0,
    ) -> None:
        self.host_keys = list(host_keys) or [asyncssh.generate_private_key("ssh-ed25519")]
        self.password, self.authorized, self.dialogue = password, {line_of(key) for key in authorized}, dialogue
        self.channels, self.channels_in_all, self.sessions, self.port = channels, channels_in_all, sessions, port
        self.gate = threading.Event()
        self.typed: list[str] = []
        self.knocks = 0
        self.logins: list[str] = []
        self.cuts = 0
        self.live: set[_Door] = set()
        self.seen = threading.Condition()
        self.held = self.most_held = 0
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="sshd")

    @property
    def lines(self) -> tuple[str, ...]:
        """Its host keys, as they are pinned."""
        return tuple(map(line_of, self.host_keys))

    def __enter__(self) -> Self:
        self._thread.start()
        self._acceptor = self._do(self._listen())
        self.port = self._acceptor.get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._do(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def drop_all(self) -> None:
        """Cut every connection, as an array does whose configuration node fails, and wait until they are gone."""
        self._do(self._drop())

    def stop_listening(self) -> None:
        """Free the port, for another machine to take this one's place."""
        self._do(self._deafen())

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until it is so, whether this server notices the change or not."""
        until = time.monotonic() + 20
        with self.seen:
            while not holds():
                assert time.monotonic() < until
                self.seen.wait(0.02)

    @property
    def open(self) -> int:
        return sum(door.open for door in self.live)

    def notice(self) -> None:
        with self.seen:
            self.seen.notify_all()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=20)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Door(self), "127.0.0.1", self.port, server_host_keys=self.host_keys
        )

    async def _deafen(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()

    async def _drop(self) -> None:
        for door in list(self.live):
            door.connection.abort()
            await door.connection.wait_closed()

    async def _stop(self) -> None:
        await self._drop()
        await self._deafen()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_default_executor()


class _Door(asyncssh.SSHServer):
    """One connection."""

    connection: asyncssh.SSHServerConnection

    def __init__(self, sshd: Sshd) -> None:
        self.sshd = sshd
        self.open = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.sshd.knocks += 1
        self.sshd.live.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.sshd.live.discard(self)
        self.sshd.notice()

    def password_auth_supported(self) -> bool:
        return self.sshd.password is not None and not self.sshd.dialogue

    def validate_password(self, username: str, password: str) -> bool:
        self.sshd.logins.append("password")
        if password == CUT:
            self.connection.abort()
        return (username, password) == (USER, self.sshd.password)

    def kbdint_auth_supported(self) -> bool:
        # Who turns to a dialogue asks for the login service once more: OpenSSH lets that pass, asyncssh does not.
        self.connection._next_service = b"ssh-userauth"  # noqa: SLF001 - no other way to misbehave
        return self.sshd.dialogue

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Challenge:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self.sshd.logins.append("dialogue")
        return list(responses) == [self.sshd.password]

    def public_key_auth_supported(self) -> bool:
        return bool(self.sshd.authorized)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self.sshd.logins.append("key")
        return line_of(key) in self.sshd.authorized

    def auth_completed(self) -> None:
        if len(self.sshd.live) > self.sshd.sessions:
            self.connection.abort()

    def session_requested(self) -> "tuple[asyncssh.SSHServerChannel[bytes], _Session]":
        if self.sshd.cuts:
            self.sshd.cuts -= 1
            self.connection.abort()
        if self.open >= self.sshd.channels or self.sshd.open >= self.sshd.channels_in_all:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no more sessions")
        self.open += 1
        return self.connection.create_server_channel(encoding=None), _Session(self)


class _Session(asyncssh.SSHServerSession[bytes]):
    """One channel."""

    def __init__(self, door: _Door) -> None:
        self.door, self.sshd = door, door.sshd
        self.line = ""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.open -= 1
        self.sshd.notice()

    def exec_requested(self, command: str) -> bool:
        self.line = command
        self.sshd.typed.append(command)
        if command == "freeze":
            self.sshd.gate.wait(20)
        return command != "deny"

    def session_started(self) -> None:
        self.task = self.sshd.loop.create_task(self.answer())
        self.sshd.notice()

    async def answer(self) -> None:
        """The line `hold on` is answered by `answer_hold("on")`, and so on. What is not known hangs."""
        verb, _, rest = self.line.partition(" ")
        done = getattr(self, f"answer_{verb}", lambda _: asyncio.sleep(3600))(rest)
        if done is not None:
            await done

    def answer_echo(self, rest: str) -> None:
        self.print_text(rest)

    async def answer_hold(self, rest: str) -> None:
        self.sshd.held += 1
        self.sshd.most_held = max(self.sshd.held, self.sshd.most_held)
        await self.sshd.loop.run_in_executor(None, self.sshd.gate.wait, 20)
        self.sshd.held -= 1
        self.print_text(rest)

    def answer_refuse(self, _: str) -> None:
        self.channel.write_stderr("CMMVC5754E L'entité n'existe pas.\n".encode("latin-1"))
        self.channel.exit(1)

    def answer_lockout(self, banner: str) -> None:
        self.print_text(f"{banner}\nCMMVC7017E Login has failed")

    async def answer_drip(self, _: str) -> None:
        while True:
            self.channel.write(b".")
            await asyncio.sleep(0.01)

    def answer_chatter(self, rest: str) -> None:
        self.channel.write_stderr(b"x" * int(rest))
        self.print_text("after much talk")

    def answer_flood(self, rest: str) -> None:
        self.print_text("x" * int(rest))

    def answer_mute(self, _: str) -> None:
        self.channel.close()

    def answer_vanish(self, _: str) -> None:
        self.door.connection.abort()

    def answer_overtake(self, _: str) -> None:
        """The exit status arrives, the rest of the output does not."""
        self.channel.write(b"half of the ans")
        self.channel._send_request(b"exit-status", bytes(4))  # noqa: SLF001 - no other way to misbehave
        self.door.connection.abort()

    def print_text(self, text: str) -> None:
        self.channel.write(f"{text}\n".encode())
        self.channel.exit(0)


def line_of(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])
