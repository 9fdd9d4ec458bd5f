"""A forged status of an attachment never causes an unmap on a host object of others."""

from dataclasses import replace
from itertools import product

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, PAUSED, PLAN, RELEASE
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner.attachment.detach_guard import partings
from flashsystem_operator.planner.decision import Act, Release
from flashsystem_operator.values import host_object_name
from support.builders import (
    INSTALLATION,
    array,
    attachment,
    bound,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
)
from support.builders import desired as state_of
from support.decision_table import Case, hold, sentence
from support.detach_fixtures import DATA, NODE, OURS, decided, leaving, unmap

VICTIM = own_name("victim")
GONE = own_name("gone")
FAR = host_object_name(INSTALLATION, "elsewhere", "node", "node")
"""Of a FlashSystemHost of the same name in another namespace."""
CLUSTER = host_object_name("another-cluster", "storage", "node", "node")
FOREIGN = (
    host_object(VICTIM, "victim", "victims-old-card"),
    host_object(GONE, "gone"),
    host_object(FAR, "far"),
    host_object(CLUSTER, "cluster"),
    host_object("adopted", "adopted"),
    host_object("adopted-far", "adopted-far"),
    host_object("adopted-leaving", "adopted-leaving"),
    host_object("adopted-paused", "adopted-paused"),
)
"""None belongs to the attachment: the first four have another owner by name, the others by their initiators."""
OWNERS = (
    host("victim", status={"name": VICTIM, "ownership": "Created", "ports": [{"iqn": iqn("victim")}]}),
    host("adopter", "adopted"),
    host("far", meta={"namespace": "elsewhere"}),
    host("adopter", "adopted-far", meta={"namespace": "elsewhere"}),
    host("leaving", "adopted-leaving", meta={"deleting": True}),
    host("paused", "adopted-paused", meta={"annotations": {PAUSED: "true"}}),
)
FORGERS = {
    "unchanged": NODE,
    "gone": None,
    "with the initiators of the victims": host("node", *(str(min(each.iqns)).partition(":")[2] for each in FOREIGN)),
    "with initiators that no resource names any more": host("node", "victims-old-card", "gone", "cluster"),
}
"""The FlashSystemHost of the attachment, younger than those of the others."""
ON_ARRAY: tuple[Host | Volume | Mapping, ...] = (DATA, *FOREIGN, *(mapped(each, DATA) for each in FOREIGN))
SEEN = inventory(*ON_ARRAY)
VIEWS = (SEEN, inventory(*ON_ARRAY, OURS), inventory(*ON_ARRAY, OURS, mapped(OURS, DATA)))
"""Without the host object of the attachment, with it, and with its mapping."""
ALL_ALLOWED = array(allowed_namespaces={"from": "All"}, host_adoption={"from": "All"})


def owners_with(forger: str) -> tuple[FlashSystemHost, ...]:
    own = FORGERS[forger]
    return (*OWNERS, own) if own else OWNERS


@pytest.mark.parametrize("forger", FORGERS)
@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda each: each.name)
def test_no_forged_status_unmaps_a_volume_from_a_host_object_of_others(foreign: Host, forger: str) -> None:
    names = (foreign.name, OURS.name, "unknown")
    initiators: tuple[list[str], ...] = (sorted(foreign.iqns), [], [*OURS.iqns, *foreign.iqns])
    origins, policies = ("Created", "Adopted", None), (None, "Delete", "Retain")
    for name, iqns, origin, policy, seen in product(names, initiators, origins, policies, VIEWS):
        status = bound(foreign, DATA, host={"name": name, "initiators": iqns}, origin=origin)
        decision = decided(leaving(status, deletion_policy=policy), seen, *owners_with(forger), of=ALL_ALLOWED)

        assert decision == unmap(OURS.name) or not isinstance(decision, Act), (name, iqns, origin, policy)


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda each: each.name)
def test_a_forged_status_does_not_count_as_a_detach_from_a_host_of_others(foreign: Host) -> None:
    """Otherwise the guard would block the detaches of others because of it."""
    live = host_object(foreign.name, *(replace(each, logins=2) for each in foreign.ports))
    seen, forged = inventory(DATA, live, mapped(live, DATA)), leaving(bound(live, DATA))

    assert live.name not in partings(state_of(forged, *OWNERS, NODE, of=ALL_ALLOWED), seen)


