"""One SSH connection to an array: opening it, and running a line on it.

The errors show whether a command may have run:

    NotTyped          the connection broke before the line was sent: it may be sent on another one
    └── NoChannel     the array refused one more channel or CLI session; the connection is good
    OutcomeUnknown    from passing the request to the network until its whole answer is received

A command without an answer is ended by closing the connection, since that is the only way to end it on the array.
Other commands that run on the same connection then have an unknown outcome too.
"""

import io
import logging
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Self

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from flashsystem_operator.array.errors import HostKeyMismatch, LoginRefused, OutcomeUnknown, Unreachable
from flashsystem_operator.array.ssh.credentials import HostKey, Login, Trust

MAX_ANSWER = 64 * 2**20
"""Maximum bytes of one answer. A listing of ten thousand volumes has about three million."""

_NO_SESSION = re.compile(r"^\s*CMMVC7017E\b", re.MULTILINE)
"""Some code levels accept the SSH login and refuse the CLI session, on stdout with status 0, maybe after a banner.

The text is "Login has failed", but the password is not the reason. Source: array-cli facts 1.5.
"""

_FREEING = 0.1
"""Seconds until the array has released a closed channel."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The output and exit status of a command. The output may contain secrets, so it is not part of the repr.

    seconds: from requesting a channel until the whole answer was received; None if not measured.
    """

    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    status: int
    seconds: float | None = field(default=None, compare=False)


def unconditionally() -> None:
    """Permit every line."""


class NotTyped(Unreachable):
    """The connection ended before the line was sent. It may be sent on another one."""


class NoChannel(NotTyped):
    """The array refused one more channel or CLI session. Nothing was run; the connection is good."""


class _CutOffError(Exception):
    """The answer is incomplete."""


class Connection:
    """An open session on the array. Commands may run in parallel, each on its own channel.

    address: of the array. host_key: the key of the array.
    """

    def __init__(self, transport: paramiko.Transport, address: str, host_key: HostKey, limit: float) -> None:
        self.address = address
        self.host_key = host_key
        self._transport = transport
        self._limit = limit
        self._answered = False
        self._given_up = ""

    @classmethod
    def open(cls, address: str, port: int, login: Login, trust: Trust, limit: float) -> Self:
        """Connect and log in, each within `limit` seconds; raises Unreachable, LoginRefused or HostKeyMismatch."""
        sock = open_socket(address, port, limit)
        transport, key = handshake(sock, login, trust, limit=limit, window=MAX_ANSWER)
        return cls(transport, address, key, limit)

    @property
    def alive(self) -> bool:
        return not self._given_up and self._transport.is_active()

    def close(self, why: str = "it was closed") -> None:
        """End the session and its commands. Idempotent and thread-safe."""
        self._given_up = self._given_up or why
        hang_up(self._transport)

    def run(self, line: str, *, shown: str, timeout: float, before: Callable[[], None] = unconditionally) -> Reply:
        """Run a line and wait at most `timeout` seconds for its whole answer.

        shown: the line for errors. before: called with an open channel, right before the line is sent; if it raises,
        nothing is sent. Raises NotTyped, NoChannel or OutcomeUnknown.
        """
        began = time.monotonic()
        try:
            channel = self._ask_for_channel()
        except NoChannel:
            # The array may not have released a channel that was just closed. Only the second refusal counts.
            time.sleep(_FREEING)
            channel = self._ask_for_channel()
        try:
            before()
        except BaseException:
            channel.close()
            raise

        def abort() -> None:
            self.close(f"`{shown}` was not answered in time")
            # If the connection ends right before paramiko waits for the reply to exec, it would wait forever.
            channel.event.set()

        deadline = Deadline(timeout, abort)
        try:
            with deadline:
                reply = _converse(channel, line)
        except Exception as error:  # noqa: BLE001 - after any error of paramiko the line may have been sent
            why = f"no answer within {timeout:g} s" if deadline.passed else self._lost(error)
            self.close(f"`{shown}` got no complete answer")
            raise OutcomeUnknown(shown, why) from None
        self._answered = True
        if _NO_SESSION.search(reply.stdout):
            raise NoChannel(f"it accepts the login and refuses a CLI session (CMMVC7017E): {TOO_MANY_SESSIONS}")
        return replace(reply, seconds=time.monotonic() - began)

    def _ask_for_channel(self) -> paramiko.Channel:
        late = f"it opened no channel within {self._limit:g} s"
        try:
            with Deadline(self._limit, lambda: self.close(late)):
                channel = self._transport.open_session(timeout=float("inf"))
        except Exception as error:  # noqa: BLE001 - paramiko raises any error of its thread
            if self.alive:
                raise NoChannel(f"it accepts the login, but refuses to run a command ({error})") from None
            raise NotTyped(self._lost(error)) from None
        if not self.alive:
            raise NotTyped(self._lost(EOFError()))
        return channel

    def _lost(self, error: Exception) -> str:
        if self._given_up:
            return f"the connection was given up ({self._given_up})"
        if not self._answered and not self._transport.is_active():
            return SESSION_TABLE_FULL
        if isinstance(error, _CutOffError):
            return str(error)
        return f"the connection was lost ({str(error) or 'it was closed'})"


