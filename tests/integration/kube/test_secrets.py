"""The Secrets of hosts and attachments on a real API server: obstacles are reported, obsolete ones are forgotten."""

from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.attachment import Connection, Target, VolumeAttachment
from flashsystem_operator.api.metadata import API_VERSION, Kind
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.outputs import ChapSecrets, ConnectionSecrets, Reconciled
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.decision import Reason, Refuse
from support.builders import attachment, host
from support.clock import Clock

NOW = "2026-03-01T12:00:00Z"
CONNECTION = Connection(lun=1, targets=(Target(portal="10.0.1.11:3260", iqn="iqn.1986-03.com.ibm:n1"),))
THEIRS = "example.com/theirs"


def created_attachment(cluster: Cluster, namespace: str) -> VolumeAttachment:
    """A VolumeAttachment that exists in the cluster: a Secret whose owner does not exist is garbage-collected."""
    spec = {"hostRef": {"name": "node"}, "volume": {"name": "data"}}
    body = {"apiVersion": API_VERSION, "kind": Kind.ATTACHMENT.value, "metadata": {"name": "one"}, "spec": spec}
    cluster.apply(body, namespace)
    uid = cluster.get(Kind.ATTACHMENT.crd, "one", f"--namespace={namespace}")["metadata"]["uid"]
    return attachment(
        "one", "node", meta={"namespace": namespace, "uid": uid}, connection_secret={"name": "connection"}
    )


def patch(cluster: Cluster, namespace: str, body: str) -> None:
    cluster.kubectl("patch", "secret", "connection", f"--namespace={namespace}", "--type=merge", f"--patch={body}")


async def reconcile(secrets: ConnectionSecrets, desired: VolumeAttachment) -> Reconciled:
    return await secrets.reconcile(desired, desired.status.model_copy(update={"connection": CONNECTION}), None, NOW)


@pytest.mark.parametrize("immutable", [True, False])
async def test_a_secret_of_ours_kept_by_a_foreign_finalizer_during_deletion_is_reported(
    kube: Kube, cluster: Cluster, namespace: str, *, immutable: bool
) -> None:
    secrets, desired = ConnectionSecrets(kube, Clock()), created_attachment(cluster, namespace)
    assert (await reconcile(secrets, desired)).error is None
    immutably = ', "immutable": true' if immutable else ""
    patch(cluster, namespace, f'{{"metadata": {{"finalizers": ["{THEIRS}"]}}{immutably}}}')
    cluster.kubectl("delete", "secret", "connection", f"--namespace={namespace}", "--wait=false")

    result = await reconcile(ConnectionSecrets(kube, Clock()), desired)
    assert result.error is not None
    (condition,) = result.status.conditions
    assert (condition.type, condition.reason) == ("ConnectionSecretBlocked", Reason.SECRET_LEAVING)
    assert THEIRS in condition.message

    patch(cluster, namespace, '{"metadata": {"finalizers": null}}')
    result = await reconcile(secrets, desired)
    assert (result.error, result.status.conditions) == (None, ())
    secret: dict[str, Any] = cluster.get("secret", "connection", f"--namespace={namespace}")
    assert "deletionTimestamp" not in secret["metadata"]


async def test_the_chap_secret_of_a_host_that_is_gone_is_forgotten(
    kube: Kube, cluster: Cluster, namespace: str
) -> None:
    login = {"metadata": {"name": "login"}, "stringData": {"password": "canary-of-a-gone-host"}}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", **login}, namespace)
    gone, stays = (
        host(name, meta={"namespace": namespace}, chap={"secret_ref": {"name": "login"}}) for name in ("gone", "stays")
    )
    secrets = ChapSecrets(kube, Writer(kube, Cache()))
    await secrets.read([gone, stays], {gone.ref, stays.ref})
    assert secrets.known.keys() == {gone.ref, stays.ref}

    await secrets.read([], {stays.ref})
    assert secrets.known.keys() == {stays.ref}


async def test_a_secret_refused_by_a_namespace_in_deletion_asks_no_administrator_to_act(
    kube: Kube, ending: str
) -> None:
    desired = attachment("one", "node", meta={"namespace": ending}, connection_secret={"name": "connection"})
    login = host("node", meta={"namespace": ending}, chap={"secret_ref": {"name": "login"}, "generate": True})

    result = await reconcile(ConnectionSecrets(kube, Clock()), desired)
    secrets = ChapSecrets(kube, Writer(kube, Cache()))
    await secrets.read([login], {login.ref})

    assert (result.error, result.status.conditions, result.status.binding) == (None, (), None)
    refusal = secrets.known[login.ref]
    assert isinstance(refusal, Refuse)
    assert "is being deleted" in refusal.message
    assert "RoleBinding" not in refusal.message
