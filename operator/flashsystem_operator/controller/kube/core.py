"""Objects of Kubernetes' own that are kept beside an attachment: its Secret and its PersistentVolume.

As the JSON that the API server speaks, so that what others wrote into them is neither lost nor misread.
"""

from typing import Any

from kubernetes.aio import client

from flashsystem_operator.controller.kube.client import MANAGER, Body, Kube
from flashsystem_operator.controller.kube.errors import NotFound

_MERGE = "application/merge-patch+json"


class Secrets:
    """By name, never listed. Raises KubeError. No error of it carries an entry."""

    def __init__(self, kube: Kube) -> None:
        self._kube, self._limit = kube, kube.limit
        self._core = client.CoreV1Api(kube.api)

    async def get(self, namespace: str, name: str) -> Body | None:
        return await _found(
            self._kube, self._core.read_namespaced_secret(name, namespace, _request_timeout=self._limit)
        )

    async def create(self, namespace: str, body: Any) -> None:
        await self._kube.asked(
            self._core.create_namespaced_secret(namespace, body, field_manager=MANAGER, _request_timeout=self._limit)
        )

    async def patch(self, namespace: str, name: str, patch: Any) -> None:
        await self._kube.asked(
            self._core.patch_namespaced_secret(
                name,
                namespace,
                patch,
                field_manager=MANAGER,
                _content_type=_MERGE,
                _request_timeout=self._limit,
            )
        )

    async def delete(self, found: Body) -> None:
        """The very object that was found, if it is still as it was. One that is gone is as good."""
        meta = found["metadata"]
        await _ended(
            self._kube,
            self._core.delete_namespaced_secret(
                meta["name"], meta["namespace"], body=_only(found), _request_timeout=self._limit
            ),
        )


class Volumes:
    """PersistentVolumes, by name, never listed. Raises KubeError, in the API server's own words."""

    def __init__(self, kube: Kube) -> None:
        self._kube, self._limit = kube, kube.limit
        self._core = client.CoreV1Api(kube.api)

    async def get(self, name: str) -> Body | None:
        request = self._core.read_persistent_volume(name, _request_timeout=self._limit)
        return await _found(self._kube, request, in_its_words=True)

    async def create(self, body: Any) -> None:
        request = self._core.create_persistent_volume(body, field_manager=MANAGER, _request_timeout=self._limit)
        await self._kube.asked(request, in_its_words=True)

    async def delete(self, found: Body) -> None:
        """The very object that was found, if it is still as it was: not one that was bound meanwhile."""
        name = found["metadata"]["name"]
        request = self._core.delete_persistent_volume(name, body=_only(found), _request_timeout=self._limit)
        await _ended(self._kube, request, in_its_words=True)


def _only(found: Body) -> client.V1DeleteOptions:
    meta = found["metadata"]
    stands = client.V1Preconditions(uid=meta["uid"], resource_version=meta["resourceVersion"])
    return client.V1DeleteOptions(preconditions=stands)


async def _found(kube: Kube, request: Any, *, in_its_words: bool = False) -> Body | None:
    try:
        answer = await kube.asked(request, in_its_words=in_its_words)
    except NotFound:
        return None
    plain: Body = kube.api.sanitize_for_serialization(answer)  # type: ignore[no-untyped-call] # it has no types
    return plain


async def _ended(kube: Kube, request: Any, *, in_its_words: bool = False) -> None:
    try:
        await kube.asked(request, in_its_words=in_its_words)
    except NotFound:
        return
