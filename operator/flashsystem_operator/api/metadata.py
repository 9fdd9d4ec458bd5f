"""The names of what users write: group, version, kinds, our finalizer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, field_validator

from flashsystem_operator.api.base import Model, StatusModel, read_in_part, remember
from flashsystem_operator.api.fields import describe_error, without_consequences

GROUP = "flashsystem.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "flashsystem"

FINALIZER = f"{GROUP}/cleanup"
"""On an object as long as the array may hold something of it."""


class Kind(StrEnum):
    """A kind of resource; its value is the `kind` of the YAML. Iterating over the class gives them all."""

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
        """The name of its CustomResourceDefinition, which `kubectl` takes where the plural alone is ambiguous."""
        return f"{self.plural}.{GROUP}"


_SHORT_NAMES = {Kind.ARRAY: "fsarray", Kind.HOST: "fshost", Kind.ATTACHMENT: "fsattach"}


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object, as queues, caches and logs name it."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


PAUSED = f"{GROUP}/paused"
PLAN = f"{GROUP}/plan"
RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
FORCE_DETACH = f"{GROUP}/force-detach"
RELEASE = f"{GROUP}/release"
ACCEPT_SYSTEM = f"{GROUP}/accept-system"
ALLOW_DETACHES = f"{GROUP}/allow-detaches"

KNOWN = (PAUSED, PLAN, RECONCILE_REQUESTED_AT, FORCE_DETACH, RELEASE, ACCEPT_SYSTEM, ALLOW_DETACHES)
"""All of them: another one of our group is one of these, misspelt."""

_ECHOED = 256
"""So much of a word is echoed in a status, so no more of it counts: one that is too long would never be answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the annotations of one object ask for. Texts are as written; None where the annotation is not there."""

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
    """The annotations of one object, read once: a pass asks about ten times what they say. Nobody changes them."""

    @cached_property
    def asked(self) -> Asked:
        return Asked.read(self)


def _is_on(annotations: Mapping[str, str], key: str) -> bool:
    """Whatever is not plainly off is on: both of these only keep things from being done."""
    value = _text(annotations, key)
    return value is not None and value.lower() not in ("", "false", "no", "off")


def _text(annotations: Mapping[str, str], key: str, at_most: int | None = None) -> str | None:
    value = annotations.get(key)
    return None if value is None else value.strip()[:at_most]


class ObjectMeta(Model):
    """The part of `metadata` that we use. Times are RFC 3339 in UTC: their text sorts as they do."""

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
        """What changes when users change what they ask for, annotations apart. An object created again differs."""
        return self.uid, self.generation, self.deleting

    @property
    def guarded(self) -> bool:
        """Whether our finalizer keeps the object."""
        return FINALIZER in self.finalizers

    @property
    def asked(self) -> Asked:
        """What its annotations ask for."""
        known = self.annotations
        # A copy that was given other annotations has them as they were given: what it was before says nothing of them.
        return known.asked if isinstance(known, Annotations) else Asked.read(known)

    @property
    def released(self) -> bool:
        """Whether it is to be let go without touching the array. The uid says that this very object is meant."""
        return bool(self.uid) and self.asked.release == self.uid

    @property
    def forced(self) -> bool:
        """Whether it may be detached past the guard. The uid says that this very object is meant."""
        return bool(self.uid) and self.asked.force_detach == self.uid

    @property
    def forced_elsewhere(self) -> str:
        """What is said of a force-detach that names another object, if there is one."""
        named = self.asked.force_detach
        if named is None or self.forced:
            return ""
        return f" Its annotation {FORCE_DETACH} names {named[:64] or 'nothing'}, which is another object."

    @property
    def other_finalizers(self) -> tuple[str, ...]:
        """Those of others, who say "still in use" that way."""
        return tuple(finalizer for finalizer in self.finalizers if finalizer != FINALIZER)


class UnreadableResourceError(ValueError):
    """A spec that the API server took and we do not: a CRD of another release. Says field, reason and way out."""


class Resource(Model):
    """An object of one of our kinds."""

    KIND: ClassVar[Kind]
    PLACEHOLDERS: ClassVar[Mapping[str, Any]] = {}
    """Fields of a spec, as JSON, that stand in for those that a spec must have and that cannot be read."""

    metadata: ObjectMeta
    _unreadable: str = PrivateAttr("")

    @property
    def unreadable(self) -> str:
        """Why the spec cannot be read as a whole, empty if it can. Nothing is done for such an object, but it counts.

        What can be read of it has its meaning, and the rest the strictest that it may have.
        """
        return self._unreadable

    @field_validator("status", mode="before", check_fields=False)
    @classmethod
    def _old_status(cls, value: Any) -> Any:
        known = cls.model_fields["status"].annotation
        return value if isinstance(value, StatusModel) else remember(cast("type[StatusModel]", known), value)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read what the API server sent, or raise UnreadableResourceError with a sentence for a condition."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise UnreadableResourceError(_sentence(error)) from error

    @classmethod
    def read_in_part(cls, body: Mapping[str, Any], why: str) -> Self:
        """Read what can be read of an object whose spec is unreadable. why: see `unreadable`."""
        spec, incomplete = read_in_part(cast("type[Model]", cls.model_fields["spec"].annotation), body.get("spec"))
        try:
            found = cls.model_validate({**body, "spec": spec})
        except ValidationError as error:
            spec |= cls._placeholders(error)
            try:
                found = cls.model_validate({**body, "spec": spec})
            except ValidationError:  # whether fields go together is looked at when none is missing any more
                found = cls.model_validate({**body, "spec": {**spec, **cls.PLACEHOLDERS}})
        found = found.in_part(body.get("spec"), incomplete)
        found._unreadable = why  # noqa: SLF001 - of this very class
        return found

    @classmethod
    def _placeholders(cls, error: ValidationError) -> dict[str, Any]:
        """For what is missing; for everything where the fields do not go together."""
        places = [details["loc"][1:2] for details in error.errors(include_url=False)]
        missing = {place[0] for place in places if place}
        return {key: value for key, value in cls.PLACEHOLDERS.items() if key in missing or () in places}

    def in_part(self, spec: Any, incomplete: Collection[str]) -> Self:  # noqa: ARG002 - each kind has its own
        """With the strictest meaning of the fields that are incomplete: by the raw spec, and by what was recorded."""
        return self

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.KIND, self.metadata.namespace, self.metadata.name)


def _sentence(error: ValidationError) -> str:
    first, *others = without_consequences(error.errors(include_url=False, include_input=False))
    where = ".".join(str(step) for step in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return (
        f"{where} cannot be read: {describe_error(first)}{more}. Correct that field; if the API server accepted it, "
        "its CRDs and this operator are of different releases: apply the CRDs of this release."
    )
