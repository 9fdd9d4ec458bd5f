"""The client of the Kubernetes API server: how to reach it, and the requests that the operator makes."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config.config_exception import ConfigException
from yaml import YAMLError

from flashsystem_operator.api.metadata import FINALIZER, GROUP, VERSION, Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller.kube.errors import (
    Conflict,
    Ending,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    Secret,
)

__all__ = ["MANAGER", "Body", "Conflict", "Forbidden", "Kube", "KubeError", "NotFound", "Secret", "merge_patch"]

Body = Mapping[str, Any]
MANAGER = "flashsystem-operator"
PARTING = 0.25
"""Seconds to let the TLS connections of a client close: aiohttp leaves this wait to its users."""

_MERGE = "application/merge-patch+json"
_PAGE = 500
_NOT_FOUND, _CONFLICT, _FORBIDDEN, _INVALID = 404, 409, 403, 422
_ENDS = "NamespaceTerminating"
"""The cause that a refusal has in `details.causes` when the namespace is being deleted (k8s.io/api/core/v1)."""


class NoClient(Exception):
    """There is no usable configuration for an API server. The message states in one line what to do."""


async def client_of(kubeconfig: Path | None) -> client.ApiClient:
    """Create a client from this kubeconfig, else from the service account. Sends nothing yet. Raises NoClient."""
    configuration = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # untyped
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call] # the client's configuration has no types
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )
        return client.ApiClient(configuration)
    except Exception as error:  # the library raises any error for a file that is not a kubeconfig
        why = str(error) if isinstance(error, ConfigException | OSError | YAMLError) else "it is no kubeconfig"
        raise NoClient(
            f"cannot use {named(kubeconfig)}: {why.rstrip('.')}. Specify a working one with --kubeconfig."
        ) from error


def api_server() -> str:
    """Return the API server's URL from the pod's environment, which needs no DNS."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def named(kubeconfig: Path | None) -> str:
    return f"kubeconfig {kubeconfig}" if kubeconfig else "the service account of a pod"


