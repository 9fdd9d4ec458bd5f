"""The API server as the controller uses it: writes guarded by resourceVersion, complete listings, Leases."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller import cache
from flashsystem_operator.controller.connection import Lease, LeaseTerms
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import Conflict, Forbidden, KubeError, NotFound
from flashsystem_operator.controller.manager import Controller
from flashsystem_operator.settings import Settings
from support.kube_client import asking

HOST = {"arrayRef": {"name": "none"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:a"]}}


def host(name: str, namespace: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "flashsystem.io/v1alpha1", "kind": "FlashSystemHost", "metadata": meta, "spec": HOST}


async def test_a_listing_of_many_pages_is_complete(kube: Kube, cluster: Cluster, namespace: str) -> None:
    names = {f"host-{number}" for number in range(520)}
    cluster.apply([host(name, namespace) for name in names])

    listed = [body["metadata"] async for body in kube.list(Kind.HOST)]

    assert {meta["name"] for meta in listed if meta["namespace"] == namespace} == names


async def test_a_concurrent_change_by_another_client_is_never_overwritten(
    kube: Kube, cluster: Cluster, namespace: str
) -> None:
    cluster.apply(host("one", namespace))
    ref = ObjectRef(Kind.HOST, namespace, "one")
    stale = ObjectMeta.model_validate(cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")["metadata"])
    cluster.kubectl("label", Kind.HOST.crd, "one", "team=a", f"--namespace={namespace}")

    with pytest.raises(Conflict):
        await kube.write_finalizer(ref, stale, present=True)
    with pytest.raises(Conflict):
        await kube.write_status(ref, stale, {}, {"name": "x"})

    now = cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")
    assert "finalizers" not in now["metadata"]
    assert "name" not in now["status"]


async def test_a_status_is_replaced_as_a_whole_and_the_spec_stays(kube: Kube, cluster: Cluster, namespace: str) -> None:
    cluster.apply(host("one", namespace))
    ref = ObjectRef(Kind.HOST, namespace, "one")
    found = cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")
    meta, before = ObjectMeta.model_validate(found["metadata"]), found["status"]

    first = await kube.write_status(ref, meta, before, {"observedGeneration": 1, "name": "x", "id": "4"})
    meta = ObjectMeta.model_validate(first["metadata"])
    second = await kube.write_status(ref, meta, first["status"], {"observedGeneration": 1, "mappings": {"count": 0}})

    assert second["status"] == {"observedGeneration": 1, "mappings": {"count": 0}}
    assert second["spec"] == found["spec"]


async def test_a_finalizer_is_never_added_to_or_removed_from_another_object_of_the_same_name(
    kube: Kube, cluster: Cluster, namespace: str
) -> None:
    """Regardless of the resourceVersion: a cluster restored from a backup may use the same one again."""
    cluster.apply(host("one", namespace))
    ref = ObjectRef(Kind.HOST, namespace, "one")
    now = ObjectMeta.model_validate(cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")["metadata"])
    former = now.model_copy(update={"uid": "11111111-2222-3333-4444-555555555555"})

    with pytest.raises(KubeError):
        await kube.write_finalizer(ref, former, present=True)

    after = cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")
    assert after["metadata"]["resourceVersion"] == now.resource_version


async def test_a_foreign_finalizer_is_preserved(kube: Kube, cluster: Cluster, namespace: str) -> None:
    body = host("one", namespace)
    body["metadata"]["finalizers"] = ["example.com/theirs"]
    cluster.apply(body)
    ref = ObjectRef(Kind.HOST, namespace, "one")
    meta = ObjectMeta.model_validate(cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")["metadata"])

    added = await kube.write_finalizer(ref, meta, present=True)
    removed = await kube.write_finalizer(ref, ObjectMeta.model_validate(added["metadata"]), present=False)

    assert added["metadata"]["finalizers"] == ["example.com/theirs", "flashsystem.io/cleanup"]
    assert removed["metadata"]["finalizers"] == ["example.com/theirs"]
    cluster.kubectl(
        "patch", Kind.HOST.crd, "one", f"--namespace={namespace}", "--type=merge", '-p={"metadata":{"finalizers":null}}'
    )


@contextlib.asynccontextmanager
async def unprivileged(cluster: Cluster, namespace: str) -> AsyncIterator[Kube]:
    """The API server as seen by an account that was granted nothing."""
    cluster.kubectl("create", "serviceaccount", "unprivileged", f"--namespace={namespace}")
    async with asking(cluster.kubeconfig_for("unprivileged", namespace)) as opened:
        yield opened


async def test_a_missing_secret_raises_not_found_and_missing_rights_raise_forbidden(
    kube: Kube, cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(NotFound):
        await kube.secret(namespace, "none")
    async with unprivileged(cluster, namespace) as restricted:
        with pytest.raises(Forbidden):
            await restricted.secret(namespace, "none")


async def test_an_invalid_status_is_refused_with_the_name_of_the_field(
    kube: Kube, cluster: Cluster, namespace: str
) -> None:
    cluster.apply(host("one", namespace))
    found = cluster.get(Kind.HOST.crd, "one", f"--namespace={namespace}")

    with pytest.raises(KubeError, match=r"status\.ownership"):
        await kube.write_status(
            ObjectRef(Kind.HOST, namespace, "one"),
            ObjectMeta.model_validate(found["metadata"]),
            found["status"],
            {"observedGeneration": 1, "ownership": "Borrowed"},
        )


async def test_a_right_to_list_namespaces_granted_after_startup_is_used_without_a_restart(
    with_crds: Cluster, namespace: str
) -> None:
    async with unprivileged(with_crds, namespace) as account:
        grant(with_crds, namespace, "kinds", *(kind.crd for kind in Kind))
        await eventually(lambda: first_of(account.list(kind) for kind in Kind))
        controller = Controller(account, Settings("a", namespace, installation="here", relist=0.1))
        try:
            await controller.start()
            assert not controller.knows_namespaces

            grant(with_crds, namespace, "namespaces", "namespaces")
            await eventually(lambda: known(controller))
        finally:
            await controller.stop()


def grant(cluster: Cluster, namespace: str, name: str, *resources: str) -> None:
    """Let the account of `unprivileged` list these resources in the whole cluster."""
    role, account = f"{namespace}-{name}", f"--serviceaccount={namespace}:unprivileged"
    cluster.kubectl("create", "clusterrole", role, "--verb=list", f"--resource={','.join(resources)}")
    cluster.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", account)


async def first_of(listings: Iterable[AsyncIterator[object]]) -> bool:
    try:
        for listing in listings:
            async for _ in listing:
                break
    except Forbidden:
        return False
    return True


async def known(controller: Controller) -> bool:
    return controller.knows_namespaces


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(300):
        if await check():
            return
        await asyncio.sleep(0.1)
    pytest.fail("the condition was not met in time")


def test_a_listing_of_namespaces_yields_new_changed_and_removed_ones() -> None:
    known, found = {"stays": {"a": "b"}, "gone": {"a": "b"}, "other": {}}, {"stays": {"a": "b"}, "other": {"c": "d"}}

    assert cache.changes(known, {**found, "new": {}}) == {"gone": None, "other": {"c": "d"}, "new": {}}


def terms(namespace: str, holder: str, duration: float = 1.0) -> LeaseTerms:
    return LeaseTerms(namespace, holder, duration)


async def test_a_lease_has_one_holder_and_is_handed_over_at_once_when_it_is_released(
    kube: Kube, namespace: str
) -> None:
    clock = asyncio.get_running_loop().time
    first, second = (Lease(kube, "array", terms(namespace, name, 30.0), clock) for name in ("a", "b"))

    assert await first.acquire() is False
    waiting = asyncio.create_task(second.acquire())
    held = [first.valid, second.valid]
    await first.release()
    taken_from_the_dead = await waiting

    assert held == [True, False]
    assert [first.valid, second.valid] == [False, True]
    assert taken_from_the_dead is False
    await second.release()


async def test_an_expired_lease_is_acquired_and_its_new_holder_knows_that_it_had_expired(
    kube: Kube, namespace: str
) -> None:
    clock = asyncio.get_running_loop().time
    dead, successor = (Lease(kube, "array", terms(namespace, name), clock) for name in ("dead", "successor"))
    await dead.acquire()

    taken_from_the_dead = await successor.acquire()

    assert taken_from_the_dead is True
    assert [dead.valid, successor.valid] == [False, True]


async def test_a_holder_that_lost_its_lease_stops_renewing_it(kube: Kube, namespace: str) -> None:
    clock = asyncio.get_running_loop().time
    sleeper, successor = (Lease(kube, "array", terms(namespace, name), clock) for name in ("sleeper", "successor"))
    await sleeper.acquire()
    await successor.acquire()

    await sleeper.keep()

    assert successor.valid
    assert not sleeper.valid
