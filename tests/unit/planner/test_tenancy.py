"""Who may use an array, and for what. A permission that is withdrawn stops what is new, and takes nothing away."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host, Odd
from flashsystem_operator.planner import status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.names import host_object_name
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.planner.unreadable import as_far_as_read
from flashsystem_operator.values import Lun
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


def around(*resources: FlashSystemHost | VolumeAttachment, **spec: Any) -> Desired:
    return desired(*resources, of=array(**spec), namespaces=NAMESPACES)


def of_attachment(
    wished: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **spec: Any
) -> Decision:
    return attach.plan(wished, around(wished, *others, **spec), seen)


def of_host(wished: FlashSystemHost, seen: Inventory, *others: VolumeAttachment, **spec: Any) -> Decision:
    return host_plan.plan(wished, around(wished, *others, **spec), seen)


def only(*names: str) -> dict[str, Any]:
    return {**OPEN, "volume_access": [{"namespaceSelector": {}, "volumes": list(names)}]}


LET_IN = their_host(status=MADE)
HAD = theirs(status=bound(OWN, DATA))
FORMERLY = their_host(status={"name": "admins", "ownership": "Adopted", "ports": [{"iqn": iqn("node")}]})

CASES = [
    Case(
        "a namespace that is let in has its volume mapped",
        of_attachment(theirs(), inventory(DATA, OWN), their_host(), **OPEN),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case("one that is not is refused, host", of_host(their_host(), inventory(DATA, OWN)), Reason.ARRAY_NOT_ALLOWED),
    Case("and attachment", of_attachment(theirs(), inventory(DATA, OWN), their_host()), Reason.ARRAY_NOT_ALLOWED),
    Case(
        "whether the volume exists is not told to who is not let in",
        of_attachment(theirs(what="nothing"), inventory(), their_host()),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    # -- withdrawn -------------------------------------------------------------------------------------------------
    Case(
        "a permission withdrawn leaves what is attached",
        of_attachment(HAD, ATTACHED, LET_IN, **CLOSED),
        Reason.ATTACHED,
    ),
    Case(
        "it stops further volumes",
        of_attachment(theirs("b", what="logs"), ATTACHED, LET_IN, HAD, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "it stops that a lost mapping is made again",
        of_attachment(HAD, inventory(DATA, OWN), LET_IN, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "it stops new ports and leaves old ones",
        of_host(their_host(initiators={"iscsi": [iqn("new")]}, status=MADE), ATTACHED, HAD, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "the host says that it is barred",
        of_host(LET_IN, ATTACHED, HAD, **CLOSED),
        Reason.ARRAY_NOT_ALLOWED,
        ("Attached volumes stay attached",),
    ),
    Case(
        "detaching always works",
        of_attachment(theirs(status=bound(OWN, DATA), meta={"deleting": True}), ATTACHED, LET_IN, **CLOSED),
        Act((UnmapVolume(OWN.name, DATA.name, DATA.uid),)),
    ),
    Case("so does the end of the host object", of_host(LET_IN, inventory(OWN), **CLOSED), Act((RemoveHost(OWN.name),))),
    Case(
        "so does that of a deleted host",
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
        "by uid it is judged by the name that it has",
        of_attachment(theirs(what=DATA.uid), inventory(DATA, OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
        (f"a volume with UID {DATA.uid}, if the array has one",),
    ),
    Case(
        "and attached, if that is allowed",
        of_attachment(theirs(what=DATA.uid), inventory(DATA, OWN), their_host(), **only("da*")),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case(
        "that there is none with a uid is told to who may attach every volume",
        of_attachment(theirs(what=DATA.uid), inventory(OWN), their_host(), **only("logs", "*")),
        Reason.VOLUME_NOT_FOUND,
        (DATA.uid,),
    ),
    Case(
        "that a volume is gone is told to who had it attached",
        of_attachment(HAD, inventory(OWN), LET_IN, **only("logs")),
        Reason.VOLUME_GONE,
    ),
    Case(
        "one that is not there is refused by its name alone",
        of_attachment(theirs(what="secret"), inventory(OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "volume access withdrawn leaves what is attached",
        of_attachment(HAD, ATTACHED, LET_IN, **only("logs")),
        Reason.ATTACHED,
    ),
    Case(
        "but does not map it again",
        of_attachment(HAD, inventory(DATA, OWN), LET_IN, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "a mapping that is found needs the permission too",
        of_attachment(theirs(), ATTACHED, LET_IN, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    # -- adopting ----------------------------------------------------------------------------------------------------
    Case("who may adopt, adopts", of_host(their_host(), inventory(ADMINS), **ADOPTING), Reason.READY, ("admins",)),
    Case("who may not, does not", of_host(their_host(), inventory(ADMINS), **OPEN), Reason.ADOPTION_NOT_ALLOWED),
    Case(
        "adoption withdrawn leaves what is attached",
        of_attachment(
            theirs(status=bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), FORMERLY, **OPEN
        ),
        Reason.ATTACHED,
    ),
    Case(
        "and maps nothing new",
        of_attachment(theirs(), inventory(DATA, ADMINS), FORMERLY, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
        ("spec.hostAdoption",),
    ),
    Case(
        "and takes nothing more over",
        of_attachment(theirs(), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), FORMERLY, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    Case(
        "a mapping through a host cluster is taken over by who may",
        of_attachment(theirs(access="Shared"), inventory(DATA, OWN, mapped(OWN, DATA, cluster="c")), LET_IN, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    # -- nobody is kept out by who is not let in ---------------------------------------------------------------------
    Case(
        "an Exclusive attachment of who is not let in keeps nobody from sharing",
        of_attachment(
            theirs(access="Shared"),
            inventory(DATA, OWN, host_object("x", "x"), mapped(host_object("x"), DATA)),
            their_host(),
            their_host("other", "team-b"),
            theirs("wish", "other", namespace="team-b"),
            allowed_namespaces=CHOSEN,
        ),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=True),)),
    ),
    Case(
        "one whose volume is not allowed does not keep its mapping from going",
        of_attachment(
            theirs(status=bound(OWN, DATA), meta={"deleting": True}),
            ATTACHED,
            LET_IN,
            theirs("second"),
            **only("logs"),
        ),
        Act((UnmapVolume(OWN.name, DATA.name, DATA.uid),)),
    ),
    Case(
        "a claim of who is not let in does not count",
        of_host(their_host("mine", initiators={"iscsi": [iqn("node")]}), inventory(), **OPEN),
        Reason.NOT_NEEDED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_tenancy(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize("spec", [{}, only("logs")], ids=["array", "volume"])
def test_nothing_of_a_volume_is_told_to_who_may_not_attach_it(spec: dict[str, Any]) -> None:
    wished = theirs(what=DATA.uid)
    world_of = around(wished, their_host(), **spec)
    seen = inventory(DATA, OWN)
    decision = attach.plan(wished, world_of, seen)

    said = status.of_attachment(wished, Outcome(decision), world_of, seen, "2026-03-01T00:00:00Z")

    assert said.volume is None
    assert not isinstance(decision, InSync)


SEEN_BEFORE = {"volume": {"name": "data", "uid": DATA.uid}}


@pytest.mark.parametrize("wished", [{"what": DATA.uid}, {"status": SEEN_BEFORE}], ids=["by uid", "renamed since"])
@pytest.mark.parametrize("volumes", [["shop-*"], ["data"], ["secret?"], []], ids=str)
@pytest.mark.parametrize("namespace", ["team-a", "unlabelled"])
def test_a_uid_does_not_tell_whether_there_is_a_volume_that_the_namespace_may_not_attach(
    wished: dict[str, Any], volumes: list[str], namespace: str
) -> None:
    """The volume that has the UID, if there is one, is named as only an entry for another namespace allows."""
    entries = [{"namespaceSelector": PRODUCTION, "volumes": volumes}] if volumes else []
    entries.append({"namespaceSelector": {"matchLabels": {"stage": "test"}}, "volumes": ["x-*"]})
    asked = theirs(namespace=namespace, **wished)
    world_of = around(asked, their_host(namespace=namespace), **OPEN, volume_access=entries)
    own = host_object(host_object_name(INSTALLATION, namespace, "node", "node"), "node")
    there, missing = inventory(volume("x-1", 1), own, mapped(own, volume("x-1", 1))), inventory(own)
    missing.learn_volume_gone(DATA.uid)

    told = []
    for seen in (there, missing):
        decision = attach.plan(asked, world_of, seen)
        told.append((decision, status.of_attachment(asked, Outcome(decision), world_of, seen, "2026-03-01T00:00:00Z")))

    assert told[0] == told[1]
    assert "x-1" not in str(told)


def test_volumes_on_a_host_are_named_to_who_may_attach_them_or_has_them_attached() -> None:
    """The machine sees LUN and UID of all of them, but not what the keeper of the array calls them."""
    secret = volume("secret", 3)
    wished, pinned = theirs("pinned", lun=3), theirs("allowed", lun=2)
    spec = {**only("lo*", "da"), "volume_access": [{"namespaceSelector": PRODUCTION, "volumes": ["lo*", "da"]}]}
    world_of = around(LET_IN, HAD, wished, pinned, **spec)
    seen = inventory(
        DATA, LOGS, secret, volume("da", 4), OWN, mapped(OWN, DATA, 1), mapped(OWN, LOGS, 2), mapped(OWN, secret, 3)
    )

    said = status.of_host(
        LET_IN, Outcome(host_plan.plan(LET_IN, world_of, seen)), world_of, seen, "2026-03-01T00:00:00Z"
    )

    assert said.mappings is not None
    assert [(each.lun, each.volume, each.uid) for each in said.mappings.items] == [
        (1, "data", DATA.uid),
        (2, "logs", LOGS.uid),
        (3, None, secret.uid),
    ]
    taken = attach.plan(theirs("pinned", what="da", lun=3), world_of, seen)
    assert isinstance(taken, Refuse)
    assert "LUN 3 of host" in taken.message
    assert "secret" not in taken.message
    named = attach.plan(theirs("pinned", what="da", lun=2), world_of, seen)
    assert isinstance(named, Refuse)
    assert "taken by volume logs" in named.message


def test_a_host_object_is_not_shown_to_who_may_not_adopt_it() -> None:
    wished = their_host()
    known: Host = host_object("admins", port("node", logins=2))
    world_of, seen = around(wished, **OPEN), inventory(known, DATA, mapped(known, DATA))
    decision = host_plan.plan(wished, world_of, seen)

    said = status.of_host(wished, Outcome(decision), world_of, seen, "2026-03-01T00:00:00Z")

    assert "admins" not in said.model_dump_json()
    assert "data" not in said.model_dump_json()


def test_a_row_that_cannot_be_read_tells_nothing_to_a_namespace_that_may_not_have_its_volume() -> None:
    seen = inventory(DATA, OWN)
    seen.learn_odd("lshostvdiskmap", [Odd("svcinfo lshostvdiskmap secret", "no LUN", frozenset({DATA.uid.lower()}))])
    wished = theirs(what=DATA.uid)
    world_of = around(wished, their_host(), **only("logs"))
    refused = attach.plan(wished, world_of, seen)

    assert isinstance(refused, Refuse)
    assert as_far_as_read(refused, wished, world_of, seen) == refused
