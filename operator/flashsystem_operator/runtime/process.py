"""The operator's process: start, connect to the API server, run kopf's watches, reconnect, and stop in good order.

If it cannot start, it reports the reason as an Event on its own pod, for `kubectl describe pod`: one Event per pod
with a fixed name and a count, however often the container is restarted. The same message is the last line of the log,
and so the message of the container's last state, for when no Event can be written.
"""

import asyncio
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType
from typing import Any

import kopf

from flashsystem_operator.api.metadata import GROUP
from flashsystem_operator.controller.health import probes
from flashsystem_operator.controller.kube.client import MANAGER, PARTING, Kube, NoClient, client_of, named
from flashsystem_operator.controller.kube.crd_check import what_is_older, what_lacks
from flashsystem_operator.controller.kube.errors import Conflict, Forbidden, KubeError, NotFound
from flashsystem_operator.controller.manager import Controller
from flashsystem_operator.controller.metrics.collector import Exposition
from flashsystem_operator.planner import text
from flashsystem_operator.runtime.watches import log_in, watch, watch_namespaces
from flashsystem_operator.settings import Pod, Settings

_REASON = "CannotStart"
_LIMIT = 5.0
"""Seconds for a request: an API server that does not answer is the most likely reason."""
_LENGTH = 1024
"""Characters of a message, as the API server's own limit for the newer kind of Event."""

HARD_END = 1
"""The exit code of a process that did not end in good order within its grace period."""

_HARD_END_AT = 17 / 18
"""The part of the grace period after which the process exits hard: shortly before Kubernetes would kill it."""
_LAST_LINE = 1.0
"""Seconds to write the last line of the log."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_GIVES_UP = (1, 1, 2, 3, 5)
"""Seconds between kopf's retries after a refusal or a 5xx: together about as long as a Lease is valid. If the server
does not answer at all, kopf retries without limit."""

_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each attempt to reconnect; the last one is repeated without limit."""

log = logging.getLogger(__name__)


async def report_on_pod(pod: Pod, kubeconfig: Path | None, why: str) -> None:
    """Write the Event, or count it on the existing one. Never fails: the reason for the failed start must stay."""
    try:
        async with await client_of(kubeconfig) as api:
            kube, now = Kube(api, _LIMIT), text.text(datetime.now(UTC))
            name, message = f"{pod.name[:200]}.cannot-start", " ".join(why.split())[:_LENGTH]
            event = {
                "metadata": {"name": name, "namespace": pod.namespace},
                "involvedObject": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "namespace": pod.namespace,
                    "name": pod.name,
                    "uid": pod.uid,
                },
                "reason": _REASON,
                "message": message,
                "type": "Warning",
                "source": {"component": MANAGER},
                "reportingComponent": MANAGER,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            }
            try:
                await kube.event(pod.namespace, event)
            except Conflict:
                # An empty patch returns the count; the operator has no permission to read Events.
                count = await kube.patch_event(pod.namespace, name, {})
                update = {"message": message, "lastTimestamp": now, "count": count + 1}
                await kube.patch_event(pod.namespace, name, update)
        await asyncio.sleep(PARTING)
    except (NoClient, KubeError) as error:
        log.debug("cannot write the Event %s of pod %s/%s: %s", _REASON, pod.namespace, pod.name, error)


