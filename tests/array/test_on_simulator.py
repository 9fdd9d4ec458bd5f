"""The connections against the pretend array: its limits, and its faults before and after the effect."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from flashsystem_operator.array.connections import Connections, Endpoint, Limits
from flashsystem_operator.array.credentials import Login
from flashsystem_operator.array.errors import LoginRefused, OutcomeUnknown, Unreachable
from flashsystem_operator.array.transport import Reply
from flashsystem_operator.simulator import Simulator
from support.dialing import LIMITS, SOON
from support.leaks import nothing_left_open  # noqa: F401 - works by being here

MAKE_HOST = 'svctask mkhost -iscsiname iqn.1994-05.com.redhat:worker-1 -name "worker-1"'


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(dialect=request.param) as running:
        yield running


def who_is_there(run: Callable[[str], Reply]) -> None:
    assert run("svcinfo lssystem -delim !").status == 0


@contextmanager
def connected(simulator: Simulator, limits: Limits = LIMITS) -> Iterator[Connections]:
    endpoint = Endpoint((simulator.host,), simulator.port, (simulator.host_key,), trust_first_use=False)
    login = Login(simulator.user, "passw0rd", None)
    with closing(Connections(endpoint, login, limits, who_is_there)) as array:
        yield array


def hosts(simulator: Simulator) -> list[str]:
    return [host["name"] for host in simulator.control.state()["hosts"]]


def test_an_array_of_either_dialect_answers(simulator: Simulator) -> None:
    with connected(simulator) as array:
        made = array.run(MAKE_HOST)
        refused = array.run(MAKE_HOST)

    assert (made.status, made.stderr) == (0, "")
    assert (refused.status, refused.stderr[:5]) == (1, "CMMVC")


@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["worker-1"])])
@pytest.mark.parametrize("fault", ["cut", "drop"])
def test_a_lost_answer_tells_nothing_about_the_effect_and_the_line_is_typed_once(
    simulator: Simulator, fault: str, when: str, there: list[str]
) -> None:
    simulator.control.fault(fault, "mkhost", when=when)

    with connected(simulator) as array:
        with pytest.raises(OutcomeUnknown):
            array.run(MAKE_HOST)

        assert hosts(simulator) == there
        assert array.run("svcinfo lshost -delim !").status == 0
    assert sum("mkhost" in entry["line"] for entry in simulator.control.log()) == 1


def test_an_answer_that_is_held_back_too_long_ends_the_session(simulator: Simulator) -> None:
    simulator.control.fault("hold", "mkhost", when="after")

    with connected(simulator) as array:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            array.run(MAKE_HOST, timeout=SOON)

        assert hosts(simulator) == ["worker-1"]
        assert array.run("svcinfo lshost -delim !").status == 0
        assert len(simulator.control.sessions()) == 1


def test_a_login_that_is_refused_on_stdout_is_refused(simulator: Simulator) -> None:
    simulator.control.fault("login_failed_on_stdout", "lssystem")

    with connected(simulator) as array, pytest.raises(LoginRefused, match="CMMVC7017E"):
        array.run(MAKE_HOST)

    assert hosts(simulator) == []


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sessions", [1, 2])
def test_an_array_that_takes_few_channels_and_sessions_still_does_all_the_work(channels: int, sessions: int) -> None:
    config = {
        "limits": {"channels": channels, "sessions": sessions, "unauthenticated": 3, "connections_per_second": 15}
    }
    limits = replace(LIMITS, new_connections_per_second=3)

    with Simulator(config) as simulator, connected(simulator, limits) as array, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(array.run, [f"svcinfo lsvdisk -delim ! vol{number % 5}" for number in range(64)]))

        assert {reply.status for reply in replies} == {0}
        assert len(simulator.control.sessions()) <= sessions


def test_a_full_session_table_is_called_by_its_name() -> None:
    config = {"limits": {"sessions": 32, "other_sessions": 32}}

    with (
        Simulator(config) as simulator,
        connected(simulator) as array,
        pytest.raises(Unreachable, match=r"session table \(32"),
    ):
        array.run(MAKE_HOST)
