"""Which namespaces may use an array, and for what. A withdrawn permission prevents new use and removes nothing."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.model import Host, Inventory, Odd
from flashsystem_operator.planner import status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.batch import Circumstances, wait_for_readable_output
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.policies import RateLimiter
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import Lun, host_object_name
from support.builders import (
    INSTALLATION,
    array,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    port,
    volume,
)
from support.decision_table import Case, hold, sentence

NAMESPACES = {
    "storage": {"kubernetes.io/metadata.name": "storage"},
    "team-a": {"kubernetes.io/metadata.name": "team-a", "stage": "production"},
    "team-b": {"kubernetes.io/metadata.name": "team-b", "stage": "test"},
}
PRODUCTION = {"matchLabels": {"stage": "production"}}
CHOSEN = {"from": "Selector", "selector": PRODUCTION}
DATA, LOGS = volume("data", 1), volume("logs", 2)


def their_host(name: str = "node", namespace: str = "team-a", **more: Any) -> FlashSystemHost:
    ref = {"name": "array", "namespace": "storage"}
    return host(name, array_ref=ref, meta={"namespace": namespace, **more.pop("meta", {})}, **more)


def theirs(
    name: str = "a", on: str = "node", what: Any = "data", namespace: str = "team-a", **more: Any
) -> VolumeAttachment:
    return attachment(name, on, what, meta={"namespace": namespace, **more.pop("meta", {})}, **more)


OWN = host_object(host_object_name(INSTALLATION, "team-a", "node", "node"), "node")
ADMINS = host_object("admins", "node")
ATTACHED = inventory(DATA, LOGS, OWN, mapped(OWN, DATA))
OPEN, CLOSED = {"allowed_namespaces": {"from": "All"}}, {"allowed_namespaces": {"from": "Same"}}
ADOPTING = {**OPEN, "host_adoption": {"from": "All"}}
MADE = {"name": OWN.name, "ownership": "Created", "ports": [{"iqn": iqn("node")}]}


def desired_with(*resources: FlashSystemHost | VolumeAttachment, **spec: Any) -> Desired:
    return desired(*resources, of=array(**spec), namespaces=NAMESPACES)


def of_attachment(
    resource: VolumeAttachment, observed: Inventory, *others: FlashSystemHost | VolumeAttachment, **spec: Any
) -> Decision:
    return attach.plan(resource, desired_with(resource, *others, **spec), observed)


def of_host(resource: FlashSystemHost, observed: Inventory, *others: VolumeAttachment, **spec: Any) -> Decision:
    return host_plan.plan(resource, desired_with(resource, *others, **spec), observed)


def only(*names: str) -> dict[str, Any]:
    return {**OPEN, "volume_access": [{"namespaceSelector": {}, "volumes": list(names)}]}


ALLOWED_HOST = their_host(status=MADE)
ATTACHED_BEFORE = theirs(status=bound(OWN, DATA))
ADOPTED_BEFORE = their_host(status={"name": "admins", "ownership": "Adopted", "ports": [{"iqn": iqn("node")}]})

CASES = [
    Case(
        "an allowed namespace gets its volume mapped",
        of_attachment(theirs(), inventory(DATA, OWN), their_host(), **OPEN),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case(
        "a host of a namespace that is not allowed is refused",
        of_host(their_host(), inventory(DATA, OWN)),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "an attachment of a namespace that is not allowed is refused",
        of_attachment(theirs(), inventory(DATA, OWN), their_host()),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "a namespace that is not allowed does not learn whether the volume exists",
        of_attachment(theirs(what="nothing"), inventory(), their_host()),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    # -- withdrawn ---------------------------------------------------------------------------------------------------
    Case(
        "a withdrawn permission leaves attached volumes attached",
        of_attachment(ATTACHED_BEFORE, ATTACHED, ALLOWED_HOST, **CLOSED),
        Reason.ATTACHED,
    ),
    Case(
        "a withdrawn permission prevents further volumes",
        of_attachment(theirs("b", what="logs"), ATTACHED, ALLOWED_HOST, ATTACHED_BEFORE, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "a withdrawn permission prevents that a lost mapping is created again",
        of_attachment(ATTACHED_BEFORE, inventory(DATA, OWN), ALLOWED_HOST, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "a withdrawn permission prevents new ports and leaves old ones",
        of_host(their_host(initiators={"iscsi": [iqn("new")]}, status=MADE), ATTACHED, ATTACHED_BEFORE, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "the host reports that it is no longer allowed",
        of_host(ALLOWED_HOST, ATTACHED, ATTACHED_BEFORE, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
        ("Attached volumes stay attached",),
    ),
    Case(
        "detaching always works",
        of_attachment(theirs(status=bound(OWN, DATA), meta={"deleting": True}), ATTACHED, ALLOWED_HOST, **CLOSED),
        Act((UnmapVolume(OWN.name, DATA.name, DATA.uid),)),
    ),
    Case(
        "removing the host object always works",
        of_host(ALLOWED_HOST, inventory(OWN), **CLOSED),
        Act((RemoveHost(OWN.name),)),
    ),
    Case(
        "removing the host object of a deleted host always works",
        of_host(their_host(status=MADE, meta={"deleting": True}), inventory(OWN), **CLOSED),
        Act((RemoveHost(OWN.name),)),
    ),
    # -- volumes -----------------------------------------------------------------------------------------------------
    Case(
        "a volume that no entry allows is refused",
        of_attachment(theirs(), inventory(DATA, OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "a volume given by UID is checked by the name that it has",
        of_attachment(theirs(what=DATA.uid), inventory(DATA, OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
        (f"a volume with UID {DATA.uid}, if the array has one",),
    ),
    Case(
        "a volume given by UID is attached if the name that it has is allowed",
        of_attachment(theirs(what=DATA.uid), inventory(DATA, OWN), their_host(), **only("da*")),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case(
        "a namespace that may attach every volume learns that no volume has a UID",
        of_attachment(theirs(what=DATA.uid), inventory(OWN), their_host(), **only("logs", "*")),
        Reason.VOLUME_NOT_FOUND,
        (DATA.uid,),
    ),
    Case(
        "a namespace that had a volume attached learns that it is gone",
        of_attachment(ATTACHED_BEFORE, inventory(OWN), ALLOWED_HOST, **only("logs")),
        Reason.VOLUME_GONE,
    ),
    Case(
        "a volume that does not exist is refused by its name alone",
        of_attachment(theirs(what="secret"), inventory(OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "withdrawn volume access leaves attached volumes attached",
        of_attachment(ATTACHED_BEFORE, ATTACHED, ALLOWED_HOST, **only("logs")),
        Reason.ATTACHED,
    ),
    Case(
        "withdrawn volume access prevents that a lost mapping is created again",
        of_attachment(ATTACHED_BEFORE, inventory(DATA, OWN), ALLOWED_HOST, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "an existing mapping needs the permission too",
        of_attachment(theirs(), ATTACHED, ALLOWED_HOST, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    # -- adopting ----------------------------------------------------------------------------------------------------
    Case(
        "a namespace that may adopt a host object adopts it",
        of_host(their_host(), inventory(ADMINS), **ADOPTING),
        Reason.READY,
        ("admins",),
    ),
    Case(
        "a namespace that may not adopt a host object does not",
        of_host(their_host(), inventory(ADMINS), **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    Case(
        "withdrawn adoption leaves attached volumes attached",
        of_attachment(
            theirs(status=bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), ADOPTED_BEFORE, **OPEN
        ),
        Reason.ATTACHED,
    ),
    Case(
        "withdrawn adoption prevents new mappings",
        of_attachment(theirs(), inventory(DATA, ADMINS), ADOPTED_BEFORE, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
        ("spec.hostAdoption",),
    ),
    Case(
        "withdrawn adoption prevents that an existing mapping is adopted",
        of_attachment(theirs(), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), ADOPTED_BEFORE, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    Case(
        "a mapping through a host cluster is adopted only by a namespace that may adopt",
        of_attachment(
            theirs(access="Shared"), inventory(DATA, OWN, mapped(OWN, DATA, cluster="c")), ALLOWED_HOST, **OPEN
        ),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    # -- namespaces that are not allowed block no others -------------------------------------------------------------
    Case(
        "an Exclusive attachment of a namespace that is not allowed does not prevent sharing",
        of_attachment(
            theirs(access="Shared"),
            inventory(DATA, OWN, host_object("x", "x"), mapped(host_object("x"), DATA)),
            their_host(),
            their_host("other", "team-b"),
            theirs("rival", "other", namespace="team-b"),
            allowed_namespaces=CHOSEN,
        ),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=True),)),
    ),
    Case(
        "an attachment whose volume is not allowed does not prevent that its mapping is removed",
        of_attachment(
            theirs(status=bound(OWN, DATA), meta={"deleting": True}),
            ATTACHED,
            ALLOWED_HOST,
            theirs("second"),
            **only("logs"),
        ),
        Act((UnmapVolume(OWN.name, DATA.name, DATA.uid),)),
    ),
    Case(
        "a claim of a namespace that is not allowed does not count",
        of_host(their_host("mine", initiators={"iscsi": [iqn("node")]}), inventory(), **OPEN),
        Reason.NOT_NEEDED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_tenancy(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize("spec", [{}, only("logs")], ids=["array", "volume"])
def test_nothing_about_a_volume_is_revealed_to_a_namespace_that_may_not_attach_it(spec: dict[str, Any]) -> None:
    resource = theirs(what=DATA.uid)
    desired_state = desired_with(resource, their_host(), **spec)
    observed = inventory(DATA, OWN)
    decision = attach.plan(resource, desired_state, observed)

    reported = status.of_attachment(resource, Outcome(decision), desired_state, observed, "2026-03-01T00:00:00Z")

    assert reported.volume is None
    assert not isinstance(decision, InSync)


SEEN_BEFORE = {"volume": {"name": "data", "uid": DATA.uid}}


@pytest.mark.parametrize("fields", [{"what": DATA.uid}, {"status": SEEN_BEFORE}], ids=["by uid", "renamed since"])
@pytest.mark.parametrize("volumes", [["shop-*"], ["data"], ["secret?"], []], ids=str)
@pytest.mark.parametrize("namespace", ["team-a", "unlabelled"])
def test_a_uid_does_not_reveal_whether_a_volume_exists_that_the_namespace_may_not_attach(
    fields: dict[str, Any], volumes: list[str], namespace: str
) -> None:
    """The volume that has the UID, if it exists, has a name that only an entry for another namespace allows."""
    entries = [{"namespaceSelector": PRODUCTION, "volumes": volumes}] if volumes else []
    entries.append({"namespaceSelector": {"matchLabels": {"stage": "test"}}, "volumes": ["x-*"]})
    resource = theirs(namespace=namespace, **fields)
    desired_state = desired_with(resource, their_host(namespace=namespace), **OPEN, volume_access=entries)
    own = host_object(host_object_name(INSTALLATION, namespace, "node", "node"), "node")
    there, missing = inventory(volume("x-1", 1), own, mapped(own, volume("x-1", 1))), inventory(own)
    missing.learn_volume_gone(DATA.uid)

    results = []
    for observed in (there, missing):
        decision = attach.plan(resource, desired_state, observed)
        results.append(
            (
                decision,
                status.of_attachment(resource, Outcome(decision), desired_state, observed, "2026-03-01T00:00:00Z"),
            )
        )

    assert results[0] == results[1]
    assert "x-1" not in str(results)


def test_volumes_on_a_host_are_named_to_namespaces_that_may_attach_or_have_attached_them() -> None:
    """The machine sees LUN and UID of all of them, but not the names that the array administrator gave them."""
    secret = volume("secret", 3)
    resource, pinned = theirs("pinned", lun=3), theirs("allowed", lun=2)
    spec = {**only("lo*", "da"), "volume_access": [{"namespaceSelector": PRODUCTION, "volumes": ["lo*", "da"]}]}
    desired_state = desired_with(ALLOWED_HOST, ATTACHED_BEFORE, resource, pinned, **spec)
    observed = inventory(
        DATA, LOGS, secret, volume("da", 4), OWN, mapped(OWN, DATA, 1), mapped(OWN, LOGS, 2), mapped(OWN, secret, 3)
    )

    reported = status.of_host(
        ALLOWED_HOST,
        Outcome(host_plan.plan(ALLOWED_HOST, desired_state, observed)),
        desired_state,
        observed,
        "2026-03-01T00:00:00Z",
    )

    assert reported.mappings is not None
    assert [(each.lun, each.volume, each.uid) for each in reported.mappings.items] == [
        (1, "data", DATA.uid),
        (2, "logs", LOGS.uid),
        (3, None, secret.uid),
    ]
    taken = attach.plan(theirs("pinned", what="da", lun=3), desired_state, observed)
    assert isinstance(taken, Refuse)
    assert "LUN 3 of host" in taken.message
    assert "secret" not in taken.message
    named = attach.plan(theirs("pinned", what="da", lun=2), desired_state, observed)
    assert isinstance(named, Refuse)
    assert "taken by volume logs" in named.message


def test_a_host_object_is_not_shown_to_a_namespace_that_may_not_adopt_it() -> None:
    resource = their_host()
    known: Host = host_object("admins", port("node", logins=2))
    desired_state, observed = desired_with(resource, **OPEN), inventory(known, DATA, mapped(known, DATA))
    decision = host_plan.plan(resource, desired_state, observed)

    reported = status.of_host(resource, Outcome(decision), desired_state, observed, "2026-03-01T00:00:00Z")

    assert "admins" not in reported.model_dump_json()
    assert "data" not in reported.model_dump_json()


def test_an_unreadable_row_reveals_nothing_to_a_namespace_that_may_not_attach_its_volume() -> None:
    observed = inventory(DATA, OWN)
    observed.learn_odd(
        "lshostvdiskmap", [Odd("svcinfo lshostvdiskmap secret", "no LUN", frozenset({DATA.uid.lower()}))]
    )
    resource = theirs(what=DATA.uid)
    desired_state = desired_with(resource, their_host(), **only("logs"))
    refused = attach.plan(resource, desired_state, observed)

    assert isinstance(refused, Refuse)
    assert (
        wait_for_readable_output(
            refused, resource, Circumstances(desired_state, observed, RateLimiter.of(desired_state), {})
        )
        == refused
    )
