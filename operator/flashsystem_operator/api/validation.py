"""Reads what a person wrote, not yet seen by an API server: each mistake with its field, the reason and the way out.

`Resource.read` is for what the API server took already and is lenient with what another release added. Here a field
that nobody knows is a mistake, since it is mostly a known one misspelt.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from flashsystem_operator.api.fields import NAMESPACE_PATTERN, OBJECT_NAME_PATTERN, describe_error, without_consequences
from flashsystem_operator.api.metadata import API_VERSION, GROUP, KNOWN, Resource

_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_LONGEST_NAME, _LONGEST_NAMESPACE = 253, 63


@dataclass(frozen=True, slots=True)
class FieldError:
    """field: as `spec.initiators.iscsi[0]`. reason: what is wrong with it, with the way out."""

    field: str
    reason: str


def field_errors(kind: type[Resource], body: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Everything that is wrong with a document of this kind; nothing for one that may be applied."""
    return (*_frame(body), *_metadata(body.get("metadata")), *_spec(kind, body.get("spec")))


def _frame(body: Mapping[str, Any]) -> Iterator[FieldError]:
    if body.get("apiVersion") != API_VERSION:
        yield FieldError("apiVersion", f"{body.get('apiVersion')!r} is not of this release: write {API_VERSION}")
    for key in body:
        if key not in _TOP:
            yield FieldError(str(key), _unknown(str(key), _TOP))


def _metadata(metadata: Any) -> Iterator[FieldError]:
    if not isinstance(metadata, Mapping):
        yield FieldError("metadata", "is missing: write at least metadata.name")
        return
    yield from _word(metadata, "name", OBJECT_NAME_PATTERN, _LONGEST_NAME)
    if metadata.get("namespace") is not None:
        yield from _word(metadata, "namespace", NAMESPACE_PATTERN, _LONGEST_NAMESPACE)
    annotations = metadata.get("annotations") or {}
    if not isinstance(annotations, Mapping):
        yield FieldError("metadata.annotations", "is not a mapping: write `key: value` below it")
        return
    for key, value in annotations.items():
        if str(key).startswith(f"{GROUP}/") and key not in KNOWN:
            yield FieldError(f"metadata.annotations.{key}", _unknown(str(key), KNOWN))
        elif not isinstance(value, str):
            yield FieldError(f"metadata.annotations.{key}", f"{value!r} is not text: put it in quotes")


def _word(metadata: Mapping[str, Any], key: str, pattern: str, longest: int) -> Iterator[FieldError]:
    word = metadata.get(key)
    if word is None:
        yield FieldError(f"metadata.{key}", "is missing: write one, since what is done depends on it")
    elif not isinstance(word, str):
        yield FieldError(f"metadata.{key}", f"{word!r} is not text: put it in quotes")
    elif len(word) > longest or not re.fullmatch(pattern, word):
        allowed = "lower-case letters, digits and '-'" + (" and '.'" if key == "name" else "")
        yield FieldError(
            f"metadata.{key}", f"{word!r} is none: use 1 to {longest} {allowed}, with a letter or digit at both ends"
        )


def _spec(kind: type[Resource], spec: Any) -> Iterator[FieldError]:
    model = kind.model_fields["spec"].annotation
    if not isinstance(spec, Mapping):
        yield FieldError("spec", "is missing: write what is wished")
        return
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{kind.__name__}.spec is no model")
    try:
        # As JSON, so that a number in quotes is not taken for a number: the API server does not take it either.
        model.model_validate_json(json.dumps(spec), strict=True, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        for details in without_consequences(error.errors(include_url=False)):
            path = details["loc"]
            unknown = details["type"] == "extra_forbidden"
            reason = _unknown(str(path[-1]), _fields(model, path[:-1])) if unknown else describe_error(details)
            yield FieldError(_path(("spec", *path)), reason)


def _unknown(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    instead = f"write {close[0]}" if close else f"remove it; known here are {', '.join(known)}"
    return f"there is none of that name: {instead}"


def _fields(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """The fields at a place of a model, as they are written."""
    for step in path:
        if isinstance(step, str):
            model = next(_model(each.annotation) for each in model.model_fields.values() if each.alias == step)
    return tuple(str(each.alias) for each in model.model_fields.values())


def _model(annotation: Any) -> type[BaseModel]:
    """The model in `X`, `X | None` or `tuple[X, ...]`."""
    todo = [annotation]
    while todo:
        each = todo.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
        todo += get_args(each)
    raise TypeError(f"there is no model in {annotation}")


def _path(path: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
