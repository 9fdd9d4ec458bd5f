"""The life of the operator's process: log in, list, watch, work, and let go in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import kopf
from kubernetes.aio import client

from flashsystem_operator.api.kinds import GROUP
from flashsystem_operator.controller.clients import NoClient, client_of, named
from flashsystem_operator.controller.controller import Controller
from flashsystem_operator.controller.health import probes
from flashsystem_operator.controller.kube import Forbidden, Gone, Kube, KubeError
from flashsystem_operator.controller.metrics.exposition import Exposition
from flashsystem_operator.handlers.watch import watch, watch_namespaces
from flashsystem_operator.settings import Settings

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The operator cannot begin its work. The message says in one line what to do."""


async def operate(settings: Settings, kubeconfig: Path | None) -> None:
    """Run until a signal comes. Raises CannotStart."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(await _client(kubeconfig))
        controller = Controller(Kube(api), settings)
        if settings.probe_port is not None:
            await _serve_probes(stack, settings.probe_port, controller)
        await _start(controller, named(kubeconfig))
        stack.push_async_callback(controller.stop)
        registry = _registry(controller, kubeconfig)
        # Without a name of its own kopf asks for that of the user, and the user of a pod has none.
        name: Any = settings.identity
        await kopf.operator(registry=registry, clusterwide=True, settings=_settings(), identity=name)


async def _client(kubeconfig: Path | None) -> client.ApiClient:
    try:
        return await client_of(kubeconfig)
    except NoClient as error:
        raise CannotStart(str(error)) from error


async def _serve_probes(stack: AsyncExitStack, port: int, controller: Controller) -> None:
    try:
        served = probes(port, lambda: controller.alive, lambda: controller.ready, _metrics(controller))
        await stack.enter_async_context(served)
    except OSError as error:
        raise CannotStart(f"cannot serve probes on port {port}: {error}. Choose another with --probe-port.") from error


def _metrics(controller: Controller) -> Callable[[], Awaitable[bytes]]:
    exposition = Exposition()

    async def text() -> bytes:
        return exposition.text(await controller.scene())

    return text


async def _start(controller: Controller, where: str) -> None:
    try:
        await controller.start()
    except Gone as error:
        await controller.stop()
        raise CannotStart(f"the CRDs of {GROUP} are not installed: apply those of this release first.") from error
    except Forbidden as error:
        await controller.stop()
        raise CannotStart(f"no right to list {GROUP} objects: apply the RBAC of this release ({error}).") from error
    except KubeError as error:
        await controller.stop()
        raise CannotStart(
            f"cannot work with the API server of {where}: {error}. Check that it runs and takes this login, or give "
            "another with --kubeconfig."
        ) from error


def _registry(controller: Controller, kubeconfig: Path | None) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    watch(registry, controller.see)
    if controller.knows_namespaces:
        watch_namespaces(registry, controller.see_namespace)
    login: Callable[..., Any] = kopf.login_with_service_account if kubeconfig is None else kopf.login_with_kubeconfig

    @kopf.on.login(registry=registry)
    def log_in(**kwargs: Any) -> Any:
        return login(**kwargs)

    @kopf.on.cleanup(registry=registry)
    async def clean_up(**_: Any) -> None:
        # Before kopf cancels what it did not start: a command that was sent is waited for, and the Leases are let go.
        await controller.stop()

    return registry


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
    settings.queueing.idle_timeout = 0.05
    settings.queueing.worker_limit = None
    settings.process.ultimate_exiting_timeout = 60
    return settings


def run(settings: Settings, kubeconfig: Path | None) -> None:
    """Blocks until the operator was told to stop. Raises CannotStart."""
    asyncio.run(operate(settings, kubeconfig))
