"""FlashSystemArray: where an array is, how to log in, who may use it for what, and how it is."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from flashsystem_operator.api.base import AtMost, Model, StatusModel, Text, Time
from flashsystem_operator.api.common import Conditions, NameRef
from flashsystem_operator.api.fields import (
    LABEL_KEY_PATTERN,
    MAX_LABEL_KEY,
    ONCE,
    ONCE_AS_WRITTEN,
    Address,
    CommandTime,
    Duration,
    Glob,
    HostKey,
    IpAddress,
    LabelKey,
    LabelValue,
    Lun,
    PoolName,
    Port,
    PortsetName,
    Span,
    SystemId,
    VolumeUid,
)
from flashsystem_operator.api.host import QuarantinedLun
from flashsystem_operator.api.metadata import Kind, Resource


def _label_keys(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse a key that no label can have: the CRD's schema has no word for keys, but a rule."""
    for key in labels:
        if len(key) > MAX_LABEL_KEY or not re.fullmatch(LABEL_KEY_PATTERN, key):
            raise ValueError(
                f"{key[:64]!r} is not a label's key: it has letters, digits and '-_.', a letter or digit at both ends, "
                "and perhaps a prefix and a slash in front"
            )
    return labels


class From(StrEnum):
    """Which namespaces are meant: the array's own, all, or those that a selector chooses by their labels."""

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
    """One requirement on a label, as everywhere in Kubernetes."""

    key: LabelKey
    operator: Operator
    values: Annotated[tuple[LabelValue, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if (self.operator in (Operator.IN, Operator.NOT_IN)) != bool(self.values):
            raise ValueError("In and NotIn need values; Exists and DoesNotExist take none")
        return self


class LabelSelector(Model):
    """Chooses by labels, as everywhere in Kubernetes: all of it must hold; an empty one chooses everything."""

    match_labels: Annotated[Mapping[str, LabelValue], Field(max_length=64), AfterValidator(_label_keys)] | None = None
    match_expressions: Annotated[tuple[Expression, ...], Field(max_length=64)] = ()


class Namespaces(Model):
    """A choice of namespaces."""

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


class PersistentVolumes(StrEnum):
    """Whether attachments of this array may make PersistentVolumes, which belong to the whole cluster."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class Unexplained(StatusModel):
    """A host object, or with a volume one of its mappings."""

    host: Text | None = None
    volume: Text | None = None
    uid: VolumeUid | None = None
    lun: Lun | None = None


class Findings(StatusModel):
    """How many host objects and mappings of one sort there are; `items` are the first of them."""

    hosts: int | None = None
    mappings: int | None = None
    items: Annotated[tuple[Unexplained, ...], AtMost(50)] = ()


class LetGo(StatusModel):
    """The same of what was let go. Here `items` are what is remembered of it: beyond them it counts as another sort."""

    hosts: int | None = None
    mappings: int | None = None
    items: Annotated[tuple[Unexplained, ...], AtMost(200)] = ()


class Unread(StatusModel):
    """A row that could not be read: of which command's answer, and why."""

    command: Text | None = None
    why: Text | None = None


class Audit(StatusModel):
    """What no resource explains, sorted by what it is likely to be. Nothing of it is ever removed by the operator."""

    orphaned: Findings | None = None
    """On host objects that this installation made."""
    foreign: Findings | None = None
    """On all others: made by administrators, or by other clusters."""
    released: LetGo | None = None
    """Left there when a resource was deleted, because somebody said so."""
    unreadable: Annotated[tuple[Unread, ...], AtMost(50)] = ()
    """What the operator cannot read. Resources that it is about wait with reason UnreadableAnswer."""


class HostKeyPolicy(StrEnum):
    """Which public key the array must show."""

    PINNED = "Pinned"
    TRUST_ON_FIRST_USE = "TrustOnFirstUse"


class MultiHostMapping(StrEnum):
    """Whether any volume of the array may be mapped to several hosts at all."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class Dialect(StrEnum):
    """Which command line the array speaks: FlashSystem 840/900, or Storage Virtualize."""

    LEGACY = "Legacy"
    MODERN = "Modern"


class Management(Model):
    """Where the array's command line listens."""

    addresses: Annotated[tuple[Address, ...], Field(min_length=1, max_length=2)]
    port: Port = 22


class Iscsi(Model):
    """Which of the array's portals hosts shall use."""

    portset: PortsetName | None = None
    portal_addresses: Annotated[tuple[IpAddress, ...], Field(max_length=64), ONCE_AS_WRITTEN] = ()
    """Empty: all that the array has."""
    port: Port = 3260


class Limits(Model):
    """How much of the array's attention the operator may take. Times are in seconds."""

    concurrent_commands: Annotated[int, Field(ge=1, le=16)] = 4
    sessions: Annotated[int, Field(ge=1, le=8)] = 2
    command_timeout: CommandTime = 60.0
    new_connections_per_second: Annotated[int, Field(ge=1, le=15)] = 3


class DetachRateLimit(Model):
    """At most so many volumes are unmapped in so many seconds; what is wished beyond that waits."""

    max: Annotated[int, Field(ge=1, le=10000)]
    window: Duration


class ArraySpec(Model):
    """What is wished of an array."""

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
    """Empty: every volume. Otherwise what no entry allows is refused."""
    persistent_volumes: PersistentVolumes = PersistentVolumes.FORBIDDEN
    limits: Limits = Limits()
    detach_rate_limit: DetachRateLimit | None = None
    """None: no brake."""
    resync_interval: Duration = 60.0
    """Seconds between two looks at an array where nothing happens."""
    lun_quarantine: Span = 300.0
    """Seconds for which a LUN that was freed is not given to another volume on the same host."""

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
    """The pool that the spec names. Sizes are in bytes."""

    name: Text | None = None
    status: Text | None = None
    capacity: Text | None = None
    free: Text | None = None


class Credentials(StatusModel):
    """Which versions (`metadata.resourceVersion`) of the Secret were used."""

    last_worked: Text | None = None
    last_tried: Text | None = None


class Counts(StatusModel):
    """How much is there."""

    hosts: int | None = None
    mappings: int | None = None
    attachments: int | None = None


MOST_DETACHES = 1_000_000
"""More than any brake or burst allows: it is counted no further."""


class Detaches(StatusModel):
    """How many volumes were about to be unmapped at that time."""

    time: Time | None = None
    count: Annotated[int, Field(ge=0, le=MOST_DETACHES)] | None = None


class Allowance(StatusModel):
    """The burst that the annotation allow-detaches lets through: its words, and since when they were seen."""

    value: Text | None = None
    since: Time | None = None


class FormerHost(StatusModel):
    """LUNs that were freed on a host whose FlashSystemHost is gone. initiators: by which its next one is known."""

    initiators: Annotated[tuple[Text, ...], AtMost(64)] = ()
    luns: Annotated[tuple[QuarantinedLun, ...], AtMost(512)] = ()


class ArrayStatus(StatusModel):
    """What was found at the last look."""

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
    host_key: Annotated[str, AtMost(4096)] | None = None
    """The key that TrustOnFirstUse pinned, in the form of `hostKeys`."""
    host_key_fingerprint: Text | None = None
    credentials: Credentials | None = None
    counts: Counts | None = None
    detaches: Annotated[tuple[Detaches, ...], AtMost(64)] = ()
    """What the brake counts, from the oldest to the youngest: written before the first volume is unmapped."""
    allowance: Allowance | None = None
    quarantined_luns: Annotated[tuple[FormerHost, ...], AtMost(64)] = ()
    """Written before the finalizer of a FlashSystemHost goes, so that one that is created again knows of them."""
    audit: Audit | None = None
    last_contact_time: Time | None = None


class FlashSystemArray(Resource):
    """An array: where it is, how to log in; its health in status."""

    KIND: ClassVar[Kind] = Kind.ARRAY
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {
        "management": {"addresses": ["unreadable.invalid"]},
        "credentialsSecretRef": {"name": "unreadable"},
        "hostKeyPolicy": "TrustOnFirstUse",
    }

    spec: ArraySpec
    status: ArrayStatus = ArrayStatus()
