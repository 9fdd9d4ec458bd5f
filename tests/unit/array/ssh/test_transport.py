"""Typing a line on a connection, and what is known about a command without an answer."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from flashsystem_operator.array.errors import OutcomeUnknown
from flashsystem_operator.array.ssh import transport
from flashsystem_operator.array.ssh.transport import Connection, NoChannel, NotTyped, Reply
from support.leaks import nothing_left_open  # noqa: F401 - an autouse fixture
from support.ssh_clients import SOON, open_to, run
from support.sshd import Sshd


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd() as running:
        yield running


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[Connection]:
    with closing(open_to(sshd)) as opened:
        yield opened


# -- answers ---------------------------------------------------------------------------------------------------------


def test_a_command_returns_its_output_and_exit_status(connection: Connection) -> None:
    assert run(connection, "echo id!name") == Reply("id!name\n", "", 0)


def test_a_refusal_is_an_answer_and_invalid_bytes_in_it_are_replaced(connection: Connection) -> None:
    assert run(connection, "refuse") == Reply("", "CMMVC5754E L'entit\ufffd n'existe pas.\n", 1)


def test_stderr_of_megabytes_does_not_block_the_command(connection: Connection) -> None:
    reply = run(connection, f"chatter {3 * 2**20}")

    assert (reply.stdout, len(reply.stderr)) == ("after much talk\n", 3 * 2**20)


def test_a_listing_of_megabytes_arrives_complete(connection: Connection) -> None:
    assert len(run(connection, f"flood {9 * 2**20}").stdout) == 9 * 2**20 + 1


@pytest.mark.parametrize("line", ["lockout", "lockout Authorized users only!"])
def test_a_cli_session_refused_on_stdout_means_too_many_sessions_and_not_a_wrong_password(
    connection: Connection, line: str
) -> None:
    with pytest.raises(NoChannel, match=r"CMMVC7017E.*10 CLI sessions or 32 .*lower spec\.limits\.sessions"):
        run(connection, line)

    assert connection.alive


# -- no answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["hold on", "drip"])
def test_a_command_past_its_time_limit_may_have_run_and_its_session_is_ended(sshd: Sshd, line: str) -> None:
    with closing(open_to(sshd)) as connection:
        with pytest.raises(OutcomeUnknown, match="no answer within") as unknown:
            run(connection, line, timeout=SOON)

        assert unknown.value.line == line
        assert not connection.alive
        sshd.wait_for(lambda: not sshd.live)


def test_a_request_that_is_never_confirmed_may_have_run(sshd: Sshd, connection: Connection) -> None:
    with pytest.raises(OutcomeUnknown, match="no answer within"):
        run(connection, "freeze", timeout=SOON)

    sshd.gate.set()


@pytest.mark.parametrize("line", ["vanish", "mute", "overtake", "deny"])
def test_a_session_that_ends_before_the_complete_answer_leaves_the_outcome_unknown(
    connection: Connection, line: str
) -> None:
    run(connection, "echo all is well")

    with pytest.raises(OutcomeUnknown):
        run(connection, line)

    assert not connection.alive


def test_an_endless_answer_is_cut_off(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER", 2**16)

    with closing(open_to(sshd)) as connection, pytest.raises(OutcomeUnknown, match="longer than 65536 bytes"):
        run(connection, f"flood {2**20}")


def test_secrets_are_shown_as_masked_by_the_caller(connection: Connection) -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        connection.run("mute hunter2", shown="mute ***", timeout=20)

    assert "mute ***" in str(unknown.value)
    assert "hunter2" not in str(unknown.value)


def test_nothing_is_typed_on_a_connection_that_was_cut(sshd: Sshd, connection: Connection) -> None:
    sshd.drop_all()

    with pytest.raises(NotTyped):
        run(connection, "echo too late")
    assert sshd.typed == []


def test_a_refused_channel_leaves_the_connection_open() -> None:
    with Sshd(channels=0) as sshd, closing(open_to(sshd)) as connection:
        with pytest.raises(NoChannel):
            run(connection, "echo no room")

        assert connection.alive
        sshd.channels = 1
        assert run(connection, "echo room").stdout == "room\n"
        assert sshd.typed == ["echo room"]


def test_one_channel_at_a_time_is_enough_for_sequential_commands() -> None:
    with Sshd(channels=1) as sshd, closing(open_to(sshd)) as connection:
        for number in range(100):
            assert run(connection, f"echo {number}").stdout == f"{number}\n"
