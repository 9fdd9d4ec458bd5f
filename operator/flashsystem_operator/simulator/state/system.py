"""The objects of the array and their relations: no verbs, no output, no I/O.

All lookups use dictionaries, so that a command takes no longer on an array with thousands of objects.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flashsystem_operator.simulator.state.config import State
from flashsystem_operator.simulator.state.model import (
    ConsistencyGroup,
    FlashCopyMap,
    Host,
    HostCluster,
    HostPort,
    Image,
    MappingEntry,
    Pool,
    SharedEntry,
    Snapshot,
    ThrottleEntry,
    Volume,
    VolumeGroup,
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


@dataclass(eq=False, slots=True)
class FlashCopy:
    """A FlashCopy map with its volumes. entry: its state; the names of the volumes in it are outdated by a rename."""

    entry: FlashCopyMap
    source: Volume
    target: Volume


COMPLETE = 100
"""Progress of a FlashCopy map, in percent, when everything is copied."""
ACTIVE = ("copying", "stopping", "suspended")
"""States of a FlashCopy map that is started and whose target needs its source."""


class Ids:
    """Ids for new objects: the array reuses the lowest free one. first: the lowest id of all."""

    def __init__(self, used: Iterable[int], first: int = 0) -> None:
        taken = set(used)
        self._next = max(taken, default=first - 1) + 1
        self._free = [number for number in range(first, self._next) if number not in taken]

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
        self.parents = 0
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
        self.volume_with: dict[str, Volume] = {}
        self.deleting: dict[int, Volume] = {}
        self.volume_groups: dict[int, VolumeGroup] = {}
        self.volume_group_named: dict[str, VolumeGroup] = {}
        self.consistency_groups: dict[int, ConsistencyGroup] = {}
        self.consistency_group_named: dict[str, ConsistencyGroup] = {}
        self.flashcopies: dict[int, FlashCopy] = {}
        self.flashcopy_named: dict[str, FlashCopy] = {}
        self.flashcopies_of: dict[int, dict[int, FlashCopy]] = {}
        self.snapshots: dict[int, Snapshot] = {}
        self.snapshots_of: dict[str, dict[int, Snapshot]] = {}
        self.clones: dict[int, Volume] = {}
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
        self._become_copies(state)
        for volume in [volume for volume in state.volumes if volume.is_being_deleted]:
            self.delete_volume(volume)
        self.settle()

    def _become_copies(self, state: State) -> None:
        known = [*(group.uid for group in state.volume_groups), *(each.parent_uid for each in state.snapshots)]
        self.parents = max([self.parents, *(uid + 1 for uid in known if uid is not None)])
        for group in state.volume_groups:
            self.add_volume_group(group)
        for snapshot in state.snapshots:
            self.add_snapshot(snapshot)
        for members in state.consistency_groups:
            self.add_consistency_group(members)
        for entry in state.flashcopy_maps:
            self.add_flashcopy(FlashCopy(entry, self.volume_named[entry.source], self.volume_named[entry.target]))
        self.volume_group_ids, self.snapshot_ids = Ids(self.volume_groups), Ids(self.snapshots)
        self.consistency_group_ids = Ids(self.consistency_groups, first=1)
        self.flashcopy_ids = Ids(self.flashcopies)

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
                "volume_groups": [group for _, group in sorted(self.volume_groups.items())],
                "snapshots": [
                    snapshot.model_copy(update={"images": [self._named(image) for image in snapshot.images]})
                    for _, snapshot in sorted(self.snapshots.items())
                ],
                "consistency_groups": [group for _, group in sorted(self.consistency_groups.items())],
                "flashcopy_maps": [
                    flash.entry.model_copy(update={"source": flash.source.name, "target": flash.target.name})
                    for _, flash in sorted(self.flashcopies.items())
                ],
                "throttles": [throttle.entry() for _, throttle in sorted(self.throttles.items())],
            }
        )

    def _named(self, image: Image) -> Image:
        """Return an image with the present name of its volume."""
        volume = self.volume_with.get(image.uid)
        return image.model_copy(update={"volume": volume.name}) if volume else image

    def now(self) -> str:
        """Return the time of the system as YYMMDDHHMMSS."""
        return self.state.system.clock or datetime.now(UTC).strftime("%y%m%d%H%M%S")

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
        self.volumes[volume.id] = self.volume_with[volume.uid] = volume
        if not volume.is_being_deleted or volume.name not in self.volume_named:
            self.volume_named[volume.name] = volume
        self.of_volume[volume.id] = {}
        self.flashcopies_of[volume.id] = {}
        if volume.source_snapshot is not None:
            self.clones[volume.id] = volume
        for name in volume.pools:
            self.used[name] += self.occupied(volume, name)

    def create_volume(self, volume: Volume, name: str, stem: str) -> None:
        """Add a volume with the lowest free id and a new UID. Without a name it is called by the stem and a number."""
        volume.id = self.volume_ids.take()
        names = (f"{stem}{number}" for number in range(volume.id, volume.id + len(self.volume_named) + 1))
        volume.name = name or next(each for each in names if each not in self.volume_named)
        volume.uid = self.new_uid()
        self.add_volume(volume)

    def rename_volume(self, volume: Volume, name: str) -> None:
        del self.volume_named[volume.name]
        volume.name = name
        self.volume_named[name] = volume

    def delete_volume(self, volume: Volume) -> None:
        """Remove a volume with its mappings, throttle and FlashCopy maps.

        While snapshots have an image of it, it stays as a hidden volume that is being deleted, with its id and space,
        but its name is free. A rule lets it linger in a data reduction pool, and there it also keeps its name.
        Source: array-cli-volumes 3.6; no source shows what becomes of the name (13.7, 13.9).
        """
        for mapping in [*self.of_volume[volume.id].values(), *self.shared_of(volume)]:
            self.unmap(mapping)
        self.remove_throttle(self.throttle_of(volume))
        for flash in list(self.flashcopies_of[volume.id].values()):
            self.remove_flashcopy(flash)
        volume.status, volume.volume_group = "deleting", ""
        self.deleting[volume.id] = volume
        if self.snapshots_of.get(volume.uid):
            self._free_name(volume)
        self.settle()

    def _free_name(self, volume: Volume) -> None:
        if self.volume_named.get(volume.name) is volume:
            del self.volume_named[volume.name]

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
        if volume.status in {"deleting", "offline"} or not any(offline):
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

    def has_room(self, growth: Iterable[tuple[str, int]]) -> bool:
        """Whether pools have room. growth: names of pools, and the bytes of whole extents that each shall give."""
        needed: Counter[str] = Counter()
        for pool, amount in growth:
            needed[self.source_of_space(self.pools[pool]).name] += amount
        return all(amount <= self.free(self.pools[name]) for name, amount in needed.items() if amount)

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

    def add_volume_group(self, group: VolumeGroup) -> None:
        if group.uid is None:
            group.uid = self.new_parent()
        self.volume_groups[group.id] = self.volume_group_named[group.name] = group

    def remove_volume_group(self, group: VolumeGroup) -> None:
        del self.volume_groups[group.id], self.volume_group_named[group.name]
        self.volume_group_ids.give_back(group.id)

    def new_parent(self) -> int:
        """Return a uid that no volume group and no list of volumes has had since the simulator started."""
        self.parents += 1
        return self.parents - 1

    def list_uid(self, uids: set[str]) -> int:
        """Return the parent uid of a list of volumes: that of its snapshots, or a new one."""
        first = next(iter(sorted(uids)), "")
        for snapshot in self.snapshots_of.get(first, {}).values():
            same = not snapshot.volume_group and {image.uid for image in snapshot.images} == uids
            if same and snapshot.parent_uid is not None:
                return snapshot.parent_uid
        return self.new_parent()

    def add_snapshot(self, snapshot: Snapshot) -> None:
        for image in snapshot.images:
            volume = self.volume_with.get(image.uid) if image.uid else self.volume_named[image.volume]
            if volume:
                image.uid, image.pool = volume.uid, image.pool or volume.pool
                image.capacity = volume.capacity if image.capacity is None else image.capacity
        if snapshot.parent_uid is None:
            group = self.volume_group_named.get(snapshot.volume_group)
            snapshot.parent_uid = group.uid if group else self.list_uid({image.uid for image in snapshot.images})
        self.snapshots[snapshot.id] = snapshot
        for image in snapshot.images:
            self.snapshots_of.setdefault(image.uid, {})[snapshot.id] = snapshot

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Remove a snapshot; while clones depend on it, it is dependent_deleting."""
        snapshot.state = "dependent_deleting"
        self.settle()

    def add_consistency_group(self, group: ConsistencyGroup) -> None:
        self.consistency_groups[group.id] = self.consistency_group_named[group.name] = group

    def remove_consistency_group(self, group: ConsistencyGroup) -> None:
        """Remove a group; its maps stand alone."""
        for flash in self.members_of(group):
            flash.entry.consistency_group = ""
        del self.consistency_groups[group.id], self.consistency_group_named[group.name]
        self.consistency_group_ids.give_back(group.id)

    def members_of(self, group: ConsistencyGroup) -> list[FlashCopy]:
        return [flash for _, flash in sorted(self.flashcopies.items()) if flash.entry.consistency_group == group.name]

    def add_flashcopy(self, flash: FlashCopy) -> None:
        self.flashcopies[flash.entry.id] = self.flashcopy_named[flash.entry.name] = flash
        for volume in (flash.source, flash.target):
            self.flashcopies_of[volume.id][flash.entry.id] = flash

    def remove_flashcopy(self, flash: FlashCopy) -> None:
        """Remove a map; an incomplete target comes online, and an emptied group with autodelete goes too."""
        if flash.entry.status == "stopped":
            flash.target.status = "online"
        del self.flashcopies[flash.entry.id], self.flashcopy_named[flash.entry.name]
        for volume in (flash.source, flash.target):
            del self.flashcopies_of[volume.id][flash.entry.id]
        self.flashcopy_ids.give_back(flash.entry.id)
        group = self.consistency_group_named.get(flash.entry.consistency_group)
        if group and group.autodelete and not self.members_of(group):
            self.remove_consistency_group(group)

    def dependants(self, flash: FlashCopy) -> list[FlashCopy]:
        """Return the active maps that read the target of this one and are not complete."""
        from_target = self.flashcopies_of[flash.target.id].values()
        return [
            each
            for each in from_target
            if each.source is flash.target and each.entry.status in ACTIVE and each.entry.progress < COMPLETE
        ]

    def settle(self) -> None:
        """End all copies that are complete, and the deletions that waited for them."""
        changed = True
        while changed:
            ended = [*map(self._end_flashcopy, list(self.flashcopies.values())), *self._end_clones()]
            depended = {volume.source_snapshot for volume in self.clones.values()}
            for snapshot in [each for each in self.snapshots.values() if each.state == "dependent_deleting"]:
                if snapshot.id not in depended:
                    del self.snapshots[snapshot.id]
                    for image in snapshot.images:
                        del self.snapshots_of[image.uid][snapshot.id]
                    self.snapshot_ids.give_back(snapshot.id)
                    ended.append(True)
            for volume in [each for each in self.deleting.values() if not self._lingers(each)]:
                self._free_name(volume)
                del self.volumes[volume.id], self.deleting[volume.id], self.volume_with[volume.uid]
                del self.of_volume[volume.id], self.flashcopies_of[volume.id]
                self.clones.pop(volume.id, None)
                for name in volume.pools:
                    self.used[name] -= self.occupied(volume, name)
                self.volume_ids.give_back(volume.id)
                ended.append(True)
            changed = any(ended)

    def _lingers(self, volume: Volume) -> bool:
        """Whether a volume that is being deleted stays, since snapshots need it or by a rule."""
        in_pool = self.rules.drp_deletion_lingers and self.is_in_data_reduction(volume)
        return in_pool or bool(self.snapshots_of.get(volume.uid))

    def _end_flashcopy(self, flash: FlashCopy) -> bool:
        """Bring one map to the state that follows by itself, and return whether others may follow."""
        entry, before = flash.entry, flash.entry.status
        if entry.status == "copying" and entry.copy_rate and self.rules.copies_complete_at_once:
            entry.progress = COMPLETE
        needed = bool(self.dependants(flash))
        if entry.status in {"copying", "stopping"} and entry.progress == COMPLETE and not needed:
            entry.status, entry.restoring = "idle_or_copied", False
        if entry.status == "stopped":
            flash.target.status = "offline"
        ended = entry.status == "idle_or_copied" and entry.progress == COMPLETE and not needed
        if ended and entry.autodelete:
            self.remove_flashcopy(flash)
            return True
        return entry.status != before

    def _end_clones(self) -> Iterable[bool]:
        for volume in list(self.clones.values()):
            if volume.volume_type == "clone" and self.rules.copies_complete_at_once:
                volume.data_to_move = 0
            if volume.volume_type == "clone" and not volume.data_to_move:
                volume.volume_type, volume.source_snapshot = self.rules.finished_clone_type, None
                volume.source_uid = volume.population_start = ""
                del self.clones[volume.id]
                yield True

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
