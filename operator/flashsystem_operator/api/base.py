"""How resources are read and written: camelCase outside, snake_case inside, strict wishes and lenient memories.

A *spec* is a wish: what we do not understand in it must not be guessed, so a bad value is an error. The CRDs refuse it
first; only a CRD of another release lets one through.
A *status* is our own memory, perhaps written by another release: what we cannot read of it counts as not remembered,
because a status must never keep us from looking at the array.
"""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_CAPITALS = {"id": "ID", "iqn": "IQN", "iqns": "IQNs", "lun": "LUN", "luns": "LUNs", "uid": "UID"}


def camel(name: str) -> str:
    """The JSON spelling of a field: `target_iqns` is `targetIQNs`, but a first word stays small: `iqn`."""
    first, *others = name.split("_")
    return first + "".join(_CAPITALS.get(word, word.capitalize()) for word in others)


class Model(BaseModel):
    """Frozen; reads both spellings, writes the JSON one, ignores what another release added."""

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
    """A part of a status. Ours to write, so a wrong value is our bug and is loud; `remember` reads an old one."""

    def to_json(self) -> dict[str, Any]:
        """The JSON of the status: camelCase, without what is not known. A list that is known to be empty is there."""
        return self.model_dump(mode="json", exclude_none=True)


M = TypeVar("M", bound=StatusModel)


def remember(model: type[M], memory: Any) -> M:
    """Read a status that anybody may have written, without what cannot be read in it."""
    legible = copy.deepcopy(memory) if isinstance(memory, dict) else {}
    while legible:
        try:
            return model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            _cut_out_all(legible, {_legible_part(legible, details["loc"]) for details in found})
    return model()


def read_in_part(model: type[Model], tree: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """The JSON of a spec without what cannot be read in it, and the top-level fields that are incomplete by that.

    A field that is required and missing stays missing.
    """
    legible: dict[str, Any] = copy.deepcopy(tree) if isinstance(tree, dict) else {}
    incomplete = set[str]()
    while True:
        try:
            model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            incomplete |= {str(details["loc"][0]) for details in found if details["loc"]}
            wrong = (details["loc"] for details in found if details["type"] != "missing")
            paths = {path for loc in wrong if (path := _legible_part(legible, loc))}
            if not paths:
                return legible, frozenset(incomplete)
            _cut_out_all(legible, paths)
        else:
            return legible, frozenset(incomplete)


def _legible_part(tree: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """As much of `path` as is there: what lacks a field is cut out in its stead."""
    if not path:
        return ()
    step, *rest = path
    there = step in tree if isinstance(tree, dict) else isinstance(tree, list) and step in range(len(tree))
    return (step, *_legible_part(tree[step], tuple(rest))) if there else ()


def _cut_out_all(tree: dict[str, Any], paths: Collection[tuple[int | str, ...]]) -> None:
    """From the last to the first, so that cutting one item out of a list does not move the others to be cut."""
    for path in sorted(paths, key=lambda path: [f"{step:>9}" for step in path], reverse=True):
        _cut_out(tree, path)


def _cut_out(tree: dict[str, Any], path: tuple[int | str, ...]) -> None:
    if not path:
        tree.clear()
        return
    container: Any = tree
    for step in path[:-1]:
        container = container[step]
    del container[path[-1]]


@dataclass(frozen=True, slots=True)
class AtMost:
    """Cut a text or a list to what the CRD allows.

    A status that is one item too long would be refused as a whole, and an object without a status says nothing.
    """

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._cut, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json = handler(schema)
        json["maxItems" if json.get("type") == "array" else "maxLength"] = self.limit
        return json

    def _cut(self, value: Any) -> Any:
        return value[: self.limit]


Text = Annotated[str, AtMost(256)]
"""A word of a status that the array or the cluster gave us: taken as it stands, but not endless."""

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC, with whole seconds and a Z: the text sorts as the times do."""
