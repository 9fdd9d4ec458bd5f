"""One pass over an array: look, plan, record, act, look again, say what is there.

What the second look shows is the truth. A lost reply, "already exists" and a race with an administrator all end there,
and need no list of codes that are benign.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostStatus, Lifecycle
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.view import View
from flashsystem_operator.controller import after, steps
from flashsystem_operator.controller.after import Ended
from flashsystem_operator.controller.answers import Conflict, Gone, KubeError
from flashsystem_operator.controller.beside import Beside
from flashsystem_operator.controller.braking import Braking
from flashsystem_operator.controller.changelog import Errand
from flashsystem_operator.controller.looking import Looking
from flashsystem_operator.controller.metrics.meter import Meter
from flashsystem_operator.controller.protected import Protected
from flashsystem_operator.controller.reports import remember
from flashsystem_operator.controller.threads import in_thread
from flashsystem_operator.controller.unsettled import Unsettled
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.reconcile import array as arrays
from flashsystem_operator.reconcile import batch, news, records, status
from flashsystem_operator.reconcile.cause import Why, cause
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.reconcile.drift import with_vanished
from flashsystem_operator.reconcile.news import News
from flashsystem_operator.reconcile.saying import Outcome
from flashsystem_operator.reconcile.world import World

log = logging.getLogger(__name__)

WorldOf = Callable[[str], World]
"""The world as it is wished now, given why the array is closed (empty if it is open)."""


@dataclass(frozen=True, slots=True)
class Round:
    """may_write: asked before each command. hand: the thread in which looks are made, so that nobody else waits."""

    session: Session
    writer: Writer
    unsettled: Unsettled
    protected: Protected
    braking: Braking
    may_write: Callable[[], bool]
    hand: ThreadPoolExecutor
    beside: Beside
    meter: Meter

    async def go(self, world_of: WorldOf, known: View | None, due: Collection[ObjectRef], *, survey: bool) -> Ended:
        """Bring the due objects in line. Raises ArrayError when the array cannot be looked at."""
        looking, began = Looking(self.session, known), self.unsettled.now()
        looked_for = world_of("")
        view = await in_thread(self.hand, lambda: looking.first(looked_for, due, survey=survey))
        self.unsettled.review(view, began)
        verdict = arrays.judge(looked_for.array, view.body)
        closed = verdict.message if isinstance(verdict, Refuse) else ""
        world = with_vanished(world_of(closed), view)
        due = _as_looked_for(due, looked_for, world)
        in_use = await self.beside.in_use(world, due)
        found = world = replace(world, in_use=in_use)
        planned = decisions = batch.plan(world, view, due)
        results, acted = steps.Results(), any(isinstance(decision, Act) for decision in decisions.values())
        failed = await self._record(world, view, decisions)
        failed |= await self.braking.record(world, decisions, failed)
        if acted:
            results = await self._act(world, decisions, failed, looking)
            planned_for, world = world, replace(world_of(closed), in_use=in_use, vanished=world.vanished)
            decisions = batch.plan(world, view, _as_looked_for(due, planned_for, world))
        refused = {errand.owner for errand in results.refused}
        outcomes = {
            ref: Outcome(decision, failed.get(ref) or results.errors.get(ref), refused=ref in refused)
            for ref, decision in decisions.items()
        }
        unwritten = await self._say(world, view, outcomes, Told(found, planned))
        return Ended(
            view,
            verdict,
            acted,
            after.again(outcomes, unwritten, world),
            after.obstructed(decisions),
            after.frees(planned),
        )

    async def _record(
        self, world: World, view: View, decisions: Mapping[ObjectRef, Decision]
    ) -> dict[ObjectRef, Exception]:
        """Finalizers and bindings, before anything is sent. Whose record failed is left out of this pass."""
        kept = [ref for ref, decision in decisions.items() if isinstance(decision, Act | InSync)]
        decided = ((world.attachments.get(ref), decision) for ref, decision in decisions.items())
        live = [each for each, decision in decided if each is not None and _answers(each, decision)]
        parents = {attachment.host for attachment in live}
        parents |= {ref for ref in kept if ref in world.hosts and _leaves_something(world.hosts[ref], decisions[ref])}
        failed: dict[ObjectRef, Exception] = {}
        for generation in ([world.array.ref] if parents else [], parents, [attachment.ref for attachment in live]):
            failed |= await self.writer.all((ref for ref in generation if _may_guard(ref, world)), self.writer.guard)

        if trouble := failed.get(world.array.ref):
            failed |= dict.fromkeys(parents, trouble)
        hosts = records.of_hosts(decisions, world, view)

        async def record_host(ref: ObjectRef) -> None:
            await self.writer.status(ref, hosts[ref].status)

        async def record(ref: ObjectRef) -> None:
            attachment = world.attachments[ref]
            wished = records.of_attachment(attachment, Outcome(decisions[ref]), world, view, now())
            if _bound(wished) != _bound(attachment.status):
                await self.writer.status(ref, wished)

        unrecorded = await self.writer.all(hosts.keys() - failed.keys(), record_host)
        failed |= unrecorded | self._unrecorded(unrecorded, hosts)
        failed |= self._orphaned(live, failed, world)
        acting = [each.ref for each in live if isinstance(decisions[each.ref], Act) and each.ref not in failed]
        failed |= await self.writer.all(acting, record)
        unmapped = (ref for ref, each in decisions.items() if isinstance(each, Act) and ref in world.attachments)
        return failed | await self.writer.all(unmapped, lambda ref: self.beside.let_go(world.attachments[ref]))

    @staticmethod
    def _orphaned(
        live: Iterable[VolumeAttachment], failed: Mapping[ObjectRef, Exception], world: World
    ) -> dict[ObjectRef, Exception]:
        """Attachments whose host or array could not be held: nothing is done for them in this pass."""
        trouble = failed.get(world.array.ref)
        return {
            attachment.ref: error
            for attachment in live
            if (error := trouble or failed.get(attachment.host)) is not None
        }

    @staticmethod
    def _unrecorded(
        failed: Mapping[ObjectRef, Exception], hosts: Mapping[ObjectRef, records.HostRecord]
    ) -> dict[ObjectRef, Exception]:
        """Attachments that would free a LUN of a host which could not say so. Of a host that is gone nobody asks it."""
        return {
            ref: error for host, error in failed.items() if not isinstance(error, Gone) for ref in hosts[host].freed_by
        }

    async def _act(
        self,
        world: World,
        decisions: Mapping[ObjectRef, Decision],
        failed: Mapping[ObjectRef, Exception],
        looking: Looking,
    ) -> steps.Results:
        errands = [
            errand
            for ref, decision in decisions.items()
            if isinstance(decision, Act)
            for errand in self._errands(ref, decision, world)
        ]
        results = await steps.run(errands, self.session, self.may_write, barred=failed.keys())
        for errand in results.unsettled:
            self.unsettled.add(errand.step)
        refused, began = [errand.step for errand in results.refused], self.unsettled.now()
        view = await in_thread(self.hand, lambda: looking.again([errand.step for errand in errands], refused))
        self.unsettled.review(view, began)
        await in_thread(self.hand, lambda: self.protected.learn(self.session, results, view))
        for ref in {each.owner for each in errands if each.cause.why is Why.CORRECT} - results.errors.keys():
            self.meter.corrected(world.hosts.get(ref) or world.attachments[ref])
        return results

    def _errands(self, ref: ObjectRef, decision: Act, world: World) -> list[Errand]:
        resource, array = world.hosts.get(ref) or world.attachments[ref], world.array.ref
        meta, system = resource.metadata, self.session.expected
        return [
            Errand(array, system, ref, meta.uid, meta.generation, cause(resource, step), step)
            for step in decision.steps
        ]

    async def _say(
        self, world: World, view: View, outcomes: Mapping[ObjectRef, Outcome], told: "Told"
    ) -> set[ObjectRef]:
        """Write what changed; answers with the objects that are still there and could not be written."""
        going = {ref for ref, each in outcomes.items() if isinstance(each.decision, Release) and each.decision.left}
        remembered = await remember(self.writer, world.array.ref, going)

        async def say(ref: ObjectRef) -> None:
            outcome, resource = outcomes[ref], world.hosts.get(ref) or world.attachments[ref]
            if ref in going and not remembered:
                raise KubeError("what is left on the array could not be written down")
            if isinstance(outcome.decision, Release):
                await self.beside.let_go(resource)
                await self.writer.release(ref)
                self._tell(resource, news.of_release(resource, outcome.decision, told.planned.get(ref)))
                return
            said: HostStatus | AttachmentStatus
            error: KubeError | None = None
            if isinstance(resource, FlashSystemHost):
                said = status.of_host(resource, outcome, world, view, now())
            else:
                kept = await self.beside.keep(
                    resource, status.of_attachment(resource, outcome, world, view, now()), world, view, now()
                )
                said, error = kept.status, kept.error
            await self.writer.status(ref, said)
            self._tell(resource, told.news(ref, outcome, said))
            if error:
                raise error

        failed = await self.writer.all(outcomes, say)
        for ref, trouble in failed.items():
            if not isinstance(trouble, Gone | Conflict):  # which are news of what somebody else did
                log.warning("%s: what there is to say of it could not be written: %s", ref, trouble)
        return {ref for ref, error in failed.items() if not isinstance(error, Gone)}

    def _tell(self, resource: FlashSystemHost | VolumeAttachment, told: Collection[News]) -> None:
        self.writer.tell(resource.ref, resource.metadata.uid, told)
        self.meter.told(resource, told)


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass began with, to tell what is new at its end. found: the resources; planned: what was decided first."""

    found: World
    planned: Mapping[ObjectRef, Decision]

    def news(self, ref: ObjectRef, outcome: Outcome, said: HostStatus | AttachmentStatus) -> tuple[News, ...]:
        planned, host, attachment = self.planned.get(ref), self.found.hosts.get(ref), self.found.attachments.get(ref)
        if host is not None and isinstance(said, HostStatus):
            return news.of_host(host, planned, outcome, said)
        if attachment is not None and isinstance(said, AttachmentStatus):
            return news.of_attachment(attachment, planned, outcome, said)
        return ()


