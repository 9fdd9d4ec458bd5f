"""The connections to one array: one and kept, wide as the array lets it, renewed when it breaks, closed for good."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import pairwise

import pytest

from flashsystem_operator.array import opening
from flashsystem_operator.array.connections import Connections, Endpoint, Limits
from flashsystem_operator.array.credentials import BadCredentials
from flashsystem_operator.array.errors import HostKeyMismatch, LoginRefused, OtherSystem, OutcomeUnknown, Unreachable
from flashsystem_operator.array.hostkeys import BadHostKey
from flashsystem_operator.array.opening import Greet, Pace
from flashsystem_operator.array.transport import Reply
from support.dialing import LOGIN, SOON
from support.leaks import nothing_left_open  # noqa: F401 - works by being here
from support.sshd import Sshd

LIMITS = Limits(concurrent_commands=4, sessions=2, command_timeout=20, new_connections_per_second=1000)


def nobody_asks(run: Callable[[str], Reply]) -> None:
    """A greeting that says nothing."""


def endpoint(*sshds: Sshd, addresses: tuple[str, ...] = ("127.0.0.1",), first_use: bool = False) -> Endpoint:
    pinned = () if first_use else tuple(line for sshd in sshds for line in sshd.lines)
    return Endpoint(addresses, sshds[0].port, pinned, first_use)


def to(sshd: Sshd, limits: Limits = LIMITS, greet: Greet = nobody_asks) -> Connections:
    return Connections(endpoint(sshd), LOGIN, limits, greet)


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


# -- one connection, side by side ------------------------------------------------------------------------------------


def test_nothing_is_opened_before_the_first_line_and_one_connection_serves_them_all(sshd: Sshd) -> None:
    with closing(to(sshd)) as array:
        assert (sshd.knocks, array.width, array.address, array.host_key_seen) == (0, 0, None, None)

        assert [array.run(f"echo {number}").stdout for number in range(5)] == [f"{number}\n" for number in range(5)]

        assert (sshd.knocks, array.width, array.address) == (1, 4, "127.0.0.1")
        assert array.host_key_seen == sshd.lines[0]


def test_commands_run_side_by_side_on_one_connection_and_no_more_than_the_limit(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    with closing(to(sshd)) as array:
        commands = together(pool, array, 6)
        sshd.wait_for(lambda: len(sshd.typed) == 4)
        assert len(sshd.typed) == 4
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3", "4", "5"]
        assert sshd.knocks == 1


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_an_array_that_takes_fewer_channels_is_given_fewer_and_then_another_session(
    pool: ThreadPoolExecutor, channels: int
) -> None:
    with Sshd(channels=channels) as sshd, closing(to(sshd)) as array:
        commands = together(pool, array, 6)
        sshd.wait_for(lambda: len(sshd.typed) == min(4, 2 * channels))
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3", "4", "5"]
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


def test_a_fresh_connection_may_be_wider_again(pool: ThreadPoolExecutor) -> None:
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


def test_no_second_session_to_be_had_costs_nobody_a_command(pool: ThreadPoolExecutor) -> None:
    with Sshd(channels=1, sessions=1) as sshd, closing(to(sshd, greet=lambda run: check(run("echo who")))) as array:
        commands = together(pool, array, 4)
        sshd.wait_for(lambda: sshd.knocks == 2)
        sshd.gate.set()

        assert answers(commands) == ["0", "1", "2", "3"]
        assert sshd.knocks == 2


def test_an_array_that_runs_no_command_at_all_is_unreachable() -> None:
    with Sshd(channels=0) as sshd, closing(to(sshd)) as array:
        with pytest.raises(Unreachable, match="refuses to run a command"):
            array.run("echo hello")

        assert sshd.typed == []


# -- when a connection breaks ----------------------------------------------------------------------------------------


def test_a_connection_that_broke_while_idle_is_replaced_without_a_word(sshd: Sshd) -> None:
    with closing(to(sshd)) as array:
        array.run("echo before")
        sshd.drop_all()

        assert array.run("echo after").stdout == "after\n"
        assert sshd.typed == ["echo before", "echo after"]


def test_a_line_that_was_not_typed_when_the_connection_broke_is_typed_on_a_fresh_one_once(sshd: Sshd) -> None:
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


def test_a_hung_command_takes_its_own_connection_with_it_and_no_other(pool: ThreadPoolExecutor) -> None:
    with Sshd(channels=1) as sshd, closing(to(sshd, replace(LIMITS, concurrent_commands=2))) as array:
        steady = pool.submit(array.run, "hold steady")
        sshd.wait_for(lambda: len(sshd.typed) == 1)

        with pytest.raises(OutcomeUnknown, match="no answer within"):
            array.run("drip", timeout=SOON)
        sshd.wait_for(lambda: len(sshd.live) == 1)
        sshd.gate.set()

        assert steady.result(20).stdout == "steady\n"
        assert sshd.knocks == 2


def test_commands_beside_a_hung_one_have_an_unknown_outcome_and_are_told_why(
    sshd: Sshd, pool: ThreadPoolExecutor
) -> None:
    with closing(to(sshd)) as array:
        neighbour = pool.submit(array.run, "hold on")
        sshd.wait_for(lambda: len(sshd.typed) == 1)

        with pytest.raises(OutcomeUnknown):
            array.run("drip", timeout=SOON)

        with pytest.raises(OutcomeUnknown, match=r"given up .*`drip` was not answered in time"):
            neighbour.result(20)


# -- greeting --------------------------------------------------------------------------------------------------------


def check(reply: Reply) -> None:
    assert reply.status == 0


def test_every_fresh_connection_is_greeted_before_anything_else_is_typed(sshd: Sshd) -> None:
    with closing(to(sshd, greet=lambda run: check(run("echo who are you")))) as array:
        array.run("echo one")
        sshd.drop_all()
        array.run("echo two")

    assert sshd.typed == ["echo who are you", "echo one", "echo who are you", "echo two"]


def test_a_connection_whose_greeting_fails_is_closed_and_the_failure_passes_on(sshd: Sshd) -> None:
    def shocked(_: Callable[[str], Reply]) -> None:
        raise OtherSystem("A", "B")

    with closing(to(sshd, greet=shocked)) as array:
        with pytest.raises(OtherSystem):
            array.run("echo one")

        sshd.wait_for(lambda: not sshd.live)
        assert sshd.typed == []
        assert array.host_key_seen is None


def test_a_session_lost_during_the_greeting_leaves_no_outcome_unknown(sshd: Sshd) -> None:
    greet: Greet = lambda run: check(run("vanish"))  # noqa: E731 - shorter than a function

    with closing(to(sshd, greet=greet)) as array, pytest.raises(Unreachable, match=r"127\.0\.0\.1: the session ended"):
        array.run("mkvdiskhostmap")

    assert sshd.typed == ["vanish"]


def test_a_session_closed_right_after_login_points_at_the_session_table() -> None:
    with (
        Sshd(sessions=0) as sshd,
        closing(to(sshd, greet=lambda run: check(run("echo who")))) as array,
        pytest.raises(Unreachable, match="session table"),
    ):
        array.run("echo one")


# -- addresses and keys ----------------------------------------------------------------------------------------------


def test_the_second_address_serves_when_the_first_does_not(sshd: Sshd) -> None:
    both = endpoint(sshd, addresses=("127.0.0.9", "127.0.0.1"))

    with closing(Connections(both, LOGIN, LIMITS, nobody_asks)) as array:
        assert array.run("echo here").stdout == "here\n"
        assert array.address == "127.0.0.1"


def test_an_array_that_is_nowhere_is_described_address_by_address(sshd: Sshd) -> None:
    neither = endpoint(sshd, addresses=("127.0.0.9", "no-such-array.invalid"))

    with closing(Connections(neither, LOGIN, LIMITS, nobody_asks)) as array, pytest.raises(Unreachable) as unreachable:
        array.run("echo hello")

    first, second = str(unreachable.value).split("; ")
    assert (
        first
        == f"127.0.0.9: nothing listens on port {sshd.port}: check the port, and that this is a management address"
    )
    assert second.startswith("no-such-array.invalid: the name cannot be resolved")


def test_a_refused_login_is_not_tried_at_the_second_address(sshd: Sshd) -> None:
    twice = endpoint(sshd, addresses=("127.0.0.1", "127.0.0.1"))

    with (
        closing(Connections(twice, replace(LOGIN, password="wrong"), LIMITS, nobody_asks)) as array,
        pytest.raises(LoginRefused, match=r"^127\.0\.0\.1: it refused 'superuser'"),
    ):
        array.run("echo hello")

    assert sshd.logins == ["password"]


def test_the_key_that_was_trusted_first_is_held_on_to() -> None:
    with Sshd() as sshd, closing(Connections(endpoint(sshd, first_use=True), LOGIN, LIMITS, nobody_asks)) as array:
        array.run("echo hello")
        first, port = sshd.lines[0], sshd.port
        sshd.drop_all()
        with ExitStack() as after:
            sshd.stop_listening()
            impostor = after.enter_context(Sshd(port=port))

            with pytest.raises(HostKeyMismatch, match=r"^127\.0\.0\.1: it shows the host key") as mismatch:
                array.run("echo hello")

            assert mismatch.value.seen == impostor.lines[0]
            assert array.host_key_seen == first
            assert impostor.logins == []


def test_endpoints_and_logins_that_cannot_be_used_are_refused_before_anything_is_opened(sshd: Sshd) -> None:
    with pytest.raises(BadHostKey):
        Connections(replace(endpoint(sshd), host_keys=("nonsense",)), LOGIN, LIMITS, nobody_asks)
    with pytest.raises(BadCredentials):
        Connections(endpoint(sshd), replace(LOGIN, private_key="nonsense"), LIMITS, nobody_asks)

    assert sshd.knocks == 0


# -- connecting without haste ----------------------------------------------------------------------------------------


def test_attempts_are_kept_apart() -> None:
    now = 100.0
    pace = Pace(per_second=4, clock=lambda: now)
    begins = [now + pace.delay() for _ in range(4)]

    assert begins[0] == now
    assert all(later - earlier == 0.25 for earlier, later in pairwise(begins))

    now = 200.0
    assert pace.delay() == 0


def test_those_who_wait_for_a_connection_share_its_failure(
    sshd: Sshd, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, waiting = threading.Barrier(2, timeout=20), threading.Semaphore(0)
    real_wait = threading.Condition.wait

    def slow(*_: object) -> None:
        everybody.wait()
        raise Unreachable("no route")

    def noted(condition: threading.Condition, timeout: float | None = None) -> bool:
        if condition is array._changed:  # noqa: SLF001 - to know that the others are waiting
            waiting.release()
        return real_wait(condition, timeout)

    monkeypatch.setattr(opening.Connection, "open", slow)
    monkeypatch.setattr(threading.Condition, "wait", noted)
    with closing(to(sshd)) as array:
        commands = [pool.submit(array.run, "echo hello") for _ in range(4)]
        for _ in range(3):
            assert waiting.acquire(timeout=20)
        everybody.wait()

        for command in commands:
            with pytest.raises(Unreachable, match="no route"):
                command.result(20)
    assert sshd.knocks == 0


# -- the end ---------------------------------------------------------------------------------------------------------


def test_after_closing_nothing_is_typed_or_opened(sshd: Sshd) -> None:
    array = to(sshd)
    array.run("echo before")

    array.close()

    with pytest.raises(Unreachable, match="were closed"):
        array.run("echo after")
    sshd.wait_for(lambda: not sshd.live)
    assert (sshd.typed, sshd.knocks) == (["echo before"], 1)
    array.close()


def test_closing_lets_go_commands_under_way_and_those_that_wait(sshd: Sshd, pool: ThreadPoolExecutor) -> None:
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


def test_the_log_shows_lines_as_their_caller_masks_them(sshd: Sshd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="flashsystem_operator")

    with closing(to(sshd)) as array:
        array.run("echo chapsecret hunter2", shown="echo chapsecret ***")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("flashsystem_operator")]
    assert any("`echo chapsecret ***` ended with 0" in message for message in ours)
    assert not any("hunter2" in message or str(LOGIN.password) in message for message in ours)
