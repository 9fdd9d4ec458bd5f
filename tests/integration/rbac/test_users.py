"""What the built-in roles of Kubernetes allow in a namespace: manifests/base adds our kinds to them."""

import time

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import GROUP, Kind
from support.account import Account

READS = {"get", "list", "watch"}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
READ_ALL = {f"{verb} {GROUP}/{kind.plural}" for kind in Kind for verb in READS}
WRITE_USE = {f"{verb} {GROUP}/{kind.plural}" for kind in (Kind.HOST, Kind.VOLUME, Kind.ATTACHMENT) for verb in WRITES}
WRITE_ALL = {f"{verb} {GROUP}/{kind.plural}" for kind in Kind for verb in WRITES}


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        pytest.param("view", READ_ALL, id="a viewer of a namespace reads our objects and changes none"),
        pytest.param("edit", READ_ALL | WRITE_USE, id="an editor manages hosts and attachments, and no array"),
        pytest.param("admin", READ_ALL | WRITE_ALL, id="an administrator of a namespace manages arrays too"),
    ],
)
def test_a_built_in_role_has_these_rights_on_our_kinds_and_none_on_a_status(
    role: str, rights: set[str], installed: Cluster, namespace: str
) -> None:
    user = {"kind": "ServiceAccount", "name": "user", "namespace": namespace}
    bound = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "user"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [user],
    }
    installed.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "user"}}, bound], namespace)
    account, deadline = Account(installed.kubeconfig_for("user", namespace)), time.monotonic() + 60

    # A Kubernetes controller aggregates the rules into the built-in roles some time after they were applied.
    while (have := {right for right in account.rights(namespace) if GROUP in right}) != rights:
        assert time.monotonic() < deadline, have ^ rights
        time.sleep(0.2)

    assert account.rights("default") & rights == set()
