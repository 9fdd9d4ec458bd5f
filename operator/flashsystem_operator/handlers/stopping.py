"""The signal to stop, heard whatever the process does at the moment, and the end of the process that follows it."""

import asyncio
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

HARD_END = 1
"""The exit code of a process that did not end in good order within its grace period."""

_HARD_END_AT = 17 / 18
"""The part of the grace period after which that is: a little before Kubernetes would kill it without a word."""
_LAST_LINE = 1.0
"""Seconds in which the last line of the log is written, if it can be."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


class Stop:
    """Belongs to the event loop of the main thread. flag: set when a signal came, for those who wait for it.

    grace: seconds from the signal to the end of the process, at most.
    begin: called once in the event loop, as soon as it has a moment. left: what has not ended yet, in words; called
        from another thread.
    """

    def __init__(self, grace: float, begin: Callable[[], None], left: Callable[[], Sequence[str]]) -> None:
        self.flag = asyncio.Event()
        self._grace = grace
        self._begin = begin
        self._left = left
        self._loop = asyncio.get_running_loop()
        # The only queue into which a signal handler may put: it interrupts the thread that it runs in anywhere.
        self._heard = queue.SimpleQueue[float]()
        self._is_heard = False
        self._block: asyncio.Timeout | None = None
        threading.Thread(target=self._watch, name="hard-end", daemon=True).start()

    def heed_signals(self) -> None:
        """To be called again when a library has taken the signals for itself.

        A loop that hangs hears none. So Python's own handler is there too: it runs whatever the main thread does.
        """
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._told)
            signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        """Set both ends of the grace period: that of `_watch`, and the kernel's, for when no thread runs any more."""
        if not self._is_heard:
            self._is_heard = True
            signal.setitimer(signal.ITIMER_REAL, self._grace)
            self._heard.put(time.monotonic())

    @asynccontextmanager
    async def leaving(self) -> AsyncIterator[None]:
        """A block that is cancelled and left when the signal comes, or that came before."""
        try:
            async with asyncio.timeout(0 if self.flag.is_set() else None) as self._block:
                yield
        except TimeoutError:
            if self._block is None or not self._block.expired():
                raise
        finally:
            self._block = None

    def _told(self) -> None:
        if self.flag.is_set():
            return
        log.info("told to stop: no further command is sent")
        self.flag.set()
        if self._block is not None:
            self._block.reschedule(self._loop.time())
        self._begin()

    def _watch(self) -> None:
        """The last resort. It ends the process when the loop hangs, or a thread.

        While the interpreter ends, no other thread runs: there SIGALRM, which has no handler, ends the process.
        """
        time.sleep(max(0.0, self._heard.get() + self._grace * _HARD_END_AT - time.monotonic()))
        # In a thread of its own, since the log may be what hangs.
        last_line = threading.Thread(target=self._say_what_is_left, daemon=True)
        last_line.start()
        last_line.join(_LAST_LINE)
        os._exit(HARD_END)

    def _say_what_is_left(self) -> None:
        left = ", ".join(self._left()) or "the end of the process itself"
        log.error(
            "the process ends now, %g s after it was told to. This has not ended: %s. The outcome of a command that "
            "was under way is not known, and Leases run out.",
            self._grace * _HARD_END_AT,
            left,
        )
