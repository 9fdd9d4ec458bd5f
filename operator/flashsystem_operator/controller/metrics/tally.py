"""Counts what the cluster says of its objects, for all arrays in one pass over the cache. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.conditions import Condition
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.controller.cache import Entry
from flashsystem_operator.reconcile.decision import Reason
from flashsystem_operator.reconcile.glossary import FURTHER
from flashsystem_operator.reconcile.guard import BLOCKED
from flashsystem_operator.reconcile.news import DRIFTED

_REASONS = frozenset(reason.value for reason in Reason)
_OTHER = "Other"
"""Stands for a reason that is none of ours: a status can be written by others."""


@dataclass(slots=True)
class Tally:
    """What hangs on one array, itself included; or on none. The keys are label values, in the order of the family."""

    objects: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_ready: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    drifted: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    blocked: int = 0
    cooling: int = 0
    sessions: int = 0


Tallies = defaultdict[ObjectRef | None, Tally]
"""By array; under None, of what hangs on none."""


def tally(entries: Iterable[Entry], array_of: Callable[[ObjectRef], ObjectRef | None], now: str, into: Tallies) -> None:
    """Count these too. now: as conditions have it; a LUN that cools until then does not cool any more."""
    for entry in entries:
        _count(entry, into[array_of(entry.ref)], now)


def _count(entry: Entry, into: Tally, now: str) -> None:
    kind = entry.ref.kind.value
    said = _conditions(entry)
    ready = said.get("Ready")
    into.objects[kind, ready.status.lower() if ready else "unknown"] += 1
    if ready is None or ready.status != "True":
        stalled = said.get("Stalled")
        truth = "true" if stalled and stalled.status == "True" else "false"
        into.not_ready[kind, _bounded(ready), truth] += 1
    if (drifted := said.get(DRIFTED)) and drifted.status == "True":
        into.drifted[kind, _bounded(drifted)] += 1
    if (blocked := said.get(BLOCKED)) and blocked.status == "True":
        into.blocked += 1
    for further in FURTHER.keys() & said.keys():
        if said[further].status == "True":
            into.noted[kind, further, _bounded(said[further])] += 1
    if isinstance(entry.resource, FlashSystemHost):
        status = entry.resource.status
        into.cooling += sum(lun.until is not None and lun.until > now for lun in status.cooling_luns)
        into.sessions += sum(port.logins or 0 for port in status.ports)


def _conditions(entry: Entry) -> dict[str, Condition]:
    match entry.resource:
        case FlashSystemArray() | FlashSystemHost() | VolumeAttachment() as resource:
            return {each.type: each for each in resource.status.conditions}
        case None:
            return {}


def _bounded(condition: Condition | None) -> str:
    """A reason as a label value. Nothing said yet is `Unknown`."""
    if condition is None:
        return "Unknown"
    return condition.reason if condition.reason in _REASONS else _OTHER