def _converse(channel: paramiko.Channel, line: str) -> Reply:
    channel.exec_command(line)
    # The window of the channel is larger than any answer, so stderr cannot block the command while stdout is read.
    stdout = _read(channel.recv)
    stderr = _read(channel.recv_stderr)
    status = channel.recv_exit_status()
    # A status may overtake output, and paramiko shows a lost connection as an end of output. Only the array's own end
    # of data or closing of the channel sets one of these. (So this code must never send an EOF.)
    if not (channel.eof_received or channel.eof_sent):
        raise _CutOffError("the connection was lost in the middle of the answer")
    if status < 0:
        raise _CutOffError("the array closed the channel without an exit status")
    # Close the channel after the array has, so that the array has released it before the next one is requested.
    channel.event.clear()
    if not channel.closed:
        channel.event.wait(_FREEING)
    channel.close()
    return Reply(stdout.decode(errors="replace"), stderr.decode(errors="replace"), status)


def _read(receive: Callable[[int], bytes]) -> bytearray:
    answer = bytearray()
    while some := receive(2**16):
        answer += some
        if len(answer) > MAX_ANSWER:
            raise _CutOffError(f"the answer is longer than {MAX_ANSWER} bytes")
    return answer


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
            # A command is a few small packets; Nagle's algorithm would delay each until the one before is acknowledged.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    if isinstance(problem, TimeoutError):
        reason = (
            f"no answer within {limit:g} s: check the address, the routes and firewalls to it, and the array's power"
        )
    elif isinstance(problem, ConnectionRefusedError):
        reason = f"nothing listens on port {port}: check the port, and that this is a management address"
    elif isinstance(problem, ConnectionError):
        reason = not_ssh(HUNG_UP)  # accepted and dropped at once: the handshake would report the same
    else:
        reason = _error_text(problem)
    raise Unreachable(reason)


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
        # paramiko reports a refusal and a lost connection as the same error. Its login handler shows the difference: it
        # clears the user name when the server refuses.
        handler = transport.auth_handler
        if handler is None or not handler.is_authenticated():
            if handler is not None and handler.username is None:
                raise LoginRefused(
                    f"it refused {login.username!r} with {way}: check the Secret and the user on the array"
                ) from None
            raise Unreachable(
                f"it aborted the login ({_first_line(error)}): more than 3 logins at a time, "
                "or a key type it does not know"
            ) from None
    else:
        if further:
            raise LoginRefused(f"it requires more from {login.username!r} than {way}: {', '.join(further)}")
    if not transport.is_active():
        raise Unreachable(SESSION_TABLE_FULL)


def _prove(transport: paramiko.Transport, login: Login) -> list[str]:
    proof = login.proof()
    if not isinstance(proof, str):
        key: paramiko.PKey
        if isinstance(proof, RSAPrivateKey):
            key = paramiko.RSAKey(key=proof)
        elif isinstance(proof, EllipticCurvePrivateKey):
            key = paramiko.ECDSAKey(vals=(proof, proof.public_key()))
        else:
            text = proof.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
            key = paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))
        return transport.auth_publickey(login.username, key)
    try:
        return transport.auth_password(login.username, proof, fallback=False)
    except paramiko.BadAuthenticationType as error:
        if "keyboard-interactive" not in error.allowed_types:
            raise
    # Some servers request the password only in a dialogue. Every other question gets an empty answer.
    return transport.auth_interactive(
        login.username, lambda _title, _text, asked: [proof if not echo else "" for _, echo in asked]
    )


def _first_line(error: Exception) -> str:
    """Return the same text for the same cause, since a text that changes would update the status each time."""
    text = str(error)
    hung_up = text == _NO_BANNER or (text.startswith(_NO_BANNER) and "Errno" in text)
    if hung_up or isinstance(error, EOFError | ConnectionError):
        return HUNG_UP
    return text or type(error).__name__
