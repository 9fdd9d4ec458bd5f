"""The CHAP secret of a host object: set before the first mapping, compared with the array's, never displayed."""

from typing import Any

import pytest

from flashsystem_operator.api.host import ChapSeen, FlashSystemHost
from flashsystem_operator.array.commands import ClearChap, MakeHost, MapVolume, SetChap
from flashsystem_operator.array.model import Dialect, Inventory
from flashsystem_operator.controller import observer
from flashsystem_operator.planner import batch, status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.planner.host.host_settings import chap_in_force
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


def state_of(resource: FlashSystemHost, secret: ChapSecret | Refuse | None = SECRET) -> Desired:
    return desired(resource, WANTED, chap={resource.ref: secret} if secret else {})


def decided(resource: FlashSystemHost, seen: Inventory, secret: ChapSecret | Refuse | None = SECRET) -> Decision:
    return plan(resource, state_of(resource, secret), seen)


def attaching(resource: FlashSystemHost, seen: Inventory, secret: ChapSecret | Refuse | None = SECRET) -> Decision:
    return attach.plan(WANTED, state_of(resource, secret), seen)


MAPPED = MapVolume(OWN, DATA.name, DATA.uid, Lun(1))

CASES = [
    Case(
        "the secret is set after the host object is created and before its first mapping",
        attaching(node(), inventory(DATA, chap={})),
        Act((MakeHost(OWN, (iqn("node"),)), SetChap(OWN, SECRET, "-chapsecret"), MAPPED)),
    ),
    Case(
        "a persistent host object is created with its secret",
        decided(node(lifecycle="Persistent"), inventory(chap={})),
        Act((MakeHost(OWN, (iqn("node"),)), SetChap(OWN, SECRET, "-chapsecret"))),
    ),
    Case(
        "nothing is mapped to the operator's host object before its secret is set",
        attaching(node(), inventory(OURS, DATA, chap={})),
        Act((SetChap(OWN, SECRET, "-chapsecret"), MAPPED)),
    ),
    Case(
        "a secret that the array secret but does not show is not set again, and this is reported",
        decided(node(), inventory(OURS, chap={OWN: None})),
        Reason.NOT_SUPPORTED,
    ),
    Case(
        "a host object with a CHAP user name of its own is not used with the initiator's name",
        decided(node(), inventory(OURS, chap={OWN: ChapSecret(SECRET.text, username="other-user")})),
        Reason.HOST_DIFFERS,
    ),
    Case(
        "a changed secret is set",
        decided(node(), inventory(OURS, chap={OWN: OTHER})),
        Act((SetChap(OWN, SECRET, "-chapsecret"),)),
    ),
    Case("a secret that is in force is left alone", decided(node(), inventory(OURS, chap={OWN: SECRET})), Reason.READY),
    Case(
        "release 9.1 uses another parameter for it",
        decided(node(), inventory(OURS, of=body(level=(9, 1, 0)), chap={})),
        Act((SetChap(OWN, SECRET, "-hostsecret"),)),
    ),
    Case(
        "a secret that the operator set is removed when the field is removed",
        decided(node(chap=None, status=RECORDED), inventory(OURS, chap={OWN: SECRET})),
        Act((ClearChap(OWN, "-nochapsecret"),)),
    ),
    Case(
        "a secret that an administrator set stays",
        decided(node(chap=None), inventory(OURS, chap={OWN: SECRET})),
        Reason.READY,
    ),
    Case(
        "no secret is set on an administrator's host object, even if it secret the same one",
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
        "the legacy dialect does not support a secret for a host",
        decided(node(), inventory(of=LEGACY)),
        Reason.NOT_SUPPORTED,
        ("Remove spec.chap",),
    ),
    Case(
        "on the legacy dialect nothing is mapped without the desired secret",
        attaching(node(), inventory(DATA, of=LEGACY)),
        Reason.HOST_NOT_READY,
        ("spec.chap",),
    ),
    Case(
        "a problem with the Secret is reported",
        decided(node(), inventory(chap={}), FORBIDDEN),
        Reason.CHAP_SECRET_FORBIDDEN,
    ),
    Case(
        "without its Secret nothing new is mapped, and existing mappings stay",
        attaching(node(), inventory(OURS, DATA, chap={OWN: OTHER}), FORBIDDEN),
        Reason.HOST_NOT_READY,
        (FORBIDDEN.message,),
    ),
    Case(
        "nothing is done until the Secret was read",
        decided(node(), inventory(OURS, chap={}), None),
        Reason.PROGRESSING,
    ),
    Case(
        "a secret that the array does not report is not guessed",
        decided(node(), inventory(OURS, chap=None)),
        Reason.REFUSED_BY_ARRAY,
        ("lsiscsiauth",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_chap(case: Case) -> None:
    hold(case)


def test_a_host_object_that_was_removed_and_created_again_is_not_assumed_to_have_a_secret() -> None:
    seen = inventory(OURS, DATA, chap={OWN: SECRET})
    seen.learn_host(OWN, None)

    assert attaching(node(), seen) == attaching(node(), inventory(DATA, chap={}))


def test_the_secret_is_set_once_in_a_batch() -> None:
    resource = node()
    decisions = batch.plan(state_of(resource), inventory(OURS, DATA, chap={}), [resource.ref, WANTED.ref])

    assert decisions == {resource.ref: Act((SetChap(OWN, SECRET, "-chapsecret"),)), WANTED.ref: Act((MAPPED,))}


def test_the_name_of_the_secret_is_recorded_before_it_is_set_and_its_version_after() -> None:
    resource, seen = node(), inventory(OURS, chap={})
    decision = plan(resource, state_of(resource), seen)

    recorded = status.intents_of_hosts({resource.ref: decision}, state_of(resource), seen)[resource.ref].status
    assert recorded.chap == ChapSeen(secret_name="node-chap")

    resource = resource.model_copy(update={"status": recorded})
    seen = inventory(OURS, chap={OWN: SECRET})
    written = status.of_host(resource, Outcome(plan(resource, state_of(resource), seen)), state_of(resource), seen, NOW)
    assert written.chap == ChapSeen(secret_name="node-chap", secret_version="17")


def test_a_recorded_secret_is_forgotten_only_when_the_array_was_observed_without_it() -> None:
    resource = node(chap=None, status=RECORDED)

    def recorded_chap(seen: Inventory) -> ChapSeen | None:
        return status.of_host(
            resource, Outcome(plan(resource, state_of(resource), seen)), state_of(resource), seen, NOW
        ).chap

    assert (
        recorded_chap(inventory(OURS, chap=None))
        == recorded_chap(inventory(OURS, chap={OWN: SECRET}))
        == resource.status.chap
    )
    assert recorded_chap(inventory(OURS, chap={})) is None


def test_secrets_are_read_from_the_array_only_if_a_host_has_or_had_one_in_its_spec() -> None:
    def reads_secrets(resource: FlashSystemHost, seen: Inventory) -> bool:
        return observer.doubtful_focus(desired(resource, WANTED), seen, [WANTED.ref]).chap

    assert reads_secrets(node(), inventory(OURS))
    assert reads_secrets(node(chap=None, status=RECORDED), inventory(OURS))
    assert not reads_secrets(node(chap=None), inventory(OURS))
    assert not reads_secrets(node(), inventory(OURS, chap={}))
    assert not reads_secrets(node(), inventory(of=LEGACY))


def test_a_secret_is_in_force_only_when_the_array_has_it() -> None:
    resource = node()

    assert chap_in_force(resource, OWN, state_of(resource), inventory(OURS, chap={OWN: SECRET})) == SECRET
    assert chap_in_force(resource, OWN, state_of(resource), inventory(OURS, chap={OWN: OTHER})) is None
    assert chap_in_force(resource, OWN, state_of(resource), inventory(OURS)) is None


def test_an_attachment_retries_to_read_the_secret_of_its_host_since_no_event_reports_a_change() -> None:
    decision = attaching(node(), inventory(DATA, chap={}), FORBIDDEN)

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.HOST_NOT_READY
    assert decision.retry is not None
