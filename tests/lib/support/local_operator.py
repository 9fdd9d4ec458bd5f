"""The whole controller in this process, on an API server in this process, for the tests that need no real one.

It replaces what `Stand` and `Operator` have as processes: users, watches, and replicas that are killed and restarted.
"""

import asyncio
import contextlib
import copy
import logging
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self, TypeVar

import paramiko
from aiohttp import web
from aiohttp.typedefs import Handler

from cluster.api import Document, Refused, path_to
from flashsystem_operator.api.metadata import GROUP, VERSION, Kind, ObjectRef
from flashsystem_operator.controller.manager import Controller, Sighting
from flashsystem_operator.settings import Settings
from flashsystem_operator.simulator import Simulator
from support.array_state import mark
from support.fake_api import FakeApi, merged, path
from support.holding_proxy import Holds
from support.loop_thread import LoopThread
from support.operator_process import DEBOUNCE_SECONDS, IN_DOUBT_SECONDS, PROTECTED_SECONDS
from support.proxy import cut
from support.schemas import crd_schema, defaulted
from support.stand import API, Namespace

NAMESPACE = "storage"
T = TypeVar("T")

_OURS = re.compile(rf"^/apis/{GROUP}/{VERSION}/namespaces/[^/]+/(?P<plural>[^/]+)/[^/]+$")
_NAMESPACE = re.compile(r"^/api/v1/namespaces/(?P<name>[^/]+)$")
_KINDS = {kind.plural: kind for kind in Kind}
_SPECS = {kind: crd_schema(kind)["properties"]["spec"] for kind in Kind}


