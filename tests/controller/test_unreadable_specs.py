"""A spec of another release keeps an object from being reconciled, but not out of the safety checks."""

from collections.abc import Mapping
from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.manager import judge_unassigned
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.attachment import detach_guard
from flashsystem_operator.planner.decision import Act, Decision, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from support.builders import (
    INSTALLATION,
    NAMESPACE,
    SYSTEM,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    volume,
)

ARRAY = ObjectRef(Kind.ARRAY, NAMESPACE, "array")
DATA, LOGS = volume(), volume("logs", 2)
ONE, TWO = host_object(own_name("one"), "one"), host_object(own_name("two"), "two")
GUARDED = {"finalizers": [FINALIZER]}
DELETING = {"deletionTimestamp": "2026-02-01T00:00:00Z", "finalizers": [FINALIZER]}


def cluster(*objects: tuple[Kind, Mapping[str, Any]]) -> Cache:
    """Fill a cache with a FlashSystemArray and these objects, each younger than the one before."""
    cache = Cache()
    spec = {
        "management": {"addresses": ["10.0.0.1"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    }
    for age, (kind, body) in enumerate(((Kind.ARRAY, {"name": "array", "spec": spec}), *objects)):
        metadata = {
            "name": body["name"],
            "namespace": body.get("namespace", NAMESPACE),
            "uid": f"uid-{age}",
            "generation": 1,
            "resourceVersion": str(age),
            "creationTimestamp": f"2026-01-01T00:00:{age:02}Z",
            **body.get("metadata", {}),
        }
        cache.put(kind, {"metadata": metadata, "spec": body["spec"], "status": body.get("status", {})})
    return cache


@pytest.mark.parametrize("spec", [{}, {"hostKeyPolicy": "Pinned"}, {"of": "a newer release"}], ids=str)
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_completely_unreadable_spec_is_accepted_into_the_cache_and_ends_nothing(
    kind: Kind, spec: dict[str, Any]
) -> None:
    """Otherwise a single object would end the operator, at every start."""
    cache = cluster((kind, {"name": "odd", "spec": spec}))

    entry = cache.get(ObjectRef(kind, NAMESPACE, "odd"))
    assert entry is not None
    assert entry.why


def host_body(name: str, *, status: Mapping[str, Any] | None = None, **more: Any) -> tuple[Kind, Mapping[str, Any]]:
    metadata = more.pop("metadata", {})
    spec = {"arrayRef": {"name": "array"}, "initiators": {"iscsi": [iqn(name)]}, **more}
    return Kind.HOST, {"name": name, "spec": spec, "status": status or {}, "metadata": metadata}


def attachment_body(
    name: str, on: str, *, status: Mapping[str, Any] | None = None, **more: Any
) -> tuple[Kind, Mapping[str, Any]]:
    metadata = more.pop("metadata", {})
    spec = {"hostRef": {"name": on}, "volume": {"name": "data"}, **more}
    return Kind.ATTACHMENT, {"name": name, "spec": spec, "status": status or {}, "metadata": metadata}


def attached_status(to: str, what: Any = DATA) -> dict[str, Any]:
    return {
        "array": {"name": "array", "namespace": NAMESPACE, "systemID": SYSTEM},
        "host": {"name": own_name(to), "initiators": [iqn(to)]},
        "volume": {"name": what.name, "uid": what.uid},
        "origin": "Created",
        "attachedTime": "2026-01-01T00:00:00Z",
    }


def desired_of(cache: Cache) -> Desired:
    array = next(each for each in cache.arrays if each.ref == ARRAY)
    return Desired(array, cache.hosts_on(ARRAY), cache.attachments_on(ARRAY), INSTALLATION)


def decide(cache: Cache, seen: Inventory, kind: Kind, name: str) -> Decision | None:
    desired = desired_of(cache)
    return batch.plan(desired, seen, [*desired.hosts, *desired.attachments]).get(ObjectRef(kind, NAMESPACE, name))


def reason_of(decision: Decision | None) -> Reason | None:
    return decision.reason if isinstance(decision, Wait | Refuse) else None


UNREADABLE = [
    pytest.param({"access": "ReadOnlyMany"}, id="an access of another release"),
    pytest.param({"detachGuard": "Ask"}, id="a detach guard of another release"),
    pytest.param({"lun": 70000}, id="an invalid LUN"),
    pytest.param({"volume": {"group": "g"}}, id="another way to name the volume"),
    pytest.param({"hostRef": {"selector": "rack-1"}}, id="another way to name the host"),
]


@pytest.mark.parametrize("odd", UNREADABLE)
def test_an_exclusive_attachment_with_an_unreadable_spec_keeps_other_hosts_from_its_volume(
    odd: Mapping[str, Any],
) -> None:
    elder = attachment_body("elder", "one", status=attached_status("one"), **odd)
    shared = attachment_body("shared", "two", access="Shared")
    cache = cluster(host_body("one"), host_body("two"), elder, shared)
    seen = inventory(ONE, TWO, DATA, mapped(ONE, DATA))

    assert reason_of(decide(cache, seen, Kind.ATTACHMENT, "shared")) is Reason.VOLUME_IN_USE


def test_the_readable_part_of_a_spec_takes_effect() -> None:
    elder = attachment_body("elder", "one", status=attached_status("one"), access="Shared", driftPolicy="Ask")
    shared = attachment_body("shared", "two", access="Shared")
    cache = cluster(host_body("one"), host_body("two"), elder, shared)
    decision = decide(cache, inventory(ONE, TWO, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "shared")

    assert isinstance(decision, Act)
    assert any(isinstance(step, MapVolume) for step in decision.steps)


@pytest.mark.parametrize("odd", UNREADABLE)
@pytest.mark.parametrize("leaving", [GUARDED, DELETING], ids=["staying", "being deleted"])
def test_a_mapping_that_an_attachment_with_an_unreadable_spec_uses_is_never_removed(
    odd: Mapping[str, Any], leaving: Mapping[str, Any]
) -> None:
    elder = attachment_body("elder", "one", status=attached_status("one"), metadata=DELETING)
    younger = attachment_body("younger", "one", status=attached_status("one"), metadata=leaving, **odd)
    cache = cluster(host_body("one"), elder, younger)

    assert isinstance(decide(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "elder"), Release)


def test_the_younger_of_one_pair_stays_a_duplicate_of_an_elder_with_an_unreadable_spec() -> None:
    elder = attachment_body("elder", "one", status=attached_status("one"), driftPolicy="Ask")
    cache = cluster(host_body("one"), elder, attachment_body("younger", "one"))

    decision = decide(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "younger")
    assert reason_of(decision) is Reason.DUPLICATE


@pytest.mark.parametrize("odd", UNREADABLE)
def test_a_host_in_use_by_an_attachment_with_an_unreadable_spec_is_not_deleted(odd: Mapping[str, Any]) -> None:
    leaving = host_body("one", metadata=DELETING)
    cache = cluster(leaving, attachment_body("a", "one", status=attached_status("one"), **odd))

    assert reason_of(decide(cache, inventory(ONE, DATA), Kind.HOST, "one")) is Reason.IN_USE


def test_an_empty_host_object_stays_while_an_attachment_with_an_unreadable_spec_needs_it() -> None:
    cache = cluster(host_body("one"), attachment_body("a", "one", status=attached_status("one"), driftPolicy="Ask"))
    decision = decide(cache, inventory(ONE, DATA), Kind.HOST, "one")

    assert not (isinstance(decision, Act) and any(isinstance(step, RemoveHost) for step in decision.steps))


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"lifecycle": "Eternal"}, id="a lifecycle of another release"),
        pytest.param({"initiators": {"iscsi": [iqn("m"), "iqn.of.another.release"]}}, id="one invalid initiator"),
        pytest.param(
            {"initiators": {"iscsi": [iqn(f"m{n}") for n in range(16)] + [iqn("m")]}}, id="too many initiators"
        ),
    ],
)
def test_the_initiators_of_a_host_with_an_unreadable_spec_stay_claimed(odd: Mapping[str, Any]) -> None:
    elder = host_body("elder", **{"initiators": {"iscsi": [iqn("m")]}, **odd})
    younger = host_body("younger", initiators={"iscsi": [iqn("m")]})

    assert reason_of(decide(cluster(elder, younger), inventory(), Kind.HOST, "younger")) is Reason.INITIATOR_CLAIMED


