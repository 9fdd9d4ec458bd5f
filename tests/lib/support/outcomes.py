"""How a story ended: all that users and the array's administrator can see, but for times and counters."""

import difflib
import json
import time
from collections.abc import Callable
from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import looks, mappings, mark, writes
from support.stand import ATTACHMENTS, HOSTS, PATIENCE, Namespace

_VARIES = {"lastTransitionTime", "attachedTime", "lastContactTime", "until", "id"}
"""Fields that differ between two runs of one story. Ids are handed out in the order in which commands arrive."""
_FOR_OTHERS = ("InUse", "ParentDeleting", "HostNotFound", "HostNotReady")
"""Reasons to wait for which there is nothing to be done by the operator."""


def ending(stand: Namespace, simulator: Simulator) -> dict[str, Any]:
    """The objects as users see them, and the host objects with their ports and mappings."""
    found = stand.all(HOSTS, ATTACHMENTS)
    objects = {f"{each['kind']} {each['metadata']['name']}": _visible(each) for each in found}
    return {"objects": objects, **layout(simulator)}


def layout(simulator: Simulator) -> dict[str, Any]:
    """Host objects with their ports, and mappings, in no order."""
    state = simulator.control.state()
    return {
        "hosts": sorted((host["name"], sorted(port["name"] for port in host["ports"])) for host in state["hosts"]),
        "mappings": sorted((row["host"], row["volume"], row["lun"]) for row in state["mappings"]),
    }


def comes_to(expected: Any, ask: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until the answer is this one; at the end of patience the difference is shown."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer == expected, "\n".join(difflib.unified_diff(_lines(expected), _lines(answer), "expected", "found"))


def stays_in_sync(simulator: Simulator, seconds: float = PATIENCE) -> None:
    """Wait for one more survey, and check that no command changes the array."""
    since, deadline = mark(simulator), time.monotonic() + seconds
    while looks(simulator, since) < 2:  # the first of them may be about to end
        assert time.monotonic() < deadline, "the operator does not read the array any more"
        time.sleep(0.1)
    assert writes(simulator, since) == []


def restless(stand: Namespace) -> list[str]:
    """The objects that are not observed yet, or not finished."""
    found = []
    for each in stand.all(ATTACHMENTS, HOSTS):
        conditions = {one["type"]: one for one in each["status"].get("conditions", [])}
        ready = conditions.get("Ready", {})
        seen = each["status"]["observedGeneration"] == each["metadata"]["generation"]
        waits = conditions.get("Reconciling", {}).get("status") == "True" and ready.get("reason") not in _FOR_OTHERS
        if waits or not seen:
            found.append(f"{each['kind']} {each['metadata']['name']}: {ready.get('reason')} {ready.get('message')}")
    return found


def attached(simulator: Simulator) -> set[tuple[str, str]]:
    """Host and volume of every mapping."""
    return {(host.rsplit("-", 1)[0], volume) for host, volume, _ in mappings(simulator)}


def reported_as_attached(stand: Namespace) -> set[tuple[str, str]]:
    """Host and volume of every attachment that is Ready."""
    return {
        (each["spec"]["hostRef"]["name"], each["status"]["volume"]["name"])
        for each in stand.all(ATTACHMENTS)
        for condition in each["status"].get("conditions", [])
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, sort_keys=True, default=str).splitlines()


def _visible(found: dict[str, Any]) -> Any:
    meta = found["metadata"]
    return _steady({"finalizers": meta.get("finalizers"), "spec": found["spec"], "status": found.get("status")})


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(inner) for key, inner in value.items() if key not in _VARIES}
    return [_steady(inner) for inner in value] if isinstance(value, list) else value
