"""FlashSystemHost: a machine's initiators, and the life of its host object on one array."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from flashsystem_operator import values
from flashsystem_operator.api.base import AtMost, Model, StatusModel, Text, Time
from flashsystem_operator.api.common import ArrayRef, ArraySeen, Conditions, DeletionPolicy, DriftPolicy, NameRef, Plan
from flashsystem_operator.api.fields import ONCE, HostBase, IoGroup, Iqn, Lun, PortsetName, VolumeUid
from flashsystem_operator.api.metadata import Kind, ObjectRef, Resource


class Ownership(StrEnum):
    """Whether the host object is ours to change and remove, or an administrator's."""

    CREATED = "Created"
    ADOPTED = "Adopted"


class Lifecycle(StrEnum):
    """How long a host object that we make is on the array."""

    ON_DEMAND = "OnDemand"
    """From the first volume attached to the last one detached."""
    PERSISTENT = "Persistent"
    """As long as the resource."""


class HostType(StrEnum):
    """What the array calls the type of a host: how it talks to it."""

    GENERIC = "Generic"
    HPUX = "HPUX"
    TPGS = "TPGS"
    OPENVMS = "OpenVMS"
    ADMINLUN = "AdminLUN"
    HIDE_SECONDARY = "HideSecondary"

    @property
    def on_array(self) -> str:
        """The array's own word, as `lshost` prints it and `mkhost -type` takes it."""
        return "hide_secondary" if self is HostType.HIDE_SECONDARY else self.lower()


class OtherPorts(StrEnum):
    """Whether the host object may have ports that are not iSCSI, by which the machine sees the volumes too."""

    REFUSE = "Refuse"
    ALLOW = "Allow"


class Initiators(Model):
    """What the machine logs in with."""

    iscsi: Annotated[tuple[Iqn, ...], Field(min_length=1, max_length=values.MAX_INITIATORS), ONCE]
    other_ports: OtherPorts = OtherPorts.REFUSE


class Chap(Model):
    """What the machine proves itself with.

    generate: make the Secret when there is none.
    """

    secret_ref: NameRef
    generate: bool = False


class HostSpec(Model):
    """What is wished of a host."""

    array_ref: ArrayRef
    initiators: Initiators
    host_name_prefix: HostBase | None = None
    lifecycle: Lifecycle = Lifecycle.ON_DEMAND
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    portset: PortsetName | None = None
    io_groups: Annotated[tuple[IoGroup, ...], Field(min_length=1, max_length=4), ONCE] = ()
    """By name or id. Empty: all that the array has."""
    host_type: HostType | None = None
    chap: Chap | None = None
    drift_policy: DriftPolicy = DriftPolicy.CORRECT
    """For the ports of a host object that we made."""


class HostPort(StatusModel):
    """One initiator of the host object, as the array sees it."""

    iqn: Text | None = None
    state: Text | None = None
    logins: int | None = None


class HostMapping(StatusModel):
    """A volume that the host sees, and at which LUN."""

    lun: Lun | None = None
    volume: Text | None = None
    uid: VolumeUid | None = None


class HostMappings(StatusModel):
    """Everything mapped to the host object, by whomever; the list is the first of them."""

    count: int | None = None
    items: Annotated[tuple[HostMapping, ...], AtMost(64)] = ()


class ChapSeen(StatusModel):
    """The Secret whose CHAP secret the host object has, or was to be given. version: None until it was seen to."""

    secret_name: Text | None = None
    secret_version: Text | None = None


class QuarantinedLun(StatusModel):
    """A LUN that was freed, and is not given to another volume before that time. uid: the volume that had it."""

    lun: Lun | None = None
    uid: VolumeUid | None = None
    until: Time | None = None


class HostStatus(StatusModel):
    """The host object as it was found at the last look."""

    conditions: Conditions = ()
    observed_generation: int = -1
    last_handled_reconcile_at: Text | None = None
    array: ArraySeen | None = None
    name: Text | None = None
    id: Text | None = None
    ownership: Ownership | None = None
    ports: Annotated[tuple[HostPort, ...], AtMost(64)] = ()
    mappings: HostMappings | None = None
    chap: ChapSeen | None = None
    quarantined_luns: Annotated[tuple[QuarantinedLun, ...], AtMost(512)] = ()
    plan: Plan | None = None


class FlashSystemHost(Resource):
    """A machine's initiators, and the life of its host object on one array."""

    KIND: ClassVar[Kind] = Kind.HOST
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {
        "arrayRef": {"name": "unreadable"},
        "initiators": {"iscsi": ["iqn.1986-03.invalid:unreadable"]},
    }

    spec: HostSpec
    status: HostStatus = HostStatus()

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:
        """With every initiator that is named or that its host object was given, on the array that was worked on."""
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
        if "hostNamePrefix" in incomplete and seen.name and seen.ownership is Ownership.CREATED:
            update["host_name_prefix"] = seen.name.rpartition("-")[0]
        return self.model_copy(update={"spec": self.spec.model_copy(update=update)})

    @property
    def array(self) -> ObjectRef:
        ref = self.spec.array_ref
        return ObjectRef(Kind.ARRAY, ref.namespace or self.metadata.namespace, ref.name)

    @property
    def base_name(self) -> str:
        """What the name on the array begins with, before it is made valid."""
        return self.spec.host_name_prefix or self.metadata.name
