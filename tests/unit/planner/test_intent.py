"""What is recorded before anything is done, and whose a mapping is: what detaching stands on."""

from flashsystem_operator.api.attachment import Origin
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


def test_what_detaching_needs_is_recorded_before_the_first_command() -> None:
    wished, seen = attachment("a", "node"), inventory(DATA, ADMINS)
    around = desired(wished, MACHINE)

    said = status.intent_of_attachment(wished, Outcome(attach.plan(wished, around, seen)), around, seen, NOW)

    assert said.origin is Origin.CREATED
    assert said.array is not None
    assert said.array.system_id == SYSTEM
    assert said.host is not None
    assert (said.host.name, said.host.initiators) == (ADMINS.name, (iqn("node"),))
    assert said.volume is not None
    assert said.volume.uid == DATA.uid


def test_a_host_object_that_is_to_be_made_is_recorded_with_its_name_and_initiators() -> None:
    wished, seen = attachment("a", "node"), inventory(DATA)
    around = desired(wished, MACHINE)

    said = status.intent_of_attachment(wished, Outcome(attach.plan(wished, around, seen)), around, seen, NOW)

    assert said.host is not None
    assert (said.host.name, said.host.initiators) == (own_name("node"), (iqn("node"),))


def test_what_stands_on_an_earlier_step_of_the_batch_is_recorded_too() -> None:
    leaving = host("leaving", "node", meta={"deleting": True})
    wished, seen = attachment("a", "node"), inventory(DATA, host_object(own_name("leaving"), "node"))
    around = desired(wished, MACHINE, leaving)
    decisions = batch.plan(around, seen, [leaving.ref, wished.ref])
    assert isinstance(decisions[wished.ref], Act)

    said = status.intent_of_attachment(wished, Outcome(decisions[wished.ref]), around, seen, NOW)

    assert said.origin is Origin.CREATED
    assert said.host is not None
    assert said.host.name == own_name("node")


def test_nothing_is_recorded_where_nothing_is_done() -> None:
    wished, seen = attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA))
    around = desired(wished, MACHINE)

    assert (
        status.intent_of_attachment(wished, Outcome(attach.plan(wished, around, seen)), around, seen, NOW)
        is wished.status
    )


def test_a_name_is_bound_to_its_uid_at_the_first_look_even_if_nothing_can_be_done() -> None:
    said = of(attachment("a", "nowhere"), inventory(DATA), MACHINE)

    assert said.volume is not None
    assert said.volume.uid == DATA.uid


def test_the_place_of_a_mapping_is_not_forgotten_when_the_host_turns_out_to_be_another() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))
    elsewhere = host("node", "new-card")

    said = of(wished, inventory(DATA, ADMINS, mapped(ADMINS, DATA)), elsewhere)

    assert said.host is not None
    assert said.host.name == ADMINS.name


# -- whose mapping it is ---------------------------------------------------------------------------------------------


def test_a_mapping_on_our_own_host_object_is_ours() -> None:
    assert of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA))).origin is Origin.CREATED


def test_a_mapping_found_on_an_administrators_host_object_is_taken_over() -> None:
    assert of(attachment("a", "node"), inventory(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.ADOPTED


def test_a_mapping_on_an_administrators_host_object_is_ours_if_that_was_recorded_before() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(wished, inventory(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.CREATED


def test_a_mapping_that_the_array_did_not_let_us_make_was_made_by_somebody_else() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(wished, inventory(DATA, ADMINS, mapped(ADMINS, DATA)), refused=True).origin is Origin.ADOPTED


def test_the_record_of_a_command_that_the_array_refused_does_not_claim_a_later_mapping() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))
    seen = inventory(DATA, ADMINS)
    refused = of(recorded, seen, error=Refused("svctask mkvdiskhostmap", "CMMVC6071E"), refused=True)
    assert refused.origin is None

    later = of(after(recorded, refused), inventory(DATA, ADMINS, mapped(ADMINS, DATA)))

    assert later.origin is Origin.ADOPTED


def test_what_we_did_to_one_host_object_is_no_claim_on_what_is_found_on_another() -> None:
    wished = attachment("a", "node", status=bound(OURS, DATA), access="Shared")
    other = host_object("admins", "new-card")

    said = of(wished, inventory(DATA, OURS, other, mapped(OURS, DATA), mapped(other, DATA)), host("node", "new-card"))

    assert said.host is not None
    assert (said.host.name, said.origin) == ("admins", Origin.ADOPTED)


def test_a_host_object_that_was_renamed_is_the_one_that_we_mapped_to() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))
    renamed = host_object("renamed", "node")

    assert of(wished, inventory(DATA, renamed, mapped(renamed, DATA))).origin is Origin.CREATED


def test_a_record_outlives_a_command_that_was_not_sent() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(recorded, inventory(DATA, ADMINS), error=RuntimeError("the Lease was lost")).origin is Origin.CREATED


def test_the_younger_of_a_pair_inherits_what_the_elder_had_the_mapping_for() -> None:
    elder = attachment("elder", "node", status=bound(ADMINS, DATA))
    seen = inventory(DATA, ADMINS, mapped(ADMINS, DATA))

    assert of(attachment("a", "node"), seen, MACHINE, elder).origin is Origin.CREATED


def test_a_mapping_through_a_host_cluster_is_never_ours() -> None:
    wished = attachment("a", "node", access="Shared")

    assert of(wished, inventory(DATA, OURS, mapped(OURS, DATA, cluster="c"))).origin is Origin.ADOPTED


def test_what_is_being_deleted_keeps_its_record_to_the_end() -> None:
    wished = attachment("a", "node", status=bound(OURS, DATA, lun=3), meta={"deleting": True})

    said = of(wished, inventory(DATA, OURS, mapped(OURS, DATA, 3)))

    assert (said.host, said.volume, said.lun) == (wished.status.host, said.volume, 3)
    assert said.volume is not None
    assert said.volume.uid == DATA.uid
