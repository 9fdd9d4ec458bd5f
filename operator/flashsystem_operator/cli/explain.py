"""`flashsystem-operator explain CMMVC5879E`: what a code of the array means, and what to do about it."""

import json
import sys
from collections.abc import Iterator, Sequence
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
    """Say what a code of the array (CMMVC...) means and what to do about it; of none given, all that are known.

    CODE may be a whole message that was pasted. A code may mean several things, by the command that it answers. Exit
    code 1 says that a code is not known.
    """
    asked = [_asked(text) for text in code] or sorted({each.code for each in codes.TABLE})
    if output == "json":
        click.echo(json.dumps([row for each in asked for row in _rows(each)], indent=2))
    else:
        click.echo("\n\n".join("\n".join(_lines(each)) for each in asked))
    if not all(codes.meanings(each) for each in asked):
        sys.exit(FAILED)


def _asked(text: str) -> str:
    found = codes.code_of(text)
    if not found:
        raise click.BadParameter(f"{text!r} has no code in it: one looks like CMMVC5879E", param_hint="CODE")
    return found


def _rows(code: str) -> Iterator[dict[str, object]]:
    """The keys are the same for every row, so that whoever reads them need not ask."""
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
    for each in found:
        yield f"  {_where(each, found)}{each.means}"
        if each.remedy:
            yield f"    To do: {each.remedy}"
        yield f"    Sorted as: {each.severity}. Reason: {each.reason}."


def _where(each: codes.Meaning, among: Sequence[codes.Meaning]) -> str:
    if each.verb:
        return f"To {each.verb}: "
    return "Else: " if len(among) > 1 else ""


def _unknown(code: str) -> str:
    return f"{codes.WARNING} {codes.UNKNOWN}" if code.endswith("W") else codes.UNKNOWN
