"""What there is on an array, as frozen facts. One class per kind of thing, nothing that can act.

The words are those of storage people: *volume* (the array's commands say vdisk), *mapping*, *host object*, *portal*.
Source of every column: array-cli facts, section 2.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from flashsystem_operator.values import HostName, Lun, PoolName, SystemId, VolumeName, VolumeUid


class Dialect(StrEnum):
    """Which family of command lines the array speaks."""

    LEGACY = "legacy"
    """FlashSystem 840 and 900, firmware 1.x."""
    MODERN = "modern"
    """FlashSystem 5000/7000/9000, Storwize and SVC: Storage Virtualize 7.x to 9.x."""


class Protocol(StrEnum):
    """What kind of name a host port has."""

    ISCSI = "iscsi"
    FC = "fc"
    SAS = "sas"
    NVME = "nvme"
    OTHER = "other"
    """A kind that is not known here, for example InfiniBand."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A row of a listing, or the view of one object, that cannot be read while the rest of the answer can.

    It is no word about what it is about: neither that it is there nor that it is not.

    line: the command. why: what cannot be read. words: what stands there, in lower case: names, initiators and UIDs,
    by which a resource is recognised that stands on it. first: its first cell, mostly an id. host: the host object of
    a mapping, None if that cannot be told either.
    """

    line: str
    why: str
    words: frozenset[str]
    first: str = ""
    host: HostName | None = None

    @property
    def is_out_of_shape(self) -> bool:
        """Whether it has not the columns of its header, so that not even what it is about can be told for certain."""
        return self.first.lower() in self.words


@dataclass(frozen=True, slots=True)
class System:
    """The array itself.

    code_level: `(8, 6, 0, 3)`; empty if the array does not tell.
    open_access: whether any host sees every volume (legacy only; None where the array knows no such thing).
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

    iqn: its iSCSI target name, empty if it has none. io_group, io_group_id: empty for a hot spare.
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
    """A group of addresses, and what may use it (8.4.2 and later).

    kind: `host`, or what else it is for (`replication`, `storage`). port_type: `ethernet` or `fc`; empty where the
        array does not tell.
    """

    name: str
    kind: str
    port_type: str = ""

    @property
    def serves_iscsi(self) -> bool:
        """Whether iSCSI hosts may be put into it."""
        return self.kind == "host" and self.port_type in ("", "ethernet")


@dataclass(frozen=True, slots=True)
class Portal:
    """An address at which hosts may log in to a node.

    portset: the array's name of it, empty on arrays without portsets.
    usable: the address is configured for hosts, its node is online and, where the array tells, its link is up.
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
    """Where volumes take their space from. capacity, free: bytes."""

    name: PoolName
    status: str
    capacity: int
    free: int


@dataclass(frozen=True, slots=True)
class Port:
    """One name under which a host object knows its machine.

    name: lower case for iSCSI, as printed otherwise.
    logins: how many of the array's nodes it is logged in to; None if what the array says of it is no number.
    """

    protocol: Protocol
    name: str
    logins: int | None
    state: str

    @property
    def logged_in(self) -> bool:
        """Whether it may be logged in: what cannot be read counts as a login."""
        return self.logins is None or self.logins > 0


@dataclass(frozen=True, slots=True)
class HostRow:
    """A line of the listing of hosts: that one is there, and by which id it is found whatever its name is by then."""

    id: str
    name: HostName


@dataclass(frozen=True, slots=True)
class Host:
    """A host object with all its ports.

    cluster: the host cluster it is a member of, empty if none.
    io_group_count: in how many I/O groups it is; 0 where it is not known.
    kind: the type of machine that it is for, empty if the array does not tell.
    partition: the storage partition that it is in, empty if none.
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
        """The sessions of the machine, over all its ports; a port that does not tell counts as one."""
        return sum(1 if port.logins is None else port.logins for port in self.ports)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume.

    capacity: bytes. io_group: its caching I/O group's name, empty if the array does not tell.
    status: online, offline or degraded.
    access_io_groups: through how many I/O groups hosts reach it; 0 where it is not known: a listing does not tell.
    preferred_node: the id of the node that serves it while that is up; empty where it is not known, as above.
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
    """A volume visible to a host at a LUN.

    luns: one, unless the array gave the same mapping different LUNs in different I/O groups; ascending.
    cluster: the host cluster that it comes through, empty for a mapping of the host's own.
    host_id, volume_id: read in the same row as names and UID; hints, so that they say nothing of equality.
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
    """portsets: addresses are listed by `lsip` and grouped (8.4.2; what `lsportip` answers there no source shows).

    host_protocol: what `mkhost -protocol` may say for iSCSI: a name from 8.7 on, None before, where it is unknown.
    host_kinds: what `mkhost -type` may say.
    chap: the options of `chhost` that set a secret and take it away; None where there is no CHAP for a host.
    finds_by_uid: `lsvdisk -filtervalue vdisk_UID=...` is offered.
    host_clusters: volumes can be mapped to host clusters, also to one without members, which no view of a host shows.
    default_pool: the pool that an array of this kind always has, None where the user must name one.

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
    """What a system of this dialect and code level can do."""
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
