"""Codes about how a command was typed, and about what system and user may do. Source: array-cli facts 3.2 and 3.4."""

from flashsystem_operator.reconcile.codes.meaning import Meaning, Severity
from flashsystem_operator.reconcile.decision import Reason

_DONE, _RETRY, _SPEC, _ADMIN, _BUG = Severity

_REPORT = "Please report this, with the command and the array's code level: the operator should not have typed it."
_NEWER = "The array's release may not have it yet, or not any more. Please report this, with the array's code level."
_NO_SOURCE = "No source that we trust says what this means. Go by the array's own words, and please report them."

TABLE = (
    Meaning("CMMVC5701E", "", _BUG, "The command lacks the object that it is about.", _REPORT),
    Meaning("CMMVC5703E", "", _BUG, "A value of the command is too long.", _REPORT),
    Meaning("CMMVC5707E", "", _BUG, "The command lacks a parameter that it needs.", _REPORT),
    Meaning("CMMVC5709E", "", _BUG, "This array's command does not have that parameter.", _NEWER),
    Meaning("CMMVC5711E", "", _BUG, "A value of the command is not one that it takes.", _REPORT),
    Meaning(
        "CMMVC5711E",
        "mkvdiskhostmap",
        _SPEC,
        "A value of the command is not one that it takes: most likely the LUN.",
        "Make the attachment again with a lower spec.lun, or with none.",
    ),
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
        _ADMIN,
        "The array did not take the login.",
        "Correct user name, password or key in the Secret, or the user on the array.",
        Reason.LOGIN_FAILED,
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
        "Tell whoever looks after the array.",
    ),
    Meaning(
        "CMMVC9351E",
        "",
        _ADMIN,
        "A second administrator has to approve this: two-person integrity is on.",
        "Have it approved on the array, or give the operator a user that needs no approval for mappings.",
    ),
    Meaning("CMMVC5786E", "", _RETRY, _NO_SOURCE, "It is tried again."),
    Meaning("CMMVC5980E", "", _RETRY, _NO_SOURCE, "It is tried again."),
)
