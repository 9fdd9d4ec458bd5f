"""A failure of the API server during startup is reported in one line, and never as a bug of the operator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web

from cluster import kubeconfig
from flashsystem_operator.api.metadata import GROUP, VERSION, Kind
from flashsystem_operator.runtime.process import CannotStart, operate
from flashsystem_operator.settings import Settings

REQUESTS = {
    "the schemas": f"/openapi/v3/apis/{GROUP}/{VERSION}",
    "kube-system": "/api/v1/namespaces/kube-system",
    "namespaces": "/api/v1/namespaces",
    **{f"the {kind.plural}": f"/apis/{GROUP}/{VERSION}/{kind.plural}" for kind in Kind},
}
"""All requests of the startup, in this order."""
KUBE_SYSTEM = {"metadata": {"name": "kube-system", "uid": "uid-of-the-cluster"}}
FAULTS = {
    "cuts the connection": None,
    "answers 401": web.Response(status=401),
    "answers 429": web.Response(status=429),
    "answers 500": web.Response(status=500, text="etcdserver: leader changed"),
    "answers something else": web.Response(text="<html>Welcome to nginx!</html>", content_type="text/html"),
}


@asynccontextmanager
async def api(struck: str, fault: web.Response | None, folder: Path) -> AsyncIterator[Path]:
    """A kubeconfig of an API server that fails the request for path `struck` and answers all others.

    fault: its response to that request; None cuts the connection.
    """

    async def answer(request: web.Request) -> web.Response:
        if request.path == struck:
            if fault is None:
                cast("asyncio.Transport", request.transport).abort()
                return web.Response()
            return web.Response(status=fault.status, body=fault.body, content_type=fault.content_type)
        if request.path == REQUESTS["the schemas"]:
            return web.json_response({"components": {"schemas": {}}})
        return web.json_response(KUBE_SYSTEM if request.path.endswith("kube-system") else {"items": [], "metadata": {}})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        server = kubeconfig.Server(f"http://127.0.0.1:{runner.addresses[0][1]}", {})
        yield kubeconfig.write(folder / "kubeconfig", server, "operator", "a-token")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_failure_at_any_request_of_the_startup_is_reported_in_one_line(
    request_: str, fault: web.Response | None, tmp_path: Path
) -> None:
    async with api(request_, fault, tmp_path) as config:
        with pytest.raises(CannotStart, match=r"^cannot work with the API server of kubeconfig"):
            await operate(Settings("us", "operators"), config)
