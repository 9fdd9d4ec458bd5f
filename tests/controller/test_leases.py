"""A Lease is held for as long as the work that it protects is under way, and no longer."""

import asyncio
from time import monotonic
from typing import Any

import pytest

from flashsystem_operator.controller.connection import Lease, LeaseTerms
from support.fake_api import FakeApi

LEASE = "/apis/coordination.k8s.io/v1/namespaces/operators/leases/array"
TIMEOUT_SECONDS = 30.0
"""The limit of each wait."""


async def renewals(api: FakeApi, more: int) -> None:
    """Wait until the Lease was written so many more times."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        for _ in range(more):
            api.wrote.clear()
            await api.wrote.wait()


class Work:
    """Work that does not end when it is cancelled, but when `may_end` is set: like a command that was sent."""

    def __init__(self) -> None:
        self.began, self.cancelled, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        self.began.set()
        while not self.may_end.is_set():
            try:
                await self.may_end.wait()
            except asyncio.CancelledError:
                self.cancelled.set()


def do_nothing() -> None:
    """Announce nothing before the work is cancelled."""


def holder(api: FakeApi) -> Any:
    return api.objects[LEASE]["spec"]["holderIdentity"]


async def test_a_lease_is_renewed_until_the_last_reply_arrived_and_can_then_be_released() -> None:
    """Otherwise it expires meanwhile, another replica takes the array over, and nothing is left to release."""
    api, work = FakeApi(), Work()
    async with api.served() as kube:
        lease = Lease(kube, "array", LeaseTerms("operators", "us", 3.0), monotonic)
        await lease.acquire()
        working = asyncio.create_task(lease.while_held(work.run(), do_nothing))
        await work.began.wait()
        working.cancel()

        await renewals(api, 2)
        assert work.cancelled.is_set()
        work.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await working
        await lease.release()

    assert holder(api) == ""


async def test_when_a_lease_is_lost_the_end_is_announced_before_the_work_is_cancelled() -> None:
    api, work, cancelled_at_end = FakeApi(), Work(), list[bool]()

    def end() -> None:
        cancelled_at_end.append(work.cancelled.is_set())

    async with api.served() as kube:
        lease = Lease(kube, "array", LeaseTerms("operators", "us", 3.0), monotonic)
        await lease.acquire()
        async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(lease.while_held(work.run(), end))
            await work.began.wait()
            api.objects[LEASE]["spec"] |= {"holderIdentity": "another"}
            api.objects[LEASE]["metadata"]["resourceVersion"] = "1"
            await work.cancelled.wait()
            work.may_end.set()

    assert cancelled_at_end == [False]
    assert not lease.valid
    assert holder(api) == "another"
