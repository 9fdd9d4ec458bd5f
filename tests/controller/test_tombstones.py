"""An object that vanished despite our finalizer leaves a tombstone; an object removed in order does not."""

from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER, Kind
from flashsystem_operator.controller.cache import tombstone_of

UID = "60050760000000000000000000000001"
RECORDED = {
    Kind.ATTACHMENT: {"origin": "Created", "volume": {"uid": UID, "name": "data"}},
    Kind.HOST: {"ownership": "Created", "name": "node-abcdef12345678"},
}
SPEC: dict[Kind, dict[str, Any]] = {
    Kind.ATTACHMENT: {"hostRef": {"name": "node"}, "volume": {"name": "data"}},
    Kind.HOST: {"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node"]}},
}


def last_seen(kind: Kind, status: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    given = {"name": "one", "namespace": "storage", "uid": "the-uid", "creationTimestamp": "2026-01-01T00:00:00Z"}
    metadata = {**given, "finalizers": [FINALIZER], **meta}
    return {"metadata": metadata, "spec": SPEC[kind], "status": RECORDED[kind] if status is None else status}


@pytest.mark.parametrize(("kind", "name"), [(Kind.ATTACHMENT, "one@the-uid"), (Kind.HOST, "one")])
def test_an_object_that_vanished_despite_our_finalizer_is_kept_as_being_deleted(kind: Kind, name: str) -> None:
    tombstone = tombstone_of(kind, last_seen(kind))

    assert tombstone is not None
    assert tombstone["metadata"]["name"] == name
    assert tombstone["metadata"]["deletionTimestamp"]
    assert tombstone["status"] == RECORDED[kind]


def test_a_volume_that_vanished_leaves_no_tombstone_so_that_its_data_stays() -> None:
    body = last_seen(Kind.HOST, {"origin": "Created", "uid": UID})

    assert tombstone_of(Kind.VOLUME, body | {"spec": {"arrayRef": {"name": "array"}, "size": "1Gi"}}) is None


@pytest.mark.parametrize("kind", [Kind.ATTACHMENT, Kind.HOST])
@pytest.mark.parametrize(
    ("because", "change"),
    [
        ("it was being deleted, and released in order", {"deletionTimestamp": "2026-01-02T00:00:00Z"}),
        ("our finalizer was never on it", {"finalizers": []}),
        ("another finalizer marks it as in use", {"finalizers": [FINALIZER, "example.com/in-use"]}),
        ("no status was recorded, so nothing was done", {"status": {}}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_object_removed_in_another_way_leaves_no_tombstone(kind: Kind, because: str, change: dict[str, Any]) -> None:
    assert tombstone_of(kind, last_seen(kind, **change)) is None, because
