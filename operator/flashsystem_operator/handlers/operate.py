"""The life of the operator's process: log in, list, watch, work, and let go in order.

What the cluster lacks at the first start ends the process with a line that says what to do. What it loses later, a CRD
or a right, is said and waited for: kopf gives up over it, so all is taken up anew, from the login on, until it works.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import CodeType
from typing import Any

import kopf
from kubernetes.aio import client

from flashsystem_operator.api.kinds import GROUP
from flashsystem_operator.controller.clients import PARTING, NoClient, client_of, named
from flashsystem_operator.controller.controller import Controller
from flashsystem_operator.controller.health import probes
from flashsystem_operator.controller.kube import Forbidden, Gone, Kube, KubeError
from flashsystem_operator.controller.metrics.exposition import Exposition
from flashsystem_operator.controller.served import what_is_older, what_lacks
from flashsystem_operator.handlers import last_words
from flashsystem_operator.handlers.stopping import Stop
from flashsystem_operator.handlers.watch import log_in, watch, watch_namespaces
from flashsystem_operator.settings import Settings

_GIVES_UP = (1, 1, 2, 3, 5)
"""Seconds between kopf's tries when it is refused, or answered by a 5xx: together about as long as a Lease lives. To a
server that does not answer at all it comes back for ever."""

_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before all is taken up anew; the last one for ever."""

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The operator cannot begin its work. The message says in one line what to do."""


class _Ended(Exception):
    """A watch ended for good; the message carries why. All has to be taken up anew."""


class _Life:
    """controller: of the present attempt; None between two of them. stop: the signal that ends it all."""

    def __init__(self, grace: float) -> None:
        self.controller: Controller | None = None
        self.worked = False
        self.stop = Stop(grace, self._end, self._left)

    @property
    def alive(self) -> bool:
        return self.controller is None or self.controller.alive

    @property
    def ready(self) -> bool:
        return self.controller is not None and self.controller.ready

    async def pause(self, seconds: float) -> None:
        async with self.stop.leaving():
            await asyncio.sleep(seconds)

    def _end(self) -> None:
        if self.controller is not None:
            self.controller.end()

    def _left(self) -> Sequence[str]:
        return self.controller.left if self.controller is not None else ()


async def operate(settings: Settings, kubeconfig: Path | None) -> None:
    """Run until a signal comes. Raises CannotStart if it never worked, and has said so on its pod then."""
    try:
        await _live(settings, kubeconfig)
    except CannotStart as error:
        if settings.pod is not None:
            await last_words.tell(settings.pod, kubeconfig, str(error))
        raise


async def _live(settings: Settings, kubeconfig: Path | None) -> None:
    life = _Life(settings.grace)
    life.stop.heed_signals()
    asyncio.get_running_loop().set_exception_handler(_heed)
    async with AsyncExitStack() as stack:
        if settings.probe_port is not None:
            await _serve_probes(stack, settings.probe_port, life)
        said, failures = "", 0
        while not life.stop.flag.is_set():
            try:
                await _attempt(settings, kubeconfig, life)
            except (CannotStart, _Ended) as error:
                if not life.worked:
                    raise
                failures = 1 if isinstance(error, _Ended) else failures + 1
                if str(error) != said:
                    log.warning("%s. It is tried again until it works.", str(error).rstrip("."))
                said = "" if isinstance(error, _Ended) else str(error)
                await life.pause(_PAUSES[min(failures, len(_PAUSES)) - 1])
            else:
                return


async def _attempt(settings: Settings, kubeconfig: Path | None, life: _Life) -> None:
    """From the login to the end. Raises CannotStart or _Ended."""
    async with await _client(kubeconfig) as api:
        kube = Kube(api)
        controller = life.controller = Controller(kube, settings)
        try:
            async with life.stop.leaving():
                await _start(controller, kube, named(kubeconfig), watched=bool(settings.watched))
            if life.stop.flag.is_set():
                return
            if life.worked:
                log.info("the cluster can be worked with again")
            life.worked = True
            await _watch(controller, settings, kubeconfig, life)
        finally:
            await controller.stop()
            await asyncio.sleep(PARTING)


async def _watch(controller: Controller, settings: Settings, kubeconfig: Path | None, life: _Life) -> None:
    before = asyncio.all_tasks()
    # Without a name of its own kopf asks for that of the user, and the user of a pod has none.
    name: Any = settings.identity
    try:
        tasks = await kopf.spawn_tasks(
            registry=_registry(controller, kubeconfig),
            clusterwide=not settings.watched,
            namespaces=settings.watched,
            settings=_settings(),
            identity=name,
            stop_flag=life.stop.flag,
        )
        # kopf has taken the signals for itself, and hears none any more once a watch of its has failed.
        life.stop.heed_signals()
        await kopf.run_tasks(tasks, ignored=before)
    except Exception as error:  # kopf's own errors are not to be imported; one that is ours has been logged as such
        words = error.args[0] if error.args else type(error).__name__
        raise _Ended(f"a watch has ended: {words}. All is listed and watched anew") from error


async def _client(kubeconfig: Path | None) -> client.ApiClient:
    try:
        return await client_of(kubeconfig)
    except NoClient as error:
        raise CannotStart(str(error)) from error


async def _serve_probes(stack: AsyncExitStack, port: int, life: _Life) -> None:
    try:
        served = probes(port, lambda: life.alive, lambda: life.ready, _metrics(life))
        await stack.enter_async_context(served)
    except OSError as error:
        raise CannotStart(f"cannot serve probes on port {port}: {error}. Choose another with --probe-port.") from error


def _metrics(life: _Life) -> Callable[[], Awaitable[bytes]]:
    exposition = Exposition()

    async def text() -> bytes:
        return exposition.text(await life.controller.scene()) if life.controller else b""

    return text


async def _start(controller: Controller, kube: Kube, where: str, *, watched: bool) -> None:
    try:
        if older := await what_is_older(kube):
            raise CannotStart(older)
        await controller.start()
    except Gone as error:
        raise CannotStart(await _what_lacks(kube, error)) from error
    except Forbidden as error:
        out = "manifests/components/watched-namespace there" if watched else "the RBAC of this release"
        raise CannotStart(f"{error}: apply {out}.") from error
    except KubeError as error:
        raise CannotStart(
            f"cannot work with the API server of {where}: {error}. Check that it runs and takes this login, or give "
            "another with --kubeconfig."
        ) from error


async def _what_lacks(kube: Kube, gone: Gone) -> str:
    try:
        return await what_lacks(kube)
    except KubeError as error:
        return f"the API server does not serve our kinds ({gone}), and does not say why: {error}"


def _registry(controller: Controller, kubeconfig: Path | None) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    watch(registry, controller.see)
    if controller.knows_namespaces:
        watch_namespaces(registry, controller.see_namespace)

    @kopf.on.login(registry=registry)
    def for_watches(**kwargs: Any) -> Any:
        return log_in(kubeconfig, **kwargs)

    @kopf.on.cleanup(registry=registry)
    async def clean_up(**_: Any) -> None:
        # Before kopf cancels what it did not start: a command that was sent is waited for, and the Leases are let go.
        await controller.stop()
        await _end_watches()

    return registry


def _heed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What no task hears. A watch of kopf 1.45 that ends in the midst of an event complains of how it is closed."""
    future = context.get("future")
    task = future.get_coro() if isinstance(future, asyncio.Task) else None
    if _is_kopfs(getattr(context.get("asyncgen"), "ag_code", None)):
        log.debug("a watch was closed in the midst of an event: %s", context.get("exception"))
    elif _is_kopfs(getattr(task, "cr_code", None)):
        # One of kopf's tasks ended while all of them were being ended; why they are is logged once, by `_live`.
        log.debug("a task of a watch ended: %s", context.get("exception"))
    else:
        loop.default_exception_handler(context)


def _is_kopfs(code: CodeType | None) -> bool:
    return code is not None and Path(code.co_filename).is_relative_to(Path(kopf.__file__).parent)


async def _end_watches() -> None:
    """When one watch has failed, kopf 1.45 leaves the others running, and a later cancellation is lost on them.

    Here, before kopf cancels what they wait for, they still heed one. What they end with has been said.
    """
    watches = {task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")}
    for task in watches:
        task.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


def _settings() -> kopf.OperatorSettings:
    """What was measured to be right for a core of one's own behind watches; see docs/decisions."""
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = f"{GROUP}/kopf-unused"  # kopf strips a finalizer of this name; ours has another
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _GIVES_UP
    settings.queueing.idle_timeout = 0.05
    settings.queueing.worker_limit = None
    # kopf would kill the process that long after any end, also after one that we take up anew. What hangs at the real
    # end is ended by `Stop`.
    settings.process.ultimate_exiting_timeout = None
    return settings


def run(settings: Settings, kubeconfig: Path | None) -> None:
    """Blocks until the operator was told to stop. Raises CannotStart."""
    asyncio.run(operate(settings, kubeconfig))
