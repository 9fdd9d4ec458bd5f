"""FlashSystemArray: connection, access rights, limits and status of an array."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from flashsystem_operator.api.base import (
    LABEL_KEY_PATTERN,
    MAX_LABEL_KEY,
    ONCE,
    ONCE_AS_WRITTEN,
    Address,
    AtMost,
    CommandTime,
    Conditions,
    Delay,
    Duration,
    Glob,
    HostKey,
    IpAddress,
    LabelKey,
    LabelValue,
    Lun,
    Model,
    NameRef,
    PoolName,
    Port,
    PortsetName,
    Size,
    Span,
    StatusModel,
    SystemId,
    Text,
    Time,
    TotalSize,
    VolumeUid,
)
from flashsystem_operator.api.host import QuarantinedLun
from flashsystem_operator.api.metadata import Kind, Resource


def _label_keys(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse an invalid label key. The schema of the CRD cannot express patterns for keys; a rule there does."""
    for key in labels:
        if len(key) > MAX_LABEL_KEY or not re.fullmatch(LABEL_KEY_PATTERN, key):
            raise ValueError(
                f"{key[:64]!r} is not a label's key: it has letters, digits and '-_.', a letter or digit at both ends, "
                "and perhaps a prefix and a slash in front"
            )
    return labels


class From(StrEnum):
    """Which namespaces are allowed: that of the array, all, or those that match a label selector."""

    SAME = "Same"
    ALL = "All"
    SELECTOR = "Selector"


class Operator(StrEnum):
    """How an expression compares a label with its values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Expression(Model):
    """A requirement on a label, with the semantics of Kubernetes."""

    key: LabelKey
    operator: Operator
    values: Annotated[tuple[LabelValue, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if (self.operator in (Operator.IN, Operator.NOT_IN)) != bool(self.values):
            raise ValueError("In and NotIn need values; Exists and DoesNotExist take none")
        return self


class LabelSelector(Model):
    """A label selector with the semantics of Kubernetes: all parts must match; an empty one matches everything."""

    match_labels: Annotated[Mapping[str, LabelValue], Field(max_length=64), AfterValidator(_label_keys)] | None = None
    match_expressions: Annotated[tuple[Expression, ...], Field(max_length=64)] = ()


class Namespaces(Model):
    """A selection of namespaces."""

    from_: From = From.SAME
    selector: LabelSelector | None = None

    @model_validator(mode="after")
    def _selector_when_selected(self) -> Self:
        if (self.from_ is From.SELECTOR) != (self.selector is not None):
            raise ValueError("selector goes with from: Selector, and with nothing else: add one of them, or remove it")
        return self


class VolumeAccess(Model):
    """Which volumes some namespaces may attach."""

    namespace_selector: LabelSelector
    volumes: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=64)]


class VolumeCreation(Namespaces):
    """Which namespaces may create volumes, in which pools, and how large. Limits are in bytes; None: no limit.

    Limits are judged over all FlashSystemVolumes of a namespace.
    """

    pools: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=64)] = ()
    """Empty: every pool."""
    max_volume_size: Size | None = None
    max_capacity_per_namespace: TotalSize | None = None


class PersistentVolumes(StrEnum):
    """Whether attachments of this array may create PersistentVolumes, which are cluster-scoped."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class AuditItem(StatusModel):
    """A host object that belongs to no resource; with a volume, one of its mappings; a volume without a host object."""

    host: Text | None = None
    volume: Text | None = None
    uid: VolumeUid | None = None
    lun: Lun | None = None


class Findings(StatusModel):
    """Numbers of host objects, mappings and volumes of one category; `items` has the first of them."""

    hosts: int | None = None
    mappings: int | None = None
    volumes: int | None = None
    items: Annotated[tuple[AuditItem, ...], AtMost(50)] = ()


class ReleasedFindings(StatusModel):
    """Released host objects, mappings and volumes.

    Only those in `items` are recorded as released. Others count as orphaned or foreign.
    """

    hosts: int | None = None
    mappings: int | None = None
    volumes: int | None = None
    items: Annotated[tuple[AuditItem, ...], AtMost(200)] = ()


