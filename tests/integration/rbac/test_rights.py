"""The operator's account may do what it needs to, and nothing more."""

import json
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import FINALIZER, GROUP, Kind
from support.account import Account, core, leases, ours

OWN = "flashsystem-system"

every_kind = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)

EVERYWHERE = {
    *(f"{verb} {GROUP}/{kind.plural}" for kind in Kind for verb in ("get", "list", "watch", "patch")),
    *(f"patch {GROUP}/{kind.plural}/status" for kind in Kind),
    "create events",
    "patch events",
    "get namespaces=kube-system",
    "list namespaces",
    "watch namespaces",
}
AT_HOME = {
    "get secrets",
    *(f"{verb} coordination.k8s.io/leases" for verb in ("get", "create", "update")),
}


def lease(holder: str, **metadata: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
    }


def event(namespace: str) -> dict[str, Any]:
    about = {"apiVersion": "flashsystem.io/v1alpha1", "kind": "VolumeAttachment", "name": "it", "namespace": namespace}
    metadata = {"generateName": "it-"}
    return {"metadata": metadata, "type": "Normal", "reason": "Attached", "message": "x", "involvedObject": about}


def test_the_account_has_these_rights_and_no_others(operator: Account, unprivileged: Account, namespace: str) -> None:
    assert operator.rights(namespace) - unprivileged.rights(namespace) == EVERYWHERE
    assert operator.rights(OWN) - unprivileged.rights(OWN) == EVERYWHERE | AT_HOME


@every_kind
def test_it_lists_and_watches_a_kind_everywhere(kind: Kind, operator: Account, objects: str) -> None:
    everywhere = f"/apis/{GROUP}/v1alpha1/{kind.plural}"

    listed = operator.get(everywhere).body["items"]
    watched = operator.get(f"{everywhere}?watch=1&timeoutSeconds=1").body

    assert objects in [item["metadata"]["namespace"] for item in listed]
    assert objects in [json.loads(line)["object"]["metadata"]["namespace"] for line in watched.splitlines()]


@every_kind
def test_it_writes_a_status(kind: Kind, operator: Account, objects: str) -> None:
    assert operator.patch(ours(kind, objects, "/it/status"), {"status": {"observedGeneration": 1}}).done

    assert operator.get(ours(kind, objects)).body["status"]["observedGeneration"] == 1


@every_kind
def test_it_adds_and_removes_its_finalizer(kind: Kind, operator: Account, objects: str) -> None:
    for finalizers in ([FINALIZER], []):
        assert operator.patch(ours(kind, objects), {"metadata": {"finalizers": finalizers}}).done


def test_it_maintains_leases_in_its_own_namespace_and_in_no_other(operator: Account, namespace: str) -> None:
    created = operator.create(leases(OWN), lease("first", generateName="array-")).body["metadata"]
    name, version = created["name"], created["resourceVersion"]

    assert operator.replace(leases(OWN, f"/{name}"), lease("second", name=name, resourceVersion=version)).done
    assert operator.get(leases(OWN, f"/{name}")).body["spec"]["holderIdentity"] == "second"
    assert "cannot create" in operator.create(leases(namespace), lease("first", generateName="array-")).message
    assert "cannot delete" in operator.delete(leases(OWN, f"/{name}")).message


def test_it_creates_events_for_objects_in_any_namespace(operator: Account, objects: str) -> None:
    created = operator.create(core(objects, "events"), event(objects))
    again = core(objects, f"events/{created.body['metadata']['name']}")

    assert operator.patch(again, {"count": 2}).body["count"] == 2
    assert "cannot get" in operator.get(again).message
    assert "cannot delete" in operator.delete(again).message


def test_it_reads_only_kube_system_by_name_to_identify_the_cluster(operator: Account, namespace: str) -> None:
    assert operator.get("/api/v1/namespaces/kube-system").body["metadata"]["uid"]
    assert "cannot get" in operator.get(f"/api/v1/namespaces/{namespace}").message


def test_it_lists_and_watches_namespaces_for_their_labels_and_changes_none(operator: Account, namespace: str) -> None:
    listed = operator.get("/api/v1/namespaces").body["items"]
    watched = operator.get("/api/v1/namespaces?watch=1&timeoutSeconds=1").body

    assert namespace in [item["metadata"]["name"] for item in listed]
    assert namespace in [json.loads(line)["object"]["metadata"]["name"] for line in watched.splitlines()]
    labelled = {"metadata": {"labels": {"team": "a"}}}
    assert "cannot patch" in operator.patch(f"/api/v1/namespaces/{namespace}", labelled).message


