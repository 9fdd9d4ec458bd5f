"""Dry run: what would happen to resources if they were applied now, pass after pass, each on the result of the last.

The operator reads the array between two passes; the dry run assumes that the array executes all commands. So changes
that need two passes (a port first, then the volume that is mapped through it) are predicted completely.
"""

from dataclasses import dataclass, replace

from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import VolumeOrigin
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.volume_commands import planned_uid
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, with_volumes

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


def _with_planned_volumes(desired: Desired, draft: Inventory) -> Desired:
    """Bind the volumes that earlier passes would have created, so that attachments of them are planned too."""
    volumes = dict(desired.volumes)
    for ref, volume in desired.volumes.items():
        name = next((name for name in desired.names_of_volume(volume) if planned_uid(name) in draft.volumes), None)
        if name is not None and volume.status.uid is None:
            status = volume.status.model_copy(update={"uid": planned_uid(name), "origin": VolumeOrigin.CREATED})
            volumes[ref] = volume.model_copy(update={"status": status})
    return replace(desired, volumes=volumes, attachments=with_volumes(desired.attachments, volumes))


def dry_run_to_the_end(desired: Desired, inventory: Inventory) -> tuple[DryRunResult, ...]:
    """The results for every host, volume and attachment, in the order in which their first steps are sent."""
    refs = (*desired.hosts, *desired.volumes, *desired.attachments)
    steps: dict[ObjectRef, tuple[Step, ...]] = {}
    ends: dict[ObjectRef, Decision] = {}
    draft = inventory.copy()
    for _ in range(_PASSES):
        decisions = batch.plan(_with_planned_volumes(desired, draft), draft, refs)
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
