"""The objects of an array as frozen facts, and the inventory: what was observed of them, indexed.

The names are those of storage administration: *volume* (vdisk in the array's commands), *mapping*, *host object*,
*portal*. Observations update the inventory (`learn_*`). While a batch is planned, each planned step is applied to a
copy (`Step.apply`), so that later plans see the result of the earlier ones. An inventory belongs to one worker.

Source of every column: array-cli facts, section 2; of volumes and pools: array-cli-volumes 2.1, 4.1.
"""

import collections.abc
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from flashsystem_operator.values import (
    ChapSecret,
    HostName,
    Iqn,
    Lun,
    PoolName,
    Provisioning,
    SystemId,
    VolumeName,
    VolumeUid,
)


class Dialect(StrEnum):
    """The family of the array's command line."""

    LEGACY = "legacy"
    """FlashSystem 840 and 900, firmware 1.x."""
    MODERN = "modern"
    """FlashSystem 5000/7000/9000, Storwize and SVC: Storage Virtualize 7.x to 9.x."""


class Protocol(StrEnum):
    """The kind of name of a host port."""

    ISCSI = "iscsi"
    FC = "fc"
    SAS = "sas"
    NVME = "nvme"
    OTHER = "other"
    """An unknown kind, for example InfiniBand."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A row of a listing, or the view of one object, that cannot be parsed although the rest of the answer can.

    It proves neither that its object exists nor that it does not.

    line: the command. why: what cannot be parsed. words: its values in lower case: names, initiators and UIDs, by
    which the affected resources are found. first: its first cell, usually an id. host: the host object of a mapping,
    None if unreadable.
    """

    line: str
    why: str
    words: frozenset[str]
    first: str = ""
    host: HostName | None = None

    @property
    def is_out_of_shape(self) -> bool:
        """Whether its columns do not match the header, so that its object is not known for certain."""
        return self.first.lower() in self.words


