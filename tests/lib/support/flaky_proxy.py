"""A way to the API server on which requests fail, answers are lost, and watches come late, twice or to an end."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from flashsystem_operator.api.metadata import GROUP
from support.proxy import Relay, cut, streamed


class Fate(Enum):
    """What becomes of a request. CUT: it is not done. LOST: it is done, and never answered."""

    DONE = auto()
    LATE = auto()
    CUT = auto()
    LOST = auto()
    ERROR_AFTER = HTTPStatus.BAD_GATEWAY
    CONFLICT = HTTPStatus.CONFLICT
    TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
    BROKEN = HTTPStatus.INTERNAL_SERVER_ERROR
    UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


_FAILURES = [fate for fate in Fate if fate not in (Fate.DONE, Fate.LATE)]
WRITES: dict[Fate, int] = {Fate.DONE: 70, Fate.LATE: 15, **dict.fromkeys(_FAILURES, 1)}
READS: dict[Fate, int] = {fate: weight for fate, weight in WRITES.items() if fate is not Fate.CONFLICT}
"""What becomes of a request, by weight."""
NEWS = {"in time": 75, "late": 9, "again": 12, "lost": 2, "expired": 2}
"""What becomes of an event of a watch, by weight. A watch that lost one ends, as it does with a real API server: of
such a one nothing is skipped in silence. expired: the API server's message when it cannot go on from there."""
_LATE, _SLOW = 1.5, 0.5
"""Seconds at most that an event of a watch is late, and that a request takes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One that reached the API server, and was done. Times are those of the clock, in seconds.

    selector: of the fields of what is listed. asked, answer: the documents.
    """

    method: str
    path: str
    selector: str
    sent: float
    answered: float
    asked: Any
    answer: Any

    @property
    def changed(self) -> bool:
        """Whether a patch changed the object: its version is another one, or that was the end of it."""
        meta = self.answer["metadata"]
        gone = "deletionTimestamp" in meta and not meta.get("finalizers")
        return gone or self.asked["metadata"]["resourceVersion"] != meta["resourceVersion"]


class Flaky(Relay):
    """seed: of the faults, in the order of the requests. requests: about our kinds, those that were done."""

    def __init__(self, kubeconfig: Path, seed: int) -> None:
        super().__init__(kubeconfig)
        self.requests: list[Request] = []
        self._random = random.Random(seed)  # noqa: S311 - a story that can be repeated
        self._flaky = False

    def begin(self) -> None:
        self._flaky = True

    def end(self) -> None:
        """From here on everything is done at once, and reported."""
        self._flaky = False

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            async with self.asked(request, b"") as answer:
                return await streamed(request, answer, self._reported(answer.content))
        body = await request.read()
        fate = self._drawn(READS if request.method == "GET" else WRITES)
        if fate is Fate.LATE:
            await asyncio.sleep(self._random.uniform(0, _SLOW))
        if fate is Fate.CUT:
            return cut(request)
        if fate in (Fate.CONFLICT, Fate.TOO_MANY, Fate.BROKEN, Fate.UNAVAILABLE):
            return _failed(fate)
        sent = time.time()
        async with self.asked(request, body) as answer:
            content = await answer.read()
        if answer.ok and request.path.startswith(f"/apis/{GROUP}/"):
            asked = json.loads(body) if body else None
            selector = request.query.get("fieldSelector", "")
            done = Request(request.method, request.path, selector, sent, time.time(), asked, json.loads(content))
            self.requests.append(done)
        if fate is Fate.LOST:
            return cut(request)
        if fate is Fate.ERROR_AFTER:
            return _failed(fate)
        return web.Response(status=answer.status, body=content, content_type=answer.content_type)

    async def _reported(self, events: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        """The events of a watch, a line each. Those that come again come with those after them, in order."""
        earlier: list[bytes] = []
        async for event in events:
            news = self._random.choices(list(NEWS), list(NEWS.values()))[0] if self._flaky else "in time"
            if news == "late":
                await asyncio.sleep(self._random.uniform(0, _LATE))
            if news == "again":
                for again in earlier[-self._random.randint(1, 5) :]:
                    yield again
            if news == "expired":
                status = {"kind": "Status", "code": HTTPStatus.GONE, "reason": "Expired", "message": "too old"}
                yield json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
            if news in ("lost", "expired"):
                return
            earlier.append(event)
            yield event

    def _drawn(self, fates: dict[Fate, int]) -> Fate:
        return self._random.choices(list(fates), list(fates.values()))[0] if self._flaky else Fate.DONE


def _failed(fate: Fate) -> web.Response:
    code = int(fate.value)
    return web.json_response({"kind": "Status", "code": code, "message": f"made up: {fate.name}"}, status=code)


__all__ = ["Flaky", "Request"]
