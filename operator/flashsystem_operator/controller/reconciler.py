"""The reconciler: one pass over the due objects of one array.

A pass reads the array, plans, records its intent in the cluster, sends commands, reads the array again, and writes
statuses and Events. Its result tells the worker which objects to requeue, and when.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.base import is_true
from flashsystem_operator.api.host import FlashSystemHost, HostStatus, Lifecycle
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeStatus
from flashsystem_operator.array.commands import AddPorts, HostStep, MapVolume, RemoveHost, RemovePort, UnmapVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.queries import known
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.volume_commands import CreateVolume, RemoveVolume
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.cache import in_thread
from flashsystem_operator.controller.executor import (
    TAKING,
    DetachCounter,
    InDoubt,
    Operation,
    Postponed,
    RefusalCache,
    Results,
    WhyNot,
)
from flashsystem_operator.controller.kube.errors import Conflict, KubeError, NotFound
from flashsystem_operator.controller.metrics.recorder import Meter
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.controller.outputs import Outputs
from flashsystem_operator.controller.writer import Writer, remember_released
from flashsystem_operator.planner import batch, events, luns, status
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import (
    OBSTRUCTED,
    UNSEEN,
    Act,
    Decision,
    InSync,
    Reason,
    Refuse,
    Release,
    Wait,
)
from flashsystem_operator.planner.desired import Desired, Worked
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.events import ChangeKind, EventRecord, change_reason_of
from flashsystem_operator.planner.status import Outcome

log = logging.getLogger(__name__)

MAX_COMMANDS = 100
"""Commands of one pass that change the array: limits how outdated the read is on which the last one is based."""

MAX_SECONDS = 60.0
"""Seconds in which a pass sends commands, except the first: the same limit for a slow array."""

_CONFIRMED_WITHIN = 60.0
"""Seconds that a thread waits for the API server before it gives up a command that would remove something."""

_TAKES = UnmapVolume | RemovePort | RemoveHost | AddPorts | RemoveVolume
"""Commands that may resolve the obstruction of other objects."""

_ENDS_BY_ITSELF = {Reason.OUTCOME_UNKNOWN, Reason.HANDING_OVER}
"""Reasons of waiting that end without an event: by reading the array, or after a write to another object."""

AnyStatus = HostStatus | VolumeStatus | AttachmentStatus

DesiredOf = Callable[[str], Desired]
"""Returns the current desired state, given why the array is closed (empty if it is open)."""


@dataclass(slots=True)
class Ended:
    """The result of a pass.

    again: objects to requeue, with the seconds until then (None: by their back-off).
    obstructed: objects that something on the array obstructs.
    freed: whether something was removed on the array, so that obstructed objects may be retried.
    """

    inventory: Inventory
    verdict: InSync | Refuse
    acted: bool
    again: dict[ObjectRef, float | None] = field(default_factory=dict)
    obstructed: set[ObjectRef] = field(default_factory=set)
    freed: bool = False


def again(
    outcomes: Mapping[ObjectRef, Outcome], unwritten: Collection[ObjectRef], desired: Desired
) -> dict[ObjectRef, float | None]:
    """Return the objects to requeue, with the seconds until then (None: by their back-off)."""
    timed = {
        ref: each.decision.retry
        for ref, each in outcomes.items()
        if isinstance(each.decision, Wait) and each.decision.retry is not None
    }
    # While the whole array is in doubt, all objects wait for the same: the next pass over the array itself.
    ends_by_itself = frozenset() if desired.all_in_doubt else _ENDS_BY_ITSELF
    unfinished = (
        ref
        for ref, each in outcomes.items()
        if each.error
        or isinstance(each.decision, Act)
        or (isinstance(each.decision, Wait) and each.decision.reason in ends_by_itself)
        or (isinstance(each.decision, Refuse) and each.decision.reason in UNSEEN)
    )
    return {**dict.fromkeys(unfinished), **timed, **dict.fromkeys(unwritten)}


def obstructed(outcomes: Mapping[ObjectRef, Outcome]) -> set[ObjectRef]:
    """Return the objects that something on the array obstructs.

    Without those whose own command was refused or not sent: these back off, independent of other objects.
    """
    return {
        ref
        for ref, outcome in outcomes.items()
        if not outcome.error and isinstance(outcome.decision, Wait | Refuse) and outcome.decision.reason in OBSTRUCTED
    }


def frees(results: Results) -> bool:
    """Whether something that obstructs other objects was, or may have been, removed on the array.

    A refused command removes nothing. If it counted, two objects that the array refuses would wake each other in an
    endless loop.
    """
    return any(isinstance(operation.step, _TAKES) for operation in (*results.done, *results.in_doubt))


def without_refused(desired: Desired, results: Results) -> Desired:
    """Return the desired state without the recorded intent of volumes that the array refused to create.

    A volume that has such a name now is another one, however similar it is.
    """
    ends = {"intent": None, "origin": None, "name": None}
    volumes = dict(desired.volumes)
    for operation in results.refused:
        volume = volumes.get(operation.owner)
        if isinstance(operation.step, CreateVolume) and volume is not None and volume.status.uid is None:
            volumes[volume.ref] = volume.model_copy(update={"status": volume.status.model_copy(update=ends)})
    return replace(desired, volumes=volumes)


@dataclass(frozen=True, slots=True)
class Pass:
    """One reconciliation of an array's due objects.

    why_not: called right before each command is sent; see `executor.WhyNot`.
    observer_thread: the thread that reads the array and plans, so that no other array waits.
    """

    session: Session
    writer: Writer
    in_doubt: InDoubt
    refusal_cache: RefusalCache
    detach_counter: DetachCounter
    why_not: WhyNot
    observer_thread: ThreadPoolExecutor
    outputs: Outputs
    meter: Meter

    async def run(
        self, desired_of: DesiredOf, last: Inventory | None, due: Collection[ObjectRef], *, survey: bool
    ) -> Ended:
        """Reconcile the due objects. Raises ArrayError if the array cannot be read."""
        observer, began = Observer(self.session, last), self.in_doubt.now()
        observed_for = desired_of("")
        inventory = await in_thread(self.observer_thread, lambda: observer.first(observed_for, due, survey=survey))
        self.in_doubt.review(inventory, began)
        verdict = array_plan.check_array(observed_for.array, inventory.body)
        closed = verdict.message if isinstance(verdict, Refuse) else ""
        desired = with_vanished(desired_of(closed), inventory)
        due = _unchanged(due, observed_for, desired)
        in_use = await self.outputs.in_use(desired, due)
        found = desired = replace(desired, in_use=in_use)
        everything = await self._planned(desired, inventory, due)
        planned = decisions = within_bounds(everything)
        # Some of the due objects may be gone now. Nothing is decided about them, and they are not requeued.
        postponed = everything.keys() - planned.keys()
        due = [ref for ref in due if ref in planned]
        results, acted = executor.Results(), any(isinstance(decision, Act) for decision in decisions.values())
        failed = await self._record_intent(desired, inventory, decisions)
        failed |= await self.detach_counter.record(desired, decisions, failed)
        if acted:
            await self._act(desired, decisions, failed, observer, results)
            late = {ref for ref, error in results.errors.items() if isinstance(error, Postponed)}
            late -= {operation.owner for operation in results.done}
            postponed |= late
            due = [ref for ref in due if ref not in late]
            planned_for, desired = desired, replace(desired_of(closed), in_use=in_use, vanished=desired.vanished)
            desired = without_refused(desired, results)
            undone = failed.keys() | results.errors.keys()
            decisions = await self._planned(desired, inventory, _unchanged(due, planned_for, desired), undone)
        refused = {operation.owner for operation in results.refused}
        outcomes = {
            ref: Outcome(decision, failed.get(ref) or results.errors.get(ref), refused=ref in refused)
            for ref, decision in decisions.items()
        }
        waking = set[ObjectRef]()
        start = PassStart(found, planned)
        unwritten = await self._write_statuses(desired, inventory, outcomes, failed, start, waking)
        return Ended(
            inventory,
            verdict,
            acted,
            {**dict.fromkeys((*postponed, *waking), 0.0), **again(outcomes, unwritten, desired)},
            obstructed(outcomes),
            frees(results),
        )

    async def _planned(
        self, desired: Desired, inventory: Inventory, due: Sequence[ObjectRef], undone: Collection[ObjectRef] = ()
    ) -> batch.Decisions:
        """Plan in the observer's thread: thousands of objects take seconds, in which other arrays are worked and Leases
        renewed. Desired state and inventory belong to this pass, and nothing changes them meanwhile.
        """
        return await in_thread(self.observer_thread, lambda: batch.plan(desired, inventory, due, undone))

    async def _record_intent(
        self, desired: Desired, inventory: Inventory, decisions: Mapping[ObjectRef, Decision]
    ) -> dict[ObjectRef, Exception]:
        """Write finalizers and bindings before any command is sent. Return the objects for which that failed.

        Nothing is done for these in this pass.
        """
        kept = [ref for ref, decision in decisions.items() if isinstance(decision, Act | InSync)]
        volumes = [ref for ref in kept if ref in desired.volumes and not desired.volumes[ref].metadata.deleting]
        decided = ((desired.attachments.get(ref), decision) for ref, decision in decisions.items())
        live = [each for each, decision in decided if each is not None and status.needs_finalizer(each, decision)]
        parents = {attachment.host for attachment in live}
        # Hosts that have something of their own on the array, independent of attachments.
        parents |= {
            ref
            for ref in kept
            if (host := desired.hosts.get(ref)) is not None
            and (isinstance(decisions[ref], Act) or host.spec.lifecycle is Lifecycle.PERSISTENT)
        }
        failed: dict[ObjectRef, Exception] = {}

        # Not those that are being deleted: they can get no finalizer.
        below = (desired.hosts, desired.volumes, desired.attachments)
        everything = (desired.array, *(each for some in below for each in some.values()))
        uids = {each.ref: each.metadata.uid for each in everything if not each.metadata.deleting}
        children = [*volumes, *(attachment.ref for attachment in live)]
        for generation in ([desired.array.ref] if parents or volumes else [], parents, children):
            staying = [ref for ref in generation if ref in uids]
            failed |= await self.writer.all(staying, lambda ref: self.writer.guard(ref, uids[ref]))

        if error := failed.get(desired.array.ref):
            failed |= dict.fromkeys((*parents, *volumes), error)
        intents = status.intents_of_volumes(decisions, desired, inventory)

        async def record_volume(ref: ObjectRef) -> None:
            await self.writer.status(ref, desired.volumes[ref].metadata.uid, intents[ref])

        failed |= await self.writer.all(intents.keys() - failed.keys(), record_volume)
        hosts = status.intents_of_hosts(decisions, desired, inventory)

        async def record_host(ref: ObjectRef) -> None:
            await self.writer.status(ref, desired.hosts[ref].metadata.uid, hosts[ref].status)

        async def record(ref: ObjectRef) -> None:
            attachment = desired.attachments[ref]
            intent = status.intent_of_attachment(attachment, Outcome(decisions[ref]), desired, inventory, desired.now)
            if _bound(intent) != _bound(attachment.status):
                await self.writer.status(ref, attachment.metadata.uid, intent)

        unrecorded = await self.writer.all(hosts.keys() - failed.keys(), record_host)
        failed |= unrecorded
        # Nothing is done for attachments that would free a LUN that could not be recorded on its host, if that still
        # exists.
        failed |= {
            ref: error
            for host, error in unrecorded.items()
            if not isinstance(error, NotFound)
            for ref in hosts[host].freed_by
        }
        freed = luns.freed_of_former_hosts(decisions, desired, inventory)
        if not await remember_released(self.writer, desired.array.ref, (), freed=freed.values()):
            failed |= dict.fromkeys(freed, KubeError("cannot record the LUNs that are freed"))
        # Nothing is done for attachments whose host or array did not get our finalizer.
        array_error = failed.get(desired.array.ref)
        failed |= {
            attachment.ref: error
            for attachment in live
            if (error := array_error or failed.get(attachment.host)) is not None
        }
        acting = [each.ref for each in live if isinstance(decisions[each.ref], Act) and each.ref not in failed]
        failed |= await self.writer.all(acting, record)
        unmapped = (ref for ref, each in decisions.items() if isinstance(each, Act) and ref in desired.attachments)
        return failed | await self.writer.all(unmapped, lambda ref: self.outputs.release(desired.attachments[ref]))

    async def _act(
        self,
        desired: Desired,
        decisions: Mapping[ObjectRef, Decision],
        failed: Mapping[ObjectRef, Exception],
        observer: Observer,
        results: executor.Results,
    ) -> None:
        acts = {ref: decision for ref, decision in decisions.items() if isinstance(decision, Act)}
        all_steps = [step for act in acts.values() for step in act.steps]
        operations: list[Operation] = []
        for ref, act in acts.items():
            resource, observed = desired.resource(ref), observer.inventory
            if observed is None or resource is None:
                raise RuntimeError("the array was not read before")
            meta, system = resource.metadata, self.session.expected
            operations += [
                Operation(
                    desired.array.ref,
                    system,
                    ref,
                    meta.uid,
                    meta.generation,
                    change_reason_of(resource, step),
                    step,
                    known(step, observed, all_steps),
                    meta.deleting,
                    meta.asked,
                )
                for step in act.steps
            ]
        until = self.in_doubt.now() + MAX_SECONDS
        await self._send(
            operations,
            results,
            desired,
            failed.keys(),
            lambda: bool(results.done or results.errors) and self.in_doubt.now() > until,
        )
        stopped, began = [operation.step for operation in (*results.refused, *results.withheld)], self.in_doubt.now()
        done = [operation.step for operation in operations]
        done += [UnmapVolume(wrong.made.host, wrong.made.volume, wrong.made.uid) for wrong in results.wrong]
        inventory = await in_thread(
            self.observer_thread, lambda: observer.again(done, stopped, results.seen, results.volumes)
        )
        self.in_doubt.review(inventory, began)
        await in_thread(self.observer_thread, lambda: self.refusal_cache.learn(self.session, results, inventory))
        for ref in {each.owner for each in operations if each.cause.why is ChangeKind.CORRECT} - results.errors.keys():
            if resource := desired.resource(ref):
                self.meter.corrected(resource)

    async def _send(
        self,
        operations: Sequence[Operation],
        results: executor.Results,
        desired: Desired,
        excluded: Collection[ObjectRef],
        is_over: Callable[[], bool],
    ) -> None:
        """Send the operations. In any case, record those with an unknown outcome, and report wrong mappings.

        The API server confirms a command that removes something, right before it is sent. A wrong mapping of ours is
        removed without that: nothing uses it, and at a stop there is no time.
        """
        loop = asyncio.get_running_loop()

        def why_not(operation: Operation) -> str:
            removes = isinstance(operation.step, TAKING) and not operation.undoes
            unconfirmed = self._unconfirmed(operation, desired, loop) if removes else ""
            return unconfirmed or self.why_not(operation)

        try:
            await executor.run(operations, self.session, why_not, results, excluded, is_over)
        finally:  # also when this pass is cancelled: while a command may be running, the Lease is not released
            for operation in results.in_doubt:
                self.in_doubt.add(operation.step)
            for wrong in results.wrong:
                owner, meant, made = wrong.operation.owner, wrong.operation.step, wrong.made
                log.error("%s: %s created another mapping than intended: %s", owner, meant, made)
                if isinstance(meant, MapVolume):
                    attachment = desired.attachments[owner]
                    self._record_events(
                        attachment, [events.of_wrong_mapping(attachment, meant, made, wrong.problem, desired)]
                    )

    def _unconfirmed(self, operation: Operation, desired: Desired, loop: asyncio.AbstractEventLoop) -> str:
        """Return why the cache may be out of date for owner and host object, if it may. Called from threads."""
        attachment, step, hosts = desired.attachments.get(operation.owner), operation.step, set[ObjectRef]()
        if isinstance(step, HostStep):
            hosts.add(attachment.host if attachment else operation.owner)
            hosts |= {host.ref for host in desired.hosts.values() if host.status.name == step.host}
            if (host := desired.host_by_object_name.get(step.host)) is not None:
                hosts.add(host.ref)
        confirmation = asyncio.run_coroutine_threadsafe(
            self.writer.confirm(operation.owner, operation.uid, hosts, desired), loop
        )
        try:
            confirmation.result(_CONFIRMED_WITHIN)
        except (KubeError, TimeoutError, concurrent.futures.CancelledError) as error:
            confirmation.cancel()
            return f"the API server did not confirm this command: {str(error) or type(error).__name__}"
        return ""

    async def _write_statuses(
        self,
        desired: Desired,
        inventory: Inventory,
        outcomes: Mapping[ObjectRef, Outcome],
        unrecorded: Mapping[ObjectRef, Exception],
        start: "PassStart",
        waking: set[ObjectRef],
    ) -> set[ObjectRef]:
        """Write changed statuses and Events. Return the objects that still exist and could not be written.

        unrecorded: objects that did not get our finalizer, or whose intent could not be recorded.
        waking: gets the objects that wait for one of these statuses.
        """
        ends = {ref: each.decision for ref, each in outcomes.items() if isinstance(each.decision, Release)}
        going = {ref: end.on for ref, end in ends.items() if end.left}
        hosts = [desired.hosts[ref] for ref in ends if ref in desired.hosts]
        freed = [luns.left_by(host, luns.quarantined_on(host, desired, inventory).values()) for host in hosts]
        remembered = await remember_released(self.writer, desired.array.ref, going, on=going, freed=freed)

        async def write_status(ref: ObjectRef) -> None:
            outcome, resource = outcomes[ref], desired.resource(ref)
            if resource is None:
                raise NotFound(f"{ref} is gone")
            if (ref in going or (ref in ends and ref in desired.hosts)) and not remembered:
                raise KubeError("cannot record what a released object leaves on the array")
            if isinstance(outcome.decision, Release):
                await self.outputs.release(resource)
                await self.writer.release(ref, resource.metadata)
                self._record_events(resource, events.of_release(resource, outcome.decision, start.planned.get(ref)))
                return
            if isinstance(outcome.decision, InSync) and ref in unrecorded:
                raise unrecorded[
                    ref
                ]  # without our finalizer it could be deleted at any time, and leave its mapping on the array
            desired_status, error = await self._status_of(resource, outcome, desired, inventory)
            await self.writer.status(ref, resource.metadata.uid, desired_status)
            self._record_events(resource, start.news(ref, outcome, desired_status))
            if _is_ready(desired_status) and not _is_ready(resource.status):
                # Attachments of a volume wait for that, and the status of an object wakes no other.
                waking.update(each.ref for each in desired.attachments_by_ref(ref))
            if error:
                raise error

        failed = await self.writer.all(outcomes, write_status)
        for ref, error in failed.items():
            if not isinstance(error, NotFound | Conflict):  # these result from changes by others
                log.warning("%s: cannot write its status: %s", ref, error)
        return {ref for ref, error in failed.items() if not isinstance(error, NotFound)}

    async def _status_of(
        self, resource: Worked, outcome: Outcome, desired: Desired, inventory: Inventory
    ) -> tuple[AnyStatus, KubeError | None]:
        """Return the status to be written, and why the outputs of an attachment could not be written, if so."""
        match resource:
            case FlashSystemHost():
                return status.of_host(resource, outcome, desired, inventory, desired.now), None
            case FlashSystemVolume(metadata=meta):
                found = status.of_volume(resource, outcome, desired, inventory, desired.now)
                if found.uid and not meta.deleting:
                    await self.writer.annotate(resource.ref, meta.uid, found.uid)
                return found, None
            case VolumeAttachment():
                attached = status.of_attachment(resource, outcome, desired, inventory, desired.now)
                kept = await self.outputs.reconcile(resource, attached, desired, inventory, desired.now)
                return kept.status, kept.error

    def _record_events(self, resource: Worked, start: Collection[EventRecord]) -> None:
        self.writer.record_events(resource.ref, resource.metadata.uid, start)
        self.meter.record(resource, start)


@dataclass(frozen=True, slots=True)
class PassStart:
    """What a pass began with, to find what is new at its end. found: the resources. planned: the first decisions."""

    found: Desired
    planned: Mapping[ObjectRef, Decision]

    def news(self, ref: ObjectRef, outcome: Outcome, desired_status: AnyStatus) -> tuple[EventRecord, ...]:
        planned, host, attachment = self.planned.get(ref), self.found.hosts.get(ref), self.found.attachments.get(ref)
        volume = self.found.volumes.get(ref)
        if volume is not None and isinstance(desired_status, VolumeStatus):
            return events.of_volume(volume, planned, outcome, desired_status)
        if host is not None and isinstance(desired_status, HostStatus):
            return events.of_host(host, planned, outcome, desired_status)
        if attachment is not None and isinstance(desired_status, AttachmentStatus):
            return events.of_attachment(attachment, planned, outcome, desired_status)
        return ()


def within_bounds(decisions: Mapping[ObjectRef, Decision]) -> Mapping[ObjectRef, Decision]:
    """Return the first decisions, as many as one pass may act on. The others depend on these, and are due again."""
    kept: dict[ObjectRef, Decision] = {}
    commands = 0
    for ref, decision in decisions.items():
        commands += len(decision.steps) if isinstance(decision, Act) else 0
        if commands > MAX_COMMANDS and any(isinstance(each, Act) for each in kept.values()):
            break
        kept[ref] = decision
    return kept


def _unchanged(due: Iterable[ObjectRef], observed_for: Desired, desired: Desired) -> list[ObjectRef]:
    """Return the due objects without those that were created, changed or deleted since the array was read.

    Those are due again. An object that was created again under the same name is another object.
    """
    return [ref for ref in due if _revision(ref, observed_for) == _revision(ref, desired)]


def _revision(ref: ObjectRef, desired: Desired) -> tuple[object, ...]:
    found = desired.resource(ref)
    return found.metadata.revision if found else ()


def _is_ready(known: AnyStatus) -> bool:
    return is_true(known.conditions, "Ready")


def _bound(remembered: AttachmentStatus) -> tuple[object, ...]:
    volume = remembered.volume.uid if remembered.volume else None
    return volume, remembered.host, remembered.origin, remembered.array, remembered.attached_time
