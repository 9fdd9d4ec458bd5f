"""A spec of another release keeps an object from being worked; it does not take it out of any safety judgement."""

from collections.abc import Mapping
from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.unassigned import judge
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
    """A FlashSystemArray and these objects, each younger than the one before."""
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
def test_a_spec_of_which_nothing_can_be_read_is_taken_in_and_ends_nothing(kind: Kind, spec: dict[str, Any]) -> None:
    """Else a single object would end the operator, at each start again."""
    cache = cluster((kind, {"name": "odd", "spec": spec}))

    entry = cache.get(ObjectRef(kind, NAMESPACE, "odd"))
    assert entry is not None
    assert entry.why


def a_host(name: str, *, status: Mapping[str, Any] | None = None, **more: Any) -> tuple[Kind, Mapping[str, Any]]:
    metadata = more.pop("metadata", {})
    spec = {"arrayRef": {"name": "array"}, "initiators": {"iscsi": [iqn(name)]}, **more}
    return Kind.HOST, {"name": name, "spec": spec, "status": status or {}, "metadata": metadata}


def an_attachment(
    name: str, on: str, *, status: Mapping[str, Any] | None = None, **more: Any
) -> tuple[Kind, Mapping[str, Any]]:
    metadata = more.pop("metadata", {})
    spec = {"hostRef": {"name": on}, "volume": {"name": "data"}, **more}
    return Kind.ATTACHMENT, {"name": name, "spec": spec, "status": status or {}, "metadata": metadata}


def attached(to: str, what: Any = DATA) -> dict[str, Any]:
    return {
        "array": {"name": "array", "namespace": NAMESPACE, "systemID": SYSTEM},
        "host": {"name": own_name(to), "initiators": [iqn(to)]},
        "volume": {"name": what.name, "uid": what.uid},
        "origin": "Created",
        "attachedTime": "2026-01-01T00:00:00Z",
    }


def seen_by(cache: Cache) -> Desired:
    array = next(each for each in cache.arrays if each.ref == ARRAY)
    return Desired(array, cache.hosts_on(ARRAY), cache.attachments_on(ARRAY), INSTALLATION)


def decided(cache: Cache, seen: Inventory, kind: Kind, name: str) -> Decision | None:
    desired = seen_by(cache)
    return batch.plan(desired, seen, [*desired.hosts, *desired.attachments]).get(ObjectRef(kind, NAMESPACE, name))


def reason_of(decision: Decision | None) -> Reason | None:
    return decision.reason if isinstance(decision, Wait | Refuse) else None


UNREADABLE = [
    pytest.param({"access": "ReadOnlyMany"}, id="an access of another release"),
    pytest.param({"detachGuard": "Ask"}, id="a detach guard of another release"),
    pytest.param({"lun": 70000}, id="a LUN that is none"),
    pytest.param({"volume": {"group": "g"}}, id="another way to name the volume"),
    pytest.param({"hostRef": {"selector": "rack-1"}}, id="another way to name the host"),
]


@pytest.mark.parametrize("odd", UNREADABLE)
def test_an_exclusive_attachment_whose_spec_cannot_be_read_keeps_other_hosts_from_its_volume(
    odd: Mapping[str, Any],
) -> None:
    elder = an_attachment("elder", "one", status=attached("one"), **odd)
    shared = an_attachment("shared", "two", access="Shared")
    cache = cluster(a_host("one"), a_host("two"), elder, shared)
    seen = inventory(ONE, TWO, DATA, mapped(ONE, DATA))

    assert reason_of(decided(cache, seen, Kind.ATTACHMENT, "shared")) is Reason.VOLUME_IN_USE


def test_what_can_be_read_of_a_spec_has_its_meaning() -> None:
    elder = an_attachment("elder", "one", status=attached("one"), access="Shared", driftPolicy="Ask")
    shared = an_attachment("shared", "two", access="Shared")
    cache = cluster(a_host("one"), a_host("two"), elder, shared)
    decision = decided(cache, inventory(ONE, TWO, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "shared")

    assert isinstance(decision, Act)
    assert any(isinstance(step, MapVolume) for step in decision.steps)


@pytest.mark.parametrize("odd", UNREADABLE)
@pytest.mark.parametrize("leaving", [GUARDED, DELETING], ids=["staying", "being deleted"])
def test_a_mapping_is_never_taken_from_under_an_attachment_whose_spec_cannot_be_read(
    odd: Mapping[str, Any], leaving: Mapping[str, Any]
) -> None:
    elder = an_attachment("elder", "one", status=attached("one"), metadata=DELETING)
    younger = an_attachment("younger", "one", status=attached("one"), metadata=leaving, **odd)
    cache = cluster(a_host("one"), elder, younger)

    assert isinstance(decided(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "elder"), Release)


def test_the_younger_of_one_pair_stays_a_duplicate_of_an_elder_whose_spec_cannot_be_read() -> None:
    elder = an_attachment("elder", "one", status=attached("one"), driftPolicy="Ask")
    cache = cluster(a_host("one"), elder, an_attachment("younger", "one"))

    decision = decided(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "younger")
    assert reason_of(decision) is Reason.DUPLICATE


@pytest.mark.parametrize("odd", UNREADABLE)
def test_a_host_in_use_by_an_attachment_whose_spec_cannot_be_read_is_not_deleted(odd: Mapping[str, Any]) -> None:
    leaving = a_host("one", metadata=DELETING)
    cache = cluster(leaving, an_attachment("a", "one", status=attached("one"), **odd))

    assert reason_of(decided(cache, inventory(ONE, DATA), Kind.HOST, "one")) is Reason.IN_USE


def test_an_empty_host_object_stays_while_an_attachment_whose_spec_cannot_be_read_wants_it() -> None:
    cache = cluster(a_host("one"), an_attachment("a", "one", status=attached("one"), driftPolicy="Ask"))
    decision = decided(cache, inventory(ONE, DATA), Kind.HOST, "one")

    assert not (isinstance(decision, Act) and any(isinstance(step, RemoveHost) for step in decision.steps))


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"lifecycle": "Eternal"}, id="a lifecycle of another release"),
        pytest.param({"initiators": {"iscsi": [iqn("m"), "iqn.of.another.release"]}}, id="one odd initiator"),
        pytest.param({"initiators": {"iscsi": [iqn(f"m{n}") for n in range(16)] + [iqn("m")]}}, id="too many"),
    ],
)
def test_the_initiators_of_a_host_whose_spec_cannot_be_read_stay_claimed(odd: Mapping[str, Any]) -> None:
    elder = a_host("elder", **{"initiators": {"iscsi": [iqn("m")]}, **odd})
    younger = a_host("younger", initiators={"iscsi": [iqn("m")]})

    assert reason_of(decided(cluster(elder, younger), inventory(), Kind.HOST, "younger")) is Reason.INITIATOR_CLAIMED


