"""`flashsystem-operator check`: verify that the operator can work with an array, and print the results."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from flashsystem_operator.cli.exit_codes import FAILED, OK
from flashsystem_operator.cli.target.find import find
from flashsystem_operator.cli.target.target import Given, array_options, pool_option

if TYPE_CHECKING:
    from flashsystem_operator.cli.check.checks import Row

LABELS = {True: "ok", False: "FAILED", None: "not checked"}


@click.command()
@array_options
@pool_option
@click.option("-o", "--output", type=click.Choice(["plain", "json"]), default="plain", show_default=True)
def check(output: str, **options: Any) -> None:
    """Check everything that an array needs before volumes can be attached through it.

    Specify the array with --array, which is read from the cluster with its Secret; with --file, if it is not applied
    yet; or with --address and --user, without a cluster. Nothing is changed.

    Ends with 0 when all checks pass, with 1 when a check failed, with 2 after a usage error.
    """
    from flashsystem_operator.cli import screen
    from flashsystem_operator.cli.check.checks import (
        count,
        rows,
    )

    target = find(Given(**options)).target
    # No progress display where the user may be asked a question: the display would overwrite it.
    found: list[Row] = []
    with (
        nullcontext(screen.no_progress)
        if target.interactive
        else screen.show_progress(f"checking {target.array.metadata.name}") as progress
    ):
        for row in rows(target):
            found.append(row)
            progress("check", len(found), count(target))
    if output == "json":
        results = []
        for row in found:
            result = {"check": row.check, "result": LABELS[row.ok].replace(" ", "-").lower(), "message": row.message}
            results.append(result | ({"hostKey": row.pin} if row.pin else {}))
        screen.print_json(results)
    elif screen.is_rich():
        marks = {True: (screen.GOOD, "\u2714"), False: (screen.BAD, "\u2718"), None: (screen.QUIET, "\u2013")}
        table = [(marks[row.ok][0], (marks[row.ok][1], row.check, row.message or LABELS[row.ok])) for row in found]
        screen.print_table(("", "Check", "Result"), table)
    else:
        wide = max(len(row.check) for row in found)
        for row in found:
            screen.print_line(f"{LABELS[row.ok]:<13}{row.check:<{wide}}  {row.message}".rstrip())
    keys = [*dict.fromkeys(row.pin for row in found if row.pin)]
    if keys and output != "json":
        screen.print_line("\nCompare the host key with the array, then add it to the FlashSystemArray:")
        for line in ("spec:", "  hostKeys:", *(f"    - {key}" for key in keys)):
            screen.print_line(line)
    sys.exit(FAILED if any(row.ok is False for row in found) else OK)
