"""How answers look: coloured tables at a terminal, plain lines in a pipe, JSON for programs; progress on stderr.

What is shown is always a Text, never a str: of a str rich reads markup, and makes pictures of what stands between two
colons, as in the addresses and initiators that are to be copied from here.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
import yaml
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from flashsystem_operator.cli.manifests import as_kubernetes

GOOD, BAD, QUIET, CHANGED, REMOVED, ADDED = "green", "red", "dim", "yellow", "red", "green"


def is_rich() -> bool:
    """Whether somebody looks at it. NO_COLOR and TERM=dumb leave the table and take its colours (rich does that)."""
    return sys.stdout.isatty()


Say = Callable[[str, int, int], None]
"""Tells how far something is: of what, how many are done, of how many."""


@contextmanager
def working(what: str) -> Iterator[Say]:
    """Say on a terminal what is under way, while it is, and how far, as often as it is told."""
    if not sys.stderr.isatty():
        yield untold
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{what} ...")

        def say(unit: str, done: int, total: int) -> None:
            shown.update(task, description=f"{what}: {unit} {done} of {total}", refresh=True)

        yield say


def untold(_unit: str, _done: int, _total: int) -> None:
    """Where nobody looks."""


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def print_line(text: str, style: str = "") -> None:
    """One line, in colour where there is one to see it. Long ones are left to the terminal: they may be copied."""
    if is_rich():
        Console().print(Text(text, style), soft_wrap=True)
    else:
        click.echo(text)


def note(text: str) -> None:
    """Something to know beside the answer, on stderr, so that it does not get into a file with it."""
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        Console(stderr=True).print(Text(text, QUIET), soft_wrap=True)
    else:
        click.echo(text, err=True)


def print_table(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Rows with the style of their first cell, for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for style, (first, *others) in rows:
        table.add_row(Text(first, style), *map(Text, others))
    Console().print(table)


class _Dumper(yaml.SafeDumper):
    """Quotes what Kubernetes' reader takes for no text, and whatever begins with a digit: no reader mistakes that."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1].isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
as_kubernetes(_Dumper)


def document(resource: Mapping[str, Any]) -> str:
    return yaml.dump(dict(resource), Dumper=_Dumper, sort_keys=False, width=1000).rstrip()
