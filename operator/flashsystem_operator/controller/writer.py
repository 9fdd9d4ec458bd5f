"""The writer of statuses, our finalizer and Events, and what an array's status reports. Only changes are written.

Events are written in the background, rate limited, without delaying or failing their callers: a repeated Event is
counted on the existing one; Events that cannot be written, or are too many, are dropped and logged. Conditions are
authoritative, Events are additional.

`Reports` writes the statuses of objects that use an array while it is not ready. What released objects leave on the
array is recorded in the array's status.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from flashsystem_operator.api.array import ArrayStatus, Audit, Counts, FormerHost
from flashsystem_operator.api.base import StatusModel, find, is_true, remember
from flashsystem_operator.api.metadata import (
    API_VERSION,
    RECONCILE_REQUESTED_AT,
    VOLUME_UID,
    Kind,
    ObjectMeta,
    ObjectRef,
)
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.controller.cache import STATUS_MODELS, Cache, Change, Clock, as_it_was
from flashsystem_operator.controller.kube.client import MANAGER, Body, Kube
from flashsystem_operator.controller.kube.errors import Conflict, Ending, KubeError, NotFound
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner import events, luns, policies, text
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.events import EventReason, EventRecord
from flashsystem_operator.planner.policies import apply_overrides, way_out
from flashsystem_operator.planner.text import conditions, kept

_REMEMBERED = 2000
"""Series whose Event is known, so that a repetition is counted; the least recently used is forgotten first."""
_AT_ONCE, _PER_SECOND = 100.0, 20.0
"""How many are written at once, and how many from then on."""
_AGAIN = 60.0
"""Seconds between two writes of one Event; repetitions in between are counted."""
_LENGTH = 1024
"""Characters of a message, as the API server's own limit for the newer kind of Event."""
_NOT_WRITTEN = "cannot write the Event %s of %s: %s"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Series:
    """One Event with its repetitions.

    name: from the API server, once it is written. written: when, by the clock. waits: whether it is in the queue.
    """

    about: ObjectRef
    uid: str
    news: EventRecord
    first: str
    last: str
    count: int = 0
    name: str = ""
    written: float = float("-inf")
    waits: bool = False


