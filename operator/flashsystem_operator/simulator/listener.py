"""The array's SSH port: open, refused or silent, always the same number, and its host key."""

import asyncio
import socket
from pathlib import Path
from typing import Literal

import asyncssh

from flashsystem_operator.simulator.config import ConfigError
from flashsystem_operator.simulator.execution import Executor
from flashsystem_operator.simulator.sessions import Sessions
from flashsystem_operator.simulator.ssh import Login, Running

Availability = Literal["up", "refused", "silent"]
KEY_KIND = "ssh-ed25519"
_TURNS_TO_ARRIVE = 2  # of the event loop, from accepting to `connection_made`: a task makes the transport, and calls it


def bound(where: tuple[str, int]) -> socket.socket:
    """A socket on this address; port 0 is any free one. Raises ConfigError with the way out."""
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
    """The host key of a file, or a new one."""
    if path is None:
        return asyncssh.generate_private_key(KEY_KIND)
    try:
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise ConfigError(
            f"{path}: {error}: give a private key without a passphrase, or none to have one made"
        ) from None


class Listener:
    """Listens for SSH. While it is not up, a bound socket keeps the port from anybody else."""

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
        """refused: connections are cut, new ones refused. silent: nothing answers, old sessions hang as well."""
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
        """Show another host key from the next connection on."""
        self._key = key or asyncssh.generate_private_key(KEY_KIND)
        if self._acceptor:
            self._acceptor.update(server_host_keys=[self._key])

    async def _shut(self) -> None:
        if self._placeholder:
            self._placeholder.close()
            self._placeholder = None
        if self._acceptor:
            # Accept no more, but let those arrive whom the loop has accepted: a server that is closed has no transport
            # for them (CPython asserts it), and their sockets would stay open.
            asyncio.get_running_loop().remove_reader(self._acceptor.sockets[0])
            for _ in range(_TURNS_TO_ARRIVE):
                await asyncio.sleep(0)
            self._acceptor.close()
            self._acceptor = None

    async def close(self) -> None:
        """Stop listening, cut every connection, and let go of every command that is under way."""
        await self._shut()
        self._sessions.drop_all()
        await self._running.stop()
        await self._sessions.everybody_left()
