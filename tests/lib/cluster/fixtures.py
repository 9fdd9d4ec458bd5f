"""pytest fixtures: a conftest takes them with `from cluster.fixtures import cluster, namespace`."""

import os
from collections.abc import Iterator

import pytest

from cluster.client import Cluster
from cluster.missing import Missing, NoCluster
from cluster.programs import programs
from cluster.running import a_cluster, a_control_plane

CLUSTERS = {"cluster", "own_control_plane"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster for the whole run, with an audit log where it is ours. Without any, the run ends with one message."""
    try:
        with a_cluster(audit=True) as running:
            yield running
    except NoCluster as why:
        pytest.exit(str(why), returncode=2)


@pytest.fixture
def audited_cluster(cluster: Cluster) -> Cluster:
    """The cluster of the run, for tests that read its audit log; skipped where that is impossible."""
    if not cluster.audited:
        pytest.skip("the audit log of this cluster cannot be read")
    return cluster


@pytest.fixture(scope="module")
def own_control_plane() -> Iterator[Cluster]:
    """A local control plane for one module, whose tests may pause, kill and restart its API server.

    Skipped where the run uses a cluster of another kind, and the programs for this one cannot be had.
    """
    try:
        programs(os.environ)
    except Missing as why:
        pytest.skip(f"no local control plane: {why}")
    with a_control_plane(audit=True) as running:
        yield running


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test, named after it."""
    with cluster.namespace(request.node.name.removeprefix("test_")) as name:
        yield name


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark whatever uses a cluster, so that `-m "not cluster"` leaves out all of it. A conftest imports this too.

    Where several processes share the tests, those of a module stay together if it has a control plane of its own, and
    the longest begin first: so that the end does not wait for one that began late.
    """
    for item in items:
        used = CLUSTERS.intersection(getattr(item, "fixturenames", ()))
        if used:
            item.add_marker("cluster")
        if "own_control_plane" in used:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    if hasattr(config, "workerinput"):
        items.sort(key=_how_soon)


def _how_soon(item: pytest.Item) -> int:
    marks = {mark.name for mark in item.iter_markers()}
    return next((place for place, mark in enumerate(("long", "cluster", "slow")) if mark in marks), 3)
