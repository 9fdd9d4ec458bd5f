"""Sends the commands of a pass: in order for one host object and for one volume, side by side otherwise."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from flashsystem_operator import logs
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.errors import ArrayError, Refused, Unreachable, Withheld
from flashsystem_operator.array.identity import Found, Known
from flashsystem_operator.array.model import Mapping, Volume
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller import change_log
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.change_log import Operation
from flashsystem_operator.controller.threads import in_thread
from flashsystem_operator.planner import codes
from flashsystem_operator.values import HostName

log = logging.getLogger(__name__)


_OVER = "the pass has taken its time; it is decided again after another look"


class NotDone(Exception):
    """A step was not sent: one that it stands on failed."""


class Postponed(Withheld):
    """A step was not sent: its pass has taken its time. Its turn comes again at once, with a new look."""


class WrongVolume(Exception):
    """A command mapped another volume, or to another host object, than was meant."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mapping that one of our commands made although another was meant. problem: why it could not be removed."""

    operation: Operation
    made: Mapping
    problem: Exception | None


WhyNot = Callable[[Operation], str]
"""Why a step may not be sent now, in a sentence; empty if it may. Called from threads."""


def why_not(operation: Operation, cache: Cache, *, leased: bool, paused: str) -> str:
    """Why this command may not be sent, by what is known at this very moment; empty if it may.

    What was decided a moment ago may not hold any more, and a pause is an emergency stop.
    leased: whether this replica has the Lease of the array. paused: what pauses all arrays; empty if nothing does.
    What undoes a mistake of ours belongs to the command that made it: only a pause stops it, whatever the owner wishes
    by now.
    """
    if not leased:
        return "the Lease of this array was lost"
    if paused:
        return f"{paused} is set"
    entry, array = cache.get(operation.owner), cache.get(operation.array)
    if entry is not None and entry.meta.uid != operation.uid:
        entry = None
    if not operation.undoes and (array is None or array.resource is None or entry is None):
        return f"{operation.owner} is gone, or its array is"
    above = [each.meta for each in (array, entry) if each is not None]
    counted = entry.counted if entry is not None else None
    if isinstance(counted, VolumeAttachment) and (host := cache.get(counted.host)) is not None:
        above.append(host.meta)
    if any(meta.asked.paused for meta in above):
        return f"{operation.owner} is paused"
    if any(meta.asked.plan for meta in above):
        return f"{operation.owner} is only to be planned"
    if operation.undoes or entry is None:
        return ""
    planned = operation.generation, operation.deleting, replace(operation.asked, reconcile_requested_at=None)
    now = entry.meta.generation, entry.meta.deleting, replace(entry.meta.asked, reconcile_requested_at=None)
    if entry.why or planned != now:
        return f"{operation.owner} was changed since this was planned"
    return ""


@dataclass(slots=True)
class Results:
    """What became of the steps. errors: the first one of each owner. done: those that the array says it did.

    refused, withheld: by the array, and by ourselves, since something is other than it was when this was planned.
    unsettled: those that may still be running. wrong: what was mapped although it was not meant.
    seen: all mappings of host objects, as they were right after the last volume was mapped to each.
    volumes: those that were mapped, as they were read right before.
    Written to from the threads that send, so that nothing of it is lost when the pass is cancelled meanwhile.
    """

    errors: dict[ObjectRef, Exception] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)
    refused: list[Operation] = field(default_factory=list)
    withheld: list[Operation] = field(default_factory=list)
    in_doubt: list[Operation] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    seen: dict[HostName, tuple[Mapping, ...]] = field(default_factory=dict)
    volumes: list[Volume] = field(default_factory=list)

    def record(self, operation: Operation, error: Exception) -> None:
        self.errors.setdefault(operation.owner, error)
        if isinstance(error, Refused):
            self.refused.append(operation)
        elif isinstance(error, Withheld) and not isinstance(error, Postponed):
            self.withheld.append(operation)
        elif not isinstance(error, Unreachable | NotDone | Postponed | WrongVolume):
            # Also what we did not expect: until another look nobody can say whether it was sent.
            self.in_doubt.append(operation)
            self.seen.pop(operation.step.host, None)  # that was before this one


