"""What several kinds of tests stand on."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.simulator import Simulator
from support.simulated_arrays import simulated


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulated array of either dialect, with its built-in volumes and no host."""
    with simulated(dialect=request.param) as running:
        yield running
