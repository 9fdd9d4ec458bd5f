"""The CHAP secret of a host object: set before the first mapping, compared with the array's, never shown."""

from typing import Any

import pytest

from flashsystem_operator.api.host import ChapSeen, FlashSystemHost
from flashsystem_operator.array.commands import ClearChap, MakeHost, MapVolume, SetChap
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Dialect
from flashsystem_operator.planner import batch, required_looks, status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host.host_chap import in_force
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import ChapSecret, Lun
from support.builders import attachment, body, desired, host, host_object, inventory, iqn, own_name, volume
from support.decision_table import Case, hold, sentence

NOW = "2026-03-01T00:00:00Z"
DATA = volume("data", 1)
OWN = own_name("node")
OURS = host_object(OWN, "node")
WANTED = attachment("a", "node")
SECRET, OTHER = ChapSecret("correct-horse-battery", "17"), ChapSecret("quite-another-one")
LEGACY = body(dialect=Dialect.LEGACY, level=(1, 4), portsets=())
RECORDED = {"ownership": "Created", "chap": {"secret_name": "node-chap"}}
FORBIDDEN = Refuse(Reason.CHAP_SECRET_FORBIDDEN, "The operator may not read it.")


def node(**more: Any) -> FlashSystemHost:
    return host("node", **{"chap": {"secretRef": {"name": "node-chap"}}, **more})


def around(wished: FlashSystemHost, has: ChapSecret | Refuse | None = SECRET) -> Desired:
    return desired(wished, WANTED, chap={wished.ref: has} if has else {})


def decided(wished: FlashSystemHost, seen: Inventory, has: ChapSecret | Refuse | None = SECRET) -> Decision:
    return plan(wished, around(wished, has), seen)


def attaching(wished: FlashSystemHost, seen: Inventory, has: ChapSecret | Refuse | None = SECRET) -> Decision:
    return attach.plan(WANTED, around(wished, has), seen)


MAPPED = MapVolume(OWN, DATA.name, DATA.uid, Lun(1))

