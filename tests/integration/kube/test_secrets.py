"""The Secrets of hosts and attachments, on a real API server: what is in the way is told, what is over is forgotten."""

from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.attachment import Connection, Target, VolumeAttachment
from flashsystem_operator.api.metadata import API_VERSION, Kind
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.chap_secrets import ChapSecrets
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.outputs import ConnectionSecrets, Reconciled
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.decision import Reason, Refuse
from support.builders import attachment, host
from support.clock import Clock

NOW = "2026-03-01T12:00:00Z"
WAY = Connection(lun=1, targets=(Target(portal="10.0.1.11:3260", iqn="iqn.1986-03.com.ibm:n1"),))
THEIRS = "example.com/theirs"


def wishing(cluster: Cluster, namespace: str) -> VolumeAttachment:
    """One that is really there: the cluster collects a Secret whose owner is not."""
    spec = {"hostRef": {"name": "node"}, "volume": {"name": "data"}}
    body = {"apiVersion": API_VERSION, "kind": Kind.ATTACHMENT.value, "metadata": {"name": "one"}, "spec": spec}
    cluster.apply(body, namespace)
    uid = cluster.get(Kind.ATTACHMENT.crd, "one", f"--namespace={namespace}")["metadata"]["uid"]
    return attachment("one", "node", meta={"namespace": namespace, "uid": uid}, connection_secret={"name": "way"})


def patch(cluster: Cluster, namespace: str, said: str) -> None:
    cluster.kubectl("patch", "secret", "way", f"--namespace={namespace}", "--type=merge", f"--patch={said}")


async def reconcile(secrets: ConnectionSecrets, wished: VolumeAttachment) -> Reconciled:
    return await secrets.reconcile(wished, wished.status.model_copy(update={"connection": WAY}), None, NOW)


@pytest.mark.parametrize("immutable", [True, False])
async def test_a_secret_of_ours_that_somebody_keeps_while_it_is_being_deleted_is_told(
    kube: Kube, cluster: Cluster, namespace: str, *, immutable: bool
) -> None:
    secrets, wished = ConnectionSecrets(kube, Clock()), wishing(cluster, namespace)
    assert (await reconcile(secrets, wished)).error is None
    immutably = ', "immutable": true' if immutable else ""
    patch(cluster, namespace, f'{{"metadata": {{"finalizers": ["{THEIRS}"]}}{immutably}}}')
    cluster.kubectl("delete", "secret", "way", f"--namespace={namespace}", "--wait=false")

    kept = await reconcile(ConnectionSecrets(kube, Clock()), wished)
    assert kept.error is not None
    (said,) = kept.status.conditions
    assert (said.type, said.reason) == ("ConnectionSecretBlocked", Reason.SECRET_LEAVING)
    assert THEIRS in said.message

    patch(cluster, namespace, '{"metadata": {"finalizers": null}}')
    kept = await reconcile(secrets, wished)
    assert (kept.error, kept.status.conditions) == (None, ())
    made: dict[str, Any] = cluster.get("secret", "way", f"--namespace={namespace}")
    assert "deletionTimestamp" not in made["metadata"]


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


async def test_what_a_namespace_that_is_being_deleted_does_not_take_is_not_asked_of_anybody(
    kube: Kube, ending: str
) -> None:
    wished = attachment("one", "node", meta={"namespace": ending}, connection_secret={"name": "way"})
    login = host("node", meta={"namespace": ending}, chap={"secret_ref": {"name": "login"}, "generate": True})

    kept = await reconcile(ConnectionSecrets(kube, Clock()), wished)
    secrets = ChapSecrets(kube, Writer(kube, Cache()))
    await secrets.read([login], {login.ref})

    assert (kept.error, kept.status.conditions, kept.status.binding) == (None, (), None)
    said = secrets.known[login.ref]
    assert isinstance(said, Refuse)
    assert "is being deleted" in said.message
    assert "RoleBinding" not in said.message
