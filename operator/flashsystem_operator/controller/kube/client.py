"""From a kubeconfig, or a pod's service account, to a client of the API server."""

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

PARTING = 0.25
"""Seconds in which TLS connections of a client are closed: aiohttp does not wait for it, and asks its users to."""


class NoClient(Exception):
    """There is no way to an API server. The message says in one line what to do."""


async def client_of(kubeconfig: Path | None) -> client.ApiClient:
    """A client by this kubeconfig, else by the service account. Nothing is sent yet. Raises NoClient."""
    configuration = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # untyped
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call] # the client's configuration has no types
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )
        return client.ApiClient(configuration)
    except Exception as error:  # the library stumbles in any way over a file that is none
        why = str(error) if isinstance(error, ConfigException | OSError | YAMLError) else "it is no kubeconfig"
        raise NoClient(
            f"cannot use {named(kubeconfig)}: {why.rstrip('.')}. Give a working one with --kubeconfig."
        ) from error


def api_server() -> str:
    """Where a pod finds the API server by its environment, which needs no DNS."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def named(kubeconfig: Path | None) -> str:
    return f"kubeconfig {kubeconfig}" if kubeconfig else "the service account of a pod"


__all__ = ["MANAGER", "Body", "Conflict", "Forbidden", "Kube", "KubeError", "NotFound", "Secret", "merge_patch"]

Body = Mapping[str, Any]
MANAGER = "flashsystem-operator"

_MERGE = "application/merge-patch+json"
_PAGE = 500
_NOT_FOUND, _CONFLICT, _FORBIDDEN, _INVALID = 404, 409, 403, 422
_ENDS = "NamespaceTerminating"
"""The cause that a refusal gives, in `details.causes`, when the namespace is being deleted (k8s.io/api/core/v1)."""


class Kube:
    """limit: seconds that any one request may take. heed: called at the end of each, also of a failed one."""

    def __init__(
        self, api: client.ApiClient, limit: float = 15.0, on_progress: Callable[[], None] = lambda: None
    ) -> None:
        self.api = api
        self._observe_command = on_progress
        self.limit = self._limit = limit
        self._custom = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)
        self._leases = client.CoordinationV1Api(api)

    def reporting_progress_to(self, on_progress: Callable[[], None]) -> "Kube":
        """The same API server, with a function that is called at the end of each request."""
        return Kube(self.api, self._limit, on_progress)

    async def asked(self, request: Any, *, in_its_words: bool = False) -> Any:
        """The answer to a request of the Kubernetes client; see the function of this name."""
        try:
            return await asked(request, in_its_words=in_its_words)
        finally:
            self._observe_command()

    async def list(
        self, kind: Kind, namespace: str | None = None, field_selector: str | None = None
    ) -> AsyncIterator[Body]:
        """All objects of a kind, of one namespace if it is named, page by page, as they are now in etcd."""
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
                raise KubeError("the API server answered with something that is no list")
            for item in page["items"]:
                yield item
            follow = page["metadata"].get("continue")
            if not follow:
                return

    async def get(self, ref: ObjectRef) -> Body:
        """One object, or Gone."""
        found: Body = await self.asked(
            self._custom.get_namespaced_custom_object(
                GROUP, VERSION, ref.namespace, ref.kind.plural, ref.name, _request_timeout=self._limit
            )
        )
        return found

    async def write_status(self, ref: ObjectRef, meta: ObjectMeta, before: Body, status: Body) -> Body:
        """Replace the status, and nothing else, if the object is still as `meta` says. Answers with the object."""
        patch = {"metadata": _precondition(meta), "status": merge_patch(before, status)}
        return await self._patched(self._custom.patch_namespaced_custom_object_status, ref, patch)

    async def write_finalizer(self, ref: ObjectRef, meta: ObjectMeta, *, present: bool) -> Body:
        """Put our finalizer on, or take it off, if the object is still as `meta` says. Answers with the object."""
        finalizers = [*meta.other_finalizers, *((FINALIZER,) if present else ())]
        patch = {"metadata": {**_precondition(meta), "finalizers": finalizers}}
        return await self._patched(self._custom.patch_namespaced_custom_object, ref, patch)

    async def secret(self, namespace: str, name: str) -> Secret:
        found = await self.asked(self._core.read_namespaced_secret(name, namespace, _request_timeout=self._limit))
        return Secret(found.metadata.resource_version, found.data or {})

    async def create_secret(self, namespace: str, body: Any) -> None:
        """Conflict: there is one of that name."""
        await self.asked(
            self._core.create_namespaced_secret(namespace, body, field_manager=MANAGER, _request_timeout=self._limit)
        )

    async def cluster_id(self) -> str:
        """The UID of the kube-system namespace: it lives and dies with the cluster."""
        found = await self.asked(self._core.read_namespace("kube-system", _request_timeout=self._limit))
        return str(found.metadata.uid)

    async def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of every namespace, by its name."""
        found: dict[str, Mapping[str, str]] = {}
        follow: str | None = None
        while True:
            page = await self.asked(
                self._core.list_namespace(limit=_PAGE, _continue=follow, _request_timeout=self._limit)
            )
            found |= {item.metadata.name: item.metadata.labels or {} for item in page.items}
            follow = page.metadata._continue  # noqa: SLF001 - the client's name for it, `continue` being a word of Python
            if not follow:
                return found

    async def event(self, namespace: str, body: Any) -> str:
        """Write an Event; answers with its name."""
        limit = self._limit
        made = await self.asked(
            self._core.create_namespaced_event(namespace, body, field_manager=MANAGER, _request_timeout=limit)
        )
        return str(made.metadata.name)

    async def patch_event(self, namespace: str, name: str, patch: dict[str, Any]) -> int:
        """Change what an Event says of how often and when; answers with how often by now.

        Gone: it was forgotten, as all Events are after a while.
        """
        event = await self.asked(
            self._core.patch_namespaced_event(
                name, namespace, patch, field_manager=MANAGER, _content_type=_MERGE, _request_timeout=self._limit
            )
        )
        return int(event.count or 0)

    async def lease(self, namespace: str, name: str) -> Any:
        """The Lease. One that was made by hand may have no spec: it then has an empty one here."""
        found = await self.asked(self._leases.read_namespaced_lease(name, namespace, _request_timeout=self._limit))
        found.spec = found.spec or client.V1LeaseSpec()
        return found

    async def create_lease(self, namespace: str, body: Any, limit: float) -> Any:
        return await self.asked(
            self._leases.create_namespaced_lease(namespace, body, field_manager=MANAGER, _request_timeout=limit)
        )

    async def replace_lease(self, namespace: str, name: str, body: Any, limit: float) -> Any:
        """Write the whole Lease, which carries the version that it stands on."""
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
            in_its_words=True,  # it says which field it does not take, and none of ours holds a secret
        )
        return answer


