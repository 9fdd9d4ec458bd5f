"""How the log looks: a line for a person, or a JSON object for a machine. Four levels with a meaning each.

ERROR: we have a bug. WARNING: the array warned, or an administrator should look. INFO: the array was changed, or a
Lease changed hands. DEBUG: every line typed and how long it took. A healthy idle operator is silent.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum


class LogFormat(StrEnum):
    """How log records are written."""

    PLAIN = "plain"
    JSON = "json"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        if record.name == "flashsystem_operator.changes":
            said["change"] = json.loads(record.getMessage())
        else:
            said["message"] = record.getMessage()
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


class _NotOurBug(logging.Filter):
    """kopf calls it an error when the API server does not answer. It is not one of ours, and it is tried again."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("kopf._cogs.clients") and record.levelno == logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def configure(shape: LogFormat, level: str) -> None:
    """Write the log to standard error. kopf's chatter about what it hands on is left out below WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_Json() if shape is LogFormat.JSON else plain)
    handler.addFilter(_NotOurBug())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kopf", "asyncio", "aiohttp", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
