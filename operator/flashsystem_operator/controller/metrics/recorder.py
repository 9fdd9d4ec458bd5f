"""What the metrics are made of: counters and histograms of each worker, and tallies of the objects in the cache.

A meter counts what happened with one array since its worker began, and is safe to use from all its threads. A tally is
counted for each scrape.
"""

import contextlib
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product

import prometheus_client
from prometheus_client import Histogram, Metric

from flashsystem_operator.api.base import Condition, is_true
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin
from flashsystem_operator.array.session import CHAIN, CommandResult, Ending
from flashsystem_operator.controller.cache import Entry
from flashsystem_operator.controller.metrics import families
from flashsystem_operator.controller.metrics.families import Family
from flashsystem_operator.planner import codes
from flashsystem_operator.planner.attachment.detach_guard import BLOCKED
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.desired import Worked, recorded_bytes
from flashsystem_operator.planner.events import DRIFTED, EventReason, EventRecord
from flashsystem_operator.planner.reasons import FURTHER

_MAX_UNKNOWN_CODES = 20
"""Unknown codes that get their own series. Arrays have thousands of codes; the operator knows those that matter."""

_KNOWN = frozenset(meaning.code for meaning in codes.TABLE)
_SILENT = frozenset({Ending.NOT_SENT, Ending.UNKNOWN})
"""Endings of commands without an answer of the array."""

_REASONS = frozenset(reason.value for reason in Reason)
_OTHER = "Other"
"""Replaces a reason that is not one of ours: other clients can write a status."""

log = logging.getLogger(__name__)


class Scope(StrEnum):
    """How much of the array a pass read."""

    SURVEY = "survey"
    CLOSE = "close"


class PassEnd(StrEnum):
    """How a pass ended."""

    DONE = "done"
    ARRAY_DOWN = "array_down"
    CLUSTER_ERROR = "cluster_error"
    STOPPED = "stopped"
    """Interrupted: the operator stops, the Lease was lost, or this replica no longer works the array."""
    BUG = "bug"


@dataclass(slots=True)
class PassRecord:
    """A pass under way. began: by the meter's clock. end: set by the caller; it stays a bug if it is not set."""

    began: float
    end: PassEnd = PassEnd.BUG


class Meter:
    """The counters and histograms of one worker. They end with it.

    last_contact: when the array last answered, in seconds since 1970; 0 if it never did.
    """

    def __init__(self, array: ObjectRef) -> None:
        self.labels = (array.namespace, array.name)
        self.last_contact = 0.0
        self._attach, self._detach = _histogram(families.ATTACH), _histogram(families.DETACH)
        self._command, self._took = _histogram(families.COMMAND), _histogram(families.PASS)
        self._commands, self._errors = _counter(families.COMMANDS), _counter(families.ERRORS)
        self._unreadable, self._passes = _counter(families.UNREADABLE), _counter(families.PASSES)
        self._seen, self._corrected = _counter(families.DRIFT_SEEN), _counter(families.DRIFT_CORRECTED)
        self._unknown_codes: set[str] = set()
        self._pass: PassRecord | None = None
        # The series exist from the start, so that the first event is an increase.
        for metric in (self._attach, self._detach, self._unreadable):
            metric.labels(*self.labels)
        for scope, end in product(Scope, PassEnd):
            self._passes.labels(*self.labels, scope.value, end.value)

    def observe_command(self, typed: CommandResult) -> None:
        """Count a command that was sent to the array."""
        if typed.ending not in _SILENT:
            self.last_contact = time.time()
        if typed.verb != CHAIN or typed.ending is not Ending.DONE:
            self._commands.labels(*self.labels, typed.verb, typed.ending.value).inc()
        if typed.seconds is not None:
            self._command.labels(*self.labels, typed.verb).observe(typed.seconds)
        if typed.ending is Ending.UNREADABLE:
            self._unreadable.labels(*self.labels).inc()
        if typed.code or typed.ending is Ending.REFUSED:
            self._errors.labels(*self.labels, self._bounded(typed.code)).inc()

    def record(self, resource: Worked, news: Collection[EventRecord]) -> None:
        """Count what a pass reported of an object. resource: as it was at the start of the pass."""
        reasons, now = {each.reason for each in news}, datetime.now(UTC)
        if EventReason.ATTACHED in reasons:
            self._attach.labels(*self.labels).observe(_since(resource.metadata.creation_timestamp, now))
        if EventReason.DETACHED in reasons:
            self._detach.labels(*self.labels).observe(_since(resource.metadata.deletion_timestamp, now))
        if DRIFTED in reasons:
            self._seen.labels(*self.labels, resource.KIND.value).inc()

    def corrected(self, resource: Worked) -> None:
        """Count a corrected drift of an object. Count the drift too, if it was not reported before."""
        if not is_true(resource.status.conditions, DRIFTED):
            self._seen.labels(*self.labels, resource.KIND.value).inc()
        self._corrected.labels(*self.labels, resource.KIND.value).inc()

    @contextlib.contextmanager
    def a_pass(self, objects: int, *, survey: bool) -> Iterator[PassRecord]:
        """Measure a pass for the duration of the block."""
        scope, this = Scope.SURVEY if survey else Scope.CLOSE, PassRecord(time.monotonic())
        self._pass = this
        try:
            yield this
        finally:
            self._pass, took = None, time.monotonic() - this.began
            self._passes.labels(*self.labels, scope.value, this.end.value).inc()
            self._took.labels(*self.labels, scope.value).observe(took)
            arguments = (scope.value, objects, this.end.value, took)
            fields = {"objects": objects, "seconds": round(took, 3)}
            log.debug("a pass (%s) over %d objects ended with %s after %.3f s", *arguments, extra=fields)

    @property
    def running(self) -> float:
        """Seconds for which the present pass has been under way; 0 if there is none."""
        return time.monotonic() - self._pass.began if self._pass else 0.0

    def collect(self) -> Iterator[Metric]:
        for metric in (
            self._attach,
            self._detach,
            self._commands,
            self._command,
            self._errors,
            self._unreadable,
            self._passes,
            self._took,
            self._seen,
            self._corrected,
        ):
            yield from metric.collect()

    def _bounded(self, code: str) -> str:
        if not code:
            return "none"
        if code in _KNOWN or code in self._unknown_codes:
            return code
        if len(self._unknown_codes) < _MAX_UNKNOWN_CODES:
            self._unknown_codes.add(code)
            return code
        return "other"


