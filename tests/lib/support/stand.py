"""A namespace with arrays, hosts and attachments as a user writes them, and ways to wait for their conditions."""

import base64
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from cluster.api import Refused, path_to
from cluster.client import Cluster, Document, KubectlFailed
from flashsystem_operator.simulator import Simulator

GROUP, VERSION = "flashsystem.io", "v1alpha1"
API = f"{GROUP}/{VERSION}"
PATIENCE = 300.0  # seconds; a net, not a promise of speed: a machine that runs all tests at once is slow

ARRAYS, HOSTS, VOLUMES, ATTACHMENTS = (
    "flashsystemarrays.flashsystem.io",
    "flashsystemhosts.flashsystem.io",
    "flashsystemvolumes.flashsystem.io",
    "volumeattachments.flashsystem.io",
)


def iqn(name: str) -> str:
    return f"iqn.1994-05.com.redhat:{name}"


def until(what: str, ask: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Ask until the answer is true, or fail with the last one. The limit is a net, not a promise of speed."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what} has not come within {seconds} s; the last answer was {answer!r}"
        time.sleep(0.1)
    return answer


class ObjectApi(Protocol):
    """The requests that users make here: of `cluster.api.Api`, or of an API server in this process."""

    def get(self, path: str, /) -> Any: ...
    def apply(self, document: Document, /) -> Any: ...
    def patch(self, path: str, body: Document, /) -> Any: ...
    def delete(self, path: str, /) -> Any: ...


class Namespace:
    """One namespace of an API server."""

    def __init__(self, api: ObjectApi, namespace: str) -> None:
        self.namespace = namespace
        self.api = api

    # -- what users write --------------------------------------------------------------------------------------------

    def array(self, simulator: Simulator, name: str = "array", password: str = "passw0rd", **spec: Any) -> None:
        self.secret(name, username=simulator.user, password=password)
        self.apply(self.array_of(simulator, name, **spec))

    def array_of(self, simulator: Simulator, name: str = "array", **spec: Any) -> Document:
        defaults = {
            "management": {"addresses": [simulator.host], "port": simulator.port},
            "credentialsSecretRef": {"name": name},
            "hostKeys": [simulator.host_key],
            "limits": {"commandTimeout": "4s"},
            "resyncInterval": "60s",
        }
        return self._object("FlashSystemArray", name, {**defaults, **spec})

    def secret(self, name: str, **data: str) -> None:
        encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace},
                "data": encoded,
            }
        )

    def host(self, name: str, *iqns: str, array: str = "array", **spec: Any) -> Document:
        defaults = {"arrayRef": {"name": array}, "initiators": {"iscsi": list(iqns) or [iqn(name)]}}
        return self._object("FlashSystemHost", name, {**defaults, **spec})

    def attachment(self, name: str, host: str, volume: str | Mapping[str, Any], **spec: Any) -> Document:
        selector = {"name": volume} if isinstance(volume, str) else volume
        return self._object("VolumeAttachment", name, {"hostRef": {"name": host}, "volume": selector, **spec})

    def volume(
        self,
        name: str,
        size: str | None = None,
        array: str = "array",
        *,
        imported: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Document:
        given = {"size": size, "import": imported}
        known = {key: value for key, value in given.items() if value is not None}
        return self._object("FlashSystemVolume", name, {"arrayRef": {"name": array}, **known, **spec})

    def _object(self, kind: str, name: str, spec: Document) -> Document:
        return {
            "apiVersion": API,
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }

    # -- what users do -----------------------------------------------------------------------------------------------

    def apply(self, *documents: Document) -> None:
        """Server-side apply, as `kubectl apply --server-side` does it."""
        for document in documents:
            with _as_kubectl("apply", document["metadata"]["name"]):
                self.api.apply(document)

    def patch(self, kind: str, name: str, spec: Document) -> None:
        with _as_kubectl("patch", kind, name):
            self.api.patch(self._path(kind, name), {"spec": spec})

    def delete(self, kind: str, *names: str, wait: bool = True) -> None:
        """Delete the objects that have these names now, and wait until they are gone, unless wait is False."""
        with _as_kubectl("delete", kind, *names):
            going = {name: self.api.delete(self._path(kind, name)) for name in names}
        for name, answer in going.items() if wait else ():
            self.gone(kind, name, uid=_uid(answer))

    def delete_secret(self, name: str) -> None:
        self.api.delete(path_to("v1", "secrets", name, self.namespace))

    def annotate(self, kind: str, name: str, **annotations: str | None) -> None:
        """Set annotations of ours (`force_detach` is flashsystem.io/force-detach), or take them off with None."""
        named = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        with _as_kubectl("annotate", kind, name):
            self.api.patch(self._path(kind, name), {"metadata": {"annotations": named}})

    def remove_finalizers(self, kind: str, name: str, *removed: str) -> None:
        """Remove these finalizers, without names all, as administrators do with objects that should be gone at once."""
        meta = self.get(kind, name)["metadata"]
        left = [each for each in meta.get("finalizers", ()) if removed and each not in removed]
        version = {"resourceVersion": meta["resourceVersion"]} if removed else {}
        self.api.patch(self._path(kind, name), {"metadata": {**version, "finalizers": left or None}})

    # -- what they see -----------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Any:
        """An object of ours."""
        return self.api.get(self._path(kind, name))

    def get_secret(self, name: str) -> Any:
        return self.api.get(path_to("v1", "secrets", name, self.namespace))

    def all(self, *kinds: str) -> list[Any]:
        """All objects of these kinds, in the order of the kinds."""
        return [found for kind in kinds for found in self.api.get(self._path(kind))["items"]]

    def status(self, kind: str, name: str) -> Any:
        return self.get(kind, name).get("status", {})

    def exists(self, kind: str, name: str) -> bool:
        try:
            self.get(kind, name)
        except Refused as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    def ready(self, kind: str, *names: str) -> None:
        """Wait until each is what `kubectl wait` calls Ready: its condition is of the present generation."""
        for name in names:
            with self._shown(kind, name):
                until(f"{kind} {name} to be Ready", partial(self._is_ready, kind, name))

    def condition(self, kind: str, name: str, which: str = "Ready") -> Mapping[str, Any]:
        conditions: Sequence[Mapping[str, Any]] = self.status(kind, name).get("conditions", [])
        return next((each for each in conditions if each["type"] == which), {})

    def await_reason(self, kind: str, name: str, reason: str, which: str = "Ready") -> str:
        """Wait until the condition has this reason, about the present generation; answers with its message."""

        def reason_now() -> str | None:
            found = self.get(kind, name)
            conditions = found.get("status", {}).get("conditions", [])
            return next(
                (
                    each["message"] or "(no message)"
                    for each in conditions
                    if each["type"] == which
                    and each["reason"] == reason
                    and each.get("observedGeneration") == found["metadata"]["generation"]
                ),
                None,
            )

        with self._shown(kind, name, which):
            return str(until(f"{kind} {name} to have reason {reason}", reason_now))

    def gone(self, kind: str, name: str, uid: str = "") -> None:
        """Wait until there is no such object. uid: of the one that goes, where another may have its name by then."""

        def went() -> bool:
            try:
                return _uid(self.get(kind, name)) != uid != ""
            except Refused as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
                return True

        with self._shown(kind, name):
            until(f"the end of {kind} {name}", went)

    def _is_ready(self, kind: str, name: str) -> bool:
        found = self.get(kind, name)
        return any(
            each["type"] == "Ready"
            and each["status"] == "True"
            and each.get("observedGeneration") == found["metadata"]["generation"]
            for each in found.get("status", {}).get("conditions", [])
        )

    @contextlib.contextmanager
    def _shown(self, kind: str, name: str, which: str = "Ready") -> Iterator[None]:
        """Add the conditions of the object to the error of a wait in vain."""
        try:
            yield
        except AssertionError as failure:
            raise AssertionError(f"{failure}; its condition is {self.condition(kind, name, which)}") from None

    def _path(self, kind: str, name: str = "") -> str:
        return path_to(API, kind.partition(".")[0], name, self.namespace)


class Stand(Namespace):
    """One namespace of a real cluster."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(cluster.api, namespace)
        self.cluster = cluster

    def kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments)

    def sweep(self) -> None:
        """Delete everything, as an administrator who does not wait: what a test left stuck must not reach the next."""
        for kind in (ATTACHMENTS, VOLUMES, HOSTS, ARRAYS):
            self.api.delete(self._path(kind))
            for left in self.all(kind):
                with contextlib.suppress(Refused):  # it went by itself meanwhile
                    self.remove_finalizers(kind, left["metadata"]["name"])


def _uid(answer: Any) -> str:
    """Of the object that was answered, or about which a Status was."""
    about = answer["details"] if answer["kind"] == "Status" else answer["metadata"]
    return str(about["uid"])


@contextlib.contextmanager
def _as_kubectl(*arguments: str) -> Iterator[None]:
    """Report a refusal as kubectl does."""
    try:
        yield
    except Refused as error:
        raise KubectlFailed(arguments, error.code, error.words) from None


__all__ = ["API", "ARRAYS", "ATTACHMENTS", "HOSTS", "KubectlFailed", "Namespace", "ObjectApi", "Stand", "iqn", "until"]
