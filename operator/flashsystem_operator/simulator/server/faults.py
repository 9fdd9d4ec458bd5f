"""Faults that a test or a user orders over the control port: refusals, delays, lost and corrupted answers."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.state.refusals import TEXTS, TOO_MANY_SESSIONS

Corruption = Literal["truncated", "binary", "missing_field", "extra_field", "empty", "no_header"]
JUNK = "\udcff\udcc3(\x00\x1b[2J\udcfe"
"""Bytes that are not UTF-8, as surrogates that the server encodes to bytes."""


def corrupted(text: str, how: Corruption) -> str:
    """Return a corrupted copy of an answer."""
    lines = text.splitlines(keepends=True)
    match how:
        case "truncated":
            return text[: len(text) * 2 // 3]
        case "binary":
            middle = len(text) // 2
            return text[:middle] + JUNK + text[middle:]
        case "missing_field":
            if not lines:
                return ""
            # The last line loses its last field and the separator before it.
            body = lines[-1].rstrip("\n")
            separators = [sign for sign in "!:,; " if sign in body]
            shorter = body.rpartition(separators[0])[0] if separators else ""
            return "".join([*lines[:-1], f"{shorter}\n"])
        case "extra_field":
            return "".join([*lines[:-1], lines[-1].rstrip("\n") + "!!!\n"]) if lines else ""
        case "no_header":
            return "".join(lines[1:])
        case "empty":
            return ""


Fault = Literal["delay", "refuse", "warn", "cut", "drop", "hold", "hang", "garble", "login_failed_on_stdout"]


class Order(BaseModel):
    """A fault as ordered over the control port. docs/simulator.md explains each field."""

    model_config = ConfigDict(extra="forbid")

    fault: Fault
    verb: str | None = None
    line: str | None = None
    when: Literal["before", "after"] = "before"
    times: int | None = Field(1, ge=1)
    skip: int = Field(0, ge=0)
    seconds: float | None = Field(None, ge=0)
    code: str | None = Field(None, pattern=r"^CMMVC\d+[EW]$")
    text: str | None = None
    exit: int | None = Field(None, ge=0, le=255)
    garble: Corruption = "truncated"
    dies_with_connection: bool = False

    @field_validator("line")
    @classmethod
    def _compiles(cls, line: str | None) -> str | None:
        try:
            re.compile(line or "")
        except re.error as error:
            raise ValueError(f"not a regular expression ({error}): escape what is meant literally") from None
        return line

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.fault == "delay" and self.seconds is None:
            raise ValueError("seconds: a delay needs them: add the seconds")
        if self.fault in {"refuse", "warn"} and self.code is None:
            raise ValueError(f"code: a {self.fault} needs one: write CMMVCnnnn{'E' if self.fault == 'refuse' else 'W'}")
        return self

    def matches(self, verb: str, *lines: str) -> bool:
        return self.verb in {None, verb} and (
            self.line is None or any(re.search(self.line, line) is not None for line in lines)
        )


class Broken(Exception):
    """The answer is lost: the connection is cut, or the channel is closed without an exit status."""

    def __init__(self, fault: Literal["cut", "drop"]) -> None:
        self.fault = fault
        super().__init__(fault)


@dataclass(slots=True, eq=False)
class Armed:
    """An order, how often it struck, and the exec ids that it holds."""

    id: int
    order: Order
    struck: int = 0
    passed: int = 0
    holding: dict[int, asyncio.Event] = field(default_factory=dict)

    @property
    def spent(self) -> bool:
        return self.order.times is not None and self.struck >= self.order.times

    def describe(self) -> dict[str, Any]:
        state = "holding" if self.holding else "spent" if self.spent else "armed"
        order = self.order.model_dump(exclude_none=True)
        return {"id": self.id, "state": state, "struck": self.struck, "holding": sorted(self.holding), "order": order}


class Faults:
    """All orders of faults. Everything runs on one event loop."""

    def __init__(self) -> None:
        self._armed: dict[int, Armed] = {}
        self._given = 0
        self._changed = asyncio.Event()

    def order(self, order: Order) -> Armed:
        self._given += 1
        armed = self._armed[self._given] = Armed(self._given, order)
        return armed

    def describe(self) -> list[dict[str, Any]]:
        return [armed.describe() for armed in self._armed.values()]

    def get(self, number: int) -> Armed | None:
        return self._armed.get(number)

    def release(self, armed: Armed) -> int:
        """Release all commands that this order holds, and return how many. It holds later commands again."""
        held = len(armed.holding)
        for event in armed.holding.values():
            event.set()
        armed.holding.clear()
        self._pulse()
        return held

    def forget(self, armed: Armed) -> None:
        self.release(armed)
        self._armed.pop(armed.id, None)

    def strike(self, verb: str, *lines: str) -> list[Armed]:
        """Return and count the orders that strike this command. lines: as received, and with names in place of ids."""
        striking = []
        for armed in self._armed.values():
            if armed.spent or not armed.order.matches(verb, *lines):
                continue
            if armed.passed < armed.order.skip:
                armed.passed += 1
                continue
            armed.struck += 1
            striking.append(armed)
        if striking:
            self._pulse()
        return striking

    async def before(self, armed: Armed, exec_id: int) -> Answer | None:
        """Apply a fault before the command runs. An answer replaces the command, which is then not run."""
        order = armed.order
        if order.fault == "refuse":
            return Answer(stderr=f"{_text_of(order)}\n", status=1 if order.exit is None else order.exit)
        if order.fault == "login_failed_on_stdout":
            return Answer(stdout=TOO_MANY_SESSIONS)
        if order.when == "before":
            await self._wait_or_break(armed, exec_id)
        return None

    async def after(self, armed: Armed, exec_id: int, answer: Answer) -> Answer:
        """Apply a fault after the command ran, and return the answer, which it may change."""
        order = armed.order
        if order.fault == "warn":
            return Answer(answer.stdout, f"{answer.stderr}{_text_of(order)}\n", answer.status or order.exit or 0)
        if order.fault == "garble":
            return Answer(corrupted(answer.stdout, order.garble), answer.stderr, answer.status)
        if order.when == "after":
            await self._wait_or_break(armed, exec_id)
        return answer

    async def _wait_or_break(self, armed: Armed, exec_id: int) -> None:
        order = armed.order
        if order.fault == "delay":
            await asyncio.sleep(order.seconds or 0)
        elif order.fault == "hold":
            event = armed.holding[exec_id] = asyncio.Event()
            self._pulse()
            try:
                await event.wait()
            finally:
                armed.holding.pop(exec_id, None)
        elif order.fault == "hang":
            await asyncio.Event().wait()
        elif order.fault in {"cut", "drop"}:
            raise Broken("cut" if order.fault == "cut" else "drop")

    def dies(self, exec_id: int) -> bool:
        """Whether a held exec line is to end with its connection."""
        return any(exec_id in armed.holding and armed.order.dies_with_connection for armed in self._armed.values())

    async def settle(self, armed: Armed, state: str) -> None:
        """Wait until an order is in this state: holding or spent."""
        while armed.describe()["state"] != state:
            await self._changed.wait()

    def _pulse(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _text_of(order: Order) -> str:
    """Return the code with the text of the order, or with the array's own text."""
    code = order.code or ""
    text = order.text if order.text is not None else TEXTS.get(code, "The command has failed.").format("")
    return f"{code} {text}".strip()
