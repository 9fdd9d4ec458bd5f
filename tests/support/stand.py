"""A namespace with arrays, hosts and attachments as a user writes them, and ways to wait for what they say."""

import base64
import contextlib
import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kubernetes import client, config, dynamic
from kubernetes.client.exceptions import ApiException

from cluster.client import Cluster, Document, KubectlFailed
from flashsystem_operator.simulator import Simulator

GROUP, VERSION = "flashsystem.io", "v1alpha1"
API = f"{GROUP}/{VERSION}"
# The Kubernetes client has no types where `type: ignore` stands below.
PATIENCE = 40.0

ARRAYS, HOSTS, ATTACHMENTS = (
    "flashsystemarrays.flashsystem.io",
    "flashsystemhosts.flashsystem.io",
    "volumeattachments.flashsystem.io",
)


def iqn(name: str) -> str:
    return f"iqn.1994-05.com.redhat:{name}"


@functools.cache
def _client(kubeconfig: str) -> client.ApiClient:
    """One for the whole run: its connections are kept."""
    return config.new_client_from_config(kubeconfig)  # type: ignore[no-untyped-call, no-any-return]


@functools.cache
def _dynamic(kubeconfig: str) -> dynamic.DynamicClient:
    # What it discovers it keeps in a file; beside the kubeconfig that is this cluster's and no other's.
    return dynamic.DynamicClient(_client(kubeconfig), cache_file=f"{kubeconfig}.discovery")  # type: ignore[no-untyped-call]


def until(what: str, ask: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Ask until the answer is true, or fail with the last one. The limit is a net, not a promise of speed."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what} has not come within {seconds} s; the last answer was {answer!r}"
        time.sleep(0.1)
    return answer


class Stand:
    """One namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._api = client.CustomObjectsApi(_client(str(cluster.kubeconfig)))
        self._any = _dynamic(str(cluster.kubeconfig))

    # -- what users write --------------------------------------------------------------------------------------------

    def array(self, simulator: Simulator, name: str = "array", password: str = "passw0rd", **spec: Any) -> None:
        self.secret(name, username=simulator.user, password=password)
        self.apply(self.array_of(simulator, name, **spec))

    def array_of(self, simulator: Simulator, name: str = "array", **spec: Any) -> Document:
        wished = {
            "management": {"addresses": [simulator.host], "port": simulator.port},
            "credentialsSecretRef": {"name": name},
            "hostKeys": [simulator.host_key],
            "limits": {"commandTimeout": "4s"},
            "resyncInterval": "60s",
        }
        return self._object("FlashSystemArray", name, {**wished, **spec})

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
        wished = {"arrayRef": {"name": array}, "initiators": {"iscsi": list(iqns) or [iqn(name)]}}
        return self._object("FlashSystemHost", name, {**wished, **spec})

    def attachment(self, name: str, host: str, volume: str | Mapping[str, str], **spec: Any) -> Document:
        selector = {"name": volume} if isinstance(volume, str) else volume
        return self._object("VolumeAttachment", name, {"hostRef": {"name": host}, "volume": selector, **spec})

    def _object(self, kind: str, name: str, spec: Document) -> Document:
        return {
            "apiVersion": API,
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }

    # -- what users do -----------------------------------------------------------------------------------------------

    def apply(self, *documents: Document) -> None:
        """Server-side apply, as `kubectl apply --server-side` does it, without a program to start for it."""
        for document in documents:
            try:
                self._apply(document)
            except ApiException as error:
                words = json.loads(error.body or "{}").get("message", str(error))
                raise KubectlFailed(["apply", document["metadata"]["name"]], error.status or 1, words) from None

    def _apply(self, document: Document) -> None:
        resource = self._any.resources.get(api_version=document["apiVersion"], kind=document["kind"])
        meta = document["metadata"]
        self._any.server_side_apply(  # type: ignore[no-untyped-call]
            resource, dict(document), meta["name"], meta["namespace"], force_conflicts=True, field_manager="kubectl"
        )

    def patch(self, kind: str, name: str, spec: Document) -> None:
        self.kubectl("patch", kind, name, "--type=merge", "--patch", json.dumps({"spec": spec}))

    def delete(self, kind: str, *names: str, wait: bool = True) -> None:
        self.kubectl("delete", kind, *names, f"--wait={str(wait).lower()}", *(["--timeout=60s"] if wait else []))

    def annotate(self, kind: str, name: str, **said: str | None) -> None:
        """Set annotations of ours (`force_detach` is flashsystem.io/force-detach), or take them off with None."""
        annotations = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in said.items()}
        where = (GROUP, VERSION, self.namespace, kind.partition(".")[0], name)
        patch = {"metadata": {"annotations": annotations}}
        self._api.patch_namespaced_custom_object(*where, patch, _content_type="application/merge-patch+json")

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *words)

    def sweep(self) -> None:
        """Delete everything, as an administrator who does not wait: what a test left stuck must not reach the next."""
        for kind in (ATTACHMENTS, HOSTS, ARRAYS):
            where = (GROUP, VERSION, self.namespace, kind.partition(".")[0])
            self._api.delete_collection_namespaced_custom_object(*where)
            listed: Any = self._api.list_namespaced_custom_object(*where)
            for left in listed["items"]:
                free = {"metadata": {"finalizers": None}}
                with contextlib.suppress(ApiException):  # it went by itself meanwhile
                    self._api.patch_namespaced_custom_object(
                        *where, left["metadata"]["name"], free, _content_type="application/merge-patch+json"
                    )

    # -- what they see -----------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Any:
        """An object of ours, asked for directly: waiting asks often, and kubectl takes its time to start."""
        return self._api.get_namespaced_custom_object(GROUP, VERSION, self.namespace, kind.partition(".")[0], name)

    def status(self, kind: str, name: str) -> Any:
        return self.get(kind, name).get("status", {})

    def exists(self, kind: str, name: str) -> bool:
        try:
            self.get(kind, name)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    def ready(self, kind: str, *names: str) -> None:
        """What `kubectl wait` calls Ready, for the present generation."""
        self.kubectl("wait", "--for=condition=Ready", kind, *names, f"--timeout={PATIENCE:g}s")

    def condition(self, kind: str, name: str, which: str = "Ready") -> Mapping[str, Any]:
        conditions: Sequence[Mapping[str, Any]] = self.status(kind, name).get("conditions", [])
        return next((each for each in conditions if each["type"] == which), {})

    def says(self, kind: str, name: str, reason: str, which: str = "Ready") -> str:
        """Wait until the condition has this reason, about the present generation; answers with its message."""

        def said() -> str | None:
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

        try:
            return str(until(f"{kind} {name} to say {reason}", said))
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it says {self.condition(kind, name, which)}") from None

    def gone(self, kind: str, name: str) -> None:
        until(f"the end of {kind} {name}", lambda: not self.exists(kind, name))


__all__ = ["API", "ARRAYS", "ATTACHMENTS", "HOSTS", "KubectlFailed", "Stand", "iqn", "until"]
