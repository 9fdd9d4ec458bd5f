"""Errors of the communication with an array.

    ArrayError
    ├── Unreachable        no session: network, credentials, host key, or another system answered
    │   ├── LoginRefused       the array did not accept the credentials
    │   ├── HostKeyMismatch    the array's host key is not the pinned one
    │   └── OtherSystem        another array answers at the address
    ├── OutcomeUnknown     the session broke after the command was sent: observe the array first
    ├── Refused            the array answered CMMVCnnnnE; has command, code and text
    └── Unreadable         the array's answer cannot be parsed: a bug of the operator

    Withheld           the operator did not send the command; not an error of the array

The classes differ by what to do next: retry, observe first, ask an administrator, report a bug.
No error contains a secret: commands are shown as `commands.shown` returns them.
"""

from flashsystem_operator.values import code_in


class ArrayError(Exception):
    """The array could not be read or changed."""


class Unreachable(ArrayError):
    """No usable session. No command was sent, or its answer was discarded. Retry later."""


class LoginRefused(Unreachable):
    """The array did not accept the user name with this password or key. The Secret has to be changed."""


class HostKeyMismatch(Unreachable):
    """The array's host key is not the pinned one. An administrator has to decide which is right.

    seen: the key of the array, as in known_hosts without the name.
    """

    def __init__(self, message: str, seen: str) -> None:
        super().__init__(message)
        self.seen = seen


class OtherSystem(Unreachable):
    """Another system than the expected one answers at this address."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"the system at this address is {found}, not {expected}")
        self.expected = expected
        self.found = found


class OutcomeUnknown(ArrayError):
    """The command may or may not have run, or may still be running. Observe the array before any other command."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__(f"{why}; the array may or may not have run: {line}")
        self.line = line


class Refused(ArrayError):
    """The array refused the command. Nothing was changed.

    code: `CMMVCnnnnE`, the only part that is stable between releases; empty if there is none.
    words: the complete text of the refusal.
    """

    def __init__(self, line: str, text: str) -> None:
        super().__init__(f"the array refused `{line}`: {text.strip() or 'without a message'}")
        self.line = line
        self.words = text.strip()
        self.code = code_in(text)


class Unreadable(ArrayError):
    """The array's answer cannot be parsed. It is ignored as a whole."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__(f"cannot read the array's answer to `{line}`: {why}")
        self.line = line
        self.why = why


class MissingColumn(Unreadable):
    """The answer has an unknown format, so that none of its rows is usable."""


class Withheld(Exception):
    """A command was withheld right before it would have been sent. Nothing was sent."""
