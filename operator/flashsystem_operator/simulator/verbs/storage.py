"""Pools, volumes and their copies: reads and changes."""

from flashsystem_operator.simulator.console.output import Column, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import (
    BYTES,
    FILTER,
    FLAG,
    LS,
    NEEDED,
    VALUE,
    Call,
    Grammar,
    Option,
    Verb,
)
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import Pool, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import CLONES, EIGHT, LEGACY_UNTIL, PARTITIONS, PORTSET_TYPES, SITES
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import copies, find, snapshots
from flashsystem_operator.simulator.verbs.mappings import others
from flashsystem_operator.simulator.verbs.protection import Guard, refuse_if_recent

SIX = (6,)


def _free(array: System, pool: Pool) -> Size:
    return Size(max(0, pool.capacity - array.used[pool.name]))


def _used(array: System, pool: Pool) -> Size:
    return Size(array.used[pool.name])


CAPACITIES: list[Column[Pool]] = [
    Column("free_capacity", _free),
    Column("virtual_capacity", _used),
    Column("used_capacity", _used),
    Column("real_capacity", _used),
]
COUNTS: list[Column[Pool]] = [
    Column("status", lambda _, pool: pool.status),
    Column("mdisk_count", lambda _, pool: pool.mdisk_count),
    Column("vdisk_count", lambda array, pool: sum(each.pool == pool.name for each in array.volumes.values())),
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
"""The only pool of a legacy array; its detailed view has no name."""
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
    pool = next((pool for pool in pools if call.object in {pool.name, str(pool.id)}), None)
    if pool is None:
        raise Refused("CMMVC5754E")
    if legacy:
        return detailed(call, pairs(array, LEGACY_POOL, pool))
    details = pairs(array, POOL, pool)
    for tier in ("tier0_flash", "tier1_flash", "tier_enterprise", "tier_nearline"):
        here = tier == "tier0_flash"  # all capacity is in the fastest tier
        details += [
            ("tier", tier),
            ("tier_mdisk_count", pool.mdisk_count if here else 0),
            ("tier_capacity", Size(pool.capacity if here else 0)),
            ("tier_free_capacity", _free(array, pool) if here else Size(0)),
        ]
    if array.level.within(EIGHT):
        active = "yes" == pool.vdisk_protection_enabled == array.state.system.vdisk_protection_enabled
        details += [
            ("vdisk_protection_enabled", pool.vdisk_protection_enabled),
            ("vdisk_protection_status", "active" if active else "inactive"),
        ]
    return detailed(call, details)


def thin(_array: System, volume: Volume) -> str:
    """Thin and compressed volumes are counted separately."""
    return "yes" if volume.thin and not volume.compressed else "no"


def compressed(_array: System, volume: Volume) -> str:
    return "yes" if volume.compressed else "no"


def deduplicated(_array: System, volume: Volume) -> str:
    return "yes" if volume.deduplicated else "no"


def _protocol(array: System, volume: Volume) -> str:
    """Return the protocol of the hosts of a volume; blank while it is not mapped."""
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
    *copies.MAP_OF_VOLUME,
    *blank("RC_id RC_name"),
    Column("vdisk_UID", lambda _, volume: volume.uid),
    *copies.MAP_COUNT,
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
    *snapshots.GROUP_OF_VOLUME,
    *snapshots.SNAPSHOTS_OF_VOLUME,
    *blank("replication_mode", PORTSET_TYPES),
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
    *snapshots.SOURCE_OF_VOLUME,
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
        return concise(array, call, VOLUME, snapshots.listed(array, call))
    volume = find.volume(array, call.object, array.rules.volume_unknown_code)
    if array.level.legacy:
        return detailed(call, pairs(array, LEGACY_VOLUME, volume))
    top = pairs(array, VOLUME, volume) + pairs(array, MORE, volume)
    return detailed(call, top, pairs(array, COPY, volume))


READS = (
    Verb("lsmdiskgrp", lsmdiskgrp, {**LS, **BYTES, **FILTER}, "optional"),
    Verb("lsvdisk", lsvdisk, {**LS, **BYTES, **FILTER, **copies.HIDDEN}, "optional"),
)


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
    """List the copies of one volume or of all; every volume has one. With -copy: this copy in detail."""
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


COPY_READS = (Verb("lsvdiskcopy", lsvdiskcopy, {**LS, **BYTES, **FILTER, "-copy": VALUE}, "optional"),)


UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
BLOCK = 512
SMALLEST_LEGACY = 1 << 30
LARGEST = 256 << 40


def _bytes(call: Call) -> int:
    """Return the -size of a command in bytes; the default unit is mb."""
    unit, size = call.value("-unit", "mb"), call.value("-size")
    if unit not in UNITS:
        raise Refused("CMMVC5717E", unit)
    if not size.isdecimal():
        raise Refused("CMMVC5716E", size)
    return int(size) * UNITS[unit]


def _make(array: System, call: Call, pool: Pool, smallest: int) -> Volume:
    capacity = _bytes(call)
    if capacity % BLOCK:
        raise Refused("CMMVC7019E")
    if capacity > LARGEST:
        raise Refused("CMMVC7018E")
    if capacity < (SMALLEST_LEGACY if array.level.legacy else smallest):
        raise Refused("CMMVC5702E", call.value("-size"))
    name = model.name(call.value("-name")) if call.has("-name") else ""
    if name in array.volume_named:
        raise Refused("CMMVC6035E")
    groups = find.io_groups(call.listed("-iogrp", ":")) if call.has("-iogrp") else [0]
    if array.used[pool.name] + capacity > pool.capacity:
        raise Refused("CMMVC8710E")
    number = array.volume_ids.take()
    volume = Volume(
        id=number,
        name=name or f"vdisk{number}",
        uid=array.new_uid(),
        capacity=capacity,
        pool=pool.name,
        io_group=groups[0],
        volume_group=_group(array, call),
        thin=call.has("-rsize") or call.has("-thin"),
        compressed=call.has("-compressed"),
        deduplicated=call.has("-deduplicated"),
    )
    array.add_volume(volume)
    return volume


def _group(array: System, call: Call) -> str:
    return find.volume_group(array, call.value("-volumegroup")).name if call.has("-volumegroup") else ""


def _pool(array: System, argument: str) -> Pool:
    for pool in array.pools.values():
        if argument in {pool.name, str(pool.id)}:
            return pool
    raise Refused(find.UNKNOWN)


def mkvdisk(array: System, call: Call) -> str:
    volume = _make(array, call, _pool(array, call.value("-mdiskgrp")), 0)
    return f"Virtual Disk, id [{volume.id}], successfully created\n"


def mkvolume(array: System, call: Call) -> str:
    if call.options.keys() & snapshots.CLONE.keys():
        return snapshots.clone(array, call)
    if not call.has("-size"):
        raise Refused("CMMVC5707E")
    volume = _make(array, call, _pool(array, call.value("-pool")), BLOCK)
    return f"Volume, id [{volume.id}], successfully created\n"


def chvdisk(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    if not call.options:
        raise Refused("CMMVC5733E")
    if call.has("-name"):
        name = model.name(call.value("-name"))
        if array.volume_named.get(name, volume) is not volume:
            raise Refused("CMMVC6035E")
        del array.volume_named[volume.name]
        volume.name = name
        array.volume_named[name] = volume
    if call.has("-volumegroup") or call.has("-novolumegroup"):
        volume.volume_group = _group(array, call)
    volume.udid = call.value("-udid", volume.udid)
    volume.open_access_scsi_id = call.value("-open_access_scsi_id", volume.open_access_scsi_id)
    return ""


def expandvdisksize(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    more = _bytes(call)
    if not more:
        raise Refused("CMMVC5702E", call.value("-size"))
    if array.level.at(*PARTITIONS):
        more = -(-more // UNITS["mb"]) * UNITS["mb"]  # documented for 8.7: rounded up to whole MB
    if volume.formatting == "yes":
        raise Refused("CMMVC8587E", text="The command failed because the volume is fast formatting.")
    if array.used[volume.pool] + more > array.pools[volume.pool].capacity:
        raise Refused("CMMVC5860E")
    copies.refuse_to_expand(array, volume, volume.capacity + more)
    volume.capacity += more
    array.used[volume.pool] += more
    return ""


def rmvdisk(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    if others(array, volume) and not (call.has("-force") or call.has("-removehostmappings")):
        raise Refused("CMMVC8787E" if call.verb == "rmvolume" else "CMMVC5840E")
    copies.refuse_to_remove(array, volume, call)
    refuse_if_recent(array, [volume], Guard.VOLUME)
    array.remove_volume(volume)
    return ""


SIZE: Grammar = {"-size": NEEDED, "-unit": VALUE}
LOOKS: Grammar = {
    **dict.fromkeys(("-rsize", "-grainsize", "-warning", "-easytier", "-vtype", "-cache", "-copyrate"), VALUE),
    **dict.fromkeys(("-autoexpand", "-compressed", "-nofmtdisk"), FLAG),
}
"""Options that only change what the views show of the copy: a thin volume uses as much space as a thick one."""
SINCE_7_7 = Option(takes_value=False, since=(7, 7))
MKVOLUME: Grammar = {
    **dict.fromkeys(("-thin", "-compressed", "-deduplicated"), FLAG),
    **dict.fromkeys(("-name", "-iogrp", "-volumegroup"), VALUE),
    "-pool": NEEDED,
}
CHANGES = (
    Verb(
        "mkvdisk",
        mkvdisk,
        {**SIZE, **LOOKS, "-name": VALUE, "-mdiskgrp": NEEDED, "-iogrp": VALUE},
        writes=True,
    ),
    Verb("mkvolume", mkvolume, {**SIZE, **MKVOLUME}, writes=True, since=(7, 6), until=CLONES),
    Verb("mkvolume", mkvolume, {**SIZE, "-size": VALUE, **snapshots.CLONE, **MKVOLUME}, writes=True, since=CLONES),
    Verb(
        "chvdisk",
        chvdisk,
        {
            "-name": VALUE,
            "-udid": VALUE,
            "-volumegroup": Option(since=PORTSET_TYPES),
            "-novolumegroup": Option(takes_value=False, since=PORTSET_TYPES),
            "-open_access_scsi_id": Option(until=LEGACY_UNTIL),
        },
        "required",
        writes=True,
    ),
    Verb("expandvdisksize", expandvdisksize, SIZE, "required", writes=True),
    Verb("rmvdisk", rmvdisk, {"-force": FLAG, "-removehostmappings": SINCE_7_7}, "required", writes=True),
    Verb(
        "rmvolume",
        rmvdisk,
        dict.fromkeys(("-removehostmappings", "-removefcmaps", "-removercrelationships"), FLAG),
        "required",
        writes=True,
        since=(7, 6),
    ),
)
