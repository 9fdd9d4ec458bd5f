"""What the fields of an array permit by themselves: which namespaces, which volumes, and what a refusal says."""

from typing import Any

import pytest

from flashsystem_operator.planner.access import Refusal, Tenancy
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from support.builders import (
    array,
)

NAMESPACES = {
    "storage": {"kubernetes.io/metadata.name": "storage"},
    "team-a": {"kubernetes.io/metadata.name": "team-a", "stage": "production"},
    "team-b": {"kubernetes.io/metadata.name": "team-b", "stage": "test"},
}
PRODUCTION = {"matchLabels": {"stage": "production"}}
CHOSEN = {"from": "Selector", "selector": PRODUCTION}


def refusal(of: Refusal, *says: str) -> Reason | None:
    if of is None:
        return None
    for words in says:
        assert words in of.message
    return of.reason


def tenancy(**spec: Any) -> Tenancy:
    return Tenancy(array(**spec), NAMESPACES)


@pytest.mark.parametrize(
    ("because", "choice", "let_in"),
    [
        ("left out, only the array's own namespace", {}, {"storage"}),
        ("Same", {"from": "Same"}, {"storage"}),
        ("All", {"from": "All"}, {"storage", "team-a", "team-b"}),
        ("Selector, and the own namespace is not an exception", CHOSEN, {"team-a"}),
        ("an empty selector", {"from": "Selector", "selector": {}}, {"storage", "team-a", "team-b"}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_which_namespaces_are_let_in(because: str, choice: dict[str, Any], let_in: set[str]) -> None:
    using, adopting = tenancy(allowed_namespaces=choice), tenancy(host_adoption=choice)

    assert {name for name in NAMESPACES if using.use(name) is None} == let_in, because
    assert {name for name in NAMESPACES if adopting.adoption(name) is None} == let_in, because


def test_a_refusal_names_the_field_that_refuses_and_the_way_out() -> None:
    by_same, by_selector = tenancy(), tenancy(allowed_namespaces=CHOSEN, host_adoption=CHOSEN)

    for refused in (by_same.use("team-a"), by_selector.use("team-b")):
        assert refusal(refused, "spec.allowedNamespaces", "Ask the array administrator") is Reason.ARRAY_NOT_ALLOWED
    for refused in (by_same.adoption("team-a"), by_selector.adoption("team-b")):
        assert refusal(refused, "spec.hostAdoption", "Ask the array administrator") is Reason.ADOPTION_NOT_ALLOWED
    note = by_same.persistent_volumes()
    assert note is not None
    assert (note.kind, note.reason) == ("PersistentVolumeBlocked", Reason.PERSISTENT_VOLUME_NOT_ALLOWED)
    assert "spec.persistentVolumes Forbidden" in note.message
    assert tenancy(persistent_volumes="Allowed").persistent_volumes() is None


def test_a_refusal_does_not_tell_what_the_selector_asks_for() -> None:
    refused = tenancy(allowed_namespaces=CHOSEN).use("team-b")

    assert isinstance(refused, Refuse)
    assert "production" not in refused.message


def test_labels_that_are_not_known_are_waited_for_and_not_taken_for_none() -> None:
    rules = tenancy(
        allowed_namespaces={"from": "Selector", "selector": {}},
        volume_access=[{"namespaceSelector": {}, "volumes": ["*"]}],
    )

    for unknown in (rules.use("new"), rules.volume("new", "data")):
        assert isinstance(unknown, Wait)
        assert unknown.reason is Reason.NAMESPACE_UNKNOWN
    assert tenancy().use("storage") is None  # who asks for no labels needs none


ACCESS = [
    {"namespaceSelector": PRODUCTION, "volumes": ["prod-*", "shared?"]},
    {"namespaceSelector": {"matchLabels": {"stage": "test"}}, "volumes": ["test-[ab]"]},
]


@pytest.mark.parametrize(
    ("namespace", "name", "allowed"),
    [
        ("team-a", "prod-1", True),
        ("team-a", "prod-", True),
        ("team-a", "Prod-1", False),
        ("team-a", "my-prod-1", False),
        ("team-a", "shared1", True),
        ("team-a", "shared12", False),
        ("team-a", "test-a", False),
        ("team-b", "test-a", True),
        ("team-b", "test-c", False),
        ("team-b", "prod-1", False),
        ("storage", "prod-1", False),
    ],
)
def test_what_no_entry_of_volume_access_allows_is_refused(
    namespace: str,
    name: str,
    allowed: bool,
) -> None:
    refused = tenancy(volume_access=ACCESS).volume(namespace, name)

    assert (refused is None) is allowed
    if refused:
        assert refusal(refused, "spec.volumeAccess", name, namespace) is Reason.VOLUME_NOT_ALLOWED


def test_without_volume_access_every_volume_may_be_attached() -> None:
    assert tenancy().volume("storage", "data") is None


def test_an_operator_for_named_namespaces_refuses_labels_for_good_and_persistent_volumes() -> None:
    """It may never know them, so there is nothing to wait for."""
    rules = Tenancy(
        array(
            allowed_namespaces={"from": "Selector", "selector": {}},
            host_adoption=CHOSEN,
            volume_access=[{"namespaceSelector": {}, "volumes": ["d*"]}],
            persistent_volumes="Allowed",
        ),
        {},
        namespaced=True,
    )
    out = "the cluster administrator to install the operator for the whole cluster"

    for refused, field in (
        (rules.use("storage"), "spec.allowedNamespaces"),
        (rules.adoption("storage"), "spec.hostAdoption"),
        (rules.volume("storage", "data"), "spec.volumeAccess"),
    ):
        assert isinstance(refused, Refuse)
        assert refusal(refused, field, out) is Reason.NAMESPACED_INSTALLATION
    note = rules.persistent_volumes()
    assert note is not None
    assert note.reason is Reason.NAMESPACED_INSTALLATION
    assert out in note.message
    by_name = Tenancy(array(allowed_namespaces={"from": "All"}), {}, namespaced=True)
    assert by_name.use("team-a") is None


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, ()),
        ({"allowed_namespaces": {"from": "All"}, "host_adoption": {"from": "Same"}}, ()),
        ({"allowed_namespaces": CHOSEN}, ("spec.allowedNamespaces would", "; or set from to Same or All.")),
        ({"volume_access": ACCESS}, ("spec.volumeAccess would", "; or leave volumeAccess out.")),
        (
            {"allowed_namespaces": CHOSEN, "host_adoption": CHOSEN, "volume_access": ACCESS},
            ("spec.allowedNamespaces, spec.hostAdoption and spec.volumeAccess", "or All and leave volumeAccess out"),
        ),
    ],
    ids=["nothing", "no labels", "a selector", "volume access", "all of them"],
)
def test_permissions_that_an_operator_for_named_namespaces_cannot_read_are_told_to_the_keeper_of_the_array(
    spec: dict[str, Any], told: tuple[str, ...]
) -> None:
    note = Tenancy(array(**spec), {}, namespaced=True).unusable()

    assert (note.kind, note.reason) == ("LabelsUnknown", Reason.NAMESPACED_INSTALLATION) if note else not told
    assert all(words in note.message for words in told) if note else not told
    assert Tenancy(array(**spec), {}).unusable() is None, "who may read them, uses them"
