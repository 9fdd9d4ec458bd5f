"""VolumeAttachment: one volume visible to one host."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from flashsystem_operator import values
from flashsystem_operator.api.base import AtMost, Memory, Model, Text, Time
from flashsystem_operator.api.conditions import Conditions
from flashsystem_operator.api.drift import DriftPolicy
from flashsystem_operator.api.kinds import Kind, ObjectRef
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.api.persistent_volume import PersistentVolume
from flashsystem_operator.api.plan import Plan
from flashsystem_operator.api.references import ArraySeen, DeletionPolicy, NameRef
from flashsystem_operator.api.words import Iqn, Lun, VolumeName, VolumeUid


class Access(StrEnum):
    """Whether other hosts may see the volume at the same time."""

    EXCLUSIVE = "Exclusive"
    SHARED = "Shared"


class DetachGuard(StrEnum):
    """What is done when unmapping would leave a host that is logged in without any volume."""

    ENFORCE = "Enforce"
    WARN = "Warn"
    DISABLED = "Disabled"


class Origin(StrEnum):
    """Whether the mapping was made by us or found."""

    CREATED = "Created"
    TAKEN_OVER = "TakenOver"


class VolumeSelector(Model):
    """Which volume: exactly one of the two. Not by id: the array hands ids out again."""

    name: VolumeName | None = None
    uid: VolumeUid | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.name is None) == (self.uid is None):
            raise ValueError("name the volume by exactly one of name and uid (vdisk_UID): remove or add one of them")
        return self


class AttachmentSpec(Model):
    """What is wished of an attachment."""

    host_ref: NameRef
    volume: VolumeSelector
    lun: Lun | None = None
    access: Access = Access.EXCLUSIVE
    deletion_policy: DeletionPolicy | None = None
    """None: Delete for a mapping that we made, Retain for one that was taken over."""
    detach_guard: DetachGuard = DetachGuard.ENFORCE
    connection_secret: NameRef | None = None
    persistent_volume: PersistentVolume | None = None
    drift_policy: DriftPolicy = DriftPolicy.CORRECT

    @model_validator(mode="after")
    def _lun_fits_a_persistent_volume(self) -> Self:
        if self.persistent_volume and self.lun is not None and self.lun > values.MAX_PERSISTENT_VOLUME_LUN:
            raise ValueError(
                "a PersistentVolume cannot have a LUN above 255: remove persistentVolume, or create the attachment "
                "with a LUN up to 255, or without"
            )
        return self


class HostSeen(Memory):
    """The host object on the array. Its initiators find it again under any name."""

    name: Text | None = None
    id: Text | None = None
    initiators: Annotated[tuple[Iqn, ...], AtMost(64)] = ()


class VolumeSeen(Memory):
    """The volume on the array, bound by its uid from the first look on. Capacity in bytes."""

    # As the array prints it, not held to what a user may write: names can be older than the array's own rules.
    name: Annotated[values.VolumeName, AtMost(256)] | None = None
    id: Text | None = None
    uid: VolumeUid | None = None
    capacity: int | None = None
    preferred_node: Text | None = None


class Connection(Memory):
    """What an iSCSI initiator needs to log in: Cinder's connection properties in camelCase. Never a CHAP secret."""

    driver_volume_type: Literal["iscsi"] = "iscsi"
    target_discovered: Literal[False] = False
    target_portal: Text | None = None
    target_iqn: Text | None = None
    target_lun: Lun | None = None
    volume_id: Text | None = None
    target_portals: Annotated[tuple[Text, ...], AtMost(256)] = ()
    target_iqns: Annotated[tuple[Text, ...], AtMost(256)] = ()
    target_luns: Annotated[tuple[Lun, ...], AtMost(256)] = ()


class Named(Memory):
    """An object that is made beside an attachment."""

    name: Annotated[str, AtMost(253)] | None = None


class AttachmentStatus(Memory):
    """The mapping as it was found at the last look, and the way to it."""

    conditions: Conditions = ()
    observed_generation: int = -1
    last_handled_reconcile_at: Text | None = None
    array: ArraySeen | None = None
    host: HostSeen | None = None
    volume: VolumeSeen | None = None
    lun: Lun | None = None
    origin: Origin | None = None
    connection: Connection | None = None
    attached_time: Time | None = None
    plan: Plan | None = None
    binding: Named | None = None
    """The Secret with the connection, where servicebinding.io looks for its name."""
    persistent_volume: Named | None = None


class VolumeAttachment(Resource):
    """One volume visible to one host."""

    KIND: ClassVar[Kind] = Kind.ATTACHMENT
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {"hostRef": {"name": "unreadable"}, "volume": {"name": "unreadable"}}

    spec: AttachmentSpec
    status: AttachmentStatus = AttachmentStatus()

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:  # noqa: ARG002 - what is left of it was read
        """Of no host and no volume but those that were recorded. Exclusive is the default, and the strictest access."""
        update = dict[str, object]()
        if "hostRef" in incomplete:
            update["host_ref"] = NameRef.model_construct(name="")
        if "volume" in incomplete:
            update["volume"] = VolumeSelector.model_construct(name=None, uid=None)
        return self.model_copy(update={"spec": self.spec.model_copy(update=update)})

    @property
    def host(self) -> ObjectRef:
        return ObjectRef(Kind.HOST, self.metadata.namespace, self.spec.host_ref.name)
