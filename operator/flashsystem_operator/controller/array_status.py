"""What a worker says of its array, and of the objects below it when the array cannot be worked with."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from flashsystem_operator.api.array import ArrayStatus, Audit, Counts, FormerHost
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.common import find, is_true
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import RECONCILE_REQUESTED_AT, ObjectRef
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.kube.errors import NotFound
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.planner import events, limits, luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.array import audit as audits
from flashsystem_operator.planner.conditions import conditions, kept
from flashsystem_operator.planner.decision import Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.overrides import apply_overrides, way_out
from flashsystem_operator.planner.safety import detach_rate_limit

_NOWHERE: Mapping[ObjectRef, Collection[str]] = MappingProxyType({})


async def remember(
    writer: Writer,
    array: ObjectRef,
    going: Collection[ObjectRef],
    on: Mapping[ObjectRef, Collection[str]] = _NOWHERE,
    freed: Iterable[FormerHost] = (),
) -> bool:
    """Write down what these leave on the array when they go, before they do. Answers whether that was done.

    By their statuses alone: what is let go may have a spec that cannot be read, as may the array.
    on: the host objects on which mappings stay, where these may be others than the recorded ones.
    freed: the LUNs that rest on the hosts whose FlashSystemHosts go.
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
        resting = luns.remembering(before.quarantined_luns, former, now())
        status = status.model_copy(update={"quarantined_luns": resting})
    uid = writer.uid(array)
    return not await writer.all([array], lambda ref: writer.status(ref, uid, status))


class Reports:
    """Belongs to one worker."""

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
        """After a look at the array. survey: it was at everything, so that it shows what no resource explains."""
        audit = audits.audit(desired, inventory) if survey and self._cache.legible else None
        decision = _noted(
            limits.of_array(self._decided(desired, verdict), inventory), desired, detach_rate_limit.note(desired)
        )
        counts = Counts(
            hosts=len(inventory.hosts),
            mappings=sum(len(rows) for host in inventory.hosts for rows in inventory.on_host(host).values()),
            attachments=len(desired.attachments),
        )
        status = array_plan.reached(desired.array, decision, inventory, contact, counts, now(), audit)
        uid = desired.array.metadata.uid
        failed = await self._writer.all([desired.array.ref], lambda ref: self._writer.status(ref, uid, status))
        for error in failed.values():
            raise error
        self._tell(desired, status)

    @staticmethod
    def is_outdated(desired: Desired) -> bool:
        """Whether other deletions wait for the brake than the array says, or until another time, or none any more."""
        wished, said = (
            detach_rate_limit.note(desired),
            find(desired.array.status.conditions, detach_rate_limit.RATE_LIMITED),
        )
        told = said.message if said and said.status == "True" else None
        return told != (wished.message if wished else None)

    async def down(
        self, desired: Desired, said: Wait | Refuse, due: Collection[ObjectRef], secret: str | None
    ) -> set[ObjectRef]:
        """When the array cannot be worked with: once on the array, and on those objects that are not Ready.

        Answers with the objects that are still there and could not be written.
        """
        decision = _noted(apply_overrides(said, desired.array, desired), desired)
        status = array_plan.unreached(desired.array, decision, now(), secret)
        uid = desired.array.metadata.uid
        failed = await self._writer.all([desired.array.ref], lambda ref: self._writer.status(ref, uid, status))
        if not failed:
            self._tell(desired, status)
        refs = due if desired.array.ref not in due else (*desired.hosts, *desired.attachments)
        below = [ref for ref in refs if ref != desired.array.ref]
        failed |= await self._writer.all(below, lambda ref: self._not_ready(ref, desired, said))
        return {ref for ref, error in failed.items() if not isinstance(error, NotFound)}

    def _tell(self, desired: Desired, status: ArrayStatus) -> None:
        """Once, on the array: below it everything waits for the same."""
        self._writer.record_events(
            desired.array.ref, desired.array.metadata.uid, events.of_array(desired.array, status)
        )

    async def _not_ready(self, ref: ObjectRef, desired: Desired, said: Wait | Refuse) -> None:
        """An object that was Ready stays so, as of the last look, unless it wishes something new."""
        resource: FlashSystemHost | VolumeAttachment | None = desired.hosts.get(ref) or desired.attachments.get(ref)
        if resource is None or resource.unreadable:
            return
        meta, before = resource.metadata, resource.status
        # A request was one attempt. As the answer to a drift it is kept until the array can be worked with.
        echo = before.last_handled_reconcile_at if kept(before.conditions) else meta.asked.reconcile_requested_at
        before = before.model_copy(update={"last_handled_reconcile_at": echo})
        settled = before.observed_generation == meta.generation and is_true(before.conditions, "Ready")
        if settled and not meta.deleting:
            await self._writer.status(ref, meta.uid, before)
            return
        words = f"{desired.array.ref} cannot be worked with at present; see its conditions."
        if said.reason is Reason.LOGIN_FAILED:
            words = (
                f"The array refused the login of {desired.array.ref}. It is tried again within an hour, or at once by "
                f"annotation {RECONCILE_REQUESTED_AT} on the FlashSystemArray."
            )
        if meta.deleting:
            words += f" If it is not coming back, {way_out(meta)}."
        wait = Wait(Reason.ARRAY_NOT_READY, words, kept(before.conditions))
        told = {"conditions": conditions(wait, before.conditions, meta.generation, now())}
        await self._writer.status(
            ref, meta.uid, before.model_copy(update={**told, "observed_generation": meta.generation})
        )

    @staticmethod
    def _decided(desired: Desired, verdict: InSync | Wait | Refuse) -> Decision:
        """An array that is being deleted says what it waits for."""
        if not desired.array.metadata.deleting:
            return apply_overrides(verdict, desired.array, desired)
        gone = array_plan.plan_gone(desired.array, len(desired.hosts), len(desired.attachments))
        held = apply_overrides(gone, desired.array, desired)
        return verdict if isinstance(held, Release) else held


def _noted(decision: Decision, desired: Desired, *further: Note | None) -> Decision:
    """With what is to be said of the array beside, whether or not it answers, and further notes of a look."""
    notes = [note for note in (desired.tenancy.unusable(), *further) if note is not None]
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision
