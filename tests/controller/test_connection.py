"""When a login is tried: with a Secret that is new, or asked for; never over and over with one that was refused."""

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


class Reaching:
    """One array that is reached for again and again. clock: what the waits are measured by."""

    def __init__(
        self, connection: ArrayConnection, array: FlashSystemArray, api: FakeApi, clock: Clock, sshd: Sshd
    ) -> None:
        self._contacts = connection
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
        """What a pass does first. This array never turns out to be one, so that there is always something to say."""
        with ThreadPoolExecutor(1) as observer_thread:
            try:
                await self._contacts.reach(
                    self._array, observer_thread, fresh=fresh, requested=requested or by_owner, by_owner=by_owner
                )
            except ArrayDown as down:
                return down
            except ArrayError as error:
                return self._contacts.lost(error)
        raise AssertionError("it was taken for an array")


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with Sshd(password="right") as running:
        yield running


@pytest.fixture
async def reaching(sshd: Sshd) -> AsyncIterator[Reaching]:
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
        yield Reaching(connection, array, api, clock, sshd)
        connection.close()


async def test_a_secret_that_is_missing_or_malformed_is_asked_for_again_by_the_back_off(reaching: Reaching) -> None:
    missing = await reaching.attempt()
    assert (missing.decision.reason, missing.retry) == (Reason.CREDENTIALS_NOT_FOUND, None)

    reaching.write_secret(username=USER)
    malformed = await reaching.attempt()
    assert (malformed.decision.reason, malformed.retry) == (Reason.CREDENTIALS_INVALID, None)

    reaching.write_secret(username=USER, password="right")
    await reaching.attempt()
    assert reaching.sshd.logins == ["password"]


async def test_a_changed_secret_is_tried_by_the_back_off_and_a_refused_one_is_not(reaching: Reaching) -> None:
    reaching.write_secret(username=USER, password="wrong")
    refused = await reaching.attempt()
    assert (refused.decision.reason, refused.retry) == (Reason.LOGIN_FAILED, None)

    for _ in range(4):
        reaching.clock.now += MINUTE
        assert (await reaching.attempt()).decision.reason is Reason.LOGIN_FAILED
    assert len(reaching.sshd.logins) == 1

    reaching.write_secret(username=USER, password="right")
    assert (await reaching.attempt()).decision.reason is not Reason.LOGIN_FAILED
    assert len(reaching.sshd.logins) == 2


async def test_a_wrong_password_is_tried_ever_more_seldom(reaching: Reaching) -> None:
    reaching.write_secret(username=USER, password="wrong")
    tried = list[float]()
    began = reaching.clock.now

    while reaching.clock.now < began + 6 * HOUR:
        before = len(reaching.sshd.logins)
        await reaching.attempt()
        tried += [(reaching.clock.now - began) / MINUTE] * (len(reaching.sshd.logins) - before)
        reaching.clock.now += 5 * MINUTE

    assert tried == [0, 5, 15, 35, 75, 135, 195, 255, 315]


async def test_a_request_on_the_array_is_exactly_one_attempt_also_right_after_a_refusal(reaching: Reaching) -> None:
    reaching.write_secret(username=USER, password="wrong")
    await reaching.attempt()

    assert (await reaching.attempt(by_owner=True)).decision.reason is Reason.LOGIN_FAILED
    assert len(reaching.sshd.logins) == 2
    await reaching.attempt(fresh=False)
    await reaching.attempt()
    assert len(reaching.sshd.logins) == 2

    reaching.sshd.password = "wrong"  # the array's administrator sets the password that the Secret has
    assert (await reaching.attempt(by_owner=True)).decision.reason is not Reason.LOGIN_FAILED


async def test_no_request_below_the_array_has_a_refused_login_tried_again(reaching: Reaching) -> None:
    """Arrays lock users out, and who may write attachments may not be let to have that done."""
    reaching.write_secret(username=USER, password="wrong")
    await reaching.attempt()

    for _ in range(20):
        assert (await reaching.attempt(fresh=False, requested=True)).decision.reason is Reason.LOGIN_FAILED
    assert len(reaching.sshd.logins) == 1

    reaching.write_secret(username=USER, password="right")
    assert (await reaching.attempt(fresh=False, requested=True)).decision.reason is not Reason.LOGIN_FAILED


async def test_a_request_below_the_array_takes_up_a_secret_that_was_missing(reaching: Reaching) -> None:
    await reaching.attempt()
    reaching.write_secret(username=USER, password="right")

    assert (await reaching.attempt(fresh=False)).decision.reason is Reason.CREDENTIALS_NOT_FOUND
    assert (await reaching.attempt(fresh=False, requested=True)).decision.reason is not Reason.CREDENTIALS_NOT_FOUND
    assert reaching.sshd.logins == ["password"]
