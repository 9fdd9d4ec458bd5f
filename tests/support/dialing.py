"""What the tests of the transport have in common: who logs in, and a connection of theirs."""

import asyncssh

from flashsystem_operator.array.credentials import Login
from flashsystem_operator.array.hostkeys import HostKey, Trust
from flashsystem_operator.array.transport import Connection, Reply
from support.sshd import PASSWORD, USER, Sshd

LOGIN = Login(USER, PASSWORD, None)
KEYS = {
    name: asyncssh.generate_private_key(name)
    for name in ("ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519")
}
ANYBODY = Trust((), first_use=True)
SOON = 0.3
"""A limit that is meant to be reached."""


def pinning(sshd: Sshd) -> Trust:
    return Trust(tuple(map(HostKey.read, sshd.lines)), first_use=False)


def open_to(sshd: Sshd, login: Login = LOGIN, trust: Trust | None = None) -> Connection:
    return Connection.open("127.0.0.1", sshd.port, login, trust or pinning(sshd), 20)


def run(connection: Connection, line: str, timeout: float = 20) -> Reply:
    return connection.run(line, shown=line, timeout=timeout)