class UnreadableRow(StatusModel):
    """A row in the reply of a command that could not be read, and why."""

    command: Text | None = None
    why: Text | None = None


class Audit(StatusModel):
    """Host objects, mappings and volumes that belong to no resource, by category. The operator never removes them."""

    orphaned: Findings | None = None
    """On host objects that this installation created, and volumes that it created."""
    foreign: Findings | None = None
    """On all others: created by array administrators or other clusters."""
    released: ReleasedFindings | None = None
    """Left on the array when a resource was deleted with Retain or with the release annotation."""
    unreadable: Annotated[tuple[UnreadableRow, ...], AtMost(50)] = ()
    """Rows that the operator cannot read. Affected resources wait with reason UnreadableAnswer."""


class HostKeyPolicy(StrEnum):
    """Which host keys of the array are accepted."""

    PINNED = "Pinned"
    TRUST_ON_FIRST_USE = "TrustOnFirstUse"


class MultiHostMapping(StrEnum):
    """Whether volumes of the array may be mapped to several hosts."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class Dialect(StrEnum):
    """The dialect of the command line: FlashSystem 840/900, or Storage Virtualize."""

    LEGACY = "Legacy"
    MODERN = "Modern"


class Management(Model):
    """The management addresses of the array."""

    addresses: Annotated[tuple[Address, ...], Field(min_length=1, max_length=2)]
    port: Port = 22


class Iscsi(Model):
    """The portals of the array for hosts."""

    portset: PortsetName | None = None
    portal_addresses: Annotated[tuple[IpAddress, ...], Field(max_length=64), ONCE_AS_WRITTEN] = ()
    """Empty: all portals of the array."""
    port: Port = 3260


class Limits(Model):
    """Limits for the load on the array. Times are in seconds."""

    concurrent_commands: Annotated[int, Field(ge=1, le=16)] = 4
    sessions: Annotated[int, Field(ge=1, le=8)] = 2
    command_timeout: CommandTime = 60.0
    new_connections_per_second: Annotated[int, Field(ge=1, le=15)] = 3


class DetachRateLimit(Model):
    """At most `max` volumes are unmapped within `window` seconds; further detaches wait."""

    max: Annotated[int, Field(ge=1, le=10000)]
    window: Duration


class ArraySpec(Model):
    """The desired settings of an array."""

    management: Management
    system_id: SystemId | None = None
    credentials_secret_ref: NameRef
    host_keys: Annotated[tuple[HostKey, ...], Field(max_length=16), ONCE] = ()
    host_key_policy: HostKeyPolicy = HostKeyPolicy.PINNED
    pool: PoolName | None = None
    iscsi: Iscsi = Iscsi()
    multi_host_mapping: MultiHostMapping = MultiHostMapping.ALLOWED
    allowed_namespaces: Namespaces = Namespaces()
    host_adoption: Namespaces = Namespaces()
    volume_access: Annotated[tuple[VolumeAccess, ...], Field(min_length=1, max_length=64)] = ()
    """Empty: every volume. Otherwise volumes that no entry allows are refused."""
    volume_creation: VolumeCreation = VolumeCreation()
    persistent_volumes: PersistentVolumes = PersistentVolumes.FORBIDDEN
    limits: Limits = Limits()
    detach_rate_limit: DetachRateLimit | None = None
    """None: no limit."""
    resync_interval: Duration = 60.0
    """Seconds between two reads of the array when nothing has changed in the cluster."""
    lun_quarantine: Span = 300.0
    """Seconds for which a freed LUN is not assigned to another volume on the same host."""
    volume_deletion_delay: Delay = 0.0
    """Seconds for which a volume stays on the array, unmapped, after its FlashSystemVolume was deleted."""

    @model_validator(mode="after")
    def _pinned_has_keys(self) -> Self:
        if self.host_key_policy is HostKeyPolicy.PINNED and not self.host_keys:
            raise ValueError(
                "hostKeyPolicy Pinned needs the array's public key in hostKeys: take it from `ssh-keyscan ADDRESS`, "
                "without the name, and compare it with the array; or set hostKeyPolicy to TrustOnFirstUse"
            )
        return self


class Node(StatusModel):
    """A node (canister) of the array."""

    name: Text | None = None
    id: Text | None = None
    status: Text | None = None
    iqn: Text | None = None
    io_group: Text | None = None
    config_node: bool | None = None


class Portal(StatusModel):
    """An iSCSI portal of the array."""

    address: Text | None = None
    port: int | None = None
    iqn: Text | None = None
    node: Text | None = None
    io_group: Text | None = None
    portset: Text | None = None
    state: Text | None = None


class Pool(StatusModel):
    """The pool in the spec. Sizes are in bytes."""

    name: Text | None = None
    status: Text | None = None
    capacity: Text | None = None
    free: Text | None = None


class PoolUse(Pool):
    """A pool of the array, and how much of it is in use. Sizes are in bytes.

    provisioned: the sum of the sizes of its volumes, which exceeds the capacity of a pool that is overallocated.
    """

    used: Text | None = None
    provisioned: Text | None = None


MAX_POOLS = 128
"""Pools that an array can have (array-cli-volumes 1.5)."""


class Credentials(StatusModel):
    """The versions (`metadata.resourceVersion`) of the Secret that were used."""

    last_worked: Text | None = None
    last_tried: Text | None = None


class Counts(StatusModel):
    """Numbers of objects."""

    hosts: int | None = None
    mappings: int | None = None
    volumes: int | None = None
    attachments: int | None = None


MOST_DETACHES = 1_000_000
"""Upper limit of a count: more than any rate limit or burst allows."""


class DetachWindow(StatusModel):
    """The current window of the detach rate limit: when it began, and how many detaches were counted in it."""

    start: Time | None = None
    count: Annotated[int, Field(ge=0, le=MOST_DETACHES)] | None = None


class Allowance(StatusModel):
    """The burst that the annotation allow-detaches allows: its value, and how many detaches were counted against it."""

    value: Text | None = None
    count: Annotated[int, Field(ge=0, le=MOST_DETACHES)] | None = None


class FormerHost(StatusModel):
    """Quarantined LUNs of a host whose FlashSystemHost was deleted. initiators: identify the next FlashSystemHost."""

    initiators: Annotated[tuple[Text, ...], AtMost(64)] = ()
    luns: Annotated[tuple[QuarantinedLun, ...], AtMost(512)] = ()


class ArrayStatus(StatusModel):
    """The observed state of the array."""

    conditions: Conditions = ()
    observed_generation: int = -1
    last_handled_reconcile_at: Text | None = None
    system_id: SystemId | None = None
    system_name: Text | None = None
    product: Text | None = None
    code_level: Text | None = None
    dialect: Dialect | None = None
    open_access_enabled: bool | None = None
    nodes: Annotated[tuple[Node, ...], AtMost(32)] = ()
    portals: Annotated[tuple[Portal, ...], AtMost(256)] = ()
    pool: Pool | None = None
    pools: Annotated[tuple[PoolUse, ...], AtMost(MAX_POOLS)] = ()
    host_key: Annotated[str, AtMost(4096)] | None = None
    """The key that TrustOnFirstUse pinned, in the format of `hostKeys`."""
    host_key_fingerprint: Text | None = None
    credentials: Credentials | None = None
    counts: Counts | None = None
    detach_window: DetachWindow | None = None
    """What the detach rate limit counts. Written before the first volume is unmapped."""
    allowance: Allowance | None = None
    quarantined_luns: Annotated[tuple[FormerHost, ...], AtMost(64)] = ()
    """Written before the finalizer of a FlashSystemHost is removed, for a FlashSystemHost that is created again."""
    audit: Audit | None = None
    last_contact_time: Time | None = None


class FlashSystemArray(Resource):
    """An array: its connection and login; its health is in status."""

    KIND: ClassVar[Kind] = Kind.ARRAY
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {
        "management": {"addresses": ["unreadable.invalid"]},
        "credentialsSecretRef": {"name": "unreadable"},
        "hostKeyPolicy": "TrustOnFirstUse",
    }

    spec: ArraySpec
    status: ArrayStatus = ArrayStatus()
