"""The objects of an array as frozen facts, without behaviour.

The names are those of storage administration: *volume* (vdisk in the array's commands), *mapping*, *host object*,
*portal*.
Source of every column: array-cli facts, section 2.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from flashsystem_operator.values import HostName, Lun, PoolName, SystemId, VolumeName, VolumeUid


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
    """A storage pool. capacity, free: bytes."""

    name: PoolName
    status: str
    capacity: int
    free: int


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
class Volume:
    """A volume.

    capacity: bytes. io_group: the name of its caching I/O group, empty if the array does not show it.
    status: online, offline or degraded.
    access_io_groups: the number of I/O groups through which hosts access it; 0 if unknown, as in a listing.
    preferred_node: the id of the node that serves it while it is online; empty if unknown, as in a listing.
    """

    id: str
    name: VolumeName
    uid: VolumeUid
    capacity: int
    io_group: str = ""
    status: str = ""
    access_io_groups: int = 0
    preferred_node: str = ""


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

    Source: array-cli facts 2.1 (version gates), 2.6, 2.7, 2.10, 2.11, 2.16.
    """

    portsets: bool
    host_protocol: str | None
    host_kinds: frozenset[str]
    chap: tuple[str, str] | None
    finds_by_uid: bool
    host_clusters: bool
    default_pool: str | None


def capabilities(system: System) -> Capabilities:
    """Return the capabilities of a system by dialect and code level."""
    modern = system.dialect is Dialect.MODERN
    return Capabilities(
        portsets=modern and system.code_level >= _PORTSETS,
        host_protocol="iscsi" if modern and system.code_level >= _MKHOST_PROTOCOL else None,
        host_kinds=_OLD_KINDS | (_NEW_KINDS if modern and system.code_level >= _HOST_KINDS else frozenset()),
        chap=_chap(system) if modern else None,
        finds_by_uid=modern,
        host_clusters=modern and system.code_level >= _HOST_CLUSTERS,
        default_pool=None if modern else "mdiskgrp0",
    )


def _chap(system: System) -> tuple[str, str]:
    if system.code_level >= _HOST_SECRET:
        return "-hostsecret", "-nohostsecret"
    return "-chapsecret", "-nochapsecret"
