"""What is looked at before a decision may be believed: enough, and no more."""

from dataclasses import replace

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner import required_looks
from flashsystem_operator.values import HostName, Lun, VolumeName, VolumeUid
from support.builders import NODE as NODE1
from support.builders import (
    attachment,
    body,
    bound,
    desired,
    host,
    host_object,
    inventory,
    mapped,
    own_name,
    uid,
    volume,
)

DATA = volume("data", 1)
NODE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")
SEEN = inventory(DATA, OURS, mapped(OURS, DATA))


def whole(
    wished: VolumeAttachment | FlashSystemHost, seen: Inventory, *others: VolumeAttachment | FlashSystemHost
) -> Focus:
    return required_looks.whole(desired(wished, *others), seen, [wished.ref])


def doubts(wished: VolumeAttachment | FlashSystemHost, seen: Inventory) -> Focus:
    around = desired(wished) if isinstance(wished, FlashSystemHost) else desired(wished, NODE)
    return required_looks.doubts(around, seen, [wished.ref])


def leaving(**status: object) -> VolumeAttachment:
    return attachment("a", "node", status=bound(OURS, DATA, **status), meta={"deleting": True})


def test_an_attachment_looks_at_its_volume_by_name_until_that_is_bound_and_then_by_uid() -> None:
    assert whole(attachment("a", "node"), SEEN, NODE).names == {"data"}

    later = whole(attachment("a", "node", status=bound(OURS, DATA)), SEEN, NODE)
    assert (later.names, later.uids) == (set(), {DATA.uid: "data"})


def test_a_volume_that_nobody_else_has_or_wants_is_not_asked_for_its_hosts() -> None:
    assert whole(attachment("a", "node"), SEEN, NODE).volumes == set()


def test_a_volume_that_somebody_else_has_is_asked_for_its_hosts() -> None:
    other = host_object("other", "other")

    assert whole(attachment("a", "node"), inventory(DATA, OURS, other, mapped(other, DATA)), NODE).volumes == {DATA.uid}


def test_a_volume_that_somebody_else_wants_is_asked_for_its_hosts() -> None:
    rival = attachment("b", "other")

    assert whole(attachment("a", "node"), SEEN, NODE, host("other"), rival).volumes == {DATA.uid}


def test_a_host_object_that_is_to_be_made_is_not_looked_for() -> None:
    assert whole(NODE, inventory(DATA)).cost == 0


def test_a_detach_asks_each_host_object_that_it_may_have_to_leave_by_itself() -> None:
    focus = whole(leaving(), SEEN, NODE)

    assert focus.mapped == focus.hosts == {OURS.name}
    assert focus.listed == set()


def test_a_detach_asks_for_the_recorded_name_and_for_who_has_the_initiators_now() -> None:
    focus = whole(attachment("a", "node", status=bound(ADMINS, DATA), meta={"deleting": True}), SEEN, NODE)

    assert focus.mapped == {ADMINS.name, OURS.name}


def test_a_mapping_that_is_there_leaves_no_doubt() -> None:
    assert doubts(leaving(), SEEN).cost == 0


def test_a_mapping_that_a_listing_lacks_is_doubted() -> None:
    assert doubts(leaving(), inventory(DATA, OURS)).mapped == {OURS.name}


def test_a_volume_is_mapped_no_more_only_when_it_was_asked_for_all_its_mappings() -> None:
    assert doubts(leaving(), inventory(DATA, OURS)).volumes == {DATA.uid}
    assert doubts(leaving(), inventory(DATA)).volumes == {DATA.uid}


def test_a_host_object_that_a_listing_lacks_is_doubted() -> None:
    assert doubts(leaving(), inventory(DATA)).hosts == {OURS.name}
    assert doubts(host("node", meta={"deleting": True}), inventory()).hosts == {OURS.name}


def test_a_volume_that_a_listing_lacks_is_doubted_until_it_is_known_to_be_gone() -> None:
    wished, seen = attachment("a", "node", status=bound(OURS, volume("old", 9))), inventory(OURS)
    assert doubts(wished, seen).uids == {uid(9): "old"}

    seen.learn_volume_gone(uid(9))
    assert doubts(wished, seen).cost == 0


def test_a_recorded_host_object_that_is_nowhere_is_looked_for_under_other_names() -> None:
    def lost(wished: VolumeAttachment, seen: Inventory) -> bool:
        return required_looks.lost_host(desired(wished, NODE), seen, [wished.ref])

    assert lost(leaving(), inventory(DATA))
    assert not lost(leaving(), SEEN)
    assert not lost(attachment("a", "node"), inventory(DATA))


def test_after_acting_whatever_may_be_gone_is_asked_by_itself() -> None:
    a, b, c = map(HostName, "abc")
    data = VolumeName("data")

    focus = required_looks.touched([MapVolume(a, data, uid(1), Lun(1)), UnmapVolume(b, data, uid(1)), RemoveHost(c)])

    assert (focus.listed, focus.volumes, focus.hosts) == ({a}, {uid(1)}, {c})


def test_what_was_looked_at_in_this_pass_is_not_asked_again_but_a_listing_is_no_close_look() -> None:
    a = HostName("a")

    assert required_looks.without(Focus(mapped={a}), Focus(listed={a})).mapped == {a}
    assert required_looks.without(Focus(listed={a}), Focus(mapped={a})).cost == 0
    assert (
        required_looks.without(
            Focus(hosts={a}, mapped={a}), required_looks.both(Focus(hosts={a}), Focus(mapped={a}))
        ).cost
        == 0
    )


WIDE = body(nodes=(NODE1, replace(NODE1, id="2", name="node2", io_group="io_grp1", io_group_id="1")))
FAR = volume("data", 1, "io_grp1")


def test_of_a_volume_in_an_io_group_that_the_host_lacks_it_is_asked_whether_it_has_others() -> None:
    lacking = inventory(FAR, OURS, of=WIDE, io_groups={OURS.name: {"0"}})

    assert doubts(attachment("a", "node"), lacking).detailed == {FAR.uid}


def test_a_volume_that_the_host_reaches_or_has_is_not_asked_for_its_io_groups() -> None:
    reaching = inventory(FAR, OURS, of=WIDE, io_groups={OURS.name: {"0", "1"}})
    read = replace(FAR, preferred_node="1")
    having = inventory(read, OURS, mapped(OURS, read), of=WIDE, io_groups={OURS.name: {"0"}})

    assert doubts(attachment("a", "node"), reaching).detailed == set()
    assert doubts(attachment("a", "node"), having).detailed == set()


def test_the_preferred_node_of_a_mapped_volume_is_asked_for_until_it_is_told() -> None:
    """The pass that mapped it may have been cut off before it said so."""
    volume_seen = {"name": "data", "uid": DATA.uid}
    theirs = inventory(DATA, OURS, mapped(OURS, DATA))

    def asked(**seen: str) -> set[VolumeUid]:
        return doubts(attachment("a", "node", status={"volume": volume_seen | seen}), theirs).detailed

    assert asked() == {DATA.uid}
    assert asked(preferredNode="1") == set()
    assert doubts(attachment("a", "node"), inventory(DATA, OURS)).detailed == set()


@pytest.mark.parametrize(("count", "asked"), [(2, True), (4, False), (0, False)])
def test_a_host_object_is_asked_for_its_io_groups_unless_it_is_in_all_that_a_system_can_have(
    count: int, asked: bool
) -> None:
    restricted = replace(OURS, io_group_count=count)

    assert doubts(NODE, inventory(restricted, of=WIDE)).grouped == ({OURS.name} if asked else set())
