"""How the log looks: a line for a person, or a JSON object for a machine. Four levels with a meaning each.

ERROR: we have a bug. WARNING: the array warned, or an administrator should look. INFO: the array was changed, or a
Lease changed hands. DEBUG: every line typed and how long it took. A healthy idle operator is silent.

What changed an array is written at every level, and may go to a place of its own: the change log.

A line says what it is about in fields of their own: `array`, `resource`, `command` (secrets masked), `seconds`. Who
logs does little for it: `about` says once what all that follows in a task or a thread is about, and an ObjectRef among
the arguments of a line is its resource. docs/monitoring.md tells readers of the log what each field means.
"""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from logging.handlers import WatchedFileHandler
from typing import TextIO

from flashsystem_operator.api.metadata import Kind, ObjectRef

CHANGES = "flashsystem_operator.changes"
"""The logger of the change log. Each of its messages is one line of JSON."""


class LogFormat(StrEnum):
    """How log records are written."""

    PLAIN = "plain"
    JSON = "json"


FIELDS = ("array", "resource", "command", "status", "seconds", "objects")
"""What a line may say beside its message, in this order."""

_ABOUT: ContextVar[Mapping[str, ObjectRef]] = ContextVar("about")


def about(ref: ObjectRef) -> None:
    """Say of all that follows in this task or thread, and in tasks that it starts, that it is about this object."""
    _ABOUT.set({**_ABOUT.get({}), _key(ref): ref})


@contextlib.contextmanager
def meanwhile_about(ref: ObjectRef) -> Iterator[None]:
    """The same, for as long as the block lasts."""
    token = _ABOUT.set({**_ABOUT.get({}), _key(ref): ref})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def _key(ref: ObjectRef) -> str:
    return "array" if ref.kind is Kind.ARRAY else "resource"


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What a line is about: what it names itself, else what its task or thread is about."""
    found: dict[str, object] = dict(_ABOUT.get({}))
    named = [each for each in record.args if isinstance(each, ObjectRef)] if isinstance(record.args, tuple) else []
    found |= {_key(ref): ref for ref in reversed(named)}
    found |= {name: vars(record)[name] for name in FIELDS if name in vars(record)}
    return {name: _plain(found[name]) for name in FIELDS if name in found}


def _plain(value: object) -> object:
    if not isinstance(value, ObjectRef):
        return value
    named = {"namespace": value.namespace, "name": value.name}
    return named if value.kind is Kind.ARRAY else {"kind": value.kind.value, **named}


class _Plain(logging.Formatter):
    """A line for a person. Which array it is about stands at its end, where its words do not tell."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it so
        line, array = super().formatMessage(record), _ABOUT.get({}).get("array")
        told = array is None or record.name == CHANGES or str(array) in line
        return line if told else f"{line} [{array}]"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        if record.name == CHANGES:
            said["change"] = json.loads(record.getMessage())
        else:
            said |= {"message": record.getMessage(), **fields(record)}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


class _NotOurBug(logging.Filter):
    """kopf calls it an error when the API server does not answer. It is not one of ours, and it is tried again.

    When it gives up over that, each of its tasks says so with a traceback; handlers/operate.py says it in a line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(("kopf.", "asyncio")) and record.exc_info and _of_the_api(record.exc_info[1]):
            return False
        if record.name.startswith("kopf._cogs.clients") and record.levelno == logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def _of_the_api(error: BaseException | None) -> bool:
    """Whether it is about the API server, as far as its type tells: kopf's own errors are not to be imported."""
    return isinstance(error, OSError) or type(error).__module__.startswith(("kopf._cogs.clients", "aiohttp"))


class _Kept(logging.Handler):
    """What cannot be written to the change log goes to the log instead; whoever changed the array goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        why = sys.exc_info()[1]
        logging.getLogger(__name__).warning("cannot write the change log (%s): %s", why, record.getMessage())


class _Stream(_Kept, logging.StreamHandler[TextIO]):
    """Standard output, mostly."""


class _File(_Kept, WatchedFileHandler):
    """Opened anew when it was moved away, as logrotate does."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # opening it anew may fail too
            self.handleError(record)


def configure(shape: LogFormat, level: str, change_log: str | None = None) -> None:
    """Write the log to standard error. kopf's chatter about what it hands on is left out below WARNING.

    change_log: the file to which the change log is appended, `-` for standard output, None to leave it in the log.
        Raises OSError if it cannot be opened.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if shape is LogFormat.JSON else _Plain())
    handler.addFilter(_NotOurBug())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kopf", "asyncio", "aiohttp", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    changes = logging.getLogger(CHANGES)
    changes.setLevel(logging.INFO)
    for former in changes.handlers[:]:
        changes.removeHandler(former)
        former.close()
    changes.propagate = change_log is None
    if change_log is not None:
        changes.addHandler(_Stream(sys.stdout) if change_log == "-" else _File(change_log, encoding="utf-8"))
