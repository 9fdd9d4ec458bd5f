"""Connecting to an array: TCP connection, SSH handshake and login, each within a time limit."""

import io
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from flashsystem_operator.array.errors import HostKeyMismatch, LoginRefused, Unreachable
from flashsystem_operator.array.ssh.credentials import HostKey, Login, PrivateKey, Trust


class Deadline:
    """Calls `end` from its own thread if its block takes longer than `seconds`.

    `end` has to unblock the thread in the block, by closing what it waits for. It may be called while the block is
    being left, but never afterwards: leaving the block waits for it.
    """

    def __init__(self, seconds: float, end: Callable[[], object]) -> None:
        self.passed = False
        self._end = end
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()

    def _strike(self) -> None:
        self.passed = True
        self._end()


_DEAD_AFTER = 30
"""Seconds without a TCP acknowledgement before the kernel closes the connection."""

HUNG_UP = "it closed the connection"

Target = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""One entry of the result of getaddrinfo."""


def not_ssh(why: str) -> str:
    """Return the message for a server that accepts a connection but does not behave like an SSH server."""
    return f"it does not speak SSH as it should ({why}): check that the port is its SSH port"


def open_socket(address: str, port: int, limit: float) -> socket.socket:
    """Connect within `limit` seconds in total, trying each IP of a name; raises Unreachable with the reason."""
    until = time.monotonic() + limit
    targets = _resolve(address, port, limit)
    problem: OSError = TimeoutError()
    for tried, (family, kind, protocol, _, where) in enumerate(targets):
        sock = socket.socket(family, kind, protocol)
        try:
            # Each IP gets its share of the remaining time, so that a silent first IP leaves time for the second.
            sock.settimeout(max(0.1, (until - time.monotonic()) / (len(targets) - tried)))
            sock.connect(where)
            _tune(sock)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise Unreachable(_reason_of(problem, port, limit))


def _tune(sock: socket.socket) -> None:
    # A command is a few small packets; Nagle's algorithm would delay each until the previous one is acknowledged.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000)


def _resolve(address: str, port: int, limit: float) -> Sequence[Target]:
    """Resolve a name. The resolver has no time limit, so it runs in a thread that may outlive this call."""
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
        raise Unreachable(f"the name cannot be resolved ({_error_text(answer)}): check its spelling and the DNS")
    return answer


def _reason_of(problem: OSError, port: int, limit: float) -> str:
    if isinstance(problem, TimeoutError):
        return f"no answer within {limit:g} s: check the address, the routes and firewalls to it, and the array's power"
    if isinstance(problem, ConnectionRefusedError):
        return f"nothing listens on port {port}: check the port, and that this is a management address"
    if isinstance(problem, ConnectionError):
        return not_ssh(HUNG_UP)  # accepted and dropped at once: the handshake would report the same
    return _error_text(problem)


def _error_text(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


TOO_MANY_SESSIONS = (
    "it takes 10 CLI sessions or 32 SSH sessions, by its release, for all users together. End sessions that are no "
    "longer needed, or lower spec.limits.sessions"
)
SESSION_TABLE_FULL = (
    f"the array closed the session right after the login: its session table may be full; {TOO_MANY_SESSIONS}"
)

_KEEPALIVE = 30
"""Seconds of silence before a packet is sent, so that a firewall does not drop an idle connection."""

_NO_BANNER = "Error reading SSH protocol banner"
"""The error of paramiko if the connection ends before the server's banner; the text of the OS may follow."""

# The errors of this module report in one sentence what paramiko's threads log with tracebacks. Add a handler to this
# logger to see them.
_paramiko_log = logging.getLogger("paramiko")
_paramiko_log.addHandler(logging.NullHandler())
_paramiko_log.propagate = False


def handshake(
    sock: socket.socket, login: Login, trust: Trust, *, limit: float, window: int
) -> tuple[paramiko.Transport, HostKey]:
    """Log in over this socket within `limit` seconds. Owns the socket, and closes it on failure.

    window: bytes that a command may print before they have to be read.
    Raises Unreachable, HostKeyMismatch or LoginRefused with a reason that continues after the array's address.
    """
    transport = paramiko.Transport(sock, default_window_size=window)
    deadline = Deadline(limit, partial(hang_up, transport))
    try:
        with deadline:
            key = _exchange_keys(transport, trust, limit)
            _log_in(transport, login)
            transport.set_keepalive(_KEEPALIVE)
    except BaseException:
        hang_up(transport)
        if deadline.passed:
            raise Unreachable(f"the SSH login was not done within {limit:g} s: the array may be overloaded") from None
        raise
    return transport, key


