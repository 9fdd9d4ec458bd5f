"""What the tests of the transport have in common: who logs in, and connections of theirs."""

from collections.abc import Callable

import asyncssh

from flashsystem_operator.array.ssh.credentials import HostKey, Login, Trust
from flashsystem_operator.array.ssh.pool import Connections, Endpoint, Greet, Limits
from flashsystem_operator.array.ssh.transport import Connection, Reply
from support.sshd import PASSWORD, USER, Sshd

LOGIN = Login(USER, PASSWORD, None)
KEYS = {
    name: asyncssh.generate_private_key(name)
    for name in ("ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519")
}
LIMITS = Limits(concurrent_commands=4, sessions=2, command_timeout=20, new_connections_per_second=1000)
ANY_KEY = Trust((), first_use=True)
SOON = 0.3
"""A limit that is meant to be reached."""


def pinning(sshd: Sshd) -> Trust:
    return Trust(tuple(map(HostKey.read, sshd.lines)), first_use=False)


def open_to(sshd: Sshd, login: Login = LOGIN, trust: Trust | None = None) -> Connection:
    return Connection.open("127.0.0.1", sshd.port, login, trust or pinning(sshd), 20)


def run(connection: Connection, line: str, timeout: float = 20) -> Reply:
    return connection.run(line, shown=line, timeout=timeout)


def no_greeting(run: Callable[[str], Reply]) -> None:
    """A greeting that sends nothing."""


def who_is_there(run: Callable[[str], Reply]) -> None:
    assert run("echo who").stdout == "who\n"


def endpoint(*sshds: Sshd, addresses: tuple[str, ...] = ("127.0.0.1",), first_use: bool = False) -> Endpoint:
    pinned = () if first_use else tuple(line for sshd in sshds for line in sshd.lines)
    return Endpoint(addresses, sshds[0].port, pinned, first_use)


def to(sshd: Sshd, limits: Limits = LIMITS, greet: Greet = no_greeting) -> Connections:
    return Connections(endpoint(sshd), LOGIN, limits, greet)
