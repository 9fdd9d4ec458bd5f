"""Codes about volumes, pools, copies and snapshots: mostly met by administrators. Source: array-cli facts 3.3."""

from flashsystem_operator.planner.codes.meaning import Meaning, Severity

_DONE, _RETRY, _SPEC, _ADMIN, _BUG = Severity

_ROOM = "Free space in the pool, or extend it."
_OTHER_POOL = "Choose another pool, or another kind of volume."
_COPY = "See the state of the copy on the array; wait for it, or change it there."

TABLE = (
    Meaning("CMMVC5860E", "", _ADMIN, "The pool has not enough free space to extend the volume.", _ROOM),
    Meaning("CMMVC8710E", "", _ADMIN, "The pool has not enough free space for the volume.", _ROOM),
    Meaning("CMMVC9292E", "", _SPEC, "The pool does not do volumes of this space efficiency.", _OTHER_POOL),
    Meaning("CMMVC9301E", "", _SPEC, "The pool is not a data reduction pool.", _OTHER_POOL),
    Meaning("CMMVC9760E", "", _SPEC, "The pool is not a child pool.", _OTHER_POOL),
    Meaning(
        "CMMVC9236E",
        "",
        _BUG,
        "A warning level is not possible for volumes of a data reduction pool.",
        "Leave -warning out.",
    ),
    Meaning("CMMVC8587E", "", _RETRY, "The volume is still being formatted.", "Wait until it is; it is tried again."),
    Meaning("CMMVC6466E", "", _DONE, "There is such a FlashCopy mapping already."),
    Meaning("CMMVC5907E", "", _DONE, "The FlashCopy mapping is copying already."),
    Meaning("CMMVC5912E", "", _DONE, "The FlashCopy mapping is stopped already."),
    Meaning(
        "CMMVC5903E",
        "",
        _RETRY,
        "The FlashCopy mapping is not prepared: it is copying already, or in another state.",
        _COPY,
    ),
    Meaning("CMMVC5924E", "", _SPEC, "Source and target of the copy differ in size.", "Use a target of the same size."),
    Meaning("CMMVC6303E", "", _SPEC, "Source and target of the copy are the same.", "Name another target."),
    Meaning(
        "CMMVC9201E",
        "",
        _ADMIN,
        "The volume has a fully allocated copy in a Metro or Global Mirror relationship.",
        "End the relationship first, or leave the volume as it is.",
    ),
    Meaning(
        "CMMVC8783E",
        "",
        _ADMIN,
        "The copy of the volume stays, since the volume is in a consistency group.",
        "Take it out of the group first.",
    ),
    Meaning("CMMVC8749E", "", _ADMIN, "The volume group is not empty.", "Take its volumes out first."),
    Meaning("CMMVC5959E", "", _ADMIN, "The volume is in a remote copy relationship.", "End the relationship first."),
    Meaning("CMMVC5963E", "", _ADMIN, "The remote copy relationship has no direction yet.", "Say which is primary."),
    Meaning("CMMVC5982E", "", _RETRY, "The remote copy is in a state that does not allow this.", _COPY),
    Meaning("CMMVC7050E", "", _ADMIN, "The I/O group does not do compression.", "Use another one, or no compression."),
    Meaning("CMMVC6430E", "", _SPEC, "Source and target pool are the same.", "Name another pool."),
    Meaning("CMMVC6353E", "", _RETRY, "The volume has no such copy, or not any more.", _COPY),
    Meaning("CMMVC6446E", "", _ADMIN, "The pools have extents of different size.", "Use a pool with the same size."),
    Meaning("CMMVC6065E", "", _RETRY, "The object is not in a group, or not any more.", _COPY),
    Meaning("CMMVC9012E", "", _SPEC, "The copies of the volume are of different kinds.", "Use the same kind for both."),
    Meaning("CMMVC5951E", "", _ADMIN, "The relationship is part of a group.", "Take it out of the group first."),
)