def hang_up(transport: paramiko.Transport) -> None:
    """Close this connection with its threads, and unblock all threads that wait for it."""
    transport.close()
    transport.sock.close()
    if transport.is_alive():
        transport.join(timeout=5)
    # Otherwise the timer that paramiko sets for the handshake would keep the process from ending.
    transport.packetizer.complete_handshake()


def _exchange_keys(transport: paramiko.Transport, trust: Trust, limit: float) -> HostKey:
    # The deadline of the caller is the only limit; paramiko's own limits restart with every byte or line. That of the
    # handshake is a timer, which needs a finite time: it is longer than ours, or its end would look like a hang-up.
    transport.banner_timeout = transport.auth_timeout = float("inf")
    transport.handshake_timeout = 2 * limit
    transport.get_security_options().key_types = trust.algorithms()
    try:
        transport.start_client()
        key = HostKey(transport.get_remote_server_key().asbytes())
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise Unreachable(
            f"its SSH server is too old or too new for this client ({error}): update the array's code, or give it a "
            "current Ed25519, ECDSA or RSA host key"
        ) from None
    except Exception as error:  # noqa: BLE001 - paramiko raises any error of its thread, even struct.error
        # start_client may miss that its thread just ended, and then has no reason; the thread has it.
        raise Unreachable(not_ssh(_first_line(transport.get_exception() or error))) from None
    if objection := trust.objection(key):
        raise HostKeyMismatch(objection, key.line)
    return key


def _log_in(transport: paramiko.Transport, login: Login) -> None:
    way = "this password" if not login.private_key else "this key"
    try:
        further = _prove(transport, login)
    except paramiko.BadAuthenticationType as error:
        offered = ", ".join(error.allowed_types)
        raise LoginRefused(f"it does not let {login.username!r} log in with {way}, only by: {offered}") from None
    except Exception as error:  # noqa: BLE001 - as above
        _judge(transport, login.username, way, error)
    else:
        if further:
            raise LoginRefused(f"it requires more from {login.username!r} than {way}: {', '.join(further)}")
    if not transport.is_active():
        raise Unreachable(SESSION_TABLE_FULL)


def _judge(transport: paramiko.Transport, username: str, way: str, error: Exception) -> None:
    """Distinguish a refusal from a lost connection, which paramiko reports as the same error.

    Its login handler shows the difference: it clears the user name when the server refuses.
    """
    handler = transport.auth_handler
    if handler is not None and handler.is_authenticated():
        return
    if handler is not None and handler.username is None:
        raise LoginRefused(f"it refused {username!r} with {way}: check the Secret and the user on the array") from None
    raise Unreachable(
        f"it aborted the login ({_first_line(error)}): more than 3 logins at a time, or a key type it does not know"
    ) from None


def _prove(transport: paramiko.Transport, login: Login) -> list[str]:
    proof = login.proof()
    if not isinstance(proof, str):
        return transport.auth_publickey(login.username, _signer(proof))
    try:
        return transport.auth_password(login.username, proof, fallback=False)
    except paramiko.BadAuthenticationType as error:
        if "keyboard-interactive" not in error.allowed_types:
            raise
    # Some servers request the password only in a dialogue. Every other question gets an empty answer.
    return transport.auth_interactive(
        login.username, lambda _title, _text, asked: [proof if not echo else "" for _, echo in asked]
    )


def _signer(key: PrivateKey) -> paramiko.PKey:
    if isinstance(key, RSAPrivateKey):
        return paramiko.RSAKey(key=key)
    if isinstance(key, EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(key, key.public_key()))
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))


def _first_line(error: Exception) -> str:
    """Return the same text for the same cause, since a text that changes would update the status each time."""
    text = str(error)
    hung_up = text == _NO_BANNER or (text.startswith(_NO_BANNER) and "Errno" in text)
    if hung_up or isinstance(error, EOFError | ConnectionError):
        return HUNG_UP
    return text or type(error).__name__