MOVED = host_object(own_name("b"), "node")
KNOWN_B = host("b", status={"name": own_name("b"), "ownership": "Created", "ports": [{"iqn": iqn("b")}]})
OTHERS = host_object("admins", "node")
ATTACHED = (DATA, OTHERS, mapped(OTHERS, DATA))

CASES = [
    Case(
        "a mapping that stays because the host object belongs to others is reported",
        decided(
            leaving(bound(FOREIGN[4], DATA)),
            inventory(DATA, FOREIGN[4], mapped(FOREIGN[4], DATA, 5)),
            NODE,
            host("adopter", "adopted", status={"name": "adopted"}),
        ),
        Release,
        ("Volume data", "host adopted at LUN 5", "another's"),
    ),
    Case(
        "of two resources that claim an administrator's host object the older one unmaps its volume",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("node"), host("younger", "node")),
        unmap(OTHERS.name),
    ),
    Case(
        "the younger one, which never had it, does not",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("elder", "node"), host("node")),
        Release,
        ("another's",),
    ),
    Case(
        "a claim from a namespace that the array does not allow blocks no other resource",
        decided(
            leaving(bound(OTHERS, DATA)),
            inventory(*ATTACHED),
            host("stranger", "node", meta={"namespace": "elsewhere"}),
        ),
        unmap(OTHERS.name),
    ),
    Case(
        "without the host resource and without a claim of others, the status alone is sufficient",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("other")),
        unmap(OTHERS.name),
    ),
    Case(
        "the name of the operator's host object is sufficient too, since it proves for which resource it was created",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA)), host("other")),
        unmap(OURS.name),
    ),
    Case(
        "without a recorded status the name of a host object takes precedence over initiators that were moved to it",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, MOVED, mapped(MOVED, DATA)), NODE, host("b")),
        Release,
        ("another's",),
    ),
    Case(
        "a host object whose owner is recorded with other initiators belongs to the machine that it serves now",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, MOVED, mapped(MOVED, DATA)), NODE, KNOWN_B),
        unmap(MOVED.name),
    ),
    # -- the claims of other attachments ----------------------------------------------------------------------------
    *(
        Case(
            f"nothing is unmapped while another attachment of the pair is kept from its deletion by {what}",
            decided(
                leaving(bound(OURS, DATA)),
                inventory(DATA, OURS, mapped(OURS, DATA)),
                NODE,
                attachment("twin", "node", status=bound(OURS, DATA), meta={"deleting": True, **meta}),
            ),
            Release,
            ("storage/twin attaches it too",),
        )
        for what, meta in (
            ("a consumer", {"finalizers": ("flashsystem.io/cleanup", "example.com/in-use")}),
            ("a pause", {"annotations": {PAUSED: "true"}}),
            ("plan mode", {"annotations": {PLAN: "true"}}),
        )
    ),
    Case(
        "an attachment that was released blocks no unmap",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment(
                "twin",
                "node",
                status=bound(OURS, DATA),
                meta={"uid": "t", "deleting": True, "annotations": {PAUSED: "true", RELEASE: "t"}},
            ),
        ),
        unmap(OURS.name),
    ),
    Case(
        "nothing is unmapped while another attachment has the mapping, even if its FlashSystemHost is gone",
        decided(
            leaving(bound(OTHERS, DATA)),
            inventory(*ATTACHED),
            host("other"),
            attachment("successor", "gone", status=bound(OTHERS, DATA), meta={"finalizers": (FINALIZER,)}),
        ),
        Release,
        ("storage/successor",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_claims_of_others(case: Case) -> None:
    hold(case)


def test_the_table_of_forged_statuses_also_contains_true_ones() -> None:
    """The same status is accepted when no other resource claims the host object: the table tests the claims."""
    assert isinstance(decided(leaving(bound(FOREIGN[4], DATA)), SEEN, NODE), Act)
