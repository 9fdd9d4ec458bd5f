"""The API server asked directly. Starting kubectl costs a tenth of a second of a core each time, and tests ask often.

What users type is tested with kubectl itself: the README's lines, the demo, and wherever a test is about it.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes import config

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML too
LIMIT = 60.0  # seconds for one request

Document = Mapping[str, Any]


class Refused(Exception):
    """The API server refused. code: the HTTP status. words: its message."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


class Api:
    """As the user of a kubeconfig, by paths and JSON. Connections are kept."""

    def __init__(self, kubeconfig: Path) -> None:
        # The Kubernetes client has no types.
        self._client: Any = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call] # no types
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def get(self, path: str, **query: str) -> Any:
        return self._ask("GET", path, query)

    def create(self, path: str, body: Document, **query: str) -> Any:
        return self._ask("POST", path, query, body)

    def apply(self, document: Document) -> Any:
        """Server-side apply, taking over what other managers had."""
        meta, version = document["metadata"], document["apiVersion"]
        plural, in_namespace = self._plural(version, document["kind"])
        path = path_to(version, plural, meta["name"], meta["namespace"] if in_namespace else "")
        return self._ask("PATCH", path, {"fieldManager": "kubectl", "force": "true"}, document, APPLY)

    def patch(self, path: str, body: Document, **query: str) -> Any:
        """A merge patch: what is null goes, what is left out stays."""
        return self._ask("PATCH", path, query, body, MERGE)

    def delete(self, path: str, **query: str) -> Any:
        """As kubectl does it: what an object owns goes after it."""
        return self._ask("DELETE", path, query, {"propagationPolicy": "Background"})

    def _plural(self, version: str, kind: str) -> tuple[str, bool]:
        """What a kind is called in paths, and whether its objects are in namespaces."""
        if (version, kind) not in self._plurals:
            for each in self.get(_root(version))["resources"]:
                if "/" not in each["name"]:
                    self._plurals[version, each["kind"]] = (each["name"], each["namespaced"])
        return self._plurals[version, kind]

    def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Any = None, content: str = "application/json"
    ) -> Any:
        """Raises Refused."""
        request = self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self._client.call_api(*request, _request_timeout=LIMIT)
        text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(answer.status, _message(text) or f"{answer.status} {answer.reason}")
        return json.loads(text)


def path_to(version: str, plural: str, name: str = "", namespace: str = "") -> str:
    """Of an object, or of all of its kind. version: with its group before a slash; the core has none."""
    parts = [*(("namespaces", namespace) if namespace else ()), plural, *((name,) if name else ())]
    return "/".join((_root(version), *parts))


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError):  # not from Kubernetes
        return ""
