"""Codes about how a command was typed, and about what system and user may do. Source: array-cli facts 3.2."""

from flashsystem_operator.planner.codes.meaning import Meaning, Severity

_DONE, _RETRY, _SPEC, _ADMIN, _BUG = Severity

_REPORT = "Please report this, with the command and the array's code level: the operator should not have typed it."
_NEWER = "The array's release may not have it yet, or not any more. Please report this, with the array's code level."

TABLE = (
    Meaning("CMMVC5701E", "", _BUG, "The command lacks the object that it is about.", _REPORT),
    Meaning("CMMVC5703E", "", _BUG, "A value or list of the command is above its maximum.", _REPORT),
    Meaning("CMMVC5707E", "", _BUG, "The command lacks a parameter that it needs.", _REPORT),
    Meaning("CMMVC5709E", "", _BUG, "This array's command does not have that parameter.", _NEWER),
    Meaning("CMMVC5711E", "", _BUG, "A value of the command is not one that it takes.", _REPORT),
    Meaning("CMMVC5713E", "", _BUG, "Two parameters of the command exclude each other.", _REPORT),
    Meaning(
        "CMMVC5738E",
        "",
        _SPEC,
        "A name has too many characters for this array.",
        "Give it a shorter one: spec.hostName for the host object.",
    ),
    Meaning("CMMVC5741E", "", _BUG, "The array does not filter by what it was asked to filter by.", _NEWER),
    Meaning("CMMVC5767E", "", _BUG, "One of the parameters, or several, are not valid.", _REPORT),
    Meaning("CMMVC5987E", "", _BUG, "This array's command does not have that option.", _NEWER),
    Meaning(
        "CMMVC6017E",
        "",
        _SPEC,
        "A value has characters that are not ASCII.",
        "Use letters, digits, `_`, `.` and `-` in names.",
    ),
    Meaning(
        "CMMVC6070E",
        "",
        _BUG,
        "The command is not well formed: a parameter is not valid, is there twice, lacks its value or stands at the "
        "wrong place.",
        _REPORT,
    ),
    Meaning(
        "CMMVC6527E",
        "",
        _SPEC,
        "This cannot be a name: it may have letters, digits, blanks, `.`, `-` and `_`, begins with a letter or `_`, "
        "and neither begins nor ends with a blank.",
        "Correct the name in the spec.",
    ),
    Meaning(
        "CMMVC7017E",
        "",
        _RETRY,
        "The array has as many CLI sessions open as it allows: the login was refused for that, not for its password.",
        "It is tried again. If this stays, close other sessions, or lower spec.limits.sessions of the array.",
    ),
    Meaning(
        "CMMVC7205E",
        "",
        _BUG,
        "This system does not have that command.",
        "The operator finds out which commands a system has; if this stays, please report it with the array's code "
        "level.",
    ),
    Meaning(
        "CMMVC6372W",
        "",
        _DONE,
        "The command was done; the licensed capacity is nearly used up.",
        "Report it to the array administrator.",
    ),
    Meaning(
        "CMMVC9351E",
        "",
        _ADMIN,
        "A second administrator has to approve this: two-person integrity is on.",
        "Have it approved on the array, or give the operator a user that needs no approval for mappings.",
    ),
    Meaning("CMMVC5786E", "", _RETRY, "The system is not in a stable state.", "It is tried again."),
    Meaning(
        "CMMVC5980E",
        "",
        _RETRY,
        "Master and auxiliary system of the remote copy are not connected.",
        "Restore the partnership of the two systems; it is tried again.",
    ),
)
