"""What the tests may rely on in a cluster."""

import json
from typing import Any

import pytest

from cluster import Cluster, KubectlFailed

READER = "reader"


def test_a_cluster_reports_a_kubernetes_version(cluster: Cluster) -> None:
    version = json.loads(cluster.kubectl("version", "--output=json"))

    assert version["serverVersion"]["gitVersion"].startswith("v1.")


def test_a_namespace_is_deleted_with_everything_in_it(cluster: Cluster) -> None:
    name = cluster.new_namespace("short-lived")
    cluster.apply(_config_map("content"), name)

    cluster.kubectl("delete", "namespace", name, "--wait", "--timeout=300s")

    with pytest.raises(KubectlFailed, match="not found"):
        cluster.get("namespace", name)


def test_an_object_is_deleted_with_the_objects_that_it_owns(cluster: Cluster, namespace: str) -> None:
    cluster.apply(_config_map("owner"), namespace)
    uid = cluster.get("configmap", "owner", f"--namespace={namespace}")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    cluster.apply(_config_map("owned", ownerReferences=[owner]), namespace)

    cluster.kubectl("delete", "configmap", "owner", f"--namespace={namespace}")

    cluster.kubectl("wait", "--for=delete", "configmap/owned", f"--namespace={namespace}", "--timeout=300s")


def test_a_service_account_may_do_what_it_was_granted_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    here = f"--namespace={namespace}"
    cluster.kubectl("create", "serviceaccount", READER, here)
    cluster.kubectl("create", "role", READER, "--verb=get,list", "--resource=configmaps", here)
    cluster.kubectl("create", "rolebinding", READER, f"--role={READER}", f"--serviceaccount={namespace}:{READER}", here)

    theirs = cluster.kubeconfig_for(READER, namespace)

    assert "kube-root-ca.crt" in cluster.kubectl("get", "configmaps", kubeconfig_file=theirs)
    for refused in (["get", "secrets"], ["create", "configmap", "x"], ["get", "configmaps", "--namespace=default"]):
        with pytest.raises(KubectlFailed, match=f"system:serviceaccount:{namespace}:{READER}.* cannot"):
            cluster.kubectl(*refused, kubeconfig_file=theirs)


def test_pod_security_is_enforced(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    container = {"name": "c", "image": "i", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}

    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        cluster.apply(pod, namespace)


def test_documents_and_text_can_both_be_applied(cluster: Cluster, namespace: str) -> None:
    cluster.apply([_config_map("one"), _config_map("two")], namespace)
    cluster.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n", namespace)

    found = cluster.get("configmaps", f"--namespace={namespace}")["items"]

    assert {"one", "two", "three"} <= {item["metadata"]["name"] for item in found}


def test_an_error_of_kubectl_is_reported_with_its_message(cluster: Cluster) -> None:
    with pytest.raises(KubectlFailed, match=r'kubectl get nonsense ended with code 1: .*"nonsense"'):
        cluster.kubectl("get", "nonsense")


def test_the_users_own_kubeconfig_is_never_used(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")

    assert cluster.get("namespace", "default")["metadata"]["name"] == "default"
    assert "KUBECONFIG" not in cluster.environment()


def test_the_audit_log_records_who_did_what(audited_cluster: Cluster, namespace: str) -> None:
    before = len(audited_cluster.audit())
    audited_cluster.apply(_config_map("seen"), namespace)

    ours = [each for each in audited_cluster.audit()[before:] if each.name == "seen" and each.writes]

    assert [(each.user, each.verb, each.resource, each.namespace, each.code) for each in ours] == [
        ("admin", "create", "configmaps", namespace, 201)
    ]


def _config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
