"""Whether an array is ready to be used. Each failure has its own reason and its message names the remedy."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    OutcomeUnknown,
    Refused,
    Unreachable,
    Unreadable,
)
from flashsystem_operator.array.model import Body, Portset
from flashsystem_operator.planner.array.array_plan import (
    check_array,
    duplicate,
    elder,
    judge_error,
    plan_gone,
    system_of,
    system_reached,
)
from flashsystem_operator.planner.decision import InSync, Reason, Refuse, Release, Wait
from support.builders import NODE, POOL, PORTAL, SYSTEM, array, body
from support.decision_table import Case, hold, sentence

OTHER = "00000204AAAAAAAA"


def judged(seen: Body, **spec: Any) -> InSync | Refuse:
    return check_array(array(**spec), seen)


CASES = [
    Case("an array that meets all requirements is ready", judged(body(), pool="Pool0"), Reason.READY, ("fs", SYSTEM)),
    Case("a modern array needs no pool in the spec", judged(body(pool=None)), Reason.READY),
    Case(
        "with open access mappings have no effect, so the array is refused",
        judged(body(open_access=True)),
        Reason.OPEN_ACCESS_ON,
        ("chsystem -openaccess off",),
    ),
    Case(
        "a pool that the spec names must exist",
        judged(body(pool=None), pool="Pool9"),
        Reason.POOL_NOT_FOUND,
        ("Pool9", "spec.pool"),
    ),
    Case("a pool must not be offline", judged(body(pool=replace(POOL, status="offline"))), Reason.POOL_OFFLINE),
    Case("a degraded pool is still usable", judged(body(pool=replace(POOL, status="degraded"))), Reason.READY),
    Case(
        "the spec may name a portset for iSCSI hosts",
        judged(body(portsets=("portset0", "blue")), iscsi={"portset": "blue"}),
        Reason.READY,
    ),
    Case(
        "a portset that the spec names must exist",
        judged(body(), iscsi={"portset": "blue"}),
        Reason.PORTSET_NOT_FOUND,
        ("no portset blue", "spec.iscsi.portset"),
    ),
    Case(
        "a portset for replication is refused for hosts",
        judged(body(portsets=(Portset("blue", "replication", "ethernet"),)), iscsi={"portset": "blue"}),
        Reason.PORTSET_MISMATCH,
        ("type replication, not host", "spec.iscsi.portset"),
    ),
    Case(
        "a portset for Fibre Channel is refused for iSCSI hosts",
        judged(body(portsets=(Portset("portset64", "host", "fc"),)), iscsi={"portset": "portset64"}),
        Reason.PORTSET_MISMATCH,
        ("port type fc, not ethernet",),
    ),
    Case(
        "on an array without portsets the portset of the spec is ignored",
        judged(body(level=(8, 3), portsets=()), iscsi={"portset": "blue"}),
        Reason.READY,
    ),
    Case(
        "at least one node with an iSCSI name must be online",
        judged(body(nodes=(replace(NODE, online=False, status="service"),))),
        Reason.NO_ONLINE_NODE,
        ("node1 is service",),
    ),
    Case(
        "an online node without an iSCSI name serves no iSCSI host",
        judged(body(nodes=(replace(NODE, iqn=""),))),
        Reason.NO_ONLINE_NODE,
    ),
    Case(
        "an array that lists no node is reported as such",
        judged(body(nodes=())),
        Reason.NO_ONLINE_NODE,
        ("lists none",),
    ),
    Case(
        "an array without a configured portal is refused",
        judged(body(portals=())),
        Reason.NO_USABLE_PORTAL,
        (". Configure one",),
    ),
    Case(
        "a portal that is down does not count",
        judged(body(portals=(replace(PORTAL, usable=False),))),
        Reason.NO_USABLE_PORTAL,
    ),
    Case(
        "at least one of the portal addresses in the spec must be usable",
        judged(body(), iscsi={"portalAddresses": ["10.9.9.9"]}),
        Reason.NO_USABLE_PORTAL,
        ("spec.iscsi.portalAddresses. Correct these, or configure one",),
    ),
    Case(
        "two spellings of an IPv6 address are equal",
        judged(body(portals=(replace(PORTAL, address="fd00::12"),)), iscsi={"portalAddresses": ["FD00:0:0::0:12"]}),
        Reason.READY,
    ),
    # -- why it could not be read ------------------------------------------------------------------------------------
    Case("an array that cannot be reached is retried", judge_error(Unreachable("no route")), Reason.UNREACHABLE),
    Case(
        "a refused login needs an administrator, and the message names the Secret",
        judge_error(LoginRefused("password refused")),
        Reason.LOGIN_FAILED,
        ("password refused", "Secret"),
    ),
    Case(
        "a host key that does not match needs an administrator",
        judge_error(HostKeyMismatch("shows SHA256:x", "ssh-ed25519 AAAA")),
        Reason.HOST_KEY_MISMATCH,
        ("SHA256:x", "spec.hostKeys", "Nothing was sent"),
    ),
    Case(
        "another system at the address is not accepted",
        judge_error(OtherSystem(SYSTEM, OTHER)),
        Reason.OTHER_SYSTEM,
        (SYSTEM, OTHER, "spec.management.addresses"),
    ),
    Case(
        "a refused read command is reported with the array's message",
        judge_error(Refused("svcinfo lssystem", "CMMVC6253E not authorized")),
        Reason.REFUSED_BY_ARRAY,
        ("CMMVC6253E not authorized",),
    ),
    Case(
        "output that cannot be parsed is a bug of the operator, and nothing was changed",
        judge_error(Unreadable("svcinfo lssystem", "it has no column 'id'")),
        Reason.UNREADABLE_ANSWER,
        ("no column 'id'", "report"),
    ),
    Case("a session that breaks during a read is retried", judge_error(OutcomeUnknown("x", "y")), Reason.UNREACHABLE),
    # -- being deleted ----------------------------------------------------------------------------------------------
    Case("an array that no resource uses is released", plan_gone(array(), 0, 0), Release()),
    Case(
        "an array in use waits, and the message counts the resources that use it",
        plan_gone(array(), 1, 2),
        Reason.IN_USE,
        ("1 FlashSystemHost ", "2 VolumeAttachments"),
    ),
    Case("attachments alone keep it in use too", plan_gone(array(), 0, 1), Reason.IN_USE),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_array(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize("error", [LoginRefused("x"), HostKeyMismatch("x", "y"), OtherSystem("x", "y")])
def test_an_error_that_only_an_administrator_can_fix_is_stalled(error: ArrayError) -> None:
    assert isinstance(judge_error(error), Refuse)


@pytest.mark.parametrize("error", [Unreachable("x"), Refused("x", "y"), Unreadable("x", "y"), OutcomeUnknown("x", "y")])
def test_every_other_error_is_expected_to_resolve_itself_and_is_retried(error: ArrayError) -> None:
    assert isinstance(judge_error(error), Wait)


def of_system(name: str, system: str | None = SYSTEM, **more: Any) -> FlashSystemArray:
    return array(meta={"name": name, **more}, status={"system_id": system} if system else {})


def test_only_the_oldest_of_several_resources_of_one_system_is_used() -> None:
    first, second, third = of_system("first"), of_system("second"), of_system("third")
    others = [third, first, second]

    assert elder(first, others) is None
    assert elder(second, others) == first
    assert elder(third, others) == first


def test_resources_of_different_or_unknown_systems_are_no_duplicates() -> None:
    first, other, unknown = of_system("first"), of_system("other", OTHER), of_system("unknown", None)

    assert elder(other, [first, unknown]) is None
    assert elder(unknown, [first, other]) is None


@pytest.mark.parametrize("claim", ["systemID", "accept-system"])
def test_a_resource_that_never_reached_the_system_that_it_names_blocks_no_other_resource(claim: str) -> None:
    pinned = array(meta={"name": "first"}, system_id=SYSTEM)
    metadata = {"name": "first", "annotations": {"flashsystem.io/accept-system": SYSTEM}}
    accepted = array(meta=metadata, status={"system_id": OTHER})
    first, second = (pinned if claim == "systemID" else accepted), of_system("second")

    assert elder(second, [first]) is None
    assert system_reached(first) is None
    assert system_reached(second) == SYSTEM


def test_the_system_id_of_the_spec_takes_precedence_over_that_of_the_status() -> None:
    assert system_of(array(system_id=OTHER.lower(), status={"system_id": SYSTEM})) == OTHER


def test_a_duplicate_in_another_namespace_is_not_named() -> None:
    near = duplicate(of_system("second"), of_system("first"))
    far = duplicate(of_system("second"), of_system("secret-name", namespace="secret-namespace"))

    assert "storage/first" in near.message
    assert "secret" not in far.message
