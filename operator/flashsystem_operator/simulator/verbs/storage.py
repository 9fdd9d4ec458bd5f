"""Views of volumes and their copies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flashsystem_operator.simulator.console.output import Column, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import BYTES, FILTER, LS, VALUE, Call, Option, Verb
from flashsystem_operator.simulator.state.model import Pool, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import (
    EIGHT,
    LEGACY_UNTIL,
    NINE_ONE,
    PORTSET_TYPES,
    SITES,
    THROTTLES,
)
from flashsystem_operator.simulator.state.system import System, Throttle
from flashsystem_operator.simulator.verbs import copies, find, snapshots

SIX = (6,)


def _protocol(array: System, volume: Volume) -> str:
    """Return the protocol of the hosts of a volume; blank while it is not mapped."""
    protocols = {"nvme" if "nvme" in host.protocol else "scsi" for host in array.hosts_of(volume)}
    return min(protocols, default="")


def _parent(array: System, name: str) -> Pool:
    """Return the parent of a pool: itself, unless it is a child pool."""
    pool = array.pools[name]
    return array.pools[pool.parent] if pool.parent else pool


def _one(volume: Volume, value: str | int) -> str | int:
    """Return what a view shows of the only copy; `many` for two copies."""
    return "many" if volume.mirror_pool else value


def _copy_count(volume: Volume, *, counted: bool) -> int:
    return len(volume.pools) if counted else 0


def _limits(get: Callable[[Throttle], object]) -> Callable[[System, Volume], str]:
    """Show a field of the throttle of a volume; blank without a throttle or limit."""

    def shown(array: System, volume: Volume) -> str:
        throttle = array.throttle_of(volume)
        value = get(throttle) if throttle else None
        return "" if value is None else str(value)

    return shown


NODE: list[Column[Volume]] = [
    Column("preferred_node_id", lambda _, volume: volume.preferred_node),
    Column(
        "preferred_node_name",
        lambda array, volume: next((n.name for n in array.nodes.values() if n.id == volume.preferred_node), ""),
    ),
]
VOLUME: list[Column[Volume]] = [
    Column("id", lambda _, volume: volume.id),
    Column("name", lambda _, volume: volume.name),
    Column("IO_group_id", lambda _, volume: volume.io_group),
    Column("IO_group_name", lambda _, volume: f"io_grp{volume.io_group}"),
    Column("status", lambda array, volume: array.status_of(volume)),
    Column("mdisk_grp_id", lambda array, volume: _one(volume, array.pools[volume.pool].id)),
    Column("mdisk_grp_name", lambda _, volume: _one(volume, volume.pool)),
    Column("capacity", lambda _, volume: Size(volume.capacity)),
    Column("type", lambda _, volume: _one(volume, volume.type)),
    *copies.MAP_OF_VOLUME,
    Column("RC_id", lambda _, volume: volume.rc_id),
    Column("RC_name", lambda _, volume: volume.rc_name),
    Column("vdisk_UID", lambda _, volume: volume.uid),
    *copies.MAP_COUNT,
    Column("copy_count", lambda _, volume: len(volume.pools)),
    *blank("fast_write_state", value="empty"),
    Column("se_copy_count", lambda _, volume: _copy_count(volume, counted=volume.thin and not volume.compressed)),
    Column("RC_change", lambda _, volume: volume.rc_change),
    Column("compressed_copy_count", lambda _, volume: _copy_count(volume, counted=volume.compressed), SIX),
    Column("parent_mdisk_grp_id", lambda array, volume: _one(volume, _parent(array, volume.pool).id), SITES),
    Column("parent_mdisk_grp_name", lambda array, volume: _one(volume, _parent(array, volume.pool).name), SITES),
    *blank("owner_id owner_name", EIGHT),
    Column("formatting", lambda _, volume: volume.formatting, EIGHT),
    *blank("encrypt", EIGHT, value="no"),
    Column("volume_id", lambda _, volume: volume.id, EIGHT),
    Column("volume_name", lambda _, volume: volume.name, EIGHT),
    Column("function", lambda _, volume: volume.function, EIGHT),
    *snapshots.GROUP_OF_VOLUME,
    Column("protocol", _protocol, EIGHT),
    *(Column(column.name, column.get, NINE_ONE) for column in NODE),
    *snapshots.SNAPSHOTS_OF_VOLUME,
    Column("replication_mode", lambda _, volume: volume.replication_mode, PORTSET_TYPES),
    *blank("is_safeguarded_snapshot", PORTSET_TYPES, value="no"),
    *blank("safeguarded_snapshot_count", PORTSET_TYPES, value="0"),
]
MORE: list[Column[Volume]] = [
    Column("formatted", lambda _, volume: volume.formatted),
    Column("formatting", lambda _, volume: volume.formatting, EIGHT),
    *blank("mdisk_id mdisk_name filesystem"),
    Column("throttling", _limits(lambda throttle: throttle.iops), until=THROTTLES),
    *NODE,
    Column("cache", lambda _, volume: volume.cache),
    Column("udid", lambda _, volume: volume.udid),
    *blank("sync_rate", value="50"),
    *blank("mirror_write_priority", value="latency"),
    Column("access_IO_group_count", lambda array, volume: len(array.groups(volume))),
    Column("last_access_time", lambda _, volume: volume.last_access_time),
    *blank("owner_type", EIGHT, value="none"),
    Column("throttle_id", _limits(lambda throttle: throttle.id), THROTTLES),
    Column("throttle_name", _limits(lambda throttle: throttle.name), THROTTLES),
    Column("IOPs_limit", _limits(lambda throttle: throttle.iops), THROTTLES),
    Column("bandwidth_limit_MB", _limits(lambda throttle: throttle.bandwidth), THROTTLES),
    *blank("cloud_backup_enabled", EIGHT, value="no"),
    *blank("cloud_account_id cloud_account_name", EIGHT),
    *blank("backup_status", EIGHT, value="off"),
    *blank("last_backup_time", EIGHT),
    *blank("restore_status", EIGHT, value="none"),
    *blank("backup_grain_size", EIGHT),
    Column("deduplicated_copy_count", lambda _, volume: _copy_count(volume, counted=volume.deduplicated), EIGHT),
    *blank("safeguarded_expiration_time", PORTSET_TYPES),
    *blank("safeguarded_backup_count", PORTSET_TYPES, value="0"),
    *snapshots.SOURCE_OF_VOLUME,
]
RECORDED = (
    "id name IO_group_id IO_group_name status mdisk_grp_id mdisk_grp_name capacity type formatted formatting "
    "mdisk_id mdisk_name FC_id FC_name RC_id RC_name vdisk_UID throttling preferred_node_id fast_write_state cache "
    "udid fc_map_count sync_rate copy_count se_copy_count filesystem mirror_write_priority RC_change "
    "compressed_copy_count access_IO_group_count last_access_time parent_mdisk_grp_id parent_mdisk_grp_name "
    "owner_type owner_id owner_name "
    "encrypt volume_id volume_name function throttle_id throttle_name IOPs_limit bandwidth_limit_MB volume_group_id "
    "volume_group_name cloud_backup_enabled cloud_account_id cloud_account_name backup_status last_backup_time "
    "restore_status backup_grain_size deduplicated_copy_count protocol preferred_node_name "
    "safeguarded_expiration_time safeguarded_backup_count"
)
"""The order of the detailed view of 8.4.2; newer keys follow in the order of the list, since no source shows it."""
_NAMED = {column.name: column for column in (*VOLUME, *MORE)}
DETAILS = [_NAMED.pop(name) for name in RECORDED.split()] + list(_NAMED.values())


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a volume, with its number and pool."""

    volume: Volume
    number: int
    pool: Pool

    @property
    def has_capacities(self) -> bool:
        """Whether views show used and real capacity: not of a thin or compressed copy in a data reduction pool."""
        return self.volume.is_fully_allocated or self.pool.data_reduction == "no"


