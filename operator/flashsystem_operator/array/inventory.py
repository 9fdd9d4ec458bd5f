"""The inventory: what the operator knows of an array from its observations, indexed.

Observations update it (`learn_*`). While a batch is planned, each planned step is applied to a copy (`Step.apply`), so
that later plans see the result of the earlier ones. It belongs to one worker.
"""

import collections.abc
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flashsystem_operator.array.model import (
    Capabilities,
    Host,
    Node,
    Odd,
    Pool,
    Portal,
    Portset,
    System,
    Volume,
    capabilities,
)
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.values import ChapSecret, HostName, Iqn, VolumeName, VolumeUid


@dataclass(frozen=True, slots=True)
class Body:
    """The array itself, without its objects. pool: None if none was requested, or if it does not exist.

    odd: unreadable rows of nodes, portsets and addresses.
    """

    system: System
    nodes: tuple[Node, ...]
    portals: tuple[Portal, ...]
    pool: Pool | None
    portsets: tuple[Portset, ...] = ()
    odd: tuple[Odd, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        return capabilities(self.system)

    @property
    def io_groups(self) -> collections.abc.Mapping[str, str]:
        """The names of the I/O groups that have a node, by id. A hot spare node is in none until it is used."""
        return {node.io_group_id: node.io_group for node in self.nodes if node.io_group_id}


@dataclass(slots=True)
class Inventory:
    """Hosts, volumes and mappings of one array.

    gone_volumes: UIDs that a targeted read did not find; a volume that is only missing in `volumes` may exist.
    volume_ids: the last known ids of volumes, from their own rows or those of their mappings; an id never changes.
    io_groups: the I/O groups (ids) through which a host object may log in, if they were read.
    chap: the CHAP secrets of host objects; None before they were read, or while they are unreadable.
    host_clusters: the names of the host clusters that have volumes. Read only after the array refused to map one: a
        host cluster without members is in no view of hosts.
    """

    body: Body
    hosts: dict[HostName, Host] = field(default_factory=dict)
    volumes: dict[VolumeUid, Volume] = field(default_factory=dict)
    gone_volumes: set[VolumeUid] = field(default_factory=set)
    volume_ids: dict[VolumeUid, str] = field(default_factory=dict)
    io_groups: dict[HostName, frozenset[str]] = field(default_factory=dict)
    chap: collections.abc.Mapping[HostName, ChapSecret | None] | None = None
    host_clusters: collections.abc.Mapping[VolumeUid, frozenset[str]] = field(default_factory=dict)
    _odd: dict[str, tuple[Odd, ...]] = field(default_factory=dict)
    _uids: dict[VolumeName, VolumeUid] = field(default_factory=dict)
    _holders: dict[Iqn, HostName] = field(default_factory=dict)
    _on_host: dict[HostName, dict[VolumeUid, tuple[VolumeMapping, ...]]] = field(default_factory=dict)
    _of_volume: dict[VolumeUid, set[HostName]] = field(default_factory=dict)
    _proven: set[HostName] = field(default_factory=set)

    def copy(self) -> "Inventory":
        return Inventory(
            self.body,
            dict(self.hosts),
            dict(self.volumes),
            set(self.gone_volumes),
            dict(self.volume_ids),
            dict(self.io_groups),
            self.chap,
            self.host_clusters,
            dict(self._odd),
            dict(self._uids),
            dict(self._holders),
            {host: dict(rows) for host, rows in self._on_host.items()},
            {uid: set(hosts) for uid, hosts in self._of_volume.items()},
            set(self._proven),
        )

    # -- lookups -----------------------------------------------------------------------------------------------------

    def volume_named(self, name: VolumeName) -> Volume | None:
        uid = self._uids.get(name)
        return None if uid is None else self.volumes[uid]

    def holders(self, iqns: Iterable[Iqn]) -> tuple[HostName, ...]:
        """Return the host objects that have any of these initiators, in the order of the initiators."""
        return tuple(dict.fromkeys(self._holders[iqn] for iqn in iqns if iqn in self._holders))

    def holder(self, iqn: Iqn) -> HostName | None:
        return self._holders.get(iqn)

    def on_host(self, host: HostName) -> collections.abc.Mapping[VolumeUid, tuple[VolumeMapping, ...]]:
        """Return the mappings of a host by volume: usually one each, two if one is through a host cluster."""
        return self._on_host.get(host, {})

    def is_proven_empty(self, host: HostName) -> bool:
        """Whether a query of this host showed no mapping. A listing of all hosts is no proof: a row may be lost."""
        return host in self._proven and not self.on_host(host)

    def of_volume(self, uid: VolumeUid) -> frozenset[HostName]:
        """Return the host objects to which a volume is mapped."""
        return frozenset(self._of_volume.get(uid, ()))

    def empty_clusters_of(self, uid: VolumeUid) -> frozenset[str]:
        """Return the host clusters that have a volume, but no known host that sees it; they block other mappings."""
        seen = {row.cluster for host in self._of_volume.get(uid, ()) for row in self.on_host(host).get(uid, ())}
        return self.host_clusters.get(uid, frozenset()) - seen

    @property
    def odd(self) -> tuple[Odd, ...]:
        """The unreadable rows of the last observations."""
        return (*self.body.odd, *(each for found in self._odd.values() for each in found))

    @property
    def may_lack_mappings(self) -> bool:
        """Whether a host object has a mapping whose volume is unreadable."""
        found = (odd for source, odd in self._odd.items() if source.startswith("lshostvdiskmap "))
        return any(each.is_out_of_shape for odd in found for each in odd)

    def odd_about(self, identifiers: Iterable[str]) -> Odd | None:
        """Return an unreadable row about one of these names, initiators or UIDs."""
        if not self._odd:
            return None
        asked = {identifier.lower() for identifier in identifiers}
        return next((each for found in self._odd.values() for each in found if not asked.isdisjoint(each.words)), None)

    def has_own_mapping(self, host: HostName, uid: VolumeUid) -> bool:
        """Whether a volume is mapped to a host itself; a mapping through a host cluster does not count."""
        return not all(mapping.cluster for mapping in self.on_host(host).get(uid, ()))

    # -- observations ------------------------------------------------------------------------------------------------

    def learn_odd(self, source: str, found: Iterable[Odd]) -> None:
        """Replace the unreadable rows of this query."""
        if odd := tuple(found):
            self._odd[source] = odd
        else:
            self._odd.pop(source, None)

    def learn_host(self, name: HostName, host: Host | None) -> None:
        """Record an observed host object. None: it does not exist, and so it has no mappings."""
        if (known := self.hosts.pop(name, None)) is not None:
            for iqn in known.iqns:
                if self._holders.get(Iqn(iqn)) == name:  # another host object may have it now
                    del self._holders[Iqn(iqn)]
        if known is None or host is None or known.id != host.id:
            self.io_groups.pop(name, None)
            self.forget_chap(name)
        if host is None:
            self.learn_mappings_of_host(name, ())
            self._on_host.pop(name, None)
            return
        self.hosts[host.name] = host
        self._holders.update({Iqn(iqn): host.name for iqn in host.iqns})

    def learn_volume(self, volume: Volume) -> None:
        """Record a volume. Details that this view does not have are kept from the previous one."""
        if (known := self.volumes.get(volume.uid)) is not None:
            self._uids.pop(known.name, None)
            volume = replace(
                volume,
                io_group=volume.io_group or known.io_group,
                access_io_groups=volume.access_io_groups or known.access_io_groups,
                preferred_node=volume.preferred_node or known.preferred_node,
            )
        if (former := self._uids.get(volume.name)) not in (None, volume.uid):
            self.volumes.pop(VolumeUid(str(former)), None)
        self.volumes[volume.uid] = volume
        self.volume_ids[volume.uid] = volume.id
        self._uids[volume.name] = volume.uid
        self.gone_volumes.discard(volume.uid)

    def learn_name_is_free(self, name: VolumeName) -> None:
        """Record that no volume has this name. The volume may have been renamed, so its UID is not marked as gone."""
        if (uid := self._uids.pop(name, None)) is not None:
            self.volumes.pop(uid, None)

    def learn_volume_gone(self, uid: VolumeUid) -> None:
        if (known := self.volumes.pop(uid, None)) is not None:
            self._uids.pop(known.name, None)
        self.gone_volumes.add(uid)

    def learn_mappings_of_host(self, host: HostName, found: Iterable[VolumeMapping], *, proven: bool = False) -> None:
        """Replace all mappings of a host. proven: from a query of this host, not from a listing of all."""
        (self._proven.add if proven else self._proven.discard)(host)
        for uid in self._on_host.get(host, {}):
            self._of_volume.get(uid, set()).discard(host)
        self._on_host[host] = {}
        for mapping in found:
            self.add_mapping(mapping)

    def learn_mappings_of_volume(self, uid: VolumeUid, found: Iterable[VolumeMapping]) -> None:
        """Replace all mappings of a volume."""
        for host in self._of_volume.pop(uid, set()):
            self._on_host.get(host, {}).pop(uid, None)
        for mapping in found:
            self.add_mapping(mapping)

    def add_mapping(self, mapping: VolumeMapping) -> None:
        rows = self._on_host.setdefault(mapping.host, {})
        rows[mapping.uid] = (*rows.get(mapping.uid, ()), mapping)
        if mapping.volume_id:
            self.volume_ids[mapping.uid] = mapping.volume_id
        self._of_volume.setdefault(mapping.uid, set()).add(mapping.host)

    def remove_own_mapping(self, host: HostName, uid: VolumeUid) -> None:
        """Remove the mapping of a volume to a host; one through a host cluster stays."""
        rows = self._on_host.get(host, {})
        if shared := tuple(row for row in rows.pop(uid, ()) if row.cluster):
            rows[uid] = shared
        else:
            self._of_volume.get(uid, set()).discard(host)

    def forget_chap(self, name: HostName) -> None:
        """Record that a host object has no CHAP secret, as far as secrets are known."""
        self.chap = self.chap and {host: secret for host, secret in self.chap.items() if host != name}
