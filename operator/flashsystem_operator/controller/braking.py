"""Writes into the array's status what the brake counts, before the volumes go."""

from collections.abc import Collection, Iterable, Mapping

from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.controller.kube import KubeError
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.reconcile import brake
from flashsystem_operator.reconcile.decision import Act, Decision
from flashsystem_operator.reconcile.world import World


class Braking:
    """Belongs to one worker. counted: when each attachment was counted last, by its uid.

    A restart forgets that, and counts anew who is tried again: rather one too many than one too few.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.counted: dict[str, str] = {}

    async def record(
        self, world: World, decisions: Mapping[ObjectRef, Decision], barred: Collection[ObjectRef]
    ) -> dict[ObjectRef, KubeError]:
        """Count what is about to be unmapped; answers with whom that failed for: nothing may be unmapped for these."""
        going = [ref for ref in _unmapping(decisions) if ref not in barred]
        if world.array.spec.detach_brake is None or not going:
            return {}
        uids = [world.attachments[ref].metadata.uid for ref in going]
        again = [self.counted[uid] for uid in uids if uid in self.counted]
        status = brake.count(world.array, len(going) - len(again), again, world.now)
        failed = await self._writer.all(
            [world.array.ref], lambda ref: self._writer.status(ref, world.array.metadata.uid, status)
        )
        if failed:
            return dict.fromkeys(going, failed[world.array.ref])
        there = {each.metadata.uid for each in world.attachments.values()}
        kept = {uid: time for uid, time in self.counted.items() if uid in there}
        self.counted = kept | dict.fromkeys(uids, world.now)  # a World that has the former one does not change
        return {}


def _unmapping(decisions: Mapping[ObjectRef, Decision]) -> Iterable[ObjectRef]:
    return (
        ref
        for ref, decision in decisions.items()
        if isinstance(decision, Act) and any(isinstance(step, UnmapVolume) for step in decision.steps)
    )