def test_the_initiators_of_a_host_object_stay_claimed_when_the_spec_has_no_readable_ones() -> None:
    known = {"name": own_name("elder"), "ownership": "Created", "ports": [{"iqn": iqn("m")}]}
    elder = host_body("elder", status=known, initiators={"fibreChannel": ["2100000E1E30E597"]})
    younger = host_body("younger", initiators={"iscsi": [iqn("m")]})

    assert reason_of(decide(cluster(elder, younger), inventory(), Kind.HOST, "younger")) is Reason.INITIATOR_CLAIMED


def test_nothing_is_mapped_to_a_host_with_an_unreadable_spec() -> None:
    cache = cluster(host_body("one", lifecycle="Eternal"), attachment_body("a", "one", status=attached_status("one")))
    decision = decide(cache, inventory(ONE, DATA), Kind.ATTACHMENT, "a")

    assert reason_of(decision) is Reason.HOST_NOT_READY
    assert "spec.lifecycle cannot be read" in getattr(decision, "message", "")


def test_a_volume_is_detached_from_a_host_with_an_unreadable_spec() -> None:
    leaving = attachment_body("a", "one", status=attached_status("one"), metadata=DELETING)
    cache = cluster(host_body("one", lifecycle="Eternal"), leaving)
    decision = decide(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "a")

    assert decision == Act((UnmapVolume(ONE.name, DATA.name, DATA.uid),))


