"""Kubernetes writes whole seconds: of two objects of one second nobody can say which is the older."""

from datetime import UTC, datetime

from support.stand import Stand, until


def be_younger_than(stand: Stand, kind: str, name: str) -> None:
    """Wait until what is made next is younger than this object."""
    born = stand.get(kind, name)["metadata"]["creationTimestamp"]
    until("the next second", lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") > born)
