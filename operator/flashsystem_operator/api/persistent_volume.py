"""The PersistentVolume that an attachment may ask for: what a user chooses of it; the rest follows from the array."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from flashsystem_operator.api.base import Model
from flashsystem_operator.api.references import NameRef
from flashsystem_operator.api.words import OBJECT_NAME_PATTERN, ONCE

CLASS_PATTERN = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$"
FS_TYPE_PATTERN = r"^[a-z0-9]+$"
MOUNT_OPTION_PATTERN = r"^[!-+.-~-]+$"
"""What can stand between two commas of `mount -o`."""

ClassName = Annotated[str, Field(pattern=CLASS_PATTERN, max_length=253)]
FsType = Annotated[str, Field(pattern=FS_TYPE_PATTERN, max_length=32)]
MountOption = Annotated[str, Field(pattern=MOUNT_OPTION_PATTERN, max_length=128)]
Hostname = Annotated[str, Field(pattern=OBJECT_NAME_PATTERN, max_length=63)]

DEFAULT_FS_TYPE = "ext4"
"""The API server writes it into every PersistentVolume asked for, so it says nothing of what a user wished."""


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
    """What the PersistentVolume shall be like."""

    claim_ref: NameRef
    """The claim of the attachment's own namespace for which it is; no other can take it."""
    storage_class_name: ClassName = ""
    access_modes: Annotated[tuple[AccessMode, ...], Field(min_length=1, max_length=4), ONCE] = (
        AccessMode.READ_WRITE_ONCE,
    )
    volume_mode: VolumeMode = VolumeMode.FILESYSTEM
    fs_type: FsType = DEFAULT_FS_TYPE
    read_only: bool = False
    mount_options: Annotated[tuple[MountOption, ...], Field(max_length=32)] = ()
    node_hostnames: Annotated[tuple[Hostname, ...], Field(min_length=1, max_length=64), ONCE] = ()
    """Empty: every node; otherwise those whose label kubernetes.io/hostname is one of these."""

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
            raise ValueError("ReadWriteOncePod stands alone: remove the other access modes, or it")
        return self
