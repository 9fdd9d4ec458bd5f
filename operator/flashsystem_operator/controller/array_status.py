"""Statuses and Events of an array, and statuses of the objects that use it while the array is not ready.

Also records in the array's status what released objects leave on the array.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from flashsystem_operator.api.array import ArrayStatus, Audit, Counts, FormerHost
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import find, is_true
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import RECONCILE_REQUESTED_AT, ObjectRef
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.kube.errors import NotFound
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.planner import audit as audits
from flashsystem_operator.planner import detach_rate_limit, events, luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.overrides import apply_overrides, way_out
from flashsystem_operator.planner.text import conditions, kept

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
        decision = _noted(
            luns.of_array(self._decided(desired, verdict), inventory), desired, detach_rate_limit.note(desired)
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
        self._record_events(desired, status)

    @staticmethod
    def is_outdated(desired: Desired) -> bool:
        """Whether the array's condition DetachRateLimited differs from the deletions that wait for the rate limit."""
        wanted = detach_rate_limit.note(desired)
        condition = find(desired.array.status.conditions, detach_rate_limit.RATE_LIMITED)
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
        refs = due if desired.array.ref not in due else (*desired.hosts, *desired.attachments)
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
        resource: FlashSystemHost | VolumeAttachment | None = desired.hosts.get(ref) or desired.attachments.get(ref)
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

    @staticmethod
    def _decided(desired: Desired, verdict: InSync | Wait | Refuse) -> Decision:
        """Apply overrides. For an array that is being deleted, return what its deletion waits for."""
        if not desired.array.metadata.deleting:
            return apply_overrides(verdict, desired.array, desired)
        gone = array_plan.plan_gone(desired.array, len(desired.hosts), len(desired.attachments))
        held = apply_overrides(gone, desired.array, desired)
        return verdict if isinstance(held, Release) else held


def _noted(decision: Decision, desired: Desired, *further: Note | None) -> Decision:
    """Add notes: about unusable access rules, whether or not the array answers, and further notes of a pass."""
    notes = [note for note in (desired.tenancy.unusable(), *further) if note is not None]
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision
