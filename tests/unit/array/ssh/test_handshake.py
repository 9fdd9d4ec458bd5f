"""Authentication, host keys, and errors when there is no session: against a real SSH server of another library, and
against servers that do not speak SSH.
"""

import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from flashsystem_operator.array.errors import HostKeyMismatch, LoginRefused, Unreachable
from flashsystem_operator.array.ssh.credentials import HostKey, Login, Trust
from flashsystem_operator.array.ssh.transport import Connection, open_socket
from support.leaks import nothing_left_open  # noqa: F401 - an autouse fixture
from support.ssh_clients import ANY_KEY, KEYS, LOGIN, SOON, open_to, pinning, run
from support.sshd import CUT, USER, Sshd, line_of


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd() as running:
        yield running


@pytest.fixture
def everything_logged() -> Iterator[list[logging.LogRecord]]:
    """Collect all log records of every level."""
    records: list[logging.LogRecord] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    root, recorder = logging.getLogger(), Recorder()
    level = root.level
    root.addHandler(recorder)
    root.setLevel(logging.DEBUG)
    yield records
    root.setLevel(level)
    root.removeHandler(recorder)


# -- authentication --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_every_common_key_type_logs_in(name: str) -> None:
    login = Login(USER, None, KEYS[name].export_private_key("openssh").decode())

    with Sshd(password=None, authorized=[KEYS[name]]) as sshd, closing(open_to(sshd, login)) as connection:
        assert run(connection, "echo in").stdout == "in\n"


def test_a_key_takes_precedence_over_a_password() -> None:
    key = KEYS["ssh-ed25519"]
    both = replace(LOGIN, private_key=key.export_private_key("openssh").decode())

    with Sshd(authorized=[key]) as sshd, closing(open_to(sshd, both)):
        assert set(sshd.logins) == {"key"}


def test_a_password_requested_by_keyboard_interactive_login_is_given() -> None:
    with Sshd(dialogue=True) as sshd, closing(open_to(sshd)):
        assert sshd.logins == ["dialogue"]


def test_a_wrong_password_is_tried_once_and_never_shown(sshd: Sshd) -> None:
    with pytest.raises(LoginRefused, match="refused 'superuser' with this password") as refused:
        open_to(sshd, replace(LOGIN, password="hunter2"))

    assert sshd.logins == ["password"]
    assert "hunter2" not in str(refused.value)


def test_a_wrong_password_in_a_keyboard_interactive_login_is_also_a_refusal() -> None:
    with Sshd(dialogue=True) as sshd, pytest.raises(LoginRefused):
        open_to(sshd, replace(LOGIN, password="hunter2"))


def test_an_unknown_key_is_refused_and_the_password_is_not_tried_instead() -> None:
    unknown = KEYS["ssh-ed25519"].export_private_key("openssh").decode()

    with Sshd(authorized=[KEYS["ssh-rsa"]]) as sshd, pytest.raises(LoginRefused, match="with this key"):
        open_to(sshd, replace(LOGIN, private_key=unknown))

    assert "password" not in sshd.logins


def test_an_aborted_login_is_not_taken_for_a_refused_one(sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match="aborted the login") as cut:
        open_to(sshd, replace(LOGIN, password=CUT))

    assert not isinstance(cut.value, LoginRefused)


def test_an_array_that_accepts_only_keys_is_reported_as_such() -> None:
    with (
        Sshd(password=None, authorized=[KEYS["ssh-rsa"]]) as sshd,
        pytest.raises(LoginRefused, match="only by: publickey"),
    ):
        open_to(sshd)


# -- host keys -------------------------------------------------------------------------------------------------------


def test_of_several_host_keys_the_pinned_one_is_requested() -> None:
    with Sshd(host_keys=list(KEYS.values())) as sshd:
        for line in sshd.lines:
            only = Trust((HostKey.read(line),), first_use=False)
            with closing(open_to(sshd, trust=only)) as connection:
                assert connection.host_key.line == line


def test_an_array_with_another_host_key_than_the_pinned_one_gets_no_login(sshd: Sshd) -> None:
    with Sshd() as impostor, pytest.raises(HostKeyMismatch) as mismatch:
        open_to(impostor, trust=pinning(sshd))

    assert mismatch.value.seen == impostor.lines[0]
    assert impostor.logins == []


