"""An operator that has CRDs of an older release under it knows so, whatever they lack, and however deep."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from api.schemas import crd_schema
from flashsystem_operator.api.kinds import GROUP, VERSION, Kind
from flashsystem_operator.controller.served import lacking

every_kind = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)


def published(kind: Kind, schema: Any) -> dict[str, Any]:
    """As the API server tells it, of one kind."""
    said = [{"group": GROUP, "version": VERSION, "kind": kind.value}]
    return {f"io.flashsystem.{VERSION}.{kind}": schema | {"x-kubernetes-group-version-kind": said}}


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field below a node, with the properties that it is one of."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", schema["properties"]
        yield from fields(inner, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")


@every_kind
def test_the_crds_of_this_release_lack_nothing(kind: Kind) -> None:
    assert lacking(published(kind, crd_schema(kind))) == []


@every_kind
@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_field_that_is_not_there_is_named_however_deep_it_is(kind: Kind, part: str) -> None:
    whole = crd_schema(kind)
    paths = [path for path, _ in fields(whole["properties"][part])]
    assert any("[]." in path for path in paths) or part == "spec"

    for path in paths:
        schema = copy.deepcopy(whole)
        around = dict(fields(schema["properties"][part]))[path]
        del around[path.rpartition(".")[2]]
        assert lacking(published(kind, schema)) == [f"{kind} {part}{path}"]


@every_kind
def test_a_field_that_only_a_newer_release_has_is_none_of_our_business(kind: Kind) -> None:
    schema = crd_schema(kind)
    schema["properties"]["spec"]["properties"]["tomorrow"] = {"type": "string"}

    assert lacking(published(kind, schema)) == []


def test_kinds_of_others_in_the_same_answer_are_passed_over() -> None:
    other = {"x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Other"}]}

    assert lacking({"other": other, "meta": {"type": "object"}}) == []
