"""What every object has: its metadata, as far as we look at it, and the reading of a whole object."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, Field, ValidationError, field_validator

from flashsystem_operator.api.annotations import FORCE_DETACH, Annotations, Asked
from flashsystem_operator.api.base import Memory, Model, remember
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

    metadata: ObjectMeta

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
