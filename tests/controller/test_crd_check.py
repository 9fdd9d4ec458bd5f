"""The operator detects CRDs of an older release, whatever field they lack, at any depth."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio import client

from flashsystem_operator.api.metadata import GROUP, VERSION, Kind
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.crd_check import lacking, what_is_older, what_lacks
from flashsystem_operator.controller.kube.errors import KubeError
from support.schemas import crd_schema

every_kind = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)


def published(kind: Kind, schema: Any) -> dict[str, Any]:
    """Return the OpenAPI definition that the API server publishes for one kind."""
    group_version_kind = [{"group": GROUP, "version": VERSION, "kind": kind.value}]
    return {f"io.flashsystem.{VERSION}.{kind}": schema | {"x-kubernetes-group-version-kind": group_version_kind}}


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path of each field below a node, with the properties that contain it."""
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
def test_a_missing_field_is_named_at_any_depth(kind: Kind, part: str) -> None:
    whole = crd_schema(kind)
    paths = [path for path, _ in fields(whole["properties"][part])]
    assert any("[]." in path for path in paths) or part == "spec"

    for path in paths:
        schema = copy.deepcopy(whole)
        around = dict(fields(schema["properties"][part]))[path]
        del around[path.rpartition(".")[2]]
        assert lacking(published(kind, schema)) == [f"{kind} {part}{path}"]


@every_kind
def test_a_field_that_only_a_newer_release_has_is_ignored(kind: Kind) -> None:
    schema = crd_schema(kind)
    schema["properties"]["spec"]["properties"]["tomorrow"] = {"type": "string"}

    assert lacking(published(kind, schema)) == []


def test_other_kinds_in_the_same_reply_are_ignored() -> None:
    other = {"x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Other"}]}

    assert lacking({"other": other, "meta": {"type": "object"}}) == []


@asynccontextmanager
async def serving(status: int) -> AsyncIterator[Kube]:
    """Serve an API that replies with this status, except for one request that is never answered."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == f"/apis/{GROUP}/{VERSION}":
            await asyncio.Event().wait()
        if request.path.rstrip("/") == "/apis":
            versions = [{"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}]
            return web.json_response({"groups": [{"name": GROUP, "versions": versions}]})
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        yield Kube(api, limit=2.0)
    finally:
        await api.close()  # type: ignore[no-untyped-call] # it has no types
        await runner.cleanup()


@pytest.mark.parametrize("status", [403, 404])
async def test_schemas_that_are_forbidden_or_not_published_lack_nothing(status: int) -> None:
    async with serving(status) as kube:
        assert await what_is_older(kube) == ""


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_an_api_server_that_fails_to_return_the_schemas_is_not_assumed_to_have_none(status: int) -> None:
    async with serving(status) as kube:
        with pytest.raises(KubeError, match=str(status)):
            await what_is_older(kube)


async def test_the_check_of_the_served_kinds_has_a_timeout() -> None:
    async with serving(200) as kube:
        with pytest.raises(KubeError, match="did not answer"):
            await what_lacks(kube)
