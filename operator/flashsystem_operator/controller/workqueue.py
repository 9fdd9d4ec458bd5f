"""The work queue, which holds each key once with the time when it is due, and the back-off after failures.

Blocking work, such as reading an array, is done in threads of a pool: see `in_thread`.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key")

Clock = Callable[[], float]


@dataclass(slots=True)
class Backoff(Generic[Key]):
    """Doubling waits with jitter, reset on success. Times in seconds.

    first: the first wait, on average. longest: no wait is longer.
    """

    first: float = 1.0
    longest: float = 60.0
    _failures: dict[Key, int] = field(default_factory=dict)

    def failed(self, key: Key) -> float:
        """Count a failure. Return the wait: between half and all of 2, 4, 8 ... x first, at most longest."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        full = min(self.longest, 2 * self.first * 2.0 ** min(count, 32))
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def forget(self, key: Key) -> None:
        self._failures.pop(key, None)


class DelayQueue(Generic[Key]):
    """Keys with the time at which each is due. A key is in it once, at the earliest requested time.

    Belongs to one event loop. A key that is taken is out of the queue: it may be put again meanwhile.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    @property
    def due(self) -> tuple[int, float]:
        """The number of due keys, and for how many seconds the oldest has been due; 0 if none is."""
        now = self._clock()
        late = [now - at for at in self._due.values() if at <= now]
        return len(late), max(late, default=0.0)

    def put(self, key: Key, delay: float = 0.0) -> None:
        """Make the key due in `delay` seconds, unless it is due before."""
        at = self._clock() + delay
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            self._changed.set()

    def put_all(self, keys: Iterable[Key], delay: float = 0.0) -> None:
        for key in keys:
            self.put(key, delay)

    def discard(self, key: Key) -> None:
        self._due.pop(key, None)

    async def batch(self, most: int, window: float) -> list[Key]:
        """Wait for the first due key, then `window` seconds for others. Return at most so many due keys."""
        while True:
            self._changed.clear()
            wait = min(self._due.values(), default=float("inf")) - self._clock()
            if wait <= 0:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if wait == float("inf") else wait):
                    await self._changed.wait()
        await asyncio.sleep(window)
        now = self._clock()
        ready = sorted((at, number) for number, at in enumerate(self._due.values()) if at <= now)[:most]
        keys = list(self._due)
        taken = [keys[number] for _, number in ready]
        for key in taken:
            del self._due[key]
        return taken


Answer = TypeVar("Answer")


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
    """Run `work` in that pool. Each array has its own pool, so that an array that hangs does not block others.

    A thread cannot be interrupted. If cancelled meanwhile, even repeatedly, this waits until the work is over, and then
    raises CancelledError: nothing is still under way when the caller continues. The code that cancels has to make sure
    that the work ends (`Session.drain`).
    """
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # mark it as retrieved: the work has recorded what matters
        raise cancelled
    return future.result()
