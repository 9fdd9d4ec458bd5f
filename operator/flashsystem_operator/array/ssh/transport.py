"""One SSH connection to an array, and running a line on it.

The errors show whether a command may have run:

    NotTyped          the connection broke before the line was sent: it may be sent on another one
    └── NoChannel     the array refused one more channel or CLI session; the connection is good
    OutcomeUnknown    from passing the request to the network until its whole answer is received

A command without an answer is ended by closing the connection, since that is the only way to end it on the array.
Other commands that run on the same connection then have an unknown outcome too.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import paramiko

from flashsystem_operator.array.errors import OutcomeUnknown, Unreachable
from flashsystem_operator.array.ssh.connect import (
    SESSION_TABLE_FULL,
    TOO_MANY_SESSIONS,
    Deadline,
    handshake,
    hang_up,
    open_socket,
)
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
        channel = self._channel()
        try:
            before()
        except BaseException:
            channel.close()
            raise
        deadline = Deadline(timeout, lambda: self._abort(channel, f"`{shown}` was not answered in time"))
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

    def _channel(self) -> paramiko.Channel:
        try:
            return self._ask_for_channel()
        except NoChannel:
            # The array may not have released a channel that was just closed. Only the second refusal counts.
            time.sleep(_FREEING)
            return self._ask_for_channel()

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

    def _abort(self, channel: paramiko.Channel, why: str) -> None:
        self.close(why)
        # If the connection ends right before paramiko waits for the reply to exec, it would wait forever.
        channel.event.set()

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
    _part(channel)
    return Reply(stdout.decode(errors="replace"), stderr.decode(errors="replace"), status)


def _read(receive: Callable[[int], bytes]) -> bytearray:
    answer = bytearray()
    while some := receive(2**16):
        answer += some
        if len(answer) > MAX_ANSWER:
            raise _CutOffError(f"the answer is longer than {MAX_ANSWER} bytes")
    return answer


def _part(channel: paramiko.Channel) -> None:
    """Close the channel after the array has, so that the array has released it before the next one is requested."""
    channel.event.clear()
    if not channel.closed:
        channel.event.wait(_FREEING)
    channel.close()