class Stop:
    """The stop of the process by a signal. Belongs to the event loop of the main thread.

    flag: set when a signal was received. grace: maximum seconds from the signal to the end of the process.
    begin: called once in the event loop, as soon as it is free. left: names of what has not ended yet; called from
        another thread.
    """

    def __init__(self, grace: float, begin: Callable[[], None], left: Callable[[], Sequence[str]]) -> None:
        self.flag = asyncio.Event()
        self._grace = grace
        self._begin = begin
        self._left = left
        self._loop = asyncio.get_running_loop()
        # The only queue that a signal handler may use: a handler interrupts its thread at any point.
        self._received = queue.SimpleQueue[float]()
        self._is_received = False
        self._block: asyncio.Timeout | None = None
        threading.Thread(target=self._watch, name="hard-end", daemon=True).start()

    def handle_signals(self) -> None:
        """Install the handlers. To be called again when a library has replaced them.

        A loop that hangs handles no signal. So Python's own handler is installed too: it runs at any time.
        """
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._begin_stop)
            signal.signal(number, self._receive)

    def _receive(self, *_: object) -> None:
        """Start both timers of the grace period: that of `_watch`, and the kernel's, for when no thread runs."""
        if not self._is_received:
            self._is_received = True
            signal.setitimer(signal.ITIMER_REAL, self._grace)
            self._received.put(time.monotonic())

    @asynccontextmanager
    async def leaving(self) -> AsyncIterator[None]:
        """Run a block that is cancelled and left when the signal is received, or was received before."""
        try:
            async with asyncio.timeout(0 if self.flag.is_set() else None) as self._block:
                yield
        except TimeoutError:
            if self._block is None or not self._block.expired():
                raise
        finally:
            self._block = None

    def _begin_stop(self) -> None:
        if self.flag.is_set():
            return
        log.info("received the signal to stop: no further command is sent")
        self.flag.set()
        if self._block is not None:
            self._block.reschedule(self._loop.time())
        self._begin()

    def _watch(self) -> None:
        """End the process, as a last resort, when the loop or a thread hangs.

        While the interpreter ends, no other thread runs: then SIGALRM, which has no handler, ends the process.
        """

        def log_what_is_left() -> None:
            left = ", ".join(self._left()) or "the end of the process itself"
            log.error(
                "the process ends now, %g s after the signal to stop. This has not ended: %s. The outcome of a command "
                "that was under way is not known, and Leases expire.",
                self._grace * _HARD_END_AT,
                left,
            )

        time.sleep(max(0.0, self._received.get() + self._grace * _HARD_END_AT - time.monotonic()))
        # In a thread of its own, since logging may be what hangs.
        last_line = threading.Thread(target=log_what_is_left, daemon=True)
        last_line.start()
        last_line.join(_LAST_LINE)
        os._exit(HARD_END)


class CannotStart(Exception):
    """The operator cannot start. The message states in one line what to do."""


class _Ended(Exception):
    """A watch ended and does not come back; the message carries the reason. The operator has to reconnect."""


class _Life:
    """The process's state over all attempts.

    controller: of the current attempt; None between two attempts. worked: whether any attempt succeeded so far.
    """

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
    """Run until a signal is received. Raises CannotStart, also reported on the pod, if it never worked."""
    try:
        await _live(settings, kubeconfig)
    except CannotStart as error:
        if settings.pod is not None:
            await report_on_pod(settings.pod, kubeconfig, str(error))
        raise


async def _live(settings: Settings, kubeconfig: Path | None) -> None:
    life = _Life(settings.grace)
    life.stop.handle_signals()
    asyncio.get_running_loop().set_exception_handler(_handle_loop_error)
    async with AsyncExitStack() as stack:
        if settings.probe_port is not None:
            exposition, port = Exposition(), settings.probe_port

            async def metrics() -> bytes:
                return exposition.text(await life.controller.scene()) if life.controller else b""

            try:
                served = probes(port, lambda: life.alive, lambda: life.ready, metrics)
                await stack.enter_async_context(served)
            except OSError as error:
                raise CannotStart(
                    f"cannot serve probes on port {port}: {error}. Choose another with --probe-port."
                ) from error
        reported, failures = "", 0
        while not life.stop.flag.is_set():
            try:
                await _attempt(settings, kubeconfig, life)
            except (CannotStart, _Ended) as error:
                if not life.worked:
                    raise
                failures = 1 if isinstance(error, _Ended) else failures + 1
                if str(error) != reported:
                    log.warning("%s. The operator retries until it works.", str(error).rstrip("."))
                reported = "" if isinstance(error, _Ended) else str(error)
                await life.pause(_PAUSES[min(failures, len(_PAUSES)) - 1])
            else:
                return


