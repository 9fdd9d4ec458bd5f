"""When which key is due. The clock is the test's; only the wait for a first key is real, and ends by an event."""

import asyncio
from itertools import pairwise

import pytest

from flashsystem_operator.controller.workqueue import Backoff, DelayQueue
from support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> DelayQueue[str]:
    return DelayQueue(clock)


async def taken(queue: DelayQueue[str], most: int = 10) -> list[str]:
    return await asyncio.wait_for(queue.batch(most, window=0), timeout=10)


async def test_a_key_is_there_once_at_the_earliest_time_that_was_asked_for(
    queue: DelayQueue[str], clock: Clock
) -> None:
    queue.put("a", 50)
    queue.put("a", 5)
    queue.put("a", 500)
    queue.put("b", 20)
    clock.now += 10

    assert await taken(queue) == ["a"]
    assert len(queue) == 1


async def test_those_that_waited_longest_come_first_and_the_rest_stays(queue: DelayQueue[str], clock: Clock) -> None:
    queue.put("last", 3)
    queue.put("first", 1)
    queue.put("second", 2)
    clock.now += 10

    assert await taken(queue, most=2) == ["first", "second"]
    assert await taken(queue) == ["last"]


async def test_a_key_that_was_taken_may_come_again(queue: DelayQueue[str]) -> None:
    queue.put("a")
    assert await taken(queue) == ["a"]
    queue.put("a")
    assert await taken(queue) == ["a"]


async def test_a_new_key_ends_the_wait_for_a_later_one(queue: DelayQueue[str]) -> None:
    queue.put("later", 3600)
    waiting = asyncio.create_task(taken(queue))
    await asyncio.sleep(0)
    queue.put("now")

    assert await waiting == ["now"]


async def test_a_key_that_is_put_into_an_empty_queue_ends_the_wait(queue: DelayQueue[str]) -> None:
    waiting = asyncio.create_task(taken(queue))
    await asyncio.sleep(0)
    queue.put_all(["now"])

    assert await waiting == ["now"]


async def test_what_comes_within_the_window_comes_along(queue: DelayQueue[str]) -> None:
    queue.put("first")
    waiting = asyncio.create_task(queue.batch(10, window=0.01))
    await asyncio.sleep(0)
    queue.put("kin")

    assert await waiting == ["first", "kin"]


async def test_a_key_that_was_given_up_does_not_come(queue: DelayQueue[str]) -> None:
    queue.put_all(["a", "b"])
    queue.discard("a")
    queue.discard("never there")

    assert await taken(queue) == ["b"]


def test_waits_double_up_to_the_longest_and_never_end() -> None:
    backoff = Backoff[str](first=1, longest=60)

    waits = [backoff.failed("a") for _ in range(2000)]

    assert 1 <= waits[0] <= 2
    assert all(later <= 4 * sooner for sooner, later in pairwise(waits[:5]))
    assert all(30 <= wait <= 60 for wait in waits[6:])


def test_waits_differ_so_that_not_all_come_back_at_once() -> None:
    assert len({Backoff[str]().failed("a") for _ in range(20)}) > 1


def test_one_that_fails_holds_up_no_other_and_is_forgiven_at_success() -> None:
    backoff = Backoff[str](first=1, longest=60)
    for _ in range(10):
        backoff.failed("a")

    assert backoff.failed("b") <= 2
    backoff.forget("a")
    backoff.forget("never failed")
    assert backoff.failed("a") <= 2
