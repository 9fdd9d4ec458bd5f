"""API group, kinds, finalizer and annotations, and the base class that reads resources."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, field_validator

from flashsystem_operator.api.base import (
    Model,
    StatusModel,
    describe_error,
    read_in_part,
    remember,
    without_consequences,
)

GROUP = "flashsystem.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "flashsystem"

FINALIZER = f"{GROUP}/cleanup"
"""Set on an object as long as the array may have something that belongs to it."""


class Kind(StrEnum):
    """A kind of resource; its value is the `kind` of the YAML. Iterating over the class returns all kinds."""

    ARRAY = "FlashSystemArray"
    HOST = "FlashSystemHost"
    ATTACHMENT = "VolumeAttachment"

    @property
    def plural(self) -> str:
        return f"{self.value.lower()}s"

    @property
    def short_name(self) -> str:
        return _SHORT_NAMES[self]

    @property
    def crd(self) -> str:
        """The name of its CustomResourceDefinition, for `kubectl` if the plural alone is ambiguous."""
        return f"{self.plural}.{GROUP}"


_SHORT_NAMES = {Kind.ARRAY: "fsarray", Kind.HOST: "fshost", Kind.ATTACHMENT: "fsattach"}


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Identifies an object in queues, caches and logs."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


PAUSED = f"{GROUP}/paused"
"""`true`: nothing is changed on the array for this object or the objects below it; observing and reporting continue."""
PLAN = f"{GROUP}/plan"
"""`true`: a dry run. Nothing is changed; `status.plan` lists the commands that would be sent."""
RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
"""Any new value: reconcile now. On a drifted attachment, accept or revert the drift."""
FORCE_DETACH = f"{GROUP}/force-detach"
"""The UID of the object: its detach is not held back by the detach guard or the detach rate limit."""
RELEASE = f"{GROUP}/release"
"""The UID of the object: it is deleted without changing the array."""
ACCEPT_SYSTEM = f"{GROUP}/accept-system"
"""The id of a system: it is accepted in place of the pinned one."""
ALLOW_DETACHES = f"{GROUP}/allow-detaches"
"""COUNT/UNTIL: so many detaches are allowed until that time, although the detach rate limit allows fewer."""

KNOWN = (PAUSED, PLAN, RECONCILE_REQUESTED_AT, FORCE_DETACH, RELEASE, ACCEPT_SYSTEM, ALLOW_DETACHES)
"""All annotations of our group. Any other one is misspelt."""

_ECHOED = 256
"""Limit of values that are copied to a status. A longer value is truncated here, so that it equals its copy."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the annotations of one object request. Values are stripped texts; None without the annotation."""

    paused: bool = False
    plan: bool = False
    reconcile_requested_at: str | None = None
    force_detach: str | None = None
    release: str | None = None
    accept_system: str | None = None
    allow_detaches: str | None = None

    @classmethod
    def read(cls, annotations: Mapping[str, str]) -> Self:
        return cls(
            paused=_is_on(annotations, PAUSED),
            plan=_is_on(annotations, PLAN),
            reconcile_requested_at=_text(annotations, RECONCILE_REQUESTED_AT, at_most=_ECHOED),
            force_detach=_text(annotations, FORCE_DETACH),
            release=_text(annotations, RELEASE),
            accept_system=_text(annotations, ACCEPT_SYSTEM),
            allow_detaches=_text(annotations, ALLOW_DETACHES),
        )


class Annotations(dict[str, str]):
    """The annotations of one object, parsed once, since each Pass reads them about ten times. Never changed."""

    @cached_property
    def asked(self) -> Asked:
        return Asked.read(self)


def _is_on(annotations: Mapping[str, str], key: str) -> bool:
    """Every value that does not mean off counts as on, because both annotations only prevent changes."""
    value = _text(annotations, key)
    return value is not None and value.lower() not in ("", "false", "no", "off")


def _text(annotations: Mapping[str, str], key: str, at_most: int | None = None) -> str | None:
    value = annotations.get(key)
    return None if value is None else value.strip()[:at_most]