CASES = [
    Case(
        "the secret is set between the making of the host object and its first mapping",
        attaching(node(), inventory(DATA, chap={})),
        Act((MakeHost(OWN, (iqn("node"),)), SetChap(OWN, SECRET, "-chapsecret"), MAPPED)),
    ),
    Case(
        "a persistent host object is made with its secret",
        decided(node(lifecycle="Persistent"), inventory(chap={})),
        Act((MakeHost(OWN, (iqn("node"),)), SetChap(OWN, SECRET, "-chapsecret"))),
    ),
    Case(
        "nothing is mapped to a host object of ours before its secret is set",
        attaching(node(), inventory(OURS, DATA, chap={})),
        Act((SetChap(OWN, SECRET, "-chapsecret"), MAPPED)),
    ),
    Case(
        "a secret that the array has and does not show is not set again, and that is said",
        decided(node(), inventory(OURS, chap={OWN: None})),
        Reason.NOT_SUPPORTED,
    ),
    Case(
        "a host object that asks for a user name of its own is not used with the initiator's",
        decided(node(), inventory(OURS, chap={OWN: ChapSecret(SECRET.text, username="someone")})),
        Reason.HOST_DIFFERS,
    ),
    Case(
        "a changed secret is set",
        decided(node(), inventory(OURS, chap={OWN: OTHER})),
        Act((SetChap(OWN, SECRET, "-chapsecret"),)),
    ),
    Case("a secret that is in force is left alone", decided(node(), inventory(OURS, chap={OWN: SECRET})), Reason.READY),
    Case(
        "release 9.1 has another word for it",
        decided(node(), inventory(OURS, of=body(level=(9, 1, 0)), chap={})),
        Act((SetChap(OWN, SECRET, "-hostsecret"),)),
    ),
    Case(
        "what we set is taken away with the field",
        decided(node(chap=None, status=RECORDED), inventory(OURS, chap={OWN: SECRET})),
        Act((ClearChap(OWN, "-nochapsecret"),)),
    ),
    Case(
        "a secret that an administrator set by hand stays",
        decided(node(chap=None), inventory(OURS, chap={OWN: SECRET})),
        Reason.READY,
    ),
    Case(
        "an administrator's host object is given no secret, even where it has this one",
        decided(node(), inventory(host_object("admins", "node"), chap={host_object("admins").name: SECRET})),
        Reason.HOST_DIFFERS,
        ("spec.chap", "admins"),
    ),
    Case(
        "and nothing new is mapped to it",
        attaching(node(), inventory(host_object("admins", "node"), DATA, chap={})),
        Reason.HOST_NOT_READY,
    ),
    Case(
        "the legacy dialect knows no secret for a host",
        decided(node(), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("Remove spec.chap",),
    ),
    Case(
        "there nothing is mapped without the secret that is wished",
        attaching(node(), inventory(DATA, of=LEGACY)),
        Reason.HOST_NOT_READY,
        ("spec.chap",),
    ),
    Case(
        "what is wrong with the Secret is said",
        decided(node(), inventory(chap={}), FORBIDDEN),
        Reason.CHAP_SECRET_FORBIDDEN,
    ),
    Case(
        "without its Secret nothing new is mapped, and what is there stays",
        attaching(node(), inventory(OURS, DATA, chap={OWN: OTHER}), FORBIDDEN),
        Reason.HOST_NOT_READY,
        (FORBIDDEN.message,),
    ),
    Case(
        "nothing is done before the Secret was read",
        decided(node(), inventory(OURS, chap={}), None),
        Reason.PROGRESSING,
    ),
    Case(
        "what the array does not tell is not guessed",
        decided(node(), inventory(OURS, chap=None)),
        Reason.REFUSED_BY_ARRAY,
        ("lsiscsiauth",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_chap(case: Case) -> None:
    hold(case)


def test_a_host_object_that_was_removed_and_made_again_is_not_taken_for_one_with_a_secret() -> None:
    seen = inventory(OURS, DATA, chap={OWN: SECRET})
    seen.learn_host(OWN, None)

    assert attaching(node(), seen) == attaching(node(), inventory(DATA, chap={}))


def test_in_a_batch_the_secret_is_set_once() -> None:
    wished = node()
    decisions = batch.plan(around(wished), inventory(OURS, DATA, chap={}), [wished.ref, WANTED.ref])

    assert decisions == {wished.ref: Act((SetChap(OWN, SECRET, "-chapsecret"),)), WANTED.ref: Act((MAPPED,))}


def test_the_name_of_the_secret_is_recorded_before_it_is_set_and_its_version_after() -> None:
    wished, seen = node(), inventory(OURS, chap={})
    decision = plan(wished, around(wished), seen)

    recorded = status.intents_of_hosts({wished.ref: decision}, around(wished), seen)[wished.ref].status
    assert recorded.chap == ChapSeen(secret_name="node-chap")

    wished = wished.model_copy(update={"status": recorded})
    seen = inventory(OURS, chap={OWN: SECRET})
    said = status.of_host(wished, Outcome(plan(wished, around(wished), seen)), around(wished), seen, NOW)
    assert said.chap == ChapSeen(secret_name="node-chap", secret_version="17")


def test_what_was_recorded_is_forgotten_only_when_the_array_was_seen_without_it() -> None:
    wished = node(chap=None, status=RECORDED)

    def said(seen: Inventory) -> ChapSeen | None:
        return status.of_host(wished, Outcome(plan(wished, around(wished), seen)), around(wished), seen, NOW).chap

    assert said(inventory(OURS, chap=None)) == said(inventory(OURS, chap={OWN: SECRET})) == wished.status.chap
    assert said(inventory(OURS, chap={})) is None


def test_the_array_is_asked_for_its_secrets_only_where_somebody_wishes_one_or_had_one() -> None:
    def asks(wished: FlashSystemHost, seen: Inventory) -> bool:
        return required_looks.doubts(desired(wished, WANTED), seen, [WANTED.ref]).chap

    assert asks(node(), inventory(OURS))
    assert asks(node(chap=None, status=RECORDED), inventory(OURS))
    assert not asks(node(chap=None), inventory(OURS))
    assert not asks(node(), inventory(OURS, chap={}))
    assert not asks(node(), inventory(of=LEGACY))


def test_a_secret_counts_once_the_array_asks_for_it() -> None:
    wished = node()

    assert in_force(wished, OWN, around(wished), inventory(OURS, chap={OWN: SECRET})) == SECRET
    assert in_force(wished, OWN, around(wished), inventory(OURS, chap={OWN: OTHER})) is None
    assert in_force(wished, OWN, around(wished), inventory(OURS)) is None


def test_an_attachment_asks_again_for_a_secret_of_its_host_since_nothing_shows_that_it_changed() -> None:
    decision = attaching(node(), inventory(DATA, chap={}), FORBIDDEN)

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.HOST_NOT_READY
    assert decision.retry is not None
