"""The objects of the array and their relations: no verbs, no output, no I/O.

All lookups use dictionaries, so that a command takes no longer on an array with thousands of objects.
"""

import heapq
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass, field

from flashsystem_operator.simulator.state.config import State
from flashsystem_operator.simulator.state.model import (
    Host,
    HostCluster,
    HostPort,
    MappingEntry,
    Pool,
    SharedEntry,
    ThrottleEntry,
    Volume,
)


@dataclass(eq=False, slots=True)
class Mapping:
    """A mapping of a volume to a host or a host cluster. luns: LUN by I/O group where they differ."""

    owner: Host | HostCluster
    volume: Volume
    lun: int
    luns: dict[int, int] = field(default_factory=dict)

    def lun_in(self, io_group: int) -> int:
        return self.luns.get(io_group, self.lun)


@dataclass(eq=False, slots=True)
class Throttle:
    """A limit on the I/O of an object, for each node; of None: on offloaded commands.

    iops, bandwidth (MB/s): None is unlimited.
    """

    id: int
    name: str
    target: Volume | Host | HostCluster | Pool | None
    iops: int | None = None
    bandwidth: int | None = None

    def entry(self) -> ThrottleEntry:
        fields = {Volume: "volume", Host: "host", HostCluster: "host_cluster", Pool: "pool"}
        of = {fields[type(self.target)]: self.target.name} if self.target else {}
        return ThrottleEntry(id=self.id, name=self.name, iops=self.iops, bandwidth=self.bandwidth, **of)


