"""The executor: send the commands of a pass, and remember between passes what became of them.

Commands are sent in order for one host object and for one volume, else concurrently. Every command that was sent to
change the array is a line of JSON in the change log, whatever its result; docs/change-log.md describes each key. It
contains no secrets: commands are written masked, and secrets of a command are also masked in the array's answer.

The deletion debounce, the commands in doubt, the refusals and the counted detaches are in memory and start empty after
a restart.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from flashsystem_operator import logs
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.metadata import Asked, ObjectRef
from flashsystem_operator.array.commands import (
    ChangeHost,
    HostStep,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    Step,
    UnmapVolume,
    is_observed,
    shown,
    without_secrets,
)
from flashsystem_operator.array.discovery import protection
from flashsystem_operator.array.errors import ArrayError, OutcomeUnknown, Refused, Unreachable, Unreadable, Withheld
from flashsystem_operator.array.model import Inventory, Volume
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.array.queries import Found, Known, as_sent
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.volume_commands import CreateVolume, RemoveVolume, VolumeStep
from flashsystem_operator.controller.cache import Cache, in_thread
from flashsystem_operator.controller.kube.errors import KubeError
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.logs import CHANGES
from flashsystem_operator.planner import codes, policies
from flashsystem_operator.planner.batch import protected_wait
from flashsystem_operator.planner.decision import Act, Decision, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.events import ChangeReason
from flashsystem_operator.values import HostName, SystemId, VolumeName, VolumeUid

_log = logging.getLogger(CHANGES)
_MAX_ANSWER = 2000
"""Characters of an answer that are kept, to bound the length of a line."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A step with its array, its owner and its reason.

    known: what the step is based on. generation, deleting, asked: the owner's state when the step was planned.
    undoes: whether it reverts the result of a command that the operator sent a moment ago, which nothing uses yet.
    """

    array: ObjectRef
    system: SystemId | None
    owner: ObjectRef
    uid: str
    generation: int
    cause: ChangeReason
    step: Step
    known: Known = field(default_factory=Known)
    deleting: bool = False
    asked: Asked = field(default_factory=Asked)
    undoes: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """When a command was sent, the seconds until its answer, and its error, if any.

    created: the volume that it created, if it created one and that could be read.
    """

    at: datetime
    seconds: float
    error: Exception | None = None
    created: Volume | None = None


def write_change(operation: Operation, sent: Sent) -> None:
    _log.info(json.dumps(record(operation, sent)))


def record(operation: Operation, sent: Sent) -> dict[str, object]:
    """Return the line before it is JSON. `code` and `words` exist only if the command did not simply succeed."""
    step, error = operation.step, sent.error
    # The objects of the command under keys of their own, so that searches need not parse command lines.
    about: dict[str, object] = {"host": step.host} if isinstance(step, HostStep) else {}
    if isinstance(step, CreateVolume):
        about |= {"volume": step.volume} | ({"volumeUID": sent.created.uid} if sent.created else {})
    elif isinstance(step, MapVolume | UnmapVolume | VolumeStep):
        about |= {"volume": step.volume, "volumeUID": step.uid}
    result: dict[str, object]
    match error:
        case None:
            result = {"result": "done"}
        case Refused(code=code, words=words):
            result = {"result": "refused", "code": code, "words": _answer(step, words)}
        case OutcomeUnknown() | Unreadable():
            result = {"result": "unknown", "words": _answer(step, str(error))}
        case _:
            result = {"result": "not sent", "words": _answer(step, str(error))}
    return {
        "time": sent.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "array": {"namespace": operation.array.namespace, "name": operation.array.name, "system": operation.system},
        "resource": {
            "kind": operation.owner.kind.value,
            "namespace": operation.owner.namespace,
            "name": operation.owner.name,
        },
        "uid": operation.uid,
        "generation": operation.generation,
        "why": operation.cause.why.value,
        "because": operation.cause.because,
        "command": shown(as_sent(step, operation.known)),
        **about,
        **result,
        "seconds": round(sent.seconds, 3),
    }


def _answer(step: Step, answer: str) -> str:
    return without_secrets(step, answer)[:_MAX_ANSWER]


log = logging.getLogger(__name__)


_OVER = "the pass reached its time limit; this is planned again after the array was read again"
_NOT_RECORDED = "its owner's status or finalizer could not be written before"


class NotDone(Exception):
    """A step was not sent: a step that it depends on failed."""


class Postponed(Withheld):
    """A step was not sent: its pass reached its time limit. It is requeued at once, and the array is read again."""


class WrongVolume(Exception):
    """A command mapped another volume than intended, or to another host object."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mapping that one of our commands created by mistake. problem: why it could not be removed."""

    operation: Operation
    made: VolumeMapping
    problem: Exception | None


