"""The operator is killed at the worst moments, see `support.crashes`: all moments, in both dialects."""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support import crashes
from support.local_operator import LocalCluster, LocalOperator
from support.operator_process import LEASE_SECONDS
from support.stand import Namespace

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with two volumes for each host."""
    with crashes.array_with_two_volumes_for_each_host(request.param) as running:
        yield running


@pytest.fixture
def settings() -> dict[str, Any]:
    """The Lease expires soon after a kill."""
    return {"lease_duration": LEASE_SECONDS}


@pytest.mark.parametrize(("coming", "going"), [("mkhost", "rmhost"), ("mkvdiskhostmap", "rmvdiskhostmap")])
def test_a_kill_while_commands_are_running_costs_nothing_but_time(
    stand: Namespace, simulator: Simulator, operator: LocalOperator, coming: str, going: str
) -> None:
    crashes.kill_while_commands_are_running(stand, simulator, operator, coming, going)


@pytest.mark.parametrize(("coming", "going"), [("finalizer", "release"), ("record", "host"), ("report", "quarantine")])
def test_a_kill_while_the_operator_writes_to_the_cluster_costs_nothing_but_time(
    stand: Namespace, simulator: Simulator, cluster_here: LocalCluster, operator: LocalOperator, coming: str, going: str
) -> None:
    crashes.kill_while_it_writes_to_the_cluster(stand, simulator, cluster_here.holds, operator, coming, going)
