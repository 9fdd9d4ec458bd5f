"""A host object with ports that are not iSCSI is used if the spec allows it. Attached volumes stay attached anyway."""

from dataclasses import replace

import pytest

from flashsystem_operator.api.base import find
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, UnmapVolume
from flashsystem_operator.array.model import Host, Inventory, Protocol
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import Lun
from support.builders import (
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    metadata,
    own_name,
    port,
    volume,
    wwpn,
)
from support.status_fixtures import DATA, MACHINE, NOW, of

OWN = own_name("node")
FC, SAS = wwpn(), replace(wwpn("500062B200556140"), protocol=Protocol.SAS)
ADMINS = host_object("admins", "node")
MIXED = host_object("admins", "node", FC, SAS)
ALLOWING = host("node", initiators={"iscsi": [iqn("node")], "otherPorts": "Allow"})
WANTED = attachment("a", "node")
ATTACHED = attachment("a", "node", status=bound(ADMINS, DATA, lun=1, attached_time=NOW))


def of_host(resource: FlashSystemHost, *facts: Host) -> Decision:
    return host_plan.plan(resource, desired(resource, WANTED), inventory(*facts))


def test_a_host_object_with_other_ports_is_adopted_only_where_the_spec_allows_them() -> None:
    refused = of_host(MACHINE, MIXED)

    assert isinstance(refused, Refuse)
    assert refused.reason is Reason.EXTRA_INITIATORS
    assert f"set spec.initiators.otherPorts to Allow for {FC.name} and {SAS.name}" in refused.message
    assert "add" not in refused.message.lower().split("if they")[1], "only iSCSI names can be added to the spec"
    assert isinstance(of_host(ALLOWING, MIXED), InSync)
    seen = inventory(DATA, MIXED)
    assert attach.plan(WANTED, desired(ALLOWING, WANTED), seen) == Act(
        (MapVolume(MIXED.name, DATA.name, DATA.uid, Lun(1)),)
    )


def test_an_iscsi_name_that_is_not_in_the_spec_is_refused_in_any_case() -> None:
    refused = of_host(ALLOWING, host_object("admins", "node", "stranger", FC))

    assert isinstance(refused, Refuse)
    assert refused.reason is Reason.EXTRA_INITIATORS
    assert iqn("stranger") in refused.message
    assert FC.name not in refused.message


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "refused"])
def test_another_port_on_the_operators_host_object_is_drift_where_it_is_not_allowed(*, allowed: bool) -> None:
    current = host_object(OWN, "node", FC)

    decision = host_plan.plan(
        ALLOWING if allowed else MACHINE,
        desired(MACHINE, ATTACHED),
        inventory(DATA, current, mapped(current, DATA)),
    )

    assert isinstance(decision, InSync)
    assert [note.reason for note in decision.notes] == ([] if allowed else [Reason.PORTS_CHANGED])
    assert allowed or f"set spec.initiators.otherPorts to Allow for {FC.name}" in decision.notes[0].message


# -- attached volumes stay attached ------------------------------------------------------------------------------------

LATER_ON = {
    "a Fibre Channel port was added": (MACHINE, [host_object("admins", "node", FC)]),
    "an initiator was added": (MACHINE, [host_object("admins", "node", "stranger")]),
    "an initiator was moved": (
        host("node", "node", "second"),
        [ADMINS, host_object("other", "second")],
    ),
    "the object was renamed and got a port": (MACHINE, [host_object("renamed", "node", FC)]),
    "the spec cannot be read": (
        FlashSystemHost.read_in_part(
            {
                "metadata": metadata("node"),
                "spec": {
                    "arrayRef": {"name": "array"},
                    "initiators": {"iscsi": [iqn("node")], "otherPorts": "Perhaps"},
                },
            },
            "spec.initiators.otherPorts cannot be read.",
        ),
        [ADMINS],
    ),
}


def later(why: str) -> tuple[FlashSystemHost, Inventory]:
    resource, facts = LATER_ON[why]
    return resource, inventory(DATA, *facts, mapped(facts[0], DATA, 1))


@pytest.mark.parametrize("why", list(LATER_ON))
def test_an_attached_volume_keeps_its_connection_while_mapped_whatever_is_wrong_with_its_host(why: str) -> None:
    resource, seen = later(why)

    attachment_status = of(ATTACHED, seen, resource)

    ready = find(attachment_status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", Reason.HOST_NOT_READY)
    assert ready.message.endswith("Until then the volume stays attached as it is.")
    assert attachment_status.connection is not None
    assert (attachment_status.connection.lun, attachment_status.connection.volume_uid) == (1, DATA.uid)
    assert attachment_status.connection.targets


@pytest.mark.parametrize("why", list(LATER_ON))
def test_nothing_new_is_mapped_to_a_host_that_is_not_ready(why: str) -> None:
    resource, seen = later(why)
    logs = volume("logs", 2)
    seen.learn_volume(logs)
    new = attachment("b", "node", "logs")

    decision = attach.plan(new, desired(resource, ATTACHED, new), seen)

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.HOST_NOT_READY
    assert "stays attached" not in decision.message
    assert of(new, seen, resource, ATTACHED).connection is None


@pytest.mark.parametrize("why", list(LATER_ON))
def test_there_is_no_connection_without_a_mapping_or_for_a_volume_that_was_never_attached(why: str) -> None:
    resource, facts = LATER_ON[why]
    never = attachment("a", "node", status=bound(ADMINS, DATA, origin=None))

    assert of(ATTACHED, inventory(DATA, *facts), resource).connection is None
    assert of(ATTACHED, inventory(*facts), resource).connection is None
    assert of(never, inventory(DATA, *facts, mapped(facts[0], DATA, 1)), resource).connection is None


def test_a_volume_is_unmapped_from_a_renamed_host_object_whose_other_ports_are_allowed() -> None:
    renamed = host_object("renamed", "node", FC)
    leaving = attachment("a", "node", status=bound(ADMINS, DATA), meta={"deleting": True})

    decision = attach.plan(leaving, desired(ALLOWING, leaving), inventory(DATA, renamed, mapped(renamed, DATA)))

    assert decision == Act((UnmapVolume(renamed.name, DATA.name, DATA.uid),))


def test_a_blocked_detach_reports_that_iscsiadm_does_not_log_out_a_port_that_is_not_iscsi() -> None:
    current = host_object("admins", port("node"), replace(FC, logins=2))
    leaving = attachment("a", "node", status=bound(current, DATA), meta={"deleting": True})
    state = desired(ALLOWING, leaving)

    (decision,) = batch.plan(state, inventory(DATA, current, mapped(current, DATA)), [leaving.ref]).values()

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.DETACH_BLOCKED
    assert f"{FC.name} is not iSCSI and stays logged in until it is disconnected." in decision.message
