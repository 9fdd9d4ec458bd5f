"""A part of an API server over HTTP: reads and writes of our kinds and of Leases, with faults on demand."""

import asyncio
import base64
import copy
import itertools
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Middleware
from kubernetes.aio import client

from flashsystem_operator.api.metadata import API_VERSION, GROUP, VERSION, Kind, ObjectRef
from flashsystem_operator.controller.kube.client import Kube

CREATED, DELETED = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"

_ANY_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBDjCBtaADAgECAgEBMAoGCCqGSM49BAMCMBExDzANBgNVBAMMBnVudXNlZDAe
Fw0yNjAxMDEwMDAwMDBaFw0yNjAxMDIwMDAwMDBaMBExDzANBgNVBAMMBnVudXNl
ZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMcaxHJf6ECO65tKVqFdVKoK/qbI
0uHFVtRMrXBFwRsP2iD0bZQN6GqUb4/cPPTeoCM0gNOEiZZqs04Ih22JtEAwCgYI
KoZIzj0EAwIDSAAwRQIgEDR0SoTenhWSk5AIM0E7UvZZSVK4aIPXdX5Xer/hG4EC
IQCdgD4aYci6vuomfLbrTPxwUgdUyFEREPgQrzKzzVO0zQ==
-----END CERTIFICATE-----
"""
"""Nothing here uses TLS. With a CA of its own the client does not load those of the machine, which takes 0.1 s."""


class Fault(Enum):
    """The fate of a write. LOST: it is done, and the connection is cut before the response. CUT: it is not done.

    SLOW_LOST: it is done, and never answered. ERROR_AFTER: it is done, and answered with an error, as by a load
    balancer that loses its server meanwhile.
    """

    LOST = auto()
    CUT = auto()
    SLOW_LOST = auto()
    ERROR_AFTER = 502
    CONFLICT = 409
    TOO_MANY = 429
    BROKEN = 500
    UNAVAILABLE = 503

    @property
    def lands(self) -> bool:
        """Whether the write is done in spite of the fault."""
        return self in (Fault.LOST, Fault.SLOW_LOST, Fault.ERROR_AFTER)


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was done. changed: whether the object differs now, apart from the times of transitions."""

    path: str
    changed: bool


