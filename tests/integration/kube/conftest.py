from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cluster.api import Refused
from cluster.client import Cluster
from flashsystem_operator.api.metadata import Kind
from flashsystem_operator.controller.kube.client import Kube
from support.kube_client import asking
from support.stand import until

CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="module")
def with_crds(cluster: Cluster) -> Cluster:
    cluster.apply(CRDS)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=300s", *(f"crd/{kind.crd}" for kind in Kind))
    return cluster


@pytest.fixture
async def kube(with_crds: Cluster) -> AsyncIterator[Kube]:
    """A client with the rights of an administrator; the rights of the operator are tested elsewhere."""
    async with asking(with_crds.kubeconfig) as opened:
        yield opened


@pytest.fixture
def ending(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace that is being deleted for as long as the test runs: a foreign finalizer keeps an object in it."""
    objects = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster.api.create(objects, {"metadata": {"name": "kept", "finalizers": ["example.com/hold"]}})
    cluster.api.delete(f"/api/v1/namespaces/{namespace}")

    def is_closed() -> bool:
        try:
            cluster.api.create(objects, {"metadata": {"name": "late"}}, dryRun="All")
        except Refused as refused:
            return "being terminated" in refused.words
        return False

    until("the namespace accepts nothing new", is_closed)
    yield namespace
    cluster.api.patch(f"{objects}/kept", {"metadata": {"finalizers": None}})
