"""Exit codes, and the error lines that are printed before the program ends.

A usage error ends with 2, as is common. Only `plan` uses 2 for something else: there are changes to send. Its usage
errors end with 64, which is EX_USAGE in BSD's sysexits.h.
"""

import sys
from collections.abc import Iterable
from typing import NoReturn

import click

OK = 0
FAILED = 1
USAGE = 2

CHANGES = 2
"""Only of `plan`: there are commands to send."""

_OTHER_USAGE = {"plan": 64}


def usage_code(context: click.Context | None) -> int:
    """Return the exit code for a usage error of this command."""
    return _OTHER_USAGE.get(context.command.name or "", USAGE) if context else USAGE


def end(reason: str, code: int = USAGE) -> NoReturn:
    """Print one line and exit. Line breaks in the text, for example from a library, become spaces."""
    click.echo(f"flashsystem-operator: {' '.join(reason.split())}", err=True)
    sys.exit(code)


def end_with(field_errors: Iterable[str]) -> NoReturn:
    """Print one line for each error in the files that were read, and exit with 1."""
    for field_error in field_errors:
        click.echo(f"flashsystem-operator: {' '.join(field_error.split())}", err=True)
    sys.exit(FAILED)