class Events:
    """The Events of one writer. Belongs to one event loop. The writing task exists while Events are queued.

    waiting: how many Events may be queued; further ones are dropped.
    """

    def __init__(self, kube: Kube, clock: Clock, waiting: int = 1000) -> None:
        self._kube = kube
        self._clock = clock
        self._waiting = waiting
        self._series = OrderedDict[tuple[str, str, str], _Series]()
        self._queue = deque[_Series]()
        self._task: asyncio.Task[None] | None = None
        self._tokens, self._filled = _AT_ONCE, clock()
        self._given_up = 0
        self._complained = False

    def record_events(self, about: ObjectRef, uid: str, news: EventRecord) -> None:
        """Queue an Event. Neither waits nor fails."""
        news = EventRecord(news.reason, " ".join(news.message.split())[:_LENGTH], news.warning)
        key, at = (uid, news.reason, news.message), now()
        series = self._series.setdefault(key, _Series(about, uid, news, first=at, last=at))
        self._series.move_to_end(key)
        if len(self._series) > _REMEMBERED:
            self._series.popitem(last=False)
        series.count, series.last = series.count + 1, at
        if series.waits or self._clock() - series.written < _AGAIN:
            return
        if len(self._queue) >= self._waiting:
            self._given_up += 1
            return
        series.waits = True
        self._queue.append(series)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())

    async def flush(self, seconds: float) -> None:
        """Wait until all Events are written, at most so many seconds; the remaining ones are dropped."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._task  # which ends with this wait

    async def _write_all(self) -> None:
        while self._queue:
            await self._turn()
            series = self._queue.popleft()
            series.waits, series.written = False, self._clock()
            try:
                await self._write(series)
            except Ending as error:  # usual when a whole namespace is deleted: the Event has no reader
                log.debug(_NOT_WRITTEN, series.news.reason, series.about, error)
            except KubeError as error:
                # Once, until an Event can be written again: the cause is usually the same for all.
                level = logging.DEBUG if self._complained else logging.WARNING
                log.log(level, _NOT_WRITTEN, series.news.reason, series.about, error)
                self._complained = True
            else:
                self._complained = False
        if self._given_up:
            log.warning("%d Events were not written: too many came at once", self._given_up)
            self._given_up = 0

    async def _turn(self) -> None:
        """Wait for the rate limit: a burst of `_AT_ONCE`, then `_PER_SECOND`."""
        now = self._clock()
        self._tokens = min(_AT_ONCE, self._tokens + (now - self._filled) * _PER_SECOND) - 1
        self._filled = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / _PER_SECOND)

    async def _write(self, series: _Series) -> None:
        about, news = series.about, series.news
        if series.name:
            try:
                patch = {"count": series.count, "lastTimestamp": series.last}
                await self._kube.patch_event(about.namespace, series.name, patch)
            except NotFound:  # the API server removes Events after an hour
                series.first, series.count = series.last, 1
            else:
                return
        body = {
            "metadata": {"generateName": f"{about.name[:200]}.", "namespace": about.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": about.kind.value,
                "namespace": about.namespace,
                "name": about.name,
                "uid": series.uid,
            },
            "reason": news.reason,
            "message": news.message,
            "type": "Warning" if news.warning else "Normal",
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "firstTimestamp": series.first,
            "lastTimestamp": series.last,
            "count": series.count,
        }
        series.name = await self._kube.event(about.namespace, body)


_SIDE_BY_SIDE = 32
"""Concurrent writes; more were not faster against a real API server."""

_FLUSH = 2.0
"""Seconds for which the end of a writer waits for Events."""


def now() -> str:
    """Return the time in the format of conditions: RFC 3339 in UTC, whole seconds."""
    return text.text(datetime.now(UTC))


class Writer:
    """The writer of one worker. Each response is stored in the cache, so that the next plan uses what was written."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
        self._events = Events(kube, time.monotonic)
        self._turn = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._doubtful: set[ObjectRef] = set()

    async def all(
        self, refs: Iterable[ObjectRef], write: Callable[[ObjectRef], Awaitable[None]]
    ) -> dict[ObjectRef, KubeError]:
        """Write concurrently for each object. Return the errors of those that failed, NotFound included."""
        failed: dict[ObjectRef, KubeError] = {}

        async def one(ref: ObjectRef) -> None:
            async with self._turn:
                try:
                    await write(ref)
                except KubeError as error:
                    failed[ref] = error

        async with asyncio.TaskGroup() as group:
            for ref in refs:
                group.create_task(one(ref))
        return failed

    async def status(self, ref: ObjectRef, uid: str, status: StatusModel) -> None:
        """Write a status if it differs from the one that the API server has. Raises KubeError.

        uid: of the object that the status belongs to, not of another one that was created with its name since.
        """
        was_known = await self._settle(ref)
        entry, desired = self._cache.get(ref), status.to_json()
        if entry is None or entry.tombstone:
            return
        _same(ref, uid, entry.meta)
        if entry.status != desired:
            if not was_known:
                # An earlier write of ours took effect after all. The same would be written again, with another time.
                raise Conflict(f"{ref} has a different status than the cache")
            write = self._kube.write_status(ref, entry.meta, entry.status, desired)
            self._cache.put(ref.kind, await self._write(ref, write))

    def remembered(self, ref: ObjectRef) -> StatusModel | None:
        """Return the status of an object in the cache, newer than the desired state of a pass that wrote to it."""
        entry = self._cache.get(ref)
        return remember(STATUS_MODELS[ref.kind], entry.status) if entry else None

    def uid(self, ref: ObjectRef) -> str:
        """Return the UID of the object that has this name now; empty if there is none."""
        entry = self._cache.get(ref)
        return entry.meta.uid if entry else ""

    async def guard(self, ref: ObjectRef, uid: str) -> None:
        """Add our finalizer to the object of this uid, unless it has it. Raises KubeError."""
        await self._settle(ref)
        entry = self._cache.get(ref)
        if entry is None:
            raise NotFound(f"{ref} is gone")
        _same(ref, uid, entry.meta)
        if not entry.meta.guarded:
            write = self._kube.write_finalizer(ref, entry.meta, present=True)
            self._cache.put(ref.kind, await self._write(ref, write))

    async def annotate(self, ref: ObjectRef, uid: str, volume_uid: str) -> None:
        """Write the UID of its volume to the annotation of a FlashSystemVolume, unless it is there. Raises KubeError.

        The one part of an object outside of its status that the operator writes, besides the finalizer: a restore
        without status must not lead to a second, empty volume.
        """
        await self._settle(ref)
        entry = self._cache.get(ref)
        if entry is None or entry.tombstone:
            return
        _same(ref, uid, entry.meta)
        if entry.meta.asked.volume_uid != volume_uid:
            write = self._kube.write_annotation(ref, entry.meta, VOLUME_UID, volume_uid)
            self._cache.put(ref.kind, await self._write(ref, write))

    async def release(self, ref: ObjectRef, decided: ObjectMeta) -> None:
        """Remove our finalizer. Raises KubeError.

        decided: the object's metadata when its release was decided. For another object it raises NotFound, for
            another version of it Conflict.
        """
        try:
            await self._settle(ref)
            entry = self._cache.get(ref)
            if entry is None:
                return
            _same(ref, decided.uid, entry.meta)
            if entry.tombstone:
                self._cache.remove(ref)
            elif entry.meta.resource_version != decided.resource_version:
                raise Conflict(f"{ref} was changed after its release was decided")
            elif entry.meta.guarded:
                body = await self._write(ref, self._kube.write_finalizer(ref, decided, present=False))
                if decided.deleting and not decided.other_finalizers:
                    self._cache.learn_end(ref, decided.uid)
                else:
                    self._cache.put(ref.kind, body)
        except NotFound:
            # Perhaps from an earlier attempt whose response was lost. The watch may have missed the deletion, too.
            self._cache.learn_end(ref, decided.uid)
            raise

    async def _write(self, ref: ObjectRef, write: Awaitable[Body]) -> Body:
        """Return the written object. If the write failed, its state is in doubt until it is read again."""
        try:
            return await write
        except NotFound:
            raise
        except BaseException:
            self._doubtful.add(ref)
            raise

    async def _settle(self, ref: ObjectRef) -> bool:
        """Read an object again if the effect of an earlier write is in doubt: else it might be written twice.

        Return whether the cache was right. Raises Conflict if users changed the object: the new write was decided on
        the old state.
        """
        entry = self._cache.get(ref)
        if ref not in self._doubtful or entry is None or entry.tombstone:
            self._doubtful.discard(ref)
            return True
        body = await self._kube.get(ref)
        self._compare(ref.kind, body)
        _, change = self._cache.put(ref.kind, body)
        self._doubtful.discard(ref)
        return change is Change.NOTHING

    async def confirm(self, owner: ObjectRef, uid: str, hosts: Collection[ObjectRef], planned: Desired) -> None:
        """Check with the API server that an object and all attachments of these hosts are as the plan assumes.

        To be called right before something is removed on the array: a watch may be late, and an attachment that needs
        it may have been created a moment ago; or the watch was in time, but the plan is older. Takes one request for a
        host with up to 500 attachments, and mostly no other. Raises Conflict or NotFound if something differs, and
        KubeError if the API server does not answer.
        """
        entry = self._cache.get(owner)
        if entry is None or entry.meta.uid != uid:
            raise NotFound(f"{owner} is gone")
        found = entry.tombstone
        for host in hosts:
            async for body in self._kube.list(Kind.ATTACHMENT, host.namespace, f"spec.hostRef.name={host.name}"):
                found = found or body["metadata"]["uid"] == uid
                self._compare(Kind.ATTACHMENT, body)
        if not found:
            body = await self._kube.get(owner)
            self._compare(owner.kind, body)
        if owner.kind is Kind.VOLUME:
            await self._confirm_unattached(owner, planned)
        for host in hosts:
            for ref, now in self._cache.attachments_of(host, planned.array.ref).items():
                before = planned.attachments.get(ref)
                if before is None or before.metadata.revision != now.metadata.revision:
                    raise Conflict(f"{ref} was changed after this was planned")

    async def _confirm_unattached(self, volume: ObjectRef, planned: Desired) -> None:
        """Check with the API server that no attachment of a volume that is to be deleted was created meanwhile.

        Of the namespace of the volume, where attachments may refer to it; those of other namespaces know it by its UID
        or name on the array, and are compared with the cache: the array refuses to delete a mapped volume.
        """
        async for body in self._kube.list(Kind.ATTACHMENT, volume.namespace, f"spec.volume.ref.name={volume.name}"):
            self._compare(Kind.ATTACHMENT, body)
        before = {*planned.attachments, *(each.ref for each in planned.referring.get(volume, ()))}
        if any(each.ref not in before for each in self._cache.attachments_of_volume(volume)):
            raise Conflict(f"an attachment of {volume} was created after its deletion was planned")

    def _compare(self, kind: Kind, body: Body) -> None:
        """Raise Conflict if users changed an object since it was cached."""
        meta = body["metadata"]
        ref = ObjectRef(kind, meta["namespace"], meta["name"])
        known = self._cache.get(ref)
        if known is not None and known.meta.resource_version == meta["resourceVersion"]:
            return
        if self._cache.change(kind, body) is Change.DESIRED:
            if known is None or known.meta.uid == meta["uid"]:  # else a watch has to show the old one's deletion first
                self._cache.learn(kind, body)
            raise Conflict(f"{ref} was changed a moment ago")

    def record_events(self, ref: ObjectRef, uid: str, news: Iterable[EventRecord]) -> None:
        """Queue Events about an object, also if it is about to be deleted. Never waits, never fails."""
        for each in news:
            self._events.record_events(as_it_was(ref), uid, each)

    async def release_unchanged(self, ref: ObjectRef, decided: ObjectMeta, left: str) -> None:
        """Do as `release`, and report in an Event what stays on the array, if anything. Raises KubeError."""
        if left:
            self.record_events(ref, decided.uid, [EventRecord(EventReason.LEFT_ON_ARRAY, left)])
        await self.release(ref, decided)

    async def close(self) -> None:
        """Wait a moment for the queued Events to be written."""
        await self._events.flush(_FLUSH)


