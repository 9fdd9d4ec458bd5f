"""Pools and child pools: lsmdiskgrp, and the settings of a pool."""

from flashsystem_operator.simulator.console.output import Column, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import BYTES, FILTER, LS, VALUE, Call, Verb
from flashsystem_operator.simulator.state.model import Pool
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, EVER, SITES
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import find


def _free(array: System, pool: Pool) -> Size:
    return Size(array.free(pool))


def _capacity(array: System, pool: Pool) -> Size:
    """A child pool without a quota shows the free space of its parent."""
    return Size(array.free(pool) if pool.is_quotaless else pool.capacity)


def _virtual(array: System, pool: Pool) -> Size:
    return Size(sum(volume.capacity for volume in array.copies_in(pool)))


def _used(array: System, pool: Pool) -> Size:
    """What hosts have written: all of a fully allocated volume. A child pool without a quota shows 0."""
    if pool.is_quotaless:
        return Size(0)
    return Size(sum(volume.capacity if volume.is_fully_allocated else volume.used for volume in array.copies_in(pool)))


def _children(array: System, pool: Pool) -> list[Pool]:
    return [child for child in array.pools.values() if child.parent == pool.name]


def _parent(array: System, pool: Pool) -> Pool:
    return array.pools[pool.parent] if pool.parent else pool


def _nothing(names: str, since: tuple[int, ...] = EVER) -> list[Column[Pool]]:
    """Return columns of a size that is always 0, because the simulator does not model them."""
    return [Column(name, lambda _array, _pool: Size(0), since) for name in names.split()]


CAPACITIES: list[Column[Pool]] = [
    Column("free_capacity", _free),
    Column("virtual_capacity", _virtual),
    Column("used_capacity", _used),
    Column("real_capacity", lambda array, pool: Size(0 if pool.is_quotaless else array.used[pool.name])),
]
COUNTS: list[Column[Pool]] = [
    Column("status", lambda array, pool: "offline" if array.is_offline(pool.name) else pool.status),
    Column("mdisk_count", lambda _, pool: pool.mdisk_count),
    Column("vdisk_count", lambda array, pool: len(array.copies_in(pool))),
    Column("capacity", _capacity),
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
    Column("overallocation", lambda array, pool: 100 * _virtual(array, pool) // max(1, _capacity(array, pool))),
    *blank("warning", value="0"),
    *blank("easy_tier", value="auto"),
    *blank("easy_tier_status", value="balanced"),
    *blank("compression_active", value="no"),
    *_nothing("compression_virtual_capacity compression_compressed_capacity compression_uncompressed_capacity"),
    Column("parent_mdisk_grp_id", lambda array, pool: _parent(array, pool).id),
    Column("parent_mdisk_grp_name", lambda array, pool: _parent(array, pool).name),
    Column("child_mdisk_grp_count", lambda array, pool: len(_children(array, pool))),
    Column("child_mdisk_grp_capacity", lambda array, pool: Size(sum(each.capacity for each in _children(array, pool)))),
    Column(
        "type",
        lambda _, pool: "parent" if not pool.parent else "child_quotaless" if pool.is_quotaless else "child_thick",
    ),
    *blank("encrypt", value="no"),
    *blank("owner_type", value="none"),
    *blank("owner_id owner_name", EIGHT),
    *blank("site_id site_name"),
    Column("data_reduction", lambda _, pool: pool.data_reduction, EIGHT),
    Column(
        "used_capacity_before_reduction",
        lambda array, pool: _used(array, pool) if pool.data_reduction == "yes" else Size(0),
        EIGHT,
    ),
    Column(
        "used_capacity_after_reduction",
        lambda array, pool: _used(array, pool) if pool.data_reduction == "yes" else Size(0),
        EIGHT,
    ),
    *_nothing("overhead_capacity deduplication_capacity_saving", EIGHT),
    # What the volumes occupy that are being deleted, without those that snapshots need.
    Column(
        "reclaimable_capacity",
        lambda array, pool: Size(
            sum(
                array.occupied(each, pool.name)
                for each in array.copies_in(pool)
                if each.is_being_deleted and not array.snapshots_of.get(each.uid)
            )
        ),
        EIGHT,
    ),
    *blank("easy_tier_fcm_over_allocation_max", EIGHT),
]


def lsmdiskgrp(array: System, call: Call) -> str:
    pools = sorted(array.pools.values(), key=lambda pool: pool.id)
    legacy = array.level.legacy
    if not call.object:
        columns = [LEGACY_POOL[0], POOL[1], *LEGACY_POOL[1:]] if legacy else POOL
        return concise(array, call, columns, pools)
    pool = find.pool(array, call.object)
    if legacy:
        return detailed(call, pairs(array, LEGACY_POOL, pool))
    details = pairs(array, POOL, pool)
    for tier in ("tier0_flash", "tier1_flash", "tier_enterprise", "tier_nearline"):
        here = tier == "tier0_flash"  # all capacity is in the fastest tier
        details += [
            ("tier", tier),
            ("tier_mdisk_count", pool.mdisk_count if here else 0),
            ("tier_capacity", _capacity(array, pool) if here else Size(0)),
            ("tier_free_capacity", _free(array, pool) if here else Size(0)),
        ]
    if array.level.within(EIGHT):
        active = "yes" == pool.vdisk_protection_enabled == array.state.system.vdisk_protection_enabled
        details += [
            ("vdisk_protection_enabled", pool.vdisk_protection_enabled),
            ("vdisk_protection_status", "active" if active else "inactive"),
        ]
    return detailed(call, details)


def chmdiskgrp(array: System, call: Call) -> str:
    pool = find.pool(array, call.object)
    chosen = call.value("-vdiskprotectionenabled")
    if chosen not in {"yes", "no"}:
        raise Refused("CMMVC5706E" if chosen else "CMMVC5733E", "-vdiskprotectionenabled")
    pool.vdisk_protection_enabled = "yes" if chosen == "yes" else "no"
    return ""


READS = (Verb("lsmdiskgrp", lsmdiskgrp, {**LS, **BYTES, **FILTER}, "optional"),)
CHANGES = (Verb("chmdiskgrp", chmdiskgrp, {"-vdiskprotectionenabled": VALUE}, "required", writes=True, since=SITES),)
