"""The SSH side: logins, sessions and their limits, and a port that goes away and comes back."""

import asyncio
import contextlib
import io
import socket
import threading
from pathlib import Path

import asyncssh
import paramiko
import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start
from support.stand import until


def refused(sim: Simulator) -> bool:
    with socket.socket() as sock:
        sock.settimeout(5)
        return sock.connect_ex((sim.host, sim.port)) != 0


def key(kind: str) -> paramiko.PKey:
    if kind == "rsa":
        return paramiko.RSAKey.generate(2048)
    return paramiko.ECDSAKey.generate()


def test_the_right_password_logs_in_and_a_wrong_one_does_not(either: Simulator, log_in: Open) -> None:
    assert log_in(either)("svcinfo lsvdisk").status == 0
    with pytest.raises(paramiko.AuthenticationException):
        log_in(either, password="wrong")
    with pytest.raises(paramiko.AuthenticationException):
        log_in(either, "unknown")


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_key_of_the_user_logs_in_and_nothing_else_does(kind: str, start: Start, log_in: Open) -> None:
    mine, other = key(kind), key(kind)
    users = [{"name": "superuser", "keys": [f"{mine.get_name()} {mine.get_base64()}"]}]
    simulator = start({"users": users})

    assert log_in(simulator, key=mine)("lsvdisk").status == 0
    with pytest.raises(paramiko.AuthenticationException):
        log_in(simulator, key=other)
    with pytest.raises(paramiko.AuthenticationException):
        log_in(simulator, password="passw0rd")


def test_a_changed_password_applies_from_the_next_login_on(either: Simulator, log_in: Open) -> None:
    before = log_in(either)
    either.control.change("user", "superuser", password="n3w")

    assert before("svcinfo lsvdisk").status == 0
    with pytest.raises(paramiko.AuthenticationException):
        log_in(either)
    assert log_in(either, password="n3w")("svcinfo lsvdisk").status == 0


def test_the_host_key_is_the_reported_one_and_can_change(either: Simulator, log_in: Open) -> None:
    def seen() -> str:
        shown = log_in(either).transport.get_remote_server_key()
        return f"{shown.get_name()} {shown.get_base64()}"

    first = either.host_key
    assert seen() == first
    changed = either.control.change("host_key")["host_key"]
    assert seen() == changed == either.host_key != first


def test_the_host_key_can_come_from_a_file(tmp_path: Path, start: Start, log_in: Open) -> None:
    text = io.StringIO()
    mine = paramiko.ECDSAKey.generate()
    mine.write_private_key(text)
    (tmp_path / "key").write_text(text.getvalue())

    simulator = start(host_key_file=tmp_path / "key")

    assert simulator.host_key == f"{mine.get_name()} {mine.get_base64()}"
    assert log_in(simulator)("lsvdisk").status == 0


async def test_a_session_above_the_limit_is_closed_right_after_its_login(either: Simulator, log_in: Open) -> None:
    either.control.change("limits", sessions=3, other_sessions=1)
    first, second = log_in(either), log_in(either)

    # AsyncSSH reports a successful login and then the close; Paramiko may report the two as a failed login.
    async with asyncssh.connect(
        either.host, either.port, username="superuser", password="passw0rd", known_hosts=None
    ) as third:
        await asyncio.wait_for(third.wait_closed(), 5)

    assert first("svcinfo lsvdisk").status == second("svcinfo lsvdisk").status == 0
    assert len(either.control.sessions()) == 2


def test_a_session_that_ends_frees_its_place(either: Simulator, log_in: Open) -> None:
    control = either.control
    control.change("limits", sessions=1)
    log_in(either).close()
    while control.sessions():
        control.health()

    assert log_in(either)("svcinfo lsvdisk").status == 0


def test_the_number_of_channels_of_a_connection_is_limited(shell: Shell, control: Control) -> None:
    control.change("limits", channels=1)
    fault = control.fault("hold", "lsvdisk")
    shell.send("svcinfo lsvdisk")
    control.wait(fault)

    with pytest.raises(paramiko.ChannelException) as refusal:
        shell("svcinfo lshost")
    assert refusal.value.code == 4

    control.release(fault)
    control.change("limits", channels=0)
    assert shell("svcinfo lshost").status == 0


def test_a_burst_of_connections_is_dropped(either: Simulator, log_in: Open) -> None:
    either.control.change("limits", connections_per_second=1, connection_burst=1)
    log_in(either)

    with pytest.raises((paramiko.SSHException, EOFError, ConnectionError)):
        log_in(either)


def test_connections_without_a_login_take_the_place_of_others(either: Simulator, log_in: Open) -> None:
    either.control.change("limits", unauthenticated=1)

    with socket.create_connection((either.host, either.port), timeout=5) as idle:
        assert idle.recv(4) == b"SSH-"
        with pytest.raises((paramiko.SSHException, EOFError, ConnectionError)):
            log_in(either)