@every_kind
@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"labels": {"team": "b"}}, "does not change labels"),
        ({"labels": None}, "does not change labels"),
        ({"annotations": {"flashsystem.io/paused": "true"}}, "does not change annotations"),
        ({"finalizers": []}, "its own finalizer flashsystem.io/cleanup, and no other"),
        ({"finalizers": [FINALIZER]}, "its own finalizer flashsystem.io/cleanup, and no other"),
        ({"finalizers": ["example.com/hold", "example.com/more"]}, "and no other"),
        ({"ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "login", "uid": "0"}]}, "ownerReferences"),
    ],
    ids=["new labels", "no labels", "annotations", "no finalizer", "only ours", "one more finalizer", "an owner"],
)
def test_it_changes_nothing_of_the_metadata_but_its_finalizer(
    kind: Kind, metadata: Any, message: str, operator: Account, users_objects: str
) -> None:
    assert message in operator.patch(ours(kind, users_objects), {"metadata": metadata}).message


def test_it_records_the_uid_of_a_volume_in_an_annotation_and_never_removes_it(operator: Account, objects: str) -> None:
    path, uid = ours(Kind.VOLUME, objects), "flashsystem.io/volume-uid"

    def annotate(path: str = path, **annotations: str | None) -> str:
        named = {f"flashsystem.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
        return operator.patch(path, {"metadata": {"annotations": named}}).message

    assert annotate(volume_uid="6" * 32) == ""
    assert annotate(volume_uid="7" * 32) == ""
    assert operator.get(path).body["metadata"]["annotations"][uid] == "7" * 32
    assert "does not change annotations" in annotate(volume_uid=None)
    assert "does not change annotations" in annotate(volume_uid="8" * 32, paused="true")
    assert "does not change annotations" in annotate(ours(Kind.HOST, objects), volume_uid="6" * 32)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (Kind.ARRAY, {"management": {"addresses": ["198.51.100.1"]}}),
        (Kind.HOST, {"initiators": {"iscsi": ["iqn.1994-05.com.redhat:other"]}}),
        (Kind.VOLUME, {"size": "20Gi"}),
        (Kind.ATTACHMENT, {"access": "Shared"}),
    ],
)
def test_it_does_not_change_a_spec_but_users_do(
    kind: Kind, spec: Any, operator: Account, objects: str, installed: Cluster
) -> None:
    assert "does not change the spec; that is for users" in operator.patch(ours(kind, objects), {"spec": spec}).message

    args = [f"--namespace={objects}", "--type=merge", f"--patch={json.dumps({'spec': spec})}"]
    installed.kubectl("patch", kind.crd, "it", *args)


def test_no_kind_of_patch_bypasses_the_admission_policy(operator: Account, objects: str) -> None:
    path = ours(Kind.ATTACHMENT, objects)
    stored = operator.get(path).body
    applied = {key: stored[key] for key in ("apiVersion", "kind")} | {"metadata": {"name": "it"}}
    step = {"op": "replace", "path": "/spec/access", "value": "Shared"}

    by_steps = operator.patch(path, [step], "json-patch+json")
    by_apply = operator.patch(
        f"{path}?fieldManager=it&force=true",
        applied | {"spec": stored["spec"] | {"access": "Shared"}},
        "apply-patch+yaml",
    )

    assert "does not change the spec" in by_steps.message
    assert "does not change the spec" in by_apply.message


def test_a_patch_of_the_status_changes_nothing_else(operator: Account, objects: str) -> None:
    patch = {"spec": {"access": "Shared"}, "metadata": {"labels": {"a": "b"}}, "status": {"observedGeneration": 1}}

    stored = operator.patch(ours(Kind.ATTACHMENT, objects, "/it/status"), patch).body

    assert stored["spec"]["access"] == "Exclusive"
    assert "labels" not in stored["metadata"]


@every_kind
def test_it_neither_creates_nor_deletes_our_objects(kind: Kind, operator: Account, objects: str) -> None:
    stored = operator.get(ours(kind, objects)).body
    another = {key: stored[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "another"}}
    applied = f"{ours(kind, objects, '/another')}?fieldManager=it"

    assert "cannot create" in operator.create(ours(kind, objects, ""), another).message
    assert "cannot create" in operator.patch(applied, another, "apply-patch+yaml").message
    assert "cannot update" in operator.replace(ours(kind, objects), stored).message
    assert "cannot delete" in operator.delete(ours(kind, objects)).message
    assert "cannot deletecollection" in operator.delete(ours(kind, objects, "")).message


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/events",
        "/api/v1/persistentvolumes",
        f"/api/v1/namespaces/{OWN}/configmaps",
        f"/api/v1/namespaces/{OWN}/serviceaccounts",
        f"/apis/apps/v1/namespaces/{OWN}/deployments",
        f"/apis/coordination.k8s.io/v1/namespaces/{OWN}/leases",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/storage.k8s.io/v1/volumeattachments",
    ],
)
def test_other_kinds_are_closed_to_it(path: str, operator: Account) -> None:
    assert "cannot list" in operator.get(path).message


def test_the_pod_meets_the_restricted_security_standard(installed: Cluster) -> None:
    deployment = installed.get("deployment", "flashsystem-operator", f"--namespace={OWN}")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "trial"}}
    pod |= {"spec": deployment["spec"]["template"]["spec"]}

    installed.kubectl("create", "--dry-run=server", "--filename=-", f"--namespace={OWN}", stdin=json.dumps(pod))
