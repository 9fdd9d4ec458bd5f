"""What is said of hosts and attachments: wishes, facts and a decision, as fields. Detaching stands on the record."""

from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, Origin, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostStatus, Ownership
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.state import Node, Portal
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import attachment as attachments
from flashsystem_operator.reconcile import batch, records, status
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile.decision import Act, InSync
from flashsystem_operator.reconcile.saying import Outcome
from support.arranging import (
    NODE,
    PORTAL,
    SYSTEM,
    attachment,
    body,
    bound,
    host,
    host_object,
    iqn,
    mapped,
    own_name,
    port,
    uid,
    view,
    volume,
    world,
    wwpn,
)

NOW, LATER = "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z"
DATA = volume("data", 1)
MACHINE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")


def of(
    wished: VolumeAttachment, seen: View, *others: FlashSystemHost | VolumeAttachment, **outcome: Any
) -> AttachmentStatus:
    around = world(wished, *(others or (MACHINE,)))
    decided = Outcome(attachments.plan(wished, around, seen), **outcome)
    return status.of_attachment(wished, decided, around, seen, NOW)


def of_host(wished: FlashSystemHost, seen: View, *others: FlashSystemHost | VolumeAttachment) -> HostStatus:
    around = world(wished, *others)
    return status.of_host(wished, Outcome(hosts.plan(wished, around, seen)), around, seen, NOW)


def after(wished: VolumeAttachment, said: AttachmentStatus) -> VolumeAttachment:
    return wished.model_copy(update={"status": said})


# -- the connection --------------------------------------------------------------------------------------------------


def test_the_connection_is_what_an_initiator_needs_and_the_volumes_io_group_comes_first() -> None:
    far = Node("3", "node3", online=True, status="online", iqn="iqn.far", io_group="io_grp1", config_node=False)
    portals = [
        PORTAL,
        Portal("fd00::13", "3", "node3", "io_grp1", "iqn.far", "", "configured", usable=True),
        Portal("10.0.1.99", "1", "node1", "io_grp0", NODE.iqn, "", "configured", usable=False),
    ]
    there = volume("data", 1, io_group="io_grp1")
    seen = view(there, OURS, mapped(OURS, there, 5), of=body(portals=portals, nodes=(NODE, far)))

    connection = of(attachment("a", "node"), seen).connection

    assert connection is not None
    assert connection.to_json() == {
        "driverVolumeType": "iscsi",
        "targetDiscovered": False,
        "targetPortal": "[fd00::13]:3260",
        "targetIQN": "iqn.far",
        "targetLUN": 5,
        "volumeID": there.uid,
        "targetPortals": ["[fd00::13]:3260", "10.0.1.11:3260"],
        "targetIQNs": ["iqn.far", NODE.iqn],
        "targetLUNs": [5, 5],
    }


def test_only_portals_of_the_hosts_portset_are_told() -> None:
    mine, other = [
        Portal(address, "1", "node1", "io_grp0", NODE.iqn, portset, "configured", usable=True)
        for address, portset in (("10.0.1.1", "mine"), ("10.0.1.2", "other"))
    ]
    there = host_object(own_name("node"), "node", portset="mine")
    seen = view(DATA, there, mapped(there, DATA), of=body(portals=(mine, other)))

    connection = of(attachment("a", "node"), seen).connection

    assert connection is not None
    assert connection.target_portals == ("10.0.1.1:3260",)


def test_what_is_not_mapped_has_no_connection_but_keeps_what_binds_it() -> None:
    before = of(attachment("a", "node"), view(DATA, OURS, mapped(OURS, DATA, 3)))
    wished = attachment("a", "node", status=before.to_json())

    said = of(wished, view(DATA, OURS))

    assert said.connection is None
    assert (said.host, said.volume, said.lun, said.origin) == (before.host, before.volume, 3, Origin.CREATED)


def test_the_time_of_attaching_and_of_each_condition_moves_only_when_it_should() -> None:
    seen = view(DATA, OURS, mapped(OURS, DATA))
    before = of(attachment("a", "node"), seen)
    wished = attachment("a", "node", status=before.to_json())
    around = world(wished, MACHINE)

    said = status.of_attachment(wished, Outcome(attachments.plan(wished, around, seen)), around, seen, LATER)

    assert said == before
    assert said.attached_time == NOW


