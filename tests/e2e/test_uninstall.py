"""docs/uninstall.md, typed as written: what was deleted in the wrong order, and the way to recover.

The right order is the end of the tutorial, and test_tutorial.py types it: nothing is left.
"""

import json
from collections.abc import Iterator

import pytest

from onkind.lab import SYSTEM, Team
from onkind.pages import blocks

ONE_DIALECT = pytest.mark.parametrize("team", ["modern"], indirect=True)
_, CHECK, REINSTALL, UNINSTALL = (each.text for each in blocks("docs/uninstall.md"))
CRDS = [f"crd/{name}.flashsystem.io" for name in ("volumeattachments", "flashsystemhosts", "flashsystemarrays")]
"""The CRDs with objects here. One without objects is gone at once, and is created again with the operator."""


@pytest.fixture
def attached(team: Team) -> Iterator[Team]:
    """Two volumes attached to a host. At the end everything is installed again for the next test."""
    team.volumes("one", "two")
    team.apply(*team.hosts("worker-1"), *(team.attachment(name, "worker-1") for name in ("one", "two")))
    team.await_ready("fsattach --all")
    yield team
    team.lab.install()
    team.lab.connect_arrays()


@ONE_DIALECT
def test_deleting_the_crds_first_detaches_everything_in_good_order(attached: Team) -> None:
    attached.lab.type("kubectl delete -k crds --timeout=90s")

    assert attached.mapped("one", "two") == set()
    assert attached.array.hosts(attached.iqn("worker-1")) == set()


@ONE_DIALECT
def test_an_operator_deleted_first_is_reinstalled_and_everything_is_removed_as_documented(attached: Team) -> None:
    lab = attached.lab
    before = attached.mapped("one", "two")
    lab.type(
        f"kubectl delete -k manifests/base --wait=false; kubectl wait --for=delete namespace/{SYSTEM} --timeout=120s"
    )
    assert attached.mapped("one", "two") == before != set(), "without an operator nothing is detached"

    lab.type(REINSTALL)
    lab.cluster.kubectl("wait", "--for=delete", *CRDS, "--timeout=90s")
    lab.type(UNINSTALL)

    _nothing_is_left(attached)


def _nothing_is_left(team: Team) -> None:
    cluster = team.cluster
    assert team.lab.type(CHECK).strip() == "No resources found"
    assert "flashsystem.io" not in cluster.kubectl("get", "crd", "--output=name")
    for each in ("leases", "roles"):
        items = cluster.get(each, "--all-namespaces")["items"]
        assert "flashsystem" not in json.dumps([item["metadata"]["name"] for item in items])
    assert SYSTEM not in cluster.kubectl("get", "namespaces", "--output=name")
    assert team.mapped("one", "two") == set()
    assert team.array.hosts(team.iqn("worker-1")) == set()
