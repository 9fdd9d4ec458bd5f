"""The control port (HTTP): state, log of commands, sessions, changes outside the operator, and faults."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from flashsystem_operator.simulator.server.execution import Executor
from flashsystem_operator.simulator.server.faults import Armed, Order
from flashsystem_operator.simulator.server.ssh import Listener, Sessions
from flashsystem_operator.simulator.state import config
from flashsystem_operator.simulator.state.config import ConfigError, validated
from flashsystem_operator.simulator.state.system import System

Fields = dict[str, Any]


class Change(BaseModel):
    """A change of one object. what: its kind. set: its fields, as the state file names them."""

    model_config = ConfigDict(extra="forbid")

    what: str
    name: str = ""
    set: Fields = Field(default_factory=dict)


def apply(array: System, change: Change) -> None:
    """Change one object of the array. Nothing is changed if the result is invalid."""
    if change.what == "blank":
        # Another system at the same address: the same hardware, without hosts, volumes, mappings or copies.
        data = array.dump().model_dump(mode="json")
        for section in BLANKED:
            data[section] = []
        data["system"] |= {"id": f"{int(data['system']['id'], 16) ^ 0xFFFF:016X}", **change.set}
        array.become(config.whole(data))
        return
    picker = PICKERS.get(change.what)
    if picker is None:
        raise ConfigError(f"what: there is no {change.what!r}: choose one of {', '.join(sorted([*PICKERS, 'blank']))}")
    data = array.dump().model_dump(mode="json")
    picked = picker(data, change.name)
    renamed = change.what in REFERRED and "name" in change.set and change.set["name"] != picked["name"]
    before = str(picked.get("name"))
    picked.update(change.set)
    if renamed:
        # Update the name in all entries that refer to this object.
        rows = [row for section in data.values() if isinstance(section, list) for row in section]
        for row in [*rows, *(image for snapshot in data["snapshots"] for image in snapshot["images"])]:
            for field in REFERRED[change.what]:
                if row.get(field) == before:
                    row[field] = change.set["name"]
    array.become(config.whole(data))


def replace(array: System, sections: dict[str, Any]) -> None:
    """Replace the whole array; sections that are omitted come from the built-in one."""
    array.become(config.load(sections))


def config_node_is_down(array: System) -> bool:
    """Whether the configuration node is offline and another node can take over."""
    nodes = array.nodes.values()
    return not any(node.config_node == "yes" and node.status == "online" for node in nodes) and any(
        node.status == "online" for node in nodes
    )


def move_config_node(array: System, name: str) -> None:
    """Make another node the configuration node. Without a name: the next one that is online."""
    online = [node for node in array.nodes.values() if node.status == "online" and node.config_node == "no"]
    chosen = next((node for node in online if name in {"", node.name}), None)
    if chosen is None:
        raise ConfigError(f"name: {name!r} is not another node that is online: name one, or bring one online first")
    for node in array.nodes.values():
        node.config_node = "yes" if node is chosen else "no"


def _named(section: str, key: str = "name") -> Callable[[dict[str, Any], str], Fields]:
    def pick(data: dict[str, Any], name: str) -> Fields:
        # A volume that is being deleted may have the name of another one, which is meant then.
        rows: Iterable[Fields] = sorted(data[section], key=lambda row: row.get("status") == "deleting")
        for row in rows:
            if name in {str(row[key]), str(row.get("id", ""))} or name.casefold() == str(row[key]).casefold():
                return row
        raise ConfigError(f"name: there is no {name!r} in {section}: name an existing one")

    return pick


def _section(section: str) -> Callable[[dict[str, Any], str], Fields]:
    def pick(data: dict[str, Any], _name: str) -> Fields:
        fields: Fields = data[section]
        return fields

    return pick


def _joined(section: str, first: str, second: str) -> Callable[[dict[str, Any], str], Fields]:
    """Pick an object that has no name of its own by two of its fields, with a slash between them."""

    def pick(data: dict[str, Any], name: str) -> Fields:
        rows: Iterable[Fields] = data[section]
        for row in rows:
            if f"{row[first]}/{row[second]}" == name:
                return row
        raise ConfigError(f"name: there is no {section.removesuffix('s')} {name!r}: write it as {first}/{second}")

    return pick


def _host_port(data: dict[str, Any], name: str) -> Fields:
    for host in data["hosts"]:
        for port in host["ports"]:
            if port["name"].casefold() == name.casefold():
                found: Fields = port
                return found
    raise ConfigError(f"name: no host has the port {name!r}: name a port of a host")


PICKERS: dict[str, Callable[[dict[str, Any], str], Fields]] = {
    "system": _section("system"),
    "limits": _section("limits"),
    "rules": _section("rules"),
    "node": _named("nodes"),
    "portset": _named("portsets"),
    "address": _named("addresses", "address"),
    "port": _joined("ports", "node", "id"),
    "pool": _named("pools"),
    "volume": _named("volumes"),
    "host": _named("hosts"),
    "host_port": _host_port,
    "mapping": _joined("mappings", "host", "volume"),
    "user": _named("users"),
    "volume_group": _named("volume_groups"),
    "snapshot": _named("snapshots"),
    "consistency_group": _named("consistency_groups"),
    "flashcopy_map": _named("flashcopy_maps"),
    "throttle": _named("throttles"),
}
REFERRED = {
    "node": ("node",),
    "portset": ("portset",),
    "pool": ("pool", "parent", "mirror_pool"),
    "volume": ("volume", "source", "target"),
    "host": ("host",),
    "volume_group": ("volume_group",),
    "consistency_group": ("consistency_group",),
}
"""Kinds that other entries refer to by name, with the fields that have such names."""
BLANKED = (
    *("volumes", "hosts", "host_clusters", "mappings", "shared_mappings", "throttles"),
    *("volume_groups", "snapshots", "consistency_groups", "flashcopy_maps"),
)


LONGEST_BODY = 64 << 20
Body = dict[str, Any]


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer every error of the caller with 400, and with the field, the reason and the remedy."""
    try:
        return await handler(request)
    except ConfigError as error:
        raise web.HTTPBadRequest(text=json.dumps({"error": str(error)}), content_type="application/json") from None


