"""The check right before each command: whether it may still be sent, in the current state of the cluster."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.metadata import API_VERSION, GROUP, Kind, ObjectRef
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.executor import Operation, why_not
from flashsystem_operator.planner.events import ChangeKind, ChangeReason
from flashsystem_operator.values import HostName, Lun
from support.builders import uid, volume

ARRAY, HOST, ATTACHMENT = (
    ObjectRef(kind, "storage", kind.value.lower()) for kind in (Kind.ARRAY, Kind.HOST, Kind.ATTACHMENT)
)
SPECS: dict[ObjectRef, dict[str, Any]] = {
    ARRAY: {
        "management": {"addresses": ["10.0.0.1"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    },
    HOST: {"arrayRef": {"name": ARRAY.name}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node"]}},
    ATTACHMENT: {"hostRef": {"name": HOST.name}, "volume": {"name": "data"}},
}
FORCED = {f"{GROUP}/force-detach": "uid-of-" + ATTACHMENT.name}

Change = Callable[[dict[str, Any]], None]


def body(ref: ObjectRef) -> dict[str, Any]:
    meta = {
        "name": ref.name,
        "namespace": ref.namespace,
        "uid": f"uid-of-{ref.name}",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": FORCED if ref is ATTACHMENT else {},
    }
    return {"apiVersion": API_VERSION, "kind": ref.kind.value, "metadata": meta, "spec": SPECS[ref]}


def meta(**changed: Any) -> Change:
    return lambda body: body["metadata"].update(changed)


def annotated(name: str, value: str) -> Change:
    return lambda body: body["metadata"]["annotations"].update({f"{GROUP}/{name}": value})


def withdrawn(body: dict[str, Any]) -> None:
    body["metadata"]["annotations"] = {}


def unreadable(body: dict[str, Any]) -> None:
    body["spec"] = {"of": "a newer release"}


CHANGED: dict[str, tuple[ObjectRef, Change, str]] = {
    "the array is paused": (ARRAY, annotated("paused", "true"), "is paused"),
    "the host is paused": (HOST, annotated("paused", "true"), "is paused"),
    "the attachment is paused": (ATTACHMENT, annotated("paused", "true"), "is paused"),
    "another object has its name now": (ATTACHMENT, meta(uid="another"), "is gone"),
    "its spec was changed": (ATTACHMENT, meta(generation=2), "was changed"),
    "it is being deleted": (ATTACHMENT, meta(deletionTimestamp="2026-02-01T00:00:00Z"), "was changed"),
    "its spec is unreadable now": (ATTACHMENT, unreadable, "was changed"),
    "the spec of its array is unreadable now": (ARRAY, unreadable, "is gone"),
    "its force-detach was withdrawn": (ATTACHMENT, withdrawn, "was changed"),
    "it is released now": (ATTACHMENT, annotated("release", "uid-of-" + ATTACHMENT.name), "was changed"),
    "it is in plan mode": (ATTACHMENT, annotated("plan", "true"), "in plan mode"),
    "its host is in plan mode": (HOST, annotated("plan", "true"), "in plan mode"),
    "its array is in plan mode": (ARRAY, annotated("plan", "true"), "in plan mode"),
}
HARMLESS: dict[str, tuple[ObjectRef, Change]] = {
    "a reconcile was requested": (ATTACHMENT, annotated("reconcile-requested-at", "now")),
    "a label was added": (ATTACHMENT, meta(labels={"team": "a"})),
    "the spec of its host was changed": (HOST, meta(generation=2)),
}


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    for ref in SPECS:
        cache.put(ref.kind, copy.deepcopy(body(ref)))
    return cache


@pytest.fixture
def operation(cache: Cache) -> Operation:
    """A command that was planned in the current state of the cache."""
    entry = cache.get(ATTACHMENT)
    assert entry is not None
    assert entry.meta.asked.force_detach
    step = MapVolume(HostName("node"), volume("data").name, uid(1), Lun(1))
    return Operation(
        ARRAY, None, ATTACHMENT, entry.meta.uid, 1, ChangeReason(ChangeKind.SPEC, ""), step, asked=entry.meta.asked
    )


def put(cache: Cache, ref: ObjectRef, change: Change) -> None:
    seen = copy.deepcopy(body(ref))
    seen["metadata"]["resourceVersion"] = "2"
    change(seen)
    cache.put(ref.kind, seen)


def test_a_command_may_be_sent_as_long_as_nothing_changed(cache: Cache, operation: Operation) -> None:
    assert why_not(operation, cache, leased=True, paused="") == ""


@pytest.mark.parametrize(("ref", "change", "why"), CHANGED.values(), ids=CHANGED.keys())
def test_a_command_may_not_be_sent_any_more_when(
    cache: Cache, operation: Operation, ref: ObjectRef, change: Change, why: str
) -> None:
    put(cache, ref, change)

    assert why in why_not(operation, cache, leased=True, paused="")


@pytest.mark.parametrize(("ref", "change"), HARMLESS.values(), ids=HARMLESS.keys())
def test_a_command_may_be_sent_although(cache: Cache, operation: Operation, ref: ObjectRef, change: Change) -> None:
    put(cache, ref, change)

    assert why_not(operation, cache, leased=True, paused="") == ""


@pytest.mark.parametrize("ref", [ARRAY, ATTACHMENT], ids=["its array", "its object"])
def test_a_command_may_not_be_sent_any_more_when_this_is_gone(
    cache: Cache, operation: Operation, ref: ObjectRef
) -> None:
    cache.remove(ref)

    assert "is gone" in why_not(operation, cache, leased=True, paused="")


def test_a_command_may_not_be_sent_without_the_lease_or_while_all_is_paused(cache: Cache, operation: Operation) -> None:
    assert "Lease" in why_not(operation, cache, leased=False, paused="")
    assert why_not(operation, cache, leased=True, paused="Option --pause-all") == "Option --pause-all is set"


@pytest.mark.parametrize(("ref", "change", "why"), CHANGED.values(), ids=CHANGED.keys())
def test_only_a_pause_keeps_a_mistake_of_ours_from_being_undone(
    cache: Cache, operation: Operation, ref: ObjectRef, change: Change, why: str
) -> None:
    """Whatever the desired state is now, it is not what the command did."""
    put(cache, ref, change)

    message = why_not(replace(operation, undoes=True), cache, leased=True, paused="")

    assert message == "" or "is paused" in message or "in plan mode" in message
    assert bool(message) == ("paused" in why or "plan mode" in why)


def test_a_mistake_of_ours_is_undone_also_when_its_object_and_array_are_gone(
    cache: Cache, operation: Operation
) -> None:
    for ref in (ARRAY, ATTACHMENT):
        cache.remove(ref)

    assert why_not(replace(operation, undoes=True), cache, leased=True, paused="") == ""
    assert "Lease" in why_not(replace(operation, undoes=True), cache, leased=False, paused="")
    assert "is set" in why_not(replace(operation, undoes=True), cache, leased=True, paused="Option --pause-all")
