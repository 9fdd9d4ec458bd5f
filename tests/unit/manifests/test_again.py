"""A second apply changes nothing: the manifests spell out the defaults that the API server would fill in."""

import pytest

from cluster.client import Cluster
from support.operator_process import install
from support.rendering import MANIFESTS

pytestmark = pytest.mark.slow

BASE = ("--kustomize", str(MANIFESTS / "base"))


@pytest.fixture(scope="module")
def applied(cluster: Cluster) -> Cluster:
    install(cluster)
    return cluster


def test_applying_the_manifests_again_reports_that_nothing_changed(applied: Cluster) -> None:
    output = applied.kubectl("apply", *BASE).splitlines()

    assert output
    assert [line for line in output if not line.endswith(" unchanged")] == []
    assert applied.kubectl("diff", *BASE) == "", "with a difference, kubectl would exit with a code other than 0"


def test_a_switch_to_server_side_apply_has_no_conflict_and_leaves_no_difference(
    applied: Cluster,
) -> None:
    """Some fields are owned as a whole by one manager: defaults that the API server fills in would conflict."""
    applied.kubectl("apply", "--server-side", *BASE)

    assert applied.kubectl("diff", "--server-side", *BASE) == ""
    assert applied.kubectl("diff", *BASE) == ""
