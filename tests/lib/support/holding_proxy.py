"""A proxy that holds a request, or its answer, for as long as a test likes."""

import asyncio
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiohttp import web

from support.proxy import Relay, cut, streamed

When = Literal["before", "after"]


@dataclass(eq=False)
class Held:
    """An order to hold one request. before: it has not reached the API server; after: it was done, unanswered."""

    method: str
    path: re.Pattern[str]
    when: When
    skip: int
    _loop: asyncio.AbstractEventLoop
    _caught: threading.Event = field(default_factory=threading.Event)
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)
    _dropped: bool = False

    def wait(self, seconds: float = 120) -> None:
        """Wait until it holds something."""
        assert self._caught.wait(seconds), f"no {self.method} of {self.path.pattern} came within {seconds} s"

    def release(self) -> None:
        """Let it go on, whether or not its client still waits for the response."""
        self._loop.call_soon_threadsafe(self._let_go.set)

    def drop(self) -> None:
        """Lose it: a request that has not reached the API server never will."""
        self._dropped = True
        self.release()

    def matches(self, request: web.Request) -> bool:
        """Whether this is the one. Each that is not yet is counted."""
        if self._caught.is_set() or request.method != self.method or not self.path.search(request.path):
            return False
        self.skip -= 1
        return self.skip < 0

    async def passes(self, at: When) -> bool:
        """Keep the request if it is to be held there; return whether it may go on."""
        if self.when != at:
            return True
        self._caught.set()
        await self._let_go.wait()
        return not self._dropped


class Holds:
    """The orders to hold requests of one client, which are served in this event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._orders: list[Held] = []

    def hold(self, path: str, when: When = "before", method: str = "PATCH", skip: int = 0) -> Held:
        """Hold the next request to a path in which this regular expression is found, after letting `skip` pass."""
        order = Held(method, re.compile(path), when, skip, self._loop)
        self._orders.append(order)
        return order

    def of(self, request: web.Request) -> Held | None:
        """Return the order to hold this request, if there is one."""
        return next((each for each in self._orders if each.matches(request)), None)

    def drop(self) -> None:
        """Lose everything that is held."""
        for order in self._orders:
            order.drop()


class Holding(Relay):
    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self.holds = Holds(self.thread.loop)

    def __exit__(self, *failure: object) -> None:
        self.holds.drop()
        super().__exit__(*failure)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        order = self.holds.of(request)
        if order and not await order.passes("before"):
            return cut(request)
        async with self.asked(request, body) as answer:
            if order and not await order.passes("after"):
                return cut(request)
            return await streamed(request, answer)


__all__ = ["Held", "Holding", "Holds", "When"]
