"""Mappings of volumes to hosts: mkvdiskhostmap, rmvdiskhostmap and the lists of mappings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flashsystem_operator.simulator.console.output import Column, concise, detailed, pairs
from flashsystem_operator.simulator.console.output import blank as empty
from flashsystem_operator.simulator.console.parser import FLAG, LS, NEEDED, VALUE, Call, Option, Verb
from flashsystem_operator.simulator.state.model import Host, HostCluster, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, HOST_CLUSTERS, PARTITIONS
from flashsystem_operator.simulator.state.system import Mapping, System
from flashsystem_operator.simulator.verbs import find
from flashsystem_operator.simulator.verbs.host_views import status
from flashsystem_operator.simulator.verbs.protection import Guard, refuse_if_recent

MOST_LUNS = 2048
ADMINLUNS = 512
"""A host of type adminlun takes LUNs below this."""


def mkvdiskhostmap(array: System, call: Call) -> str:
    volume = find.live_volume(array, call.object, array.rules.volume_missing_code)
    host = find.host(array, call.value("-host"), find.UNKNOWN)
    wanted = _wanted(array, host, call)
    groups = [group for group in array.groups(volume) if group in host.io_groups]
    if not groups:
        raise Refused("CMMVC5729E")
    # A pair that is mapped (5878E) or a LUN in use (5879E); a rule sets which is checked first.
    seen = array.seen_by(host)
    same_pair = any(mapping.volume is volume for mapping in seen)
    clash = any(wanted in {mapping.lun, *mapping.luns.values()} for mapping in seen)
    checks = [("CMMVC5878E", same_pair), ("CMMVC5879E", clash)]
    for code, applies in reversed(checks) if array.rules.lun_clash_checked_first else checks:
        if applies:
            raise Refused(code)
    if array.limits.mappings and sum(map(len, array.of_host.values())) >= array.limits.mappings:
        raise Refused("CMMVC5876E")
    if others(array, volume, host) and not call.has("-force"):
        raise Refused(array.rules.other_host_code or "")
    if any(("nvme" in other.protocol) != ("nvme" in host.protocol) for other in array.hosts_of(volume)):
        raise Refused("CMMVC9334E")
    if not volume.capacity or volume.rc_change == "yes":
        raise Refused("CMMVC7168E" if volume.capacity else "CMMVC5843E")
    may_differ = call.has("-allowmismatchedscsiids") or array.rules.lun_per_io_group
    # The requested LUN, otherwise the lowest that is free in the I/O groups.
    mapping = Mapping(host, volume, 0)
    if wanted is not None:
        mapping.lun = wanted
    elif may_differ:
        luns = {group: _lowest_free(array, host, [group]) for group in groups}
        mapping.lun = luns[groups[0]]
        mapping.luns = luns if len(set(luns.values())) > 1 else {}
    else:
        mapping.lun = _lowest_free(array, host, groups)
    array.map(mapping)
    array.maps_made += 1
    answer_id = mapping.lun if array.rules.map_answer_id == "lun" else array.maps_made
    return f"Virtual Disk to Host map, id [{answer_id}], successfully created\n"


def _wanted(array: System, host: Host, call: Call) -> int | None:
    """Return the LUN of -scsi; None lets the array choose. Refused if it is invalid, or not permitted for the host."""
    nvme = "nvme" in host.protocol
    if nvme and call.has("-allowmismatchedscsiids"):
        raise Refused("CMMVC9405E")
    if not call.has("-scsi"):
        return None
    if nvme:
        raise Refused("CMMVC9335E")
    if call.has("-allowmismatchedscsiids"):
        raise Refused("CMMVC5713E")
    wanted = lun(array, call.value("-scsi"))
    if host.type == "adminlun" and wanted >= ADMINLUNS:
        raise Refused("CMMVC8668E")
    return wanted


def lun(array: System, text: str) -> int:
    """Parse a LUN: from 0, and below the number of mappings that a host may have."""
    if not text.removeprefix("-").isdecimal():
        raise Refused("CMMVC5716E", text)
    if not 0 <= int(text) < (array.limits.luns_per_host or MOST_LUNS):
        raise Refused(array.rules.lun_out_of_range_code, text)
    return int(text)


def others(array: System, volume: Volume, host: Host | None = None) -> bool:
    """Whether the volume is mapped to anything but this host or its host cluster."""
    own_cluster = array.cluster_of(host) if host else None
    shared = any(mapping.owner is not own_cluster for mapping in array.shared_of(volume))
    return shared or any(mapping.owner is not host for mapping in array.of_volume[volume.id].values())


def _lowest_free(array: System, host: Host, groups: list[int]) -> int:
    """Return the lowest LUN that this host does not use in any of these I/O groups."""
    used: dict[int, set[int]] = {group: set() for group in groups}
    for mapping in array.seen_by(host):
        for group in used.keys() & set(array.groups(mapping.volume)):
            used[group].add(mapping.lun_in(group))
    most, together = array.limits.luns_per_host or MOST_LUNS, set().union(*used.values())
    free = next(number for number in range(len(together) + 1) if number not in together)
    if free < most:
        return free
    full = any(len(luns) >= most for luns in used.values())
    raise Refused("CMMVC9404E" if array.level.at(*PARTITIONS) and not full else "CMMVC5877E")


def rmvdiskhostmap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    host = find.host(array, call.value("-host"), find.UNKNOWN)
    mapping = array.of_host[host.id].get(volume.id)
    if mapping is None:
        shared = any(each.volume is volume for each in array.seen_by(host))
        raise Refused("CMMVC9071E" if shared else array.rules.unmap_unmapped_code)
    refuse_if_recent(array, [volume], Guard.MAPPING)
    array.unmap(mapping)
    return ""


CHANGES = (
    Verb(
        "mkvdiskhostmap",
        mkvdiskhostmap,
        {
            "-force": FLAG,
            "-host": NEEDED,
            "-scsi": VALUE,
            "-allowmismatchedscsiids": Option(takes_value=False, since=EIGHT),
        },
        "required",
        writes=True,
    ),
    Verb("rmvdiskhostmap", rmvdiskhostmap, {"-host": NEEDED}, "required", writes=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list of mappings: a mapping of one host through one I/O group."""

    mapping: Mapping
    host: Host
    io_group: int

    @property
    def lun(self) -> int:
        return self.mapping.lun_in(self.io_group)

    @property
    def cluster(self) -> HostCluster | None:
        owner = self.mapping.owner
        return owner if isinstance(owner, HostCluster) else None


