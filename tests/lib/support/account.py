"""What a service account is answered, request by request: kubectl would ask for more than the operator does."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from flashsystem_operator.api.metadata import GROUP, VERSION, Kind

LIMIT = 120.0  # seconds


class Answer(NamedTuple):
    """code: the HTTP status. message: of a refusal, else empty. body: the object, or the lines of a watch."""

    code: int
    message: str
    body: Any

    @property
    def done(self) -> bool:
        return self.message == ""


class Account:
    """Requests to the API server with the rights of one account."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        (cluster,), (user,) = config["clusters"], config["users"]
        self._server = cluster["cluster"]["server"].rstrip("/")
        self._token = user["user"]["token"]
        authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        self._trust = ssl.create_default_context(cadata=authority)

    def get(self, path: str) -> Answer:
        return self._asks("GET", path)

    def create(self, path: str, body: Any) -> Answer:
        return self._asks("POST", path, body)

    def replace(self, path: str, body: Any) -> Answer:
        return self._asks("PUT", path, body)

    def patch(self, path: str, body: Any, kind: str = "merge-patch+json") -> Answer:
        return self._asks("PATCH", path, body, f"application/{kind}")

    def delete(self, path: str) -> Answer:
        return self._asks("DELETE", path)

    def rights(self, namespace: str) -> set[str]:
        """All that RBAC allows in a namespace: `verb resource`, with `group/` and `=name` where there is one."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        answer = self.create("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review)
        return {right for rule in answer.body["status"]["resourceRules"] for right in _rights(rule)}

    def _asks(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Answer:
        request = urllib.request.Request(  # noqa: S310 # the address is that of our own cluster
            self._server + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content},
        )
        try:
            with urllib.request.urlopen(request, timeout=LIMIT, context=self._trust) as answer:  # noqa: S310 # as above
                text = answer.read().decode()
                return Answer(answer.status, "", text if "watch=1" in path else json.loads(text))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, json.loads(refused.read())["message"], None)


def ours(kind: Kind, namespace: str, rest: str = "/it") -> str:
    """The path of our object `it`, or the path that `rest` gives below its kind."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{kind.plural}{rest}"


def core(namespace: str, resource: str) -> str:
    return f"/api/v1/namespaces/{namespace}/{resource}"


def leases(namespace: str, rest: str = "") -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases{rest}"


def _rights(rule: dict[str, list[str]]) -> set[str]:
    return {
        f"{verb} {group}{'/' if group else ''}{resource}{name}"
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in [f"={name}" for name in rule.get("resourceNames", [])] or [""]
    }
