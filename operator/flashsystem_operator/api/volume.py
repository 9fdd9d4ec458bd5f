"""FlashSystemVolume: a volume on one array that is created or imported, grown, and deleted."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from flashsystem_operator.api.base import (
    ArrayRef,
    ArraySeen,
    Bandwidth,
    Conditions,
    Delay,
    DeletionPolicy,
    DriftPolicy,
    IoGroup,
    Model,
    NameBase,
    Plan,
    PoolName,
    Size,
    StatusModel,
    Text,
    Time,
    VolumeName,
    VolumeUid,
)
from flashsystem_operator.api.metadata import Kind, ObjectRef, Resource
from flashsystem_operator.values import Provisioning

M = TypeVar("M", bound=Model)

MIN_IOPS, MAX_IOPS = 100, 33_554_432
"""Limits of a throttle. The array treats a lower limit as 100 (array-cli-volumes 7)."""


class VolumeImport(Model):
    """Selects an existing volume of the array by exactly one of name and uid. Not by id: the array reuses ids."""

    name: VolumeName | None = None
    uid: VolumeUid | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.name is None) == (self.uid is None):
            raise ValueError("name the volume by exactly one of name and uid (vdisk_UID): remove or add one of them")
        return self


class Throttle(Model):
    """Limits of the I/O of a volume, on each node of the array. bandwidth: bytes per second, in whole mebibytes."""

    iops: Annotated[int, Field(ge=MIN_IOPS, le=MAX_IOPS)] | None = None
    bandwidth: Bandwidth | None = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if self.iops is None and self.bandwidth is None:
            raise ValueError("a throttle needs iops, bandwidth or both: add one of them, or remove throttle")
        return self


class VolumeSpec(Model):
    """The desired settings of a volume."""

    array_ref: ArrayRef
    import_: VolumeImport | None = None
    """None: an empty volume is created."""
    size: Size | None = None
    """In bytes, before it is rounded up to what the array can provide. None: an imported volume keeps its size."""
    volume_name_prefix: NameBase | None = None
    pool: PoolName | None = None
    """None: the pool of the array. With `import`: the pool that the volume must be in; None: any."""
    provisioning: Provisioning | None = None
    """None: Thick, or as an imported volume is."""
    io_group: IoGroup | None = None
    throttle: Throttle | None = None
    """None: no throttle is set, and one that exists is not changed."""
    deletion_policy: DeletionPolicy | None = None
    """None: Delete for a volume that the operator created, Retain for an imported one."""
    deletion_delay: Delay | None = None
    """Seconds; None: `volumeDeletionDelay` of the array."""
    drift_policy: DriftPolicy = DriftPolicy.CORRECT
    """For the name, the throttle, and a size below the desired one."""

    @model_validator(mode="after")
    def _created_with_a_size(self) -> Self:
        if self.import_ is None and self.size is None:
            raise ValueError("a volume that is created needs a size: add size; or add import for one that exists")
        return self

    @model_validator(mode="after")
    def _imported_as_it_is(self) -> Self:
        only_created = {
            "volumeNamePrefix": self.volume_name_prefix,
            "provisioning": self.provisioning,
            "ioGroup": self.io_group,
        }
        given = [name for name, value in only_created.items() if value is not None]
        if self.import_ is not None and given:
            raise ValueError(
                f"an imported volume keeps its name, provisioning and I/O group: remove {' and '.join(given)}, or "
                "remove import to create a volume"
            )
        return self


class VolumeOrigin(StrEnum):
    """Whether the operator created the volume, or imported one that existed."""

    CREATED = "Created"
    IMPORTED = "Imported"


class VolumeIntent(StatusModel):
    """The volume that is about to be created: recorded before the command, to recognize it after a lost reply.

    size: in bytes, as in the command. time: a volume that is older is another one.
    """

    name: Text | None = None
    size: int | None = None
    pool: Text | None = None
    time: Time | None = None


class ThrottleSeen(StatusModel):
    """The throttle on the array. bandwidth: a Quantity per second."""

    iops: int | None = None
    bandwidth: Text | None = None


class VolumeStatus(StatusModel):
    """The observed state of the volume. Sizes are exact Quantities of bytes, see `base.quantity`."""

    conditions: Conditions = ()
    observed_generation: int = -1
    last_handled_reconcile_at: Text | None = None
    array: ArraySeen | None = None
    name: Text | None = None
    uid: VolumeUid | None = None
    """Identifies the volume from its first resolution on. Another volume is never used in its place."""
    id: Text | None = None
    pool: Text | None = None
    capacity: Text | None = None
    used: Text | None = None
    state: Text | None = None
    formatting: bool | None = None
    origin: VolumeOrigin | None = None
    intent: VolumeIntent | None = None
    attachments: int | None = None
    deletion_time: Time | None = None
    """When the volume is deleted on the array, after its resource was deleted."""
    throttle: ThrottleSeen | None = None
    plan: Plan | None = None


def _readable(model: type[M], value: Any) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


class FlashSystemVolume(Resource):
    """A volume on one array, created or imported by the operator."""

    KIND: ClassVar[Kind] = Kind.VOLUME
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {
        "arrayRef": {"name": "unreadable"},
        # In place of fields that contradict each other; `in_part` restores what can be used.
        "import": {"name": "unreadable"},
        "volumeNamePrefix": None,
        "provisioning": None,
        "ioGroup": None,
    }

    spec: VolumeSpec
    status: VolumeStatus = VolumeStatus()

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:
        """Use what the raw spec has instead of placeholders: its import, or none, its prefix, and its array.

        An array reference that cannot be read is replaced by the recorded one, and a deletion policy by Retain.
        """
        raw, array = spec if isinstance(spec, dict) else {}, self.status.array or ArraySeen()
        prefix = raw.get("volumeNamePrefix")
        update: dict[str, object] = {
            "array_ref": _readable(ArrayRef, raw.get("arrayRef"))
            or ArrayRef.model_construct(name=array.name or "", namespace=array.namespace),
            "import_": _readable(VolumeImport, raw.get("import")),
            "volume_name_prefix": prefix if isinstance(prefix, str) else None,
        }
        if "deletionPolicy" in incomplete:
            update["deletion_policy"] = DeletionPolicy.RETAIN
        return self.model_copy(update={"spec": self.spec.model_copy(update=update)})

    @property
    def array(self) -> ObjectRef:
        ref = self.spec.array_ref
        return ObjectRef(Kind.ARRAY, ref.namespace or self.metadata.namespace, ref.name)

    @property
    def base_name(self) -> str:
        """Prefix of the name on the array, before it is made valid."""
        return self.spec.volume_name_prefix or self.metadata.name
