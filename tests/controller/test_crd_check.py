"""An operator that has CRDs of an older release under it knows so, whatever they lack, and however deep."""

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


@asynccontextmanager
async def answering(status: int) -> AsyncIterator[Kube]:
    """An API server that answers so, but for one request, which it never answers."""

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
async def test_schemas_that_we_may_not_see_or_that_are_not_published_lack_nothing(status: int) -> None:
    async with answering(status) as kube:
        assert await what_is_older(kube) == ""


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_an_api_server_that_gives_no_answer_about_the_schemas_is_not_believed_to_have_none(status: int) -> None:
    async with answering(status) as kube:
        with pytest.raises(KubeError, match=str(status)):
            await what_is_older(kube)


async def test_what_is_served_is_not_waited_for_without_end() -> None:
    async with answering(200) as kube:
        with pytest.raises(KubeError, match="did not answer"):
            await what_lacks(kube)
