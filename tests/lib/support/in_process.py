"""The simulated array without a network: its command line as a function, for tests with many small arrays."""

import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from flashsystem_operator.array.session import Run, Session
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.simulator.server.execution import Executor
from flashsystem_operator.simulator.state.config import load
from flashsystem_operator.simulator.state.system import System

T = TypeVar("T")


class InProcess:
    """An array in this state, and the connections that a Session needs. lines: what was received, in order."""

    def __init__(self, config: dict[str, Any] | None = None, **rules: Any) -> None:
        state = dict(config or {})
        state["rules"] = {**state.get("rules", {}), **rules}
        self.system = System(load(state))
        self.lines: list[str] = []
        self._executor = Executor(self.system)
        self._turn = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to be closed."""

    def run(
        self,
        line: str,
        *,
        shown: str | None = None,  # noqa: ARG002 - nothing is shown
        before: Callable[[], None] = unconditionally,
    ) -> Reply:
        """Run a line. Sessions send from several threads; the array runs one line at a time."""
        with self._turn:
            before()
            self.lines.append(line)
            entry = self._executor.journal.open(1, "superuser", line)
            answer = _result(self._executor.run(entry))
            assert not entry.shell, f"data became code: {line}"
            return Reply(answer.stdout, answer.stderr, answer.status)

    def drain(self) -> None:
        """Nothing waits."""

    def finishing(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is drained."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """Nothing has to be closed."""

    def admin(self, line: str) -> str:
        """Run a line as the array administrator; a refusal is a mistake of the test."""
        with self._turn:
            answer = _result(self._executor.administer(line))
        assert not answer.status, f"{line}: {answer.stderr}"
        return answer.stdout

    def session(self, width: int = 1) -> Session:
        return connected(self, width=width)

    @property
    def state(self) -> dict[str, Any]:
        """The whole array; equal states compare equal."""
        return self.system.dump().model_dump()


def _result(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits: without faults, the simulated array answers at once. Needs no event loop."""
    try:
        work.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    work.close()
    raise AssertionError("a fault makes the simulated array wait, which needs its SSH server")


class Slipping(InProcess):
    """An array whose administrator acts right before a volume is mapped, or right after."""

    first: Callable[["Slipping"], None] = staticmethod(lambda _: None)
    then: Callable[["Slipping"], None] = staticmethod(lambda _: None)

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        if "mkvdiskhostmap" not in line:
            return super().run(line, shown=shown, before=before)
        self.first(self)
        reply = super().run(line, shown=shown, before=before)
        self.then(self)
        return reply


class Answers:
    """Canned connections, for answers that no array should give: a function from line to reply."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self._answer = answer
        self.lines: list[str] = []

    def run(
        self,
        line: str,
        *,
        shown: str | None = None,  # noqa: ARG002 - nothing is shown
        before: Callable[[], None] = unconditionally,
    ) -> Reply:
        before()
        self.lines.append(line)
        return self._answer(line)

    def drain(self) -> None:
        """Nothing waits."""

    def finishing(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is drained."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """Nothing has to be closed."""


def connected(to: InProcess | Answers, *, greeted: bool = True, width: int = 1) -> Session:
    """A session whose connection greets the array first, as a real one does."""

    def connect(greet: Callable[[Run], None]) -> InProcess | Answers:
        if greeted:
            greet(to.run)
        return to

    return Session(connect, None, width)


def another_volume(array: InProcess, name: str) -> None:
    """Remove this volume, and create `new`, which gets its id."""
    number, pool = next((n, each["pool"]) for n, each in enumerate(array.state["volumes"]) if each["name"] == name)
    array.admin(f"svctask rmvdisk {name}")
    array.admin(f"svctask mkvdisk -name new -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    assert array.state["volumes"][number]["name"] == "new"


def another_host(array: InProcess, name: str) -> None:
    """Remove this host object, and create `new`, which gets its id."""
    array.admin(f"svctask rmhost -force {name}")
    array.admin("svctask mkhost -name new -iscsiname iqn.1994-05.com.redhat:new")
