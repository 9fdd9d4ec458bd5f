"""The rendered manifests comply with Pod Security `restricted` and with the usual scanners.

Those are kube-score, kubescape, Trivy and Checkov: their rules for pods, RBAC, budgets and network policies.
"""

import pytest

from support.rendering import VARIANTS, Object, chooses, containers, named, objects_of, pods, rules

pytestmark = pytest.mark.slow

NEEDS_A_TOKEN = {"flashsystem-operator"}
OF_USERS = {"Secret", "PersistentVolumeClaim", "Application", "GitRepository", "Kustomization"}
BOUND_TO_THE_CLUSTER = {"flashsystem-operator", "flashsystem-operator-persistent-volumes"}


def test_no_container_may_escalate_its_privileges(objects: list[Object]) -> None:
    for pod, container in containers(objects):
        security = container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 10000
        assert pod["securityContext"]["runAsGroup"] > 10000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in security


def test_no_pod_has_access_to_its_node(objects: list[Object]) -> None:
    for pod in pods(objects):
        assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & pod.keys()
        assert not [volume for volume in pod.get("volumes", ()) if "hostPath" in volume]
    for _, container in containers(objects):
        assert not [port for port in container.get("ports", ()) if "hostPort" in port]


def test_every_container_has_resource_requests_and_a_memory_limit(objects: list[Object]) -> None:
    """No CPU limit: a container that is throttled in a burst cannot renew its Leases in time (see deployment.yaml)."""
    for _, container in containers(objects):
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert container["resources"]["limits"].keys() >= {"memory"}


def test_every_long_running_container_has_probes(objects: list[Object]) -> None:
    for each in objects:
        if each["kind"] == "Deployment":
            for container in each["spec"]["template"]["spec"]["containers"]:
                assert container.keys() >= {"readinessProbe", "livenessProbe"}
                assert container["livenessProbe"].get("timeoutSeconds", 1) >= 1


def test_the_reason_why_a_container_ended_is_in_its_status(objects: list[Object]) -> None:
    for _, container in containers(objects):
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_every_image_is_pinned_to_a_version(objects: list[Object]) -> None:
    for _, container in containers(objects):
        _, _, tag = container["image"].rpartition(":")
        assert tag
        assert tag != "latest"
        assert "/" not in tag


def test_a_token_is_mounted_only_where_it_is_needed(objects: list[Object]) -> None:
    for pod in pods(objects):
        needed = pod.get("serviceAccountName") in NEEDS_A_TOKEN
        assert pod.get("automountServiceAccountToken") is needed
    for each in objects:
        if each["kind"] == "ServiceAccount":
            assert each["automountServiceAccountToken"] is False


def test_no_rule_has_a_wildcard(objects: list[Object]) -> None:
    for _, rule in rules(objects):
        assert "*" not in [*rule["verbs"], *rule.get("resources", ()), *rule.get("apiGroups", ())]
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


def test_secrets_are_never_listed_and_never_readable_in_the_whole_cluster(objects: list[Object]) -> None:
    bound = {each["roleRef"]["name"] for each in objects if each["kind"] == "ClusterRoleBinding"}

    assert bound <= BOUND_TO_THE_CLUSTER
    for role, rule in rules(objects):
        if "secrets" in rule.get("resources", ()):
            assert not {"list", "watch", "update", "deletecollection"} & set(rule["verbs"])
            assert role["kind"] == "Role" or role["metadata"]["name"] not in bound


def test_an_operator_for_named_namespaces_has_no_cluster_scoped_objects(rendered: dict[str, str]) -> None:
    namespaced = [each for variant in VARIANTS if "namespaced" in variant for each in objects_of(rendered[variant])]
    own = [each for each in namespaced if each["kind"] in {"ClusterRole", "ClusterRoleBinding"} and not for_users(each)]
    watched = objects_of(rendered["folder examples/namespaced/watched"])

    assert own == []
    assert {each["kind"] for each in objects_of(rendered["folder examples/namespaced/operator"])} == {
        *("ServiceAccount", "Role", "RoleBinding", "Deployment")
    }
    assert {each["kind"] for each in watched} == {"Role", "RoleBinding"}


def test_both_halves_of_an_installation_for_named_namespaces_add_up_to_the_base(rendered: dict[str, str]) -> None:
    """Except for the ClusterRoles of the operator and their bindings."""
    of_the_cluster = {"ClusterRole", "ClusterRoleBinding"}
    halves = {named(each) for half in ("administrator", "operator") for each in _example(rendered, half)}
    base = objects_of(rendered["folder base"])
    whole = {named(each) for each in base if each["kind"] not in of_the_cluster or for_users(each)}

    assert whole - halves == {("RoleBinding", "flashsystem-operator-secrets")}
    assert halves <= whole


def for_users(each: Object) -> bool:
    """Whether it is a role for users that Kubernetes aggregates into its own, and that is not bound to the operator."""
    labels: dict[str, str] = each["metadata"].get("labels", {})
    return labels.get("app.kubernetes.io/component") == "user-roles"


def _example(rendered: dict[str, str], half: str) -> list[Object]:
    return objects_of(rendered[f"folder examples/namespaced/{half}"])


def test_our_objects_are_marked_as_ours_by_labels(objects: list[Object]) -> None:
    """docs/uninstall.md finds what is left by these labels. Examples of a user's own objects have the user's labels."""
    for each in objects:
        if each["kind"] in OF_USERS or each["apiVersion"].startswith("flashsystem.io/"):
            continue
        labels = each["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/part-of") == "flashsystem", named(each)
        assert labels.get("app.kubernetes.io/name") in {"flashsystem-operator", "flashsystem-simulator"}, named(each)


def test_the_namespace_enforces_the_restricted_standard(objects: list[Object]) -> None:
    for each in objects:
        if each["kind"] == "Namespace":
            for mode in ("enforce", "audit", "warn"):
                assert each["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_a_disruption_budget_allows_a_node_to_be_drained(objects: list[Object]) -> None:
    deployments = {each["metadata"]["name"]: each for each in objects if each["kind"] == "Deployment"}
    for budget in (each["spec"] for each in objects if each["kind"] == "PodDisruptionBudget"):
        selected = [each["spec"] for each in deployments.values() if chooses(budget["selector"], each)]
        assert [spec["replicas"] for spec in selected] == [2]
        assert budget["maxUnavailable"] == 1
        assert selected[0]["strategy"]["type"] == "RollingUpdate"
        (spread,) = selected[0]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"


def test_a_network_policy_selects_the_pods_and_opens_a_port_that_they_have(objects: list[Object]) -> None:
    deployments = [each for each in objects if each["kind"] == "Deployment"]
    for policy in (each["spec"] for each in objects if each["kind"] == "NetworkPolicy"):
        (selected,) = (each for each in deployments if chooses(policy["podSelector"], each))
        ports = {port["name"] for _, each in containers([selected]) for port in each["ports"]}
        assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} <= ports
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
        assert all(rule.get("ports") for rule in policy["egress"])


def test_the_network_policy_of_the_example_narrows_ssh_to_the_arrays(rendered: dict[str, str]) -> None:
    found = [each for each in objects_of(rendered["folder examples/network-policy"]) if each["kind"] == "NetworkPolicy"]
    (rules_for_ssh,) = ([rule for rule in each["spec"]["egress"] if rule["ports"][0]["port"] == 22] for each in found)

    assert [block["ipBlock"]["cidr"] for rule in rules_for_ssh for block in rule["to"]] == [
        "192.0.2.10/32",
        "192.0.2.11/32",
    ]
