"""When an object that nobody watches is read again, so that what was changed by hand is put right in time.

At each look while there are few. With many, none sooner than the API server can bear: ten thousand Secrets at each
look would be more than everything else that the operator asks.
"""

import hashlib
import json
import random
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Any

from flashsystem_operator.controller.delays import Clock

APART = 0.3
"""Seconds between two readings, on the average: two hundred a minute."""


@dataclass(slots=True)
class _Known:
    wished: Hashable
    until: float


def digest(wished: Any) -> str:
    """Of anything that is JSON, secrets too: what is wished is to be known again, and not to be kept."""
    return hashlib.sha256(json.dumps(wished, sort_keys=True).encode()).hexdigest()


class Rereading:
    """What is known to be as wished, of each object of one array."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def is_due(self, uid: str, wished: Hashable) -> bool:
        """Whether something else is wished than was seen, or it is time to look again."""
        known = self._known.get(uid)
        return known is None or known.wished != wished or self._clock() >= known.until

    def seen(self, uid: str, wished: Hashable) -> None:
        """It is as wished now."""
        rest = APART * len(self._known) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._known[uid] = _Known(wished, self._clock() + rest)

    def forget(self, uid: str) -> None:
        self._known.pop(uid, None)

    def keep_only(self, there: Collection[str]) -> None:
        """Forget all others: they would be in memory for ever, and let those that are there wait the longer."""
        self._known = {uid: known for uid, known in self._known.items() if uid in there}
