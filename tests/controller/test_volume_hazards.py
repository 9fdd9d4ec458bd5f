"""What others do to volumes, and what the operator then does not do: nothing is guessed, and no data is lost."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flashsystem_operator.api.metadata import PAUSED, PLAN, RELEASE
from flashsystem_operator.array.volume_commands import CreateVolume, RemoveVolume
from flashsystem_operator.controller.executor import Operation
from support.builders import NAMESPACE, host
from support.in_process import InProcess
from support.passes import ARRAY, attachment_ref
from support.volume_world import GIB, MIB, World, config, own_volume, restored, world

DATA = own_volume("data")


@pytest.fixture(params=["legacy", "modern"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def here(dialect: str) -> AsyncIterator[World]:
    """An array with volumes `theirs` and `more` of an administrator, of 2 GiB."""
    with InProcess(config(dialect, "theirs", "more")) as array:
        async with world(array) as found:
            yield found


@pytest.fixture
async def modern() -> AsyncIterator[World]:
    """A modern array with several pools, and volumes `theirs` and `more` of an administrator, of 2 GiB."""
    pools = (
        {"name": "Other"},
        {"name": "Full", "capacity": 2 * GIB},
        {"name": "Offline", "status": "offline"},
        {"name": "Child", "parent": "Other"},
        {"name": "Quota", "parent": "Other", "capacity": 3 * GIB},
        {"name": "Reducing", "data_reduction": "yes"},
    )
    with InProcess(config("modern", "theirs", "more", pools=pools)) as array:
        async with world(array) as found:
            yield found


def drifted(here: World, ref: Any) -> str:
    return str(here.running.condition(ref, "Drifted").get("reason", ""))


# -- an administrator changes a volume that we created ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "name", "drift"),
    [("Correct", DATA, ""), ("Report", "mine", "NameChanged"), ("Ignore", "mine", "")],
)
async def test_a_volume_that_was_renamed_stays_the_same_volume(here: World, policy: str, name: str, drift: str) -> None:
    ref = await here.created(driftPolicy=policy)
    uid = here.uids[DATA]

    here.admin(f"chvdisk -name mine {DATA}")
    await here.running.settle_all()

    assert here.uids[name] == uid
    assert (here.reason(ref), drifted(here, ref)) == ("Ready", drift)
    assert here.status(ref)["uid"] == uid
    here.running.delete(ref)
    await here.running.settle_all()
    assert uid not in here.uids.values()
    assert not here.running.api.exists(ref)


@pytest.mark.parametrize("policy", ["Correct", "Report", "Ignore"])
async def test_a_volume_that_got_its_name_after_it_was_renamed_is_left_alone(here: World, policy: str) -> None:
    ref = await here.created(driftPolicy=policy)
    uid = here.uids[DATA]
    here.admin(f"chvdisk -name mine {DATA}")
    here.admin(f"chvdisk -name {DATA} theirs")
    theirs = here.uids[DATA]

    await here.running.settle_all()
    here.running.edit(ref, size="3Gi")
    await here.running.settle_all()

    assert (here.uids["mine"], here.uids[DATA]) == (uid, theirs)
    assert (here.volumes["mine"].capacity, here.volumes[DATA].capacity) == (3 * GIB, 2 * GIB)
    here.running.delete(ref)
    await here.running.settle_all()
    assert here.uids.keys() == {DATA, "more"}
    assert here.uids[DATA] == theirs


async def test_names_that_are_swapped_after_a_deletion_was_planned_delete_no_other_volume(here: World) -> None:
    ref = await here.created()
    theirs = here.uids["theirs"]

    def swap(operation: Operation) -> None:
        here.running.meanwhile = lambda _: None
        if isinstance(operation.step, RemoveVolume):
            for old, new in ((DATA, "swap"), ("theirs", DATA), ("swap", "theirs")):
                here.admin(f"chvdisk -name {new} {old}")

    here.running.meanwhile = swap
    here.running.delete(ref)
    await here.running.settle_all()

    assert here.uids[DATA] == theirs
    assert not here.running.api.exists(ref)


async def test_a_volume_that_is_gone_is_not_replaced_and_another_of_its_name_is_kept(here: World) -> None:
    ref = await here.created()
    here.admin(f"rmvdisk {DATA}")
    other = here.make(DATA)

    await here.running.settle_all()
    assert here.reason(ref) == "VolumeGone"
    here.running.edit(ref, size="3Gi")
    await here.running.settle_all()
    here.running.delete(ref)
    await here.running.settle_all()

    assert here.uids[DATA] == other
    assert here.volumes[DATA].capacity == 2 * GIB
    assert here.sent == []
    assert not here.running.api.exists(ref)


async def test_a_volume_that_is_gone_is_never_created_again(here: World) -> None:
    ref = await here.created()
    here.admin(f"rmvdisk {DATA}")

    await here.running.settle_all()

    assert here.reason(ref) == "VolumeGone"
    assert here.sent == []
    here.running.delete(ref)
    await here.running.settle_all()
    assert not here.running.api.exists(ref)


async def test_a_volume_that_was_moved_to_another_pool_stays_ready(modern: World) -> None:
    ref = await modern.created()
    modern.array.system.volume_named[DATA].pool = "Other"

    await modern.running.settle_all()

    assert (modern.reason(ref), modern.status(ref)["pool"], modern.sent) == ("Ready", "Other", [])


@pytest.mark.parametrize("policy", ["Correct", "Report", "Ignore"])
async def test_a_volume_that_an_administrator_grew_keeps_its_size(here: World, policy: str) -> None:
    ref = await here.created(driftPolicy=policy)
    here.admin(f"expandvdisksize -size 3 -unit gb {DATA}")

    await here.running.settle_all()
    here.running.edit(ref, size="4Gi")
    await here.running.settle_all()

    assert (here.reason(ref), here.status(ref)["capacity"]) == ("Ready", "5Gi")
    assert here.sent == []


@pytest.mark.parametrize(
    ("policy", "capacity", "drift"),
    [("Correct", 2 * GIB, ""), ("Report", 1 * GIB, "SizeChanged"), ("Ignore", 1 * GIB, "")],
)
async def test_a_volume_that_an_administrator_shrank_is_grown_again_only_by_policy_correct(
    modern: World, policy: str, capacity: int, drift: str
) -> None:
    ref = await modern.created(driftPolicy=policy)
    modern.admin(f"shrinkvdisksize -size 1 -unit gb {DATA}")

    for _ in range(3):
        await modern.running.settle_all()

    assert modern.volumes[DATA].capacity == capacity
    assert (modern.reason(ref), drifted(modern, ref)) == ("Ready", drift)
    modern.running.edit(ref, size="3Gi")
    await modern.running.settle_all()
    assert modern.volumes[DATA].capacity == 3 * GIB
    assert drifted(modern, ref) == ""


@pytest.mark.parametrize(
    ("policy", "iops", "drift"), [("Correct", 1000, ""), ("Report", 5000, "ThrottleChanged"), ("Ignore", 5000, "")]
)
async def test_a_throttle_that_an_administrator_changed_is_corrected_only_by_policy_correct(
    modern: World, policy: str, iops: int, drift: str
) -> None:
    ref = await modern.created(driftPolicy=policy, throttle={"iops": 1000})
    (throttle,) = modern.array.system.throttles.values()
    throttle.iops = 5000

    for _ in range(3):
        await modern.running.settle_all()

    (throttle,) = modern.array.system.throttles.values()
    assert (throttle.iops, modern.reason(ref), drifted(modern, ref)) == (iops, "Ready", drift)
    modern.running.edit(ref, throttle={"iops": 2000})
    await modern.running.settle_all()
    (throttle,) = modern.array.system.throttles.values()
    assert (throttle.iops, drifted(modern, ref)) == (2000, "")


async def test_two_changes_that_are_only_reported_are_one_condition(modern: World) -> None:
    ref = await modern.created(driftPolicy="Report")
    modern.admin(f"shrinkvdisksize -size 1 -unit gb {DATA}")
    modern.admin(f"chvdisk -name mine {DATA}")

    await modern.running.settle_all()

    conditions = [each["type"] for each in modern.status(ref)["conditions"]]
    assert len(conditions) == len(set(conditions))
    message = modern.running.condition(ref, "Drifted")["message"]
    assert "was renamed" in message
    assert "was shrunk" in message


async def test_a_volume_that_was_renamed_and_is_to_grow_does_both_at_once(here: World) -> None:
    ref = await here.created()
    here.admin(f"chvdisk -name mine {DATA}")
    here.running.edit(ref, size="3Gi")

    await here.running.survey()

    assert here.sent == ["RenameVolume", "ExpandVolume"]
    assert here.volumes[DATA].capacity == 3 * GIB
    assert here.reason(ref) == "Ready"


# -- names and UIDs of others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2 * GIB, 3 * GIB], ids=["of the same size", "of another size"])
async def test_a_volume_of_others_under_the_name_is_never_taken_over(here: World, size: int) -> None:
    other = here.make(DATA, size)

    ref = here.declare()
    await here.running.settle_all()

    assert here.reason(ref) == "NameTaken"
    assert "uid" not in here.status(ref)
    here.running.delete(ref)
    await here.running.settle_all()
    assert here.uids[DATA] == other
    assert here.sent == []


async def test_a_volume_that_gets_the_name_right_before_the_command_is_never_taken_over(here: World) -> None:
    made: list[str] = []

    def first(operation: Operation) -> None:
        if isinstance(operation.step, CreateVolume) and not made:
            made.append(here.make(DATA))

    here.running.meanwhile = first
    ref = here.declare()
    await here.running.settle_all(most=8)

    assert here.reason(ref) == "NameTaken"
    here.running.delete(ref)
    await here.running.settle_all()
    assert [here.uids[DATA]] == made


async def test_a_restored_volume_is_found_by_its_annotation(here: World) -> None:
    ref = await here.created()
    uid, before = here.uids[DATA], here.uids
    restored(here.running.api, ref, volume_uid=uid)
    here.running.see(ref)

    await here.running.settle_all()

    assert (here.reason(ref), here.status(ref)["uid"], here.status(ref)["origin"]) == ("Ready", uid, "Created")
    assert here.uids == before


async def test_without_status_and_annotation_no_second_volume_is_created(here: World) -> None:
    ref = await here.created()
    before = here.uids
    restored(here.running.api, ref)
    here.running.see(ref)

    await here.running.settle_all()
    assert here.reason(ref) == "NameTaken"
    here.running.delete(ref)
    await here.running.settle_all()

    assert here.uids == before
    assert here.sent == []


async def test_an_annotation_with_the_uid_of_another_volume_takes_nothing_over(here: World) -> None:
    before = here.uids
    annotations = {"annotations": {"flashsystem.io/volume-uid": before["theirs"]}}
    ref = here.declare(deletionPolicy="Delete", metadata=annotations)

    await here.running.settle_all()
    assert here.reason(ref) == "VolumeNotProven"
    here.running.delete(ref)
    await here.running.settle_all()

    assert here.uids == before
    assert here.sent == []


async def test_an_annotation_with_the_uid_of_another_resource_takes_nothing_over(here: World) -> None:
    await here.created()
    before = here.uids
    ref = here.declare("thief", metadata={"annotations": {"flashsystem.io/volume-uid": before[DATA]}})

    await here.running.settle_all()
    assert here.reason(ref) == "VolumeNotProven"
    here.running.delete(ref)
    await here.running.settle_all()

    assert here.uids == before


async def test_a_changed_annotation_does_not_change_the_volume(here: World) -> None:
    ref = await here.created()
    here.running.annotate(ref, "flashsystem.io/volume-uid", here.uids["theirs"])

    await here.running.settle_all()

    assert here.status(ref)["uid"] == here.uids[DATA]
    assert here.running.api.read(ref)["metadata"]["annotations"]["flashsystem.io/volume-uid"] == here.uids[DATA]


# -- several resources -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["name", "uid"])
async def test_of_two_that_import_a_volume_the_elder_has_it_and_leaves_it_to_the_younger(here: World, by: str) -> None:
    wanted = {"name": "theirs"} if by == "name" else {"uid": here.uids["theirs"]}
    elder = here.declare("elder", None, **{"import": wanted})
    younger = here.declare("younger", None, **{"import": wanted})

    await here.running.settle_all()
    assert (here.reason(elder), here.reason(younger)) == ("Ready", "ImportConflict")
    here.running.delete(elder)
    await here.running.settle_all()

    assert not here.running.api.exists(elder)
    assert here.reason(younger) == "Ready"
    assert here.status(younger)["uid"] == here.uids["theirs"]
    assert here.sent == []


async def test_a_volume_that_another_resource_created_is_not_imported_until_that_leaves_it(here: World) -> None:
    creator = await here.created(deletionPolicy="Retain")
    uid = here.uids[DATA]
    importer = here.declare("importer", None, **{"import": {"name": DATA}})
    await here.running.settle_all()
    assert here.reason(importer) == "ImportConflict"

    here.running.delete(creator)
    await here.running.settle_all()

    assert (here.reason(importer), here.status(importer)["origin"]) == ("Ready", "Imported")
    assert here.uids[DATA] == uid
    here.running.delete(importer)
    await here.running.settle_all()
    assert here.uids[DATA] == uid


async def test_a_restored_resource_whose_volume_was_imported_meanwhile_does_not_get_it(here: World) -> None:
    creator = await here.created(deletionPolicy="Retain")
    uid = here.uids[DATA]
    here.running.delete(creator)
    await here.running.settle_all()
    importer = here.declare("importer", None, **{"import": {"uid": uid}})
    await here.running.settle_all()

    again = here.declare(metadata={"annotations": {"flashsystem.io/volume-uid": uid}})
    await here.running.settle_all()
    assert here.reason(again) == "ImportConflict"
    here.running.delete(again)
    await here.running.settle_all()

    assert here.uids[DATA] == uid
    assert here.reason(importer) == "Ready"


# -- deletion --------------------------------------------------------------------------------------------------------


def mapped(here: World) -> None:
    here.map(DATA)


def unmapped(here: World) -> None:
    here.admin(f"rmvdiskhostmap -host foreign {DATA}")


def clustered(here: World) -> None:
    here.admin("mkhostcluster -name several")
    here.admin("mkhost -iscsiname iqn.2001-01.com.x:member -name member -hostcluster several")
    here.admin(f"mkvolumehostclustermap -hostcluster several {DATA}")
    here.admin("rmhostclustermember -host member -removemappings -force several")
    here.admin("rmhost member")


def unclustered(here: World) -> None:
    here.admin(f"rmvolumehostclustermap -hostcluster several {DATA}")


def snapshotted(here: World) -> None:
    here.admin(f"addsnapshot -name snap -volumes {DATA}")


def unsnapshotted(here: World) -> None:
    here.admin("rmsnapshot -snapshot snap -parentuid 0")


def copied(here: World) -> None:
    here.admin(f"mkfcmap -name copy -source {DATA} -target more")


def uncopied(here: World) -> None:
    here.admin("rmfcmap copy")


def replicated(here: World) -> None:
    here.volumes[DATA].rc_id, here.volumes[DATA].rc_name, here.volumes[DATA].function = "7", "rcrel7", "master"


def unreplicated(here: World) -> None:
    here.volumes[DATA].rc_id, here.volumes[DATA].rc_name, here.volumes[DATA].function = "", "", ""


def used(here: World) -> None:
    here.volumes[DATA].recent_io = True


def unused(here: World) -> None:
    here.volumes[DATA].recent_io = False


@pytest.mark.parametrize(
    ("by", "until", "reason"),
    [
        (mapped, unmapped, "StillMapped"),
        (clustered, unclustered, "StillMapped"),
        (snapshotted, unsnapshotted, "HasDependents"),
        (copied, uncopied, "HasDependents"),
        (replicated, unreplicated, "HasDependents"),
        (used, unused, "VolumeProtected"),
    ],
    ids=[
        "it is mapped to a host",
        "it is mapped to a host cluster without hosts",
        "it has a snapshot",
        "it is in a FlashCopy mapping",
        "it is replicated",
        "volume protection keeps it",
    ],
)
async def test_a_deleted_volume_stays_as_long_as(
    modern: World, by: Callable[[World], None], until: Callable[[World], None], reason: str
) -> None:
    ref = await modern.created()
    by(modern)
    uid = modern.uids[DATA]
    modern.running.delete(ref)

    for _ in range(3):
        await modern.running.survey()

    assert modern.reason(ref) == reason
    assert modern.uids[DATA] == uid
    assert len(modern.sent) <= 1  # the array refuses one attempt at most, and it is not repeated at once
    until(modern)
    modern.running.later(120)
    await modern.running.settle_all()
    assert DATA not in modern.uids
    assert not modern.running.api.exists(ref)


async def test_a_deleted_volume_that_a_legacy_array_has_mapped_stays() -> None:
    with InProcess(config("legacy")) as array:
        async with world(array) as here:
            ref = await here.created()
            mapped(here)
            here.running.delete(ref)
            await here.running.survey()
            assert (here.reason(ref), here.sent) == ("StillMapped", [])

            unmapped(here)
            await here.running.settle_all()
            assert DATA not in here.uids


async def test_a_volume_that_is_mapped_right_before_its_deletion_stays(here: World) -> None:
    ref = await here.created()

    def first(operation: Operation) -> None:
        here.running.meanwhile = lambda _: None
        if isinstance(operation.step, RemoveVolume):
            here.map(DATA)

    here.running.meanwhile = first
    here.running.delete(ref)
    await here.running.survey()
    await here.running.survey()

    assert here.reason(ref) == "StillMapped"
    assert DATA in here.uids


async def test_a_volume_that_is_attached_by_reference_right_before_its_deletion_stays(here: World) -> None:
    ref = await here.created()
    here.running.apply(host("node"))
    here.running.delete(ref)

    def attach() -> None:
        """Create an attachment that no watch has shown yet."""
        spec = {"hostRef": {"name": "node"}, "volume": {"ref": {"name": "data"}}}
        here.running.api.create(attachment_ref("late"), spec)

    await here.running.turn(ref, after_read=attach)

    assert here.sent == []
    assert DATA in here.uids


async def test_a_volume_is_deleted_although_it_is_still_formatted(modern: World) -> None:
    ref = await modern.created()
    modern.volumes[DATA].formatting = "yes"

    modern.running.delete(ref)
    await modern.running.settle_all()

    assert DATA not in modern.uids


async def test_a_volume_that_is_being_formatted_grows_afterwards(modern: World) -> None:
    ref = await modern.created()
    modern.volumes[DATA].formatting = "yes"
    modern.running.edit(ref, size="3Gi")

    for _ in range(3):
        await modern.running.survey()
    assert (modern.reason(ref), modern.sent) == ("Formatting", [])
    modern.volumes[DATA].formatting = "no"
    await modern.running.settle_all()

    assert modern.volumes[DATA].capacity == 3 * GIB


@pytest.mark.parametrize("of", ["the resource", "the array"])
async def test_a_deleted_volume_stays_for_the_deletion_delay_and_is_kept_by_a_release(here: World, of: str) -> None:
    # The fake API server deletes objects at the beginning of February, and passes begin in March.
    delay = "720h"
    if of == "the array":
        here.running.edit(ARRAY, volumeDeletionDelay=delay)
    own = {} if of == "the array" else {"deletionDelay": delay}
    goes, stays = await here.created("goes", **own), await here.created("stays", **own)

    here.running.delete(goes, stays)
    await here.running.survey()
    assert {here.reason(goes), here.reason(stays)} == {"DeletionDelayed"}
    assert here.status(goes)["deletionTime"] == "2026-03-03T00:00:00Z"
    here.running.annotate(stays, RELEASE, here.running.api.read(stays)["metadata"]["uid"])
    await here.running.survey()
    assert not here.running.api.exists(stays)
    assert here.sent == []
    here.running.later(3 * 24 * 3600)
    await here.running.settle_all()

    assert own_volume("goes") not in here.uids
    assert own_volume("stays") in here.uids


# -- pools and sizes -------------------------------------------------------------------------------------------------


async def test_a_full_pool_is_waited_for_without_a_command(modern: World) -> None:
    ref = modern.declare(size="3Gi", pool="Full")

    for _ in range(3):
        await modern.running.survey()
    assert (modern.reason(ref), modern.sent) == ("PoolFull", [])
    modern.array.system.pools["Full"].capacity = 4 * GIB
    await modern.running.settle_all()

    assert modern.reason(ref) == "Ready"
    modern.running.edit(ref, size="5Gi")
    await modern.running.survey()
    assert (modern.reason(ref), modern.volumes[DATA].capacity) == ("PoolFull", 3 * GIB)


async def test_an_array_that_has_less_room_than_it_shows_is_not_asked_in_a_loop(modern: World) -> None:
    def fill(operation: Operation) -> None:
        if isinstance(operation.step, CreateVolume) and "fill" not in modern.uids:
            modern.make("fill", 2 * GIB, "Full")

    modern.running.meanwhile = fill
    ref = modern.declare(pool="Full")

    for _ in range(3):
        await modern.running.survey()

    assert (modern.reason(ref), modern.sent) == ("PoolFull", ["CreateVolume"])
    assert DATA not in modern.uids


async def test_an_offline_pool_is_waited_for_without_a_command(modern: World) -> None:
    ref = modern.declare(pool="Offline")

    await modern.running.settle_all()
    assert (modern.reason(ref), modern.sent) == ("PoolOffline", [])
    modern.array.system.pools["Offline"].status = "online"
    await modern.running.settle_all()

    assert modern.reason(ref) == "Ready"


@pytest.mark.parametrize("pool", ["Child", "Quota", "Other"])
@pytest.mark.parametrize("provisioning", ["Thick", "Thin", "Compressed"])
async def test_a_volume_is_created_and_grows_in_a_child_pool_too(modern: World, pool: str, provisioning: str) -> None:
    ref = await modern.created(size="1Gi", pool=pool, provisioning=provisioning)

    modern.running.edit(ref, size="2Gi")
    await modern.running.settle_all()

    assert (modern.reason(ref), modern.status(ref)["pool"], modern.status(ref)["capacity"]) == ("Ready", pool, "2Gi")


@pytest.mark.parametrize(
    ("provisioning", "kind"),
    [
        ("Thick", (False, False, False)),
        ("Thin", (True, False, False)),
        ("Compressed", (False, True, False)),
        ("ThinDeduplicated", (True, False, True)),
        ("CompressedDeduplicated", (False, True, True)),
    ],
)
async def test_each_provisioning_is_possible_in_a_data_reduction_pool(
    modern: World, provisioning: str, kind: tuple[bool, bool, bool]
) -> None:
    ref = await modern.created(pool="Reducing", provisioning=provisioning)

    made = modern.volumes[DATA]
    assert (made.thin, made.compressed, made.deduplicated) == kind
    modern.running.edit(ref, size="3Gi")
    await modern.running.settle_all()
    assert (modern.reason(ref), modern.status(ref)["capacity"]) == ("Ready", "3Gi")
    modern.running.delete(ref)
    await modern.running.settle_all()
    assert DATA not in modern.uids


@pytest.mark.parametrize("provisioning", ["ThinDeduplicated", "CompressedDeduplicated"])
async def test_deduplication_outside_of_a_data_reduction_pool_is_refused_without_a_command(
    modern: World, provisioning: str
) -> None:
    ref = modern.declare(provisioning=provisioning)

    await modern.running.settle_all()

    assert (modern.reason(ref), modern.sent) == ("NotSupported", [])


@pytest.mark.parametrize(
    ("size", "capacity"),
    [
        ("2G", 2_000_000_000),
        (str(2 * GIB + 1), 2 * GIB + 512),
        (str(2 * GIB + 511), 2 * GIB + 512),
        ("1234567890", 1_234_568_192),
        ("1.5Gi", 3 * GIB // 2),
    ],
    ids=["powers of ten", "a GiB and one byte", "a byte less than a block", "no multiple of 512", "a fraction"],
)
async def test_any_size_is_rounded_up_to_blocks_once_and_no_further_command_follows(
    here: World, size: str, capacity: int
) -> None:
    ref = await here.created(size=size)
    assert here.volumes[DATA].capacity == capacity

    for more in (1, 513):
        wanted = capacity + more
        here.running.edit(ref, size=str(wanted))
        here.running.steps.clear()
        await here.running.settle_all()
        assert here.reason(ref) == "Ready"
        assert here.sent in ([], ["ExpandVolume"])
        assert wanted <= here.volumes[DATA].capacity < wanted + 2 * MIB


# -- overrides and permissions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("annotation", [PAUSED, PLAN])
@pytest.mark.parametrize("on", ["the volume", "the array"])
async def test_nothing_is_sent_while_paused_or_in_plan_mode(here: World, annotation: str, on: str) -> None:
    grown, going = await here.created("grown"), await here.created("going")
    before = here.uids
    created = here.declare("created")
    for each in (ARRAY,) if on == "the array" else (grown, going, created):
        here.running.annotate(each, annotation, "true")
    here.running.edit(grown, size="3Gi")
    here.running.delete(going)

    for _ in range(3):
        await here.running.survey()

    assert here.sent == []
    assert here.uids == before
    assert len(here.status(created)["plan"]) == 1
    assert len(here.status(grown)["plan"]) == 1
    assert len(here.status(going)["plan"]) == 1


async def test_a_volume_that_is_paused_after_the_plan_was_made_is_not_deleted(here: World) -> None:
    ref = await here.created()
    here.running.delete(ref)
    here.running.meanwhile = lambda _: here.running.annotate(ref, PAUSED, "true")

    await here.running.survey()

    assert DATA in here.uids
    assert here.sent == []


ALL = {"allowedNamespaces": {"from": "All"}}


@pytest.mark.parametrize(
    ("rules", "spec", "reason"),
    [
        ({"volumeCreation": {"from": "Same"}}, {}, "VolumeCreationNotAllowed"),
        ({"volumeCreation": {"from": "All", "pools": ["Gold*"]}}, {}, "VolumeCreationNotAllowed"),
        ({"volumeCreation": {"from": "All", "maxVolumeSize": "1Gi"}}, {}, "CapacityExceeded"),
        ({"volumeCreation": {"from": "All", "maxCapacityPerNamespace": "3Gi"}}, {}, "CapacityExceeded"),
        ({"allowedNamespaces": {"from": "Same"}}, {}, "ArrayNotAllowed"),
        (
            {"volumeCreation": {"from": "All"}, "hostAdoption": {"from": "Same"}},
            {"import": {"name": "theirs"}},
            "AdoptionNotAllowed",
        ),
    ],
    ids=["creation", "the pool", "the size", "the capacity of the namespace", "the array", "adoption"],
)
async def test_what_a_namespace_may_not_have_is_refused_without_a_command(
    here: World, rules: dict[str, Any], spec: dict[str, Any], reason: str
) -> None:
    here.running.namespaces = {NAMESPACE: {}, "tenant": {}}
    here.running.edit(ARRAY, **{**ALL, "volumeCreation": {"from": "All"}})
    first = await here.created("first", namespace="tenant")
    here.running.edit(ARRAY, **{**ALL, **rules})

    second = here.declare("second", None if spec else "2Gi", namespace="tenant", **spec)
    await here.running.settle_all()

    assert (here.reason(second), here.sent) == (reason, [])
    assert own_volume("first", "tenant") in here.uids
    assert here.reason(first) == "Ready"


@pytest.mark.parametrize(
    "withdrawn",
    [{"allowedNamespaces": {"from": "Same"}}, {"volumeCreation": {"from": "Same"}}],
    ids=["the array", "creation"],
)
async def test_a_permission_that_is_withdrawn_deletes_and_grows_nothing_and_does_not_keep_a_user_from_deleting(
    here: World, withdrawn: dict[str, Any]
) -> None:
    here.running.namespaces = {NAMESPACE: {}, "tenant": {}}
    here.running.edit(ARRAY, **{**ALL, "volumeCreation": {"from": "All"}})
    ref = await here.created("first", namespace="tenant")
    name = own_volume("first", "tenant")
    here.running.edit(ARRAY, **withdrawn)

    await here.running.settle_all()
    assert (name in here.uids, here.sent, here.reason(ref)) == (True, [], "Ready")
    here.running.edit(ref, size="3Gi")
    await here.running.settle_all()
    assert here.volumes[name].capacity == 2 * GIB
    assert here.sent == []
    here.running.delete(ref)
    await here.running.settle_all()
    assert name not in here.uids


async def test_the_capacity_of_a_namespace_counts_all_its_volumes_whatever_their_order(here: World) -> None:
    here.running.edit(ARRAY, volumeCreation={"from": "All", "maxCapacityPerNamespace": "5Gi"})
    refs = [here.declare(f"v{number}") for number in range(4)]

    await here.running.settle_all()

    ready = [here.reason(ref) for ref in refs]
    assert sorted(ready) == ["CapacityExceeded", "CapacityExceeded", "Ready", "Ready"]
    await here.running.turn(*reversed(refs))
    assert sum(each.capacity for name, each in here.volumes.items() if name.startswith("v")) == 4 * GIB


# -- many at once ----------------------------------------------------------------------------------------------------


async def test_many_volumes_are_created_attached_and_deleted_with_few_commands_each(here: World) -> None:
    count = 100
    node = host("node")
    here.running.apply(node)
    for number in range(count):
        here.declare(f"v{number:02}", "1Gi")
        here.running.api.create(
            attachment_ref(f"a{number:02}"),
            {"hostRef": {"name": "node"}, "volume": {"ref": {"name": f"v{number:02}"}}},
        )
        here.running.see(attachment_ref(f"a{number:02}"))

    here.array.lines.clear()
    await here.running.settle_all(most=12)

    everything = [*here.running.volumes, *here.running.attachments]
    assert {here.reason(each.ref) for each in everything} == {"Ready", "Attached"}
    verbs = [line.split()[1] for line in here.array.lines if line.startswith("svctask")]
    making = "mkvdisk" if here.dialect == "legacy" else "mkvolume"
    assert (verbs.count(making), verbs.count("mkvdiskhostmap"), verbs.count("mkhost")) == (count, count, 1)
    assert len(verbs) == 2 * count + 1
    reads = len(here.array.lines) - len(verbs)

    here.array.lines.clear()
    here.running.delete(*(each.ref for each in everything), node.ref)
    await here.running.settle_all(most=12)

    assert here.running.resources == []
    assert set(here.uids) == {"theirs", "more"}
    gone = [line.split()[1] for line in here.array.lines if line.startswith("svctask")]
    assert len(gone) == 2 * count + 1
    # The modern array answers many reads in one line.
    each = {"legacy": 30, "modern": 6}[here.dialect]
    assert reads <= each * count
    assert len(here.array.lines) - len(gone) <= each * count
