"""Who wants to know of every command that an array was given, and what they are told. Nothing here does anything."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.array.errors import ArrayError, OutcomeUnknown, Refused, Unreadable

CHAIN = "chain"
"""Stands for the verb of a line in which several looks were chained."""


class Ending(StrEnum):
    """How a command ended."""

    DONE = "done"
    WARNED = "warned"
    """Done, with a warning."""
    ABSENT = "absent"
    """A look at one object, and the array says that there is none: an answer like any other."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """The array answered in a way that we do not understand."""
    UNKNOWN = "unknown"
    """The answer was lost: it may or may not have run."""
    NOT_SENT = "not_sent"
    """There was no session to type it on."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One command, or a line of several.

    verb: the command's name, without what it is about, or `CHAIN`: each command of such a line that succeeded is told
    too, by itself. seconds: from typing the line until its whole answer was there; None for a command that was one of
    several in a line, and for one that was not sent. code: what the array gave as its reason, empty if nothing.
    """

    verb: str
    seconds: float | None
    ending: Ending
    code: str = ""


Heed = Callable[[Typed], None]
"""Called from whichever thread typed the command. It must neither wait nor fail."""


def nobody(_: Typed) -> None:
    """For those who have nobody to tell."""


def ending_of(error: ArrayError | None, *, warned: str = "") -> tuple[Ending, str]:
    """How a command ended, and the array's code. warned: the code of its warning, if any."""
    match error:
        case None:
            return (Ending.WARNED, warned) if warned else (Ending.DONE, "")
        case Refused(code=code):
            return Ending.REFUSED, code
        case Unreadable():
            return Ending.UNREADABLE, ""
        case OutcomeUnknown():
            return Ending.UNKNOWN, ""
        case _:
            return Ending.NOT_SENT, ""