def _where_shown(get: Callable[[System, Copy], str | int]) -> Callable[[System, Copy], str | int]:
    """Show a capacity of a copy; blank for a thin or compressed copy in a data reduction pool."""
    return lambda array, copy: get(array, copy) if copy.has_capacities else ""


def _of_thin(get: Callable[[Copy], str | int]) -> Callable[[System, Copy], str | int]:
    """Show a property of thin and compressed copies; blank for a fully allocated one."""
    return lambda _, copy: "" if copy.volume.is_fully_allocated else get(copy)


THIN: list[Column[Copy]] = [
    Column("se_copy", lambda _, copy: "yes" if copy.volume.thin and not copy.volume.compressed else "no"),
    *blank("easy_tier", value="on"),
    *blank("easy_tier_status", value="balanced"),
]
"""Thin and compressed copies are counted separately."""
COMPRESSED: Column[Copy] = Column("compressed_copy", lambda _, copy: "yes" if copy.volume.compressed else "no")
PARENT: list[Column[Copy]] = [
    Column("parent_mdisk_grp_id", lambda array, copy: _parent(array, copy.pool.name).id, SITES),
    Column("parent_mdisk_grp_name", lambda array, copy: _parent(array, copy.pool.name).name, SITES),
]
DEDUPLICATED: Column[Copy] = Column(
    "deduplicated_copy", lambda _, copy: "yes" if copy.volume.deduplicated else "no", EIGHT
)
STATUS: Column[Copy] = Column(
    "status", lambda array, copy: "offline" if array.is_offline(copy.pool.name) else copy.volume.status
)
POOL: list[Column[Copy]] = [
    Column("mdisk_grp_id", lambda _, copy: copy.pool.id),
    Column("mdisk_grp_name", lambda _, copy: copy.pool.name),
]
PRIMARY: Column[Copy] = Column("primary", lambda _, copy: "no" if copy.number else "yes")
COPY: list[Column[Copy]] = [
    Column("copy_id", lambda _, copy: copy.number),
    STATUS,
    *blank("sync", value="yes"),
    *blank("auto_delete", value="no"),
    PRIMARY,
    *POOL,
    Column("type", lambda _, copy: copy.volume.type),
    *blank("mdisk_id mdisk_name"),
    *blank("fast_write_state", value="empty"),
    Column(
        "used_capacity",
        _where_shown(
            lambda _, copy: Size(copy.volume.capacity if copy.volume.is_fully_allocated else copy.volume.used)
        ),
    ),
    Column("real_capacity", _where_shown(lambda array, copy: Size(array.real(copy.volume, copy.pool.name)))),
    Column(
        "free_capacity",
        _where_shown(lambda _, copy: Size(0 if copy.volume.is_fully_allocated else copy.volume.reserve)),
    ),
    Column(
        "overallocation",
        _where_shown(lambda array, copy: 100 * copy.volume.capacity // max(1, array.real(copy.volume, copy.pool.name))),
    ),
    Column("autoexpand", _of_thin(lambda copy: copy.volume.autoexpand if copy.has_capacities else "on")),
    Column("warning", _of_thin(lambda copy: copy.volume.warning if copy.has_capacities else "")),
    Column("grainsize", _of_thin(lambda copy: copy.volume.grainsize if copy.has_capacities else 8)),
    *THIN,
    COMPRESSED,
    Column(
        "uncompressed_used_capacity",
        _where_shown(lambda _, copy: Size(copy.volume.used if copy.volume.compressed else copy.volume.capacity)),
        SITES,
    ),
    *PARENT,
    *blank("encrypt", EIGHT, value="no"),
    DEDUPLICATED,
    Column(
        "used_capacity_before_reduction",
        lambda _, copy: Size(copy.volume.used) if not copy.has_capacities else "",
        EIGHT,
    ),
]
LEGACY_VOLUME: list[Column[Volume]] = [
    *(column for column in VOLUME if column.name in {"id", "name", "status", "capacity", "vdisk_UID"}),
    Column("udid", lambda _, volume: volume.udid),
    Column("open_access_scsi_id", lambda _, volume: volume.open_access_scsi_id),
    Column("parent_mdisk_grp_id", lambda array, volume: array.pools[volume.pool].id),
    Column("parent_mdisk_grp_name", lambda _, volume: volume.pool),
]


def _copies(array: System, volumes: Iterable[Volume]) -> list[Copy]:
    return [Copy(volume, number, array.pools[name]) for volume in volumes for number, name in enumerate(volume.pools)]


def lsvdisk(array: System, call: Call) -> str:
    """List the volumes, or show one in detail. A volume that is being deleted is listed with -showhidden only."""
    if not call.object:
        return concise(array, call, VOLUME, snapshots.listed(array, call))
    volume = find.volume(array, call.object, array.rules.volume_unknown_code)
    if array.level.legacy:
        return detailed(call, pairs(array, LEGACY_VOLUME, volume))
    blocks = [pairs(array, COPY, copy) for copy in _copies(array, [volume])]
    return detailed(call, pairs(array, DETAILS, volume), *blocks)


PROGRESS: list[Column[Volume]] = [
    Column("id", lambda _, volume: volume.id),
    Column("progress", lambda _, volume: volume.format_progress),
    *blank("estimated_completion_time"),
]


def _named_or_all(array: System, call: Call) -> list[Volume]:
    if call.object:
        return [find.volume(array, call.object, array.rules.volume_unknown_code)]
    return [volume for _, volume in sorted(array.volumes.items()) if not volume.is_being_deleted]


def lsvdiskprogress(array: System, call: Call) -> str:
    """List the volumes that are being formatted."""
    return concise(array, call, PROGRESS, (each for each in _named_or_all(array, call) if each.formatting == "yes"))


Access = tuple[Volume, int]
ACCESS: list[Column[Access]] = [
    Column("vdisk_id", lambda _, row: row[0].id),
    Column("vdisk_name", lambda _, row: row[0].name),
    Column("IO_group_id", lambda _, row: row[1]),
    Column("IO_group_name", lambda _, row: f"io_grp{row[1]}"),
]


def lsvdiskaccess(array: System, call: Call) -> str:
    """List the I/O groups through which each volume is accessible."""
    rows = [(volume, group) for volume in _named_or_all(array, call) for group in array.groups(volume)]
    return concise(array, call, ACCESS, rows)


HIDDEN = Option(takes_value=False, since=LEGACY_UNTIL)
UNIT = Option(since=LEGACY_UNTIL)
"""Of a capacity in the filter."""
READS = (
    Verb("lsvdisk", lsvdisk, {**LS, **BYTES, **FILTER, "-unit": UNIT, "-showhidden": HIDDEN}, "optional"),
    Verb("lsvdiskprogress", lsvdiskprogress, {**LS, **FILTER}, "optional", since=LEGACY_UNTIL),
    Verb("lsvdiskaccess", lsvdiskaccess, {**LS, **FILTER}, "optional", since=LEGACY_UNTIL),
)


CONCISE: list[Column[Copy]] = [
    Column("vdisk_id", lambda _, copy: copy.volume.id),
    Column("vdisk_name", lambda _, copy: copy.volume.name),
    Column("copy_id", lambda _, copy: copy.number),
    STATUS,
    *blank("sync", value="yes"),
    PRIMARY,
    *POOL,
    Column("capacity", lambda _, copy: Size(copy.volume.capacity)),
    Column("type", lambda _, copy: copy.volume.type),
    *THIN,
    COMPRESSED,
    *(Column(column.name, column.get, EIGHT) for column in PARENT),
    *blank("encrypt", EIGHT, value="no"),
    DEDUPLICATED,
]


def lsvdiskcopy(array: System, call: Call) -> str:
    """List the copies of one volume or of all. With -copy: this copy in detail."""
    if call.has("-copy") and not call.object:
        raise Refused("CMMVC5701E")
    listed = _copies(array, _named_or_all(array, call))
    if not call.has("-copy"):
        return concise(array, call, CONCISE, listed)
    for copy in listed:
        if call.value("-copy") == str(copy.number):
            volume = copy.volume
            head: list[Pair] = [
                ("vdisk_id", volume.id),
                ("vdisk_name", volume.name),
                ("capacity", Size(volume.capacity)),
            ]
            return detailed(call, head + pairs(array, COPY, copy))
    raise Refused("CMMVC6353E")


COPY_READS = (
    Verb("lsvdiskcopy", lsvdiskcopy, {**LS, **BYTES, **FILTER, "-copy": VALUE}, "optional", since=LEGACY_UNTIL),
)