@dataclass(frozen=True, slots=True)
class System:
    """The array itself.

    code_level: `(8, 6, 0, 3)`; empty if the array does not show it.
    open_access: whether every host sees every volume (legacy only; None if the array does not have it).
    """

    id: SystemId
    name: str
    dialect: Dialect
    code_level: tuple[int, ...] = ()
    code_text: str = ""
    product: str = ""
    open_access: bool | None = None


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """The user of the session.

    role: as the array prints it. ownership_group: empty if the user belongs to none; one of a group sees and changes
        only the objects of that group.
    """

    role: str
    ownership_group: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One of the array's controllers.

    iqn: its iSCSI target name, empty if it has none. io_group, io_group_id: empty for a hot spare node.
    """

    id: str
    name: str
    online: bool
    status: str
    iqn: str
    io_group: str
    config_node: bool
    io_group_id: str = ""


@dataclass(frozen=True, slots=True)
class Portset:
    """A group of addresses and its purpose (8.4.2 and later).

    kind: `host`, `replication` or `storage`. port_type: `ethernet` or `fc`; empty if the array does not show it.
    """

    name: str
    kind: str
    port_type: str = ""

    @property
    def serves_iscsi(self) -> bool:
        """Whether it is for iSCSI hosts."""
        return self.kind == "host" and self.port_type in ("", "ethernet")


@dataclass(frozen=True, slots=True)
class Portal:
    """An address at which hosts may log in to a node.

    portset: its name, empty on arrays without portsets.
    usable: the address is configured for hosts, its node is online and, if the array shows it, its link is up.
    """

    address: str
    node_id: str
    node: str
    io_group: str
    iqn: str
    portset: str
    state: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """A storage pool. Sizes in bytes; None if the array does not show them.

    status: online, degraded or offline.
    capacity, free: a child pool without a quota shows the free space of its parent in both.
    used: what its volumes take. provisioned: the sum of the sizes of its volumes, as hosts see them.
    extent: the unit in which volumes take space.
    data_reduction: whether it is a data reduction pool; None on releases without such pools.
    parent: the pool that a child pool is part of; empty for others.
    provisioning_policy: the policy that decides how its volumes are provisioned; empty if none.
    """

    name: PoolName
    status: str
    capacity: int
    free: int
    used: int | None = None
    provisioned: int | None = None
    extent: int | None = None
    data_reduction: bool | None = None
    parent: str = ""
    provisioning_policy: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """An initiator of a host object.

    name: lower case for iSCSI, otherwise as printed.
    logins: the number of nodes that it is logged in to; None if the array's value is not a number.
    """

    protocol: Protocol
    name: str
    logins: int | None
    state: str

    @property
    def logged_in(self) -> bool:
        """Whether it may be logged in: an unreadable value counts as a login."""
        return self.logins is None or self.logins > 0


@dataclass(frozen=True, slots=True)
class HostRow:
    """A row of the listing of hosts. id: finds the host even if it is renamed."""

    id: str
    name: HostName


@dataclass(frozen=True, slots=True)
class Host:
    """A host object with all its ports.

    cluster: its host cluster, empty if none.
    io_group_count: the number of its I/O groups; 0 if unknown.
    kind: the host type, empty if the array does not show it.
    partition: its storage partition, empty if none.
    """

    id: str
    name: HostName
    ports: tuple[Port, ...]
    cluster: str = ""
    portset: str = ""
    io_group_count: int = 0
    kind: str = ""
    partition: str = ""

    @property
    def iqns(self) -> frozenset[str]:
        return frozenset(port.name for port in self.ports if port.protocol is Protocol.ISCSI)

    @property
    def logins(self) -> int:
        """The sessions of the host, over all its ports; a port with an unreadable number counts as one."""
        return sum(1 if port.logins is None else port.logins for port in self.ports)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The limits of a volume's I/O, on each node. None: not limited.

    name: of the throttle object; empty if the volume has none. bandwidth: MiB per second.
    Source: array-cli-volumes 7.
    """

    name: str = ""
    iops: int | None = None
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume. None: the release does not show it, or only in the detailed view (see `DETAILS`).

    capacity: bytes. io_group: the name of its caching I/O group, empty if the array does not show it.
    status: online, offline, degraded or deleting.
    access_io_groups: the number of I/O groups through which hosts access it; 0 if unknown, as in a listing.
    preferred_node: the id of the node that serves it while it is online; empty if unknown, as in a listing.
    pool: `many` if it has copies in several pools. parent_pool: the pool that its child pool is part of, or `pool`.
    formatting: whether it is being formatted.
    copies, thin, compressed, deduplicated: the number of its copies, and of those of each kind; compressed copies do
        not count as thin.
    flashcopy_maps: the number of FlashCopy maps that it is part of. snapshots: the number of its snapshots.
    replicated: how it is replicated, as a phrase; empty if it is not. Source: array-cli-volumes 8.
    volume_group: its volume group, empty if none.
    used: bytes that its data takes in the pool. throttle: the limits of its I/O.
    reserved: why the array keeps it for itself, as a phrase; empty if it does not.
    """

    id: str
    name: VolumeName
    uid: VolumeUid
    capacity: int
    io_group: str = ""
    status: str = ""
    access_io_groups: int = 0
    preferred_node: str = ""
    pool: PoolName | None = None
    parent_pool: PoolName | None = None
    formatting: bool | None = None
    copies: int | None = None
    thin: int | None = None
    compressed: int | None = None
    deduplicated: int | None = None
    flashcopy_maps: int | None = None
    snapshots: int | None = None
    replicated: str = ""
    volume_group: str = ""
    used: int | None = None
    throttle: Throttle | None = None
    reserved: str | None = None

    @property
    def provisioning(self) -> Provisioning | None:
        """How all its copies are provisioned; None if unknown, or if they differ.

        A listing does not show deduplication, so a thin or compressed volume is unknown there.
        """
        if self.copies is None or self.thin is None:
            return None
        match self.thin, self.compressed or 0:
            case 0, 0:
                return Provisioning.THICK
            case self.copies, 0:
                plain, deduplicated = Provisioning.THIN, Provisioning.THIN_DEDUPLICATED
            case 0, self.copies:
                plain, deduplicated = Provisioning.COMPRESSED, Provisioning.COMPRESSED_DEDUPLICATED
            case _:
                return None
        return {0: plain, self.copies: deduplicated}.get(-1 if self.deduplicated is None else self.deduplicated)

    @property
    def why_kept(self) -> str:
        """Why it must not be deleted whatever a user asks for, as a phrase; empty if it may.

        A snapshot or copy would be lost or become useless, or another array is involved. What the array does not show
        is not checked here: it refuses to delete such a volume without options that the operator never uses.
        """
        if self.flashcopy_maps:
            return "is part of a FlashCopy mapping"
        if self.snapshots:
            return "has snapshots"
        return self.replicated or self.reserved or ""


DETAILS = ("pool", "parent_pool", "deduplicated", "used", "throttle", "reserved")
"""Facts about a volume that a listing may lack. Until they are read again, those of the last detailed view are kept."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping of a volume to a host.

    luns: one, unless the mapping has different LUNs in different I/O groups; ascending.
    cluster: the host cluster of a shared mapping, empty for a private one.
    host_id, volume_id: from the same row as names and UID; not part of equality.
    """

    host: HostName
    volume: VolumeName
    uid: VolumeUid
    luns: tuple[Lun, ...]
    cluster: str = ""
    host_id: str = field(default="", compare=False)
    volume_id: str = field(default="", compare=False)

    @property
    def lun(self) -> Lun:
        return self.luns[0]


_PORTSETS = (8, 4, 2, 0)
_HOST_CLUSTERS = (7, 7, 1)
_MKHOST_PROTOCOL = (8, 7)
_HOST_KINDS = (8,)
_HOST_SECRET = (9, 1)
_COMPRESSION = (6, 4)
_VOLUME_COMMANDS = (7, 6)
_THROTTLES = (7, 7)
_DEDUPLICATION = (8, 1)

_OLD_KINDS = frozenset({"generic", "hpux", "tpgs", "openvms"})
_NEW_KINDS = frozenset({"adminlun", "hide_secondary"})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the command line of a system supports.

    portsets: `lsip` lists the addresses, in portsets (8.4.2; the answer of `lsportip` there is not documented).
    host_protocol: the value of `mkhost -protocol` for iSCSI from 8.7 on; None before, where the option is unknown.
    host_kinds: the values of `mkhost -type`.
    chap: the options of `chhost` that set and remove a secret; None if hosts have no CHAP.
    finds_by_uid: `lsvdisk -filtervalue vdisk_UID=...` is supported.
    host_clusters: volumes can be mapped to host clusters, also to one without members, which no view of a host shows.
    default_pool: the pool that an array of this kind always has, None if the user must name one.
    volume_commands: `mkvolume` and `rmvolume` exist (7.6); before, and on the legacy dialect: `mkvdisk`, `rmvdisk`.
    provisioning: how volumes may be provisioned.
    throttles: volumes can be throttled, by objects that their detailed view shows.

    Source: array-cli facts 2.1 (version gates), 2.6, 2.7, 2.10, 2.11, 2.16; array-cli-volumes 0.
    """

    portsets: bool
    host_protocol: str | None
    host_kinds: frozenset[str]
    chap: tuple[str, str] | None
    finds_by_uid: bool
    host_clusters: bool
    default_pool: str | None
    volume_commands: bool
    provisioning: frozenset[Provisioning]
    throttles: bool


