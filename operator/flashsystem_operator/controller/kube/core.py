"""Kubernetes' own objects that belong to an attachment: its Secret and its PersistentVolume.

They are handled as the API server's JSON, so that fields of other writers are neither lost nor misread.
"""

from typing import Any

from kubernetes.aio import client

from flashsystem_operator.controller.kube.client import MANAGER, Body, Kube
from flashsystem_operator.controller.kube.errors import NotFound

_MERGE = "application/merge-patch+json"


class Secrets:
    """Secrets, by name, never listed. Methods raise KubeError, whose message never contains an entry of a Secret."""

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
        """Delete exactly the object that was found, if it has not changed. No error if it is gone."""
        meta = found["metadata"]
        await _ended(
            self._kube,
            self._core.delete_namespaced_secret(
                meta["name"], meta["namespace"], body=_only(found), _request_timeout=self._limit
            ),
        )


class Volumes:
    """PersistentVolumes, by name, never listed. Methods raise KubeError with the API server's message."""

    def __init__(self, kube: Kube) -> None:
        self._kube, self._limit = kube, kube.limit
        self._core = client.CoreV1Api(kube.api)

    async def get(self, name: str) -> Body | None:
        request = self._core.read_persistent_volume(name, _request_timeout=self._limit)
        return await _found(self._kube, request, keep_message=True)

    async def create(self, body: Any) -> None:
        request = self._core.create_persistent_volume(body, field_manager=MANAGER, _request_timeout=self._limit)
        await self._kube.asked(request, keep_message=True)

    async def delete(self, found: Body) -> None:
        """Delete exactly the object that was found, if it has not changed: not one that was bound meanwhile."""
        name = found["metadata"]["name"]
        request = self._core.delete_persistent_volume(name, body=_only(found), _request_timeout=self._limit)
        await _ended(self._kube, request, keep_message=True)


def _only(found: Body) -> client.V1DeleteOptions:
    meta = found["metadata"]
    preconditions = client.V1Preconditions(uid=meta["uid"], resource_version=meta["resourceVersion"])
    return client.V1DeleteOptions(preconditions=preconditions)


async def _found(kube: Kube, request: Any, *, keep_message: bool = False) -> Body | None:
    try:
        answer = await kube.asked(request, keep_message=keep_message)
    except NotFound:
        return None
    plain: Body = kube.api.sanitize_for_serialization(answer)  # type: ignore[no-untyped-call] # it has no types
    return plain


async def _ended(kube: Kube, request: Any, *, keep_message: bool = False) -> None:
    try:
        await kube.asked(request, keep_message=keep_message)
    except NotFound:
        return
