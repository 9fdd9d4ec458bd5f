"""How old an array's command line is: what was added when, as one number that can be compared."""

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["legacy", "modern"]

EVER = (0,)
NEVER = (99,)
LEGACY_UNTIL = (1,)
"""Where what only the legacy products have ends: below every release of the modern ones."""
SITES = (7,)
HOST_CLUSTERS = (7, 7)
EIGHT = (8,)
PROTOCOLS = (8, 3)
PORTSETS = (8, 4, 2)
PORTSET_TYPES = (8, 5)
PARTITIONS = (8, 7)
NINE_ONE = (9, 1)


@dataclass(frozen=True, slots=True)
class Level:
    """A dialect and a release. The legacy products count as older than every release of the modern ones."""

    legacy: bool
    release: tuple[int, ...]

    @classmethod
    def of(cls, dialect: Dialect, release: str) -> "Level":
        return cls(dialect == "legacy", tuple(int(part) for part in release.split(".")))

    def at(self, *release: int) -> bool:
        """Whether what came with this release is here."""
        return self.within(release)

    def within(self, since: tuple[int, ...], until: tuple[int, ...] = NEVER) -> bool:
        age = EVER if self.legacy else self.release
        return since <= age < until
