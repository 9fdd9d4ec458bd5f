"""Messages to one team never name an object of another team, whatever the conflict between them.

Every object of a team, and so every host object that was created for it, has the team's canary in its name.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.model import Host, Inventory
from flashsystem_operator.planner import batch, events, status
from flashsystem_operator.planner.decision import Decision, Release
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import host_object_name
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

CANARIES = {"team-a": "magpie", "team-b": "heron"}
INITIATORS, VOLUMES = ("x", "y", "z"), [volume(f"v{number}", number) for number in range(3)]
NOW = "2026-03-01T00:00:00Z"

booleans = st.booleans()
initiators = st.lists(st.sampled_from(INITIATORS), min_size=1, max_size=2, unique=True)


@st.composite
def hosts(draw: st.DrawFn, namespace: str, number: int) -> FlashSystemHost:
    name = f"{CANARIES[namespace]}-{number}"
    known = {"name": host_object_name(INSTALLATION, namespace, name, name), "ownership": "Created"}
    known["ports"] = [{"iqn": iqn(initiator)} for initiator in draw(initiators)]  # type: ignore[assignment] # JSON
    return host(
        name,
        *draw(initiators),
        array_ref={"name": "array", "namespace": "storage"},
        meta={"namespace": namespace, "deleting": draw(booleans)},
        status=draw(st.sampled_from([{}, known])),
    )


@st.composite
def attachments(draw: st.DrawFn, on: FlashSystemHost, number: int) -> VolumeAttachment:
    what, meta = draw(st.sampled_from(VOLUMES)), on.metadata
    own_host_object = host_object_name(INSTALLATION, meta.namespace, meta.name, meta.name)
    had = {
        "host": {
            "name": draw(st.sampled_from([own_host_object, "box"])),
            "initiators": [iqn(initiator) for initiator in draw(initiators)],
        },
        "volume": {"name": what.name, "uid": what.uid},
        "origin": draw(st.sampled_from(["Created", "Adopted"])),
    }
    policy = draw(st.sampled_from([None, "Delete", "Retain"]))
    return attachment(
        f"{meta.name}-a{number}",
        meta.name,
        what.name,
        access=draw(st.sampled_from(["Exclusive", "Shared"])),
        meta={"namespace": meta.namespace, "deleting": draw(booleans)},
        status=draw(st.sampled_from([{}, had])),
        **({"deletion_policy": policy} if policy else {}),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Desired, Inventory]:
    resources = [draw(hosts(namespace, number)) for namespace in CANARIES for number in range(2)]
    attached = [draw(attachments(each, number)) for each in resources for number in range(2)]
    spec: dict[str, Any] = {
        "allowed_namespaces": {"from": draw(st.sampled_from(["All", "All", "Same"]))},
        "host_adoption": {"from": draw(st.sampled_from(["All", "Same"]))},
        "multi_host_mapping": draw(st.sampled_from(["Allowed", "Forbidden"])),
    }
    state = desired(*resources, *attached, of=array(**spec))
    free, found = set[str](INITIATORS), list[Host]()
    for name in draw(st.permutations([*map(state.name_of, resources), "box", "crate"])):
        held = free.intersection(draw(initiators))  # an initiator is on only one host object
        free -= held
        bare = draw(booleans)
        if held or bare:
            found.append(host_object(name, *sorted(held)))
    rows = [mapped(on, what, lun) for on in found for lun, what in enumerate(VOLUMES) if draw(booleans)]
    return state, inventory(*found, *VOLUMES, *rows)


@settings(max_examples=60, derandomize=True)
@given(situations())
def test_no_message_about_an_object_names_an_object_of_another_namespace(situation: tuple[Desired, Inventory]) -> None:
    state, seen = situation
    for ref, decision in batch.plan(state, seen, [*state.hosts, *state.attachments]).items():
        (other,) = CANARIES.keys() - {ref.namespace}
        message = reported(state, seen, state.hosts.get(ref) or state.attachments[ref], decision)

        assert CANARIES[other] not in message
        assert other not in message


def reported(state: Desired, seen: Inventory, resource: FlashSystemHost | VolumeAttachment, decision: Decision) -> str:
    """Return the status that is written, or the messages of the Events after a release."""
    if isinstance(decision, Release):
        return " ".join(each.message for each in events.of_release(resource, decision, decision))
    if isinstance(resource, FlashSystemHost):
        return status.of_host(resource, Outcome(decision), state, seen, NOW).model_dump_json()
    return status.of_attachment(resource, Outcome(decision), state, seen, NOW).model_dump_json()
