"""What an object says about itself, in the form that `kubectl wait` reads."""

from enum import StrEnum
from typing import Annotated, Literal

from flashsystem_operator.api.base import AtMost, Model, StatusModel, Text, Time
from flashsystem_operator.api.fields import Namespace, ObjectName, SystemId

Truth = Literal["True", "False", "Unknown"]


class Condition(StatusModel):
    """One statement. `last_transition_time` moves only when `status` does."""

    type: Text
    """Ready, Reconciling, Stalled or Reachable."""
    status: Truth
    """Unknown is for what could not be seen."""
    reason: Annotated[str, AtMost(1024)]
    """One word in CamelCase, named by what should be done next."""
    message: Annotated[str, AtMost(32768)]
    """Whole sentences with the way out; the array's own words where it spoke. Never a secret."""
    observed_generation: int | None = None
    """The metadata.generation that this statement was made about."""
    last_transition_time: Time
    """Since when `status` is what it is (RFC 3339, UTC)."""


Conditions = Annotated[tuple[Condition, ...], AtMost(16)]


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Whether the condition is there and True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


class DriftPolicy(StrEnum):
    """Of attachments, and of the ports of hosts."""

    CORRECT = "Correct"
    """Put it right where that hurts no running host; say so where it would."""
    REPORT = "Report"
    """Say so."""
    IGNORE = "Ignore"
    """Neither; only Ready tells."""


Plan = Annotated[tuple[Annotated[str, AtMost(4096)], ...], AtMost(64)]
"""The commands in their order, exactly as they would be sent; secrets as `***`."""


class DeletionPolicy(StrEnum):
    """What becomes of what is on the array when the resource is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class NameRef(Model):
    """An object of the same namespace."""

    name: ObjectName


class ArrayRef(Model):
    """A FlashSystemArray."""

    name: ObjectName
    namespace: Namespace | None = None
    """Left out: the namespace of the object that refers to it."""


class ArraySeen(StatusModel):
    """The array that was worked on. With `system_id` it can be found again when the FlashSystemArray is gone."""

    name: Text | None = None
    namespace: Text | None = None
    system_id: SystemId | None = None
