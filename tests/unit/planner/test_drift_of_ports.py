"""Ports of a host object of the operator that were changed outside the operator: what is reported and corrected."""

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import AddPorts
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner import status
from flashsystem_operator.planner.decision import InSync, Reason, Refuse, Wait
from flashsystem_operator.planner.status import Outcome
from support.builders import attachment, desired, host_object, inventory, iqn, mapped, own_name, port, volume
from support.drift_table import (
    BOTH,
    DATA,
    LOGS,
    NODE,
    OURS,
    TEMP,
    THREE,
    attached,
    done,
    hosted,
    reasons_of,
    was_attached,
    with_ports,
)
from support.status_fixtures import NOW


def after(resource: FlashSystemHost, observed: Inventory) -> FlashSystemHost:
    desired_state = desired(resource, was_attached())
    outcome = Outcome(hosted(resource, observed, was_attached()))
    return resource.model_copy(update={"status": status.of_host(resource, outcome, desired_state, observed, NOW)})


def test_a_removed_initiator_is_remembered_until_it_is_back() -> None:
    observed = inventory(DATA, OURS, mapped(OURS, DATA))
    reported = after(with_ports("node", "second", drift_policy="Report"), observed)

    assert {each.iqn: each.state for each in reported.status.ports} == {
        iqn("node"): "offline",
        iqn("second"): "removed",
    }
    assert after(reported, observed).status == reported.status
    assert reasons_of(hosted(reported, inventory(DATA, BOTH, mapped(BOTH, DATA)), was_attached())) == ("Ready",)


def test_an_initiator_that_is_new_in_the_spec_is_added_whatever_the_policy() -> None:
    resource = with_ports("node", drift_policy="Report")

    assert done(hosted(resource, inventory(DATA, OURS, mapped(OURS, DATA)), was_attached())) == (AddPorts,)


def test_a_volume_is_not_mapped_to_a_host_that_lacks_an_initiator() -> None:
    resource = with_ports("node", "second", drift_policy="Report")

    decision = attached(attachment("a", "node", "logs"), inventory(DATA, LOGS, OURS), resource)

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.HOST_NOT_READY


def test_a_foreign_initiator_is_reported_by_name_and_stays() -> None:
    existing = host_object(own_name("node"), "node", port("by-hand", logins=1))

    decision = hosted(
        with_ports("node", spec=("node",)), inventory(DATA, existing, mapped(existing, DATA)), was_attached()
    )

    assert isinstance(decision, InSync)
    assert iqn("by-hand") in decision.notes[0].message


def test_a_missing_host_object_that_is_not_needed_is_no_drift() -> None:
    assert reasons_of(hosted(NODE, inventory(DATA))) == ("NotNeeded",)
    assert reasons_of(hosted(NODE, inventory(volume("data", 1)), attachment("a", "node"))) == ("NotNeeded",)


def test_a_removed_host_object_is_not_reported_as_not_needed() -> None:
    decision = hosted(NODE, inventory(DATA, LOGS, TEMP), *THREE)

    assert isinstance(decision, Refuse)
    assert own_name("node") in decision.message
    assert "data, logs and temp" in decision.message