def _since(timestamp: str | None, now: datetime) -> float:
    """Return the seconds since a time of the API server, whose clock may differ from ours."""
    return max(0.0, (now - datetime.fromisoformat(timestamp)).total_seconds()) if timestamp else 0.0


def _histogram(family: Family) -> Histogram:
    return Histogram(family.name, family.text, family.labels, buckets=family.buckets, registry=None)


def _counter(family: Family) -> prometheus_client.Counter:
    return prometheus_client.Counter(family.name, family.text, family.labels, registry=None)


@dataclass(slots=True)
class Tally:
    """Counts of one array and its objects, or of unassigned objects. Keys: label values in the order of the family."""

    objects: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_ready: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    drifted: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    volumes: Counter[str] = field(default_factory=Counter)
    volume_bytes: Counter[str] = field(default_factory=Counter)
    blocked: int = 0
    quarantined: int = 0
    sessions: int = 0


Tallies = defaultdict[ObjectRef | None, Tally]
"""By array; under None, of the unassigned objects."""


def tally(entries: Iterable[Entry], array_of: Callable[[ObjectRef], ObjectRef | None], now: str, into: Tallies) -> None:
    """Add these entries to the tallies. now: as in conditions; a LUN is in quarantine only until after that time."""
    for entry in entries:
        counts = into[array_of(entry.ref)]
        kind, resource = entry.ref.kind.value, entry.resource
        found = {each.type: each for each in resource.status.conditions} if resource is not None else {}
        ready = found.get("Ready")
        counts.objects[kind, ready.status.lower() if ready else "unknown"] += 1
        if ready is None or ready.status != "True":
            stalled = found.get("Stalled")
            truth = "true" if stalled and stalled.status == "True" else "false"
            counts.not_ready[kind, _bounded(ready), truth] += 1
        if (drifted := found.get(DRIFTED)) and drifted.status == "True":
            counts.drifted[kind, _bounded(drifted)] += 1
        if (blocked := found.get(BLOCKED)) and blocked.status == "True":
            counts.blocked += 1
        for further in FURTHER.keys() & found.keys():
            if found[further].status == "True":
                counts.noted[kind, further, _bounded(found[further])] += 1
        if isinstance(resource, FlashSystemHost):
            status = resource.status
            counts.quarantined += sum(lun.until is not None and lun.until > now for lun in status.quarantined_luns)
            counts.sessions += sum(port.logins or 0 for port in status.ports)
        if isinstance(resource, FlashSystemVolume) and resource.status.uid is not None:
            origin = (resource.status.origin or VolumeOrigin.IMPORTED).lower()
            counts.volumes[origin] += 1
            counts.volume_bytes[origin] += recorded_bytes(resource.status.capacity or "0")


def _bounded(condition: Condition | None) -> str:
    """Return a reason as a label value; `Unknown` if there is no condition yet."""
    if condition is None:
        return "Unknown"
    return condition.reason if condition.reason in _REASONS else _OTHER
