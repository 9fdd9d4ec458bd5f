"""Good objects, changed in one place, handed to the API server."""

import copy
import json
import re
from typing import Any

from cluster.client import Cluster, KubectlFailed
from flashsystem_operator.api.kinds import API_VERSION, Kind

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

GOOD: dict[Kind, dict[str, Any]] = {
    Kind.ARRAY: {
        "management": {"addresses": ["192.0.2.10"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeys": [KEY],
    },
    Kind.HOST: {"arrayRef": {"name": "fs"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node-1"]}},
    Kind.ATTACHMENT: {"hostRef": {"name": "node-1"}, "volume": {"name": "data"}},
}

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
        """What is said to a good object with these fields changed; empty when it is taken. Nothing is stored."""
        return self._said(
            "apply", "--filename=-", "--dry-run=server", stdin=json.dumps(_body(kind, changed(GOOD[kind], **fields)))
        )

    def made(self, kind: Kind, **fields: Any) -> dict[str, Any]:
        """Store a good object with these fields changed, and answer as what."""
        words = ["create", "--filename=-", "--output=json", f"--namespace={self.namespace}"]
        stored: dict[str, Any] = json.loads(
            self.cluster.kubectl(*words, stdin=json.dumps(_body(kind, changed(GOOD[kind], **fields))))
        )
        return stored

    def change(self, kind: Kind, patch: dict[str, Any], *words: str) -> str:
        """What is said to a merge patch of the stored object; empty when it is taken."""
        return self._said("patch", kind.crd, "it", "--type=merge", f"--patch={json.dumps(patch)}", *words)

    def _said(self, *words: str, stdin: str | None = None) -> str:
        try:
            self.cluster.kubectl(*words, f"--namespace={self.namespace}", stdin=stdin)
        except KubectlFailed as refused:
            return re.sub(r"\s+", " ", refused.stderr)
        return ""


def _body(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind.value, "metadata": {"name": "it"}, "spec": spec}
