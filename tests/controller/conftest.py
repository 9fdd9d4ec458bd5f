"""For tests of the whole controller: a namespace of an API server in this process, and the operator."""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.local_operator import NAMESPACE, LocalCluster, LocalOperator
from support.stand import Namespace


@pytest.fixture
def cluster_here() -> Iterator[LocalCluster]:
    with LocalCluster() as running:
        yield running


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings of the operator that differ from those of `LocalOperator`; for tests to override."""
    return {}


@pytest.fixture
def operator(cluster_here: LocalCluster, simulator: Simulator, settings: dict[str, Any]) -> Iterator[LocalOperator]:
    """The running operator. A bug that it reports fails the test."""
    with LocalOperator(cluster_here, [simulator], **settings) as running:
        yield running


@pytest.fixture
def stand(cluster_here: LocalCluster, operator: LocalOperator) -> Namespace:  # noqa: ARG001 - it runs
    """The namespace of the running operator. It is empty at first."""
    return Namespace(cluster_here, NAMESPACE)
