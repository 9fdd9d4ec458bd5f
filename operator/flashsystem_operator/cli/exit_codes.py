"""How the program ends: the exit codes, and one line that says why.

A mistake in how it was called ends with 2, as everywhere. Only `plan` needs 2 for something else: that there are
changes. There such a mistake ends with 64, which BSD's sysexits.h calls EX_USAGE.
"""

import sys
from collections.abc import Iterable
from typing import NoReturn

import click

OK = 0
FAILED = 1
USAGE = 2

CHANGES = 2
"""Of `plan` alone: something would be done."""

_OTHER_USAGE = {"plan": 64}


def usage_code(context: click.Context | None) -> int:
    """The code for a mistake in how this command was called."""
    return _OTHER_USAGE.get(context.command.name or "", USAGE) if context else USAGE


def end(why: str, code: int = USAGE) -> NoReturn:
    """One line that says what to do, whatever a library put into it."""
    click.echo(f"flashsystem-operator: {' '.join(why.split())}", err=True)
    sys.exit(code)


def end_with(field_errors: Iterable[str]) -> NoReturn:
    """A line for each mistake in what was given to read."""
    for mistake in field_errors:
        click.echo(f"flashsystem-operator: {' '.join(mistake.split())}", err=True)
    sys.exit(FAILED)