# -- the record ------------------------------------------------------------------------------------------------------


def test_what_detaching_needs_is_recorded_before_the_first_command() -> None:
    wished, seen = attachment("a", "node"), view(DATA, ADMINS)
    around = world(wished, MACHINE)

    said = records.of_attachment(wished, Outcome(attachments.plan(wished, around, seen)), around, seen, NOW)

    assert said.origin is Origin.CREATED
    assert said.array is not None
    assert said.array.system_id == SYSTEM
    assert said.host is not None
    assert (said.host.name, said.host.initiators) == (ADMINS.name, (iqn("node"),))
    assert said.volume is not None
    assert said.volume.uid == DATA.uid


def test_a_host_object_that_is_to_be_made_is_recorded_with_its_name_and_initiators() -> None:
    wished, seen = attachment("a", "node"), view(DATA)
    around = world(wished, MACHINE)

    said = records.of_attachment(wished, Outcome(attachments.plan(wished, around, seen)), around, seen, NOW)

    assert said.host is not None
    assert (said.host.name, said.host.initiators) == (own_name("node"), (iqn("node"),))


def test_what_stands_on_an_earlier_step_of_the_batch_is_recorded_too() -> None:
    leaving = host("leaving", "node", meta={"deleting": True})
    wished, seen = attachment("a", "node"), view(DATA, host_object(own_name("leaving"), "node"))
    around = world(wished, MACHINE, leaving)
    decisions = batch.plan(around, seen, [leaving.ref, wished.ref])
    assert isinstance(decisions[wished.ref], Act)

    said = records.of_attachment(wished, Outcome(decisions[wished.ref]), around, seen, NOW)

    assert said.origin is Origin.CREATED
    assert said.host is not None
    assert said.host.name == own_name("node")


def test_nothing_is_recorded_where_nothing_is_done() -> None:
    wished, seen = attachment("a", "node"), view(DATA, OURS, mapped(OURS, DATA))
    around = world(wished, MACHINE)

    assert (
        records.of_attachment(wished, Outcome(attachments.plan(wished, around, seen)), around, seen, NOW)
        is wished.status
    )


def test_a_name_is_bound_to_its_uid_at_the_first_look_even_if_nothing_can_be_done() -> None:
    said = of(attachment("a", "nowhere"), view(DATA), MACHINE)

    assert said.volume is not None
    assert said.volume.uid == DATA.uid


def test_the_place_of_a_mapping_is_not_forgotten_when_the_host_turns_out_to_be_another() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))
    elsewhere = host("node", "new-card")

    said = of(wished, view(DATA, ADMINS, mapped(ADMINS, DATA)), elsewhere)

    assert said.host is not None
    assert said.host.name == ADMINS.name


# -- whose mapping it is ---------------------------------------------------------------------------------------------


def test_a_mapping_on_our_own_host_object_is_ours() -> None:
    assert of(attachment("a", "node"), view(DATA, OURS, mapped(OURS, DATA))).origin is Origin.CREATED


def test_a_mapping_found_on_an_administrators_host_object_is_taken_over() -> None:
    assert of(attachment("a", "node"), view(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.TAKEN_OVER


def test_a_mapping_on_an_administrators_host_object_is_ours_if_that_was_recorded_before() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(wished, view(DATA, ADMINS, mapped(ADMINS, DATA))).origin is Origin.CREATED


def test_a_mapping_that_the_array_did_not_let_us_make_was_made_by_somebody_else() -> None:
    wished = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(wished, view(DATA, ADMINS, mapped(ADMINS, DATA)), refused=True).origin is Origin.TAKEN_OVER


def test_the_record_of_a_command_that_the_array_refused_does_not_claim_a_later_mapping() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))
    seen = view(DATA, ADMINS)
    refused = of(recorded, seen, error=Refused("svctask mkvdiskhostmap", "CMMVC6071E"), refused=True)
    assert refused.origin is None

    later = of(after(recorded, refused), view(DATA, ADMINS, mapped(ADMINS, DATA)))

    assert later.origin is Origin.TAKEN_OVER


