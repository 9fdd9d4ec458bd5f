"""What is recorded before a command is sent, and who created a mapping: detaching depends on both."""

from flashsystem_operator.api.base import Origin
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.planner import batch, status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act
from flashsystem_operator.planner.status import Outcome
from support.builders import (
    SYSTEM,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
)
from support.status_fixtures import ADMINS, DATA, MACHINE, NOW, OURS, after, of

# -- the record ------------------------------------------------------------------------------------------------------


def test_everything_that_detaching_needs_is_recorded_before_the_first_command() -> None:
    resource, observed = attachment("a", "node"), inventory(DATA, ADMINS)
    desired_state = desired(resource, MACHINE)

    record = status.intent_of_attachment(
        resource, Outcome(attach.plan(resource, desired_state, observed)), desired_state, observed, NOW
    )

    assert record.origin is Origin.CREATED
    assert record.array is not None
    assert record.array.system_id == SYSTEM
    assert record.host is not None
    assert (record.host.name, record.host.initiators) == (ADMINS.name, (iqn("node"),))
    assert record.volume is not None
    assert record.volume.uid == DATA.uid


def test_a_host_object_that_is_to_be_created_is_recorded_with_its_name_and_initiators() -> None:
    resource, observed = attachment("a", "node"), inventory(DATA)
    desired_state = desired(resource, MACHINE)

    record = status.intent_of_attachment(
        resource, Outcome(attach.plan(resource, desired_state, observed)), desired_state, observed, NOW
    )

    assert record.host is not None
    assert (record.host.name, record.host.initiators) == (own_name("node"), (iqn("node"),))


def test_a_mapping_that_depends_on_an_earlier_step_of_the_batch_is_recorded_too() -> None:
    deleted_host = host("leaving", "node", meta={"deleting": True})
    resource, observed = attachment("a", "node"), inventory(DATA, host_object(own_name("leaving"), "node"))
    desired_state = desired(resource, MACHINE, deleted_host)
    decisions = batch.plan(desired_state, observed, [deleted_host.ref, resource.ref])
    assert isinstance(decisions[resource.ref], Act)

    record = status.intent_of_attachment(resource, Outcome(decisions[resource.ref]), desired_state, observed, NOW)

    assert record.origin is Origin.CREATED
    assert record.host is not None
    assert record.host.name == own_name("node")


def test_nothing_is_recorded_when_nothing_is_done() -> None:
    resource, observed = attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA))
    desired_state = desired(resource, MACHINE)

    assert (
        status.intent_of_attachment(
            resource, Outcome(attach.plan(resource, desired_state, observed)), desired_state, observed, NOW
        )
        is resource.status
    )


def test_a_volume_name_is_bound_to_its_uid_at_the_first_read_even_if_nothing_can_be_done() -> None:
    record = of(attachment("a", "nowhere"), inventory(DATA), MACHINE)

    assert record.volume is not None
    assert record.volume.uid == DATA.uid


def test_the_recorded_host_of_a_mapping_is_kept_when_the_host_turns_out_to_be_another() -> None:
    resource = attachment("a", "node", status=bound(ADMINS, DATA))
    elsewhere = host("node", "new-card")

    record = of(resource, inventory(DATA, ADMINS, mapped(ADMINS, DATA)), elsewhere)

    assert record.host is not None
    assert record.host.name == ADMINS.name


# -- who created a mapping -------------------------------------------------------------------------------------------


def test_a_mapping_on_a_host_object_of_the_operator_counts_as_created() -> None:
    assert of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA))).origin is Origin.CREATED


def test_a_mapping_found_on_an_administrators_host_object_counts_as_adopted() -> None:
    assert of(attachment("a", "node"), inventory(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.ADOPTED


def test_a_mapping_on_an_administrators_host_object_counts_as_created_if_recorded_before() -> None:
    resource = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(resource, inventory(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.CREATED


def test_a_mapping_that_exists_although_the_array_refused_our_command_counts_as_adopted() -> None:
    resource = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(resource, inventory(DATA, ADMINS, mapped(ADMINS, DATA)), refused=True).origin is Origin.ADOPTED


def test_the_record_of_a_command_that_the_array_refused_does_not_claim_a_later_mapping() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))
    observed = inventory(DATA, ADMINS)
    refused = of(recorded, observed, error=Refused("svctask mkvdiskhostmap", "CMMVC6071E"), refused=True)
    assert refused.origin is None

    later = of(after(recorded, refused), inventory(DATA, ADMINS, mapped(ADMINS, DATA)))

    assert later.origin is Origin.ADOPTED


def test_a_mapping_created_on_one_host_object_is_no_claim_to_a_mapping_found_on_another() -> None:
    resource = attachment("a", "node", status=bound(OURS, DATA), access="Shared")
    other = host_object("admins", "new-card")

    record = of(
        resource, inventory(DATA, OURS, other, mapped(OURS, DATA), mapped(other, DATA)), host("node", "new-card")
    )

    assert record.host is not None
    assert (record.host.name, record.origin) == ("admins", Origin.ADOPTED)


def test_a_renamed_host_object_is_still_the_one_that_the_operator_mapped_to() -> None:
    resource = attachment("a", "node", status=bound(ADMINS, DATA))
    renamed = host_object("renamed", "node")

    assert of(resource, inventory(DATA, renamed, mapped(renamed, DATA))).origin is Origin.CREATED


def test_a_record_is_kept_when_its_command_was_not_sent() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(recorded, inventory(DATA, ADMINS), error=RuntimeError("the Lease was lost")).origin is Origin.CREATED


def test_the_younger_of_two_attachments_of_one_mapping_inherits_the_origin_from_the_older() -> None:
    older = attachment("elder", "node", status=bound(ADMINS, DATA))
    observed = inventory(DATA, ADMINS, mapped(ADMINS, DATA))

    assert of(attachment("a", "node"), observed, MACHINE, older).origin is Origin.CREATED


def test_a_mapping_through_a_host_cluster_never_counts_as_created() -> None:
    resource = attachment("a", "node", access="Shared")

    assert of(resource, inventory(DATA, OURS, mapped(OURS, DATA, cluster="c"))).origin is Origin.ADOPTED


def test_an_attachment_that_is_being_deleted_keeps_its_record_to_the_end() -> None:
    resource = attachment("a", "node", status=bound(OURS, DATA, lun=3), meta={"deleting": True})

    record = of(resource, inventory(DATA, OURS, mapped(OURS, DATA, 3)))

    assert (record.host, record.volume, record.lun) == (resource.status.host, record.volume, 3)
    assert record.volume is not None
    assert record.volume.uid == DATA.uid