async def _attempt(settings: Settings, kubeconfig: Path | None, life: _Life) -> None:
    """Connect and run until the end. Raises CannotStart or _Ended."""
    try:
        connected = await client_of(kubeconfig)
    except NoClient as error:
        raise CannotStart(str(error)) from error
    async with connected as api:
        kube = Kube(api)
        controller = life.controller = Controller(kube, settings)
        try:
            async with life.stop.leaving():
                await _start(controller, kube, named(kubeconfig), watched=bool(settings.watched))
            if life.stop.flag.is_set():
                return
            if life.worked:
                log.info("reconnected to the Kubernetes API")
            life.worked = True
            await _watch(controller, settings, kubeconfig, life)
        finally:
            await controller.stop()
            await asyncio.sleep(PARTING)


async def _watch(controller: Controller, settings: Settings, kubeconfig: Path | None, life: _Life) -> None:
    before = asyncio.all_tasks()
    # Without an identity kopf looks up the name of the user, and the user of a pod has none.
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
        # kopf has replaced the signal handlers, and handles no signal after one of its watches has failed.
        life.stop.handle_signals()
        await kopf.run_tasks(tasks, ignored=before)
    except Exception as error:  # kopf's own errors are not to be imported; an error of ours has been logged as such
        reason = error.args[0] if error.args else type(error).__name__
        raise _Ended(f"a watch has ended: {reason}. All objects are listed and watched again") from error


async def _start(controller: Controller, kube: Kube, where: str, *, watched: bool) -> None:
    try:
        if older := await what_is_older(kube):
            raise CannotStart(older)
        await controller.start()
    except NotFound as error:
        try:
            why = await what_lacks(kube)
        except KubeError as failure:
            why = f"the API server does not serve the kinds of {GROUP} ({error}), and reports no reason: {failure}"
        raise CannotStart(why) from error
    except Forbidden as error:
        missing = "manifests/components/watched-namespace there" if watched else "the RBAC of this release"
        raise CannotStart(f"{error}: apply {missing}.") from error
    except KubeError as error:
        raise CannotStart(
            f"cannot work with the API server of {where}: {error}. Check that it runs and accepts this login, or "
            "specify another with --kubeconfig."
        ) from error


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
        # Before kopf cancels tasks that it did not start: commands that were sent are awaited, and Leases released.
        await controller.stop()
        # Cancel all watches: after one has failed, kopf 1.45 leaves the others running and they ignore a later cancel.
        # At this point, before kopf cancels what they wait for, they still end. Their errors have been logged.
        watches = {task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")}
        for task in watches:
            task.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    return registry


def _handle_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle errors that reach no task. A watch of kopf 1.45 that ends during an event raises when it is closed."""
    future = context.get("future")
    task = future.get_coro() if isinstance(future, asyncio.Task) else None
    if _is_kopfs(getattr(context.get("asyncgen"), "ag_code", None)):
        log.debug("a watch was closed during an event: %s", context.get("exception"))
    elif _is_kopfs(getattr(task, "cr_code", None)):
        # One of kopf's tasks ended while all of them were being stopped; the reason is logged once, by `_live`.
        log.debug("a task of a watch ended: %s", context.get("exception"))
    else:
        loop.default_exception_handler(context)


def _is_kopfs(code: CodeType | None) -> bool:
    return code is not None and Path(code.co_filename).is_relative_to(Path(kopf.__file__).parent)


def _settings() -> kopf.OperatorSettings:
    """Return kopf's settings, as measured for a controller that uses only its watches; see docs/decisions."""
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
    # kopf would kill the process that long after any end, also when we reconnect afterwards. What hangs at the real
    # end is ended by `Stop`.
    settings.process.ultimate_exiting_timeout = None
    return settings


def run(settings: Settings, kubeconfig: Path | None) -> None:
    """Run the operator until it is stopped by a signal. Blocking. Raises CannotStart."""
    asyncio.run(operate(settings, kubeconfig))
