from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio import client, config

from cluster.client import Cluster
from flashsystem_operator.api.kinds import Kind
from flashsystem_operator.controller.kube import Kube

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="module")
def with_crds(cluster: Cluster) -> Cluster:
    cluster.apply(CRDS)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{kind.crd}" for kind in Kind))
    return cluster


@pytest.fixture
async def kube(with_crds: Cluster) -> AsyncIterator[Kube]:
    """As an administrator: rights are tested elsewhere."""
    configuration = client.Configuration()
    await config.load_kube_config(  # type: ignore[no-untyped-call] # the client has no types here
        str(with_crds.kubeconfig), client_configuration=configuration, persist_config=False
    )
    async with client.ApiClient(configuration) as api:
        yield Kube(api)
