"""What the fields of an array permit: which namespaces, which volumes, and what the message of a refusal contains."""

from typing import Any

import pytest

from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Refusal, Tenancy
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


def reason_of(refused: Refusal, *fragments: str) -> Reason | None:
    """Return the reason of a refusal, and assert that its message contains these fragments."""
    if refused is None:
        return None
    for fragment in fragments:
        assert fragment in refused.message
    return refused.reason


def tenancy(**spec: Any) -> Tenancy:
    return Tenancy(array(**spec), NAMESPACES)


@pytest.mark.parametrize(
    ("because", "choice", "allowed"),
    [
        ("left out, only the array's own namespace", {}, {"storage"}),
        ("Same", {"from": "Same"}, {"storage"}),
        ("All", {"from": "All"}, {"storage", "team-a", "team-b"}),
        ("Selector, without an exception for the array's own namespace", CHOSEN, {"team-a"}),
        ("an empty selector", {"from": "Selector", "selector": {}}, {"storage", "team-a", "team-b"}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_each_choice_allows_exactly_the_namespaces_that_it_describes(
    because: str, choice: dict[str, Any], allowed: set[str]
) -> None:
    using, adopting = tenancy(allowed_namespaces=choice), tenancy(host_adoption=choice)

    assert {name for name in NAMESPACES if using.use(name) is None} == allowed, because
    assert {name for name in NAMESPACES if adopting.adoption(name) is None} == allowed, because


def test_a_refusal_names_the_field_that_caused_it_and_what_to_do() -> None:
    by_same, by_selector = tenancy(), tenancy(allowed_namespaces=CHOSEN, host_adoption=CHOSEN)

    for refused in (by_same.use("team-a"), by_selector.use("team-b")):
        assert reason_of(refused, "spec.allowedNamespaces", "Ask the array administrator") is Reason.ARRAY_NOT_ALLOWED
    for refused in (by_same.adoption("team-a"), by_selector.adoption("team-b")):
        assert reason_of(refused, "spec.hostAdoption", "Ask the array administrator") is Reason.ADOPTION_NOT_ALLOWED
    note = by_same.persistent_volumes()
    assert note is not None
    assert (note.kind, note.reason) == ("PersistentVolumeBlocked", Reason.PERSISTENT_VOLUME_NOT_ALLOWED)
    assert "spec.persistentVolumes Forbidden" in note.message
    assert tenancy(persistent_volumes="Allowed").persistent_volumes() is None


def test_a_refusal_does_not_reveal_the_labels_that_the_selector_requires() -> None:
    refused = tenancy(allowed_namespaces=CHOSEN).use("team-b")

    assert isinstance(refused, Refuse)
    assert "production" not in refused.message


def test_unknown_namespace_labels_cause_a_wait_and_are_not_treated_as_empty() -> None:
    rules = tenancy(
        allowed_namespaces={"from": "Selector", "selector": {}},
        volume_access=[{"namespaceSelector": {}, "volumes": ["*"]}],
    )

    for unknown in (rules.use("new"), rules.volume("new", "data")):
        assert isinstance(unknown, Wait)
        assert unknown.reason is Reason.NAMESPACE_UNKNOWN
    assert tenancy().use("storage") is None  # without a selector no labels are needed


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
def test_a_volume_that_no_entry_of_volume_access_allows_is_refused(
    namespace: str,
    name: str,
    allowed: bool,
) -> None:
    refused = tenancy(volume_access=ACCESS).volume(namespace, name)

    assert (refused is None) is allowed
    if refused:
        assert reason_of(refused, "spec.volumeAccess", name, namespace) is Reason.VOLUME_NOT_ALLOWED


def test_without_volume_access_every_volume_may_be_attached() -> None:
    assert tenancy().volume("storage", "data") is None


def test_a_namespaced_operator_permanently_refuses_label_selectors_and_persistent_volumes() -> None:
    """It can never read the labels, so there is nothing to wait for."""
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
    remedy = "the cluster administrator to install the operator for the whole cluster"

    for refused, field in (
        (rules.use("storage"), "spec.allowedNamespaces"),
        (rules.adoption("storage"), "spec.hostAdoption"),
        (rules.volume("storage", "data"), "spec.volumeAccess"),
    ):
        assert isinstance(refused, Refuse)
        assert reason_of(refused, field, remedy) is Reason.NAMESPACED_INSTALLATION
    note = rules.persistent_volumes()
    assert note is not None
    assert note.reason is Reason.NAMESPACED_INSTALLATION
    assert remedy in note.message
    by_name = Tenancy(array(allowed_namespaces={"from": "All"}), {}, namespaced=True)
    assert by_name.use("team-a") is None


@pytest.mark.parametrize(
    ("spec", "fragments"),
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
def test_permissions_that_a_namespaced_operator_cannot_evaluate_are_reported_on_the_array(
    spec: dict[str, Any], fragments: tuple[str, ...]
) -> None:
    note = Tenancy(array(**spec), {}, namespaced=True).unusable()

    assert (note.kind, note.reason) == ("LabelsUnknown", Reason.NAMESPACED_INSTALLATION) if note else not fragments
    assert all(fragment in note.message for fragment in fragments) if note else not fragments
    assert Tenancy(array(**spec), {}).unusable() is None, "an operator that can read labels evaluates them"
