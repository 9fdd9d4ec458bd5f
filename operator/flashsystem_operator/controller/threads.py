"""Blocking work in threads, awaited to its end whatever happens to the one who waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
    """Run `work` in that pool. Each array has its own, so that one that hangs keeps no other waiting.

    A thread cannot be interrupted. Cancelled meanwhile, however often, this waits until the work is over, and then
    raises CancelledError: nothing that was begun is still under way when the caller goes on. Whoever cancels has to
    see to it that the work ends (`Session.drain`).
    """
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # the work has recorded what matters of it; nothing awaits the rest any more
        raise cancelled
    return future.result()