def _leaves_something(host: FlashSystemHost, decision: Decision) -> bool:
    """Whether something on the array is the host's own, whether or not a volume is attached to it."""
    return isinstance(decision, Act) or host.spec.lifecycle is Lifecycle.PERSISTENT


def _as_looked_for(due: Iterable[ObjectRef], looked_for: World, world: World) -> list[ObjectRef]:
    """Without those that began to leave, or came, since the look: it was not meant for that, and they are due again."""
    return [ref for ref in due if _leaving(ref, looked_for) == _leaving(ref, world)]


def _leaving(ref: ObjectRef, world: World) -> bool | None:
    found = world.hosts.get(ref) or world.attachments.get(ref)
    return found.metadata.deleting if found else None


def _answers(attachment: VolumeAttachment, decision: Decision) -> bool:
    """Whether its end has something to undo: also of a mapping that an elder left to it, and that it cannot use."""
    if attachment.metadata.deleting:
        return False
    if isinstance(decision, Wait | Refuse):
        return attachment.status.origin is not None and decision.reason is not Reason.DUPLICATE
    return isinstance(decision, Act | InSync)


def _may_guard(ref: ObjectRef, world: World) -> bool:
    """Nobody can put a finalizer on an object that is being deleted."""
    found = world.hosts.get(ref) or world.attachments.get(ref) or (world.array if ref == world.array.ref else None)
    return found is not None and not found.metadata.deleting


def _bound(remembered: AttachmentStatus) -> tuple[object, ...]:
    volume = remembered.volume.uid if remembered.volume else None
    return volume, remembered.host, remembered.origin, remembered.array, remembered.attached_time