WhyNot = Callable[[Operation], str]
"""Why a step may not be sent now, in a sentence; empty if it may. Called from threads."""


def why_not(operation: Operation, cache: Cache, *, leased: bool, paused: str) -> str:
    """Return why this command may not be sent now, by the current cache; empty if it may.

    The plan may be outdated, and a pause is an emergency stop.
    leased: whether this replica holds the Lease of the array. paused: what pauses all arrays; empty if nothing does.
    A command that reverts a mistake of ours belongs to the command that made it: only a pause stops it, whatever the
    owner's spec is now.
    """
    if not leased:
        return "the Lease of this array was lost"
    if paused:
        return f"{paused} is set"
    entry, array = cache.get(operation.owner), cache.get(operation.array)
    if entry is not None and entry.meta.uid != operation.uid:
        entry = None
    if not operation.undoes and (array is None or array.resource is None or entry is None):
        return f"{operation.owner} or its array is gone"
    above = [each.meta for each in (array, entry) if each is not None]
    counted = entry.counted if entry is not None else None
    if isinstance(counted, VolumeAttachment) and (host := cache.get(counted.host)) is not None:
        above.append(host.meta)
    if any(meta.asked.paused for meta in above):
        return f"{operation.owner} is paused"
    if any(meta.asked.plan for meta in above):
        return f"{operation.owner} is in plan mode"
    if operation.undoes or entry is None:
        return ""
    planned = operation.generation, operation.deleting, replace(operation.asked, reconcile_requested_at=None)
    now = entry.meta.generation, entry.meta.deleting, replace(entry.meta.asked, reconcile_requested_at=None)
    if entry.why or planned != now:
        return f"{operation.owner} was changed after this was planned"
    return ""


@dataclass(slots=True)
class Results:
    """The results of the steps. errors: the first one of each owner. done: steps that the array confirmed.

    refused: by the array. withheld: by the operator, since something has changed after the plan.
    in_doubt: steps that may still be running. wrong: mappings that were created by mistake.
    seen: all mappings of host objects, as read right after the last volume was mapped to each.
    volumes: the mapped volumes, as read right before, and the created ones, as read right after.
    created: the volume of each step that created one. Only these are certainly ours.
    The sending threads write to it, so that nothing is lost when the pass is cancelled meanwhile.
    """

    errors: dict[ObjectRef, Exception] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)
    refused: list[Operation] = field(default_factory=list)
    withheld: list[Operation] = field(default_factory=list)
    in_doubt: list[Operation] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    seen: dict[HostName, tuple[VolumeMapping, ...]] = field(default_factory=dict)
    volumes: list[Volume] = field(default_factory=list)
    created: list[tuple[Operation, Volume]] = field(default_factory=list)

    def record(self, operation: Operation, error: Exception) -> None:
        self.errors.setdefault(operation.owner, error)
        if isinstance(error, Refused):
            self.refused.append(operation)
        elif isinstance(error, Withheld) and not isinstance(error, Postponed):
            self.withheld.append(operation)
        elif not isinstance(error, Unreachable | NotDone | Postponed | WrongVolume):
            # Also unexpected errors: until the array is read again it is unknown whether the command was sent.
            self.in_doubt.append(operation)
            if isinstance(operation.step, HostStep):
                self.seen.pop(operation.step.host, None)  # it was read before this command

    def learn(self, operation: Operation, found: Found | Volume | None) -> None:
        """Record what was read back after a command, if it is what was intended."""
        match found, operation.step:
            case Volume(), _:
                self.volumes.append(found)
                self.created.append((operation, found))
            case Found(rows=rows, volume=volume), MapVolume(host=host) if all(row.host == host for row in rows):
                self.seen[host] = rows
                self.volumes.append(volume)
            case _:
                pass


