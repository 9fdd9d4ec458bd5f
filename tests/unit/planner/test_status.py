"""The status fields of hosts and attachments, from the desired state, the inventory and a decision."""

from dataclasses import replace
from typing import Any

from flashsystem_operator.api.base import Origin
from flashsystem_operator.array.model import Node, Odd, Portal
from flashsystem_operator.planner import status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, InSync
from flashsystem_operator.planner.status import Outcome
from support.builders import (
    NODE,
    PORTAL,
    attachment,
    body,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    uid,
    volume,
    wwpn,
)
from support.status_fixtures import DATA, LATER, MACHINE, NOW, OURS, of, of_host

# -- the connection --------------------------------------------------------------------------------------------------


def test_the_connection_has_what_an_initiator_needs_and_the_io_group_of_the_volume_comes_first() -> None:
    far = Node("3", "node3", online=True, status="online", iqn="iqn.far", io_group="io_grp1", config_node=False)
    portals = [
        PORTAL,
        Portal("fd00::13", "3", "node3", "io_grp1", "iqn.far", "", "configured", usable=True),
        Portal("10.0.1.99", "1", "node1", "io_grp0", NODE.iqn, "", "configured", usable=False),
    ]
    far_volume = volume("data", 1, io_group="io_grp1")
    observed = inventory(far_volume, OURS, mapped(OURS, far_volume, 5), of=body(portals=portals, nodes=(NODE, far)))

    connection = of(attachment("a", "node"), observed).connection

    assert connection is not None
    assert connection.to_json() == {
        "protocol": "iscsi",
        "volumeUID": far_volume.uid,
        "lun": 5,
        "targets": [{"portal": "[fd00::13]:3260", "iqn": "iqn.far"}, {"portal": "10.0.1.11:3260", "iqn": NODE.iqn}],
    }


PARTNER = replace(NODE, id="2", name="node2", iqn="iqn.partner")
BOTH = body(
    nodes=(NODE, PARTNER),
    portals=(PORTAL, replace(PORTAL, address="10.0.1.12", node_id="2", node="node2", iqn=PARTNER.iqn)),
)


def test_the_preferred_node_of_the_volume_comes_first_among_the_nodes_of_its_io_group() -> None:
    theirs = replace(DATA, preferred_node="2")

    reported = of(attachment("a", "node"), inventory(theirs, OURS, mapped(OURS, theirs), of=BOTH))

    assert reported.connection is not None
    assert reported.connection.targets[0].iqn == PARTNER.iqn
    assert [each.portal for each in reported.connection.targets] == ["10.0.1.12:3260", "10.0.1.11:3260"]


def test_the_order_of_portals_stays_when_a_list_view_lacks_the_preferred_node() -> None:
    theirs = replace(DATA, preferred_node="2")
    before = of(attachment("a", "node"), inventory(theirs, OURS, mapped(OURS, theirs), of=BOTH))

    listed = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=BOTH))

    assert listed.volume == before.volume
    assert listed.connection == before.connection


def test_a_connection_loses_no_portal_while_a_node_cannot_be_read() -> None:
    odd = Odd("svcinfo lsnode", "a row has 3 fields, the header 4", frozenset({"node2"}))
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA), of=BOTH))
    partly = replace(body(), odd=(odd,))

    unchanged = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=partly))
    elsewhere = inventory(DATA, OURS, mapped(OURS, DATA, 9), of=partly)
    moved = of(attachment("a", "node", status=dict(before)), elsewhere).connection

    assert before.connection is not None
    assert len(before.connection.targets) == 2
    assert unchanged.connection == before.connection
    assert moved is not None
    assert (moved.lun, len(moved.targets)) == (9, 1)


def test_a_connection_stays_while_the_only_node_of_its_portset_cannot_be_read() -> None:
    odd = Odd("svcinfo lsnode", "a row has 3 fields, the header 4", frozenset({"node2"}))
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA)))
    without = replace(body(portals=()), odd=(odd,))

    unchanged = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=without))

    assert before.connection is not None
    assert unchanged.connection == before.connection


