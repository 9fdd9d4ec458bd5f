"""What a detach still has to pass when nothing else holds it up: the guard, then the brake."""

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import guard
from flashsystem_operator.reconcile.brake import Brake
from flashsystem_operator.reconcile.decision import Act, Decision
from flashsystem_operator.reconcile.world import World


class Gate:
    """For one plan. view: as it is before any detach of the plan."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._brake = Brake.of(world)
        self._partings = guard.partings(world, view)

    def judge(self, attachment: VolumeAttachment, wished: Decision) -> Decision:
        """What may be done of what is wished."""
        if not isinstance(wished, Act):
            return wished
        host = next((step.host for step in wished.steps if isinstance(step, UnmapVolume)), None)
        parting = self._partings.get(host) if host else None
        guarded = guard.judge(attachment, wished, parting, self._world)
        return self._brake.judge(attachment, guarded) if isinstance(guarded, Act) else guarded

    def passed(self, attachment: VolumeAttachment, decision: Decision) -> None:
        """What was decided in the end: only what is done takes a place of the brake."""
        if isinstance(decision, Act):
            self._brake.take(attachment)
