"""`flashsystem-operator check`: can this array be worked with, and if not, what is to be done?"""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from flashsystem_operator.cli.exit_codes import FAILED, OK
from flashsystem_operator.cli.target.target import Given, array_options, find, pool_option

if TYPE_CHECKING:
    from flashsystem_operator.cli.check.checks import Row

WORDS = {True: "ok", False: "FAILED", None: "not checked"}


@click.command()
@array_options
@pool_option
@click.option("-o", "--output", type=click.Choice(["plain", "json"]), default="plain", show_default=True)
def check(output: str, **said: Any) -> None:
    """Ask an array everything that must be right before volumes can be attached through it.

    Either --array, read from the cluster with its Secret; or --file, for one that is not applied yet; or --address and
    --user, from a laptop that knows no cluster. Nothing is changed, anywhere.

    Ends with 0 when all is well, with 1 when a check failed, with 2 when it was called in a wrong way.
    """
    from flashsystem_operator.cli import screen
    from flashsystem_operator.cli.check.checks import (
        count,
        rows,
    )

    target = find(Given(**said)).target
    # No sign of progress where a question may come: it would be written over.
    found: list[Row] = []
    with (
        nullcontext(screen.untold)
        if target.by_hand
        else screen.working(f"checking {target.array.metadata.name}") as say
    ):
        for row in rows(target):
            found.append(row)
            say("check", len(found), count(target))
    if output == "json":
        screen.print_json([_as_json(row) for row in found])
    else:
        _print(found)
    sys.exit(FAILED if any(row.ok is False for row in found) else OK)


def _print(found: "Sequence[Row]") -> None:
    from flashsystem_operator.cli import screen

    if screen.is_rich():
        marks = {True: (screen.GOOD, "\u2714"), False: (screen.BAD, "\u2718"), None: (screen.QUIET, "\u2013")}
        table = [(marks[row.ok][0], (marks[row.ok][1], row.check, row.said or WORDS[row.ok])) for row in found]
        screen.print_table(("", "Check", "What was found"), table)
    else:
        wide = max(len(row.check) for row in found)
        for row in found:
            screen.print_line(f"{WORDS[row.ok]:<13}{row.check:<{wide}}  {row.said}".rstrip())
    if keys := [*dict.fromkeys(row.pin for row in found if row.pin)]:
        screen.print_line("\nWhen you have compared it with the array, pin it in the FlashSystemArray:")
        for line in ("spec:", "  hostKeys:", *(f"    - {key}" for key in keys)):
            screen.print_line(line)


def _as_json(row: "Row") -> dict[str, str]:
    said = {"check": row.check, "result": WORDS[row.ok].replace(" ", "-").lower(), "message": row.said}
    return said | ({"hostKey": row.pin} if row.pin else {})
