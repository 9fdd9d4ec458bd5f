"""Sees to it that a test leaves nothing open. Import the fixture into a test module; it works by itself."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Every thread of the test has ended; a socket left open is a ResourceWarning, which is an error."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until:
        # A thread that was stopped needs a moment to end.
        time.sleep(0.01)
    assert not left
    gc.collect()
