"""The HTTP server for probes and metrics: /livez (the process works), /readyz (it has listed the cluster), /metrics.

The probes do not depend on arrays: a restart does not help when an array is down.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from flashsystem_operator.controller.metrics.collector import CONTENT_TYPE


@asynccontextmanager
async def probes(
    port: int, alive: Callable[[], bool], ready: Callable[[], bool], metrics: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[int]:
    """Serve on all addresses while the context is open. Yields the port. Raises OSError if it is in use."""

    async def scrape(_: web.Request) -> web.StreamResponse:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/livez", _answer(alive))
    app.router.add_get("/readyz", _answer(ready))
    app.router.add_get("/metrics", scrape)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(question: Callable[[], bool]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n") if question() else web.Response(status=500, text="not ok\n")

    return answer