def test_a_host_key_of_another_type_than_the_pinned_one_is_named() -> None:
    pinned = Trust((HostKey.read(line_of(KEYS["ssh-ed25519"])),), first_use=False)

    with Sshd(host_keys=[KEYS["ssh-rsa"]]) as sshd, pytest.raises(HostKeyMismatch, match="ssh-rsa") as mismatch:
        open_to(sshd, trust=pinned)

    assert mismatch.value.seen.startswith("ssh-rsa ")


def test_any_host_key_is_accepted_with_trust_on_first_use(sshd: Sshd) -> None:
    with closing(open_to(sshd, trust=ANY_KEY)) as connection:
        assert connection.host_key.line == sshd.lines[0]


# -- when there is no session ----------------------------------------------------------------------------------------


@contextmanager
def listener(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Accept one connection without being an SSH server, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as client:
                answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def until_closed(client: socket.socket) -> None:
    while client.recv(1024):
        pass


def drip(client: socket.socket) -> None:
    with suppress(OSError):
        while True:
            client.sendall(b"still starting\r\n")
            threading.Event().wait(0.01)


def test_small_packets_are_sent_at_once() -> None:
    with listener(until_closed) as port, open_socket("127.0.0.1", port, 20) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def stall(client: socket.socket) -> None:
    client.sendall(b"SSH-2.0-OpenSSH_8.0\r\n")
    until_closed(client)


@pytest.mark.parametrize(
    "answer", [until_closed, drip, stall], ids=["silent", "never ends its banner", "silent after its banner"]
)
def test_a_server_that_does_not_complete_the_handshake_is_given_up(answer: Callable[[socket.socket], object]) -> None:
    with listener(answer) as port, pytest.raises(Unreachable, match="not done within"):
        Connection.open("127.0.0.1", port, LOGIN, ANY_KEY, SOON)


@pytest.mark.parametrize(
    "answer",
    [
        lambda client: client.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 200),
        lambda client: client.recv(1),
        lambda client: client.sendall(b"SSH-2.0-OpenSSH_8.0\r\n"),
    ],
    ids=["speaks HTTP", "hangs up", "hangs up after its banner"],
)
def test_a_server_that_does_not_speak_ssh_is_reported_as_such(answer: Callable[[socket.socket], object]) -> None:
    with listener(answer) as port, pytest.raises(Unreachable, match="does not speak SSH"):
        Connection.open("127.0.0.1", port, LOGIN, ANY_KEY, 20)


def test_a_server_that_hangs_up_in_any_way_is_reported_with_the_same_message() -> None:
    def reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    messages = set()
    for hangs_up in (reset, lambda client: client.close(), lambda client: client.shutdown(socket.SHUT_RDWR)):
        with listener(hangs_up) as port, pytest.raises(Unreachable) as unreachable:
            Connection.open("127.0.0.1", port, LOGIN, ANY_KEY, 20)
        messages.add(str(unreachable.value))

    (message,) = messages
    assert "closed the connection" in message


def test_a_closed_port_is_distinguished_from_a_wrong_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unreachable, match=f"nothing listens on port {port}"):
        Connection.open("127.0.0.1", port, LOGIN, ANY_KEY, 20)
    with pytest.raises(Unreachable, match="name cannot be resolved"):
        Connection.open("no-such-array.invalid", port, LOGIN, ANY_KEY, 20)


def test_a_full_session_table_is_named_in_the_error() -> None:
    with Sshd(sessions=0) as sshd, pytest.raises(Unreachable, match="session table"), closing(open_to(sshd)) as late:
        run(late, "echo hello")


def test_messages_of_the_ssh_library_are_not_logged(sshd: Sshd, everything_logged: list[logging.LogRecord]) -> None:
    with pytest.raises(LoginRefused):
        open_to(sshd, replace(LOGIN, password="hunter2"))
    with listener(lambda client: client.sendall(b"nonsense\r\n")) as port, pytest.raises(Unreachable):
        Connection.open("127.0.0.1", port, LOGIN, ANY_KEY, 20)

    assert not [record for record in everything_logged if record.name.startswith("paramiko")]
