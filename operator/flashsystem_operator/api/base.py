"""Base models of resources and their common parts: camelCase in JSON, snake_case in Python.

The spec is strict, the status lenient. An invalid value in a *spec* is an error: the operator must not guess what the
user wants. The CRDs refuse it first; only a CRD of another release accepts one.
A *status* may have been written by another release. Parts of it that cannot be read count as not recorded, because a
status must never prevent a reconciliation.
"""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from flashsystem_operator.api.fields import Namespace, ObjectName, SystemId

_CAPITALS = {"id": "ID", "iqn": "IQN", "iqns": "IQNs", "lun": "LUN", "luns": "LUNs", "uid": "UID"}


def camel(name: str) -> str:
    """The JSON spelling of a field: `target_iqns` is `targetIQNs`, but the first part stays lower case: `iqn`."""
    first, *others = name.split("_")
    return first + "".join(_CAPITALS.get(part, part.capitalize()) for part in others)


class Model(BaseModel):
    """Frozen model. Reads both spellings, writes the JSON one, ignores fields of other releases."""

    model_config = ConfigDict(
        alias_generator=camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class StatusModel(Model):
    """A part of a status. Only the operator writes it, so an invalid value is a bug and raises; see `remember`."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the status, in camelCase. Unknown values are left out; empty lists are not."""
        return self.model_dump(mode="json", exclude_none=True)


M = TypeVar("M", bound=StatusModel)


def remember(model: type[M], recorded: Any) -> M:
    """Read a status of any origin, without the parts that cannot be read."""
    legible = copy.deepcopy(recorded) if isinstance(recorded, dict) else {}
    while legible:
        try:
            return model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            _cut_out_all(legible, {_legible_part(legible, details["loc"]) for details in found})
    return model()


def read_in_part(model: type[Model], tree: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the readable part of the JSON of a spec, and the names of its incomplete top-level fields.

    Required fields that are missing stay missing.
    """
    legible: dict[str, Any] = copy.deepcopy(tree) if isinstance(tree, dict) else {}
    incomplete = set[str]()
    while True:
        try:
            model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            incomplete |= {str(details["loc"][0]) for details in found if details["loc"]}
            invalid = (details["loc"] for details in found if details["type"] != "missing")
            paths = {path for loc in invalid if (path := _legible_part(legible, loc))}
            if not paths:
                return legible, frozenset(incomplete)
            _cut_out_all(legible, paths)
        else:
            return legible, frozenset(incomplete)


def _legible_part(tree: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the part of `path` that exists: an object that lacks a field is removed as a whole."""
    if not path:
        return ()
    step, *rest = path
    there = step in tree if isinstance(tree, dict) else isinstance(tree, list) and step in range(len(tree))
    return (step, *_legible_part(tree[step], tuple(rest))) if there else ()


def _cut_out_all(tree: dict[str, Any], paths: Collection[tuple[int | str, ...]]) -> None:
    """Remove the items from last to first, so that removing one does not change the index of the others."""
    for path in sorted(paths, key=lambda path: [f"{step:>9}" for step in path], reverse=True):
        if not path:
            tree.clear()
            continue
        container: Any = tree
        for step in path[:-1]:
            container = container[step]
        del container[path[-1]]


@dataclass(frozen=True, slots=True)
class AtMost:
    """Truncate a text or a list to the limit in the CRD.

    The API server would refuse the whole status if one part of it were too long.
    """

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(lambda value: value[: self.limit], handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json = handler(schema)
        json["maxItems" if json.get("type") == "array" else "maxLength"] = self.limit
        return json


Text = Annotated[str, AtMost(256)]
"""A text from the array or the cluster in a status: unchanged, but truncated to 256 characters."""

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC, with whole seconds and a Z: the text sorts as the times do."""


Truth = Literal["True", "False", "Unknown"]


class Condition(StatusModel):
    """A condition. `last_transition_time` changes only when `status` does."""

    type: Text
    """Ready, Reconciling, Stalled or Reachable."""
    status: Truth
    """Unknown: it could not be observed."""
    reason: Annotated[str, AtMost(1024)]
    """A CamelCase name, by the remedy."""
    message: Annotated[str, AtMost(32768)]
    """Sentences with the remedy; messages of the array are quoted. Never contains a secret."""
    observed_generation: int | None = None
    """The metadata.generation that the condition was computed for."""
    last_transition_time: Time
    """When `status` last changed (RFC 3339, UTC)."""


Conditions = Annotated[tuple[Condition, ...], AtMost(16)]


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of that type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Return whether the condition exists and is True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


class DriftPolicy(StrEnum):
    """What to do about drift of attachments, and of the ports of hosts."""

    CORRECT = "Correct"
    """Correct it where that is safe for running hosts, report it otherwise."""
    REPORT = "Report"
    """Report it."""
    IGNORE = "Ignore"
    """Neither; only Ready shows it."""


Plan = Annotated[tuple[Annotated[str, AtMost(4096)], ...], AtMost(64)]
"""The commands in order, exactly as they would be sent; secrets as `***`."""


class DeletionPolicy(StrEnum):
    """What happens to the object on the array when the resource is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class NameRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName


class ArrayRef(Model):
    """A reference to a FlashSystemArray."""

    name: ObjectName
    namespace: Namespace | None = None
    """None: the namespace of the object with the reference."""


class ArraySeen(StatusModel):
    """The array of the last reconciliation. `system_id` identifies it after the FlashSystemArray was deleted."""

    name: Text | None = None
    namespace: Text | None = None
    system_id: SystemId | None = None


class Origin(StrEnum):
    """Whether the operator created an object on the array, and may change and remove it, or adopted it."""

    CREATED = "Created"
    ADOPTED = "Adopted"
