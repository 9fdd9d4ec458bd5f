"""A TCP connection to an address, within a limit and set up for short questions and answers."""

import queue
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from flashsystem_operator.array.errors import Unreachable

_DEAD_AFTER = 30
"""Seconds without any sign of life from the other end's TCP before the kernel gives the connection up."""

HUNG_UP = "it closed the connection"

Target = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""One line of what getaddrinfo answers."""


def not_ssh(why: str) -> str:
    """What is said of something that takes a connection and then does not do what an SSH server would."""
    return f"it does not speak SSH as it should ({why}): check that the port is its SSH port"


def dial(address: str, port: int, limit: float) -> socket.socket:
    """Connect within `limit` seconds in all, trying each IP of a name, or raise Unreachable saying why not."""
    until = time.monotonic() + limit
    targets = _resolve(address, port, limit)
    problem: OSError = TimeoutError()
    for tried, (family, kind, protocol, _, where) in enumerate(targets):
        sock = socket.socket(family, kind, protocol)
        try:
            # Each gets its share of what is left, so that a silent first IP does not cost the second its turn.
            sock.settimeout(max(0.1, (until - time.monotonic()) / (len(targets) - tried)))
            sock.connect(where)
            _tune(sock)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise Unreachable(_in_words(problem, port, limit))


def _tune(sock: socket.socket) -> None:
    # A command is a few small packets, and Nagle's algorithm would hold each back until the one before is confirmed.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000)


def _resolve(address: str, port: int, limit: float) -> Sequence[Target]:
    """The IPs of a name. The resolver knows no time limit, so a thread waits for it and may be left behind waiting."""
    with suppress(OSError):
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    answers: queue.SimpleQueue[Sequence[Target] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(address, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve-{address}", daemon=True).start()
    try:
        answer = answers.get(timeout=limit)
    except queue.Empty:
        raise Unreachable(f"the name server did not answer within {limit:g} s") from None
    if isinstance(answer, Exception):
        raise Unreachable(f"the name cannot be resolved ({_words(answer)}): check its spelling and the DNS")
    return answer


def _in_words(problem: OSError, port: int, limit: float) -> str:
    if isinstance(problem, TimeoutError):
        return f"no answer within {limit:g} s: check the address, the routes and firewalls to it, and the array's power"
    if isinstance(problem, ConnectionRefusedError):
        return f"nothing listens on port {port}: check the port, and that this is a management address"
    if isinstance(problem, ConnectionError):
        return not_ssh(HUNG_UP)  # taken and dropped in one go: the handshake would have said so a moment later
    return _words(problem)


def _words(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
