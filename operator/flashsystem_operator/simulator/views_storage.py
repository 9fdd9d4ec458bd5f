"""Reads about pools and volumes."""

from flashsystem_operator.simulator import find
from flashsystem_operator.simulator.call import Call
from flashsystem_operator.simulator.objects import Pool, Volume
from flashsystem_operator.simulator.printing import Column, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EIGHT, PORTSET_TYPES, SITES
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import BYTES, FILTER, LS, Verb

SIX = (6,)


def _free(array: System, pool: Pool) -> Size:
    return Size(max(0, pool.capacity - array.used[pool.name]))


def _used(array: System, pool: Pool) -> Size:
    return Size(array.used[pool.name])


def _count(array: System, pool: Pool) -> int:
    return sum(volume.pool == pool.name for volume in array.volumes.values())


CAPACITIES: list[Column[Pool]] = [
    Column("free_capacity", _free),
    Column("virtual_capacity", _used),
    Column("used_capacity", _used),
    Column("real_capacity", _used),
]
COUNTS: list[Column[Pool]] = [
    Column("status", lambda _, pool: pool.status),
    Column("mdisk_count", lambda _, pool: pool.mdisk_count),
    Column("vdisk_count", _count),
    Column("capacity", lambda _, pool: Size(pool.capacity)),
]
LEGACY_POOL: list[Column[Pool]] = [
    Column("id", lambda _, pool: pool.id),
    *COUNTS,
    *CAPACITIES,
    *blank("encrypted", value="no"),
    *blank("type", value="parent"),
    *blank("encrypt", value="no"),
]
"""The one pool of a legacy array; its detailed view names no name."""
POOL: list[Column[Pool]] = [
    Column("id", lambda _, pool: pool.id),
    Column("name", lambda _, pool: pool.name),
    *COUNTS,
    Column("extent_size", lambda _, pool: pool.extent_size >> 20),
    *CAPACITIES,
    *blank("overallocation warning", value="0"),
    *blank("easy_tier", value="auto"),
    *blank("easy_tier_status", value="balanced"),
    *blank("compression_active", value="no"),
    *blank(
        "compression_virtual_capacity compression_compressed_capacity compression_uncompressed_capacity", value="0.00MB"
    ),
    Column("parent_mdisk_grp_id", lambda _, pool: pool.id),
    Column("parent_mdisk_grp_name", lambda _, pool: pool.name),
    *blank("child_mdisk_grp_count", value="0"),
    *blank("child_mdisk_grp_capacity", value="0.00MB"),
    *blank("type", value="parent"),
    *blank("encrypt", value="no"),
    *blank("owner_type", value="none"),
    *blank("site_id site_name"),
    *blank("data_reduction", EIGHT, value="no"),
]


def lsmdiskgrp(array: System, call: Call) -> str:
    pools = sorted(array.pools.values(), key=lambda pool: pool.id)
    legacy = array.level.legacy
    if not call.object:
        columns = [LEGACY_POOL[0], POOL[1], *LEGACY_POOL[1:]] if legacy else POOL
        return concise(array, call, columns, pools)
    for pool in pools:
        if call.object in {pool.name, str(pool.id)}:
            if legacy:
                return detailed(call, pairs(array, LEGACY_POOL, pool))
            return detailed(call, pairs(array, POOL, pool) + _tiers(array, pool) + _protection(array, pool))
    raise Refused("CMMVC5754E")


def _tiers(array: System, pool: Pool) -> list[Pair]:
    """The four tiers of a pool, all of it in the fastest one."""
    block: list[Pair] = []
    for tier in ("tier0_flash", "tier1_flash", "tier_enterprise", "tier_nearline"):
        here = tier == "tier0_flash"
        block += [
            ("tier", tier),
            ("tier_mdisk_count", pool.mdisk_count if here else 0),
            ("tier_capacity", Size(pool.capacity if here else 0)),
            ("tier_free_capacity", _free(array, pool) if here else Size(0)),
        ]
    return block


def _protection(array: System, pool: Pool) -> list[Pair]:
    if not array.level.within(EIGHT):
        return []
    active = "yes" == pool.vdisk_protection_enabled == array.state.system.vdisk_protection_enabled
    return [
        ("vdisk_protection_enabled", pool.vdisk_protection_enabled),
        ("vdisk_protection_status", "active" if active else "inactive"),
    ]


def thin(_array: System, volume: Volume) -> str:
    """Thin and compressed are counted apart."""
    return "yes" if volume.thin and not volume.compressed else "no"


def compressed(_array: System, volume: Volume) -> str:
    return "yes" if volume.compressed else "no"


def deduplicated(_array: System, volume: Volume) -> str:
    return "yes" if volume.deduplicated else "no"


def volume_groups(array: System) -> list[str]:
    """The volume groups are those that volumes name; the place in this list is the id."""
    return sorted({volume.volume_group for volume in array.volumes.values() if volume.volume_group})


def _group_id(array: System, volume: Volume) -> str | int:
    return volume_groups(array).index(volume.volume_group) if volume.volume_group else ""


