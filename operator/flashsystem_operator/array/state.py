"""What there is on an array, as frozen facts. One class per kind of thing, nothing that can act.

The words are those of storage people: *volume* (the array's commands say vdisk), *mapping*, *host object*, *portal*.
Source of every column: array-cli facts, section 2.
"""

from dataclasses import dataclass
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
    """One of the array's controllers. iqn: its iSCSI target name, empty if it has none."""

    id: str
    name: str
    online: bool
    status: str
    iqn: str
    io_group: str
    config_node: bool
    io_group_id: str = ""


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
    """A line of the listing of hosts: enough to see that one came, went or changed, not enough to tell who it is."""

    id: str
    name: HostName
    port_count: int
    cluster: str = ""
    portset: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A host object with all its ports.

    cluster: the host cluster it is a member of, empty if none.
    io_group_count: in how many I/O groups it is; 0 where it is not known.
    kind: the type of machine that it is for, empty if the array does not tell.
    """

    id: str
    name: HostName
    ports: tuple[Port, ...]
    cluster: str = ""
    portset: str = ""
    io_group_count: int = 0
    kind: str = ""

    @property
    def iqns(self) -> frozenset[str]:
        return frozenset(port.name for port in self.ports if port.protocol is Protocol.ISCSI)

    @property
    def logins(self) -> int:
        """The sessions of the machine, over all its ports; a port that does not tell counts as one."""
        return sum(1 if port.logins is None else port.logins for port in self.ports)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume. capacity: bytes. io_group: its caching I/O group's name, empty if the array does not tell."""

    id: str
    name: VolumeName
    uid: VolumeUid
    capacity: int
    io_group: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A volume visible to a host at a LUN.

    luns: one, unless the array gave the same mapping different LUNs in different I/O groups; ascending.
    cluster: the host cluster that it comes through, empty for a mapping of the host's own.
    """

    host: HostName
    volume: VolumeName
    uid: VolumeUid
    luns: tuple[Lun, ...]
    cluster: str = ""

    @property
    def lun(self) -> Lun:
        return self.luns[0]
