"""Check that the installed CRDs have the fields of this release, by the API groups and schemas that any user may read.

The API server silently drops fields that the CRD does not have: with the CRDs of an older release the operator would
lose what it has to record, for example which mappings are its own. So this is checked before the work begins.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from kubernetes.aio import client

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Model
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import GROUP, VERSION, Kind, Resource
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import KubeError

_REMEDY = "Apply those of this release first, kubectl apply -k crds, and then the operator."
_MODELS: Mapping[Kind, type[Resource]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.VOLUME: FlashSystemVolume,
    Kind.ATTACHMENT: VolumeAttachment,
}

# The API server publishes the schema of a CRD a moment after the CRD itself.
_TRIES = 5
_BETWEEN = 1.0  # seconds

_NOT_FOR_US = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""Statuses of a request for the schemas that may not be read, or are not published (yet)."""


async def what_lacks(kube: Kube) -> str:
    """Return the reason, as a sentence, why our objects cannot be listed after the API server answered 404."""
    groups = await kube.asked(client.ApisApi(kube.api).get_api_versions(_request_timeout=kube.limit))
    versions = [each.version for group in groups.groups if group.name == GROUP for each in group.versions]
    if not versions:
        return f"the CRDs of {GROUP} are not installed. {_REMEDY}"
    if VERSION not in versions:
        return (
            f"the CRDs of {GROUP} are of another release: they have version {', '.join(versions)}, and this operator "
            f"needs {VERSION}. {_REMEDY}"
        )
    request = client.CustomObjectsApi(kube.api).get_api_resources(GROUP, VERSION, _request_timeout=kube.limit)
    found = await kube.asked(request)
    there = {each.name for each in found.resources}
    missing = [kind.crd for kind in Kind if kind.plural not in there]
    return f"these CRDs are not installed, or without version {VERSION}: {', '.join(missing)}. {_REMEDY}"


async def what_is_older(kube: Kube) -> str:
    """Return which of our fields the installed CRDs lack, as a sentence; empty if none, or if it cannot be checked.

    Raises KubeError if the API server does not answer.
    """
    missing: list[str] = []
    for remaining in reversed(range(_TRIES)):
        missing = lacking(await _schemas(kube))
        if not missing:
            return ""
        if remaining:
            await asyncio.sleep(_BETWEEN)
    return f"the CRDs of {GROUP} are of an older release than this operator: they lack {', '.join(missing)}. {_REMEDY}"


async def _schemas(kube: Kube) -> Mapping[str, Any]:
    """Return the OpenAPI schemas of our group and version; none if they may not be read or are not published yet."""
    param = await kube.api.param_serialize(
        "GET",
        f"/openapi/v3/apis/{GROUP}/{VERSION}",
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    # At this level, below its generated code, the client neither reads the body nor checks the status.
    answer = await kube.asked(kube.api.call_api(*param, _request_timeout=kube.limit))
    body = await kube.asked(answer.read())
    if answer.status in _NOT_FOR_US:
        return {}
    if answer.status != HTTPStatus.OK:
        raise KubeError(f"the API server answered {answer.status} {answer.reason}")
    try:
        schemas = json.loads(body)["components"]["schemas"]
    except (ValueError, LookupError, TypeError) as error:
        raise KubeError(f"the API server does not serve the schemas of {GROUP}/{VERSION}") from error
    return schemas if isinstance(schemas, dict) else {}


def lacking(schemas: Mapping[str, Any]) -> list[str]:
    """List the fields below spec and status that a model has and its kind's schema lacks, as `KIND status.field`."""
    found: list[str] = []
    for schema in schemas.values():
        for group_kind in schema.get("x-kubernetes-group-version-kind", ()):
            kind = group_kind.get("kind")
            for part in ("spec", "status") if kind in _MODELS else ():
                known = schema["properties"].get(part, {})
                found += [f"{kind} {part}{path}" for path in _missing(_wanted(_MODELS[Kind(kind)], part), known)]
    return found


@cache
def _wanted(resource: type[Resource], part: str) -> Mapping[str, Any]:
    model = cast("type[Model]", resource.model_fields[part].annotation)
    schema = model.model_json_schema(by_alias=True)
    return cast("Mapping[str, Any]", _plain(schema, schema.get("$defs", {})))


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a model's schema with references resolved, and without the `null` alternative of optional fields."""
    if isinstance(node, list):
        return [_plain(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in node:
        return _plain(next(each for each in node["anyOf"] if each != {"type": "null"}), definitions)
    return {key: _plain(inner, definitions) for key, inner in node.items() if key != "$defs"}


def _missing(wanted: Mapping[str, Any], known: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield paths of what is wanted and not known, as `.quarantinedLUNs[].until`, without paths below these."""
    for name, inner in wanted.get("properties", {}).items():
        if name not in known.get("properties", {}):
            yield f"{path}.{name}"
        else:
            yield from _missing(inner, known["properties"][name], f"{path}.{name}")
    if "items" in wanted:
        yield from _missing(wanted["items"], known.get("items", {}), f"{path}[]")