class Ids:
    """Ids for new objects: the array reuses the lowest free one."""

    def __init__(self, used: Iterable[int]) -> None:
        taken = set(used)
        self._next = max(taken, default=-1) + 1
        self._free = [number for number in range(self._next) if number not in taken]

    def take(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._next += 1
        return self._next - 1

    def give_back(self, number: int) -> None:
        heapq.heappush(self._free, number)


class System:
    """An array. The dictionaries are for lookups; the methods below and the verbs change them."""

    def __init__(self, state: State) -> None:
        self.serial = 0
        self.uids: set[str] = set()
        self.maps_made = 0
        self.become(state)

    def become(self, state: State) -> None:
        """Replace the array by this state, which has been validated."""
        self.state = state
        self.level, self.rules, self.limits = state.level, state.rules, state.limits
        self.pools = {each.name: each for each in state.pools}
        self.nodes = {each.name: each for each in state.nodes}
        self.portsets = {each.name: each for each in state.portsets}
        self.hosts: dict[int, Host] = {}
        self.host_named: dict[str, Host] = {}
        self.port_owner: dict[str, Host] = {}
        self.volumes: dict[int, Volume] = {}
        self.volume_named: dict[str, Volume] = {}
        self.clusters: dict[int, HostCluster] = {}
        self.cluster_named: dict[str, HostCluster] = {}
        self.of_host: dict[int, dict[int, Mapping]] = {}
        self.of_volume: dict[int, dict[int, Mapping]] = {}
        self.shared: dict[int, dict[int, Mapping]] = {}
        self.throttles: dict[int, Throttle] = {}
        self.used = dict.fromkeys(self.pools, 0)
        """The bytes that the volumes of each pool occupy, in whole extents; not those of its child pools."""
        self.iqns = dict.fromkeys(range(4), 0)
        self.serial = max([self.serial, *(volume.id + 1 for volume in state.volumes)])
        for volume in state.volumes:
            self.add_volume(volume)
        for cluster in state.host_clusters:
            self.add_cluster(cluster)
        for host in state.hosts:
            self.add_host(host)
        for entry in state.mappings:
            self.map(Mapping(self.host_named[entry.host], self.volume_named[entry.volume], entry.lun, dict(entry.luns)))
        for shared in state.shared_mappings:
            cluster = self.cluster_named[shared.host_cluster]
            self.map(Mapping(cluster, self.volume_named[shared.volume], shared.lun))
        named: dict[str, Mapped[str, Volume | Host | HostCluster | Pool]] = {
            "volume": self.volume_named,
            "host": self.host_named,
            "host_cluster": self.cluster_named,
            "pool": self.pools,
        }
        for limit in state.throttles:
            kind, name = limit.target
            target = named[kind][name] if name else None
            self.throttles[limit.id] = Throttle(limit.id, limit.name, target, limit.iops, limit.bandwidth)
        self.throttle_ids = Ids(self.throttles)
        self.host_ids, self.volume_ids = Ids(self.hosts), Ids(self.volumes)
        self.cluster_ids = Ids(self.clusters)
        if not self.rules.drp_deletion_lingers:
            for volume in [volume for volume in self.volumes.values() if volume.is_being_deleted]:
                self.remove_volume(volume)

    def dump(self) -> State:
        """Return the whole state, in an order that does not depend on its history."""
        private = [
            MappingEntry(host=host.name, volume=mapping.volume.name, lun=mapping.lun, luns=mapping.luns)
            for number, host in sorted(self.hosts.items())
            for _, mapping in sorted(self.of_host[number].items())
        ]
        shared = [
            SharedEntry(host_cluster=cluster.name, volume=mapping.volume.name, lun=mapping.lun)
            for number, cluster in sorted(self.clusters.items())
            for _, mapping in sorted(self.shared[number].items())
        ]
        return self.state.model_copy(
            update={
                "volumes": [volume for _, volume in sorted(self.volumes.items())],
                "hosts": [host for _, host in sorted(self.hosts.items())],
                "host_clusters": [cluster for _, cluster in sorted(self.clusters.items())],
                "mappings": private,
                "shared_mappings": shared,
                "throttles": [throttle.entry() for _, throttle in sorted(self.throttles.items())],
            }
        )

    def new_uid(self) -> str:
        """Return a vdisk_UID that no volume has had since the simulator started."""
        while True:
            uid = self._uid(self.serial)
            self.serial += 1
            if uid not in self.uids:
                return uid

    def _uid(self, number: int) -> str:
        return f"6005076{self.state.system.id[-9:].upper()}{number:016X}"

    def add_volume(self, volume: Volume) -> None:
        volume.uid = volume.uid or self._uid(volume.id)
        self.uids.add(volume.uid)
        self.volumes[volume.id] = self.volume_named[volume.name] = volume
        self.of_volume[volume.id] = {}
        for name in volume.pools:
            self.used[name] += self.occupied(volume, name)

    def rename_volume(self, volume: Volume, name: str) -> None:
        del self.volume_named[volume.name]
        volume.name = name
        self.volume_named[name] = volume

    def delete_volume(self, volume: Volume) -> None:
        """Remove a volume with its mappings and throttle; a rule lets it linger in a data reduction pool."""
        for mapping in [*self.of_volume[volume.id].values(), *self.shared_of(volume)]:
            self.unmap(mapping)
        self.remove_throttle(self.throttle_of(volume))
        if self.rules.drp_deletion_lingers and self.is_in_data_reduction(volume):
            volume.status, volume.volume_group = "deleting", ""
        else:
            self.remove_volume(volume)

    def remove_volume(self, volume: Volume) -> None:
        """Remove a volume with everything that refers to it, at once."""
        for mapping in [*self.of_volume[volume.id].values(), *self.shared_of(volume)]:
            self.unmap(mapping)
        self.remove_throttle(self.throttle_of(volume))
        del self.volumes[volume.id], self.volume_named[volume.name], self.of_volume[volume.id]
        for name in volume.pools:
            self.used[name] -= self.occupied(volume, name)
        self.volume_ids.give_back(volume.id)

    def resize_volume(self, volume: Volume, capacity: int) -> None:
        for name in volume.pools:
            self.used[name] -= self.occupied(volume, name)
        volume.capacity = capacity
        for name in volume.pools:
            self.used[name] += self.occupied(volume, name)

    def real(self, volume: Volume, pool: str) -> int:
        """Return the bytes that the copy of a volume in this pool has been given.

        That is the capacity of a fully allocated volume. Others have what is used, and in a standard pool a reserve.
        """
        if volume.is_fully_allocated:
            return volume.capacity
        return volume.used + (0 if self.pools[pool].data_reduction == "yes" else volume.reserve)

    def occupied(self, volume: Volume, pool: str) -> int:
        """Return the bytes of the whole extents of the copy of a volume in this pool."""
        extent = self.pools[pool].extent_size
        return -(-self.real(volume, pool) // extent) * extent

    def copies_in(self, pool: Pool) -> list[Volume]:
        """Return the volumes with a copy in a pool: one with both copies there twice."""
        return [volume for volume in self.volumes.values() for name in volume.pools if name == pool.name]

    def status_of(self, volume: Volume) -> str:
        """Return the status: a volume is offline with its pool, and degraded while one of two pools is offline."""
        offline = [self.is_offline(name) for name in volume.pools]
        if volume.is_being_deleted or not any(offline):
            return volume.status
        return "offline" if all(offline) else "degraded"

    def source_of_space(self, pool: Pool) -> Pool:
        """Return the pool that gives the extents: the parent of a child pool without a quota."""
        return self.pools[pool.parent] if pool.is_quotaless else pool

    def free(self, pool: Pool) -> int:
        """Return the free bytes of a pool, in whole extents. Child pools with a quota take it all from their parent."""
        source = self.source_of_space(pool)
        taken = self.used[source.name]
        for child in self.pools.values():
            if child.parent == source.name:
                taken += self.used[child.name] if child.is_quotaless else child.capacity
        return max(0, (source.capacity - taken) // source.extent_size * source.extent_size)

    def is_offline(self, pool: str) -> bool:
        """Whether a pool or its parent is offline."""
        found = self.pools[pool]
        return "offline" in {found.status, self.pools[found.parent].status if found.parent else ""}

    def is_in_data_reduction(self, volume: Volume) -> bool:
        return any(self.pools[name].data_reduction == "yes" for name in volume.pools)

    def throttle_of(self, target: Volume | Host | HostCluster | Pool | None) -> Throttle | None:
        """Return the throttle of an object; of None: of offloaded commands."""
        return next((each for each in self.throttles.values() if each.target is target), None)

    def remove_throttle(self, throttle: Throttle | None) -> None:
        if throttle:
            del self.throttles[throttle.id]
            self.throttle_ids.give_back(throttle.id)

    def add_cluster(self, cluster: HostCluster) -> None:
        self.clusters[cluster.id] = self.cluster_named[cluster.name] = cluster
        self.shared[cluster.id] = {}

    def remove_cluster(self, cluster: HostCluster) -> None:
        self.remove_throttle(self.throttle_of(cluster))
        del self.clusters[cluster.id], self.cluster_named[cluster.name], self.shared[cluster.id]
        self.cluster_ids.give_back(cluster.id)

    def add_host(self, host: Host) -> None:
        self.hosts[host.id] = self.host_named[host.name] = host
        self.of_host[host.id] = {}
        for port in host.ports:
            self.own(host, port)

    def remove_host(self, host: Host) -> None:
        for mapping in list(self.of_host[host.id].values()):
            self.unmap(mapping)
        for port in host.ports:
            self.disown(host, port)
        self.remove_throttle(self.throttle_of(host))
        del self.hosts[host.id], self.host_named[host.name], self.of_host[host.id]
        self.host_ids.give_back(host.id)

    def regroup(self, host: Host, groups: list[int]) -> None:
        """Set the I/O groups of a host, and count its ports there."""
        for port in host.ports:
            self.disown(host, port)
        host.io_groups = groups
        for port in host.ports:
            self.own(host, port)

    def own(self, host: Host, port: HostPort) -> None:
        """Record the host of a port. Initiator names are compared without case."""
        self.port_owner[port.name.casefold()] = host
        for group in host.io_groups if port.kind == "iscsi" else ():
            self.iqns[group] += 1

    def disown(self, host: Host, port: HostPort) -> None:
        del self.port_owner[port.name.casefold()]
        for group in host.io_groups if port.kind == "iscsi" else ():
            self.iqns[group] -= 1

    def map(self, mapping: Mapping) -> None:
        if isinstance(mapping.owner, HostCluster):
            self.shared[mapping.owner.id][mapping.volume.id] = mapping
            return
        self.of_host[mapping.owner.id][mapping.volume.id] = mapping
        self.of_volume[mapping.volume.id][mapping.owner.id] = mapping

    def unmap(self, mapping: Mapping) -> None:
        if isinstance(mapping.owner, HostCluster):
            del self.shared[mapping.owner.id][mapping.volume.id]
            return
        del self.of_host[mapping.owner.id][mapping.volume.id]
        del self.of_volume[mapping.volume.id][mapping.owner.id]

    def shared_of(self, volume: Volume) -> list[Mapping]:
        return [mappings[volume.id] for mappings in self.shared.values() if volume.id in mappings]

    def hosts_of(self, volume: Volume) -> list[Host]:
        """Return the hosts that see a volume by a private mapping or through a host cluster, ordered by id."""
        found = {self.hosts[number].id: self.hosts[number] for number in self.of_volume[volume.id]}
        for mapping in self.shared_of(volume):
            if isinstance(mapping.owner, HostCluster):
                found |= {host.id: host for host in self.members(mapping.owner)}
        return [host for _, host in sorted(found.items())]

    def members(self, cluster: HostCluster) -> list[Host]:
        return [host for _, host in sorted(self.hosts.items()) if host.host_cluster == cluster.name]

    def cluster_of(self, host: Host) -> HostCluster | None:
        return self.cluster_named[host.host_cluster] if host.host_cluster else None

    def seen_by(self, host: Host) -> list[Mapping]:
        """Return the private mappings of a host and those of its host cluster, ordered by volume."""
        cluster = self.cluster_of(host)
        everything = [*self.of_host[host.id].values(), *(self.shared[cluster.id].values() if cluster else ())]
        return sorted(everything, key=lambda mapping: mapping.volume.id)

    def groups(self, volume: Volume) -> list[int]:
        """Return the I/O groups through which a volume is accessible."""
        return volume.access_io_groups or [volume.io_group]

    def protected(self, volume: Volume) -> bool:
        """Whether volume protection applies to this volume: enabled for system and pool, and recent I/O."""
        guarded = self.state.system.vdisk_protection_enabled == "yes"
        pools = (self.pools[name] for name in volume.pools)
        return guarded and volume.recent_io and any(pool.vdisk_protection_enabled == "yes" for pool in pools)
