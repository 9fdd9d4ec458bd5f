"""When a login is attempted: with a new Secret, or on request; never repeatedly with one that was refused."""

import base64
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.array.errors import ArrayError
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.connection import ArrayConnection, ArrayDown
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.decision import Reason
from support import builders
from support.clock import Clock
from support.fake_api import FakeApi
from support.sshd import USER, Sshd

LOGIN = f"/api/v1/namespaces/{builders.NAMESPACE}/secrets/login"
MINUTE, HOUR = 60.0, 3600.0


class Connecting:
    """One array with repeated connection attempts. clock: measures the waits."""

    def __init__(
        self, connection: ArrayConnection, array: FlashSystemArray, api: FakeApi, clock: Clock, sshd: Sshd
    ) -> None:
        self._connection = connection
        self._array = array
        self._api = api
        self._version = 0
        self.clock = clock
        self.sshd = sshd

    def write_secret(self, **data: str) -> None:
        self._version += 1
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self._api.objects[LOGIN] = {"metadata": {"resourceVersion": str(self._version)}, "data": encoded}

    async def attempt(self, *, fresh: bool = True, requested: bool = False, by_owner: bool = False) -> ArrayDown:
        """Connect as a pass does first. The server is never a real array, so every attempt ends with an error."""
        with ThreadPoolExecutor(1) as observer_thread:
            try:
                await self._connection.reach(
                    self._array, observer_thread, fresh=fresh, requested=requested or by_owner, by_owner=by_owner
                )
            except ArrayDown as down:
                return down
            except ArrayError as error:
                return self._connection.lost(error)
        raise AssertionError("the SSH server was accepted as an array")


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd(password="right") as running:
        yield running


@pytest.fixture
async def connecting(sshd: Sshd) -> AsyncIterator[Connecting]:
    api, clock = FakeApi(), Clock()
    array = builders.array(
        management={"addresses": ["127.0.0.1"], "port": sshd.port},
        host_keys=list(sshd.lines),
        host_key_policy="Pinned",
        resync_interval="24h",
        limits={"command_timeout": "1s"},
    )
    async with api.served() as kube:
        connection = ArrayConnection(kube, Writer(kube, Cache()), clock, lambda _: None)
        yield Connecting(connection, array, api, clock, sshd)
        connection.close()


async def test_a_missing_or_malformed_secret_is_read_again_after_the_back_off(connecting: Connecting) -> None:
    missing = await connecting.attempt()
    assert (missing.decision.reason, missing.retry) == (Reason.CREDENTIALS_NOT_FOUND, None)

    connecting.write_secret(username=USER)
    malformed = await connecting.attempt()
    assert (malformed.decision.reason, malformed.retry) == (Reason.CREDENTIALS_INVALID, None)

    connecting.write_secret(username=USER, password="right")
    await connecting.attempt()
    assert connecting.sshd.logins == ["password"]


async def test_a_changed_secret_is_tried_after_the_back_off_and_a_refused_one_is_not(connecting: Connecting) -> None:
    connecting.write_secret(username=USER, password="wrong")
    refused = await connecting.attempt()
    assert (refused.decision.reason, refused.retry) == (Reason.LOGIN_FAILED, None)

    for _ in range(4):
        connecting.clock.now += MINUTE
        assert (await connecting.attempt()).decision.reason is Reason.LOGIN_FAILED
    assert len(connecting.sshd.logins) == 1

    connecting.write_secret(username=USER, password="right")
    assert (await connecting.attempt()).decision.reason is not Reason.LOGIN_FAILED
    assert len(connecting.sshd.logins) == 2


async def test_a_wrong_password_is_tried_less_and_less_often(connecting: Connecting) -> None:
    connecting.write_secret(username=USER, password="wrong")
    tried = list[float]()
    began = connecting.clock.now

    while connecting.clock.now < began + 6 * HOUR:
        before = len(connecting.sshd.logins)
        await connecting.attempt()
        tried += [(connecting.clock.now - began) / MINUTE] * (len(connecting.sshd.logins) - before)
        connecting.clock.now += 5 * MINUTE

    assert tried == [0, 5, 15, 35, 75, 135, 195, 255, 315]


async def test_a_reconcile_request_on_the_array_is_exactly_one_attempt_even_right_after_a_refusal(
    connecting: Connecting,
) -> None:
    connecting.write_secret(username=USER, password="wrong")
    await connecting.attempt()

    assert (await connecting.attempt(by_owner=True)).decision.reason is Reason.LOGIN_FAILED
    assert len(connecting.sshd.logins) == 2
    await connecting.attempt(fresh=False)
    await connecting.attempt()
    assert len(connecting.sshd.logins) == 2

    connecting.sshd.password = "wrong"  # the array's administrator sets the password that the Secret has
    assert (await connecting.attempt(by_owner=True)).decision.reason is not Reason.LOGIN_FAILED


async def test_no_reconcile_request_on_a_host_or_attachment_retries_a_refused_login(connecting: Connecting) -> None:
    """Arrays lock users out, and permission to write attachments must not be enough to cause that."""
    connecting.write_secret(username=USER, password="wrong")
    await connecting.attempt()

    for _ in range(20):
        assert (await connecting.attempt(fresh=False, requested=True)).decision.reason is Reason.LOGIN_FAILED
    assert len(connecting.sshd.logins) == 1

    connecting.write_secret(username=USER, password="right")
    assert (await connecting.attempt(fresh=False, requested=True)).decision.reason is not Reason.LOGIN_FAILED


async def test_a_reconcile_request_on_a_host_or_attachment_uses_a_secret_that_was_missing_before(
    connecting: Connecting,
) -> None:
    await connecting.attempt()
    connecting.write_secret(username=USER, password="right")

    assert (await connecting.attempt(fresh=False)).decision.reason is Reason.CREDENTIALS_NOT_FOUND
    assert (await connecting.attempt(fresh=False, requested=True)).decision.reason is not Reason.CREDENTIALS_NOT_FOUND
    assert connecting.sshd.logins == ["password"]
