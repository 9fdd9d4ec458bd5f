"""A clock that a test sets."""


class Clock:
    """Stands still until it is told otherwise. now: seconds."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
