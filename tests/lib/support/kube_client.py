"""The operator's own client of the API server, in the process of a test, and its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from flashsystem_operator.controller.kube.client import Kube, client_of

PATIENCE = 120.0  # seconds; a net, not a promise of speed


@asynccontextmanager
async def asking(kubeconfig: Path) -> AsyncIterator[Kube]:
    """Send requests as the user of this kubeconfig. Fails if a connection is left at the end."""
    before = _open()
    async with await client_of(kubeconfig) as api:
        yield Kube(api)
    deadline = time.monotonic() + PATIENCE
    # A request that was cancelled has its TLS closed behind the back of aiohttp, and with the event loop of the test
    # that would never end.
    while left := _open() - before:
        assert time.monotonic() < deadline, f"these were not closed: {left}"
        await asyncio.sleep(0.01)


def _open() -> set[asyncio.Transport]:
    """The connections of this event loop, for which asyncio has no public name."""
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined] # noqa: SLF001
    return {each for each in list(transports.values()) if each.get_extra_info("socket").fileno() != -1}
