"""Progress on stderr: one line for each step, and further lines while something takes long."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

QUIET_FOR = 15.0  # seconds without output that a user, or the log of a build machine, should have to bear


def report(sentence: str) -> None:
    """Write one line, at once."""
    _write(f"cluster: {sentence}\n")


@contextlib.contextmanager
def reported(work: str, *, every: float | None = None) -> Iterator[None]:
    """Report that `work` began, that it still goes on, and how long it took."""
    terminal = sys.stderr.isatty()
    over = threading.Event()
    began = time.monotonic()
    pause = every or (1 if terminal else QUIET_FOR)
    # A daemon: Ctrl-C may come before anything can end it, and must not have to wait for it.
    reporter = threading.Thread(target=_report, args=(work, began, over, pause), daemon=True)
    report(f"{work} ...")
    outcome = "failed after"
    try:
        reporter.start()
        yield
        outcome = "took"
    finally:
        over.set()
        if reporter.is_alive():
            reporter.join()
        report(f"{work} {outcome} {time.monotonic() - began:.0f} s")


def _report(work: str, began: float, over: threading.Event, every: float) -> None:
    terminal = sys.stderr.isatty()
    while not over.wait(every):
        line = f"{work} ... {time.monotonic() - began:.0f} s"
        if terminal:
            _write(f"\rcluster: {line}")
        else:
            report(line)
    if terminal:
        _write("\r\033[K")  # clears the line


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