class Kube:
    """Requests to one API server.

    limit: seconds that one request may take. on_progress: called at the end of each request, also of a failed one.
    """

    def __init__(
        self, api: client.ApiClient, limit: float = 15.0, on_progress: Callable[[], None] = lambda: None
    ) -> None:
        self.api = api
        self._on_progress = on_progress
        self.limit = self._limit = limit
        self._custom = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)
        self._leases = client.CoordinationV1Api(api)

    def reporting_progress_to(self, on_progress: Callable[[], None]) -> "Kube":
        """Return a client of the same API server that calls a function at the end of each request."""
        return Kube(self.api, self._limit, on_progress)

    async def asked(self, request: Any, *, keep_message: bool = False) -> Any:
        """Return the response to a request of the Kubernetes client; see the function of this name."""
        try:
            return await asked(request, keep_message=keep_message)
        finally:
            self._on_progress()

    async def list(
        self, kind: Kind, namespace: str | None = None, field_selector: str | None = None
    ) -> AsyncIterator[Body]:
        """Yield all objects of a kind, of one namespace or of all, page by page, as they are now in etcd."""
        follow: str | None = None
        while True:
            limits: dict[str, Any] = {"limit": _PAGE, "_continue": follow, "_request_timeout": self._limit}
            if field_selector:
                limits["field_selector"] = field_selector
            if namespace is None:
                request = self._custom.list_cluster_custom_object(GROUP, VERSION, kind.plural, **limits)
            else:
                request = self._custom.list_namespaced_custom_object(GROUP, VERSION, namespace, kind.plural, **limits)
            page = await self.asked(request)
            if not isinstance(page, Mapping) or "items" not in page:
                raise KubeError("the API server answered with something that is not a list")
            for item in page["items"]:
                yield item
            follow = page["metadata"].get("continue")
            if not follow:
                return

    async def get(self, ref: ObjectRef) -> Body:
        """Return one object. Raises NotFound."""
        found: Body = await self.asked(
            self._custom.get_namespaced_custom_object(
                GROUP, VERSION, ref.namespace, ref.kind.plural, ref.name, _request_timeout=self._limit
            )
        )
        return found

    async def write_status(self, ref: ObjectRef, meta: ObjectMeta, before: Body, status: Body) -> Body:
        """Replace the status, and nothing else, if the object still has the version in `meta`. Return the object."""
        patch = {"metadata": _precondition(meta), "status": merge_patch(before, status)}
        return await self._patched(self._custom.patch_namespaced_custom_object_status, ref, patch)

    async def write_finalizer(self, ref: ObjectRef, meta: ObjectMeta, *, present: bool) -> Body:
        """Add or remove our finalizer, if the object still has the version in `meta`. Return the object."""
        finalizers = [*meta.other_finalizers, *((FINALIZER,) if present else ())]
        patch = {"metadata": {**_precondition(meta), "finalizers": finalizers}}
        return await self._patched(self._custom.patch_namespaced_custom_object, ref, patch)

    async def secret(self, namespace: str, name: str) -> Secret:
        found = await self.asked(self._core.read_namespaced_secret(name, namespace, _request_timeout=self._limit))
        return Secret(found.metadata.resource_version, found.data or {})

    async def create_secret(self, namespace: str, body: Any) -> None:
        """Create a Secret. Raises Conflict if one of that name exists."""
        await self.asked(
            self._core.create_namespaced_secret(namespace, body, field_manager=MANAGER, _request_timeout=self._limit)
        )

    async def cluster_id(self) -> str:
        """Return the UID of the kube-system namespace, which identifies the cluster for its whole life."""
        found = await self.asked(self._core.read_namespace("kube-system", _request_timeout=self._limit))
        return str(found.metadata.uid)

    async def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """Return the labels of every namespace, by its name."""
        found: dict[str, Mapping[str, str]] = {}
        follow: str | None = None
        while True:
            page = await self.asked(
                self._core.list_namespace(limit=_PAGE, _continue=follow, _request_timeout=self._limit)
            )
            found |= {item.metadata.name: item.metadata.labels or {} for item in page.items}
            follow = page.metadata._continue  # noqa: SLF001 - the client's name for it; `continue` is a keyword of Python
            if not follow:
                return found

    async def event(self, namespace: str, body: Any) -> str:
        """Create an Event. Return its name."""
        limit = self._limit
        made = await self.asked(
            self._core.create_namespaced_event(namespace, body, field_manager=MANAGER, _request_timeout=limit)
        )
        return str(made.metadata.name)

    async def patch_event(self, namespace: str, name: str, patch: dict[str, Any]) -> int:
        """Change the count and times of an Event. Return its count now.

        Raises NotFound if the API server has removed it, as it removes all Events after a while.
        """
        event = await self.asked(
            self._core.patch_namespaced_event(
                name, namespace, patch, field_manager=MANAGER, _content_type=_MERGE, _request_timeout=self._limit
            )
        )
        return int(event.count or 0)

    async def lease(self, namespace: str, name: str) -> Any:
        """Return the Lease. One that was created outside the operator may have no spec: it gets an empty one here."""
        found = await self.asked(self._leases.read_namespaced_lease(name, namespace, _request_timeout=self._limit))
        found.spec = found.spec or client.V1LeaseSpec()
        return found

    async def create_lease(self, namespace: str, body: Any, limit: float) -> Any:
        return await self.asked(
            self._leases.create_namespaced_lease(namespace, body, field_manager=MANAGER, _request_timeout=limit)
        )

    async def replace_lease(self, namespace: str, name: str, body: Any, limit: float) -> Any:
        """Write the whole Lease. It carries the version that it is based on."""
        return await self.asked(
            self._leases.replace_namespaced_lease(name, namespace, body, field_manager=MANAGER, _request_timeout=limit)
        )

    async def _patched(self, send: Callable[..., Any], ref: ObjectRef, patch: Body) -> Body:
        answer: Body = await self.asked(
            send(
                GROUP,
                VERSION,
                ref.namespace,
                ref.kind.plural,
                ref.name,
                patch,
                field_manager=MANAGER,
                _content_type=_MERGE,
                _request_timeout=self._limit,
            ),
            keep_message=True,  # it names the field that it does not accept, and none of ours holds a secret
        )
        return answer


async def asked(request: Any, *, keep_message: bool = False) -> Any:
    """Return the response to a request of the Kubernetes client. Raises KubeError.

    keep_message: the error carries the API server's message, which may quote what was sent: not for Secrets.
    """
    try:
        return await request
    except ApiException as error:
        message = str(_body(error).get("message", "")) if keep_message else ""
        if error.status == _FORBIDDEN:
            details = _body(error).get("details") or {}
            if _ENDS in {str(cause.get("reason")) for cause in details.get("causes") or ()}:
                raise Ending("its namespace is being deleted, and accepts no new objects") from None
        message = message or f"the API server answered {error.status} {error.reason}"
        kinds = {_NOT_FOUND: NotFound, _CONFLICT: Conflict, _FORBIDDEN: Forbidden, _INVALID: Invalid}
        raise kinds.get(error.status, KubeError)(message) from None
    except ValueError:
        # The client cannot read the response, perhaps of a proxy. Its error quotes the response, maybe a Secret.
        raise KubeError("the API server sent a response that is not of the Kubernetes API") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise KubeError(f"the API server did not answer: {str(error) or type(error).__name__}") from error


def _precondition(meta: ObjectMeta) -> dict[str, str]:
    """Return the metadata that makes the API server refuse a patch of another object, or of another version of it.

    For a patch of the status alone it compares only the version, which is unique in a cluster.
    """
    return {"uid": meta.uid, "resourceVersion": meta.resource_version}


def merge_patch(before: Body, after: Body) -> dict[str, Any]:
    """Return the patch from `before` to `after` (RFC 7386): a removed key has to be null."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := merge_patch(old, value):
                patch[key] = inner
        elif value != old:
            patch[key] = value
    return patch


def _body(error: ApiException) -> dict[str, Any]:
    """Return the body of a refusal; empty if there is none that can be read."""
    try:
        body = json.loads(error.body or "")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
