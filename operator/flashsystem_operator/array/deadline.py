"""A limit on a wait that knows none itself."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Deadline:
    """Unless its block is left within so many seconds, calls `end` from a thread of its own.

    `end` has to let go whoever waits in the block, by closing what is waited for. It may be called when the block is
    just being left, never afterwards: leaving waits for it.
    """

    def __init__(self, seconds: float, end: Callable[[], object]) -> None:
        self.passed = False
        self._end = end
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()

    def _strike(self) -> None:
        self.passed = True
        self._end()
