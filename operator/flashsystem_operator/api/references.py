"""What several kinds have in common: how one object names another, and what becomes of what it made on the array."""

from enum import StrEnum

from flashsystem_operator.api.base import Memory, Model, Text
from flashsystem_operator.api.words import Namespace, ObjectName, SystemId


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


class ArraySeen(Memory):
    """The array that was worked on. With `system_id` it can be found again when the FlashSystemArray is gone."""

    name: Text | None = None
    namespace: Text | None = None
    system_id: SystemId | None = None