def _protocol(array: System, volume: Volume) -> str:
    """What the hosts of a volume speak; blank while it is not mapped."""
    protocols = {"nvme" if "nvme" in host.protocol else "scsi" for host in array.hosts_of(volume)}
    return min(protocols, default="")


VOLUME: list[Column[Volume]] = [
    Column("id", lambda _, volume: volume.id),
    Column("name", lambda _, volume: volume.name),
    Column("IO_group_id", lambda _, volume: volume.io_group),
    Column("IO_group_name", lambda _, volume: f"io_grp{volume.io_group}"),
    Column("status", lambda _, volume: volume.status),
    Column("mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id),
    Column("mdisk_grp_name", lambda _, volume: volume.pool),
    Column("capacity", lambda _, volume: Size(volume.capacity)),
    Column("type", lambda _, volume: volume.type),
    *blank("FC_id FC_name RC_id RC_name"),
    Column("vdisk_UID", lambda _, volume: volume.uid),
    *blank("fc_map_count", value="0"),
    *blank("copy_count", value="1"),
    *blank("fast_write_state", value="empty"),
    Column("se_copy_count", lambda array, volume: int(thin(array, volume) == "yes")),
    *blank("RC_change", value="no"),
    Column("compressed_copy_count", lambda _, volume: int(volume.compressed), SIX),
    Column("parent_mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id, SITES),
    Column("parent_mdisk_grp_name", lambda _, volume: volume.pool, SITES),
    *blank("owner_id owner_name", EIGHT),
    Column("formatting", lambda _, volume: volume.formatting, EIGHT),
    *blank("encrypt", EIGHT, value="no"),
    Column("volume_id", lambda _, volume: volume.id, EIGHT),
    Column("volume_name", lambda _, volume: volume.name, EIGHT),
    *blank("function", EIGHT),
    Column("protocol", _protocol, EIGHT),
    Column("volume_group_id", _group_id, PORTSET_TYPES),
    Column("volume_group_name", lambda _, volume: volume.volume_group, PORTSET_TYPES),
    *blank("is_snapshot", PORTSET_TYPES, value="no"),
    *blank("snapshot_count", PORTSET_TYPES, value="0"),
    *blank("volume_type replication_mode", PORTSET_TYPES),
    *blank("is_safeguarded_snapshot", PORTSET_TYPES, value="no"),
    *blank("safeguarded_snapshot_count", PORTSET_TYPES, value="0"),
]
MORE: list[Column[Volume]] = [
    *blank("formatted", value="no"),
    *blank("mdisk_id mdisk_name throttling"),
    Column("preferred_node_id", lambda _, volume: volume.preferred_node),
    *blank("cache", value="readwrite"),
    Column("udid", lambda _, volume: volume.udid),
    *blank("sync_rate", value="50"),
    *blank("mirror_write_priority", value="latency"),
    Column("access_IO_group_count", lambda array, volume: len(array.groups(volume))),
    *blank("last_access_time"),
]
COPY: list[Column[Volume]] = [
    *blank("copy_id", value="0"),
    Column("status", lambda _, volume: volume.status),
    *blank("sync primary", value="yes"),
    Column("mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id),
    Column("mdisk_grp_name", lambda _, volume: volume.pool),
    Column("type", lambda _, volume: volume.type),
    Column("used_capacity", lambda _, volume: Size(volume.capacity)),
    Column("real_capacity", lambda _, volume: Size(volume.capacity)),
    Column("free_capacity", lambda _, _volume: Size(0)),
    *blank("overallocation", value="100"),
    *blank("autoexpand warning grainsize"),
    Column("se_copy", thin),
    *blank("easy_tier", value="on"),
    *blank("easy_tier_status", value="balanced"),
    Column("compressed_copy", compressed),
    Column("parent_mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id, SITES),
    Column("parent_mdisk_grp_name", lambda _, volume: volume.pool, SITES),
    *blank("encrypt", EIGHT, value="no"),
    Column("deduplicated_copy", deduplicated, EIGHT),
]
LEGACY_VOLUME: list[Column[Volume]] = [
    *(column for column in VOLUME if column.name in {"id", "name", "status", "capacity", "vdisk_UID"}),
    Column("udid", lambda _, volume: volume.udid),
    Column("open_access_scsi_id", lambda _, volume: volume.open_access_scsi_id),
    Column("parent_mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id),
    Column("parent_mdisk_grp_name", lambda _, volume: volume.pool),
]


def lsvdisk(array: System, call: Call) -> str:
    if not call.object:
        return concise(array, call, VOLUME, (volume for _, volume in sorted(array.volumes.items())))
    volume = find.volume(array, call.object, array.rules.volume_unknown_code)
    if array.level.legacy:
        return detailed(call, pairs(array, LEGACY_VOLUME, volume))
    top = pairs(array, VOLUME, volume) + pairs(array, MORE, volume)
    return detailed(call, top, pairs(array, COPY, volume))


READS = (
    Verb("lsmdiskgrp", lsmdiskgrp, {**LS, **BYTES, **FILTER}, "optional"),
    Verb("lsvdisk", lsvdisk, {**LS, **BYTES, **FILTER}, "optional"),
)
