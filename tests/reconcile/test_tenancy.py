"""Who may use an array, and for what. A permission that is withdrawn stops what is new, and takes nothing away."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.state import Host
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import attachment as attachments
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile import status
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Reason
from flashsystem_operator.reconcile.names import host_object_name
from flashsystem_operator.reconcile.saying import Outcome
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import Lun
from support.arranging import (
    INSTALLATION,
    array,
    attachment,
    bound,
    host,
    host_object,
    iqn,
    mapped,
    port,
    view,
    volume,
    world,
)
from support.deciding import Case, hold, sentence

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
ATTACHED = view(DATA, LOGS, OWN, mapped(OWN, DATA))
OPEN, CLOSED = {"allowed_namespaces": {"from": "All"}}, {"allowed_namespaces": {"from": "Same"}}
ADOPTING = {**OPEN, "host_adoption": {"from": "All"}}
MADE = {"name": OWN.name, "ownership": "Created", "ports": [{"iqn": iqn("node")}]}


def around(*resources: FlashSystemHost | VolumeAttachment, **spec: Any) -> World:
    return world(*resources, of=array(**spec), namespaces=NAMESPACES)


def of_attachment(
    wished: VolumeAttachment, seen: View, *others: FlashSystemHost | VolumeAttachment, **spec: Any
) -> Decision:
    return attachments.plan(wished, around(wished, *others, **spec), seen)


def of_host(wished: FlashSystemHost, seen: View, *others: VolumeAttachment, **spec: Any) -> Decision:
    return hosts.plan(wished, around(wished, *others, **spec), seen)


def only(*names: str) -> dict[str, Any]:
    return {**OPEN, "volume_access": [{"namespaceSelector": {}, "volumes": list(names)}]}


LET_IN = their_host(status=MADE)
HAD = theirs(status=bound(OWN, DATA))
FORMERLY = their_host(status={"name": "admins", "ownership": "Adopted", "ports": [{"iqn": iqn("node")}]})

CASES = [
    Case(
        "a namespace that is let in has its volume mapped",
        of_attachment(theirs(), view(DATA, OWN), their_host(), **OPEN),
        Act((MapVolume(OWN.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case("one that is not is refused, host", of_host(their_host(), view(DATA, OWN)), Reason.ARRAY_NOT_ALLOWED),
    Case("and attachment", of_attachment(theirs(), view(DATA, OWN), their_host()), Reason.ARRAY_NOT_ALLOWED),
    Case(
        "whether the volume exists is not told to who is not let in",
        of_attachment(theirs(what="nothing"), view(), their_host()),
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
        of_attachment(HAD, view(DATA, OWN), LET_IN, **CLOSED),
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
        ("What is attached already stays so",),
    ),
    Case(
        "detaching always works",
        of_attachment(theirs(status=bound(OWN, DATA), meta={"deleting": True}), ATTACHED, LET_IN, **CLOSED),
        Act((UnmapVolume(OWN.name, DATA.name, DATA.uid),)),
    ),
    Case("so does the end of the host object", of_host(LET_IN, view(OWN), **CLOSED), Act((RemoveHost(OWN.name),))),
    Case(
        "so does that of a deleted host",
        of_host(their_host(status=MADE, meta={"deleting": True}), view(OWN), **CLOSED),
        Act((RemoveHost(OWN.name),)),
    ),
    # -- volumes -----------------------------------------------------------------------------------------------------
    Case(
        "a volume that no entry allows is refused",
        of_attachment(theirs(), view(DATA, OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "by uid it is judged by the name that it has",
        of_attachment(theirs(what=DATA.uid), view(DATA, OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
        ("data",),
    ),
    Case(
        "one that is not there is refused by its name alone",
        of_attachment(theirs(what="secret"), view(OWN), their_host(), **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "volume access withdrawn leaves what is attached",
        of_attachment(HAD, ATTACHED, LET_IN, **only("logs")),
        Reason.ATTACHED,
    ),
    Case(
        "but does not map it again",
        of_attachment(HAD, view(DATA, OWN), LET_IN, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    Case(
        "a mapping that is found needs the permission too",
        of_attachment(theirs(), ATTACHED, LET_IN, **only("logs")),
        Reason.VOLUME_NOT_ALLOWED,
    ),
    # -- adopting ----------------------------------------------------------------------------------------------------
    Case("who may adopt, adopts", of_host(their_host(), view(ADMINS), **ADOPTING), Reason.READY, ("admins",)),
    Case("who may not, does not", of_host(their_host(), view(ADMINS), **OPEN), Reason.ADOPTION_NOT_ALLOWED),
    Case(
        "adoption withdrawn leaves what is attached",
        of_attachment(theirs(status=bound(ADMINS, DATA)), view(DATA, ADMINS, mapped(ADMINS, DATA)), FORMERLY, **OPEN),
        Reason.ATTACHED,
    ),
    Case(
        "and maps nothing new",
        of_attachment(theirs(), view(DATA, ADMINS), FORMERLY, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
        ("spec.hostAdoption",),
    ),
    Case(
        "and takes nothing more over",
        of_attachment(theirs(), view(DATA, ADMINS, mapped(ADMINS, DATA)), FORMERLY, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    Case(
        "a mapping through a host cluster is taken over by who may",
        of_attachment(theirs(access="Shared"), view(DATA, OWN, mapped(OWN, DATA, cluster="c")), LET_IN, **OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    # -- nobody is kept out by who is not let in ---------------------------------------------------------------------
    Case(
        "an Exclusive attachment of who is not let in keeps nobody from sharing",
        of_attachment(
            theirs(access="Shared"),
            view(DATA, OWN, host_object("x", "x"), mapped(host_object("x"), DATA)),
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
        of_host(their_host("mine", initiators={"iscsi": [iqn("node")]}), view(), **OPEN),
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
    seen = view(DATA, OWN)
    decision = attachments.plan(wished, world_of, seen)

    said = status.of_attachment(wished, Outcome(decision), world_of, seen, "2026-03-01T00:00:00Z")

    assert said.volume is None
    assert not isinstance(decision, InSync)


def test_a_host_object_is_not_shown_to_who_may_not_adopt_it() -> None:
    wished = their_host()
    known: Host = host_object("admins", port("node", logins=2))
    world_of, seen = around(wished, **OPEN), view(known, DATA, mapped(known, DATA))
    decision = hosts.plan(wished, world_of, seen)

    said = status.of_host(wished, Outcome(decision), world_of, seen, "2026-03-01T00:00:00Z")

    assert "admins" not in said.model_dump_json()
    assert "data" not in said.model_dump_json()