async def run(
    operations: Sequence[Operation],
    session: Session,
    why_not: WhyNot,
    results: Results,
    excluded: Collection[ObjectRef] = (),
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Send all operations. Returns when the last one is answered or given up.

    An operation waits for the previous one on the same host object and on the same volume, and is not sent if that
    failed: it depends on it. why_not: called with an open channel, right before each command is sent.
    excluded: owners whose operations, and those that depend on them, are not sent. is_over: whether the pass reached
    its time limit: then operations that were not sent are Postponed. Called from threads, like `why_not`.
    """
    last: dict[object, asyncio.Task[bool]] = {}
    async with asyncio.TaskGroup() as group:
        for operation in operations:
            before = {last[place] for place in operation.step.touches if place in last}
            check = why_not if operation.owner not in excluded else lambda _: _NOT_RECORDED
            task = group.create_task(_one(operation, before, session, check, results, is_over))
            last.update(dict.fromkeys(operation.step.touches, task))


async def _one(
    operation: Operation,
    before: Collection[asyncio.Task[bool]],
    session: Session,
    why_not: WhyNot,
    results: Results,
    is_over: Callable[[], bool],
) -> bool:
    """Send one operation after those before it. Return whether it was done."""
    if before:
        await asyncio.wait(before)
    if is_over():  # checked first: what it depends on was postponed as well, which is no failure
        results.record(operation, Postponed(_OVER))
        return False
    if not all(not task.cancelled() and task.result() for task in before):
        results.record(operation, NotDone("a command that this one depends on was not done"))
        return False
    return await in_thread(session.threads, lambda: _sent(operation, session, why_not, results, is_over))


def _sent(
    operation: Operation, session: Session, why_not: WhyNot, results: Results, is_over: Callable[[], bool]
) -> bool:
    """Send an operation and record its result. Return whether it was done. Blocking."""

    def check() -> None:
        if is_over():
            raise Postponed(_OVER)
        if why := why_not(operation):
            raise Withheld(why)

    at, began = datetime.now(UTC), time.monotonic()
    failed: Exception | None = None
    found: Found | Volume | None = None
    with logs.meanwhile_about(operation.owner):
        try:
            found = session.do(operation.step, check, operation.known)
            results.done.append(operation)
        except Exception as error:  # noqa: BLE001 - recorded; one step must not cost the others their results
            failed = error
            results.record(operation, error)
        if isinstance(failed, Withheld):
            log.debug("%s: %s was not sent: %s", operation.owner, type(operation.step).__name__, failed)
        else:
            created = found if isinstance(found, Volume) else None
            write_change(operation, Sent(at, time.monotonic() - began, failed, created))
        if failed is not None and not isinstance(failed, ArrayError | Withheld):
            log.error("%s: internal error while sending a command; please report it", operation.owner, exc_info=failed)
        if isinstance(failed, Refused) and not codes.known(failed):
            # Either the operator lacks this code, or it is new in the array's software.
            log.warning("%s: the array answered with an unknown code: %s. %s", operation.owner, failed, codes.UNKNOWN)
        if isinstance(found, Found) and found.wrong is not None and isinstance(operation.step, HostStep):
            results.seen.pop(operation.step.host, None)
            failed = _take_back(operation, found.wrong, session, why_not, results)
        else:
            results.learn(operation, found)
    return failed is None


def _take_back(
    operation: Operation, made: VolumeMapping, session: Session, why_not: WhyNot, results: Results
) -> WrongVolume:
    """Remove at once a mapping that our own command created by mistake. Return the error."""
    # By ids alone: host object or volume differ from the intended ones, and were not read before.
    known = Known(made.host_id, made.volume_id)
    undo = replace(operation, step=UnmapVolume(made.host, made.volume, made.uid), known=known, undoes=True)
    undone = Results()
    with session.finishing():  # also at a stop: no later pass would know that it has to be removed
        _sent(undo, session, why_not, undone, lambda: False)  # despite the time limit: it must not stay
    problem = undone.errors.get(operation.owner)
    results.in_doubt += undone.in_doubt
    results.wrong.append(Wrong(operation, made, problem))
    error = WrongVolume(
        "the command created another mapping than intended" + ("" if problem else ", which was removed")
    )
    results.record(operation, error)
    return error


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

    def __bool__(self) -> bool:
        """Whether any command may still take effect."""
        return bool(self._lost) or self.everything

    @property
    def hosts(self) -> frozenset[HostName]:
        return frozenset(lost.step.host for lost in self._lost if isinstance(lost.step, HostStep))

    @property
    def volumes(self) -> frozenset[str]:
        """Names and UIDs of volumes that may still be created, changed or deleted, and the new name of a renamed one.

        With the UIDs, since an administrator may rename one meanwhile.
        """
        steps = (lost.step for lost in self._lost)
        return frozenset(each for step in steps if isinstance(step, VolumeStep) for each in step.identifiers)

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


TAKING = (UnmapVolume, RemoveHost, RemovePort, RemoveIoGroups, ChangeHost, RemoveVolume)


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
            # The volumes that could be protected: the unmapped or deleted one, or all that are mapped to the host.
            volumes: Collection[VolumeName]
            if isinstance(operation.step, UnmapVolume | RemoveVolume):
                volumes = (operation.step.volume,)
            else:
                rows = inventory.on_host(operation.step.host).values()
                volumes = tuple(sorted({row.volume for each in rows for row in each}))
            try:
                found = protection(session, volumes)
            except (Refused, Unreadable):
                continue  # the array's settings of volume protection are unknown: the refusal is reported as it is
            if found is not None:
                self._kept[operation.step] = protected_wait(refused, found), self._clock() + self._seconds


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
        window = policies.current_window(desired.array, desired.now)
        fresh = sum(not policies.is_counted(uid, window, desired) for uid in uids)
        status = policies.count_detaches(desired.array, fresh, desired.now)
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
