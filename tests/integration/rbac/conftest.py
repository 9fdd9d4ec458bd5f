import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import API_VERSION, Kind
from support.account import Account, ours

MANIFESTS = Path(__file__).parents[3] / "manifests"
OWN = "flashsystem-system"


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """The cluster with manifests/base applied."""
    cluster.apply(MANIFESTS / "base")
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=300s", *(f"crd/{kind.crd}" for kind in Kind))
    return cluster


@pytest.fixture(scope="session")
def operator(installed: Cluster) -> Account:
    """The operator's service account with nothing but its token, once the admission policy about it is enforced."""
    account = Account(installed.kubeconfig_for("flashsystem-operator", OWN))
    with installed.namespace("policy") as name:
        installed.apply(an_object(Kind.ATTACHMENT), name)
        deadline = time.monotonic() + 30
        trial = f"{ours(Kind.ATTACHMENT, name)}?dryRun=All"
        # At first RBAC may not know the roles yet either, which is refused with another message.
        while "does not change the spec" not in account.patch(trial, {"spec": {"access": "Shared"}}).message:
            assert time.monotonic() < deadline, "the API server does not enforce manifests/base/policy.yaml"
            time.sleep(0.2)
    return account


@pytest.fixture
def unprivileged(installed: Cluster) -> Account:
    """An account in the operator's namespace that was granted nothing."""
    installed.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "unprivileged"}}, OWN)
    return Account(installed.kubeconfig_for("unprivileged", OWN))


@pytest.fixture
def objects(installed: Cluster, namespace: str) -> str:
    """A namespace with one object of each of our kinds, all named `it`, and a Secret `login`."""
    installed.apply([a_secret(), *map(an_object, Kind)], namespace)
    return namespace


@pytest.fixture(scope="session")
def users_objects(installed: Cluster) -> Iterator[str]:
    """One object of each kind with labels and a foreign finalizer, for tests in which every change must be refused."""
    marked = {"name": "it", "labels": {"team": "a"}, "finalizers": ["example.com/hold"]}
    with installed.namespace("users") as name:
        installed.apply([an_object(kind) | {"metadata": marked} for kind in Kind], name)
        yield name
        for kind in Kind:
            free = '--patch={"metadata":{"finalizers":[]}}'
            installed.kubectl("patch", kind.crd, "it", f"--namespace={name}", "--type=merge", free)


SPECS: dict[Kind, dict[str, Any]] = {
    Kind.ARRAY: {
        "management": {"addresses": ["192.0.2.10"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    },
    Kind.HOST: {"arrayRef": {"name": "it"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node-1"]}},
    Kind.VOLUME: {"arrayRef": {"name": "it"}, "size": "10Gi"},
    Kind.ATTACHMENT: {"hostRef": {"name": "it"}, "volume": {"name": "data"}},
}


def an_object(kind: Kind) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind.value, "metadata": {"name": "it"}, "spec": SPECS[kind]}


def a_secret() -> dict[str, Any]:
    login = {"username": "user", "password": "something"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": login}
