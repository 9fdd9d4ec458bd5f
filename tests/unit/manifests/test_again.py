"""What is applied again is as it was: the manifests write out what the API server would fill in."""

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


def test_who_applies_the_manifests_again_is_told_that_nothing_changed(applied: Cluster) -> None:
    said = applied.kubectl("apply", *BASE).splitlines()

    assert said
    assert [line for line in said if not line.endswith(" unchanged")] == []
    assert applied.kubectl("diff", *BASE) == "", "with a difference, kubectl would end with another code than 0"


def test_the_api_server_takes_them_over_from_kubectl_with_no_conflict_and_shows_no_difference_then(
    applied: Cluster,
) -> None:
    """Some fields belong to their manager as a whole: what the API server filled in there would be disputed."""
    applied.kubectl("apply", "--server-side", *BASE)

    assert applied.kubectl("diff", "--server-side", *BASE) == ""
    assert applied.kubectl("diff", *BASE) == ""
