"""Good objects, changed in one place, handed to the API server."""

import copy
import re
from collections.abc import Callable
from typing import Any

from cluster.api import Refused, path_to
from cluster.client import Cluster
from flashsystem_operator.api.metadata import API_VERSION, Kind

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

GOOD: dict[Kind, dict[str, Any]] = {
    Kind.ARRAY: {
        "management": {"addresses": ["192.0.2.10"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeys": [KEY],
    },
    Kind.HOST: {"arrayRef": {"name": "fs"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node-1"]}},
    Kind.VOLUME: {"arrayRef": {"name": "fs"}, "size": "10Gi"},
    Kind.ATTACHMENT: {"hostRef": {"name": "node-1"}, "volume": {"name": "data"}},
}

STRICT = {"fieldValidation": "Strict"}
"""The strict validation that kubectl requests by default: an unknown field is an error."""

LEFT_OUT = object()
"""In place of a value: without that field."""


def changed(spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A spec with other values; `volume__name` is the field `name` of `volume`."""
    result = copy.deepcopy(spec)
    for path, value in fields.items():
        *way, last = path.split("__")
        inner = result
        for step in way:
            inner = inner.setdefault(step, {})
        if value is LEFT_OUT:
            inner.pop(last, None)
        else:
            inner[last] = value
    return result


class Asking:
    """The API server, asked about objects of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def refusal(self, kind: Kind, **fields: Any) -> str:
        """The refusal of a valid object with these fields changed; empty if accepted. Nothing is stored."""
        body = _body(kind, changed(GOOD[kind], **fields))
        return _refusal(lambda: self.cluster.api.create(self._path(kind), body, dryRun="All", **STRICT))

    def made(self, kind: Kind, **fields: Any) -> dict[str, Any]:
        """Store a good object with these fields changed, and answer as what."""
        body = _body(kind, changed(GOOD[kind], **fields))
        stored: dict[str, Any] = self.cluster.api.create(self._path(kind), body, **STRICT)
        return stored

    def change(self, kind: Kind, patch: dict[str, Any], part: str = "") -> str:
        """The message of the refusal of a merge patch of the stored object, or of a subresource; empty if accepted."""
        path = "/".join((self._path(kind, "it"), *((part,) if part else ())))
        return _refusal(lambda: self.cluster.api.patch(path, patch, **STRICT))

    def _path(self, kind: Kind, name: str = "") -> str:
        return path_to(API_VERSION, kind.plural, name, self.namespace)


def _refusal(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Refused as refused:
        return re.sub(r"\s+", " ", refused.words)
    return ""


def _body(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind.value, "metadata": {"name": "it"}, "spec": spec}
