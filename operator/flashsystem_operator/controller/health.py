"""Probes: /livez says whether the process does what it is for, /readyz whether it has seen the cluster.

Neither asks an array: a restart does not bring back one that is down. Beside them /metrics, for Prometheus.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from flashsystem_operator.controller.metrics.collector import CONTENT_TYPE


@asynccontextmanager
async def probes(
    port: int, alive: Callable[[], bool], ready: Callable[[], bool], metrics: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[int]:
    """Serve all on all addresses, for as long as the context is open; gives the port. OSError if it is taken."""
    app = web.Application()
    app.router.add_get("/livez", _answer(alive))
    app.router.add_get("/readyz", _answer(ready))
    app.router.add_get("/metrics", _scraped(metrics))
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


def _scraped(metrics: Callable[[], Awaitable[bytes]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE})

    return answer
