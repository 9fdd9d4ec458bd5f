"""The Events about an object, as `kubectl describe` shows them."""

from typing import Any

from cluster.api import path_to
from support.stand import Namespace, until


def all_events(stand: Namespace) -> list[dict[str, Any]]:
    """Those of a namespace, the oldest first."""
    found = stand.api.get(path_to("v1", "events", namespace=stand.namespace))["items"]
    return sorted(found, key=lambda event: (event["firstTimestamp"], int(event["metadata"]["resourceVersion"])))


def events(stand: Namespace, name: str) -> list[dict[str, Any]]:
    """Those about objects of that name."""
    return [event for event in all_events(stand) if event["involvedObject"]["name"] == name]


def reasons(stand: Namespace, name: str) -> list[str]:
    return [event["reason"] for event in events(stand, name)]


def await_event(stand: Namespace, name: str, reason: str) -> str:
    """Wait for an Event, which is written a moment after its cause. Return its message."""

    def message() -> str | None:
        return next((event["message"] for event in events(stand, name) if event["reason"] == reason), None)

    return str(until(f"the Event {reason} of {name}", message))
