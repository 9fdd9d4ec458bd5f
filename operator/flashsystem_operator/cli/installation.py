"""Options and checks for the installation id and for namespaces.

The installation id is part of the names of host objects and identifies the installation that created them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

former_option = click.option(
    "--former-installation-ids",
    callback=lambda _context, _option, ids: tuple(filter(None, map(str.strip, (ids or "").split(",")))),
    help="Earlier ids of this installation, separated by commas: host objects with these ids also belong to it.",
)


_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123 label, as the API server requires it for the name of a namespace."""


def namespaces(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Check names of namespaces and drop duplicates. Patterns are not accepted."""
    for name in names:
        if not _NAMESPACE.fullmatch(name):
            raise click.BadParameter(f"{name!r} is not the name of a namespace: specify each one in full.")
    return tuple(dict.fromkeys(names))


def namespace(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Check the name of one namespace, which may be omitted."""
    return None if name is None else namespaces(context, option, (name,))[0]


@dataclass(frozen=True, slots=True)
class Installation:
    """id: None if it was not specified. former: earlier ids of the same installation."""

    id: str | None
    former: tuple[str, ...] = ()


def installation_options(command: Command) -> Command:
    installation_option = click.option(
        "--installation-id", help="Id of the operator: the UID of kube-system, unless `run` was given another one."
    )
    return installation_option(former_option(command))
