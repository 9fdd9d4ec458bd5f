"""What the array takes for a name or an initiator."""

import re

from flashsystem_operator.simulator.objects import Kind
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.rules import Rules

LONGEST = 63
LONGEST_INITIATOR = 255
_GIVEN_NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_.-])?")
_INITIATOR: dict[Kind, re.Pattern[str]] = {
    "iscsi": re.compile(r"(?:iqn|eui|naa)\.[^\s,]+", re.IGNORECASE),
    "nvme": re.compile(r"nqn\.[^\s,]+", re.IGNORECASE),
    "fc": re.compile(r"[0-9A-Fa-f]{16}"),
    "sas": re.compile(r"[0-9A-Fa-f]{16}"),
}
"""Looser than RFC 3720: arrays are seen to hold names such as iqn.localhost.hostid.7f000001."""


def name(word: str) -> str:
    """A name for a new or renamed object: CMMVC5738E if it is too long, CMMVC6527E if it is none."""
    if len(word) > LONGEST:
        raise Refused("CMMVC5738E", word)
    if not _GIVEN_NAME.fullmatch(word):
        raise Refused("CMMVC6527E")
    return word


def taken_code(kind: Kind, rules: Rules) -> str:
    """How the array refuses an initiator that is none or that another host has: it does not tell which."""
    return {"iscsi": rules.iqn_taken_code, "nvme": "CMMVC9328E"}.get(kind, "CMMVC5867E")


def initiator(kind: Kind, word: str, rules: Rules) -> str:
    """An initiator as the array keeps it: as received, but WWPNs in upper case."""
    if len(word) > LONGEST_INITIATOR or not _INITIATOR[kind].fullmatch(word):
        raise Refused(taken_code(kind, rules))
    return word.upper() if kind in {"fc", "sas"} else word
