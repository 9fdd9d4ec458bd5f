"""Output of the commands: coloured tables at a terminal, plain lines in a pipe, JSON, YAML; progress on stderr.

Texts are passed to rich as Text, never as str: in a str, rich interprets markup and replaces names between two colons
with emoji, which would damage addresses and initiators.
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
    """Return whether stdout is a terminal. With NO_COLOR or TERM=dumb, rich prints tables without colours."""
    return sys.stdout.isatty()


ReportProgress = Callable[[str, int, int], None]
"""Called with the unit, how many units are done, and the total."""


@contextmanager
def show_progress(what: str) -> Iterator[ReportProgress]:
    """Show the running step and its progress at a terminal, for the duration of the block."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{what} ...")

        def report(unit: str, done: int, total: int) -> None:
            shown.update(task, description=f"{what}: {unit} {done} of {total}", refresh=True)

        yield report


def no_progress(_unit: str, _done: int, _total: int) -> None:
    """Report no progress, because stderr is no terminal."""


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def print_line(text: str, style: str = "") -> None:
    """Print one line, with style at a terminal. Long lines are not wrapped, so that they can be copied."""
    if is_rich():
        Console().print(Text(text, style), soft_wrap=True)
    else:
        click.echo(text)


def note(text: str) -> None:
    """Print a note to stderr, so that it does not get into a file with the output."""
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        Console(stderr=True).print(Text(text, QUIET), soft_wrap=True)
    else:
        click.echo(text, err=True)


def print_table(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Print a table at a terminal. Each row has the style of its first cell and the texts of its cells."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for style, (first, *others) in rows:
        table.add_row(Text(first, style), *map(Text, others))
    Console().print(table)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that the YAML reader of Kubernetes would not read as text, and all that begin with a digit."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1].isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
as_kubernetes(_Dumper)


def document(resource: Mapping[str, Any]) -> str:
    """Return a resource as a YAML document."""
    return yaml.dump(dict(resource), Dumper=_Dumper, sort_keys=False, width=1000).rstrip()
