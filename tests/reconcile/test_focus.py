"""What is looked at before a decision may be believed: enough, and no more."""

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, RemoveHost, UnmapVolume
from flashsystem_operator.array.observe import Focus
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import focus as focusing
from flashsystem_operator.values import HostName, Lun, VolumeName
from support.arranging import attachment, bound, host, host_object, mapped, own_name, uid, view, volume, world

DATA = volume("data", 1)
NODE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")
SEEN = view(DATA, OURS, mapped(OURS, DATA))


def whole(wished: VolumeAttachment | FlashSystemHost, seen: View, *others: VolumeAttachment | FlashSystemHost) -> Focus:
    return focusing.whole(world(wished, *others), seen, [wished.ref])


def doubts(wished: VolumeAttachment | FlashSystemHost, seen: View) -> Focus:
    around = world(wished) if isinstance(wished, FlashSystemHost) else world(wished, NODE)
    return focusing.doubts(around, seen, [wished.ref])


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

    assert whole(attachment("a", "node"), view(DATA, OURS, other, mapped(other, DATA)), NODE).volumes == {DATA.uid}


def test_a_volume_that_somebody_else_wants_is_asked_for_its_hosts() -> None:
    rival = attachment("b", "other")

    assert whole(attachment("a", "node"), SEEN, NODE, host("other"), rival).volumes == {DATA.uid}


def test_a_host_object_that_is_to_be_made_is_not_looked_for() -> None:
    assert whole(NODE, view(DATA)).cost == 0


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
    assert doubts(leaving(), view(DATA, OURS)).mapped == {OURS.name}


def test_a_host_object_that_a_listing_lacks_is_doubted() -> None:
    assert doubts(leaving(), view(DATA)).hosts == {OURS.name}
    assert doubts(host("node", meta={"deleting": True}), view()).hosts == {OURS.name}


def test_a_volume_that_a_listing_lacks_is_doubted_until_it_is_known_to_be_gone() -> None:
    wished, seen = attachment("a", "node", status=bound(OURS, volume("old", 9))), view(OURS)
    assert doubts(wished, seen).uids == {uid(9): "old"}

    seen.learn_volume_gone(uid(9))
    assert doubts(wished, seen).cost == 0


def test_a_recorded_host_object_that_is_nowhere_is_looked_for_under_other_names() -> None:
    def lost(wished: VolumeAttachment, seen: View) -> bool:
        return focusing.lost_host(world(wished, NODE), seen, [wished.ref])

    assert lost(leaving(), view(DATA))
    assert not lost(leaving(), SEEN)
    assert not lost(attachment("a", "node"), view(DATA))


def test_after_acting_whatever_may_be_gone_is_asked_by_itself() -> None:
    a, b, c = map(HostName, "abc")
    data = VolumeName("data")

    focus = focusing.touched([MapVolume(a, data, uid(1), Lun(1)), UnmapVolume(b, data, uid(1)), RemoveHost(c)])

    assert (focus.listed, focus.mapped, focus.hosts) == ({a}, {b}, {c})


def test_what_was_looked_at_in_this_pass_is_not_asked_again_but_a_listing_is_no_close_look() -> None:
    a = HostName("a")

    assert focusing.without(Focus(mapped={a}), Focus(listed={a})).mapped == {a}
    assert focusing.without(Focus(listed={a}), Focus(mapped={a})).cost == 0
    assert focusing.without(Focus(hosts={a}, mapped={a}), focusing.both(Focus(hosts={a}), Focus(mapped={a}))).cost == 0
