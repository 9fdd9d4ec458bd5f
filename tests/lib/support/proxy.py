"""A proxy between the operator and the API server, on which tests build what they want to happen on the way.

The operator finds it through a kubeconfig with its own token. On loopback and in plain HTTP: it has no other clients.
"""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from support.loop_thread import LoopThread

_HOP = {"accept-encoding", "host", "connection", "content-length", "transfer-encoding", "keep-alive"}
"""Headers that each connection has for itself: nothing is compressed here."""


class Relay:
    """The proxy, for as long as a `with` lasts. kubeconfig: leads to it; the original one leads past it."""

    def __init__(self, kubeconfig: Path) -> None:
        config: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
        (cluster,) = (each["cluster"] for each in config["clusters"])
        self._server = str(cluster["server"])
        self._trust = _trust(cluster.pop("certificate-authority-data", None))
        self.thread = LoopThread("relay")
        self._config, self._cluster = config, cluster
        self.kubeconfig = kubeconfig.with_suffix(".relayed")

    def __enter__(self) -> Self:
        self.thread.__enter__()
        port = self.thread.run(self._start())
        self._cluster["server"] = f"http://127.0.0.1:{port}"
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(self._config))
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.run(self._stop())
        self.thread.__exit__()

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
        """What becomes of a request; here it goes on, and its answer comes back."""
        async with self.asked(request, await request.read()) as answer:
            return await streamed(request, answer)

    @asynccontextmanager
    async def asked(self, request: web.Request, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """The API server's answer to this request."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = URL(self._server + request.raw_path, encoded=True)
        async with self._client.request(request.method, url, headers=headers, data=body or None) as answer:
            yield answer


async def streamed(
    request: web.Request, answer: aiohttp.ClientResponse, pieces: AsyncIterator[bytes] | None = None
) -> web.StreamResponse:
    """Hand an answer on, piece by piece, as watches need it. pieces: its content, if not that of the API server."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    try:
        await response.prepare(request)
        async for piece in pieces or answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (ConnectionError, aiohttp.ClientPayloadError):
        return cut(request)  # either end left in the middle
    return response


def cut(request: web.Request) -> web.StreamResponse:
    """Answer by ending the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _trust(authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=base64.b64decode(authority).decode())
    return context


__all__ = ["Relay", "cut", "streamed"]
