"""Validate manifests that no API server has accepted yet: each error with its field, the reason and what to do.

`Resource.read` reads objects from the API server and ignores unknown fields, which another release may have added.
Here an unknown field is an error, because it usually is a misspelt one.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from flashsystem_operator.api.base import NAMESPACE_PATTERN, OBJECT_NAME_PATTERN, describe_error, without_consequences
from flashsystem_operator.api.metadata import API_VERSION, GROUP, KNOWN, Resource

_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_LONGEST_NAME, _LONGEST_NAMESPACE = 253, 63


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in a manifest.

    field: such as `spec.initiators.iscsi[0]`. reason: what is wrong, and what to do.
    """

    field: str
    reason: str


def field_errors(kind: type[Resource], body: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Return all errors in a document of this kind; empty if it may be applied."""
    errors: list[FieldError] = []
    if (version := body.get("apiVersion")) != API_VERSION:
        errors.append(FieldError("apiVersion", f"{version!r} is not of this release: write {API_VERSION}"))
    errors += [FieldError(str(key), _unknown(str(key), _TOP)) for key in body if key not in _TOP]
    errors += _metadata(body.get("metadata"))
    model, spec = kind.model_fields["spec"].annotation, body.get("spec")
    if not isinstance(spec, Mapping):
        return (*errors, FieldError("spec", "is missing: write the desired settings"))
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{kind.__name__}.spec is no model")
    try:
        # As JSON, so that a number in quotes is refused, as by the API server.
        model.model_validate_json(json.dumps(spec), strict=True, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        for details in without_consequences(error.errors(include_url=False)):
            path = details["loc"]
            unknown = details["type"] == "extra_forbidden"
            reason = _unknown(str(path[-1]), _fields(model, path[:-1])) if unknown else describe_error(details)
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            errors.append(FieldError(f"spec{where}", reason))
    return tuple(errors)


def _metadata(metadata: Any) -> Iterator[FieldError]:
    if not isinstance(metadata, Mapping):
        yield FieldError("metadata", "is missing: write at least metadata.name")
        return
    yield from _name(metadata, "name", OBJECT_NAME_PATTERN, _LONGEST_NAME)
    if metadata.get("namespace") is not None:
        yield from _name(metadata, "namespace", NAMESPACE_PATTERN, _LONGEST_NAMESPACE)
    annotations = metadata.get("annotations") or {}
    if not isinstance(annotations, Mapping):
        yield FieldError("metadata.annotations", "is not a mapping: write `key: value` below it")
        return
    for key, value in annotations.items():
        if str(key).startswith(f"{GROUP}/") and key not in KNOWN:
            yield FieldError(f"metadata.annotations.{key}", _unknown(str(key), KNOWN))
        elif not isinstance(value, str):
            yield FieldError(f"metadata.annotations.{key}", f"{value!r} is not text: put it in quotes")


def _name(metadata: Mapping[str, Any], key: str, pattern: str, longest: int) -> Iterator[FieldError]:
    name = metadata.get(key)
    if name is None:
        yield FieldError(f"metadata.{key}", "is missing: add it")
    elif not isinstance(name, str):
        yield FieldError(f"metadata.{key}", f"{name!r} is not text: put it in quotes")
    elif len(name) > longest or not re.fullmatch(pattern, name):
        allowed = "lower-case letters, digits and '-'" + (" and '.'" if key == "name" else "")
        yield FieldError(
            f"metadata.{key}",
            f"{name!r} is not valid: use 1 to {longest} {allowed}, with a letter or digit at both ends",
        )


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"write {close[0]}" if close else f"remove it; known here are {', '.join(known)}"
    return f"there is none of that name: {remedy}"


def _fields(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the JSON names of the fields at a path of a model."""
    for step in path:
        if isinstance(step, str):
            model = next(_model(each.annotation) for each in model.model_fields.values() if each.alias == step)
    return tuple(str(each.alias) for each in model.model_fields.values())


def _model(annotation: Any) -> type[BaseModel]:
    """Return the model in `X`, `X | None` or `tuple[X, ...]`."""
    todo = [annotation]
    while todo:
        each = todo.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
        todo += get_args(each)
    raise TypeError(f"there is no model in {annotation}")
