"""What the array's CMMVC codes mean, and what to do about each: for messages to users, never for deciding.

What happened is decided by reading the array again. A code changes its meaning with the command that it answers, and
drivers that took a code for an outcome lost mappings over it (array-cli facts 3.5). So the key is command and code, and
the value is only text. The texts are in codes.yaml.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import yaml

from flashsystem_operator.array.errors import Refused
from flashsystem_operator.planner.decision import Reason


class Severity(StrEnum):
    """Who has to act."""

    DONE = "done"
    """None: the desired state exists already, or the command was done."""
    RETRY = "retry"
    """The operator: it reads the array again and retries."""
    SPEC = "change the spec"
    """The author of the resource."""
    ADMIN = "call the administrator"
    """The array administrator."""
    BUG = "our bug"
    """The maintainers: the operator sent what this array does not take. Please report it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.

    verb: the command that it answers, where the meaning depends on it; empty for all others.
    means, remedy: whole sentences. remedy is empty where nothing is to be done.
    reason: of the condition, if this prevents something and reading the array again shows nothing more specific.
    """

    code: str
    verb: str
    severity: Severity
    means: str
    remedy: str = ""
    reason: Reason = Reason.REFUSED_BY_ARRAY


TABLE = tuple(
    sorted(
        (
            Meaning(
                code,
                row.get("verb", ""),
                Severity[row["severity"].upper()],
                row["means"],
                row.get("remedy", ""),
                Reason(row.get("reason", Reason.REFUSED_BY_ARRAY)),
            )
            for row in yaml.load(
                (files("flashsystem_operator.planner") / "codes.yaml").read_text("utf-8"), yaml.CSafeLoader
            )
            for code in row["codes"]
        ),
        key=lambda each: (each.code, each.verb),
    )
)
"""By code; of one code first what it means in general, then by command."""

UNKNOWN = (
    "This operator does not know this code; only the array's own message explains it. Look it up in the "
    "array's documentation, and please report it together with the array's code level."
)
WARNING = "The W at its end means that it is a warning: the command was done."

_NO_CODE = "It gave no code. The array's event log may show more."
_WITH_PREFIX = re.compile(r"\bCMMVC(\d{4})([A-Z]?)\b", re.IGNORECASE)
_BARE = re.compile(r"\s*(\d{4})([A-Z]?)\s*", re.IGNORECASE)
_BY_KEY = {(each.code, each.verb): each for each in TABLE}


def code_of(text: str) -> str:
    """The code in text that a user typed or pasted: `CMMVC5879E`, `5879`, a whole message. Empty if there is none."""
    found = _WITH_PREFIX.search(text) or _BARE.fullmatch(text)
    return f"CMMVC{found.group(1)}{(found.group(2) or 'E').upper()}" if found else ""


def verb_of(line: str) -> str:
    """The command of a line, without the `svctask` or `svcinfo` before it."""
    return next((part for part in line.split() if part not in ("svctask", "svcinfo")), "")


def meaning(code: str, verb: str) -> Meaning | None:
    """What a code means as the reply to a command, or None if it is unknown."""
    return _BY_KEY.get((code, verb)) or _BY_KEY.get((code, ""))


def meanings(code: str) -> tuple[Meaning, ...]:
    """All that a code can mean."""
    return tuple(each for each in TABLE if each.code == code)


def known(refused: Refused) -> bool:
    """Whether the table can add to the array's own message. True without a code: there is nothing to look up."""
    return not refused.code or meaning(refused.code, verb_of(refused.line)) is not None


def remark(refused: Refused) -> str:
    """The text that follows the array's own message in a message to users. Whole sentences."""
    if not refused.code:
        return _NO_CODE
    found = meaning(refused.code, verb_of(refused.line))
    return f"This means: {found.means} {found.remedy}".strip() if found else UNKNOWN
