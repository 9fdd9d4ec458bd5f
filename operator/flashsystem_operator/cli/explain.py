"""`flashsystem-operator explain CMMVC5879E`: the meaning of an array message code, and what to do about it."""

import json
import sys
from collections.abc import Iterator
from typing import Literal

import click

from flashsystem_operator.cli.exit_codes import FAILED
from flashsystem_operator.planner import codes


@click.command()
@click.argument("code", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["plain", "json"]),
    default="plain",
    show_default=True,
    help="json: a list with an object for each meaning.",
)
def explain(code: tuple[str, ...], output: Literal["plain", "json"]) -> None:
    """Show what a code of the array (CMMVC...) means and what to do about it. Without CODE, show all known codes.

    CODE may be a complete message. A code may have several meanings, which depend on the command that was refused. Exit
    code 1 means that a code is not known.
    """
    requested = []
    for text in code:
        if not (found := codes.code_of(text)):
            raise click.BadParameter(f"{text!r} has no code in it: one looks like CMMVC5879E", param_hint="CODE")
        requested.append(found)
    requested = requested or sorted({each.code for each in codes.TABLE})
    if output == "json":
        click.echo(json.dumps([row for each in requested for row in _rows(each)], indent=2))
    else:
        click.echo("\n\n".join("\n".join(_lines(each)) for each in requested))
    if not all(codes.meanings(each) for each in requested):
        sys.exit(FAILED)


def _rows(code: str) -> Iterator[dict[str, object]]:
    """Return an object for each meaning. All have the same keys, so a program does not need to check for them."""
    for each in codes.meanings(code):
        yield {
            "code": code,
            "known": True,
            "command": each.verb,
            "means": each.means,
            "remedy": each.remedy,
            "severity": each.severity.value,
            "reason": each.reason.value,
        }
    if not codes.meanings(code):
        yield {
            "code": code,
            "known": False,
            "command": "",
            "means": _unknown(code),
            "remedy": "",
            "severity": "",
            "reason": "",
        }


def _lines(code: str) -> Iterator[str]:
    found = codes.meanings(code)
    yield code
    if not found:
        yield f"  {_unknown(code)}"
    otherwise = "Otherwise: " if len(found) > 1 else ""
    for each in found:
        context = f"For {each.verb}: " if each.verb else otherwise
        yield f"  {context}{each.means}"
        if each.remedy:
            yield f"    To do: {each.remedy}"
        yield f"    Severity: {each.severity}. Reason: {each.reason}."


def _unknown(code: str) -> str:
    return f"{codes.WARNING} {codes.UNKNOWN}" if code.endswith("W") else codes.UNKNOWN