async def asked(request: Any, *, in_its_words: bool = False) -> Any:
    """The answer to a request of the Kubernetes client, or a KubeError.

    in_its_words: the error carries what the API server says, which may quote what was sent: not for Secrets.
    """
    try:
        return await request
    except ApiException as error:
        raise _sorted(error, _message(error) if in_its_words else "") from None
    except ValueError:
        # What the client cannot read, of a proxy perhaps. Its own words quote the answer, which may be a Secret.
        raise KubeError("the API server answered with something that Kubernetes does not say") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise KubeError(f"the API server did not answer: {str(error) or type(error).__name__}") from error


def _precondition(meta: ObjectMeta) -> dict[str, str]:
    """What makes the API server refuse a patch of another object, or of another version of it.

    Of a patch of the status alone it compares only the version, which no two objects of one cluster have had.
    """
    return {"uid": meta.uid, "resourceVersion": meta.resource_version}


def merge_patch(before: Body, after: Body) -> dict[str, Any]:
    """What makes `after` of `before` (RFC 7386): a key that is no more there has to be said to be null."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := merge_patch(old, value):
                patch[key] = inner
        elif value != old:
            patch[key] = value
    return patch


def _sorted(error: ApiException, said: str) -> KubeError:
    if error.status == _FORBIDDEN and _ENDS in _causes(error):
        return Ending("its namespace is being deleted, and takes nothing new")
    words = said or f"the API server answered {error.status} {error.reason}"
    kinds = {_NOT_FOUND: NotFound, _CONFLICT: Conflict, _FORBIDDEN: Forbidden, _INVALID: Invalid}
    return kinds.get(error.status, KubeError)(words)


def _message(error: ApiException) -> str:
    """What the API server says in the body of a refusal; empty if it says nothing that can be read."""
    return str(_body(error).get("message", ""))


def _causes(error: ApiException) -> set[str]:
    """The reasons that the API server gives, for programs, beside the message of a refusal."""
    details = _body(error).get("details") or {}
    return {str(cause.get("reason")) for cause in details.get("causes") or ()}


def _body(error: ApiException) -> dict[str, Any]:
    try:
        said = json.loads(error.body or "")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
