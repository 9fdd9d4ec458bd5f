"""For tests of the whole controller: a namespace of an API server in this process, and the operator."""

from collections.abc import Iterator
from typing import Any

import pytest

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
def operator(
    request: pytest.FixtureRequest, cluster_here: LocalCluster, settings: dict[str, Any]
) -> Iterator[LocalOperator]:
    """The running operator. A bug that it reports fails the test."""
    arrays = [request.getfixturevalue("simulator")] if "simulator" in request.fixturenames else []
    with LocalOperator(cluster_here, arrays, **settings) as running:
        yield running


@pytest.fixture
def stand(cluster_here: LocalCluster, operator: LocalOperator) -> Namespace:  # noqa: ARG001 - it runs
    """The namespace of the running operator. It is empty at first."""
    return Namespace(cluster_here, NAMESPACE)