def _same(ref: ObjectRef, uid: str, known: ObjectMeta) -> None:
    if known.uid != uid:
        raise NotFound(f"{ref} is gone, and another object has its name now")


_NOWHERE: Mapping[ObjectRef, Collection[str]] = MappingProxyType({})


async def remember_released(
    writer: Writer,
    array: ObjectRef,
    going: Collection[ObjectRef],
    on: Mapping[ObjectRef, Collection[str]] = _NOWHERE,
    freed: Iterable[FormerHost] = (),
) -> bool:
    """Record in the array's status what released objects leave on the array, before they go. Return whether it worked.

    Uses their statuses alone: the spec of a released object, or of the array, may be unreadable.
    going: the objects. on: the host objects on which mappings stay, where these may differ from the recorded ones.
    freed: the quarantined LUNs of hosts whose FlashSystemHosts go.
    """
    before = writer.remembered(array)
    known = ((status, on.get(ref, ())) for ref in going if (status := writer.remembered(ref)))
    leaving = [each for status, hosts in known for each in audits.left_on(status, hosts)]
    former = [each for each in freed if each.luns]
    if not (leaving or former) or not isinstance(before, ArrayStatus):
        return True
    audit, status = audits.remembering(before.audit, leaving), before
    if audit != (before.audit or Audit()):
        status = status.model_copy(update={"audit": audit})
    if former:
        quarantined = luns.remembering(before.quarantined_luns, former, now())
        status = status.model_copy(update={"quarantined_luns": quarantined})
    uid = writer.uid(array)
    return not await writer.all([array], lambda ref: writer.status(ref, uid, status))


