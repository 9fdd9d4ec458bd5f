"""The operator's account has access to the Secrets and PersistentVolumes that it needs, and to no others."""

from pathlib import Path
from typing import Any

from cluster.client import Cluster
from flashsystem_operator.api.metadata import Kind
from support.account import Account, core, ours

OWN = "flashsystem-system"
MANIFESTS = Path(__file__).parents[3] / "manifests"


def test_it_reads_a_secret_by_name_only_in_an_opened_namespace(
    operator: Account, objects: str, installed: Cluster, tmp_path: Path
) -> None:
    assert "cannot get" in operator.get(core(objects, "secrets/login")).message

    installed.apply(open_namespace(objects, tmp_path))

    assert operator.get(core(objects, "secrets/login")).done
    assert operator.get(core(OWN, "secrets/none")).code == 404


def test_it_creates_the_chap_secret_of_a_host_in_an_opened_namespace_and_no_other_secret(
    operator: Account, objects: str, installed: Cluster
) -> None:
    host = operator.get(ours(Kind.HOST, objects)).body["metadata"]["uid"]
    owner = {"apiVersion": "flashsystem.io/v1alpha1", "kind": "FlashSystemHost", "name": "it", "uid": host}
    chap = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "chap", "ownerReferences": [owner | {"controller": True}]},
        "type": "kubernetes.io/iscsi-chap",
    }
    assert "cannot create" in operator.create(core(objects, "secrets"), chap).message

    allow(installed, objects, "connection-secrets")

    assert "and no others" in operator.create(core(objects, "secrets"), chap | {"type": "Opaque"}).message
    assert "and no others" in operator.create(core(objects, "secrets"), chap | {"metadata": {"name": "chap"}}).message
    assert operator.create(core(objects, "secrets"), chap).done


def test_it_neither_lists_nor_changes_a_secret_not_even_in_an_opened_namespace(
    operator: Account, objects: str, installed: Cluster, tmp_path: Path
) -> None:
    installed.apply(open_namespace(objects, tmp_path))

    for where in (core(objects, "secrets"), core(OWN, "secrets"), "/api/v1/secrets"):
        assert "cannot list" in operator.get(where).message
        assert "cannot watch" in operator.get(f"{where}?watch=1").message
    assert "cannot delete" in operator.delete(core(objects, "secrets/login")).message
    labelled = {"metadata": {"labels": {"a": "b"}}}
    assert "cannot patch" in operator.patch(core(objects, "secrets/login"), labelled).message


def test_it_maintains_connection_secrets_in_an_opened_namespace_and_no_other_secrets_there(
    operator: Account, objects: str, installed: Cluster
) -> None:
    own = a_connection_secret(objects, installed)
    path = core(objects, "secrets/connection")
    assert "cannot create" in operator.create(core(objects, "secrets"), own).message
    allow(installed, objects, "connection-secrets")

    assert operator.create(core(objects, "secrets"), own).done
    assert operator.patch(path, {"data": {"a": "Yg=="}}).done
    assert operator.get(path).done
    for refused in (
        operator.create(core(objects, "secrets"), own | {"metadata": {"name": "free"}}),
        operator.create(core(objects, "secrets"), own | {"type": "Opaque"}),
        operator.patch(path, {"metadata": {"ownerReferences": None}}),
        operator.patch(core(objects, "secrets/login"), {"data": {"a": "Yg=="}}),
        operator.delete(core(objects, "secrets/login")),
    ):
        assert "the operator writes Secrets" in refused.message
    assert "cannot list" in operator.get(core(objects, "secrets")).message
    assert operator.delete(path).done


def test_with_the_component_it_maintains_its_own_persistent_volumes_and_no_others(
    operator: Account, namespace: str, installed: Cluster
) -> None:
    volumes, own = "/api/v1/persistentvolumes", f"fsattach-{namespace}"
    label = {"flashsystem.io/attachment-uid": "0"}
    component = MANIFESTS / "components" / "persistent-volumes" / "roles.yaml"
    installed.kubectl("delete", "--ignore-not-found", "--filename", str(component))
    assert "cannot create" in operator.create(volumes, a_volume(own, label)).message
    assert "cannot get" in operator.get(f"{volumes}/{own}").message
    installed.apply(component)
    installed.apply(a_volume(f"of-others-{namespace}", label))

    assert operator.create(volumes, a_volume(own, label)).done
    assert operator.get(f"{volumes}/{own}").done
    assert "cannot patch" in operator.patch(f"{volumes}/{own}", {"metadata": {"labels": {"a": "b"}}}).message
    for refused in (
        operator.create(volumes, a_volume(f"mine-{namespace}", label)),
        operator.create(volumes, a_volume(f"fsattach-2{namespace}", {})),
        operator.delete(f"{volumes}/of-others-{namespace}"),
    ):
        assert "PersistentVolumes that it made for a VolumeAttachment" in refused.message
    assert "cannot list" in operator.get(volumes).message
    assert operator.delete(f"{volumes}/{own}").done
    installed.kubectl("delete", "persistentvolume", f"of-others-{namespace}")
    installed.kubectl("delete", "--filename", str(component))


def a_volume(name: str, labels: dict[str, str]) -> dict[str, Any]:
    source = {"targetPortal": "192.0.2.1:3260", "iqn": "iqn.1986-03.com.ibm:2145.fs.node1", "lun": 1}
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "iscsi": source}
    meta = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}


def a_connection_secret(namespace: str, cluster: Cluster) -> dict[str, Any]:
    """A connection Secret as the operator creates it for the attachment `it`."""
    attachment = cluster.get(Kind.ATTACHMENT.crd, "it", f"--namespace={namespace}")
    owner = {key: attachment[key] for key in ("apiVersion", "kind")} | {"name": "it", "controller": True}
    owner["uid"] = attachment["metadata"]["uid"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "connection", "ownerReferences": [owner]},
        "type": "servicebinding.io/iscsi",
        "data": {},
    }


def allow(cluster: Cluster, namespace: str, component: str) -> None:
    binding = MANIFESTS / "components" / component / "role-binding.yaml"
    cluster.kubectl("apply", f"--namespace={namespace}", "--filename", str(binding))


def open_namespace(namespace: str, folder: Path) -> Path:
    """A copy of the kustomization manifests/examples/open-namespace for another namespace."""
    component = folder / "secrets"
    component.mkdir()
    for file in (MANIFESTS / "components" / "secrets").iterdir():
        (component / file.name).write_text(file.read_text())
    example = (MANIFESTS / "examples" / "open-namespace" / "kustomization.yaml").read_text()
    example = example.replace("storage-team", namespace).replace("../../components/secrets", "../secrets")
    (folder / "opened").mkdir()
    (folder / "opened" / "kustomization.yaml").write_text(example)
    return folder / "opened"