def test_the_detach_guard_counts_the_deletion_of_an_attachment_with_an_unreadable_spec() -> None:
    busy = host_object(own_name("one"), port("one", logins=2))
    readable = attachment_body("a", "one", status=attached_status("one"), metadata=DELETING)
    odd = attachment_body(
        "b", "one", status=attached_status("one", LOGS), metadata=DELETING, volume={"uid": LOGS.uid}, driftPolicy="Ask"
    )
    seen = inventory(busy, DATA, LOGS, mapped(busy, DATA, 1), mapped(busy, LOGS, 2))
    cache = cluster(host_body("one"), readable, odd)

    assert detach_guard.partings(desired_of(cache), seen)[busy.name].emptied
    assert reason_of(decide(cache, seen, Kind.ATTACHMENT, "a")) is Reason.DETACH_BLOCKED


def test_an_object_with_an_unreadable_spec_is_only_reported_and_not_reconciled() -> None:
    cache = cluster(host_body("one"), attachment_body("a", "one", access="ReadOnlyMany"))
    ref = ObjectRef(Kind.ATTACHMENT, NAMESPACE, "a")
    entry = cache.get(ref)
    assert entry is not None

    assert decide(cache, inventory(ONE, DATA), Kind.ATTACHMENT, "a") is None
    assert ref not in cache.workable_on(ARRAY)
    assert reason_of(judge_unassigned(entry, cache)) is Reason.SPEC_UNREADABLE


def test_a_volume_with_an_unreadable_spec_is_reported() -> None:
    cache = cluster((Kind.VOLUME, {"name": "odd", "spec": {"arrayRef": {"name": "array"}}}))
    entry = cache.get(ObjectRef(Kind.VOLUME, NAMESPACE, "odd"))

    assert entry is not None
    assert reason_of(judge_unassigned(entry, cache)) is Reason.SPEC_UNREADABLE


def test_the_younger_resource_of_a_system_stays_a_duplicate_of_an_elder_with_an_unreadable_spec() -> None:
    spec = {"management": {"addresses": ["10.0.0.1"]}, "credentialsSecretRef": {"name": "login"}, "hostKeyPolicy": "No"}
    elder = {"name": "elder", "spec": spec, "status": {"systemID": SYSTEM}}
    spec_of_younger = {**spec, "hostKeyPolicy": "TrustOnFirstUse", "systemID": SYSTEM}
    younger = {"name": "younger", "spec": spec_of_younger, "status": {"systemID": SYSTEM}}
    known = {each.metadata.name: each for each in cluster((Kind.ARRAY, elder), (Kind.ARRAY, younger)).arrays}

    found = array_plan.elder(known["younger"], known.values())
    assert found is not None
    assert found.metadata.name == "elder"
