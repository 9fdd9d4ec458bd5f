"""What has to be read before a decision is reliable: enough, and no more."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import VOLUME_UID
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.commands import MapVolume, RemoveHost, Step, UnmapVolume
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.model import Inventory, Throttle
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
)
from flashsystem_operator.controller import observer
from flashsystem_operator.values import HostName, Lun, PoolName, VolumeName, VolumeUid
from support.builders import NODE as NODE1
from support.builders import (
    attachment,
    body,
    bound,
    desired,
    host,
    host_object,
    inventory,
    managed_volume,
    mapped,
    of_volume,
    own_name,
    own_volume_name,
    uid,
    volume,
)

DATA = volume("data", 1)
NODE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")
OBSERVED = inventory(DATA, OURS, mapped(OURS, DATA))


def whole(
    resource: VolumeAttachment | FlashSystemHost, observed: Inventory, *others: VolumeAttachment | FlashSystemHost
) -> Focus:
    return observer.required_focus(desired(resource, *others), observed, [resource.ref])


def doubts(resource: VolumeAttachment | FlashSystemHost, observed: Inventory) -> Focus:
    desired_state = desired(resource) if isinstance(resource, FlashSystemHost) else desired(resource, NODE)
    return observer.doubtful_focus(desired_state, observed, [resource.ref])


def detaching(**status: object) -> VolumeAttachment:
    return attachment("a", "node", status=bound(OURS, DATA, **status), meta={"deleting": True})


def test_the_volume_of_an_attachment_is_read_by_name_until_it_is_bound_and_then_by_uid() -> None:
    assert whole(attachment("a", "node"), OBSERVED, NODE).names == {"data"}

    later = whole(attachment("a", "node", status=bound(OURS, DATA)), OBSERVED, NODE)
    assert (later.names, later.uids) == (set(), {DATA.uid: "data"})


def test_the_hosts_of_a_volume_are_not_read_if_no_other_host_has_or_requests_it() -> None:
    assert whole(attachment("a", "node"), OBSERVED, NODE).volumes == set()


def test_the_hosts_of_a_volume_are_read_if_another_host_has_it() -> None:
    other = host_object("other", "other")

    assert whole(attachment("a", "node"), inventory(DATA, OURS, other, mapped(other, DATA)), NODE).volumes == {DATA.uid}


def test_the_hosts_of_a_volume_are_read_if_another_host_requests_it() -> None:
    rival = attachment("b", "other")

    assert whole(attachment("a", "node"), OBSERVED, NODE, host("other"), rival).volumes == {DATA.uid}


def test_a_host_object_that_is_to_be_created_is_not_read() -> None:
    assert whole(NODE, inventory(DATA)).cost == 0


def test_a_detach_reads_individually_each_host_object_that_it_may_have_to_unmap_from() -> None:
    focus = whole(detaching(), OBSERVED, NODE)

    assert focus.mapped == focus.hosts == {OURS.name}
    assert focus.listed == set()


def test_a_detach_reads_the_recorded_host_object_and_the_one_that_has_the_initiators_now() -> None:
    focus = whole(attachment("a", "node", status=bound(ADMINS, DATA), meta={"deleting": True}), OBSERVED, NODE)

    assert focus.mapped == {ADMINS.name, OURS.name}


def test_a_mapping_that_exists_leaves_no_doubt() -> None:
    assert doubts(detaching(), OBSERVED).cost == 0


def test_a_mapping_that_a_list_view_lacks_is_in_doubt() -> None:
    assert doubts(detaching(), inventory(DATA, OURS)).mapped == {OURS.name}


def test_a_volume_counts_as_unmapped_only_after_all_its_mappings_were_read() -> None:
    assert doubts(detaching(), inventory(DATA, OURS)).volumes == {DATA.uid}
    assert doubts(detaching(), inventory(DATA)).volumes == {DATA.uid}


def test_a_host_object_that_a_list_view_lacks_is_in_doubt() -> None:
    assert doubts(detaching(), inventory(DATA)).hosts == {OURS.name}
    assert doubts(host("node", meta={"deleting": True}), inventory()).hosts == {OURS.name}


def test_a_volume_that_a_list_view_lacks_is_in_doubt_until_it_is_known_to_be_gone() -> None:
    resource, observed = attachment("a", "node", status=bound(OURS, volume("old", 9))), inventory(OURS)
    assert doubts(resource, observed).uids == {uid(9): "old"}

    observed.learn_volume_gone(uid(9))
    assert doubts(resource, observed).cost == 0


def test_a_recorded_host_object_that_is_missing_is_searched_under_other_names() -> None:
    def lost(resource: VolumeAttachment, observed: Inventory) -> bool:
        return observer.lost_host(desired(resource, NODE), observed, [resource.ref])

    assert lost(detaching(), inventory(DATA))
    assert not lost(detaching(), OBSERVED)
    assert not lost(attachment("a", "node"), inventory(DATA))


def test_after_acting_everything_that_may_be_gone_is_read_individually() -> None:
    a, b, c = map(HostName, "abc")
    data = VolumeName("data")

    focus = observer.touched_focus([MapVolume(a, data, uid(1), Lun(1)), UnmapVolume(b, data, uid(1)), RemoveHost(c)])

    assert (focus.listed, focus.volumes, focus.hosts) == ({a}, {uid(1)}, {c})


def test_after_acting_each_volume_that_was_created_or_changed_is_read_by_itself() -> None:
    new, data = VolumeName("new"), VolumeName("data")
    changes: list[Step] = [
        ExpandVolume(data, uid(1), 512, 1024),
        RemoveVolume(data, uid(2)),
        RenameVolume(data, uid(3), new),
        ThrottleVolume(data, uid(4), 5, None),
        RemoveThrottle(data, uid(5), "t"),
    ]

    focus = observer.touched_focus([CreateVolume(new, PoolName("Pool0"), 512), *changes])

    assert (focus.names, focus.uids) == ({new}, dict.fromkeys(map(uid, range(1, 6)), data))


def test_the_mappings_of_a_volume_that_was_not_deleted_are_read_also_those_to_host_clusters() -> None:
    focus = observer.rivals_of([RemoveVolume(VolumeName("data"), uid(1)), RemoveThrottle(VolumeName("x"), uid(2), "t")])

    assert focus.volumes == focus.clustered == {uid(1)}


def test_pools_are_read_once_in_a_pass() -> None:
    assert observer.without(Focus(pools=True), observer.both(Focus(), Focus(pools=True))).cost == 0
    assert observer.both(Focus(pools=True), Focus()).cost == 1


def test_objects_read_in_this_pass_are_not_read_again_but_a_list_view_is_no_individual_read() -> None:
    a = HostName("a")

    assert observer.without(Focus(mapped={a}), Focus(listed={a})).mapped == {a}
    assert observer.without(Focus(listed={a}), Focus(mapped={a})).cost == 0
    assert observer.without(Focus(hosts={a}, mapped={a}), observer.both(Focus(hosts={a}), Focus(mapped={a}))).cost == 0


WIDE = body(nodes=(NODE1, replace(NODE1, id="2", name="node2", io_group="io_grp1", io_group_id="1")))
FAR = volume("data", 1, "io_grp1")


def test_the_io_groups_of_a_volume_are_read_if_the_host_lacks_the_listed_one() -> None:
    lacking = inventory(FAR, OURS, of=WIDE, io_groups={OURS.name: {"0"}})

    assert doubts(attachment("a", "node"), lacking).detailed == {FAR.uid}


def test_the_io_groups_of_a_volume_that_the_host_reaches_or_has_are_not_read() -> None:
    reaching = inventory(FAR, OURS, of=WIDE, io_groups={OURS.name: {"0", "1"}})
    read = replace(FAR, preferred_node="1")
    having = inventory(read, OURS, mapped(OURS, read), of=WIDE, io_groups={OURS.name: {"0"}})

    assert doubts(attachment("a", "node"), reaching).detailed == set()
    assert doubts(attachment("a", "node"), having).detailed == set()


def test_the_preferred_node_of_a_mapped_volume_is_read_until_it_is_recorded() -> None:
    """The pass that mapped the volume may have been interrupted before it recorded the node."""
    volume_status = {"name": "data", "uid": DATA.uid}
    mapped_inventory = inventory(DATA, OURS, mapped(OURS, DATA))

    def detailed(**recorded: str) -> set[VolumeUid]:
        return doubts(attachment("a", "node", status={"volume": volume_status | recorded}), mapped_inventory).detailed

    assert detailed() == {DATA.uid}
    assert detailed(preferredNode="1") == set()
    assert doubts(attachment("a", "node"), inventory(DATA, OURS)).detailed == set()


@pytest.mark.parametrize(("count", "is_read"), [(2, True), (4, False), (0, False)])
def test_the_io_groups_of_a_host_object_are_read_unless_it_is_in_all_that_a_system_can_have(
    count: int, is_read: bool
) -> None:
    restricted = replace(OURS, io_group_count=count)

    assert doubts(NODE, inventory(restricted, of=WIDE)).grouped == ({OURS.name} if is_read else set())


# -- volumes ----------------------------------------------------------------------------------------------------------

NAME = own_volume_name("data")
MANAGED = volume(NAME, 1, throttle=Throttle(), used=0)
"""The volume of a FlashSystemVolume, as its detailed view shows it."""
ANNOTATED = {"annotations": {VOLUME_UID: MANAGED.uid}}
IMPORT: dict[str, Any] = {"import": {"name": "vol0"}}
IMPORT_BY_UID: dict[str, Any] = {"import": {"uid": uid(5)}}


def reads(resource: FlashSystemVolume, observed: Inventory) -> Focus:
    return observer.required_focus(desired(resource), observed, [resource.ref])


def doubts_about(resource: FlashSystemVolume, observed: Inventory, **more: Any) -> Focus:
    return observer.doubtful_focus(desired(resource, **more), observed, [resource.ref])


def deleted(**more: object) -> FlashSystemVolume:
    return managed_volume(status=of_volume(MANAGED, **more), meta={"deleting": True})


def test_a_volume_that_is_to_be_created_is_read_by_its_name_and_the_pools_are_read() -> None:
    focus = reads(managed_volume(), inventory())

    assert (focus.names, focus.uids, focus.pools) == ({NAME}, {}, True)


def test_a_bound_volume_is_read_by_its_uid() -> None:
    focus = reads(managed_volume(status=of_volume(MANAGED)), inventory(MANAGED))

    assert (focus.names, focus.uids, focus.pools) == (set(), {MANAGED.uid: NAME}, False)
    assert focus.cost == 1


def test_a_bound_volume_that_no_read_showed_is_searched_under_its_recorded_name() -> None:
    assert reads(managed_volume(status=of_volume(volume("old", 1))), inventory()).uids == {uid(1): "old"}


def test_a_volume_whose_status_was_lost_is_searched_under_the_name_that_the_operator_gave_it() -> None:
    assert reads(managed_volume(meta=ANNOTATED), inventory()).uids == {MANAGED.uid: NAME}
    assert reads(managed_volume(meta=ANNOTATED, **IMPORT), inventory()).uids == {MANAGED.uid: "vol0"}


def test_the_pools_are_read_before_a_volume_grows() -> None:
    assert reads(managed_volume(size="2Gi", status=of_volume(MANAGED)), inventory(MANAGED)).pools


def test_an_import_is_read_by_what_its_spec_has() -> None:
    assert reads(managed_volume(**IMPORT), inventory()).names == {"vol0"}
    assert reads(managed_volume(**IMPORT_BY_UID), inventory()).uids == {uid(5): ""}


def test_what_only_the_detailed_view_of_a_volume_shows_is_read_once() -> None:
    listed = volume(NAME, 1)

    assert reads(managed_volume(status=of_volume(listed)), inventory(listed)).detailed == {listed.uid}
    assert reads(managed_volume(status=of_volume(MANAGED)), inventory(MANAGED)).detailed == set()


def test_a_volume_that_is_found_leaves_no_doubt() -> None:
    assert doubts_about(managed_volume(status=of_volume(MANAGED)), inventory(MANAGED)).cost == 0


def test_a_bound_volume_that_a_list_lacks_is_in_doubt_until_it_is_known_to_be_gone() -> None:
    resource, observed = managed_volume(status=of_volume(MANAGED)), inventory()
    assert doubts_about(resource, observed).uids == {MANAGED.uid: NAME}

    observed.learn_volume_gone(MANAGED.uid)
    assert doubts_about(resource, observed).cost == 0


def test_a_name_that_a_list_lacks_is_read_before_a_volume_is_created_also_under_former_installation_ids() -> None:
    focus = doubts_about(managed_volume(), inventory(), former=("former",))

    assert len(focus.names) == 2
    assert NAME in focus.names


def test_an_import_that_a_list_lacks_is_read_by_itself() -> None:
    assert doubts_about(managed_volume(**IMPORT), inventory()).names == {"vol0"}
    assert doubts_about(managed_volume(**IMPORT_BY_UID), inventory()).uids == {uid(5): ""}


def test_the_mappings_of_a_volume_are_read_before_it_is_deleted_whatever_a_list_shows() -> None:
    focus = doubts_about(deleted(), inventory(MANAGED))

    assert (focus.volumes, focus.detailed) == ({MANAGED.uid}, {MANAGED.uid})


def test_the_mappings_of_a_volume_are_read_before_it_is_taken_as_the_created_one() -> None:
    intent = {"name": NAME, "size": MANAGED.capacity, "pool": "Pool0"}

    focus = doubts_about(managed_volume(status={"origin": "Created", "intent": intent}), inventory(MANAGED))

    assert focus.volumes == {MANAGED.uid}