class ObjectMeta(Model):
    """The part of `metadata` that the operator uses. Times are RFC 3339 in UTC, so that their texts sort by time."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] = ()
    annotations: Annotated[Mapping[str, str], AfterValidator(Annotations)] = Field(default_factory=Annotations)

    @property
    def deleting(self) -> bool:
        return self.deletion_timestamp is not None

    @property
    def revision(self) -> tuple[str, int, bool]:
        """Changes with the desired state, annotations excluded. An object that was created again differs."""
        return self.uid, self.generation, self.deleting

    @property
    def guarded(self) -> bool:
        """Whether the object has our finalizer."""
        return FINALIZER in self.finalizers

    @property
    def asked(self) -> Asked:
        """What its annotations request."""
        known = self.annotations
        # model_copy does not validate: a copy with other annotations has a plain mapping.
        return known.asked if isinstance(known, Annotations) else Asked.read(known)

    @property
    def released(self) -> bool:
        """Whether it is released without a change of the array. The annotation must contain the uid of this object."""
        return bool(self.uid) and self.asked.release == self.uid

    @property
    def forced(self) -> bool:
        """Whether it may be detached in spite of the guard. The annotation must contain the uid of this object."""
        return bool(self.uid) and self.asked.force_detach == self.uid

    @property
    def force_detach_mismatch(self) -> str:
        """Message about a force-detach annotation with the uid of another object, empty if there is none."""
        named = self.asked.force_detach
        if named is None or self.forced:
            return ""
        return f" Its annotation {FORCE_DETACH} names {named[:64] or 'nothing'}, which is another object."

    @property
    def other_finalizers(self) -> tuple[str, ...]:
        """Finalizers of other controllers, which mean that the object is still in use."""
        return tuple(finalizer for finalizer in self.finalizers if finalizer != FINALIZER)


class UnreadableResourceError(ValueError):
    """The API server accepted a spec that is invalid here: the CRD is of another release.

    The message has the field, the reason and what to do.
    """


class Resource(Model):
    """An object of one of the kinds."""

    KIND: ClassVar[Kind]
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {}
    """Values, as JSON, for required fields of a spec that cannot be read."""

    metadata: ObjectMeta
    _unreadable: str = PrivateAttr("")

    @property
    def unreadable(self) -> str:
        """Why the spec cannot be read completely, empty if it can.

        Such an object is not reconciled, but safety checks for other objects take it into account: with the fields that
        can be read, and with the strictest meaning of the others.
        """
        return self._unreadable

    @field_validator("status", mode="before", check_fields=False)
    @classmethod
    def _old_status(cls, value: Any) -> Any:
        known = cls.model_fields["status"].annotation
        return value if isinstance(value, StatusModel) else remember(cast("type[StatusModel]", known), value)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read an object from the API server. Raises UnreadableResourceError with a message for a condition."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first, *others = without_consequences(error.errors(include_url=False, include_input=False))
            where = ".".join(str(step) for step in first["loc"])
            more = f" (and {len(others)} more)" if others else ""
            raise UnreadableResourceError(
                f"{where} cannot be read: {describe_error(first)}{more}. Correct that field; if the API server "
                "accepted it, its CRDs and this operator are of different releases: apply the CRDs of this release."
            ) from error

    @classmethod
    def read_in_part(cls, body: Mapping[str, Any], why: str) -> Self:
        """Read the readable part of an object whose spec is invalid. why: see `unreadable`."""
        spec, incomplete = read_in_part(cast("type[Model]", cls.model_fields["spec"].annotation), body.get("spec"))
        try:
            found = cls.model_validate({**body, "spec": spec})
        except ValidationError as error:
            # Placeholders for the missing fields, or all of them if a rule across fields is violated.
            places = [details["loc"][1:2] for details in error.errors(include_url=False)]
            missing = {place[0] for place in places if place}
            spec |= {key: value for key, value in cls.PLACEHOLDERS.items() if key in missing or () in places}
            try:
                found = cls.model_validate({**body, "spec": spec})
            except ValidationError:  # rules across fields are checked only when no field is missing
                found = cls.model_validate({**body, "spec": {**spec, **cls.PLACEHOLDERS}})
        found = found.in_part(body.get("spec"), incomplete)
        found._unreadable = why  # noqa: SLF001 - own class
        return found

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:  # noqa: ARG002 - overridden by the kinds
        """Give the incomplete fields their strictest meaning, from the raw spec and from the recorded status."""
        return self

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.KIND, self.metadata.namespace, self.metadata.name)
