"""However two teams are in each other's way, what is said to one never names an object of the other.

Every object of a team, and so every host object that was made for it, has the team's canary in its name.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host
from flashsystem_operator.planner import batch, events, status
from flashsystem_operator.planner.decision import Decision, Release
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.names import host_object_name
from flashsystem_operator.planner.status import Outcome
from support.builders import (
    INSTALLATION,
    array,
    attachment,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    volume,
)

BIRDS = {"team-a": "magpie", "team-b": "heron"}
WORDS, VOLUMES = ("x", "y", "z"), [volume(f"v{number}", number) for number in range(3)]
NOW = "2026-03-01T00:00:00Z"

yes = st.booleans()
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True)


@st.composite
def hosts(draw: st.DrawFn, namespace: str, number: int) -> FlashSystemHost:
    name = f"{BIRDS[namespace]}-{number}"
    known = {"name": host_object_name(INSTALLATION, namespace, name, name), "ownership": "Created"}
    known["ports"] = [{"iqn": iqn(word)} for word in draw(words)]  # type: ignore[assignment] # JSON
    return host(
        name,
        *draw(words),
        array_ref={"name": "array", "namespace": "storage"},
        meta={"namespace": namespace, "deleting": draw(yes)},
        status=draw(st.sampled_from([{}, known])),
    )


@st.composite
def attachments(draw: st.DrawFn, on: FlashSystemHost, number: int) -> VolumeAttachment:
    what, meta = draw(st.sampled_from(VOLUMES)), on.metadata
    made = host_object_name(INSTALLATION, meta.namespace, meta.name, meta.name)
    had = {
        "host": {"name": draw(st.sampled_from([made, "box"])), "initiators": [iqn(word) for word in draw(words)]},
        "volume": {"name": what.name, "uid": what.uid},
        "origin": draw(st.sampled_from(["Created", "Adopted"])),
    }
    policy = draw(st.sampled_from([None, "Delete", "Retain"]))
    return attachment(
        f"{meta.name}-a{number}",
        meta.name,
        what.name,
        access=draw(st.sampled_from(["Exclusive", "Shared"])),
        meta={"namespace": meta.namespace, "deleting": draw(yes)},
        status=draw(st.sampled_from([{}, had])),
        **({"deletion_policy": policy} if policy else {}),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Desired, Inventory]:
    wished = [draw(hosts(namespace, number)) for namespace in BIRDS for number in range(2)]
    attached = [draw(attachments(each, number)) for each in wished for number in range(2)]
    spec: dict[str, Any] = {
        "allowed_namespaces": {"from": draw(st.sampled_from(["All", "All", "Same"]))},
        "host_adoption": {"from": draw(st.sampled_from(["All", "Same"]))},
        "multi_host_mapping": draw(st.sampled_from(["Allowed", "Forbidden"])),
    }
    around = desired(*wished, *attached, of=array(**spec))
    free, found = set[str](WORDS), list[Host]()
    for name in draw(st.permutations([*map(around.name_of, wished), "box", "crate"])):
        held = free.intersection(draw(words))  # an initiator is on one host object only
        free -= held
        bare = draw(yes)
        if held or bare:
            found.append(host_object(name, *sorted(held)))
    rows = [mapped(on, what, lun) for on in found for lun, what in enumerate(VOLUMES) if draw(yes)]
    return around, inventory(*found, *VOLUMES, *rows)


@settings(max_examples=60, derandomize=True)
@given(situations())
def test_nothing_that_is_said_of_an_object_names_one_of_another_namespace(situation: tuple[Desired, Inventory]) -> None:
    around, seen = situation
    for ref, decision in batch.plan(around, seen, [*around.hosts, *around.attachments]).items():
        (other,) = BIRDS.keys() - {ref.namespace}
        said = told(around, seen, around.hosts.get(ref) or around.attachments[ref], decision)

        assert BIRDS[other] not in said
        assert other not in said


def told(around: Desired, seen: Inventory, resource: FlashSystemHost | VolumeAttachment, decision: Decision) -> str:
    """The status that is written, or the Event that remains."""
    if isinstance(decision, Release):
        return " ".join(each.message for each in events.of_release(resource, decision, decision))
    if isinstance(resource, FlashSystemHost):
        return status.of_host(resource, Outcome(decision), around, seen, NOW).model_dump_json()
    return status.of_attachment(resource, Outcome(decision), around, seen, NOW).model_dump_json()
