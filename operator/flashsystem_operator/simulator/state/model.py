"""The objects of an array, as the state file names them, and the rules for their names."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import Rules

Role = Literal["SecurityAdmin", "Administrator", "RestrictedAdmin", "CopyOperator", "Service", "Monitor"]
Kind = Literal["iscsi", "fc", "nvme", "sas"]
YesNo = Literal["yes", "no"]
CloneType = Literal["clone", "thinclone"]
MapState = Literal["idle_or_copied", "preparing", "prepared", "copying", "stopping", "stopped", "suspended"]

ADMINISTRATOR = "administrator"
"""The user of commands sent over the control port, in the log of commands. Reserved."""
_NAME = re.compile(r"[A-Za-z_]([A-Za-z0-9_. -]{0,62}[A-Za-z0-9_.-])?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            "not a name of the array: begin with a letter or underscore, go on with letters, digits, "
            "blanks, periods, dashes and underscores, and stay within 63 characters"
        )
    return text


Name = Annotated[str, AfterValidator(_name)]
IoGroup = Annotated[int, Field(ge=0, le=3)]


class StateModel(BaseModel):
    """Base of all objects of the state file: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", validate_default=True)


class Identity(StateModel):
    """The system (lssystem). id_alias: the id, unless an administrator set another one.

    clock: the time of the system as YYMMDDHHMMSS, which stands still; empty: the time of the machine, in UTC.
    """

    id: str = Field("0000020421A0BEEF", pattern=r"^[0-9A-Fa-f]{16}$")
    id_alias: str = Field("", pattern=r"^([0-9A-Fa-f]{16})?$")
    name: str = "flashsystem"
    location: Literal["local", "remote"] = "local"
    code_level: str = ""
    console_ip: str = ""
    product_name: str = ""
    layer: str = "storage"
    topology: str = "standard"
    open_access_enabled: Literal["on", "off"] = "off"
    vdisk_protection_enabled: YesNo = "no"
    vdisk_protection_time: int = Field(15, ge=0)
    clock: str = Field("", pattern=r"^(\d{12})?$")
    iscsi_auth_method: Literal["none", "chap"] = "none"
    iscsi_chap_secret: str = ""


class User(StateModel):
    """A user who may log in. keys: public keys as in authorized_keys."""

    name: str
    password: str | None = None
    keys: list[str] = []
    role: Role = "SecurityAdmin"

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name == ADMINISTRATOR:
            raise ValueError(f"{ADMINISTRATOR} is reserved for the control port: choose another name")
        return name

    @field_validator("keys")
    @classmethod
    def _readable(cls, keys: list[str]) -> list[str]:
        """Refuse an invalid key: it would break every login with a key, whatever the password."""
        for key in keys:
            import asyncssh  # noqa: PLC0415 - slow to load, and seldom needed here

            try:
                asyncssh.import_public_key(key)
            except asyncssh.KeyImportError:
                raise ValueError("not a public key: write it as in authorized_keys, ssh-ed25519 AAAA...") from None
        return keys


class Node(StateModel):
    """A node or canister (lsnode). io_group: None for a spare node, which has no iscsi_name."""

    id: int = Field(ge=0)
    name: Name
    wwnn: str = ""
    status: str = "online"
    io_group: IoGroup | None = 0
    config_node: YesNo = "no"
    hardware: str = ""
    iscsi_name: str = ""
    iscsi_alias: str = ""
    panel_name: str = ""
    enclosure_id: str = ""
    canister_id: str = ""
    enclosure_serial_number: str = ""
    site_id: str = ""
    site_name: str = ""


class IpPort(StateModel):
    """An Ethernet port with its addresses (lsportip: legacy, and modern up to 8.4.1)."""

    id: int = Field(ge=0)
    node: Name
    canister_id: str = ""
    adapter_id: str = ""
    port_id: str = ""
    address: str = ""
    mask: str = ""
    gateway: str = ""
    address_6: str = ""
    prefix_6: str = ""
    gateway_6: str = ""
    mac: str = ""
    duplex: str = ""
    state: str = "online"
    speed: str = ""
    link_state: str = "active"
    host: str = "yes"
    host_6: str = ""
    vlan: str = ""
    vlan_6: str = ""
    adapter_location: str = ""
    adapter_port_id: str = ""


class FibrePort(StateModel):
    """A Fibre Channel port of a node (lsportfc). virtual_wwpn: the name that hosts log in to, if it has NPIV."""

    node: Name
    port_id: int = Field(ge=1)
    wwpn: str = Field(pattern=r"^[0-9A-F]{16}$")
    virtual_wwpn: str = Field("", pattern=r"^([0-9A-F]{16})?$")
    nportid: str = "010100"
    status: Literal["active", "inactive_configured", "inactive_unconfigured"] = "active"
    speed: str = "16Gb"
    portsets: list[str] = ["portset64"]


class Address(StateModel):
    """An address of a node's port in a portset (lsip: modern from 8.4.2 on). node: empty for one of the system."""

    id: int = Field(ge=0)
    node: Name | Literal[""]
    port_id: int = Field(ge=0)
    portset: str
    address: str
    prefix: str = "24"
    vlan: str = ""
    gateway: str = ""


