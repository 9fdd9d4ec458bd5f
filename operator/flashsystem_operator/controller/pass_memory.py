"""What a worker remembers between passes: the deletion debounce, commands in doubt, refusals, counted detaches.

All of it is in memory, and starts empty after a restart.
"""

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
    is_observed,
)
from flashsystem_operator.array.discovery import protection
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller.executor import Results
from flashsystem_operator.controller.kube.errors import KubeError
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner import codes, detach_rate_limit
from flashsystem_operator.planner.batch import protected_wait
from flashsystem_operator.planner.decision import Act, Decision, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import HostName, VolumeName, VolumeUid


class DeletionDebounce:
    """The age of deletions, from when the worker first saw them: also after a restart. Belongs to one worker.

    `kubectl delete` of many objects takes a while: the first deletion must not be taken for all of them.
    seconds: how long after a deletion further ones of the same request may be expected.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def seconds_left(self, attachments: Iterable[VolumeAttachment]) -> Mapping[ObjectRef, float]:
        """Return the recent deletions, with the seconds that each is still held. attachments: all of the array."""
        now, leaving = self._clock(), [each for each in attachments if each.metadata.deleting]
        since = {each.metadata.uid: self._since.get(each.metadata.uid, now) for each in leaving}
        self._since = since
        remaining = ((each.ref, since[each.metadata.uid] + self._seconds - now) for each in leaving)
        return {ref: seconds for ref, seconds in remaining if seconds > 0}


@dataclass(frozen=True, slots=True)
class _Lost:
    step: Step
    until: float


class InDoubt:
    """Commands in doubt: their reply was lost, so they may still take effect. Belongs to one worker.

    seconds: how long such a command may still take effect.
    everything: whether a former holder of the Lease may still have commands under way.

    A command is no longer in doubt when its effect is seen, or after a read of the array that began when that time was
    over. A read that began before may have missed an effect that came during it.
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
    def seconds_left(self) -> float:
        """Seconds until a former holder of the Lease has no command under way."""
        return max(0.0, self._all_until - self._clock())

    def add(self, step: Step) -> None:
        self._lost.append(_Lost(step, self._clock() + self.seconds))

    def add_everything(self, seconds: float) -> None:
        self._all_until = self._clock() + seconds
        self.everything = True

    def now(self) -> float:
        """Return the time at which a read begins, for `review`."""
        return self._clock()

    def review(self, inventory: Inventory, began: float) -> None:
        """Drop the commands that this inventory resolves. began: when its read began."""
        self._lost = [lost for lost in self._lost if began < lost.until and not is_observed(lost.step, inventory)]
        self.everything = self.everything and began < self._all_until


TAKING = (UnmapVolume, RemoveHost, RemovePort, RemoveIoGroups, ChangeHost)


class RefusalCache:
    """Steps that volume protection refused. Belongs to one worker. seconds: how long such a step is not sent again.

    After a restart each is tried once more.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[Step, tuple[Wait, float]] = {}

    @property
    def held(self) -> Mapping[Step, Wait]:
        """The steps that are not sent now, with the decision instead, which has the remaining seconds."""
        now = self._clock()
        self._kept = {step: kept for step, kept in self._kept.items() if now < kept[1]}
        return {step: replace(wait, retry=until - now) for step, (wait, until) in self._kept.items()}

    def learn(self, session: Session, results: Results, inventory: Inventory) -> None:
        """Record the steps that volume protection refused. Blocking. inventory: read after the refusal."""
        for operation in results.refused:
            refused = results.errors.get(operation.owner)
            if (
                not isinstance(refused, Refused)
                or not isinstance(operation.step, TAKING)
                or is_observed(operation.step, inventory)
            ):
                continue
            known = codes.meaning(refused.code, codes.verb_of(refused.line))
            if known and known.severity is not codes.Severity.RETRY:
                continue  # a specific code: 9714E is about a portset without a common port, whatever the I/O
            try:
                found = protection(session, _volumes(operation.step, inventory))
            except (Refused, Unreadable):
                continue  # the array's settings of volume protection are unknown: the refusal is reported as it is
            if found is not None:
                self._kept[operation.step] = protected_wait(refused, found), self._clock() + self._seconds


def _volumes(step: Step, inventory: Inventory) -> tuple[VolumeName, ...]:
    """Return the volumes that could be protected: the unmapped one, or all that are mapped to the host."""
    if isinstance(step, UnmapVolume):
        return (step.volume,)
    return tuple(sorted({row.volume for rows in inventory.on_host(step.host).values() for row in rows}))


class DetachCounter:
    """Counts detaches for the rate limit. Belongs to one worker.

    counted: the start of the window in which each attachment was last counted, by its UID.
    After a restart a retried detach is counted again: one too many is safer than one too few.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.counted: dict[str, str] = {}

    async def record(
        self, desired: Desired, decisions: Mapping[ObjectRef, Decision], excluded: Collection[ObjectRef]
    ) -> dict[ObjectRef, KubeError]:
        """Count the attachments that are about to be unmapped. Return errors by attachment: these must stay mapped."""
        if desired.array.spec.detach_rate_limit is None:
            return {}
        acts = {ref: act for ref, act in decisions.items() if isinstance(act, Act) and ref not in excluded}
        going = [ref for ref, act in acts.items() if any(isinstance(step, UnmapVolume) for step in act.steps)]
        if not going:
            return {}
        uids = [desired.attachments[ref].metadata.uid for ref in going]
        window = detach_rate_limit.current_window(desired.array, desired.now)
        fresh = sum(not detach_rate_limit.is_counted(uid, window, desired) for uid in uids)
        status = detach_rate_limit.count(desired.array, fresh, desired.now)
        failed = await self._writer.all(
            [desired.array.ref], lambda ref: self._writer.status(ref, desired.array.metadata.uid, status)
        )
        if failed:
            return dict.fromkeys(going, failed[desired.array.ref])
        there = {each.metadata.uid for each in desired.attachments.values()}
        kept = {uid: start for uid, start in self.counted.items() if uid in there}
        # Replaced, not changed: a Desired may hold the former one.
        self.counted = kept | dict.fromkeys(uids, window.start or desired.now)
        return {}
