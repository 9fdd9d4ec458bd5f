"""Whether the API server serves our kinds as this release knows them, by what it tells everybody who is logged in.

The API server drops, without a word, whatever the CRD does not know: with the CRD of an older release we would forget
what we have to remember, which mappings are ours, say. So it is asked before the work begins.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

from kubernetes.aio import client

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import Model
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.kinds import GROUP, VERSION, Kind
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.controller.answers import KubeError
from flashsystem_operator.controller.kube import Kube, asked

_OUT = "Apply those of this release first, kubectl apply -k crds, and then the operator."
_MODELS: Mapping[Kind, type[Resource]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.ATTACHMENT: VolumeAttachment,
}

# The API server publishes the schema of a CRD a moment after the CRD itself.
_TRIES = 5
_BETWEEN = 1.0  # seconds


async def what_lacks(kube: Kube) -> str:
    """Why our objects cannot be listed, in a sentence, after the API server said that there is no such thing."""
    groups = await asked(client.ApisApi(kube.api).get_api_versions(_request_timeout=kube.limit))
    versions = [each.version for group in groups.groups if group.name == GROUP for each in group.versions]
    if not versions:
        return f"the CRDs of {GROUP} are not installed. {_OUT}"
    if VERSION not in versions:
        return (
            f"the CRDs of {GROUP} are of another release: they have version {', '.join(versions)}, and this operator "
            f"needs {VERSION}. {_OUT}"
        )
    found = await asked(client.CustomObjectsApi(kube.api).get_api_resources(GROUP, VERSION))
    there = {each.name for each in found.resources}
    missing = [kind.crd for kind in Kind if kind.plural not in there]
    return f"these CRDs are not installed, or without version {VERSION}: {', '.join(missing)}. {_OUT}"


async def what_is_older(kube: Kube) -> str:
    """What the installed CRDs lack of the fields that we know, in a sentence; empty if nothing, or if nobody tells.

    Raises KubeError if the API server does not answer.
    """
    lacking: list[str] = []
    for remaining in reversed(range(_TRIES)):
        lacking = _lacking(await _schemas(kube))
        if not lacking:
            return ""
        if remaining:
            await asyncio.sleep(_BETWEEN)
    return f"the CRDs of {GROUP} are of an older release than this operator: they lack {', '.join(lacking)}. {_OUT}"


async def _schemas(kube: Kube) -> Mapping[str, Any]:
    """The schemas of our group and version, as OpenAPI has them; none where we may not see them, or not yet."""
    param = await kube.api.param_serialize(
        "GET",
        f"/openapi/v3/apis/{GROUP}/{VERSION}",
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    answer = await asked(kube.api.call_api(*param, _request_timeout=kube.limit))
    body = await asked(answer.read())
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        return {}
    try:
        schemas = json.loads(body)["components"]["schemas"]
    except (ValueError, LookupError, TypeError) as error:
        raise KubeError("the API server does not tell the schemas of our kinds") from error
    return schemas if isinstance(schemas, dict) else {}


def _lacking(schemas: Mapping[str, Any]) -> list[str]:
    """Fields of spec and status that a model has and the schema of its kind has not, as `KIND status.field`."""
    found = []
    for schema in schemas.values():
        for said in schema.get("x-kubernetes-group-version-kind", ()):
            kind = said.get("kind")
            for part in ("spec", "status") if kind in _MODELS else ():
                known = schema["properties"].get(part, {}).get("properties", {})
                found += [f"{kind} {part}.{name}" for name in _fields(_MODELS[Kind(kind)], part) if name not in known]
    return found


def _fields(resource: type[Resource], part: str) -> list[str]:
    model = cast("type[Model]", resource.model_fields[part].annotation)
    return [field.alias or name for name, field in model.model_fields.items()]