def test_the_initiators_that_a_host_object_was_given_stay_claimed_when_the_spec_has_none_that_can_be_read() -> None:
    known = {"name": own_name("elder"), "ownership": "Created", "ports": [{"iqn": iqn("m")}]}
    elder = a_host("elder", status=known, initiators={"fibreChannel": ["2100000E1E30E597"]})
    younger = a_host("younger", initiators={"iscsi": [iqn("m")]})

    assert reason_of(decided(cluster(elder, younger), inventory(), Kind.HOST, "younger")) is Reason.INITIATOR_CLAIMED


def test_nothing_is_mapped_to_a_host_whose_spec_cannot_be_read() -> None:
    cache = cluster(a_host("one", lifecycle="Eternal"), an_attachment("a", "one", status=attached("one")))
    decision = decided(cache, inventory(ONE, DATA), Kind.ATTACHMENT, "a")

    assert reason_of(decision) is Reason.HOST_NOT_READY
    assert "spec.lifecycle cannot be read" in getattr(decision, "message", "")


def test_a_volume_is_detached_from_a_host_whose_spec_cannot_be_read() -> None:
    leaving = an_attachment("a", "one", status=attached("one"), metadata=DELETING)
    cache = cluster(a_host("one", lifecycle="Eternal"), leaving)
    decision = decided(cache, inventory(ONE, DATA, mapped(ONE, DATA)), Kind.ATTACHMENT, "a")

    assert decision == Act((UnmapVolume(ONE.name, DATA.name, DATA.uid),))


def test_the_detach_guard_counts_a_deletion_whose_spec_cannot_be_read() -> None:
    busy = host_object(own_name("one"), port("one", logins=2))
    readable = an_attachment("a", "one", status=attached("one"), metadata=DELETING)
    odd = an_attachment(
        "b", "one", status=attached("one", LOGS), metadata=DELETING, volume={"uid": LOGS.uid}, driftPolicy="Ask"
    )
    seen = inventory(busy, DATA, LOGS, mapped(busy, DATA, 1), mapped(busy, LOGS, 2))
    cache = cluster(a_host("one"), readable, odd)

    assert detach_guard.partings(seen_by(cache), seen)[busy.name].emptied
    assert reason_of(decided(cache, seen, Kind.ATTACHMENT, "a")) is Reason.DETACH_BLOCKED


def test_nothing_is_done_for_an_object_whose_spec_cannot_be_read_but_to_say_so() -> None:
    cache = cluster(a_host("one"), an_attachment("a", "one", access="ReadOnlyMany"))
    ref = ObjectRef(Kind.ATTACHMENT, NAMESPACE, "a")
    entry = cache.get(ref)
    assert entry is not None

    assert decided(cache, inventory(ONE, DATA), Kind.ATTACHMENT, "a") is None
    assert ref not in cache.workable_on(ARRAY)
    assert reason_of(judge(entry, cache)) is Reason.SPEC_UNREADABLE


def test_the_younger_resource_of_a_system_stays_a_duplicate_of_an_elder_whose_spec_cannot_be_read() -> None:
    spec = {"management": {"addresses": ["10.0.0.1"]}, "credentialsSecretRef": {"name": "login"}, "hostKeyPolicy": "No"}
    elder = {"name": "elder", "spec": spec, "status": {"systemID": SYSTEM}}
    wished = {**spec, "hostKeyPolicy": "TrustOnFirstUse", "systemID": SYSTEM}
    younger = {"name": "younger", "spec": wished, "status": {"systemID": SYSTEM}}
    known = {each.metadata.name: each for each in cluster((Kind.ARRAY, elder), (Kind.ARRAY, younger)).arrays}

    found = array_plan.elder(known["younger"], known.values())
    assert found is not None
    assert found.metadata.name == "elder"
