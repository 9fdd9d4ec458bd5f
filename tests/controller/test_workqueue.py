"""When each key is due. The test sets the clock; only the wait for a first key is real, and an event ends it."""

import asyncio
from itertools import pairwise

import pytest

from flashsystem_operator.controller.cache import Backoff, DelayQueue
from support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> DelayQueue[str]:
    return DelayQueue(clock)


async def take(queue: DelayQueue[str], most: int = 10) -> list[str]:
    return await asyncio.wait_for(queue.batch(most, window=0), timeout=10)


async def test_a_key_is_in_the_queue_once_at_the_earliest_requested_time(queue: DelayQueue[str], clock: Clock) -> None:
    queue.put("a", 50)
    queue.put("a", 5)
    queue.put("a", 500)
    queue.put("b", 20)
    clock.now += 10

    assert await take(queue) == ["a"]
    assert len(queue) == 1


async def test_the_keys_that_waited_longest_come_first_and_the_rest_stays(queue: DelayQueue[str], clock: Clock) -> None:
    queue.put("last", 3)
    queue.put("first", 1)
    queue.put("second", 2)
    clock.now += 10

    assert await take(queue, most=2) == ["first", "second"]
    assert await take(queue) == ["last"]


async def test_a_key_that_was_taken_can_be_queued_again(queue: DelayQueue[str]) -> None:
    queue.put("a")
    assert await take(queue) == ["a"]
    queue.put("a")
    assert await take(queue) == ["a"]


async def test_a_new_key_ends_the_wait_for_a_later_one(queue: DelayQueue[str]) -> None:
    queue.put("later", 3600)
    waiting = asyncio.create_task(take(queue))
    await asyncio.sleep(0)
    queue.put("now")

    assert await waiting == ["now"]


async def test_a_key_that_is_put_into_an_empty_queue_ends_the_wait(queue: DelayQueue[str]) -> None:
    waiting = asyncio.create_task(take(queue))
    await asyncio.sleep(0)
    queue.put_all(["now"])

    assert await waiting == ["now"]


async def test_a_key_that_is_put_within_the_window_is_in_the_same_batch(queue: DelayQueue[str]) -> None:
    queue.put("first")
    waiting = asyncio.create_task(queue.batch(10, window=0.01))
    await asyncio.sleep(0)
    queue.put("second")

    assert await waiting == ["first", "second"]


async def test_a_discarded_key_is_not_returned(queue: DelayQueue[str]) -> None:
    queue.put_all(["a", "b"])
    queue.discard("a")
    queue.discard("never queued")

    assert await take(queue) == ["b"]


def test_delays_double_up_to_the_maximum_and_retries_never_end() -> None:
    backoff = Backoff[str](first=1, longest=60)

    delays = [backoff.failed("a") for _ in range(2000)]

    assert 1 <= delays[0] <= 2
    assert all(later <= 4 * sooner for sooner, later in pairwise(delays[:5]))
    assert all(30 <= delay <= 60 for delay in delays[6:])


def test_delays_differ_so_that_not_all_keys_are_retried_at_once() -> None:
    assert len({Backoff[str]().failed("a") for _ in range(20)}) > 1


def test_a_failing_key_delays_no_other_key_and_its_delay_is_reset_on_success() -> None:
    backoff = Backoff[str](first=1, longest=60)
    for _ in range(10):
        backoff.failed("a")

    assert backoff.failed("b") <= 2
    backoff.forget("a")
    backoff.forget("never failed")
    assert backoff.failed("a") <= 2
