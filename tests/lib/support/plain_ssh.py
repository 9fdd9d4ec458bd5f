"""A plain SSH client for the simulator: Paramiko and nothing of the operator."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paramiko

from flashsystem_operator.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Printed:
    """The answer to one exec line. status -1: the channel closed without one."""

    stdout: str
    stderr: str
    status: int

    @property
    def code(self) -> str:
        return self.stderr.split(" ", 1)[0].strip()

    @property
    def rows(self) -> list[dict[str, str]]:
        """A table that was asked for with `-delim !`."""
        header, *rows = (line.split("!") for line in self.stdout.splitlines())
        return [dict(zip(header, row, strict=True)) for row in rows]

    @property
    def keys(self) -> dict[str, str]:
        """A key-value list that was asked for with `-delim !`; of repeated keys the last."""
        return dict(line.split("!", 1) for line in self.stdout.splitlines() if line)


class Shell:
    """One SSH session."""

    def __init__(self, sim: Simulator, user: str = "superuser", **login: Any) -> None:
        # A socket of our own: Paramiko leaves Nagle's algorithm on, which costs 40 ms for each command.
        sock = socket.create_connection((sim.host, sim.port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = paramiko.Transport(sock)
        try:
            self.transport.start_client(timeout=10)
            if "key" in login:
                self.transport.auth_publickey(user, login["key"])
            else:
                self.transport.auth_password(user, login.get("password", "passw0rd"))
        except BaseException:
            self.transport.close()
            raise

    def send(self, line: str) -> paramiko.Channel:
        """Send a line and do not wait for its answer."""
        channel = self.transport.open_session(timeout=10)
        channel.settimeout(10)
        channel.exec_command(line)
        return channel

    def __call__(self, line: str) -> Printed:
        return answer(self.send(line))

    def close(self) -> None:
        self.transport.close()


def answer(channel: paramiko.Channel) -> Printed:
    """Everything that a channel sends until it closes."""
    with channel, channel.makefile("rb") as out, channel.makefile_stderr("rb") as err:
        stdout, stderr = out.read(), err.read()
        return Printed(stdout.decode(errors="replace"), stderr.decode(errors="replace"), channel.recv_exit_status())


Start = Callable[..., Simulator]
Open = Callable[..., Shell]
