"""How fresh a deletion is. `kubectl delete` of many objects takes a while: the first must not be taken for all."""

from collections.abc import Callable, Iterable, Mapping

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.kinds import ObjectRef


class Settling:
    """Belongs to one worker, and counts from when it first heard of a deletion: also after a restart.

    seconds: how long after a deletion another one may be expected that was meant with it.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def rest(self, attachments: Iterable[VolumeAttachment]) -> Mapping[ObjectRef, float]:
        """The deletions that are fresh, with the seconds until they are not. attachments: all that there are."""
        now, leaving = self._clock(), [each for each in attachments if each.metadata.deleting]
        since = {each.metadata.uid: self._since.get(each.metadata.uid, now) for each in leaving}
        self._since = since
        rests = ((each.ref, since[each.metadata.uid] + self._seconds - now) for each in leaving)
        return {ref: rest for ref, rest in rests if rest > 0}
