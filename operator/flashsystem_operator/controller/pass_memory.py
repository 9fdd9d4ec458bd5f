"""How fresh a deletion is. `kubectl delete` of many objects takes a while: the first must not be taken for all."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import (
    ChangeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.discovery import protection
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller.executor import Results
from flashsystem_operator.controller.kube.client import KubeError
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner import codes
from flashsystem_operator.planner.decision import Act, Decision, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.safety import detach_rate_limit
from flashsystem_operator.planner.safety.volume_protection import guarded
from flashsystem_operator.values import HostName, VolumeName, VolumeUid


class DeletionDebounce:
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


@dataclass(frozen=True, slots=True)
class _Lost:
    step: Step
    until: float


class InDoubt:
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

    def review(self, inventory: Inventory, began: float) -> None:
        """Drop what this view settles, of a look that began then."""
        self._lost = [lost for lost in self._lost if began < lost.until and not inventory.shows(lost.step)]
        self.everything = self.everything and began < self._all_until


TAKING = (UnmapVolume, RemoveHost, RemovePort, RemoveIoGroups, ChangeHost)


class RefusalCache:
    """Belongs to one worker. seconds: how long a refused step rests. A restart forgets, and so asks once more."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[Step, tuple[Wait, float]] = {}

    @property
    def held(self) -> Mapping[Step, Wait]:
        """The steps that rest, with what is said instead, and for how many seconds yet."""
        now = self._clock()
        self._kept = {step: kept for step, kept in self._kept.items() if now < kept[1]}
        return {step: replace(wait, retry=until - now) for step, (wait, until) in self._kept.items()}

    def learn(self, session: Session, results: Results, inventory: Inventory) -> None:
        """After a pass: was it volume protection that refused? Blocking. view: of a look after the refusal."""
        for operation in results.refused:
            refused = results.errors.get(operation.owner)
            if (
                not isinstance(refused, Refused)
                or not isinstance(operation.step, TAKING)
                or inventory.shows(operation.step)
            ):
                continue
            known = codes.meaning(refused.code, codes.verb_of(refused.line))
            if known and known.severity is not codes.Severity.RETRY:
                continue  # a code of its own: 9714E names a portset without a common port, whatever the I/O
            try:
                found = protection(session, _volumes(operation.step, inventory))
            except (Refused, Unreadable):
                continue  # what the array says of its protection we cannot tell: then the refusal speaks for itself
            if found is not None:
                self._kept[operation.step] = guarded(refused, found), self._clock() + self._seconds


def _volumes(step: Step, inventory: Inventory) -> tuple[VolumeName, ...]:
    """The volumes that could be guarded: the one that is taken, or all that the host sees."""
    if isinstance(step, UnmapVolume):
        return (step.volume,)
    return tuple(sorted({row.volume for rows in inventory.on_host(step.host).values() for row in rows}))


class DetachCounter:
    """Belongs to one worker. counted: when each attachment was counted last, by its uid.

    A restart forgets that, and counts anew who is tried again: rather one too many than one too few.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.counted: dict[str, str] = {}

    async def record(
        self, desired: Desired, decisions: Mapping[ObjectRef, Decision], excluded: Collection[ObjectRef]
    ) -> dict[ObjectRef, KubeError]:
        """Count what is about to be unmapped; answers with whom that failed for: nothing may be unmapped for these."""
        going = [ref for ref in _unmapping(decisions) if ref not in excluded]
        if desired.array.spec.detach_rate_limit is None or not going:
            return {}
        uids = [desired.attachments[ref].metadata.uid for ref in going]
        again = [self.counted[uid] for uid in uids if uid in self.counted]
        status = detach_rate_limit.count(desired.array, len(going) - len(again), again, desired.now)
        failed = await self._writer.all(
            [desired.array.ref], lambda ref: self._writer.status(ref, desired.array.metadata.uid, status)
        )
        if failed:
            return dict.fromkeys(going, failed[desired.array.ref])
        there = {each.metadata.uid for each in desired.attachments.values()}
        kept = {uid: time for uid, time in self.counted.items() if uid in there}
        self.counted = kept | dict.fromkeys(uids, desired.now)  # a World that has the former one does not change
        return {}


def _unmapping(decisions: Mapping[ObjectRef, Decision]) -> Iterable[ObjectRef]:
    return (
        ref
        for ref, decision in decisions.items()
        if isinstance(decision, Act) and any(isinstance(step, UnmapVolume) for step in decision.steps)
    )
