"""The operator as a process is killed at the worst moments, see `support.crashes`: what only a process shows.

All moments and both dialects: tests/controller/test_crashes.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.client import Cluster
from support import crashes
from support.holding_proxy import Holding
from support.operator_process import Operator, account, replica
from support.stand import Stand

pytestmark = pytest.mark.long


@pytest.fixture
def killable(stand: Stand, operator: Operator, tmp_path: Path) -> Iterator[Operator]:
    """An operator whose Lease expires soon after it is killed. No other operator runs."""
    operator.stop()
    with replica(stand.cluster, tmp_path / "log") as running:
        yield running


def test_a_kill_while_commands_are_running_costs_nothing_but_time(stand: Stand, killable: Operator) -> None:
    with crashes.array_with_two_volumes_for_each_host("legacy") as simulator:
        crashes.kill_while_commands_are_running(stand, simulator, killable, "mkvdiskhostmap", "rmvdiskhostmap")


@pytest.fixture
def proxy(stand: Stand, operator: Operator) -> Iterator[Holding]:
    """The proxy through which the operator of this test reaches the API server. No other operator runs."""
    operator.stop()
    with Holding(account(stand.cluster)) as running:
        yield running


@pytest.fixture
def behind(proxy: Holding, installed: Cluster, tmp_path: Path) -> Iterator[Operator]:
    """An operator behind the proxy."""
    with replica(installed, tmp_path / "log", kubeconfig=proxy.kubeconfig) as running:
        yield running


def test_a_kill_while_the_operator_writes_to_the_cluster_costs_nothing_but_time(
    stand: Stand, proxy: Holding, behind: Operator
) -> None:
    with crashes.array_with_two_volumes_for_each_host("modern") as simulator:
        crashes.kill_while_it_writes_to_the_cluster(stand, simulator, proxy.holds, behind, "record", "host")
