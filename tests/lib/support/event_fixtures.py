"""Objects before a pass that may cause Events."""

from typing import Any

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Condition, Truth
from support.builders import attachment, own_name, volume

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
NODE, DATA = own_name("node"), volume()


def condition(kind: str, truth: Truth, reason: str = "Some") -> Condition:
    return Condition(type=kind, status=truth, reason=reason, message="It was.", last_transition_time=THEN)


def before(*conditions: Condition, attached: bool = False, **status: Any) -> VolumeAttachment:
    known = {"attached_time": THEN} if attached else {}
    return attachment("db", "node", status={**known, "conditions": conditions, **status})
