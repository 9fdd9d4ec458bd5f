"""The log: plain lines or JSON objects, and the change log.

ERROR: a bug of the operator. WARNING: the array warned, or an administrator should look. INFO: the array was changed,
or a Lease changed its holder. DEBUG: every command and its duration. A healthy idle operator logs nothing.

Every command that changed an array is logged at every level, and may go to a file of its own: the change log.

A record has its subject in fields: `array`, `resource`, `command` (secrets masked), `seconds`. Callers do little for
it: `about` sets the subject of all records that follow in a task or a thread, and an ObjectRef among the arguments of
a record is its resource. docs/monitoring.md describes each field.
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
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

from flashsystem_operator.api.metadata import Kind, ObjectRef

CHANGES = "flashsystem_operator.changes"
"""The logger of the change log. Each of its messages is one line of JSON."""


class LogFormat(StrEnum):
    """How log records are written."""

    PLAIN = "plain"
    JSON = "json"


FIELDS = ("array", "resource", "command", "status", "seconds", "objects")
"""The fields that a record may have in addition to its message, in this order."""

_ABOUT: ContextVar[Mapping[str, ObjectRef]] = ContextVar("about")


def about(ref: ObjectRef) -> None:
    """Make this object the subject of all records that follow in this task or thread, and in tasks that it starts."""
    _ABOUT.set({**_ABOUT.get({}), _key(ref): ref})


@contextlib.contextmanager
def meanwhile_about(ref: ObjectRef) -> Iterator[None]:
    """Do as `about`, for the duration of the block."""
    token = _ABOUT.set({**_ABOUT.get({}), _key(ref): ref})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def _key(ref: ObjectRef) -> str:
    return "array" if ref.kind is Kind.ARRAY else "resource"


def fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the subject of a record: what it names itself, else the subject of its task or thread."""
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
    """A readable line. If the message does not name the array, the array is appended."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it so
        line, array = super().formatMessage(record), _ABOUT.get({}).get("array")
        is_named = array is None or record.name == CHANGES or str(array) in line
        return line if is_named else f"{line} [{array}]"


class _Json(JsonFormatter):
    """A JSON object in a line: the fields that docs/monitoring.md describes."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"level": record.levelname, "logger": record.name}
        if record.name == CHANGES:
            log_data["change"] = json.loads(record.getMessage())
        else:
            log_data |= {"message": record.getMessage(), **fields(record)}
        if exception := message_dict.get("exc_info"):
            log_data["exception"] = exception


class _NotOurBug(logging.Filter):
    """Lower kopf's errors about an API server that does not answer: they are not bugs, and kopf retries.

    When kopf gives up, each of its tasks logs a traceback, which is dropped: runtime/process.py logs one line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(("kopf.", "asyncio")) and record.exc_info:
            error = record.exc_info[1]
            # An error of the API server, by its type's module: kopf's own errors are not to be imported.
            if isinstance(error, OSError) or type(error).__module__.startswith(("kopf._cogs.clients", "aiohttp")):
                return False
        if record.name.startswith("kopf._cogs.clients") and record.levelno == logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


class _Kept(logging.Handler):
    """Write a record to the log if it cannot be written to the change log. The caller does not fail."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        why = sys.exc_info()[1]
        logging.getLogger(__name__).warning("cannot write the change log (%s): %s", why, record.getMessage())


class _Stream(_Kept, logging.StreamHandler[TextIO]):
    """The change log on a stream: standard output."""


class _File(_Kept, WatchedFileHandler):
    """The change log in a file, which is opened again after it was moved, as logrotate does."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # opening it again may fail too
            self.handleError(record)


def configure(shape: LogFormat, level: str, change_log: str | None = None) -> None:
    """Write the log to standard error. Records of kopf and other libraries below WARNING are left out.

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
