"""A running simulator: the SSH port and the control port, on an event loop in its own thread."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

import asyncssh
from aiohttp import web

from flashsystem_operator.simulator.client import Control
from flashsystem_operator.simulator.server.control import Control as ControlPort
from flashsystem_operator.simulator.server.execution import Executor
from flashsystem_operator.simulator.server.ssh import Listener, Sessions, bound, host_key
from flashsystem_operator.simulator.state.config import ConfigError, load
from flashsystem_operator.simulator.state.rules import Dialect
from flashsystem_operator.simulator.state.system import System


def address(text: str, option: str) -> tuple[str, int]:
    """Parse HOST:PORT; an IPv6 host is in brackets. Raises ConfigError with the remedy."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 -- the highest port
        raise ConfigError(f"{option}: {text!r} is not HOST:PORT: write for example 127.0.0.1:0, 0 for any free port")
    return host.removeprefix("[").removesuffix("]"), int(port)


class Simulator:
    """A simulated array. Use it with `with`, or call start and stop.

    config: a state file, a dictionary of the same form, or None for the built-in array of the dialect.
    listen, control: HOST:PORT of the SSH port and of the control port; port 0 is any free one.
    host_key_file: a private key; None creates an Ed25519 key for the lifetime of the simulator.
    """

    def __init__(
        self,
        config: dict[str, Any] | Path | str | None = None,
        dialect: Dialect | None = None,
        *,
        listen: str = "127.0.0.1:0",
        control: str = "127.0.0.1:0",
        host_key_file: Path | None = None,
    ) -> None:
        self._listen, self._control = address(listen, "--listen"), address(control, "--control")
        array = System(load(config, dialect))
        self._executor = Executor(array)
        self._sessions = Sessions(array)
        self._listener = Listener(self._executor, self._sessions, host_key(host_key_file))
        self.dialect: Dialect = array.state.dialect
        self.user = array.state.users[0].name if array.state.users else ""
        self._thread = threading.Thread(target=self._live, name="simulator", daemon=True)
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self.control_url = ""

    @property
    def host(self) -> str:
        return self._listener.address[0]

    @property
    def port(self) -> int:
        return self._listener.address[1]

    @property
    def host_key(self) -> str:
        """The public host key as in known_hosts, without the name."""
        return self._listener.public_key

    @property
    def control(self) -> Control:
        """A client of the control port."""
        return Control(self.control_url)

    def start(self) -> Self:
        """Listen. Returns when both ports are open, or raises the error."""
        self._thread.start()
        self._up.wait()
        if self._failure:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Close both ports and every connection. Returns when all are closed; may be called twice."""
        if self._loop and self._leave and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _live(self) -> None:
        try:
            asyncio.run(self._serve())
        except (ConfigError, OSError, asyncssh.Error) as failure:
            self._failure = failure
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        ssh = bound(self._listen)
        try:
            http = bound(self._control)
        except ConfigError:
            ssh.close()
            raise
        runner = web.AppRunner(
            ControlPort(self._executor, self._sessions, self._listener).app(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.1,
        )
        await self._listener.open(ssh)
        await runner.setup()
        await web.SockSite(runner, http).start()
        host, port = http.getsockname()[:2]
        self.control_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._up.set()
        try:
            await self._leave.wait()
        finally:
            await self._listener.close()
            await runner.cleanup()
