"""What every object has: its metadata, as far as we look at it, and the reading of a whole object."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, field_validator

from flashsystem_operator.api.annotations import FORCE_DETACH, Annotations, Asked
from flashsystem_operator.api.base import Memory, Model, read_in_part, remember
from flashsystem_operator.api.kinds import FINALIZER, Kind, ObjectRef
from flashsystem_operator.api.wording import told, worded


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
        return value if isinstance(value, Memory) else remember(cast("type[Memory]", known), value)

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
    first, *others = told(error.errors(include_url=False, include_input=False))
    where = ".".join(str(step) for step in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return (
        f"{where} cannot be read: {worded(first)}{more}. Correct that field; if the API server took it from you, its "
        "CRDs and this operator are of different releases: apply the CRDs of this release."
    )
