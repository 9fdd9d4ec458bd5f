"""The change log: one line of JSON for every command that was sent to change an array, whatever came of it.

docs/change-log.md tells its readers what each key means. Nothing in it is a secret: commands are shown masked, and
what the array answered is searched for what was masked in them.
"""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flashsystem_operator.api.metadata import Asked, ObjectRef
from flashsystem_operator.array.commands import MapVolume, Step, UnmapVolume, shown, without_secrets
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.array.identity import Known, as_sent
from flashsystem_operator.logs import CHANGES
from flashsystem_operator.planner.change_reason import ChangeReason
from flashsystem_operator.values import SystemId

_log = logging.getLogger(CHANGES)
_WORDS = 2000
"""Characters of an answer that are kept: a line of a log stays a line."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A step, on which array, for whom, and why.

    known: what the step stands on. generation, deleting, asked: what the owner was like when the step was planned.
    undoes: whether it takes back what a command of ours made a moment ago, and nothing that anything stands on.
    """

    array: ObjectRef
    system: SystemId | None
    owner: ObjectRef
    uid: str
    generation: int
    cause: ChangeReason
    step: Step
    known: Known = field(default_factory=Known)
    deleting: bool = False
    asked: Asked = field(default_factory=Asked)
    undoes: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """When a command was sent, how many seconds its answer took, and what was wrong with it, if anything."""

    at: datetime
    seconds: float
    error: Exception | None = None


def write(operation: Operation, sent: Sent) -> None:
    _log.info(json.dumps(record(operation, sent)))


def record(operation: Operation, sent: Sent) -> dict[str, object]:
    """The line, before it is JSON. `code` and `words` are there only when the array did not simply do it."""
    return {
        "time": sent.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "array": {"namespace": operation.array.namespace, "name": operation.array.name, "system": operation.system},
        "resource": {
            "kind": operation.owner.kind.value,
            "namespace": operation.owner.namespace,
            "name": operation.owner.name,
        },
        "uid": operation.uid,
        "generation": operation.generation,
        "why": operation.cause.why.value,
        "because": operation.cause.because,
        "command": shown(as_sent(operation.step, operation.known)),
        **_about(operation.step),
        **_result(sent.error, operation.step),
        "seconds": round(sent.seconds, 3),
    }


def _about(step: Step) -> dict[str, object]:
    """What the command is about, under keys that a search need not parse a command line for."""
    if isinstance(step, MapVolume | UnmapVolume):
        return {"host": step.host, "volume": step.volume, "volumeUID": step.uid}
    return {"host": step.host}


def _result(error: Exception | None, step: Step) -> dict[str, object]:
    match error:
        case None:
            return {"result": "done"}
        case Refused(code=code, words=words):
            return {"result": "refused", "code": code, "words": _words(step, words)}
        case OutcomeUnknown() | Unreadable():
            return {"result": "unknown", "words": _words(step, str(error))}
        case _:
            return {"result": "not sent", "words": _words(step, str(error))}


def _words(step: Step, words: str) -> str:
    return without_secrets(step, words)[:_WORDS]