class Portset(StateModel):
    """A set of addresses that hosts are given (lsportset)."""

    id: int = Field(ge=0, le=72)
    name: str = Field(min_length=1, max_length=64)
    type: Literal["host", "storage", "replication", "highspeedreplication", "management"] = "host"
    port_type: Literal["ethernet", "fc"] = "ethernet"
    is_default: YesNo = "no"


class Pool(StateModel):
    """A storage pool (lsmdiskgrp). Sizes in bytes.

    parent: the pool that a child pool is part of. A child pool without a capacity has no quota: it uses the free space
    of its parent. `data_reduction` and `extent_size` of a child pool are those of its parent.
    """

    id: int = Field(ge=0)
    name: Name
    status: str = "online"
    capacity: int = Field(3573412790272, ge=0)
    extent_size: int = Field(1 << 30, gt=0)
    mdisk_count: int = 1
    vdisk_protection_enabled: YesNo = "yes"
    data_reduction: YesNo = "no"
    parent: Name | Literal[""] = ""

    @model_validator(mode="after")
    def _without_quota(self) -> Self:
        if self.parent and "capacity" not in self.model_fields_set:
            self.capacity = 0
        return self

    @property
    def is_quotaless(self) -> bool:
        return bool(self.parent) and not self.capacity


class Volume(StateModel):
    """A volume (lsvdisk). Sizes in bytes. recent_io: there was I/O within the protection window.

    mirror_pool: the pool of a second copy. used: what hosts have written to a thin or compressed volume; reserve: the
    real capacity of such a volume beyond that, in a standard pool. warning: percent. grainsize: KB.
    status: `deleting` hides it from lsvdisk; it may then have the name of another volume.
    source_snapshot: id of the snapshot that a clone is filled from, or that a thin clone depends on; source_uid: of
    the volume in it, empty is its first. data_to_move: bytes of a clone that are not copied; at 0 it is independent.
    may_have_snapshots: False: addsnapshot refuses it with CMMVC9855E.
    """

    id: int = Field(ge=0)
    name: Name
    uid: str = Field("", pattern=r"^([0-9A-F]{32})?$")
    capacity: int = Field(1 << 30, ge=0)
    pool: Name
    mirror_pool: Name | Literal[""] = ""
    status: str = "online"
    type: str = "striped"
    io_group: IoGroup = 0
    access_io_groups: list[IoGroup] = []
    preferred_node: int = 1
    cache: Literal["readwrite", "readonly", "none"] = "readwrite"
    formatted: YesNo = "no"
    formatting: YesNo = "no"
    format_progress: int = Field(0, ge=0, le=100)
    udid: str = ""
    open_access_scsi_id: str = ""
    volume_group: str = ""
    thin: bool = False
    compressed: bool = False
    deduplicated: bool = False
    used: int = Field(0, ge=0)
    reserve: int = Field(0, ge=0)
    autoexpand: Literal["on", "off"] = "on"
    warning: int = Field(80, ge=0, le=100)
    grainsize: int = 256
    recent_io: bool = False
    volume_type: CloneType | Literal[""] = ""
    source_snapshot: int | None = None
    source_uid: str = Field("", pattern=r"^([0-9A-F]{32})?$")
    data_to_move: int = Field(0, ge=0)
    population_start: str = ""
    may_have_snapshots: bool = True
    last_access_time: str = Field("", pattern=r"^([0-9]{12})?$")
    rc_id: str = ""
    rc_name: str = ""
    rc_change: YesNo = "no"
    function: str = ""
    replication_mode: str = ""

    @property
    def pools(self) -> list[str]:
        """The pool of each copy."""
        return [self.pool, self.mirror_pool] if self.mirror_pool else [self.pool]

    @property
    def is_fully_allocated(self) -> bool:
        return not (self.thin or self.compressed)

    @property
    def is_being_deleted(self) -> bool:
        return self.status == "deleting"


class HostPort(StateModel):
    """An initiator of a host. state: None derives it from the logins.

    logins: sessions of an iSCSI name; for other kinds of port, the nodes that see it. login_groups: the I/O groups of
    the sessions; None: all that have a node online.
    """

    kind: Kind = "iscsi"
    name: str = Field(min_length=1, max_length=255)
    logins: int = Field(0, ge=0)
    login_groups: list[IoGroup] | None = None
    state: str | None = None


class Host(StateModel):
    """A host object (lshost). status: None derives it from the logins."""

    id: int = Field(ge=0)
    name: Name
    ports: list[HostPort] = []
    type: str = "generic"
    mask: str = "1" * 64
    io_groups: list[IoGroup] = [0, 1, 2, 3]
    status: str | None = None
    protocol: str = "scsi"
    portset: str = ""
    site_id: str = ""
    site: str = ""
    host_cluster: str = ""
    chap_username: str = ""
    chap_secret: str = ""
    storage_username: str = ""
    storage_secret: str = ""


class HostCluster(StateModel):
    """A host cluster (lshostcluster). Its members are the hosts that name it."""

    id: int = Field(ge=0)
    name: Name
    protocol: str = "scsi"


