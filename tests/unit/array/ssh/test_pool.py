"""The connections to one array: shared, as wide as the array permits, replaced when broken, closed for good."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from flashsystem_operator.array.errors import OutcomeUnknown, Unreachable, Withheld
from flashsystem_operator.array.ssh.pool import Connections
from flashsystem_operator.array.ssh.transport import Connection, Reply
from support.leaks import nothing_left_open  # noqa: F401 - an autouse fixture
from support.ssh_clients import LIMITS, LOGIN, SOON, to, who_is_there
from support.sshd import Sshd


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd() as running:
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def together(pool: ThreadPoolExecutor, array: Connections, count: int) -> list[Future[Reply]]:
    return [pool.submit(array.run, f"hold {number}") for number in range(count)]


def answers(commands: list[Future[Reply]]) -> list[str]:
    return [command.result(20).stdout.strip() for command in commands]


# -- commands in parallel --------------------------------------------------------------------------------------------


def test_no_connection_is_opened_before_the_first_line_and_one_serves_all_lines(sshd: Sshd) -> None:
    with closing(to(sshd)) as array:
        assert (sshd.knocks, array.width, array.address, array.host_key_seen) == (0, 0, None, None)

        assert [array.run(f"echo {number}").stdout for number in range(5)] == [f"{number}\n" for number in range(5)]

        assert (sshd.knocks, array.width, array.address) == (1, 4, "127.0.0.1")
        assert array.host_key_seen == sshd.lines[0]


def test_commands_run_in_parallel_on_one_connection_and_no_more_than_the_limit(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    with closing(to(sshd)) as array:
        commands = together(pool, array, 6)
        sshd.wait_for(lambda: sshd.held == 4)
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3", "4", "5"]
        assert sshd.most_held == 4
        assert sshd.knocks == 1


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_an_array_that_accepts_fewer_channels_gets_fewer_and_then_another_session(
    pool: ThreadPoolExecutor, channels: int
) -> None:
    with Sshd(channels=channels) as sshd, closing(to(sshd)) as array:
        commands = together(pool, array, 6)
        sshd.wait_for(lambda: sshd.held == min(4, 2 * channels))
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3", "4", "5"]
        assert sshd.most_held == min(4, 2 * channels)
        assert sorted(sshd.typed) == [f"hold {number}" for number in range(6)]
        assert sshd.knocks == 2


def test_with_one_session_and_one_channel_commands_wait_for_their_turn(pool: ThreadPoolExecutor) -> None:
    sshd = Sshd(channels=1)
    with sshd, closing(to(sshd, replace(LIMITS, sessions=1))) as array:
        commands = together(pool, array, 6)
        sshd.wait_for(lambda: array.width == 1)
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3", "4", "5"]
        assert sshd.knocks == 1


def test_a_new_connection_may_use_more_channels_again(pool: ThreadPoolExecutor) -> None:
    sshd = Sshd(channels=1)
    with sshd, closing(to(sshd, replace(LIMITS, sessions=1))) as array:
        commands = together(pool, array, 2)
        sshd.wait_for(lambda: array.width == 1)
        sshd.gate.set()
        answers(commands)
        sshd.channels = 10
        sshd.drop_all()

        array.run("echo again")

        assert array.width == 4


def test_no_command_is_lost_when_no_second_session_can_be_opened(pool: ThreadPoolExecutor) -> None:
    with Sshd(channels=1, sessions=1) as sshd, closing(to(sshd, greet=who_is_there)) as array:
        commands = together(pool, array, 4)
        sshd.wait_for(lambda: sshd.knocks == 2)
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3"]
        assert sshd.knocks == 2


def test_a_second_session_that_runs_no_command_is_not_used(pool: ThreadPoolExecutor) -> None:
    with Sshd(channels_in_all=1) as sshd, closing(to(sshd)) as array:
        commands = together(pool, array, 4)
        sshd.wait_for(lambda: sshd.knocks == 2 and len(sshd.live) == 1)
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3"]
        assert sshd.knocks == 2


def test_an_array_that_runs_no_command_at_all_is_unreachable() -> None:
    with Sshd(channels=0) as sshd, closing(to(sshd)) as array:
        with pytest.raises(Unreachable, match="refuses to run a command"):
            array.run("echo hello")

        assert sshd.typed == []


# -- when a connection breaks ----------------------------------------------------------------------------------------


def test_a_connection_that_broke_while_idle_is_replaced_without_an_error(sshd: Sshd) -> None:
    with closing(to(sshd)) as array:
        array.run("echo before")
        sshd.drop_all()

        assert array.run("echo after").stdout == "after\n"
        assert sshd.typed == ["echo before", "echo after"]


def test_a_line_not_typed_before_the_connection_broke_is_typed_once_on_a_new_one(sshd: Sshd) -> None:
    with closing(to(sshd)) as array:
        sshd.cuts = 1
        assert array.run("echo in the end").stdout == "in the end\n"
        assert sshd.typed == ["echo in the end"]

        sshd.drop_all()
        sshd.cuts = 2
        with pytest.raises(Unreachable):
            array.run("echo never")
        assert "echo never" not in sshd.typed


@pytest.mark.parametrize("line", ["vanish", "mute", "overtake"])
def test_a_line_that_was_typed_is_never_typed_again(sshd: Sshd, line: str) -> None:
    with closing(to(sshd)) as array:
        with pytest.raises(OutcomeUnknown):
            array.run(line)

        assert sshd.typed == [line]
        assert array.run("echo go on").stdout == "go on\n"


def test_a_hung_command_ends_its_own_connection_and_no_other(pool: ThreadPoolExecutor) -> None:
    with Sshd(channels=1) as sshd, closing(to(sshd, replace(LIMITS, concurrent_commands=2))) as array:
        steady = pool.submit(array.run, "hold steady")
        sshd.wait_for(lambda: len(sshd.typed) == 1)

        with pytest.raises(OutcomeUnknown, match="no answer within"):
            array.run("drip", timeout=SOON)
        sshd.wait_for(lambda: len(sshd.live) == 1)
        sshd.gate.set()

        assert steady.result(20).stdout == "steady\n"
        assert sshd.knocks == 2


def test_commands_next_to_a_hung_one_have_an_unknown_outcome_that_names_the_reason(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    with closing(to(sshd)) as array:
        neighbour = pool.submit(array.run, "hold on")
        sshd.wait_for(lambda: len(sshd.typed) == 1)

        with pytest.raises(OutcomeUnknown):
            array.run("drip", timeout=SOON)

        with pytest.raises(OutcomeUnknown, match=r"given up .*`drip` was not answered in time"):
            neighbour.result(20)


def test_commands_that_wait_for_a_connection_share_its_failure(
    sshd: Sshd, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, waiting = threading.Barrier(2, timeout=20), threading.Semaphore(0)
    real_wait = threading.Condition.wait

    def slow(*_: object) -> None:
        connecting.wait()
        raise Unreachable("no route")

    def counted_wait(condition: threading.Condition, timeout: float | None = None) -> bool:
        if condition is array._changed:  # noqa: SLF001 - to know that the others are waiting
            waiting.release()
        return real_wait(condition, timeout)

    monkeypatch.setattr(Connection, "open", slow)
    monkeypatch.setattr(threading.Condition, "wait", counted_wait)
    with closing(to(sshd)) as array:
        commands = [pool.submit(array.run, "echo hello") for _ in range(4)]
        for _ in range(3):
            assert waiting.acquire(timeout=20)
        connecting.wait()

        for command in commands:
            with pytest.raises(Unreachable, match="no route"):
                command.result(20)
    assert sshd.knocks == 0


# -- draining and closing --------------------------------------------------------------------------------------------


def test_after_closing_nothing_is_typed_or_opened(sshd: Sshd) -> None:
    array = to(sshd)
    array.run("echo before")

    array.close()

    with pytest.raises(Unreachable, match="were closed"):
        array.run("echo after")
    sshd.wait_for(lambda: not sshd.live)
    assert (sshd.typed, sshd.knocks) == (["echo before"], 1)
    array.close()


def test_closing_ends_commands_in_progress_and_those_that_wait(sshd: Sshd, pool: ThreadPoolExecutor) -> None:
    array = to(sshd, replace(LIMITS, concurrent_commands=1))
    running = pool.submit(array.run, "hold on")
    sshd.wait_for(lambda: len(sshd.typed) == 1)
    waiting = pool.submit(array.run, "hold later")

    array.close()

    with pytest.raises(OutcomeUnknown):
        running.result(20)
    with pytest.raises(Unreachable, match="were closed"):
        waiting.result(20)
    assert sshd.typed == ["hold on"]


def test_draining_waits_for_commands_in_progress_and_types_nothing_more(sshd: Sshd, pool: ThreadPoolExecutor) -> None:
    array = to(sshd, replace(LIMITS, concurrent_commands=2))
    running = together(pool, array, 2)
    sshd.wait_for(lambda: len(sshd.typed) == 2)
    waiting = pool.submit(array.run, "echo waited for its turn")

    array.drain()

    with pytest.raises(Withheld, match="no more commands"):
        waiting.result(20)
    with pytest.raises(Withheld, match="no more commands"):
        array.run("echo came later")
    sshd.gate.set()
    assert answers(running) == ["0", "1"]
    assert sorted(sshd.typed) == ["hold 0", "hold 1"]
    array.close()


def test_after_a_drain_only_lines_that_finish_a_sent_command_are_typed(sshd: Sshd) -> None:
    array = to(sshd, LIMITS)
    array.run("echo sent")
    array.drain()

    with array.finishing():
        assert array.run("echo what it did").status == 0
    with pytest.raises(Withheld, match="no more commands"):
        array.run("echo came later")
    assert sshd.typed == ["echo sent", "echo what it did"]
    array.close()


def test_finishing_a_command_takes_no_longer_than_the_command_itself_could(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    """All lines that finish a command share the time limit of one command, counted from the drain."""
    array = to(sshd, replace(LIMITS, command_timeout=3))
    array.run("echo sent")
    drained = time.monotonic()
    array.drain()

    def finish() -> None:
        with array.finishing():
            time.sleep(1.5)
            with array.finishing():
                array.run("echo what it did")
            with pytest.raises(OutcomeUnknown):
                array.run("hold its undoing")
            with pytest.raises(Withheld, match="no more commands"):
                array.run("echo too late")

    pool.submit(finish).result(20)
    assert 2.5 < time.monotonic() - drained < 4.3  # and not the 4.5 of a time limit for each line
    assert sshd.typed == ["echo sent", "echo what it did", "hold its undoing"]
    array.close()


def test_a_command_that_waits_for_its_channel_during_a_drain_is_not_typed(sshd: Sshd, pool: ThreadPoolExecutor) -> None:
    array = to(sshd)
    frozen = pool.submit(array.run, "freeze")
    sshd.wait_for(lambda: len(sshd.typed) == 1)
    command = pool.submit(array.run, "echo too late")  # its channel is not opened while the array is frozen

    array.drain()
    sshd.gate.set()

    with pytest.raises(Withheld, match="no more commands"):
        command.result(20)
    assert sshd.typed == ["freeze"]
    array.close()
    with pytest.raises(OutcomeUnknown):
        frozen.result(20)


def test_a_connection_that_is_still_being_opened_when_all_are_closed_is_closed_too(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    greeting, closed = threading.Event(), threading.Event()

    def slow(_: Callable[[str], Reply]) -> None:
        greeting.set()
        assert closed.wait(20)

    array = to(sshd, greet=slow)
    command = pool.submit(array.run, "echo too late")
    assert greeting.wait(20)
    array.close()
    closed.set()

    with pytest.raises(Unreachable, match="were closed"):
        command.result(20)
    sshd.wait_for(lambda: not sshd.live)
    assert sshd.typed == []


def test_the_log_shows_lines_as_masked_by_the_caller(sshd: Sshd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="flashsystem_operator")

    with closing(to(sshd)) as array:
        array.run("echo chapsecret hunter2", shown="echo chapsecret ***")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("flashsystem_operator")]
    assert any("`echo chapsecret ***` ended with 0" in message for message in ours)
    assert not any("hunter2" in message or str(LOGIN.password) in message for message in ours)
