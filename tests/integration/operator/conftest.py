"""End to end: kubectl, a real API server, the operator as a process, real SSH, a simulated array of each dialect."""

from collections.abc import Iterator

import pytest

from cluster.client import Cluster
from support.operator_process import Operator, install, open_secrets
from support.stand import Stand


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """The cluster, with CRDs, RBAC and admission policies of the manifests installed."""
    install(cluster)
    return cluster


@pytest.fixture(scope="session")
def _operator(installed: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    # The Lease lasts as long as in a real installation: a shorter one would be lost on a busy machine.
    operator = Operator(installed, tmp_path_factory.mktemp("operator") / "log", ("--lease-duration", "15"))
    yield operator
    operator.stop()


@pytest.fixture
def operator(_operator: Operator) -> Operator:
    """The running operator. A test may stop it: it is started again for the next one. Tests that kill use `replica`."""
    _operator.ensure()
    return _operator


@pytest.fixture
def stand(installed: Cluster, namespace: str, operator: Operator) -> Iterator[Stand]:
    """A namespace whose Secrets the operator may read. It is empty at first and cleaned up at the end."""
    assert operator.running
    open_secrets(installed, namespace)
    standing = Stand(installed, namespace)
    yield standing
    standing.sweep()


@pytest.fixture(autouse=True)
def _show_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show the operator log of a failing test. A bug that the operator reports fails the test."""
    operator = request.getfixturevalue("operator") if "operator" in request.fixturenames else None
    before = len(operator.log) if operator else 0
    yield
    if operator:
        output = operator.log[before:]
        print(output[-20000:])  # noqa: T201 - pytest shows it if the test fails
        assert "Traceback" not in output, "the operator reported a bug of its own"
        assert " ERROR " not in output
