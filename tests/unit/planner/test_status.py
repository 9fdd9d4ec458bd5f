"""What is said of hosts and attachments: wishes, facts and a decision, as fields."""

from dataclasses import replace
from typing import Any

from flashsystem_operator.api.attachment import Origin
from flashsystem_operator.api.host import Ownership
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


def test_the_connection_is_what_an_initiator_needs_and_the_volumes_io_group_comes_first() -> None:
    far = Node("3", "node3", online=True, status="online", iqn="iqn.far", io_group="io_grp1", config_node=False)
    portals = [
        PORTAL,
        Portal("fd00::13", "3", "node3", "io_grp1", "iqn.far", "", "configured", usable=True),
        Portal("10.0.1.99", "1", "node1", "io_grp0", NODE.iqn, "", "configured", usable=False),
    ]
    there = volume("data", 1, io_group="io_grp1")
    seen = inventory(there, OURS, mapped(OURS, there, 5), of=body(portals=portals, nodes=(NODE, far)))

    connection = of(attachment("a", "node"), seen).connection

    assert connection is not None
    assert connection.to_json() == {
        "protocol": "iscsi",
        "volumeUID": there.uid,
        "lun": 5,
        "targets": [{"portal": "[fd00::13]:3260", "iqn": "iqn.far"}, {"portal": "10.0.1.11:3260", "iqn": NODE.iqn}],
    }


PARTNER = replace(NODE, id="2", name="node2", iqn="iqn.partner")
BOTH = body(
    nodes=(NODE, PARTNER),
    portals=(PORTAL, replace(PORTAL, address="10.0.1.12", node_id="2", node="node2", iqn=PARTNER.iqn)),
)


def test_of_the_nodes_of_an_io_group_the_volumes_preferred_one_comes_first() -> None:
    theirs = replace(DATA, preferred_node="2")

    said = of(attachment("a", "node"), inventory(theirs, OURS, mapped(OURS, theirs), of=BOTH))

    assert said.connection is not None
    assert said.connection.targets[0].iqn == PARTNER.iqn
    assert [each.portal for each in said.connection.targets] == ["10.0.1.12:3260", "10.0.1.11:3260"]


def test_the_order_of_portals_stays_when_a_listing_does_not_tell_the_preferred_node() -> None:
    theirs = replace(DATA, preferred_node="2")
    before = of(attachment("a", "node"), inventory(theirs, OURS, mapped(OURS, theirs), of=BOTH))

    listed = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=BOTH))

    assert listed.volume == before.volume
    assert listed.connection == before.connection


def test_a_connection_loses_no_portal_while_a_node_cannot_be_read() -> None:
    odd = Odd("svcinfo lsnode", "a row has 3 fields, the header 4", frozenset({"node2"}))
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA), of=BOTH))
    partly = replace(body(), odd=(odd,))

    kept = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=partly))
    elsewhere = inventory(DATA, OURS, mapped(OURS, DATA, 9), of=partly)
    moved = of(attachment("a", "node", status=dict(before)), elsewhere).connection

    assert before.connection is not None
    assert len(before.connection.targets) == 2
    assert kept.connection == before.connection
    assert moved is not None
    assert (moved.lun, len(moved.targets)) == (9, 1)


def test_a_connection_stays_while_the_only_node_of_its_portset_cannot_be_read() -> None:
    odd = Odd("svcinfo lsnode", "a row has 3 fields, the header 4", frozenset({"node2"}))
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA)))
    without = replace(body(portals=()), odd=(odd,))

    kept = of(attachment("a", "node", status=dict(before)), inventory(DATA, OURS, mapped(OURS, DATA), of=without))

    assert before.connection is not None
    assert kept.connection == before.connection