class Reports:
    """The reports of one worker."""

    def __init__(self, cache: Cache, writer: Writer) -> None:
        self._cache = cache
        self._writer = writer

    async def array(
        self,
        desired: Desired,
        verdict: InSync | Refuse,
        inventory: Inventory,
        contact: array_plan.Contact,
        *,
        survey: bool,
    ) -> None:
        """Write the array's status after it was read. survey: all of it was read, so that the audit is complete."""
        audit = audits.audit(desired, inventory) if survey and self._cache.legible else None
        decided: Decision
        if desired.array.metadata.deleting:  # then its status shows what the deletion waits for
            below = (desired.hosts, desired.volumes, desired.attachments)
            gone = array_plan.plan_gone(desired.array, *(len(some) for some in below))
            held = apply_overrides(gone, desired.array, desired)
            decided = verdict if isinstance(held, Release) else held
        else:
            decided = apply_overrides(verdict, desired.array, desired)
        decision = _noted(luns.of_array(decided, inventory), desired, policies.rate_limit_note(desired))
        counts = Counts(
            hosts=len(inventory.hosts),
            mappings=sum(len(rows) for host in inventory.hosts for rows in inventory.on_host(host).values()),
            volumes=len(desired.volumes),
            attachments=len(desired.attachments),
        )
        status = array_plan.reached(desired.array, decision, inventory, contact, counts, now(), audit)
        uid = desired.array.metadata.uid
        failed = await self._writer.all([desired.array.ref], lambda ref: self._writer.status(ref, uid, status))
        for error in failed.values():
            raise error
        self._record_events(desired, status)

    @staticmethod
    def is_outdated(desired: Desired) -> bool:
        """Whether the array's condition DetachRateLimited differs from the deletions that wait for the rate limit."""
        wanted = policies.rate_limit_note(desired)
        condition = find(desired.array.status.conditions, policies.RATE_LIMITED)
        message = condition.message if condition and condition.status == "True" else None
        return message != (wanted.message if wanted else None)

    async def down(
        self, desired: Desired, cause: Wait | Refuse, due: Collection[ObjectRef], secret: str | None
    ) -> set[ObjectRef]:
        """Write why the array is not ready: on the array, and on the objects below it that are not Ready.

        Return the objects that still exist and could not be written.
        """
        decision = _noted(apply_overrides(cause, desired.array, desired), desired)
        status = array_plan.unreached(desired.array, decision, now(), secret)
        uid = desired.array.metadata.uid
        failed = await self._writer.all([desired.array.ref], lambda ref: self._writer.status(ref, uid, status))
        if not failed:
            self._record_events(desired, status)
        refs = due if desired.array.ref not in due else (*desired.hosts, *desired.volumes, *desired.attachments)
        below = [ref for ref in refs if ref != desired.array.ref]
        failed |= await self._writer.all(below, lambda ref: self._not_ready(ref, desired, cause))
        return {ref for ref, error in failed.items() if not isinstance(error, NotFound)}

    def _record_events(self, desired: Desired, status: ArrayStatus) -> None:
        """Record Events on the array only: all objects below it wait for the same."""
        self._writer.record_events(
            desired.array.ref, desired.array.metadata.uid, events.of_array(desired.array, status)
        )

    async def _not_ready(self, ref: ObjectRef, desired: Desired, cause: Wait | Refuse) -> None:
        """Write that an object waits for the array. One that was Ready stays Ready unless its spec has changed."""
        resource = desired.resource(ref)
        if resource is None or resource.unreadable:
            return
        meta, before = resource.metadata, resource.status
        # A requested reconciliation is one attempt. A request that accepts drift is kept until the array is ready.
        echo = before.last_handled_reconcile_at if kept(before.conditions) else meta.asked.reconcile_requested_at
        before = before.model_copy(update={"last_handled_reconcile_at": echo})
        settled = before.observed_generation == meta.generation and is_true(before.conditions, "Ready")
        if settled and not meta.deleting:
            await self._writer.status(ref, meta.uid, before)
            return
        message = f"{desired.array.ref} is not ready; see its conditions."
        if cause.reason is Reason.LOGIN_FAILED:
            message = (
                f"The array refused the login of {desired.array.ref}. The operator retries within an hour, or at once "
                f"after annotation {RECONCILE_REQUESTED_AT} on the FlashSystemArray."
            )
        if meta.deleting:
            message += f" If it is not coming back, {way_out(meta)}."
        wait = Wait(Reason.ARRAY_NOT_READY, message, kept(before.conditions))
        after = conditions(wait, before.conditions, meta.generation, now())
        await self._writer.status(
            ref, meta.uid, before.model_copy(update={"conditions": after, "observed_generation": meta.generation})
        )


def _noted(decision: Decision, desired: Desired, *further: Note | None) -> Decision:
    """Add notes: about unusable access rules, whether or not the array answers, and further notes of a pass."""
    notes = [note for note in (desired.tenancy.unusable(), *further) if note is not None]
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision
