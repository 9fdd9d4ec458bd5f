"""A clock that a test sets."""


class Clock:
    """A clock that stands still unless a test changes `now`. now: seconds."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
