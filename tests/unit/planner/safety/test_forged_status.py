"""Whatever is written into the status of an attachment, its end takes nothing that is another's."""

from dataclasses import replace
from itertools import product

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, PAUSED, PLAN, RELEASE
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner.attachment.detach_guard import partings
from flashsystem_operator.planner.decision import Act, Release
from flashsystem_operator.planner.names import host_object_name
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
from support.builders import desired as world_of
from support.decision_table import Case, hold, sentence
from support.detach_fixtures import DATA, NODE, OURS, decided, leaving, unmap

VICTIM = own_name("victim")
GONE = own_name("gone")
FAR = host_object_name(INSTALLATION, "elsewhere", "node", "node")
"""Of a FlashSystemHost of the same name in another namespace."""
CLUSTER = host_object_name("another-cluster", "storage", "node", "node")
THERE = (
    host_object(VICTIM, "victim", "victims-old-card"),
    host_object(GONE, "gone"),
    host_object(FAR, "far"),
    host_object(CLUSTER, "cluster"),
    host_object("adopted", "adopted"),
    host_object("adopted-far", "adopted-far"),
    host_object("adopted-leaving", "adopted-leaving"),
    host_object("adopted-paused", "adopted-paused"),
)
"""Nothing of it is the attachment's: the first four are somebody's by their name, the others by their initiators."""
OWNERS = (
    host("victim", status={"name": VICTIM, "ownership": "Created", "ports": [{"iqn": iqn("victim")}]}),
    host("adopter", "adopted"),
    host("far", meta={"namespace": "elsewhere"}),
    host("adopter", "adopted-far", meta={"namespace": "elsewhere"}),
    host("leaving", "adopted-leaving", meta={"deleting": True}),
    host("paused", "adopted-paused", meta={"annotations": {PAUSED: "true"}}),
)
FORGERS = {
    "as it should be": NODE,
    "gone": None,
    "with the victims' initiators": host("node", *(str(min(each.iqns)).partition(":")[2] for each in THERE)),
    "with an initiator that nobody names any more": host("node", "victims-old-card", "gone", "cluster"),
}
"""The attachment's FlashSystemHost: younger than those of the others."""
STANDING: tuple[Host | Volume | Mapping, ...] = (DATA, *THERE, *(mapped(each, DATA) for each in THERE))
SEEN = inventory(*STANDING)
VIEWS = (SEEN, inventory(*STANDING, OURS), inventory(*STANDING, OURS, mapped(OURS, DATA)))
"""Without a host object of the attachment's own, with one, with its mapping."""
ALL_ALLOWED = array(allowed_namespaces={"from": "All"}, host_adoption={"from": "All"})


def around(forger: str) -> tuple[FlashSystemHost, ...]:
    there = FORGERS[forger]
    return (*OWNERS, there) if there else OWNERS


@pytest.mark.parametrize("forger", FORGERS)
@pytest.mark.parametrize("there", THERE, ids=lambda each: each.name)
def test_no_forged_status_unmaps_what_is_anothers(there: Host, forger: str) -> None:
    names = (there.name, OURS.name, "unknown")
    initiators: tuple[list[str], ...] = (sorted(there.iqns), [], [*OURS.iqns, *there.iqns])
    origins, policies = ("Created", "Adopted", None), (None, "Delete", "Retain")
    for name, iqns, origin, policy, seen in product(names, initiators, origins, policies, VIEWS):
        status = bound(there, DATA, host={"name": name, "initiators": iqns}, origin=origin)
        decision = decided(leaving(status, deletion_policy=policy), seen, *around(forger), of=ALL_ALLOWED)

        assert decision == unmap(OURS.name) or not isinstance(decision, Act), (name, iqns, origin, policy)


@pytest.mark.parametrize("there", THERE, ids=lambda each: each.name)
def test_a_forged_status_does_not_make_a_host_look_as_if_it_were_left(there: Host) -> None:
    """Or else the guard would hold back the detaches of others for its sake."""
    live = host_object(there.name, *(replace(each, logins=2) for each in there.ports))
    seen, forged = inventory(DATA, live, mapped(live, DATA)), leaving(bound(live, DATA))

    assert live.name not in partings(world_of(forged, *OWNERS, NODE, of=ALL_ALLOWED), seen)


MOVED = host_object(own_name("b"), "node")
KNOWN_B = host("b", status={"name": own_name("b"), "ownership": "Created", "ports": [{"iqn": iqn("b")}]})
OTHERS = host_object("admins", "node")
ATTACHED = (DATA, OTHERS, mapped(OTHERS, DATA))

CASES = [
    Case(
        "what stays because the host object is another's is told",
        decided(
            leaving(bound(THERE[4], DATA)),
            inventory(DATA, THERE[4], mapped(THERE[4], DATA, 5)),
            NODE,
            host("adopter", "adopted", status={"name": "adopted"}),
        ),
        Release,
        ("Volume data", "host adopted at LUN 5", "another's"),
    ),
    Case(
        "of two that claim an administrator's host object the elder takes its own away",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("node"), host("younger", "node")),
        unmap(OTHERS.name),
    ),
    Case(
        "and the younger, which never had it, does not",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("elder", "node"), host("node")),
        Release,
        ("another's",),
    ),
    Case(
        "a claim from a namespace that the array never let in bars nobody",
        decided(
            leaving(bound(OTHERS, DATA)),
            inventory(*ATTACHED),
            host("stranger", "node", meta={"namespace": "elsewhere"}),
        ),
        unmap(OTHERS.name),
    ),
    Case(
        "with the parents gone, and nobody else's claim, the record alone is enough",
        decided(leaving(bound(OTHERS, DATA)), inventory(*ATTACHED), host("other")),
        unmap(OTHERS.name),
    ),
    Case(
        "and so is the name of our host object, which proves for whom it was made",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA)), host("other")),
        unmap(OURS.name),
    ),
    Case(
        "the name of another's host object counts for more than the initiators that it took over, if nothing is known",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, MOVED, mapped(MOVED, DATA)), NODE, host("b")),
        Release,
        ("another's",),
    ),
    Case(
        "one that is known to have had other initiators has lost its name to this machine",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, MOVED, mapped(MOVED, DATA)), NODE, KNOWN_B),
        unmap(MOVED.name),
    ),
    # -- the claims of other attachments ----------------------------------------------------------------------------
    *(
        Case(
            f"nothing is unmapped from under another attachment of the pair whose end is held back by {what}",
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
        "one that was let go holds nothing back",
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
        "nothing is unmapped from under an attachment whose FlashSystemHost is gone, but which was attached here",
        decided(
            leaving(bound(OTHERS, DATA)),
            inventory(*ATTACHED),
            host("other"),
            attachment("heir", "gone", status=bound(OTHERS, DATA), meta={"finalizers": (FINALIZER,)}),
        ),
        Release,
        ("storage/heir",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_claims(case: Case) -> None:
    hold(case)


def test_the_forged_table_is_not_empty_of_true_statuses() -> None:
    """The same status is believed once nobody else claims the host object: the table is about claims, not shyness."""
    assert isinstance(decided(leaving(bound(THERE[4], DATA)), SEEN, NODE), Act)
