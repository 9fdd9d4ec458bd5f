"""Work of which somebody awaits the end: blocking work in a thread of one's own choice, a task that is cancelled."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


async def in_thread(hand: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
    """Run `work` in that pool. Each array has its own, so that one that hangs keeps nobody else waiting."""
    return await asyncio.get_running_loop().run_in_executor(hand, work)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it, and wait until it is over. Raises what it failed with."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
