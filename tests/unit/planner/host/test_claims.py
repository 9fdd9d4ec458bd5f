"""Two FlashSystemHosts name one initiator: a claim counts only if its resource may use what is on the array."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, InSync, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_plan
from support.builders import array, attachment, bound, desired, host, host_object, inventory, iqn, mapped, volume

DATA, LOGS = volume(), volume("logs", 2)
ADMINS = host_object("admins", "node", "node-b")
SEEN = inventory(ADMINS, DATA, LOGS, mapped(ADMINS, DATA))
ADOPTED = {
    "name": "admins",
    "ownership": "Adopted",
    "ports": [{"iqn": iqn("node")}, {"iqn": iqn("node-b")}],
}
BOTH = {"initiators": {"iscsi": [iqn("node"), iqn("node-b")]}}


def of(namespace: str, name: str = "node", **more: Any) -> FlashSystemHost:
    ref = {"name": "array", "namespace": "storage"}
    return host(name, array_ref=ref, meta={"namespace": namespace}, **{**BOTH, **more})


def detaching(what: Any = DATA, **more: Any) -> VolumeAttachment:
    return attachment(
        "a", "node", what.name, meta={"namespace": "storage", "deleting": True}, status=bound(ADMINS, what), **more
    )


def state_of(*resources: FlashSystemHost | VolumeAttachment, adoption: str = "Same") -> Desired:
    """Return the desired state. With hostAdoption Same only the array's own namespace, `storage`, may adopt."""
    spec = {"allowed_namespaces": {"from": "All"}, "host_adoption": {"from": adoption}}
    return desired(*resources, of=array(**spec))


def reason(found: object) -> Reason | None:
    return found.reason if isinstance(found, Wait | Refuse | InSync) else None


@pytest.mark.parametrize("claim", [["node"], ["node", "node-b"]], ids=["one of them", "all of them"])
@pytest.mark.parametrize("known", [{}, ADOPTED], ids=["not adopted yet", "adopted"])
def test_an_older_claim_from_a_namespace_that_may_not_adopt_does_not_affect_an_adopted_host(
    claim: list[str], known: dict[str, Any]
) -> None:
    claimant = of("tenant", initiators={"iscsi": [iqn(name) for name in claim]})
    victim, more = of("storage", status=known), attachment("b", "node", "logs", meta={"namespace": "storage"})
    state = state_of(claimant, victim, more)

    assert reason(host_plan.plan(victim, state, SEEN)) is Reason.READY
    assert reason(host_plan.plan(claimant, state, SEEN)) is Reason.INITIATOR_CLAIMED
    decision = attach.plan(more, state, SEEN)
    assert isinstance(decision, Act)
    assert [type(step) for step in decision.steps] == [MapVolume]


@pytest.mark.parametrize("known", [{}, ADOPTED], ids=["adoption was not recorded", "adopted"])
@pytest.mark.parametrize("adoption", ["Same", "All"])
def test_a_volume_is_detached_from_an_adopted_host_whose_initiator_an_older_resource_claims(
    known: dict[str, Any], adoption: str
) -> None:
    claimant = of("tenant", initiators={"iscsi": [iqn("node")]})
    victim, leaving = of("storage", status=known), detaching()

    decision = attach.plan(leaving, state_of(claimant, victim, leaving, adoption=adoption), SEEN)
    assert decision == Act((UnmapVolume(ADMINS.name, DATA.name, DATA.uid),))


def test_a_volume_is_detached_also_after_the_permission_to_adopt_was_withdrawn() -> None:
    claimant = of("other")
    victim = of("tenant", status=ADOPTED)
    leaving = attachment("a", "node", meta={"namespace": "tenant", "deleting": True}, status=bound(ADMINS, DATA))

    decision = attach.plan(leaving, state_of(claimant, victim, leaving), SEEN)
    assert decision == Act((UnmapVolume(ADMINS.name, DATA.name, DATA.uid),))


def test_a_host_object_stays_with_the_resource_that_adopted_it_first_despite_an_older_claim() -> None:
    claimant, victim = of("tenant"), of("storage", status=ADOPTED)
    state = state_of(claimant, victim, adoption="All")

    assert reason(host_plan.plan(victim, state, SEEN)) is Reason.READY
    assert reason(host_plan.plan(claimant, state, SEEN)) is Reason.INITIATOR_CLAIMED


def test_of_two_resources_that_may_adopt_a_host_object_and_have_not_the_older_one_gets_it() -> None:
    elder, younger = of("tenant"), of("storage")
    state = state_of(elder, younger, adoption="All")

    assert reason(host_plan.plan(elder, state, SEEN)) is Reason.READY
    assert reason(host_plan.plan(younger, state, SEEN)) is Reason.INITIATOR_CLAIMED
