"""A running simulator and a plain SSH client: none of the operator's own client code is used here."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start


@pytest.fixture
def start() -> Iterator[Start]:
    """Start simulated arrays that are stopped when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Simulator(*args, **options))


@pytest.fixture
def log_in() -> Iterator[Open]:
    """Open sessions that are closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def opened(sim: Simulator, *args: Any, **login: Any) -> Shell:
            shell = Shell(sim, *args, **login)
            stack.callback(shell.close)
            return shell

        yield opened


@pytest.fixture
def modern(start: Start) -> Simulator:
    """The built-in modern array."""
    return start(dialect="modern")


@pytest.fixture
def legacy(start: Start) -> Simulator:
    """The built-in legacy array."""
    return start(dialect="legacy")


@pytest.fixture(params=["legacy", "modern"])
def either(request: pytest.FixtureRequest, start: Start) -> Simulator:
    """The built-in array of each dialect in turn."""
    return start(dialect=request.param)


@pytest.fixture
def shell(either: Simulator, log_in: Open) -> Shell:
    """A session on the array of either dialect."""
    return log_in(either)


@pytest.fixture
def control(either: Simulator) -> Control:
    """The control port of the same array."""
    return either.control