def test_only_portals_of_the_hosts_portset_are_told() -> None:
    mine, other = [
        Portal(address, "1", "node1", "io_grp0", NODE.iqn, portset, "configured", usable=True)
        for address, portset in (("10.0.1.1", "mine"), ("10.0.1.2", "other"))
    ]
    there = host_object(own_name("node"), "node", portset="mine")
    seen = inventory(DATA, there, mapped(there, DATA), of=body(portals=(mine, other)))

    connection = of(attachment("a", "node"), seen).connection

    assert connection is not None
    assert [each.portal for each in connection.targets] == ["10.0.1.1:3260"]


def test_what_is_not_mapped_has_no_connection_but_keeps_what_binds_it() -> None:
    before = of(attachment("a", "node"), inventory(DATA, OURS, mapped(OURS, DATA, 3)))
    wished = attachment("a", "node", status=before.to_json())

    said = of(wished, inventory(DATA, OURS))

    assert said.connection is None
    assert (said.host, said.volume, said.lun, said.origin) == (before.host, before.volume, 3, Origin.CREATED)


def test_the_time_of_attaching_and_of_each_condition_moves_only_when_it_should() -> None:
    seen = inventory(DATA, OURS, mapped(OURS, DATA))
    before = of(attachment("a", "node"), seen)
    wished = attachment("a", "node", status=before.to_json())
    around = desired(wished, MACHINE)

    said = status.of_attachment(wished, Outcome(attach.plan(wished, around, seen)), around, seen, LATER)

    assert said == before
    assert said.attached_time == NOW


# -- hosts -----------------------------------------------------------------------------------------------------------


def test_a_host_tells_its_object_ports_and_mappings() -> None:
    there = host_object(own_name("node"), port("node", logins=2))

    said = of_host(MACHINE, inventory(DATA, there, mapped(there, DATA, 3)), attachment("a", "node"))

    assert (said.name, said.id, said.ownership) == (there.name, there.id, Ownership.CREATED)
    assert [(each.iqn, each.state, each.logins) for each in said.ports] == [(iqn("node"), "active", 2)]
    assert said.mappings is not None
    assert said.mappings.to_json() == {"count": 1, "items": [{"lun": 3, "volume": "data", "uid": DATA.uid}]}


def test_ports_that_somebody_else_put_on_our_host_object_are_not_remembered_as_ours() -> None:
    there = host_object(own_name("node"), "node", "by-hand", wwpn())

    said = of_host(MACHINE, inventory(DATA, there, mapped(there, DATA)), attachment("a", "node"))

    assert [each.iqn for each in said.ports] == [iqn("node")]


def test_ports_that_the_spec_named_once_are_remembered_until_they_are_gone() -> None:
    wished = host("node", status={"ownership": "Created", "ports": [{"iqn": iqn("old")}]})

    said = of_host(wished, inventory(DATA, host_object(own_name("node"), "node", "old")), attachment("a", "node"))

    assert {each.iqn for each in said.ports} == {iqn("node"), iqn("old")}


def test_a_host_that_cannot_be_told_keeps_its_memory() -> None:
    known: dict[str, Any] = {"name": OURS.name, "ports": [{"iqn": iqn("node")}], "ownership": "Created"}
    wished = host("node", "one", "two", status=known)

    said = of_host(wished, inventory(host_object("a", "one"), host_object("b", "two")))

    assert (said.name, said.ownership) == (OURS.name, Ownership.CREATED)


def test_an_act_that_is_decided_is_not_yet_ready() -> None:
    wished = attachment("a", "node")
    seen = inventory(DATA)
    assert isinstance(attach.plan(wished, desired(wished, MACHINE), seen), Act)
    ready = {each.type: each.status for each in of(wished, seen).conditions}

    assert ready == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}


def test_another_volume_of_the_bound_name_does_not_change_the_binding() -> None:
    wished = attachment("a", "node", status=bound(OURS, volume("data", 9)))

    said = of(wished, inventory(DATA, OURS, mapped(OURS, DATA)))

    assert said.volume is not None
    assert said.volume.uid == uid(9)
    assert not isinstance(attach.plan(wished, desired(wished, MACHINE), inventory(DATA, OURS)), InSync)
