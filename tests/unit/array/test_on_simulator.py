"""The connections against the simulated array: its limits, and its faults before and after the effect."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from flashsystem_operator.array import discovery
from flashsystem_operator.array.errors import LoginRefused, OutcomeUnknown, Unreachable
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.credentials import Login
from flashsystem_operator.array.ssh.pool import Connections, Endpoint, Limits
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.simulator import Simulator
from support.leaks import nothing_left_open  # noqa: F401 - an autouse fixture
from support.ssh_clients import LIMITS, SOON

MAKE_HOST = 'svctask mkhost -iscsiname iqn.1994-05.com.redhat:worker-1 -name "worker-1"'


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(dialect=request.param) as running:
        yield running


def greet(run: Callable[[str], Reply]) -> None:
    assert run("svcinfo lssystem -delim !").status == 0


@contextmanager
def connected(simulator: Simulator, limits: Limits = LIMITS) -> Iterator[Connections]:
    endpoint = Endpoint((simulator.host,), simulator.port, (simulator.host_key,), trust_first_use=False)
    login = Login(simulator.user, "passw0rd", None)
    with closing(Connections(endpoint, login, limits, greet)) as array:
        yield array


def hosts(simulator: Simulator) -> list[str]:
    return [host["name"] for host in simulator.control.state()["hosts"]]


def test_an_array_of_either_dialect_answers(simulator: Simulator) -> None:
    with connected(simulator) as array:
        created = array.run(MAKE_HOST)
        refused = array.run(MAKE_HOST)

    assert (created.status, created.stderr) == (0, "")
    assert (refused.status, refused.stderr[:5]) == (1, "CMMVC")


@pytest.mark.parametrize(("when", "there"), [("before", []), ("after", ["worker-1"])])
@pytest.mark.parametrize("fault", ["cut", "drop"])
def test_a_lost_answer_reveals_nothing_about_the_effect_and_the_line_is_typed_once(
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


def test_an_array_without_a_cli_session_left_is_unreachable_for_a_while() -> None:
    with Simulator() as simulator, connected(simulator) as array:
        fault = simulator.control.fault("login_failed_on_stdout", times=None)
        with pytest.raises(Unreachable, match=r"CMMVC7017E.*lower spec\.limits\.sessions") as unreachable:
            array.run(MAKE_HOST)

        assert not isinstance(unreachable.value, LoginRefused)
        assert hosts(simulator) == []
        simulator.control.forget(fault)
        assert array.run("svcinfo lshost -delim !").status == 0


@pytest.mark.parametrize("width", [1, 4])
def test_a_command_that_gets_no_cli_session_is_typed_again_and_ends_no_other(width: int) -> None:
    with Simulator() as simulator, connected(simulator, replace(LIMITS, concurrent_commands=width)) as array:
        assert array.run("svcinfo lshost -delim !").status == 0
        simulator.control.fault("login_failed_on_stdout", "mkhost")

        assert array.run(MAKE_HOST).status == 0
        assert hosts(simulator) == ["worker-1"]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sessions", [1, 2])
def test_an_array_that_accepts_few_channels_and_sessions_still_runs_all_commands(channels: int, sessions: int) -> None:
    config = {
        "limits": {"channels": channels, "sessions": sessions, "unauthenticated": 3, "connections_per_second": 15}
    }
    limits = replace(LIMITS, new_connections_per_second=3)

    with Simulator(config) as simulator, connected(simulator, limits) as array, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(array.run, [f"svcinfo lsvdisk -delim ! vol{number % 5}" for number in range(64)]))

        assert {reply.status for reply in replies} == {0}
        assert len(simulator.control.sessions()) <= sessions


@pytest.mark.parametrize("where", ["stdout", "ssh"])
def test_an_array_of_8_7_with_a_login_banner_is_surveyed(where: str) -> None:
    """With management addresses in lsip and a hot spare among the nodes."""
    message = "Authorized users only!\nYour password expires in 3 days."
    rules = {"login_message": message, "login_message_on": where}
    host = {"name": "a", "ports": [{"name": "iqn.1994-05.com.redhat:a"}]}

    with Simulator({"dialect": "modern", "release": "8.7.0.0", "rules": rules, "hosts": [host]}) as simulator:
        endpoint = Endpoint((simulator.host,), simulator.port, (simulator.host_key,), trust_first_use=False)
        login = Login(simulator.user, "passw0rd", None)
        with closing(Session(lambda greeting: Connections(endpoint, login, LIMITS, greeting), None, 2)) as session:
            seen = discovery.survey(session, None)

    assert (list(seen.hosts), seen.odd) == (["a"], ())
    assert [node.status for node in seen.body.nodes] == ["online", "online", "spare"]
    assert all(portal.usable for portal in seen.body.portals)


def test_a_full_session_table_is_named_in_the_error() -> None:
    config = {"limits": {"sessions": 32, "other_sessions": 32}}

    with (
        Simulator(config) as simulator,
        connected(simulator) as array,
        pytest.raises(Unreachable, match=r"session table may be full; .* 32 SSH sessions"),
    ):
        array.run(MAKE_HOST)
