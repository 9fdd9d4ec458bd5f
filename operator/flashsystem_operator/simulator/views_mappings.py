"""Reads about mappings and host clusters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flashsystem_operator.simulator import find
from flashsystem_operator.simulator.call import Call
from flashsystem_operator.simulator.objects import Host, HostCluster
from flashsystem_operator.simulator.printing import Column, concise, detailed, pairs
from flashsystem_operator.simulator.printing import blank as empty
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EIGHT, HOST_CLUSTERS
from flashsystem_operator.simulator.system import Mapping, System
from flashsystem_operator.simulator.verb import LS, Verb
from flashsystem_operator.simulator.views_hosts import status


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a mapping list: a mapping as one host sees it through one I/O group."""

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
    """The same columns as `id` and `name`, which mean the object that the list was asked about."""
    return [Column(name, column.get) for name, column in zip(("id", "name"), columns, strict=True)]


def _rows(array: System, mappings: Iterable[Mapping], host: Host) -> Iterator[Row]:
    for mapping in mappings:
        here = [group for group in array.groups(mapping.volume) if group in host.io_groups]
        yield from (Row(mapping, host, group) for group in here)


def lshostvdiskmap(array: System, call: Call) -> str:
    if not call.object and not array.rules.map_list_without_object:
        raise Refused("CMMVC5701E")
    hosts = [find.host(array, call.object, find.UNKNOWN)] if call.object else _by_id(array.hosts)
    rows = [row for host in hosts for row in _rows(array, array.seen_by(host), host)]
    groups = GROUP if array.rules.map_io_group_columns else []
    return concise(array, call, [*_renamed(HOST), LUN, *VOLUME, UID, *groups, *KIND], rows)


def _by_id(hosts: dict[int, Host]) -> list[Host]:
    return [host for _, host in sorted(hosts.items())]


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
    """The shared mappings of one host cluster, or of all."""
    named = [find.cluster(array, call.object, find.UNKNOWN).id] if call.object else sorted(array.clusters)
    return concise(array, call, SHARED, [row for number in named for _, row in sorted(array.shared[number].items())])


READS = (
    Verb("lshostvdiskmap", lshostvdiskmap, LS, "optional"),
    Verb("lsvdiskhostmap", lsvdiskhostmap, LS, "required"),
    Verb("lshostcluster", lshostcluster, LS, "optional", since=HOST_CLUSTERS),
    Verb("lshostclustermember", lshostclustermember, LS, "required", since=HOST_CLUSTERS),
    Verb("lshostclustervolumemap", lshostclustervolumemap, LS, "optional", since=HOST_CLUSTERS),
)