def test_an_unreachable_array_refuses_and_comes_back_on_the_same_port(either: Simulator, log_in: Open) -> None:
    shell, control, port = log_in(either), either.control, either.port

    control.change("availability", "refused")
    shell.transport.join(5)
    away = refused(either), shell.transport.is_active()
    control.change("availability", "up")

    assert away == (True, False)
    assert either.port == port
    assert log_in(either)("svcinfo lsvdisk").status == 0


def test_a_silent_array_takes_connections_and_answers_nothing(either: Simulator, log_in: Open) -> None:
    shell, control = log_in(either), either.control

    control.change("availability", "silent")
    channel = shell.send("svcinfo lsvdisk")
    with socket.create_connection((either.host, either.port), timeout=5) as quiet:
        quiet.settimeout(0.05)
        with pytest.raises(TimeoutError):
            quiet.recv(1)
    assert not channel.exit_status_ready()
    control.change("availability", "up")

    assert channel.recv_exit_status() == 0
    assert log_in(either)("svcinfo lsvdisk").status == 0


def test_a_new_configuration_node_drops_every_session(either: Simulator, log_in: Open) -> None:
    sessions = [log_in(either) for _ in range(3)]

    dropped = either.control.change("config_node", "node2")["dropped"]
    for shell in sessions:
        shell.transport.join(5)

    assert dropped == 3
    assert not any(shell.transport.is_active() for shell in sessions)
    rows = log_in(either)("svcinfo lsnode -delim !").rows
    assert {row["name"]: row["config_node"] for row in rows} == {"node1": "no", "node2": "yes"}


def test_losing_the_configuration_node_moves_it(either: Simulator, log_in: Open) -> None:
    shell = log_in(either)

    either.control.change("node", "node1", status="offline")
    shell.transport.join(5)

    assert not shell.transport.is_active()
    assert either.control.state()["nodes"][1]["config_node"] == "yes"


def test_only_exec_channels_are_served(shell: Shell) -> None:
    channel = shell.transport.open_session(timeout=5)

    with pytest.raises(paramiko.SSHException):
        channel.invoke_shell()


def test_a_client_that_closes_its_side_first_is_answered(shell: Shell) -> None:
    channel = shell.send("svcinfo lsvdisk")
    channel.shutdown_write()

    assert channel.recv_exit_status() == 0


def test_it_stops_cleanly_with_commands_in_progress(either: Simulator, log_in: Open) -> None:
    control, shell = either.control, log_in(either)
    fault = control.fault("hold", "lshost")
    shell.send("svcinfo lshost")
    control.wait(fault)

    either.stop()
    either.stop()

    assert refused(either)
    assert not any(thread.name == "simulator" for thread in threading.enumerate())


@pytest.mark.parametrize("attempt", range(3))
def test_a_client_that_connects_during_the_stop_is_disconnected(start: Start, attempt: int) -> None:  # noqa: ARG001 - a race
    """A socket that stayed open would make its client wait, and CPython warn."""
    sim, clients, over = start(), [], threading.Event()

    def connect() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                clients.append(socket.create_connection((sim.host, sim.port), timeout=10))

    threads = [threading.Thread(target=connect) for _ in range(3)]
    for thread in threads:
        thread.start()
    until("clients", lambda: len(clients) > 50)
    sim.stop()
    over.set()
    for thread in threads:
        thread.join()

    for client in clients:
        with client, contextlib.suppress(ConnectionResetError):
            while client.recv(4096):
                pass


def test_a_session_above_the_limit_may_also_be_accepted_and_refused_on_stdout(either: Simulator, log_in: Open) -> None:
    either.control.change("rules", too_many_sessions="7017E")
    either.control.change("limits", sessions=1)
    first, second = log_in(either), log_in(either)

    reply = second("svctask mkhost -name a -iscsiname iqn.a")

    assert reply.stdout.startswith("CMMVC7017E Login has failed because the maximum number of concurrent CLI sessions")
    assert (reply.stderr, reply.status) == ("", 0)
    assert first("svcinfo lsvdisk").status == 0
    assert either.control.state()["hosts"] == []


@pytest.mark.parametrize("where", ["ssh", "stdout", "stderr"])
def test_a_login_message_is_shown_where_configured(where: str, either: Simulator, log_in: Open) -> None:
    either.control.change("rules", login_message="Authorised use only.", login_message_on=where)
    shell = log_in(either)

    reply = shell("svcinfo lshost")
    banner = (shell.transport.get_banner() or b"").decode()

    assert {"ssh": banner, "stdout": reply.stdout, "stderr": reply.stderr}[where].strip() == "Authorised use only."
    assert "Authorised" not in {"ssh": reply.stdout + reply.stderr, "stdout": banner, "stderr": banner}[where]
