"""The Events about an object, as `kubectl describe` shows them."""

import json
from typing import Any

from support.stand import Stand, until


def events(stand: Stand, name: str) -> list[dict[str, Any]]:
    """All Events about objects of that name, the oldest first."""
    found = json.loads(stand.kubectl("get", "events", f"--field-selector=involvedObject.name={name}", "--output=json"))[
        "items"
    ]
    return sorted(found, key=lambda event: (event["firstTimestamp"], event["metadata"]["resourceVersion"]))


def reasons(stand: Stand, name: str) -> list[str]:
    return [event["reason"] for event in events(stand, name)]


def told(stand: Stand, name: str, reason: str) -> str:
    """Wait for an Event, which comes a moment after what it tells; answers with its message."""

    def message() -> str | None:
        return next((event["message"] for event in events(stand, name) if event["reason"] == reason), None)

    return str(until(f"the Event {reason} of {name}", message))
