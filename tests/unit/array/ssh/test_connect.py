"""Opening a connection: greeted before use, at the first address that works, with the trusted host key."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import pairwise

import pytest

from flashsystem_operator.array.errors import HostKeyMismatch, LoginRefused, OtherSystem, Unreachable
from flashsystem_operator.array.ssh.credentials import BadCredentials, BadHostKey
from flashsystem_operator.array.ssh.pool import Connections, Pace
from flashsystem_operator.array.ssh.transport import Reply
from support.leaks import nothing_left_open  # noqa: F401 - an autouse fixture
from support.ssh_clients import LIMITS, LOGIN, endpoint, no_greeting, to, who_is_there
from support.sshd import Sshd


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd() as running:
        yield running


# -- greeting --------------------------------------------------------------------------------------------------------


def test_every_new_connection_is_greeted_before_any_other_line_is_typed(sshd: Sshd) -> None:
    with closing(to(sshd, greet=who_is_there)) as array:
        array.run("echo one")
        sshd.drop_all()
        array.run("echo two")

    assert sshd.typed == ["echo who", "echo one", "echo who", "echo two"]


def test_a_connection_whose_greeting_fails_is_closed_and_the_error_is_raised(sshd: Sshd) -> None:
    def refuse(_: Callable[[str], Reply]) -> None:
        raise OtherSystem("A", "B")

    with closing(to(sshd, greet=refuse)) as array:
        with pytest.raises(OtherSystem):
            array.run("echo one")

        sshd.wait_for(lambda: not sshd.live)
        assert sshd.typed == []
        assert array.host_key_seen is None


def test_a_session_lost_during_the_greeting_leaves_no_outcome_unknown(sshd: Sshd) -> None:
    def greet(run: Callable[[str], Reply]) -> None:
        run("vanish")

    with closing(to(sshd, greet=greet)) as array, pytest.raises(Unreachable, match=r"127\.0\.0\.1: the session ended"):
        array.run("mkvdiskhostmap")

    assert sshd.typed == ["vanish"]


def test_a_session_closed_right_after_login_points_at_the_session_table() -> None:
    with (
        Sshd(sessions=0) as sshd,
        closing(to(sshd, greet=who_is_there)) as array,
        pytest.raises(Unreachable, match="session table"),
    ):
        array.run("echo one")


# -- addresses and keys ----------------------------------------------------------------------------------------------


def test_the_second_address_is_used_when_the_first_fails(sshd: Sshd) -> None:
    both = endpoint(sshd, addresses=("127.0.0.9", "127.0.0.1"))

    with closing(Connections(both, LOGIN, LIMITS, no_greeting)) as array:
        assert array.run("echo here").stdout == "here\n"
        assert array.address == "127.0.0.1"


def test_an_unreachable_array_is_described_address_by_address(sshd: Sshd) -> None:
    neither = endpoint(sshd, addresses=("127.0.0.9", "no-such-array.invalid"))

    with closing(Connections(neither, LOGIN, LIMITS, no_greeting)) as array, pytest.raises(Unreachable) as unreachable:
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
        closing(Connections(twice, replace(LOGIN, password="wrong"), LIMITS, no_greeting)) as array,
        pytest.raises(LoginRefused, match=r"^127\.0\.0\.1: it refused 'superuser'"),
    ):
        array.run("echo hello")

    assert sshd.logins == ["password"]


def test_the_host_key_trusted_on_first_use_is_enforced_afterwards() -> None:
    with Sshd() as sshd, closing(Connections(endpoint(sshd, first_use=True), LOGIN, LIMITS, no_greeting)) as array:
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


def test_unusable_endpoints_and_logins_are_refused_before_any_connection_is_opened(sshd: Sshd) -> None:
    with pytest.raises(BadHostKey):
        Connections(replace(endpoint(sshd), host_keys=("nonsense",)), LOGIN, LIMITS, no_greeting)
    with pytest.raises(BadCredentials):
        Connections(endpoint(sshd), replace(LOGIN, private_key="nonsense"), LIMITS, no_greeting)

    assert sshd.knocks == 0


# -- the rate of new connections -------------------------------------------------------------------------------------


def test_connection_attempts_are_spaced_apart() -> None:
    now = 100.0
    pace = Pace(per_second=4, clock=lambda: now)
    begins = [now + pace.delay() for _ in range(4)]

    assert begins[0] == now
    assert all(later - earlier == 0.25 for earlier, later in pairwise(begins))

    now = 200.0
    assert pace.delay() == 0
