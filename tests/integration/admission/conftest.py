from pathlib import Path

import pytest

from cluster.client import Cluster
from support.admission import Asking
from support.kinds import await_kinds

CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="session")
def with_crds(cluster: Cluster) -> Cluster:
    """The cluster with our CRDs applied."""
    cluster.apply(CRDS)
    await_kinds(cluster)
    return cluster


@pytest.fixture
def asking(with_crds: Cluster, namespace: str) -> Asking:
    """Submits objects to the API server, in a namespace of this test."""
    return Asking(with_crds, namespace)


@pytest.fixture
def dry(with_crds: Cluster) -> Asking:
    """Submits objects as a server-side dry run: nothing is stored, so no namespace needs to be created."""
    return Asking(with_crds, "default")
