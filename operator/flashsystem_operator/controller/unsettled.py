"""Host objects on which a command may still be running whose answer was lost."""

from collections.abc import Callable
from dataclasses import dataclass

from flashsystem_operator.array.commands import MapVolume, Step, UnmapVolume
from flashsystem_operator.array.view import View
from flashsystem_operator.values import HostName, VolumeUid


@dataclass(frozen=True, slots=True)
class _Lost:
    step: Step
    until: float


class Unsettled:
    """seconds: how long a command whose answer was lost may still take effect.

    everything: whether a former holder of the Lease may still have commands under way.

    A lost command is settled when its effect is seen, or by a look that began when that time was over. A look that
    began before may have missed what came in its midst.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self._lost: list[_Lost] = []
        self._all_until = float("-inf")
        self.everything = False

    @property
    def hosts(self) -> frozenset[HostName]:
        return frozenset(lost.step.host for lost in self._lost)

    @property
    def pairs(self) -> frozenset[tuple[HostName, VolumeUid]]:
        """Hosts and volumes between which a mapping may still come or go."""
        steps = (lost.step for lost in self._lost)
        return frozenset((step.host, step.uid) for step in steps if isinstance(step, MapVolume | UnmapVolume))

    @property
    def rest(self) -> float:
        """Seconds until it has none."""
        return max(0.0, self._all_until - self._clock())

    def add(self, step: Step) -> None:
        self._lost.append(_Lost(step, self._clock() + self.seconds))

    def add_everything(self, seconds: float) -> None:
        self._all_until = self._clock() + seconds
        self.everything = True

    def now(self) -> float:
        """To be kept when a look begins, for `review`."""
        return self._clock()

    def review(self, view: View, began: float) -> None:
        """Drop what this view settles, of a look that began then."""
        self._lost = [lost for lost in self._lost if began < lost.until and not view.shows(lost.step)]
        self.everything = self.everything and began < self._all_until
