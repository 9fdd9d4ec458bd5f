"""The change log: one line of JSON for every command that was sent to change an array, whatever its result.

docs/change-log.md describes each key. It contains no secrets: commands are written masked, and secrets of a command
are also masked in the array's answer.
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
_MAX_ANSWER = 2000
"""Characters of an answer that are kept, to bound the length of a line."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A step with its array, its owner and its reason.

    known: what the step is based on. generation, deleting, asked: the owner's state when the step was planned.
    undoes: whether it reverts the result of a command that the operator sent a moment ago, which nothing uses yet.
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
    """When a command was sent, the seconds until its answer, and its error, if any."""

    at: datetime
    seconds: float
    error: Exception | None = None


def write(operation: Operation, sent: Sent) -> None:
    _log.info(json.dumps(record(operation, sent)))


def record(operation: Operation, sent: Sent) -> dict[str, object]:
    """Return the line before it is JSON. `code` and `words` exist only if the command did not simply succeed."""
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
    """Return the objects of the command under keys of their own, so that searches need not parse command lines."""
    if isinstance(step, MapVolume | UnmapVolume):
        return {"host": step.host, "volume": step.volume, "volumeUID": step.uid}
    return {"host": step.host}


def _result(error: Exception | None, step: Step) -> dict[str, object]:
    match error:
        case None:
            return {"result": "done"}
        case Refused(code=code, words=words):
            return {"result": "refused", "code": code, "words": _answer(step, words)}
        case OutcomeUnknown() | Unreadable():
            return {"result": "unknown", "words": _answer(step, str(error))}
        case _:
            return {"result": "not sent", "words": _answer(step, str(error))}


def _answer(step: Step, answer: str) -> str:
    return without_secrets(step, answer)[:_MAX_ANSWER]