VOLUME: list[Column[Row]] = [
    Column("vdisk_id", lambda _, row: row.mapping.volume.id),
    Column("vdisk_name", lambda _, row: row.mapping.volume.name),
]
HOST: list[Column[Row]] = [
    Column("host_id", lambda _, row: row.host.id),
    Column("host_name", lambda _, row: row.host.name),
]
LUN: Column[Row] = Column("SCSI_id", lambda _, row: row.lun)
UID: Column[Row] = Column("vdisk_UID", lambda _, row: row.mapping.volume.uid)
GROUP: list[Column[Row]] = [
    Column("IO_group_id", lambda _, row: row.io_group),
    Column("IO_group_name", lambda _, row: f"io_grp{row.io_group}"),
]
KIND: list[Column[Row]] = [
    Column("mapping_type", lambda _, row: "shared" if row.cluster else "private", HOST_CLUSTERS),
    Column("host_cluster_id", lambda _, row: row.cluster.id if row.cluster else "", HOST_CLUSTERS),
    Column("host_cluster_name", lambda _, row: row.cluster.name if row.cluster else "", HOST_CLUSTERS),
    Column("protocol", lambda _, row: row.host.protocol, EIGHT),
]


def _renamed(columns: list[Column[Row]]) -> list[Column[Row]]:
    """The same columns as `id` and `name`, for the object that the list is about."""
    return [Column(name, column.get) for name, column in zip(("id", "name"), columns, strict=True)]


def _rows(array: System, mappings: Iterable[Mapping], host: Host) -> Iterator[Row]:
    for mapping in mappings:
        here = [group for group in array.groups(mapping.volume) if group in host.io_groups]
        yield from (Row(mapping, host, group) for group in here)


