"""Who asked the API server for what: its audit log, as records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
"""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One request, answered.

    user: as the API server knows it, a service account as `system:serviceaccount:NAMESPACE:NAME`.
    verb: get, list, watch, create, update, patch, delete, deletecollection; the HTTP method on paths of no resource.
    resource: the plural with its group, `leases.coordination.k8s.io`; empty for paths that are no resource.
    began: a watch has a record when it begins to answer (code 200) and one more when it ends.
    """

    received: datetime
    user: str
    agent: str
    verb: str
    uri: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    began: bool

    @property
    def writes(self) -> bool:
        return self.verb in {"create", "update", "patch", "delete", "deletecollection"}


def records(log: Path) -> list[AuditRecord]:
    """All requests so far, in the order in which they were answered; a line still being written is left for later."""
    return list(_read(log.read_bytes())) if log.exists() else []


def _read(content: bytes) -> Iterator[AuditRecord]:
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield _record(json.loads(line))


def _record(event: dict[str, Any]) -> AuditRecord:
    what = event.get("objectRef", {})
    return AuditRecord(
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        user=event["user"].get("username", ""),
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        uri=event["requestURI"],
        resource=".".join(filter(None, (what.get("resource"), what.get("apiGroup")))),
        subresource=what.get("subresource", ""),
        namespace=what.get("namespace", ""),
        name=what.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        began=event["stage"] == "ResponseStarted",
    )
