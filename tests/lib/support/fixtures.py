"""What several kinds of tests stand on."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.simulator import Simulator
from support.simulated_arrays import pretend


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A pretend array of either dialect, with its built-in volumes and no host."""
    with pretend(dialect=request.param) as running:
        yield running
