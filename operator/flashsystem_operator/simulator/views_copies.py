"""Reads about copies of volumes, volume groups, and FlashCopy maps, of which there are none here."""

from dataclasses import dataclass

from flashsystem_operator.simulator import find
from flashsystem_operator.simulator.call import VALUE, Call
from flashsystem_operator.simulator.objects import Volume
from flashsystem_operator.simulator.printing import Column, Columns, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EIGHT, LEGACY_UNTIL, PORTSET_TYPES
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import BYTES, FILTER, LS, Verb
from flashsystem_operator.simulator.views_storage import COPY, compressed, deduplicated, thin, volume_groups

CONCISE: list[Column[Volume]] = [
    Column("vdisk_id", lambda _, volume: volume.id),
    Column("vdisk_name", lambda _, volume: volume.name),
    *blank("copy_id", value="0"),
    Column("status", lambda _, volume: volume.status),
    *blank("sync primary", value="yes"),
    Column("mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id),
    Column("mdisk_grp_name", lambda _, volume: volume.pool),
    Column("capacity", lambda _, volume: Size(volume.capacity)),
    Column("type", lambda _, volume: volume.type),
    Column("se_copy", thin),
    *blank("easy_tier", value="on"),
    *blank("easy_tier_status", value="balanced"),
    Column("compressed_copy", compressed),
    Column("parent_mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id, EIGHT),
    Column("parent_mdisk_grp_name", lambda _, volume: volume.pool, EIGHT),
    *blank("encrypt", EIGHT, value="no"),
    Column("deduplicated_copy", deduplicated, EIGHT),
]


def lsvdiskcopy(array: System, call: Call) -> str:
    """The copies of one volume or of all; every volume has one here. With -copy, this copy in detail."""
    if not call.object:
        if call.has("-copy"):
            raise Refused("CMMVC5701E")
        return concise(array, call, CONCISE, (volume for _, volume in sorted(array.volumes.items())))
    volume = find.volume(array, call.object, array.rules.volume_unknown_code)
    if not call.has("-copy"):
        return concise(array, call, CONCISE, [volume])
    if call.value("-copy") != "0":
        raise Refused("CMMVC6353E")
    head: list[Pair] = [("vdisk_id", volume.id), ("vdisk_name", volume.name), ("capacity", Size(volume.capacity))]
    return detailed(call, head + pairs(array, COPY, volume))


FLASHCOPY: Columns[object] = [
    *blank("id name source_vdisk_id source_vdisk_name target_vdisk_id target_vdisk_name group_id group_name status"),
    *blank("progress copy_rate clean_progress incremental partner_FC_id partner_FC_name restoring start_time"),
    *blank("rc_controlled"),
]


def lsfcmap(array: System, call: Call) -> str:
    if call.object:
        raise Refused(find.UNKNOWN)
    return concise(array, call, FLASHCOPY, [])


def lsvdiskfcmappings(array: System, call: Call) -> str:
    """The FlashCopy maps of a volume. The guide names it as the object, Cinder's driver as -vdisk: both are taken."""
    name = call.value("-vdisk") or call.object
    if not name:
        raise Refused("CMMVC5701E")
    find.volume(array, name, array.rules.volume_unknown_code)
    return concise(array, call, blank("id name"), [])


@dataclass(frozen=True, slots=True)
class Group:
    """A volume group: what the volumes that name it make of it."""

    id: int
    name: str
    volumes: int


GROUP: list[Column[Group]] = [
    Column("id", lambda _, group: group.id),
    Column("name", lambda _, group: group.name),
    Column("volume_count", lambda _, group: group.volumes),
    *blank("backup_status", value="off"),
    *blank("last_backup_time owner_id owner_name"),
    *blank("safeguarded_policy_id safeguarded_policy_name safeguarded_policy_start_time"),
    *blank("replication_policy_id replication_policy_name volume_group_type uid", (8, 6)),
    *blank("source_volume_group_id source_volume_group_name parent_uid source_snapshot_id source_snapshot", (8, 6)),
    *blank("snapshot_count", (8, 6), value="0"),
    *blank("snapshot_policy_id snapshot_policy_name", (8, 6)),
    *blank("partition_id partition_name", (8, 7)),
]


def lsvolumegroup(array: System, call: Call) -> str:
    named = [volume.volume_group for volume in array.volumes.values()]
    here = [Group(number, name, named.count(name)) for number, name in enumerate(volume_groups(array))]
    if not call.object:
        return concise(array, call, GROUP, here)
    for group in here:
        if call.object in {group.name, str(group.id)}:
            return detailed(call, pairs(array, GROUP, group))
    raise Refused("CMMVC5804E")


COPY_READS = (
    Verb("lsvdiskcopy", lsvdiskcopy, {**LS, **BYTES, **FILTER, "-copy": VALUE}, "optional"),
    Verb("lsfcmap", lsfcmap, {**LS, **FILTER}, "optional", since=LEGACY_UNTIL),
    Verb("lsvdiskfcmappings", lsvdiskfcmappings, {**LS, "-vdisk": VALUE}, "optional", since=LEGACY_UNTIL),
    Verb("lsvolumegroup", lsvolumegroup, {**LS, **BYTES, **FILTER}, "optional", since=PORTSET_TYPES),
)