def test_only_portals_of_the_portset_of_the_host_are_listed() -> None:
    mine, other = [
        Portal(address, "1", "node1", "io_grp0", NODE.iqn, portset, "configured", usable=True)
        for address, portset in (("10.0.1.1", "mine"), ("10.0.1.2", "other"))
    ]
    existing = host_object(own_name("node"), "node", portset="mine")
    observed = inventory(DATA, existing, mapped(existing, DATA), of=body(portals=(mine, other)))

    connection = of(attachment("a", "node"), observed).connection

    assert connection is not None
    assert [each.portal for each in connection.targets] == ["10.0.1.1:3260"]


def test_an_attachment_that_is_not_mapped_has_no_connection_but_keeps_its_binding() -> None:
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA, 3)))
    resource = attachment("a", "node", status=before.to_json())

    reported = of(resource, inventory(DATA, OURS))

    assert reported.connection is None
    assert (reported.host, reported.volume, reported.lun, reported.origin) == (
        before.host,
        before.volume,
        3,
        Origin.CREATED,
    )


def test_the_time_of_attaching_and_of_each_condition_changes_only_when_it_should() -> None:
    observed = inventory(DATA, OURS, mapped(OURS, DATA))
    before = of(attachment("a", "node"), observed)
    resource = attachment("a", "node", status=before.to_json())
    desired_state = desired(resource, MACHINE)

    reported = status.of_attachment(
        resource, Outcome(attach.plan(resource, desired_state, observed)), desired_state, observed, LATER
    )

    assert reported == before
    assert reported.attached_time == NOW


# -- hosts -----------------------------------------------------------------------------------------------------------


def test_the_status_of_a_host_has_its_host_object_ports_and_mappings() -> None:
    existing = host_object(own_name("node"), port("node", logins=2))

    reported = of_host(MACHINE, inventory(DATA, existing, mapped(existing, DATA, 3)), attachment("a", "node"))

    assert (reported.name, reported.id, reported.ownership) == (existing.name, existing.id, Origin.CREATED)
    assert [(each.iqn, each.state, each.logins) for each in reported.ports] == [(iqn("node"), "active", 2)]
    assert reported.mappings is not None
    assert reported.mappings.to_json() == {"count": 1, "items": [{"lun": 3, "volume": "data", "uid": DATA.uid}]}


def test_ports_added_to_our_host_object_outside_the_operator_are_not_remembered_as_ours() -> None:
    existing = host_object(own_name("node"), "node", "by-hand", wwpn())

    reported = of_host(MACHINE, inventory(DATA, existing, mapped(existing, DATA)), attachment("a", "node"))

    assert [each.iqn for each in reported.ports] == [iqn("node")]


def test_ports_that_the_spec_named_once_are_remembered_until_they_are_gone() -> None:
    resource = host("node", status={"ownership": "Created", "ports": [{"iqn": iqn("old")}]})

    reported = of_host(resource, inventory(DATA, host_object(own_name("node"), "node", "old")), attachment("a", "node"))

    assert {each.iqn for each in reported.ports} == {iqn("node"), iqn("old")}


def test_a_host_that_cannot_be_identified_keeps_what_its_status_remembers() -> None:
    known: dict[str, Any] = {"name": OURS.name, "ports": [{"iqn": iqn("node")}], "ownership": "Created"}
    resource = host("node", "one", "two", status=known)

    reported = of_host(resource, inventory(host_object("a", "one"), host_object("b", "two")))

    assert (reported.name, reported.ownership) == (OURS.name, Origin.CREATED)


def test_an_attachment_whose_steps_are_only_planned_is_not_ready() -> None:
    resource = attachment("a", "node")
    observed = inventory(DATA)
    assert isinstance(attach.plan(resource, desired(resource, MACHINE), observed), Act)
    ready = {each.type: each.status for each in of(resource, observed).conditions}

    assert ready == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}


def test_another_volume_with_the_bound_name_does_not_change_the_binding() -> None:
    resource = attachment("a", "node", status=bound(OURS, volume("data", 9)))

    reported = of(resource, inventory(DATA, OURS, mapped(OURS, DATA)))

    assert reported.volume is not None
    assert reported.volume.uid == uid(9)
    assert not isinstance(attach.plan(resource, desired(resource, MACHINE), inventory(DATA, OURS)), InSync)