class Control:
    """The routes of the control port."""

    def __init__(self, executor: Executor, sessions: Sessions, listener: Listener) -> None:
        self._executor = executor
        self._sessions = sessions
        self._listener = listener

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_errors], client_max_size=LONGEST_BODY)
        app.add_routes(
            [
                web.get("/healthz", self.health),
                web.get("/state", self.state),
                web.put("/state", self.replace),
                web.get("/log", self.log),
                web.get("/sessions", self.sessions),
                web.post("/admin", self.admin),
                web.post("/change", self.change),
                web.get("/faults", self.faults),
                web.post("/faults", self.order),
                web.get("/faults/{id}", self.fault),
                web.delete("/faults/{id}", self.forget),
                web.post("/faults/{id}/release", self.release),
            ]
        )
        return app

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "availability": self._listener.availability})

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._executor.array.dump().model_dump(mode="json"))

    async def replace(self, request: web.Request) -> web.Response:
        replace(self._executor.array, await _body(request))
        return await self.state(request)

    async def log(self, request: web.Request) -> web.Response:
        return web.json_response(self._executor.journal.since(_number(request.query.get("since", "0"), "since")))

    async def sessions(self, _request: web.Request) -> web.Response:
        rows = [
            {"id": number, "user": connection.get_extra_info("username")}
            for connection, number in self._sessions.logged_in.items()
        ]
        return web.json_response(rows)

    async def admin(self, request: web.Request) -> web.Response:
        line = (await _body(request)).get("line")
        if not isinstance(line, str):
            raise ConfigError('line: missing: send {"line": "svctask ..."}')
        answer = await self._executor.administer(line)
        return web.json_response({"stdout": answer.stdout, "stderr": answer.stderr, "exit": answer.status})

    async def change(self, request: web.Request) -> web.Response:
        change = validated(Change, await _body(request))
        if change.what == "availability":
            availability = change.set.get("to", change.name)
            if availability not in ("up", "refused", "silent"):
                raise ConfigError(f"name: {availability!r} is not an availability: choose up, refused or silent")
            await self._listener.become(availability)
            return web.json_response({"availability": availability})
        if change.what == "host_key":
            self._listener.change_key()
            return web.json_response({"host_key": self._listener.public_key})
        if change.what == "sessions":
            return web.json_response({"dropped": self._sessions.drop_all()})
        if change.what == "config_node":
            move_config_node(self._executor.array, change.name)
            return web.json_response({"dropped": self._sessions.drop_all()})
        apply(self._executor.array, change)
        failed_over = change.what == "node" and config_node_is_down(self._executor.array)
        if failed_over:
            move_config_node(self._executor.array, "")
        return web.json_response({"dropped": self._sessions.drop_all()} if failed_over else {})

    async def faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._executor.faults.describe())

    async def order(self, request: web.Request) -> web.Response:
        armed = self._executor.faults.order(validated(Order, await _body(request)))
        return web.json_response(armed.describe(), status=201)

    async def fault(self, request: web.Request) -> web.Response:
        """Return one order; with `?state=holding&timeout=5` when it reaches that state, or 408."""
        armed = self._armed(request)
        state = request.query.get("state")
        if state in {"holding", "spent"}:
            timeout = request.query.get("timeout", "10")
            if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", timeout):
                raise ConfigError(f"timeout: {timeout!r} is not a number of seconds: write for example 0.5 or 10")
            try:
                await asyncio.wait_for(self._executor.faults.settle(armed, state), float(timeout))
            except TimeoutError:
                raise web.HTTPRequestTimeout(
                    text=json.dumps({"error": "timeout: the fault did not reach that state"})
                ) from None
        elif state is not None:
            raise ConfigError(f"state: cannot wait for {state!r}: write holding or spent")
        return web.json_response(armed.describe())

    async def release(self, request: web.Request) -> web.Response:
        return web.json_response({"released": self._executor.faults.release(self._armed(request))})

    async def forget(self, request: web.Request) -> web.Response:
        self._executor.faults.forget(self._armed(request))
        return web.json_response({})

    def _armed(self, request: web.Request) -> Armed:
        armed = self._executor.faults.get(_number(request.match_info["id"], "id"))
        if armed is None:
            raise web.HTTPNotFound(text=json.dumps({"error": "id: no such fault: GET /faults lists all faults"}))
        return armed


async def _body(request: web.Request) -> Body:
    try:
        body = await request.json()
    except ValueError as error:
        raise ConfigError(f"body: not JSON ({error}): send a JSON object") from None
    if not isinstance(body, dict):
        raise ConfigError("body: not a JSON object: send one")
    return body


def _number(text: str, field: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"{field}: {text!r} is not a number: write a whole number")
    return int(text)
