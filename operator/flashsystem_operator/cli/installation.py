"""Which installation of the operator is meant: its id is in the names of host objects, and proves whose they are."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

former_option = click.option(
    "--former-installation-ids",
    callback=lambda _context, _option, ids: tuple(filter(None, map(str.strip, (ids or "").split(",")))),
    help="Ids that this installation had before, with commas: host objects named by these are its own too.",
)


_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123, as the API server asks it of a namespace."""


def namespaces(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of namespaces, each once; a pattern is none."""
    for name in names:
        if not _NAMESPACE.fullmatch(name):
            raise click.BadParameter(f"{name!r} is not the name of a namespace: name each one in full.")
    return tuple(dict.fromkeys(names))


def namespace(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """The same for one, that may be left out."""
    return None if name is None else namespaces(context, option, (name,))[0]


@dataclass(frozen=True, slots=True)
class Installation:
    """id: None when nobody said it. former: those it had before."""

    id: str | None
    former: tuple[str, ...] = ()


def installation_options(command: Command) -> Command:
    wished = click.option(
        "--installation-id", help="The operator's: the UID of kube-system, unless `run` was given one."
    )
    return wished(former_option(command))
