"""Run blocking work in threads, and await its end even if the caller is cancelled."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
