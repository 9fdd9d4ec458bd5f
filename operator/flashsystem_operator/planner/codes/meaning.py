"""What is known about one code of the array, and who has to do something about it."""

from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.planner.decision import Reason


class Severity(StrEnum):
    """Who has to do something."""

    DONE = "done"
    """Nobody: what was wished is there already, or was done."""
    RETRY = "retry"
    """The operator: it looks again and tries again, and mostly that is all."""
    SPEC = "change the spec"
    """Whoever wrote the resource."""
    ADMIN = "call the administrator"
    """Whoever looks after the array."""
    BUG = "our bug"
    """We: the operator typed what this array does not take. Please report it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says.

    verb: the command that it answers, where the meaning hangs on it; empty for all others.
    means, remedy: whole sentences. remedy is empty where nothing is to be done.
    reason: what a condition says if this keeps something from being done, and the look after it shows nothing that is
        more to the point.
    """

    code: str
    verb: str
    severity: Severity
    means: str
    remedy: str = ""
    reason: Reason = Reason.REFUSED_BY_ARRAY
