"""VolumeAttachment: one volume visible to one host, optionally with a PersistentVolume."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from flashsystem_operator import values
from flashsystem_operator.api.base import (
    ONCE,
    ArraySeen,
    AtMost,
    ClassName,
    Conditions,
    DeletionPolicy,
    DriftPolicy,
    FsType,
    Hostname,
    Iqn,
    Lun,
    Model,
    MountOption,
    NameRef,
    Origin,
    Plan,
    StatusModel,
    Text,
    Time,
    VolumeName,
    VolumeUid,
)
from flashsystem_operator.api.metadata import Kind, ObjectRef, Resource

DEFAULT_FS_TYPE = "ext4"
"""The API server sets it in every persistentVolume, so it does not show that the user requested a file system."""


class AccessMode(StrEnum):
    """How many nodes, or pods, may mount the claim."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_ONLY_MANY = "ReadOnlyMany"
    READ_WRITE_MANY = "ReadWriteMany"
    READ_WRITE_ONCE_POD = "ReadWriteOncePod"


class VolumeMode(StrEnum):
    """Whether a pod gets a mounted file system or the bare device."""

    FILESYSTEM = "Filesystem"
    BLOCK = "Block"


class PersistentVolume(Model):
    """The desired PersistentVolume."""

    claim_ref: NameRef
    """The claim, in the namespace of the attachment, that it is reserved for."""
    storage_class_name: ClassName = ""
    access_modes: Annotated[tuple[AccessMode, ...], Field(min_length=1, max_length=4), ONCE] = (
        AccessMode.READ_WRITE_ONCE,
    )
    volume_mode: VolumeMode = VolumeMode.FILESYSTEM
    fs_type: FsType = DEFAULT_FS_TYPE
    read_only: bool = False
    mount_options: Annotated[tuple[MountOption, ...], Field(max_length=32)] = ()
    node_hostnames: Annotated[tuple[Hostname, ...], Field(min_length=1, max_length=64), ONCE] = ()
    """Empty: every node; otherwise those whose label kubernetes.io/hostname is in the list."""

    @model_validator(mode="after")
    def _a_device_has_no_file_system(self) -> Self:
        if self.volume_mode is VolumeMode.BLOCK and self.fs_type != DEFAULT_FS_TYPE:
            raise ValueError(
                "a volume of mode Block has no file system: remove fsType, or set volumeMode to Filesystem"
            )
        if self.volume_mode is VolumeMode.BLOCK and self.mount_options:
            raise ValueError(
                "a volume of mode Block is not mounted: remove mountOptions, or set volumeMode to Filesystem"
            )
        return self

    @model_validator(mode="after")
    def _one_pod_is_alone(self) -> Self:
        if AccessMode.READ_WRITE_ONCE_POD in self.access_modes and len(self.access_modes) > 1:
            raise ValueError(
                "ReadWriteOncePod excludes all other access modes: remove them, or remove ReadWriteOncePod"
            )
        return self


class Access(StrEnum):
    """Whether other hosts may see the volume at the same time."""

    EXCLUSIVE = "Exclusive"
    SHARED = "Shared"


class DetachGuard(StrEnum):
    """What to do when unmapping would remove the last volume of a host that is logged in."""

    ENFORCE = "Enforce"
    WARN = "Warn"
    DISABLED = "Disabled"


class VolumeSelector(Model):
    """Selects a volume by exactly one of name, uid and ref. Not by id, because the array reuses ids.

    ref: a FlashSystemVolume of the same namespace.
    """

    name: VolumeName | None = None
    uid: VolumeUid | None = None
    ref: NameRef | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.name, self.uid, self.ref].count(None) != 2:  # noqa: PLR2004 - all but one
            raise ValueError(
                "name the volume by exactly one of name, uid (vdisk_UID) and ref (a FlashSystemVolume): remove or add "
                "one of them"
            )
        return self


class AttachmentSpec(Model):
    """The desired settings of an attachment."""

    host_ref: NameRef
    volume: VolumeSelector
    lun: Lun | None = None
    access: Access = Access.EXCLUSIVE
    deletion_policy: DeletionPolicy | None = None
    """None: Delete for a mapping that the operator created, Retain for an adopted one."""
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


class HostSeen(StatusModel):
    """The host object on the array. Its initiators identify it if it was renamed."""

    name: Text | None = None
    id: Text | None = None
    initiators: Annotated[tuple[Iqn, ...], AtMost(64)] = ()


class VolumeSeen(StatusModel):
    """The volume on the array, identified by its uid once it was found. Capacity in bytes."""

    # As the array prints it, without the checks for user input: names can be older than the naming rules of the array.
    name: Annotated[values.VolumeName, AtMost(256)] | None = None
    id: Text | None = None
    uid: VolumeUid | None = None
    capacity: Text | None = None
    preferred_node: Text | None = None


class Target(StatusModel):
    """A portal, as address:port with IPv6 in brackets, and the iSCSI name that answers there."""

    portal: Text
    iqn: Text


class Connection(StatusModel):
    """What an iSCSI initiator needs to log in. Never a CHAP secret.

    targets: those to use first come first: of the volume's I/O group, and of these of its preferred node.
    """

    protocol: Literal["iscsi"] = "iscsi"
    volume_uid: Text | None = None
    lun: Lun | None = None
    targets: Annotated[tuple[Target, ...], AtMost(256)] = ()


class Named(StatusModel):
    """An object that is created for an attachment."""

    name: Annotated[str, AtMost(253)] | None = None


class AttachmentStatus(StatusModel):
    """The observed state of the mapping, and the connection to it."""

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

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:  # noqa: ARG002 - the readable part was read already
        """Use no host and no volume except the recorded ones. Access needs no change: its default is the strictest."""
        update = dict[str, object]()
        if "hostRef" in incomplete:
            update["host_ref"] = NameRef.model_construct(name="")
        if "volume" in incomplete:
            update["volume"] = VolumeSelector.model_construct(name=None, uid=None, ref=None)
        return self.model_copy(update={"spec": self.spec.model_copy(update=update)})

    @property
    def host(self) -> ObjectRef:
        return ObjectRef(Kind.HOST, self.metadata.namespace, self.spec.host_ref.name)

    @property
    def volume_ref(self) -> ObjectRef | None:
        """The FlashSystemVolume that it is an attachment of; None if it selects a volume of the array directly."""
        ref = self.spec.volume.ref
        return ObjectRef(Kind.VOLUME, self.metadata.namespace, ref.name) if ref else None
