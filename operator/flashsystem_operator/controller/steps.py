"""Sends the commands of a pass: in order for one host object and for one volume, side by side otherwise."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flashsystem_operator import logs
from flashsystem_operator.api.kinds import ObjectRef
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
from flashsystem_operator.array.errors import ArrayError, OutcomeUnknown, Refused, Unreadable
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller import changelog
from flashsystem_operator.controller.changelog import Errand
from flashsystem_operator.reconcile import codes

log = logging.getLogger(__name__)


class NotDone(Exception):
    """A step was not sent: one that it stands on failed, or we may no longer write."""


@dataclass(slots=True)
class Results:
    """What became of the steps. errors: the first one of each owner. unsettled: those that may still be running."""

    errors: dict[ObjectRef, Exception] = field(default_factory=dict)
    refused: list[Errand] = field(default_factory=list)
    unsettled: list[Errand] = field(default_factory=list)


async def run(
    errands: Sequence[Errand], session: Session, may_write: Callable[[], bool], barred: Collection[ObjectRef] = ()
) -> Results:
    """Send all; returns when the last one is answered or given up.

    An errand waits for the one before it on the same host object and on the same volume, and is not done if that
    failed: it was planned upon it. may_write: asked right before each command. barred: whose errands are not done, nor
    what stands on them.
    """
    results, tasks = Results(), list[asyncio.Task[bool]]()
    last: dict[object, asyncio.Task[bool]] = {}
    for errand in errands:
        before = [last[place] for place in _places(errand.step) if place in last]
        allowed = may_write if errand.owner not in barred else _never
        task = asyncio.create_task(_one(errand, before, session, allowed, results))
        tasks.append(task)
        last.update(dict.fromkeys(_places(errand.step), task))
    await asyncio.gather(*tasks)
    return results


async def _one(
    errand: Errand,
    before: Iterable[Awaitable[bool]],
    session: Session,
    may_write: Callable[[], bool],
    results: Results,
) -> bool:
    try:
        await _done(before)
        await asyncio.get_running_loop().run_in_executor(session.threads, _send, errand, session, may_write)
    except (ArrayError, NotDone) as error:
        results.errors.setdefault(errand.owner, error)
        if isinstance(error, Refused):
            results.refused.append(errand)
        elif isinstance(error, OutcomeUnknown | Unreadable):
            results.unsettled.append(errand)
        return False
    return True


async def _done(before: Iterable[Awaitable[bool]]) -> None:
    if not all([await task for task in before]):
        raise NotDone("a command that this one stands on was not done")


def _send(errand: Errand, session: Session, may_write: Callable[[], bool]) -> None:
    if not may_write():
        raise NotDone("the Lease of this array was lost")
    at, began = datetime.now(UTC), time.monotonic()
    failed: Exception | None = None
    with logs.meanwhile_about(errand.owner):
        try:
            session.do(errand.step)
        except Exception as error:
            failed = error
            raise
        finally:
            changelog.write(errand, changelog.Sent(at, time.monotonic() - began, failed))
            _warn(errand, failed)


def _warn(errand: Errand, failed: Exception | None) -> None:
    """What nobody knows is loud: it is either our gap or the array's news."""
    if isinstance(failed, Refused) and not codes.known(failed):
        log.warning("%s: the array answered with a code that is not known: %s. %s", errand.owner, failed, codes.UNKNOWN)


def _never() -> bool:
    return False


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
