"""A worker that ends, or loses a reply, at one of its writes to the array or to the API server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from flashsystem_operator.api.metadata import GROUP
from flashsystem_operator.array.errors import OutcomeUnknown
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from support.fake_api import FakeApi
from support.in_process import InProcess
from support.passes import passes
from support.proxy import cut
from support.volume_world import World, world

When = Literal["before", "after", "late"]
"""When a write that is struck takes effect: never, at once, or after the array was read again."""

IN_DOUBT_SECONDS = 200.0
"""Longer than a command without a reply may be running."""


class Ended(BaseException):
    """The process ended."""


@dataclass
class Interruption:
    """Strikes one write. at: its number, from 0; writes to the array and to the API server count. when: see `When`.

    ends: whether the worker ends there; otherwise only the reply of the array is lost, and writes to the API server do
    not count. seen: the writes so far. struck: whether it was one of them.
    """

    at: int
    when: When
    ends: bool
    seen: int = 0
    struck: bool = False

    @property
    def over(self) -> bool:
        """Whether the worker has ended."""
        return self.ends and self.struck

    def strikes(self) -> bool:
        self.seen += 1
        if self.seen - 1 == self.at:
            self.struck = True
            return True
        return False

    @web.middleware
    async def pass_on(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on to the API server, unless the worker has ended."""
        await request.read()
        if self.over:
            return cut(request)
        ours = request.method != "GET" and GROUP in request.path
        if not (ours and self.ends and self.strikes()):
            return await handler(request)
        if self.when == "after":
            await handler(request)
        return cut(request)


class Interruptible(InProcess):
    """An array whose worker may be interrupted. late: the command that takes effect when `catch_up` is called."""

    interruption: Interruption | None = None
    late = ""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        order = self.interruption
        if order is not None and order.over:
            raise Ended
        if order is None or not line.startswith("svctask") or not order.strikes():
            return super().run(line, shown=shown, before=before)
        if order.when == "after":
            super().run(line, shown=shown, before=before)
        elif order.when == "late":
            before()
            self.late = line
        raise Ended if order.ends else OutcomeUnknown(line, "the connection was lost")

    def catch_up(self) -> None:
        """Let the command take effect that is late, if there is one."""
        if self.late:
            self.admin(self.late)
            self.late = ""


@dataclass(frozen=True)
class Flow:
    """What users want of volumes, and what comes of it. before: what is there first. change: what is wanted then.

    meanwhile: what users do while the worker is away. result: asserts the outcome.
    """

    before: Callable[[World], Awaitable[Any]]
    change: Callable[[World], Any]
    result: Callable[[World], Any]
    meanwhile: Callable[[World], Any] = lambda _: None


async def interrupted(flow: Flow, config: dict[str, Any], order: Interruption) -> Interruption:
    """Go through a flow with one interruption, and assert its result. Return the order, which may not have struck."""
    with Interruptible(config) as array:
        api = FakeApi()
        async with world(array, api) as here:
            await flow.before(here)
            await here.running.settle_all()
        if order.ends:
            await _end(flow, array, api, order)
            async with world(array, api) as here:
                flow.meanwhile(here)
                # What it takes over with the Lease: a command may still be running.
                here.running.in_doubt.add_everything(60.0)
                await _recover(here, array)
                flow.result(here)
        else:
            async with world(array, api) as here:
                array.interruption = order
                flow.change(here)
                await here.running.survey()
                flow.meanwhile(here)
                await _recover(here, array)
                flow.result(here)
        return order


async def _end(flow: Flow, array: Interruptible, api: FakeApi, order: Interruption) -> None:
    """Work until the interruption, or until everything is done."""
    async with _watched(array, api, order) as here:
        flow.change(here)
        array.interruption = order

        async def work() -> None:
            for _ in range(4):
                if not order.over:
                    await here.running.survey()

        task = asyncio.create_task(work())
        await asyncio.wait([task])
        error = task.exception()
        assert error is None or order.over, error
    array.interruption = None


@contextlib.asynccontextmanager
async def _watched(array: Interruptible, api: FakeApi, order: Interruption) -> AsyncIterator[World]:
    async with passes(array, 15.0, api, order.pass_on) as running:
        running.see_all()
        yield World(array.system.state.dialect, array, running)


async def _recover(here: World, array: Interruptible) -> None:
    """Read the array while a command may still be running, and again when it is over."""
    for _ in range(2):
        for _ in range(2):
            late, sent = array.late, len(here.running.steps)
            await here.running.survey()
            assert not late or len(here.running.steps) == sent, "a command was sent while another may still be running"
        array.catch_up()
        here.running.later(IN_DOUBT_SECONDS)
        await here.running.settle_all(most=8)
