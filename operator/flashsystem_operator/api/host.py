"""FlashSystemHost: a machine's initiators, and the life of its host object on one array."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from flashsystem_operator import values
from flashsystem_operator.api.base import AtMost, Memory, Model, Text
from flashsystem_operator.api.conditions import Conditions
from flashsystem_operator.api.kinds import Kind, ObjectRef
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.api.plan import Plan
from flashsystem_operator.api.references import ArrayRef, ArraySeen
from flashsystem_operator.api.words import HostBase, Iqn, Lun


class Ownership(StrEnum):
    """Whether the host object is ours to change and remove, or an administrator's."""

    CREATED = "Created"
    ADOPTED = "Adopted"


class Initiators(Model):
    """What the machine logs in with."""

    iscsi: Annotated[tuple[Iqn, ...], Field(min_length=1, max_length=values.MAX_INITIATORS)]


class HostSpec(Model):
    """What is wished of a host."""

    array_ref: ArrayRef
    initiators: Initiators
    host_name: HostBase | None = None


class HostPort(Memory):
    """One initiator of the host object, as the array sees it."""

    iqn: Text | None = None
    state: Text | None = None
    logins: int | None = None


class HostMapping(Memory):
    """A volume that the host sees, and at which LUN."""

    lun: Lun | None = None
    volume: Text | None = None


class HostMappings(Memory):
    """Everything mapped to the host object, by whomever; the list is the first of them."""

    count: int | None = None
    items: Annotated[tuple[HostMapping, ...], AtMost(64)] = ()


class HostStatus(Memory):
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
    plan: Plan | None = None


class FlashSystemHost(Resource):
    """A machine's initiators, and the life of its host object on one array."""

    KIND: ClassVar[Kind] = Kind.HOST

    spec: HostSpec
    status: HostStatus = HostStatus()

    @property
    def array(self) -> ObjectRef:
        ref = self.spec.array_ref
        return ObjectRef(Kind.ARRAY, ref.namespace or self.metadata.namespace, ref.name)

    @property
    def base_name(self) -> str:
        """What the name on the array begins with, before it is made valid."""
        return self.spec.host_name or self.metadata.name
