"""Kubernetes writes whole seconds: which of two objects of the same second is older cannot be known."""

from datetime import UTC, datetime

from support.stand import Namespace, until


def be_younger_than(stand: Namespace, kind: str, name: str) -> None:
    """Wait until what is made next is younger than this object."""
    born = stand.get(kind, name)["metadata"]["creationTimestamp"]
    until("the next second", lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") > born)