def capabilities(system: System) -> Capabilities:
    """Return the capabilities of a system by dialect and code level."""
    modern = system.dialect is Dialect.MODERN
    new_chap, old_chap = ("-hostsecret", "-nohostsecret"), ("-chapsecret", "-nochapsecret")
    chap = new_chap if system.code_level >= _HOST_SECRET else old_chap
    provisioning = {Provisioning.THICK}
    if modern:
        provisioning |= {Provisioning.THIN}
        provisioning |= {Provisioning.COMPRESSED} if system.code_level >= _COMPRESSION else set()
        provisioning |= set(Provisioning) if system.code_level >= _DEDUPLICATION else set()
    return Capabilities(
        portsets=modern and system.code_level >= _PORTSETS,
        host_protocol="iscsi" if modern and system.code_level >= _MKHOST_PROTOCOL else None,
        host_kinds=_OLD_KINDS | (_NEW_KINDS if modern and system.code_level >= _HOST_KINDS else frozenset()),
        chap=chap if modern else None,
        finds_by_uid=modern,
        host_clusters=modern and system.code_level >= _HOST_CLUSTERS,
        default_pool=None if modern else "mdiskgrp0",
        volume_commands=modern and system.code_level >= _VOLUME_COMMANDS,
        provisioning=frozenset(provisioning),
        throttles=modern and system.code_level >= _THROTTLES,
    )


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
    pools: all pools by name; None before they were read.
    """

    body: Body
    hosts: dict[HostName, Host] = field(default_factory=dict)
    volumes: dict[VolumeUid, Volume] = field(default_factory=dict)
    gone_volumes: set[VolumeUid] = field(default_factory=set)
    volume_ids: dict[VolumeUid, str] = field(default_factory=dict)
    io_groups: dict[HostName, frozenset[str]] = field(default_factory=dict)
    chap: collections.abc.Mapping[HostName, ChapSecret | None] | None = None
    host_clusters: collections.abc.Mapping[VolumeUid, frozenset[str]] = field(default_factory=dict)
    pools: collections.abc.Mapping[PoolName, Pool] | None = None
    _odd: dict[str, tuple[Odd, ...]] = field(default_factory=dict)
    _uids: dict[VolumeName, VolumeUid] = field(default_factory=dict)
    _holders: dict[Iqn, HostName] = field(default_factory=dict)
    _on_host: dict[HostName, dict[VolumeUid, tuple[Mapping, ...]]] = field(default_factory=dict)
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
            self.pools,
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

    def on_host(self, host: HostName) -> collections.abc.Mapping[VolumeUid, tuple[Mapping, ...]]:
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
            kept: dict[str, Any] = {each: getattr(known, each) for each in DETAILS if getattr(volume, each) is None}
            volume = replace(
                volume,
                io_group=volume.io_group or known.io_group,
                access_io_groups=volume.access_io_groups or known.access_io_groups,
                preferred_node=volume.preferred_node or known.preferred_node,
                **kept,
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

    def learn_mappings_of_host(self, host: HostName, found: Iterable[Mapping], *, proven: bool = False) -> None:
        """Replace all mappings of a host. proven: from a query of this host, not from a listing of all."""
        (self._proven.add if proven else self._proven.discard)(host)
        for uid in self._on_host.get(host, {}):
            self._of_volume.get(uid, set()).discard(host)
        self._on_host[host] = {}
        for mapping in found:
            self.add_mapping(mapping)

    def learn_mappings_of_volume(self, uid: VolumeUid, found: Iterable[Mapping]) -> None:
        """Replace all mappings of a volume."""
        for host in self._of_volume.pop(uid, set()):
            self._on_host.get(host, {}).pop(uid, None)
        for mapping in found:
            self.add_mapping(mapping)

    def add_mapping(self, mapping: Mapping) -> None:
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