class FakeApi:
    """objects: by their path. faults: of the next writes, in order, None for one without a fault.

    meanwhile: what is done when the next writes come, one for each, before anything else. writes: those that were done.
    wrote: set at each of these. closed: whether nothing can be read. watches: called with the path and the body of each
    object that changes, and with True and its last body when it is gone.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.faults: deque[Fault | None] = deque()
        self.meanwhile: deque[Callable[[], None]] = deque()
        self.writes: list[Write] = []
        self.closed = False
        self.wrote = asyncio.Event()
        self.watches: list[Callable[[str, Mapping[str, Any], bool], None]] = []
        self._versions = itertools.count(1000)

    # -- what users do -----------------------------------------------------------------------------------------------

    def add(self, ref: ObjectRef, body: Mapping[str, Any]) -> None:
        self.objects[path(ref)] = dict(body)

    def create(self, ref: ObjectRef, spec: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Create an object, with a new uid. more: parts of its metadata, and its status."""
        version = str(next(self._versions))
        status = more.pop("status", {})
        meta = {"uid": f"uid-{version}", "resourceVersion": version, "generation": 1, "creationTimestamp": CREATED}
        body = {
            "apiVersion": API_VERSION,
            "kind": ref.kind.value,
            "metadata": {"name": ref.name, "namespace": ref.namespace, **meta, **more},
            "spec": spec,
        }
        self._put_in(path(ref), {**body, "status": status})
        return self.read(ref)

    def delete(self, ref: ObjectRef) -> None:
        """Delete an object: without finalizers it is gone at once."""
        found = self.objects[path(ref)]
        if "deletionTimestamp" in found["metadata"]:
            return
        if not found["metadata"].get("finalizers"):
            self._remove(path(ref))
            return
        meta = {**found["metadata"], "deletionTimestamp": DELETED}
        self.change(path(ref), {**found, "metadata": {**meta, "generation": meta["generation"] + 1}})

    def edit(self, ref: ObjectRef, spec: Mapping[str, Any]) -> None:
        """Change parts of the spec. A value of None removes the field."""
        self.replace_spec(ref, merged(self.objects[path(ref)]["spec"], spec))

    def replace_spec(self, ref: ObjectRef, spec: Mapping[str, Any]) -> None:
        found = self.objects[path(ref)]
        meta = found["metadata"]
        self.change(
            path(ref), {**found, "metadata": {**meta, "generation": meta["generation"] + 1}, "spec": dict(spec)}
        )

    def annotate(self, ref: ObjectRef, key: str, value: str) -> None:
        found = self.objects[path(ref)]
        self.change(path(ref), {**found, "metadata": {**found["metadata"], "annotations": {key: value}}})

    def change(self, place: str, body: Mapping[str, Any]) -> None:
        """Store an object with a new version. One that is being deleted is gone without finalizers."""
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(next(self._versions))}}
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            self._remove(place, body)
        else:
            self._put_in(place, body)

    def read(self, ref: ObjectRef) -> dict[str, Any]:
        return copy.deepcopy(self.objects[path(ref)])

    def exists(self, ref: ObjectRef) -> bool:
        return path(ref) in self.objects

    def listed(self, place: str) -> list[dict[str, Any]]:
        """The objects of a kind: of one namespace, or of all with a path that names none."""
        group, _, plural = place.rpartition("/")
        each = re.compile(rf"{re.escape(group)}(/namespaces/[^/]+)?/{re.escape(plural)}/[^/]+")
        return [body for key, body in self.objects.items() if each.fullmatch(key)]

    def _put_in(self, place: str, body: dict[str, Any]) -> None:
        self.objects[place] = body
        for watch in self.watches:
            watch(place, body, False)

    def _remove(self, place: str, last: Mapping[str, Any] | None = None) -> None:
        body = self.objects.pop(place)
        for watch in self.watches:
            watch(place, last or body, True)

    # -- what the operator asks --------------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.Response:
        if self.closed:
            return web.json_response({"message": "closed"}, status=503)
        if found := self.objects.get(request.path):
            return web.json_response(found)
        under = self.listed(request.path)
        if selector := request.query.get("fieldSelector"):
            field, _, value = selector.partition("=")
            under = [body for body in under if _field(body, field) == value]
        elif not under and request.path.rpartition("/")[2] not in {kind.plural for kind in Kind}:
            return web.json_response({"reason": "NotFound"}, status=404)
        return web.json_response({"items": under, "metadata": {}})

    async def _patch(self, request: web.Request) -> web.Response:
        patch = await request.json()
        if self.meanwhile:
            self.meanwhile.popleft()()
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.CUT:
            return self._cut(request)
        if fault is not None and not fault.lands:
            return web.json_response({"message": fault.name}, status=fault.value)
        place = request.path.removesuffix("/status")
        before = self.objects.get(place)
        if before is None:
            return web.json_response({"reason": "NotFound"}, status=404)
        asked, meta = patch.get("metadata", {}), before["metadata"]
        if any(asked.get(key, meta.get(key)) != meta.get(key) for key in ("resourceVersion", "uid")):
            return web.json_response({"message": "the object has been modified"}, status=409)
        after = merged(before, {"status": patch["status"]} if request.path != place else patch)
        self._wrote(request.path, changed=_without_times(after) != _without_times(before))
        if after != before:
            self.change(place, after)
        if fault is Fault.SLOW_LOST:
            await asyncio.sleep(3600)  # the client leaves before
        if fault is Fault.ERROR_AFTER:
            return web.json_response({"message": fault.name}, status=fault.value)
        return self._cut(request) if fault else web.json_response(self.objects.get(place, after))

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        meta = body["metadata"]
        meta.setdefault("name", f"{meta.get('generateName')}{next(self._versions)}")
        if plain := body.pop("stringData", None):
            body["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        place = f"{request.path}/{meta['name']}"
        if place in self.objects:
            return web.json_response({"reason": "AlreadyExists"}, status=409)
        return self._stored(place, body)

    async def _put(self, request: web.Request) -> web.Response:
        body, before = await request.json(), self.objects.get(request.path)
        if before is None:
            return web.json_response({"reason": "NotFound"}, status=404)
        if body["metadata"].get("resourceVersion") != before["metadata"]["resourceVersion"]:
            return web.json_response({"message": "the object has been modified"}, status=409)
        return self._stored(request.path, body)

    def _stored(self, place: str, body: dict[str, Any]) -> web.Response:
        changed = _without_times(body) != _without_times(self.objects.get(place))
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self._put_in(place, body)
        self._wrote(place, changed=changed)
        return web.json_response(body)

    def _wrote(self, place: str, *, changed: bool) -> None:
        self.writes.append(Write(place, changed))
        self.wrote.set()

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        cast("asyncio.Transport", request.transport).abort()
        return web.Response()

    @asynccontextmanager
    async def served(self, limit: float = 15.0, *middlewares: Middleware) -> AsyncIterator[Kube]:
        """Serve, and return a client. limit: seconds after which the client gives up a request."""
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/{path:.*}", self._get)
        app.router.add_patch("/{path:.*}", self._patch)
        app.router.add_post("/{path:.*}", self._post)
        app.router.add_put("/{path:.*}", self._put)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        api = client.ApiClient(client.Configuration(host=f"http://{host}:{port}", ca_cert_data=_ANY_CERTIFICATE))
        try:
            yield Kube(api, limit)
        finally:
            await api.close()  # type: ignore[no-untyped-call] # it has no types
            await runner.cleanup()


def _field(body: Mapping[str, Any], field: str) -> Any:
    found: Any = body
    for step in field.split("."):
        found = found.get(step, {})
    return found


def _without_times(body: Any) -> Any:
    if isinstance(body, Mapping):
        return {key: _without_times(value) for key, value in body.items() if key != "lastTransitionTime"}
    return [_without_times(each) for each in body] if isinstance(body, list) else body


def path(ref: ObjectRef) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{ref.namespace}/{ref.kind.plural}/{ref.name}"


def merged(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    after = dict(before)
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        elif isinstance(value, Mapping):
            inner = after.get(key)
            after[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            after[key] = value
    return after
