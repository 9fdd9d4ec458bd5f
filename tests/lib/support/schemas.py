"""The schemas of the CRDs and of the models in one plain form, so that a test can lay them side by side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Model
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import Kind, Resource
from flashsystem_operator.api.volume import FlashSystemVolume

CRDS = Path(__file__).parents[3] / "crds"

RESOURCES: dict[Kind, type[Resource]] = {
    resource.KIND: resource for resource in (FlashSystemArray, FlashSystemHost, FlashSystemVolume, VolumeAttachment)
}

CHECKED = ("pattern", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "maxProperties")

Node = dict[str, Any]


def crd(kind: Kind) -> Node:
    loaded: Node = yaml.safe_load((CRDS / f"{kind.plural}.yaml").read_text())
    return loaded


def crd_schema(kind: Kind) -> Node:
    (version,) = crd(kind)["spec"]["versions"]
    schema: Node = version["schema"]["openAPIV3Schema"]
    return schema


def part_of(resource: type[Resource], part: str) -> type[Model]:
    """The model of `spec` or `status`."""
    model = resource.model_fields[part].annotation
    assert isinstance(model, type)
    assert issubclass(model, Model)
    return model


def from_crd(node: Node) -> Node:
    """Types, names, required fields, enums, patterns and limits of a CRD's schema."""
    return _plain(node, from_crd)


def from_model(model: type[Model]) -> Node:
    """The same of a model."""
    whole = model.model_json_schema(by_alias=True)
    definitions = whole.get("$defs", {})

    def read(node: Node) -> Node:
        if "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[-1]]
        if "anyOf" in node:  # a field that may be None is one that may be left out
            (node,) = [option for option in node["anyOf"] if option != {"type": "null"}]
            return read(node)
        if "const" in node:
            node = node | {"enum": [node["const"]]}
        return _plain(node, read)

    return read(whole)


def _plain(node: Node, read: Any) -> Node:
    plain: Node = {"type": type_of(node), "required": sorted(node.get("required", []))}
    plain |= {key: node[key] for key in CHECKED if key in node}
    if node.get("format") == "date-time":  # the other formats are widths of numbers, which Python does not have
        plain["format"] = "date-time"
    if "enum" in node:
        plain["enum"] = sorted(node["enum"])
    if "properties" in node:
        plain["properties"] = {name: read(inner) for name, inner in sorted(node["properties"].items())}
    if "items" in node:
        plain["items"] = read(node["items"])
    if "additionalProperties" in node:
        plain["additionalProperties"] = read(node["additionalProperties"])
    return plain


def type_of(node: Node) -> str:
    """The type of a node; of a Quantity, which may be an integer, it is string."""
    return "string" if node.get("x-kubernetes-int-or-string") else str(node["type"])


def nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every node of a CRD's schema with its path."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from nodes(node["additionalProperties"], f"{path}{{}}")


def defaulted(node: Node, value: Any) -> Any:
    """The value as the API server stores it: with the schema's defaults."""
    if type_of(node) != "object" or not isinstance(value, dict):
        return value
    inner, others = node.get("properties", {}), node.get("additionalProperties", {})
    filled = {name: schema["default"] for name, schema in inner.items() if "default" in schema} | value
    return {name: defaulted(inner.get(name, others), held) for name, held in filled.items()}
