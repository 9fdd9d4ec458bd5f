"""Pass watch events of our kinds to the controller. kopf lists, watches and reconnects; nothing is decided here."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kopf

from flashsystem_operator.api.metadata import GROUP, VERSION, Kind
from flashsystem_operator.controller.kube.client import api_server
from flashsystem_operator.controller.manager import Sighting


def log_in(kubeconfig: Path | None, **kwargs: Any) -> kopf.ConnectionInfo | None:
    """Return how watches connect to the API server: the same way as all other requests. kwargs: kopf's."""
    if kubeconfig is not None:
        return kopf.login_with_kubeconfig(**kwargs)
    # kopf would use the DNS name of the API server, which a pod cannot resolve where cluster DNS is down.
    found = kopf.login_with_service_account(**kwargs)
    return found and dataclasses.replace(found, server=api_server())


def watch(registry: kopf.OperatorRegistry, see: Callable[[Sighting], None]) -> None:
    """Register a watch of each kind."""
    for kind in Kind:

        @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"watch-{kind.plural}", param=kind)
        async def seen(*, event: kopf.RawEvent, param: Any = None, **_: Any) -> None:
            kind = event["type"]
            see(Sighting(param, gone=kind == "DELETED", body=event["object"], listed=kind is None))


def watch_namespaces(registry: kopf.OperatorRegistry, see: Callable[[str, Mapping[str, str] | None], None]) -> None:
    """Register a watch of namespaces. Only their names and labels are passed on."""

    @kopf.on.event("", "v1", "namespaces", registry=registry, id="watch-namespaces")
    async def seen(*, event: kopf.RawEvent, **_: Any) -> None:
        meta = event["object"]["metadata"]
        see(str(meta["name"]), None if event["type"] == "DELETED" else meta.get("labels", {}))