class LocalCluster:
    """An API server in this process, while the block lasts. It is an `ObjectApi` for users, without admission.

    api: the API server. Belongs to the thread of this cluster. holds: orders to hold requests of operators.
    forbidden: the requests that the operator may not make, as method and path; expressions that match all of it.
    """

    def __init__(self) -> None:
        self.thread = LoopThread("local-cluster")
        self.api = FakeApi()
        self.holds = Holds(self.thread.loop)
        self.forbidden: set[str] = set()
        for name in ("kube-system", "operators", NAMESPACE):
            self._add_namespace(name)

    def __enter__(self) -> Self:
        self.thread.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.holds.drop()
        self.thread.__exit__()

    def namespace(self, name: str) -> Namespace:
        """Create a namespace whose Secrets the operator may not read."""
        self.forbidden.add(f"GET {path_to('v1', 'secrets', namespace=name)}/.*")
        self._call(lambda: self._add_namespace(name))
        return Namespace(self, name)

    def _add_namespace(self, name: str) -> None:
        meta = {"name": name, "uid": f"uid-of-{name}"}
        self.api.change(path_to("v1", "namespaces", name), {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    # -- what users do -----------------------------------------------------------------------------------------------

    def get(self, place: str) -> Any:
        """Return an object, or the list of all objects of a kind. Raises Refused."""
        return self._call(lambda: copy.deepcopy(self._found(place)))

    def apply(self, document: Document) -> Any:
        """Create this object, or replace the spec of an existing one."""
        return self._call(lambda: self._apply(document))

    def patch(self, place: str, body: Document) -> Any:
        """Apply a merge patch. Raises Refused if it is for another version."""

        def patched() -> None:
            before = self._found(place)
            after = merged(before, body)
            if after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
                raise Refused(HTTPStatus.CONFLICT, f"{place} has been modified")
            self._replace(place, after)

        return self._call(patched)

    def delete(self, place: str) -> Any:
        """Delete an object, and return it. Raises Refused."""

        def deleted() -> Any:
            found = copy.deepcopy(self._found(place))
            meta = found["metadata"]
            if found["apiVersion"] == API:
                self.api.delete(ObjectRef(Kind(found["kind"]), meta["namespace"], meta["name"]))
            else:
                del self.api.objects[place]
            return found

        return self._call(deleted)

    def _found(self, place: str) -> Any:
        if place in self.api.objects:
            return self.api.objects[place]
        if place.rpartition("/")[2] in {*_KINDS, "events", "leases"}:
            return {"items": copy.deepcopy(self.api.listed(place))}
        raise Refused(HTTPStatus.NOT_FOUND, f"{place} not found")

    def _apply(self, document: Document) -> None:
        meta = document["metadata"]
        if document["apiVersion"] != API:
            plural = f"{document['kind'].lower()}s"
            self.api.change(path_to(document["apiVersion"], plural, meta["name"], meta["namespace"]), document)
            return
        ref = ObjectRef(Kind(document["kind"]), meta["namespace"], meta["name"])
        spec = defaulted(_SPECS[ref.kind], document["spec"])
        if self.api.exists(ref):
            self._replace(path(ref), {**self.api.objects[path(ref)], "spec": spec})
        else:
            more = {key: value for key, value in meta.items() if key not in ("name", "namespace")}
            self.api.create(ref, spec, creationTimestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **more)

    def _replace(self, place: str, after: Mapping[str, Any]) -> None:
        """Store what a user changed, if it differs. A change of the spec begins a new generation."""
        before = self.api.objects[place]
        if after.get("spec") != before.get("spec"):
            after = {**after, "metadata": {**after["metadata"], "generation": before["metadata"]["generation"] + 1}}
        if after != before:
            self.api.change(place, after)

    def _call(self, work: Callable[[], T]) -> T:
        """Do this between two steps of the API server."""

        async def done() -> T:
            return work()

        return self.thread.run(done())


@dataclass(eq=False)
class _Life:
    """One life of an operator, from a start to its end.

    closed: none of its requests reaches the API server any more. connections: all that it had.
    """

    cluster: LocalCluster
    closed: bool = False
    connections: set[asyncio.Transport] = field(default_factory=set)
    controller: Controller = field(init=False)

    async def pass_on(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on to the API server, which then answers it without a pause, unless a fault was ordered."""
        if isinstance(request.transport, asyncio.Transport):
            self.connections.add(request.transport)
        await request.read()
        if self.closed:
            return cut(request)
        if any(re.fullmatch(each, f"{request.method} {request.path}") for each in self.cluster.forbidden):
            return web.json_response({"message": "forbidden"}, status=HTTPStatus.FORBIDDEN)
        order = self.cluster.holds.of(request)
        if order and not await order.passes("before"):
            return cut(request)
        response = await handler(request)
        if order and not await order.passes("after"):
            return cut(request)
        return response

    def see(self, place: str, body: Mapping[str, Any], gone: bool) -> None:
        """Show a change to the controller, as its watch does a little later."""
        if match := _OURS.match(place):
            seen = Sighting(_KINDS[match["plural"]], gone=gone, body=copy.deepcopy(body))
            self.cluster.thread.loop.call_soon(self.controller.see, seen)
        if match := _NAMESPACE.match(place):
            labels = None if gone else dict(body["metadata"].get("labels") or {})
            self.cluster.thread.loop.call_soon(self.controller.see_namespace, match["name"], labels)

    def cut(self) -> None:
        """Cut all connections at once: what was received by the other side, and only that, has been sent."""
        self.closed = True
        for connection in self.connections:
            connection.abort()
        for transport in _transports():
            with contextlib.suppress(OSError):
                transport.sock.shutdown(socket.SHUT_RDWR)


class LocalOperator:
    """One replica. `start`, `kill` and `stop` may follow one another, as with `Operator`. It alone uses paramiko.

    arrays: those of which is known after a kill that they received nothing more. settings: instead of those here.
    """

    def __init__(self, cluster: LocalCluster, arrays: Sequence[Simulator], **settings: Any) -> None:
        self._cluster = cluster
        self._arrays = arrays
        self._starts = 0
        self._settings = {
            "in_doubt": IN_DOUBT_SECONDS,
            "deletion_debounce": DEBOUNCE_SECONDS,
            "protected_retry": PROTECTED_SECONDS,
            **settings,
        }
        self._life: _Life | None = None
        self._served = contextlib.AsyncExitStack()
        self._bugs = _Bugs()
        self._log = _Log()

    @property
    def log(self) -> str:
        """What it has logged, as a process writes it."""
        return "\n".join(self._log.lines)

    def __enter__(self) -> Self:
        logger = logging.getLogger("flashsystem_operator")
        logger.setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self._log)
        logger.addHandler(self._bugs)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._cluster.holds.drop()
            self._cluster.thread.run(self._served.aclose())
            logger = logging.getLogger("flashsystem_operator")
            logger.removeHandler(self._bugs)
            logging.getLogger().removeHandler(self._log)
            logger.setLevel(logging.NOTSET)
        assert self._bugs.texts == [], "the operator reported a bug of its own"

    def start(self) -> None:
        """Start, and return when all objects are listed."""
        self._cluster.thread.run(self._start())

    def kill(self) -> None:
        """End it as SIGKILL does: what was sent takes effect, and nothing is sent, written or released afterwards."""
        self._cluster.thread.run(self._kill())

    def stop(self) -> None:
        """End it as Kubernetes does."""
        self._cluster.thread.run(self._stop())

    async def _start(self) -> None:
        life, api = _Life(self._cluster), self._cluster.api
        self._starts += 1

        @web.middleware
        async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await life.pass_on(request, handler)

        kube = await self._served.enter_async_context(api.served(15.0, pass_on))
        identity = f"replica-{self._starts}"
        life.controller = Controller(kube, Settings(identity, "operators", **self._settings))
        await life.controller.start()
        # A watch begins with a list.
        for place, body in api.objects.items():
            if match := _OURS.match(place):
                seen = Sighting(_KINDS[match["plural"]], gone=False, body=copy.deepcopy(body), listed=True)
                life.controller.see(seen)
        api.watches.append(life.see)
        self._life = life

    async def _kill(self) -> None:
        life, api, logged = self._life, self._cluster.api, len(self._bugs.texts)
        assert life is not None
        self._life = None
        # Up to the next await no task of this loop runs, so nothing of the operator can react to the loss of one side
        # by a request to the other side.
        before = [_sessions(array) for array in self._arrays]
        api.watches.remove(life.see)
        life.cut()
        life.controller.end()
        written = len(api.writes)
        old = [(array, mark(array), each | _sessions(array)) for array, each in zip(self._arrays, before, strict=True)]

        await life.controller.stop()

        assert life.controller.left == []
        assert _transports() == [], "the killed operator is still connected to an array"
        assert len(api.writes) == written, "the killed operator wrote to the API server"
        for array, since, sessions in old:
            late = [each for each in array.control.log(since) if each["session"] not in {0, *sessions}]
            assert late == [], "the killed operator connected to the array again"
        del self._bugs.texts[logged:]  # a process that was killed logs nothing

    async def _stop(self) -> None:
        if (life := self._life) is None:
            return
        self._life = None
        await life.controller.stop()
        self._cluster.api.watches.remove(life.see)
        assert life.controller.left == []
        life.closed = True


def _transports() -> list[paramiko.Transport]:
    """The SSH connections of this process."""
    return [each for each in threading.enumerate() if isinstance(each, paramiko.Transport) and each.is_active()]


def _sessions(array: Simulator) -> set[int]:
    """The sessions that exist, or sent a line before."""
    return {each["id"] for each in array.control.sessions()} | {each["session"] for each in array.control.log()}


class _Log(logging.Handler):
    """Keeps all that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class _Bugs(logging.Handler):
    """Keeps what the operator logs as an error, or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.texts.append(self.format(record))