def lshostvdiskmap(array: System, call: Call) -> str:
    if not call.object and not array.rules.map_list_without_object:
        raise Refused("CMMVC5701E")
    if call.object:
        hosts = [find.host(array, call.object, find.UNKNOWN)]
    else:
        hosts = [host for _, host in sorted(array.hosts.items())]
    rows = [row for host in hosts for row in _rows(array, array.seen_by(host), host)]
    groups = GROUP if array.rules.map_io_group_columns else []
    return concise(array, call, [*_renamed(HOST), LUN, *VOLUME, UID, *groups, *KIND], rows)


def lsvdiskhostmap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object, array.rules.volume_unknown_code)
    private = [(array.hosts[number], mapping) for number, mapping in array.of_volume[volume.id].items()]
    shared = [
        (host, mapping)
        for mapping in array.shared_of(volume)
        if isinstance(mapping.owner, HostCluster)
        for host in array.members(mapping.owner)
    ]
    both = sorted([*private, *shared], key=lambda pair: pair[0].id)
    rows = [row for host, mapping in both for row in _rows(array, [mapping], host)]
    return concise(array, call, [*_renamed(VOLUME), LUN, *HOST, UID, *GROUP, *KIND], rows)


def _cluster_status(array: System, cluster: HostCluster) -> str:
    states = {status(array, host) for host in array.members(cluster)}
    if not states or states == {"online"}:
        return "online"
    if states == {"offline"}:
        return "offline"
    return "host_cluster_degraded" if "offline" in states else "host_degraded"


CLUSTER: list[Column[HostCluster]] = [
    Column("id", lambda _, cluster: cluster.id),
    Column("name", lambda _, cluster: cluster.name),
    Column("status", _cluster_status),
    Column("host_count", lambda array, cluster: len(array.members(cluster))),
    Column("mapping_count", lambda array, cluster: len(array.shared[cluster.id])),
    Column("port_count", lambda array, cluster: sum(len(host.ports) for host in array.members(cluster))),
    Column("protocol", lambda _, cluster: cluster.protocol, EIGHT),
    *empty("owner_id owner_name", EIGHT),
]
MEMBER: list[Column[Host]] = [
    Column("host_id", lambda _, host: host.id),
    Column("host_name", lambda _, host: host.name),
    Column("status", status),
    Column("type", lambda _, host: host.type),
    Column("site_id", lambda _, host: host.site_id),
    Column("site_name", lambda _, host: host.site),
    Column("protocol", lambda _, host: host.protocol, EIGHT),
]
SHARED: list[Column[Mapping]] = [
    Column("id", lambda _, mapping: mapping.owner.id),
    Column("name", lambda _, mapping: mapping.owner.name),
    Column("SCSI_id", lambda _, mapping: mapping.lun),
    Column("volume_id", lambda _, mapping: mapping.volume.id),
    Column("volume_name", lambda _, mapping: mapping.volume.name),
    Column("volume_UID", lambda _, mapping: mapping.volume.uid),
    Column("IO_group_id", lambda _, mapping: mapping.volume.io_group),
    Column("IO_group_name", lambda _, mapping: f"io_grp{mapping.volume.io_group}"),
]


def lshostcluster(array: System, call: Call) -> str:
    if call.object:
        return detailed(call, pairs(array, CLUSTER, find.cluster(array, call.object, find.UNKNOWN)))
    return concise(array, call, CLUSTER, (cluster for _, cluster in sorted(array.clusters.items())))


def lshostclustermember(array: System, call: Call) -> str:
    return concise(array, call, MEMBER, array.members(find.cluster(array, call.object, find.UNKNOWN)))


def lshostclustervolumemap(array: System, call: Call) -> str:
    """List the shared mappings of one host cluster, or of all."""
    named = [find.cluster(array, call.object, find.UNKNOWN).id] if call.object else sorted(array.clusters)
    return concise(array, call, SHARED, [row for number in named for _, row in sorted(array.shared[number].items())])


READS = (
    Verb("lshostvdiskmap", lshostvdiskmap, LS, "optional"),
    Verb("lsvdiskhostmap", lsvdiskhostmap, LS, "required"),
    Verb("lshostcluster", lshostcluster, LS, "optional", since=HOST_CLUSTERS),
    Verb("lshostclustermember", lshostclustermember, LS, "required", since=HOST_CLUSTERS),
    Verb("lshostclustervolumemap", lshostclustervolumemap, LS, "optional", since=HOST_CLUSTERS),
)
