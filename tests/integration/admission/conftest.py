from pathlib import Path

import pytest

from cluster.client import Cluster
from support.admission import Asking
from support.kinds import await_kinds

CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="session")
def with_crds(cluster: Cluster) -> Cluster:
    """The cluster, with our kinds known to it."""
    cluster.apply(CRDS)
    await_kinds(cluster)
    return cluster


@pytest.fixture
def asking(with_crds: Cluster, namespace: str) -> Asking:
    """Asks the API server to take objects into a namespace of this test."""
    return Asking(with_crds, namespace)


@pytest.fixture
def dry(with_crds: Cluster) -> Asking:
    """Asks without anything being stored, so that no namespace has to be made for it."""
    return Asking(with_crds, "default")