def test_a_record_outlives_a_command_that_was_not_sent() -> None:
    recorded = attachment("a", "node", status=bound(ADMINS, DATA))

    assert of(recorded, view(DATA, ADMINS), error=RuntimeError("the Lease was lost")).origin is Origin.CREATED


def test_the_younger_of_a_pair_inherits_what_the_elder_had_the_mapping_for() -> None:
    elder = attachment("elder", "node", status=bound(ADMINS, DATA))
    seen = view(DATA, ADMINS, mapped(ADMINS, DATA))

    assert of(attachment("a", "node"), seen, MACHINE, elder).origin is Origin.CREATED


def test_a_mapping_through_a_host_cluster_is_never_ours() -> None:
    wished = attachment("a", "node", access="Shared")

    assert of(wished, view(DATA, OURS, mapped(OURS, DATA, cluster="c"))).origin is Origin.TAKEN_OVER


def test_what_is_being_deleted_keeps_its_record_to_the_end() -> None:
    wished = attachment("a", "node", status=bound(OURS, DATA, lun=3), meta={"deleting": True})

    said = of(wished, view(DATA, OURS, mapped(OURS, DATA, 3)))

    assert (said.host, said.volume, said.lun) == (wished.status.host, said.volume, 3)
    assert said.volume is not None
    assert said.volume.uid == DATA.uid


# -- hosts -----------------------------------------------------------------------------------------------------------


def test_a_host_tells_its_object_ports_and_mappings() -> None:
    there = host_object(own_name("node"), port("node", logins=2))

    said = of_host(MACHINE, view(DATA, there, mapped(there, DATA, 3)), attachment("a", "node"))

    assert (said.name, said.id, said.ownership) == (there.name, there.id, Ownership.CREATED)
    assert [(each.iqn, each.state, each.logins) for each in said.ports] == [(iqn("node"), "active", 2)]
    assert said.mappings is not None
    assert said.mappings.to_json() == {"count": 1, "items": [{"lun": 3, "volume": "data"}]}


def test_ports_that_somebody_else_put_on_our_host_object_are_not_remembered_as_ours() -> None:
    there = host_object(own_name("node"), "node", "by-hand", wwpn())

    said = of_host(MACHINE, view(DATA, there, mapped(there, DATA)), attachment("a", "node"))

    assert [each.iqn for each in said.ports] == [iqn("node")]


def test_ports_that_the_spec_named_once_are_remembered_until_they_are_gone() -> None:
    wished = host("node", status={"ports": [{"iqn": iqn("old")}]})

    said = of_host(wished, view(DATA, host_object(own_name("node"), "node", "old")), attachment("a", "node"))

    assert {each.iqn for each in said.ports} == {iqn("node"), iqn("old")}


def test_a_host_that_cannot_be_told_keeps_its_memory() -> None:
    known: dict[str, Any] = {"name": OURS.name, "ports": [{"iqn": iqn("node")}], "ownership": "Created"}
    wished = host("node", "one", "two", status=known)

    said = of_host(wished, view(host_object("a", "one"), host_object("b", "two")))

    assert (said.name, said.ownership) == (OURS.name, Ownership.CREATED)


def test_an_act_that_is_decided_is_not_yet_ready() -> None:
    wished = attachment("a", "node")
    seen = view(DATA)
    assert isinstance(attachments.plan(wished, world(wished, MACHINE), seen), Act)
    ready = {each.type: each.status for each in of(wished, seen).conditions}

    assert ready == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}


def test_another_volume_of_the_bound_name_does_not_change_the_binding() -> None:
    wished = attachment("a", "node", status=bound(OURS, volume("data", 9)))

    said = of(wished, view(DATA, OURS, mapped(OURS, DATA)))

    assert said.volume is not None
    assert said.volume.uid == uid(9)
    assert not isinstance(attachments.plan(wished, world(wished, MACHINE), view(DATA, OURS)), InSync)
