"""The whole way: kubectl, a real API server, the operator as a process, real SSH, a simulated array of each dialect."""

from collections.abc import Iterator

import pytest

from cluster.client import Cluster
from support.operator_process import Operator, install, open_secrets
from support.stand import Stand


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """The cluster, with CRDs, rights and fences of the manifests."""
    install(cluster)
    return cluster


@pytest.fixture(scope="session")
def _operator(installed: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    # With a Lease as users have it: a short one would be lost whenever the machine has much else to do.
    operator = Operator(installed, tmp_path_factory.mktemp("operator") / "log", ("--lease-duration", "15"))
    yield operator
    operator.stop()


@pytest.fixture
def operator(_operator: Operator) -> Operator:
    """The operator, running. A test may stop it; the next one gets a running one again. To be killed: see `replica`."""
    _operator.ensure()
    return _operator


@pytest.fixture
def stand(installed: Cluster, namespace: str, operator: Operator) -> Iterator[Stand]:
    """A namespace whose Secrets the operator may read, empty at first and swept at the end."""
    assert operator.running
    open_secrets(installed, namespace)
    standing = Stand(installed, namespace)
    yield standing
    standing.sweep()


@pytest.fixture(autouse=True)
def _show_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """A failing test shows what the operator said meanwhile, and a bug that it reported fails the test."""
    operator = request.getfixturevalue("operator") if "operator" in request.fixturenames else None
    before = len(operator.log) if operator else 0
    yield
    if operator:
        said = operator.log[before:]
        print(said[-20000:])  # noqa: T201 - pytest shows it when the test fails
        assert "Traceback" not in said, "the operator reported a bug of its own"
        assert " ERROR " not in said
