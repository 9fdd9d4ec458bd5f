"""A Secret that RBAC does not let the operator read. All other logins: tests/controller/test_credentials.py."""

from flashsystem_operator.simulator import Simulator
from support.stand import ARRAYS, Stand


def test_a_secret_that_the_operator_may_not_read_is_reported_with_the_binding_to_create(
    stand: Stand, simulator: Simulator
) -> None:
    binding = stand.cluster.get("rolebinding", "flashsystem-operator-secrets", "--namespace", stand.namespace)
    stand.kubectl("delete", "rolebinding", "flashsystem-operator-secrets")
    stand.array(simulator, resyncInterval="24h")

    message = stand.await_reason(ARRAYS, "array", "CredentialsForbidden")
    assert "flashsystem-operator-secrets" in message
    assert f"RoleBinding in namespace {stand.namespace}" in message

    keep = ("apiVersion", "kind", "roleRef", "subjects")
    meta = {"name": "flashsystem-operator-secrets", "namespace": stand.namespace}
    stand.apply({key: binding[key] for key in keep} | {"metadata": meta})
    stand.await_reason(ARRAYS, "array", "Ready")
