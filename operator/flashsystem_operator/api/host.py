"""FlashSystemHost: initiators, settings and status of the host object of a machine on one array."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from flashsystem_operator import values
from flashsystem_operator.api.base import (
    ONCE,
    ArrayRef,
    ArraySeen,
    AtMost,
    Conditions,
    DeletionPolicy,
    DriftPolicy,
    IoGroup,
    Iqn,
    Lun,
    Model,
    NameBase,
    NameRef,
    Origin,
    Plan,
    PortsetName,
    StatusModel,
    Text,
    Time,
    VolumeUid,
)
from flashsystem_operator.api.metadata import Kind, ObjectRef, Resource


class Lifecycle(StrEnum):
    """When a host object is created and removed by the operator."""

    ON_DEMAND = "OnDemand"
    """Exists from the first attached volume to the last detached one."""
    PERSISTENT = "Persistent"
    """Exists as long as the resource."""


class HostType(StrEnum):
    """The host type on the array."""

    GENERIC = "Generic"
    HPUX = "HPUX"
    TPGS = "TPGS"
    OPENVMS = "OpenVMS"
    ADMINLUN = "AdminLUN"
    HIDE_SECONDARY = "HideSecondary"

    @property
    def on_array(self) -> str:
        """The value on the array, as `lshost` prints it and `mkhost -type` accepts it."""
        return "hide_secondary" if self is HostType.HIDE_SECONDARY else self.lower()


class OtherPorts(StrEnum):
    """Whether the host object may have ports that are not iSCSI, through which the machine also sees the volumes."""

    REFUSE = "Refuse"
    ALLOW = "Allow"


class Initiators(Model):
    """The initiators that the machine logs in with."""

    iscsi: Annotated[tuple[Iqn, ...], Field(min_length=1, max_length=values.MAX_INITIATORS), ONCE]
    other_ports: OtherPorts = OtherPorts.REFUSE


class Chap(Model):
    """CHAP authentication of the machine.

    generate: create the Secret if there is none.
    """

    secret_ref: NameRef
    generate: bool = False


class HostSpec(Model):
    """The desired settings of a host."""

    array_ref: ArrayRef
    initiators: Initiators
    host_name_prefix: NameBase | None = None
    lifecycle: Lifecycle = Lifecycle.ON_DEMAND
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    portset: PortsetName | None = None
    io_groups: Annotated[tuple[IoGroup, ...], Field(min_length=1, max_length=4), ONCE] = ()
    """By name or id. Empty: all I/O groups of the array."""
    host_type: HostType | None = None
    chap: Chap | None = None
    drift_policy: DriftPolicy = DriftPolicy.CORRECT
    """For the ports of a host object that the operator created."""


class HostPort(StatusModel):
    """One initiator of the host object, as the array reports it."""

    iqn: Text | None = None
    state: Text | None = None
    logins: int | None = None


class HostMapping(StatusModel):
    """A volume that is mapped to the host, and its LUN."""

    lun: Lun | None = None
    volume: Text | None = None
    uid: VolumeUid | None = None


class HostMappings(StatusModel):
    """All mappings of the host object, including those of other users; `items` has the first of them."""

    count: int | None = None
    items: Annotated[tuple[HostMapping, ...], AtMost(64)] = ()


class ChapSeen(StatusModel):
    """The Secret with the CHAP secret of the host object. secret_version: None until the array uses it."""

    secret_name: Text | None = None
    secret_version: Text | None = None


class QuarantinedLun(StatusModel):
    """A freed LUN that is not assigned to another volume before `until`. uid: the volume that had it."""

    lun: Lun | None = None
    uid: VolumeUid | None = None
    until: Time | None = None


class HostStatus(StatusModel):
    """The observed state of the host object."""

    conditions: Conditions = ()
    observed_generation: int = -1
    last_handled_reconcile_at: Text | None = None
    array: ArraySeen | None = None
    name: Text | None = None
    id: Text | None = None
    ownership: Origin | None = None
    ports: Annotated[tuple[HostPort, ...], AtMost(64)] = ()
    mappings: HostMappings | None = None
    chap: ChapSeen | None = None
    quarantined_luns: Annotated[tuple[QuarantinedLun, ...], AtMost(512)] = ()
    plan: Plan | None = None


class FlashSystemHost(Resource):
    """The initiators of a machine, and the lifecycle of its host object on one array."""

    KIND: ClassVar[Kind] = Kind.HOST
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {
        "arrayRef": {"name": "unreadable"},
        "initiators": {"iscsi": ["iqn.1986-03.invalid:unreadable"]},
    }

    spec: HostSpec
    status: HostStatus = HostStatus()

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:
        """Use all initiators in the spec and in the recorded ports, and the recorded array."""
        update, seen = dict[str, object](), self.status
        if "initiators" in incomplete:
            initiators = spec.get("initiators") if isinstance(spec, dict) else None
            listed = initiators.get("iscsi") if isinstance(initiators, dict) else None
            named = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
            names = (values.Iqn(name.lower()) for name in (*named, *(port.iqn for port in seen.ports)) if name)
            update["initiators"] = Initiators.model_construct(iscsi=tuple(dict.fromkeys(names)))
        if "arrayRef" in incomplete:
            array = seen.array or ArraySeen()
            update["array_ref"] = ArrayRef.model_construct(name=array.name or "", namespace=array.namespace)
        if "hostNamePrefix" in incomplete and seen.name and seen.ownership is Origin.CREATED:
            update["host_name_prefix"] = seen.name.rpartition("-")[0]
        return self.model_copy(update={"spec": self.spec.model_copy(update=update)})

    @property
    def array(self) -> ObjectRef:
        ref = self.spec.array_ref
        return ObjectRef(Kind.ARRAY, ref.namespace or self.metadata.namespace, ref.name)

    @property
    def base_name(self) -> str:
        """Prefix of the name on the array, before it is made valid."""
        return self.spec.host_name_prefix or self.metadata.name
