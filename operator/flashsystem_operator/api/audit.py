"""What is on an array and explained by no resource, as its status tells it."""

from typing import Annotated

from flashsystem_operator.api.base import AtMost, Memory, Text
from flashsystem_operator.api.words import Lun, VolumeUid


class Unexplained(Memory):
    """A host object, or with a volume one of its mappings."""

    host: Text | None = None
    volume: Text | None = None
    uid: VolumeUid | None = None
    lun: Lun | None = None


class Findings(Memory):
    """How many host objects and mappings of one sort there are; `items` are the first of them."""

    hosts: int | None = None
    mappings: int | None = None
    items: Annotated[tuple[Unexplained, ...], AtMost(50)] = ()


class LetGo(Memory):
    """The same of what was let go. Here `items` are what is remembered of it: beyond them it counts as another sort."""

    hosts: int | None = None
    mappings: int | None = None
    items: Annotated[tuple[Unexplained, ...], AtMost(200)] = ()


class Unread(Memory):
    """A row that could not be read: of which command's answer, and why."""

    command: Text | None = None
    why: Text | None = None


class Audit(Memory):
    """What no resource explains, sorted by what it is likely to be. Nothing of it is ever removed by the operator."""

    orphaned: Findings | None = None
    """On host objects that this installation made."""
    foreign: Findings | None = None
    """On all others: made by administrators, or by other clusters."""
    released: LetGo | None = None
    """Left there when a resource was deleted, because somebody said so."""
    unreadable: Annotated[tuple[Unread, ...], AtMost(50)] = ()
    """What the operator cannot read. Resources that it is about wait with reason UnreadableAnswer."""
