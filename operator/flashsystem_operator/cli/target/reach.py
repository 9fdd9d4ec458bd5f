"""Reaching an array from the command line, by the operator's own code, and what to say when that fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from flashsystem_operator.array import queries
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    OtherSystem,
    Refused,
    Unreadable,
)
from flashsystem_operator.array.ssh.credentials import HostKey
from flashsystem_operator.cli.exit_codes import FAILED, end
from flashsystem_operator.cli.target.target import Target
from flashsystem_operator.controller.access import Access, NoAccess, basis, opened


def connect(target: Target) -> Access:
    """An open way to the array, whose system was greeted. Raises NoAccess or ArrayError.

    A host key that nobody pinned is asked about where there is somebody to ask; until then no password was sent.
    """
    access = _opened(target)
    try:
        access.session.ask(queries.SYSTEM)
    except HostKeyMismatch as error:
        access.close()
        if not (target.by_hand and _accepted(error)):
            raise
        return connect(with_key(target, error.seen))
    except BaseException:
        access.close()
        raise
    return access


@contextmanager
def reached(target: Target) -> Iterator[Access]:
    """The same for commands that have nothing to say without it: they end, with what kept them."""
    try:
        access = connect(target)
    except NoAccess as error:
        end(error.said.message, FAILED)
    except ArrayError as error:
        end(f"{target.array.ref}: {way_out(error, target)}", FAILED)
    try:
        yield access
    except ArrayError as error:
        end(f"{target.array.ref}: {way_out(error, target)}", FAILED)
    finally:
        access.close()


def with_key(target: Target, key: str) -> Target:
    """The same array, held to this host key."""
    spec = target.array.spec.model_copy(update={"host_keys": (key,)})
    return Target(target.array.model_copy(update={"spec": spec}), target.secret)


def way_out(error: ArrayError, target: Target) -> str:
    """What went wrong, as whole sentences for somebody at a keyboard."""
    words = str(error).rstrip(".")
    match error:
        case HostKeyMismatch(seen=seen) if target.by_hand:
            return f"{words}. Here: --host-key '{seen}'."
        case HostKeyMismatch():
            return f"{words}."
        case OtherSystem(expected=expected, found=found):
            return (
                f"System {found} answers at this address, not {expected}. Nothing was believed. Correct the address, "
                "or the system id that is expected."
            )
        case Refused():
            return f"{words}. Log in with a user that may look at everything, Monitor or above."
        case Unreadable():
            return f"{words}. Please report this with the array's code level."
        case _:
            return f"{words}."


def _opened(target: Target) -> Access:
    if target.secret is None:
        end(target.lacking, FAILED)
    return opened(target.array, basis(target.array, target.secret))


def _accepted(error: HostKeyMismatch) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    key = HostKey.read(error.seen)
    click.echo(f"The array shows the host key {key.fingerprint} ({key.kind}):\n  {key.line}", err=True)
    return click.confirm("Is that the array's own, as you compared it there?", err=True)
