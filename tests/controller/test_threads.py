"""Work in a thread is awaited to its end, and a cancellation meanwhile is neither lost nor effective early."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from flashsystem_operator.controller.cache import in_thread


async def test_a_cancelled_wait_ends_only_with_its_work_and_as_cancelled() -> None:
    began, may_end = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        began.set()
        may_end.wait(30)
        done.append("work")

    with ThreadPoolExecutor(1) as pool:
        waiting = asyncio.create_task(in_thread(pool, work))
        await asyncio.to_thread(began.wait, 30)
        for _ in range(3):  # for example a lost Lease, a stop, and one more
            waiting.cancel()
            await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert done == ["work"]


async def test_a_group_that_is_cancelled_twice_ends_after_its_work_and_as_cancelled() -> None:
    """A Lease is lost while a command hangs, and then the operator is stopped: the stop must not be forgotten."""
    began, may_end = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(30)

    async def life(pool: ThreadPoolExecutor) -> None:
        while True:
            async with asyncio.TaskGroup() as held:
                held.create_task(in_thread(pool, work))

    with ThreadPoolExecutor(1) as pool:
        living = asyncio.create_task(life(pool))
        assert await asyncio.to_thread(began.wait, 30)
        living.cancel()
        await asyncio.sleep(0)
        living.cancel()
        may_end.set()
        await asyncio.wait({living}, timeout=30)

    assert living.cancelled()


async def test_an_exception_of_the_work_is_raised_in_the_waiting_task() -> None:
    def work() -> None:
        raise LookupError("nothing there")

    with ThreadPoolExecutor(1) as pool, pytest.raises(LookupError, match="nothing there"):
        await in_thread(pool, work)
