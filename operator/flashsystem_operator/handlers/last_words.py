"""What the operator says on its own pod when it cannot start, for whoever reads `kubectl describe pod`.

One Event a pod, however often its container is started again: it has a fixed name, and counts. The same words are the
last line of the log, and so the message of the container's last state: where no Event can be written, that says it.
"""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flashsystem_operator.controller.clients import PARTING, NoClient, client_of
from flashsystem_operator.controller.kube import MANAGER, Conflict, Kube, KubeError
from flashsystem_operator.reconcile import times
from flashsystem_operator.settings import Pod

_REASON = "CannotStart"
_LIMIT = 5.0
"""Seconds for a request: an API server that does not answer is the likeliest reason of all."""
_LENGTH = 1024
"""Characters of a message, as the API server's own limit for the newer kind of Event."""

log = logging.getLogger(__name__)


async def tell(pod: Pod, kubeconfig: Path | None, why: str) -> None:
    """Write it, or count it. Never fails: who cannot start has one line to say, and this is not it."""
    try:
        async with await client_of(kubeconfig) as api:
            await _write(Kube(api, _LIMIT), _event(pod, why))
        await asyncio.sleep(PARTING)
    except (NoClient, KubeError) as error:
        log.debug("cannot write the Event %s of pod %s/%s: %s", _REASON, pod.namespace, pod.name, error)


async def _write(kube: Kube, event: dict[str, Any]) -> None:
    namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
    try:
        await kube.event(namespace, event)
    except Conflict:
        # To change nothing tells how often it was told, with no right to read Events.
        told = await kube.patch_event(namespace, name, {})
        again = {key: event[key] for key in ("message", "lastTimestamp")}
        await kube.patch_event(namespace, name, {**again, "count": told + 1})


def _event(pod: Pod, why: str) -> dict[str, Any]:
    now = times.text(datetime.now(UTC))
    return {
        "metadata": {"name": f"{pod.name[:200]}.cannot-start", "namespace": pod.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.uid,
        },
        "reason": _REASON,
        "message": " ".join(why.split())[:_LENGTH],
        "type": "Warning",
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