class MappingEntry(StateModel):
    """A mapping in the state file. luns: the LUN of each I/O group, where they differ."""

    host: Name
    volume: Name
    lun: int = Field(ge=0)
    luns: dict[int, int] = {}


class SharedEntry(StateModel):
    """A shared mapping of a host cluster in the state file."""

    host_cluster: Name
    volume: Name
    lun: int = Field(ge=0)


class VolumeGroup(StateModel):
    """A volume group (lsvolumegroup). Its members are the volumes that name it. uid: None takes the next free one."""

    id: int = Field(ge=0)
    name: Name
    uid: int | None = Field(None, ge=0)


class Image(StateModel):
    """The image of one volume in a snapshot. Empty uid, capacity (bytes) and pool are those of the volume."""

    volume: Name
    uid: str = Field("", pattern=r"^([0-9A-F]{32})?$")
    capacity: int | None = Field(None, ge=0)
    pool: str = ""


class Snapshot(StateModel):
    """A snapshot (lsvolumegroupsnapshot) of a volume group or, without one, of a list of volumes.

    parent_uid: of the group or the list, within which the name is unique; None takes the one that it has.
    state: a snapshot that is dependent_deleting goes when no clone depends on it.
    """

    id: int = Field(ge=0)
    name: Name
    volume_group: str = ""
    parent_uid: int | None = Field(None, ge=0)
    time: str = Field("", pattern=r"^(\d{12})?$")
    state: Literal["ready", "active", "deleting", "dependent_deleting"] = "active"
    images: list[Image] = Field(min_length=1)


class ConsistencyGroup(StateModel):
    """A consistency group of FlashCopy maps (lsfcconsistgrp). Its members are the maps that name it."""

    id: int = Field(ge=1)
    name: Name
    autodelete: bool = False


class FlashCopyMap(StateModel):
    """A FlashCopy map (lsfcmap). progress: percent of the copy; at 100 the map becomes idle_or_copied by itself."""

    id: int = Field(ge=0)
    name: Name
    source: Name
    target: Name
    consistency_group: str = ""
    status: MapState = "idle_or_copied"
    progress: int = Field(0, ge=0, le=100)
    copy_rate: int = Field(50, ge=0, le=150)
    clean_rate: int = Field(50, ge=0, le=150)
    grain_size: Literal[64, 256] = 256
    autodelete: bool = False
    incremental: bool = False
    keep_target: bool = False
    restoring: bool = False
    start_time: str = Field("", pattern=r"^(\d{12})?$")


class ThrottleEntry(StateModel):
    """A throttle in the state file, of one volume, host, host cluster or pool; of none: of offloaded commands.

    iops, bandwidth (MB/s): for each node; None: unlimited.
    """

    id: int = Field(ge=0, le=10144)
    name: Name
    volume: str = ""
    host: str = ""
    host_cluster: str = ""
    pool: str = ""
    iops: int | None = Field(None, ge=0)
    bandwidth: int | None = Field(None, ge=0)

    @property
    def target(self) -> tuple[str, str]:
        """The kind of the object, and its name: empty for offloaded commands."""
        kinds = ("volume", "host", "host_cluster", "pool")
        return next(((kind, name) for kind in kinds if (name := getattr(self, kind))), ("offload", ""))

    @model_validator(mode="after")
    def _of_one_object(self) -> Self:
        if sum(bool(each) for each in (self.volume, self.host, self.host_cluster, self.pool)) > 1:
            raise ValueError("is of several objects: name one volume, host, host_cluster or pool")
        return self


LONGEST = 63
LONGEST_INITIATOR = 255
_GIVEN_NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_.-])?")
_INITIATOR: dict[Kind, re.Pattern[str]] = {
    "iscsi": re.compile(r"(?:iqn|eui|naa)\.[^\s,]+", re.IGNORECASE),
    "nvme": re.compile(r"nqn\.[^\s,]+", re.IGNORECASE),
    "fc": re.compile(r"[0-9A-Fa-f]{16}"),
    "sas": re.compile(r"[0-9A-Fa-f]{16}"),
}
"""Looser than RFC 3720: real arrays have names such as iqn.localhost.hostid.7f000001."""


def name(text: str) -> str:
    """Check the name of a new or renamed object: CMMVC5738E if it is too long, CMMVC6527E if it is invalid."""
    if len(text) > LONGEST:
        raise Refused("CMMVC5738E", text)
    if not _GIVEN_NAME.fullmatch(text):
        raise Refused("CMMVC6527E")
    return text


def taken_code(kind: Kind, rules: Rules) -> str:
    """Return the code for an initiator that is invalid or that another host has; the array does not distinguish."""
    return {"iscsi": rules.iqn_taken_code, "nvme": "CMMVC9328E"}.get(kind, "CMMVC5867E")


def initiator(kind: Kind, text: str, rules: Rules) -> str:
    """Return an initiator as the array stores it: as received, but WWPNs in upper case."""
    if len(text) > LONGEST_INITIATOR or not _INITIATOR[kind].fullmatch(text):
        raise Refused(taken_code(kind, rules))
    return text.upper() if kind in {"fc", "sas"} else text