async def run(
    operations: Sequence[Operation],
    session: Session,
    why_not: WhyNot,
    results: Results,
    excluded: Collection[ObjectRef] = (),
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Send all; returns when the last one is answered or given up.

    An errand waits for the one before it on the same host object and on the same volume, and is not done if that
    failed: it was planned upon it. why_not: asked with the channel in hand, right before each command is sent.
    barred: whose errands are not done, nor what stands on them. is_over: whether the pass has taken its time: then what
    was not sent by now is Postponed. Asked as `why_not` is, from threads.
    """
    last: dict[object, asyncio.Task[bool]] = {}
    async with asyncio.TaskGroup() as group:
        for operation in operations:
            before = {last[place] for place in _places(operation.step) if place in last}
            asked = why_not if operation.owner not in excluded else _not_recorded
            task = group.create_task(_one(operation, before, session, asked, results, is_over))
            last.update(dict.fromkeys(_places(operation.step), task))


async def _one(
    operation: Operation,
    before: Collection[asyncio.Task[bool]],
    session: Session,
    why_not: WhyNot,
    results: Results,
    is_over: Callable[[], bool],
) -> bool:
    """Whether it was done."""
    if before:
        await asyncio.wait(before)
    if is_over():  # asked first: what it stands on was postponed as well, and is no failure
        results.record(operation, Postponed(_OVER))
        return False
    if not all(not task.cancelled() and task.result() for task in before):
        results.record(operation, NotDone("a command that this one stands on was not done"))
        return False
    return await in_thread(session.threads, lambda: _sent(operation, session, why_not, results, is_over))


def _sent(
    operation: Operation, session: Session, why_not: WhyNot, results: Results, is_over: Callable[[], bool]
) -> bool:
    """Send it, and record what was wrong with it, if anything. Whether it was done."""

    def last_question() -> None:
        if is_over():
            raise Postponed(_OVER)
        if why := why_not(operation):
            raise Withheld(why)

    at, began = datetime.now(UTC), time.monotonic()
    failed: Exception | None = None
    found: Found | None = None
    with logs.meanwhile_about(operation.owner):
        try:
            found = session.do(operation.step, last_question, operation.known)
            results.done.append(operation)
        except Exception as error:  # noqa: BLE001 - recorded; one step must not cost the others their results
            failed = error
            results.record(operation, error)
        if not isinstance(failed, Withheld):
            change_log.write(operation, change_log.Sent(at, time.monotonic() - began, failed))
        if failed is not None and not isinstance(failed, ArrayError | Withheld):
            log.error("%s: internal error while sending a command; please report it", operation.owner, exc_info=failed)
        _warn(operation, failed)
        if found is not None and found.wrong is not None:
            results.seen.pop(operation.step.host, None)
            failed = _take_back(operation, found.wrong, session, why_not, results)
        elif found is not None and all(row.host == operation.step.host for row in found.rows):
            results.seen[operation.step.host] = found.rows
            results.volumes.append(found.volume)
    return failed is None


def _take_back(operation: Operation, made: Mapping, session: Session, why_not: WhyNot, results: Results) -> WrongVolume:
    """Remove at once what our own command mapped although it was not meant. Answers with what was wrong."""
    # By ids alone: who has it is not who was meant, and nothing of it was looked at before.
    known = Known(made.host_id, made.volume_id)
    undo = replace(operation, step=UnmapVolume(made.host, made.volume, made.uid), known=known, undoes=True)
    undone = Results()
    with session.finishing():  # also at a stop: no later pass would know that it is to be undone
        _sent(undo, session, why_not, undone, lambda: False)  # whatever the time: it must not stay
    problem = undone.errors.get(operation.owner)
    results.in_doubt += undone.in_doubt
    results.wrong.append(Wrong(operation, made, problem))
    error = WrongVolume("another mapping was made than was meant" + ("" if problem else ", and was removed"))
    results.record(operation, error)
    return error


def _warn(operation: Operation, failed: Exception | None) -> None:
    """What nobody knows is loud: it is either our gap or the array's news."""
    if isinstance(failed, Refused) and not codes.known(failed):
        log.warning(
            "%s: the array answered with a code that is not known: %s. %s", operation.owner, failed, codes.UNKNOWN
        )


def _not_recorded(_: Operation) -> str:
    return "what it is for could not be recorded first"


def _places(step: Step) -> tuple[object, ...]:
    """What a step needs for itself: its host object, its volume, and the initiators that it gives or takes."""
    match step:
        case MapVolume(host=host, uid=uid) | UnmapVolume(host=host, uid=uid):
            return host, uid
        case MakeHost(host=host, iqns=iqns) | AddPorts(host=host, iqns=iqns):
            return host, *iqns
        case RemovePort(host=host, iqn=iqn):
            return host, iqn
        case RemoveHost() | ChangeHost() | AddIoGroups() | RemoveIoGroups() | SetChap() | ClearChap():
            return (step.host,)
