"""A proxy between the operator and the API server that holds a request, or its answer, for as long as a test likes.

The operator finds it through a kubeconfig with its own token. On loopback and in plain HTTP: nobody else is there.
"""

import asyncio
import base64
import re
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

When = Literal["before", "after"]

_HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}
"""Headers that each connection has for itself."""


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

    def wait(self, seconds: float = 40) -> None:
        """Wait until it holds something."""
        assert self._caught.wait(seconds), f"no {self.method} of {self.path.pattern} came within {seconds} s"

    def release(self) -> None:
        """Let it go on, whether or not anybody still waits for the answer."""
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

    async def hold(self) -> bool:
        """Keep the request; answers whether it may go on."""
        self._caught.set()
        await self._let_go.wait()
        return not self._dropped


class Holding:
    """The proxy, for as long as a `with` lasts. kubeconfig: leads to it, beside the one that leads past it."""

    def __init__(self, kubeconfig: Path) -> None:
        config: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
        (cluster,) = (each["cluster"] for each in config["clusters"])
        self._server = str(cluster["server"])
        self._trust = _trust(cluster.pop("certificate-authority-data", None))
        self._orders: list[Held] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="holding")
        self._config, self._cluster = config, cluster
        self.kubeconfig = kubeconfig.with_suffix(".held")

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)
        self._cluster["server"] = f"http://127.0.0.1:{port}"
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(self._config))
        return self

    def __exit__(self, *_: object) -> None:
        for order in self._orders:
            order.drop()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self, path: str, when: When = "before", method: str = "PATCH", skip: int = 0) -> Held:
        """Hold the next request to a path in which this regular expression is found, after letting `skip` pass."""
        order = Held(method, re.compile(path), when, skip, self._loop)
        self._orders.append(order)
        return order

    # -- in the thread -----------------------------------------------------------------------------------------------

    async def _start(self) -> int:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        self._client = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=["Accept-Encoding", "User-Agent"],
            timeout=aiohttp.ClientTimeout(),
        )
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._client.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        order = next((each for each in self._orders if each.matches(request)), None)
        if order and order.when == "before" and not await order.hold():
            return _cut(request)
        async with self._asked(request, body) as answer:
            if order and order.when == "after" and not await order.hold():
                return _cut(request)
            return await _stream(request, answer)

    @asynccontextmanager
    async def _asked(self, request: web.Request, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = URL(self._server + request.raw_path, encoded=True)
        async with self._client.request(request.method, url, headers=headers, data=body or None) as answer:
            yield answer


async def _stream(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Piece by piece, as watches need it."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    try:
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (ConnectionError, aiohttp.ClientPayloadError):
        return _cut(request)  # either end left in the middle
    return response


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _trust(authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=base64.b64decode(authority).decode())
    return context


__all__ = ["Held", "Holding", "When"]
