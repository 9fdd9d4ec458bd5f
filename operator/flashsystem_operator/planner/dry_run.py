"""Dry run: what would happen to resources if they were applied now, pass after pass, each on the result of the last.

The operator reads the array between two passes; the dry run assumes that the array executes all commands. So changes
that need two passes (a port first, then the volume that is mapped through it) are predicted completely.
"""

from dataclasses import dataclass, replace

from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.model import Inventory, Volume
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, with_volumes
from flashsystem_operator.planner.volume import volume_plan

_PASSES = 8
"""No object needs more than three; the limit stops two objects that undo each other's changes."""

HELD = frozenset({Reason.PAUSED, Reason.PLANNED})
"""Reasons of waits that a user requested by an annotation."""


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """One object. steps: what would be sent for it, in order. end: the last decision about it."""

    ref: ObjectRef
    steps: tuple[Step, ...]
    end: Decision

    @property
    def blocked(self) -> str:
        """Why it would not get in sync; empty if it would, or is held back on purpose."""
        match self.end:
            case InSync() | Release():
                return ""
            case Wait(reason=reason) if reason in HELD:
                return ""
            case Wait(message=message) | Refuse(message=message):
                return message
            case Act():
                return "It would go on forever: please report this with the files."

    @property
    def held(self) -> str:
        """The message of a wait that a user requested; empty if there is none."""
        return self.end.message if isinstance(self.end, Wait) and self.end.reason in HELD else ""


def with_found_volumes(desired: Desired, inventory: Inventory) -> Desired:
    """Bind each volume that a pass would bind: then the attachments that refer to it are planned too.

    That is, each volume to be imported, and in a draft each one that an earlier pass would have created.
    """
    volumes = dict(desired.volumes)
    for ref, volume in desired.volumes.items():
        if volume.status.uid is None and not volume.metadata.deleting:
            found = volume_plan.resolve_volume(volume, desired, inventory)
            if isinstance(found, Volume):
                volumes[ref] = bound(volume, found, volume_plan.origin_of(volume, found, desired))
    return replace(desired, volumes=volumes, attachments=with_volumes(desired.attachments, volumes))


def bound(volume: FlashSystemVolume, to: Volume, origin: VolumeOrigin) -> FlashSystemVolume:
    """The resource with a status as if it had been bound to this volume of the array."""
    status = volume.status.model_copy(update={"uid": to.uid, "origin": origin})
    return volume.model_copy(update={"status": status})


def dry_run_to_the_end(desired: Desired, inventory: Inventory) -> tuple[DryRunResult, ...]:
    """The results for every host, volume and attachment, in the order in which their first steps are sent."""
    refs = (*desired.hosts, *desired.volumes, *desired.attachments)
    steps: dict[ObjectRef, tuple[Step, ...]] = {}
    ends: dict[ObjectRef, Decision] = {}
    draft = inventory.copy()
    for _ in range(_PASSES):
        decisions = batch.plan(with_found_volumes(desired, draft), draft, refs)
        ends |= decisions
        acts = {ref: decision.steps for ref, decision in decisions.items() if isinstance(decision, Act)}
        for ref, some in acts.items():
            steps[ref] = (*steps.get(ref, ()), *some)
            for step in some:
                step.apply(draft)
        if not acts:
            break
    order = (*steps, *(ref for ref in refs if ref not in steps))
    return tuple(DryRunResult(ref, steps.get(ref, ()), ends[ref]) for ref in order if ref in ends)
