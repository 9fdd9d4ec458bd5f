"""Hands every event of our kinds to the controller. kopf lists, watches and reconnects; nothing is decided here."""

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from flashsystem_operator.api.kinds import GROUP, VERSION, Kind
from flashsystem_operator.controller.controller import Sighting


def watch(registry: kopf.OperatorRegistry, see: Callable[[Sighting], None]) -> None:
    """Register a watch of each kind."""
    for kind in Kind:

        @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"watch-{kind.plural}", param=kind)
        async def seen(*, event: kopf.RawEvent, param: Any = None, **_: Any) -> None:
            see(Sighting(param, gone=event["type"] == "DELETED", body=event["object"]))


def watch_namespaces(registry: kopf.OperatorRegistry, see: Callable[[str, Mapping[str, str] | None], None]) -> None:
    """Register a watch of namespaces, of which only the labels are handed on."""

    @kopf.on.event("", "v1", "namespaces", registry=registry, id="watch-namespaces")
    async def seen(*, event: kopf.RawEvent, **_: Any) -> None:
        meta = event["object"]["metadata"]
        see(str(meta["name"]), None if event["type"] == "DELETED" else meta.get("labels", {}))
