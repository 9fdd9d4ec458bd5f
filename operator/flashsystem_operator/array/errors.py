"""Everything that can go wrong between us and an array.

    ArrayError
    ├── Unreachable        no session: network, credentials, host key, or another system answered
    │   ├── LoginRefused       the array did not take the credentials
    │   ├── HostKeyMismatch    the array showed another host key than the pinned one
    │   └── OtherSystem        the address is now another array's
    ├── OutcomeUnknown     the session broke after the command was sent: look before doing anything else
    ├── Refused            the array answered CMMVCnnnnE; carries command, code and words
    └── Unreadable         the array answered in a way we do not understand: our bug, loud

    Withheld           nothing was sent: we ourselves held the command back. Not the array's fault, hence not above

The split is by what to do next, not by what went wrong: try again, look first, ask a person, file a bug.
No error carries a secret: commands are shown as `masked()` shows them.
"""

import re

_ERROR = re.compile(r"\bCMMVC\d{4}E\b")
_WARNING = re.compile(r"\bCMMVC\d{4}W\b")


class ArrayError(Exception):
    """Anything that keeps us from knowing or changing what is on the array."""


class Unreachable(ArrayError):
    """No session could be had. Nothing was typed, or nothing was believed. Try again later."""


class LoginRefused(Unreachable):
    """The array did not accept the user name with this password or key. Only a changed Secret helps."""


class HostKeyMismatch(Unreachable):
    """The array's host key is not the pinned one. Only a person can say whether that is right.

    seen: the key that was shown, as in known_hosts without the name.
    """

    def __init__(self, message: str, seen: str) -> None:
        super().__init__(message)
        self.seen = seen


class OtherSystem(Unreachable):
    """The session is good, but it leads to another system than the one that is expected here."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"the system at this address is {found}, not {expected}")
        self.expected = expected
        self.found = found


class OutcomeUnknown(ArrayError):
    """The command may or may not have run, or may still be running. Observe before doing anything else."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__(f"{why}; the array may or may not have run: {line}")
        self.line = line


class Refused(ArrayError):
    """The array understood the command and said no. Nothing was changed.

    code: `CMMVCnnnnE`, the only part that is stable between releases; empty if the array gave none.
    words: what it wrote, whole.
    """

    def __init__(self, line: str, words: str) -> None:
        super().__init__(f"the array refused `{line}`: {words.strip() or 'without a word'}")
        self.line = line
        self.words = words.strip()
        self.code = code_in(words)


class Unreadable(ArrayError):
    """The array's answer is not one we know how to read. Nothing was concluded from it."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__(f"cannot read the array's answer to `{line}`: {why}")
        self.line = line
        self.why = why


class MissingColumn(Unreadable):
    """A whole answer has not the shape that we know, so that none of its rows can be believed."""


class Withheld(Exception):
    """A command was held back right before it would have been sent. Nothing was typed."""


def code_in(words: str) -> str:
    """The first CMMVC code anywhere in the text (a shell may print a banner before it), or an empty string.

    An error counts before a warning, whichever comes first: a warning alone means that the thing was done.
    """
    found = _ERROR.search(words) or _WARNING.search(words)
    return found.group() if found else ""
