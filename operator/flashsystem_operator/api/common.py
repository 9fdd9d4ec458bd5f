"""Parts that several kinds share: conditions, policies and references."""

from enum import StrEnum
from typing import Annotated, Literal

from flashsystem_operator.api.base import AtMost, Model, StatusModel, Text, Time
from flashsystem_operator.api.fields import Namespace, ObjectName, SystemId

Truth = Literal["True", "False", "Unknown"]


class Condition(StatusModel):
    """A condition. `last_transition_time` changes only when `status` does."""

    type: Text
    """Ready, Reconciling, Stalled or Reachable."""
    status: Truth
    """Unknown: it could not be observed."""
    reason: Annotated[str, AtMost(1024)]
    """A CamelCase name, by the remedy."""
    message: Annotated[str, AtMost(32768)]
    """Sentences with the remedy; messages of the array are quoted. Never contains a secret."""
    observed_generation: int | None = None
    """The metadata.generation that the condition was computed for."""
    last_transition_time: Time
    """When `status` last changed (RFC 3339, UTC)."""


Conditions = Annotated[tuple[Condition, ...], AtMost(16)]


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of that type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Return whether the condition exists and is True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


class DriftPolicy(StrEnum):
    """What to do about drift of attachments, and of the ports of hosts."""

    CORRECT = "Correct"
    """Correct it where that is safe for running hosts, report it otherwise."""
    REPORT = "Report"
    """Report it."""
    IGNORE = "Ignore"
    """Neither; only Ready shows it."""


Plan = Annotated[tuple[Annotated[str, AtMost(4096)], ...], AtMost(64)]
"""The commands in order, exactly as they would be sent; secrets as `***`."""


class DeletionPolicy(StrEnum):
    """What happens to the object on the array when the resource is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class NameRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName


class ArrayRef(Model):
    """A reference to a FlashSystemArray."""

    name: ObjectName
    namespace: Namespace | None = None
    """None: the namespace of the object with the reference."""


class ArraySeen(StatusModel):
    """The array of the last reconciliation. `system_id` identifies it after the FlashSystemArray was deleted."""

    name: Text | None = None
    namespace: Text | None = None
    system_id: SystemId | None = None
