"""Connect to an array from the command line with the code of the operator, and describe errors for the user."""

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
from flashsystem_operator.controller.connection import Access, NoAccess, basis, opened


def connect(target: Target) -> Access:
    """Open a session and read the system of the array. Raises NoAccess or ArrayError.

    At a terminal the user is asked to accept a host key that is not pinned. No password is sent before.
    """
    if target.secret is None:
        end(target.missing_login, FAILED)
    access = opened(target.array, basis(target.array, target.secret))
    try:
        access.session.ask(queries.SYSTEM)
    except HostKeyMismatch as error:
        access.close()
        if not (target.interactive and sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        key = HostKey.read(error.seen)
        click.echo(f"The array shows the host key {key.fingerprint} ({key.kind}):\n  {key.line}", err=True)
        if not click.confirm("Have you compared this key with the array, and does it match?", err=True):
            raise
        return connect(with_key(target, error.seen))
    except BaseException:
        access.close()
        raise
    return access


@contextmanager
def connected(target: Target) -> Iterator[Access]:
    """Connect to the array for the duration of the block. Errors of the array end the program with a message."""
    try:
        access = connect(target)
    except NoAccess as error:
        end(error.decision.message, FAILED)
    except ArrayError as error:
        end(f"{target.array.ref}: {describe_error(error, target)}", FAILED)
    try:
        yield access
    except ArrayError as error:
        end(f"{target.array.ref}: {describe_error(error, target)}", FAILED)
    finally:
        access.close()


def with_key(target: Target, key: str) -> Target:
    """Return the target with this host key pinned."""
    spec = target.array.spec.model_copy(update={"host_keys": (key,)})
    return Target(target.array.model_copy(update={"spec": spec}), target.secret)


def describe_error(error: ArrayError, target: Target) -> str:
    """Return sentences for the user: what failed and what to do."""
    text = str(error).rstrip(".")
    match error:
        case HostKeyMismatch(seen=seen) if target.interactive:
            return f"{text}. On this command line: --host-key '{seen}'."
        case HostKeyMismatch():
            return f"{text}."
        case OtherSystem(expected=expected, found=found):
            return (
                f"System {found} answers at this address, not {expected}. Its replies were ignored. Correct the "
                "address or the expected system id."
            )
        case Refused():
            return f"{text}. Log in as a user with at least the Monitor role."
        case Unreadable():
            return f"{text}. Please report this with the array's code level."
        case _:
            return f"{text}."
