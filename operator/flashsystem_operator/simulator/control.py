"""The control port: HTTP and JSON on loopback. Reads the state and the log, changes the array, orders faults."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from flashsystem_operator.simulator import changes
from flashsystem_operator.simulator.changes import Change
from flashsystem_operator.simulator.config import ConfigError, validated
from flashsystem_operator.simulator.execution import Executor
from flashsystem_operator.simulator.faults import Armed, Order
from flashsystem_operator.simulator.listener import Listener
from flashsystem_operator.simulator.sessions import Sessions

LONGEST_BODY = 64 << 20
Body = dict[str, Any]


def _fail(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": reason}), content_type="application/json")


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every mistake of the caller is a 400 that says which field, why, and the way out."""
    try:
        return await handler(request)
    except ConfigError as error:
        raise _fail(str(error)) from None


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
        changes.replace(self._executor.array, await _body(request))
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
        outside = {"availability": self._availability, "host_key": self._host_key, "sessions": self._drop}
        if change.what in outside:
            return web.json_response(await outside[change.what](change))
        if change.what == "config_node":
            changes.move_config_node(self._executor.array, change.name)
            return web.json_response({"dropped": self._sessions.drop_all()})
        changes.apply(self._executor.array, change)
        failed_over = change.what == "node" and changes.config_node_is_down(self._executor.array)
        if failed_over:
            changes.move_config_node(self._executor.array, "")
        return web.json_response({"dropped": self._sessions.drop_all()} if failed_over else {})

    async def _availability(self, change: Change) -> Body:
        wished = change.set.get("to", change.name)
        if wished not in ("up", "refused", "silent"):
            raise ConfigError(f"name: {wished!r} is no availability: choose up, refused or silent")
        await self._listener.become(wished)
        return {"availability": wished}

    async def _host_key(self, _change: Change) -> Body:
        self._listener.change_key()
        return {"host_key": self._listener.public_key}

    async def _drop(self, _change: Change) -> Body:
        return {"dropped": self._sessions.drop_all()}

    async def faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._executor.faults.told())

    async def order(self, request: web.Request) -> web.Response:
        armed = self._executor.faults.order(validated(Order, await _body(request)))
        return web.json_response(armed.told(), status=201)

    async def fault(self, request: web.Request) -> web.Response:
        """One order; with `?state=holding&timeout=5` as soon as it is in that state, or 408."""
        armed = self._armed(request)
        state = request.query.get("state")
        if state in {"holding", "spent"}:
            seconds = _seconds(request.query.get("timeout", "10"))
            await _in_time(self._executor.faults.settle(armed, state), seconds)
        elif state is not None:
            raise ConfigError(f"state: nobody waits for {state!r}: write holding or spent")
        return web.json_response(armed.told())

    async def release(self, request: web.Request) -> web.Response:
        return web.json_response({"released": self._executor.faults.release(self._armed(request))})

    async def forget(self, request: web.Request) -> web.Response:
        self._executor.faults.forget(self._armed(request))
        return web.json_response({})

    def _armed(self, request: web.Request) -> Armed:
        armed = self._executor.faults.get(_number(request.match_info["id"], "id"))
        if armed is None:
            raise web.HTTPNotFound(text=json.dumps({"error": "id: no such fault: GET /faults lists those that are"}))
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
        raise ConfigError(f"{field}: {text!r} is no number: write a whole one")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise ConfigError(f"timeout: {text!r} is no number of seconds: write one such as 0.5 or 10")
    return float(text)


async def _in_time(waiting: Awaitable[None], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=json.dumps({"error": "timeout: the fault did not get there"})) from None
