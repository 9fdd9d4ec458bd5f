"""The worker of one array: pass after pass over the due objects while this replica holds the array's Lease."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from flashsystem_operator import logs
from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.errors import ArrayError, Withheld
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.session import CommandResult
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.cache import Backoff, Cache, Clock, DelayQueue
from flashsystem_operator.controller.connection import ArrayConnection, ArrayDown, Lease, LeaseTerms, name_for
from flashsystem_operator.controller.executor import DeletionDebounce, DetachCounter, InDoubt, Operation, RefusalCache
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import KubeError
from flashsystem_operator.controller.metrics.collector import Backlog, WorkerState
from flashsystem_operator.controller.metrics.recorder import Meter, PassEnd
from flashsystem_operator.controller.outputs import ChapSecrets, Outputs
from flashsystem_operator.controller.reconciler import Pass
from flashsystem_operator.controller.writer import Reports, Writer, now, remember_released
from flashsystem_operator.planner import luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, with_volumes
from flashsystem_operator.planner.policies import apply_overrides, left_by
from flashsystem_operator.settings import Settings

_BATCH = 500
_SHARE = 0.3
"""Seconds for which a free Lease is left to other replicas, for each array that this replica already works."""

_STUCK = 300.0
"""Seconds without the end of any command, and of any request to the API server, after which a pass counts as hanging,
unless commandTimeout is long."""

_PAUSE_ALL = "Option --pause-all of the operator"

log = logging.getLogger(__name__)


class Worker:
    """The worker of one FlashSystemArray. busy: returns the number of arrays that this replica works.

    It belongs to one event loop. Reads and commands of the array run in the array's own threads.
    """

    def __init__(
        self,
        ref: ObjectRef,
        installation: str,
        cache: Cache,
        kube: Kube,
        settings: Settings,
        clock: Clock,
        busy: Callable[[], int],
    ) -> None:
        self.ref = ref
        self.working = False
        self._installation = installation
        self._cache = cache
        self._kube = kube
        self._settings = settings
        self._clock = clock
        self._busy = busy
        self._queue = DelayQueue[ObjectRef](clock)
        self._failures = Backoff[ObjectRef]()
        kube = kube.reporting_progress_to(
            self._note_progress
        )  # but not the renewals of the Lease, which go on while a pass hangs
        self._writer = Writer(kube, cache)
        self._reports = Reports(cache, self._writer)
        self._meter = Meter(ref)
        self._progress = clock()
        self._connection = ArrayConnection(kube, self._writer, clock, self._observe_command)
        self._outputs = Outputs(kube, clock)
        self._chap = ChapSecrets(kube, self._writer)
        self._inventory: Inventory | None = None
        self._obstructed = set[ObjectRef]()
        self._attempted = dict[ObjectRef, str]()
        self._in_doubt = InDoubt(clock, settings.in_doubt)
        self._debounce = DeletionDebounce(clock, settings.deletion_debounce)
        self._refusal_cache = RefusalCache(clock, settings.protected_retry)
        self._detach_counter = DetachCounter(self._writer)
        self._observer_thread = ThreadPoolExecutor(1, f"look-{ref.name}", initializer=logs.about, initargs=(ref,))
        self._lease: Lease | None = None
        self._complained: Wait | Refuse | None = None

    @property
    def state(self) -> WorkerState:
        """The worker's state for the metrics."""
        return WorkerState(self._array(), self.working, self._meter, Backlog.of(self._queue), self._connection.sessions)

    def wake(self, refs: Collection[ObjectRef], delay: float = 0.0) -> None:
        """Make objects due. A wake-up without delay comes from a change, and resets the back-off."""
        for ref in refs:
            if not delay:
                self._failures.forget(ref)
            self._queue.put(ref, delay)

    async def run(self) -> None:
        """Hold the Lease and work until cancelled: then sent commands are awaited and the Lease is released."""
        logs.about(self.ref)
        try:
            while True:
                array = self._array()
                if array is None:
                    await asyncio.sleep(self._terms.period)
                    continue
                lease, name = self._lease, self._lease_name(array)
                if lease is None or lease.name != name:
                    lease = Lease(self._kube, name, self._terms, self._clock)
                if await lease.acquire(patience=_SHARE * self._busy(), meanwhile=self._connection.close):
                    self._in_doubt.add_everything(array.spec.limits.command_timeout)
                self._lease, self.working = lease, True
                try:
                    await lease.while_held(self._work(lease.name), self.drain)
                finally:
                    self._connection.close()
                    # If a command may still be running, the Lease is left to expire: the next holder waits for that.
                    if not self._in_doubt:
                        await lease.release()
        finally:
            self._connection.close()
            await self._writer.close()
            self._observer_thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _terms(self) -> LeaseTerms:
        settings = self._settings
        return LeaseTerms(settings.namespace, settings.identity, settings.lease_duration)

    async def _work(self, lease: str) -> None:
        """Run passes until the array turns out to be a different one than the Lease is for."""
        self._inventory = None
        self.wake([self.ref])
        while (array := self._array()) is not None and self._lease_name(array) == lease:
            await self._turn(await self._queue.batch(_BATCH, self._settings.batch_window))

    async def _turn(self, due: list[ObjectRef]) -> None:
        with self._meter.a_pass(len(due), survey=self._inventory is None or self.ref in due) as turn:
            self._progress = self._clock()
            try:
                turn.end = await self._serve(set(due))
            except asyncio.CancelledError:
                turn.end = PassEnd.STOPPED
                raise
            except KubeError as error:
                turn.end = PassEnd.CLUSTER_ERROR
                log.warning("%s: %s", self.ref, error)
                self._retry(due)
            except Withheld as error:
                # This replica no longer works the array; the next one begins with a survey.
                turn.end = PassEnd.STOPPED
                log.info("%s: %s", self.ref, error)
                self._retry(due)
            except Exception:
                log.exception("%s: internal error during reconciliation; please report it", self.ref)
                self._inventory = None
                self._retry(due)

    async def _serve(self, due: set[ObjectRef]) -> PassEnd:
        array = self._array()
        if array is None:
            return PassEnd.DONE
        if array.metadata.deleting and (array.metadata.released or self._is_free(array)):
            await self._writer.release(self.ref, array.metadata)
            return PassEnd.DONE
        try:
            await self._pass(array, due - await self._release(due))
        except ArrayDown as down:
            await self._report_down(due, down)
        except ArrayError as error:
            await self._report_down({self.ref, *due}, self._connection.lost(error))
        else:
            return PassEnd.DONE
        return PassEnd.ARRAY_DOWN

    async def _release(self, due: set[ObjectRef]) -> set[ObjectRef]:
        """Release the objects with the release annotation, even if the array is unreachable; return their refs."""
        entries = (entry for ref in due if ref != self.ref and (entry := self._cache.get(ref)) is not None)
        going = {entry.ref: entry for entry in entries if entry.meta.deleting and entry.meta.released}
        hosts = (entry.counted for entry in going.values() if isinstance(entry.counted, FlashSystemHost))
        freed = [luns.left_by(host, host.status.quarantined_luns) for host in hosts]
        if not await remember_released(self._writer, self.ref, going, freed=freed):
            raise KubeError("cannot record what released objects leave on the array")
        for ref, entry in going.items():
            left = left_by(self._writer.remembered(ref))
            log.info("%s: %s", ref, left)
            await self._outputs.release(entry.resource)
            await self._writer.release_unchanged(ref, entry.meta, left)
        return set(going)

    async def _report_down(self, due: set[ObjectRef], down: ArrayDown) -> None:
        """Write conditions of the array and of the due objects, and requeue the array."""
        self._inventory = None
        if down.decision != self._complained:
            log.warning("%s: %s", self.ref, down.decision.message)
        self._complained = down.decision
        unwritten = await self._reports.down(self._desired(down.decision.message), down.decision, due, down.secret)
        self._retry(unwritten)
        if self.ref in due:
            self._queue.put(self.ref, self._failures.failed(self.ref) if down.retry is None else down.retry)

    async def _pass(self, array: FlashSystemArray, due: set[ObjectRef]) -> None:
        survey = self._inventory is None or self.ref in due
        self._refuse_duplicate(array)
        requested = self._requested(due)
        access = await self._connection.reach(
            array,
            self._observer_thread,
            fresh=self.ref in due,
            requested=bool(requested),
            by_owner=self.ref in requested,
        )
        array = self._array() or array
        self._refuse_duplicate(array)
        if self._lease is None or self._lease_name(array) != self._lease.name:
            self._queue.put_all(due)
            return
        if survey:
            due = {self.ref, *self._cache.workable_on(self.ref)}
        await self._chap.read(self._cache.hosts_behind(self.ref, due), self._cache.hosts_on(self.ref))
        self._in_doubt.seconds = max(self._settings.in_doubt, array.spec.limits.command_timeout)
        turn = Pass(
            access.session,
            self._writer,
            self._in_doubt,
            self._refusal_cache,
            self._detach_counter,
            self._why_not,
            self._observer_thread,
            self._outputs,
            self._meter,
        )
        ended = await turn.run(self._desired, self._inventory, due - {self.ref}, survey=survey)
        self._inventory = ended.inventory
        self._connection.worked()
        self._complained = None
        if survey or ended.acted or (array.spec.detach_rate_limit and self._reports.is_outdated(self._desired(""))):
            await self._reports.array(
                self._desired(""), ended.verdict, ended.inventory, access.contact(), survey=survey
            )
        if survey:
            self._queue.put(self.ref, array.spec.resync_interval * random.uniform(0.9, 1.0))  # noqa: S311 - jitter
        # Requeue the objects that this pass leaves unfinished, and wake those that may no longer be obstructed.
        for ref in due - ended.again.keys():
            self._failures.forget(ref)
        for ref, delay in ended.again.items():
            self._queue.put(ref, self._failures.failed(ref) if delay is None else delay)
        if self._in_doubt.everything:
            self._queue.put(self.ref, self._in_doubt.seconds_left)
        self._obstructed = (self._obstructed - due) | ended.obstructed
        if ended.freed:
            self.wake(self._obstructed - ended.again.keys())

    def _requested(self, due: Collection[ObjectRef]) -> set[ObjectRef]:
        """Return the objects with a requested reconciliation that was not attempted yet.

        Each request is one attempt, also if its echo cannot be written: a wrong password is not retried in a loop.
        """
        new = set[ObjectRef]()
        for ref in due:
            entry, status = self._cache.get(ref), self._writer.remembered(ref)
            asked = entry.meta.asked.reconcile_requested_at if entry else None
            if not asked or getattr(status, "last_handled_reconcile_at", None) == asked:
                self._attempted.pop(ref, None)
            elif self._attempted.get(ref) != asked:
                self._attempted[ref] = asked
                new.add(ref)
        return new

    def _refuse_duplicate(self, array: FlashSystemArray) -> None:
        if elder := array_plan.elder(array, self._cache.arrays):
            self._connection.close()
            raise ArrayDown(array_plan.duplicate(array, elder), retry=array.spec.resync_interval)

    def _lease_name(self, array: FlashSystemArray) -> str:
        return name_for(array, duplicate=array_plan.elder(array, self._cache.arrays) is not None)

    def _retry(self, refs: Collection[ObjectRef]) -> None:
        for ref in refs:
            self._queue.put(ref, self._failures.failed(ref))

    def _why_not(self, operation: Operation) -> str:
        """Return why a command may not be sent now, if anything. Called from threads."""
        leased = self.working and self._lease is not None and self._lease.valid
        if operation.undoes and self._lease is not None:
            # Also after a stop; and the next holder of the Lease waits this long for commands that were sent before.
            array = self._array()
            leased = self._lease.was_valid(array.spec.limits.command_timeout if array else 0.0)
        return executor.why_not(operation, self._cache, leased=leased, paused=self._paused)

    @property
    def _paused(self) -> str:
        """The name of the option that pauses all arrays, if it is set."""
        return _PAUSE_ALL if self._settings.pause_all else ""

    def drain(self) -> None:
        """Send no further command; those that were sent are awaited. Called before the end, or on loss of the Lease."""
        self.working = False
        self._connection.drain()

    def abandon(self) -> None:
        """Close the connections: commands under way have an unknown outcome, and their callers continue."""
        self._connection.close()

    @property
    def healthy(self) -> bool:
        """Whether the current pass makes progress. Only for a pass that hangs does a restart help."""
        limit = _STUCK
        if (array := self._array()) is not None:
            limit = max(limit, 5 * array.spec.limits.command_timeout)
        return not self._meter.running or self._clock() - self._progress < limit

    def _note_progress(self) -> None:
        self._progress = self._clock()

    def _observe_command(self, result: CommandResult) -> None:
        """Called from the threads in which commands end."""
        self._note_progress()
        self._meter.observe_command(result)

    def _array(self) -> FlashSystemArray | None:
        entry = self._cache.get(self.ref)
        return entry.resource if entry and isinstance(entry.resource, FlashSystemArray) else None

    def _is_free(self, array: FlashSystemArray) -> bool:
        below = (self._cache.hosts_on(self.ref), self._cache.volumes_on(self.ref), self._cache.attachments_on(self.ref))
        gone = array_plan.plan_gone(array, *(len(some) for some in below))
        return isinstance(apply_overrides(gone, array, self._desired("")), Release)

    def _desired(self, closed: str) -> Desired:
        array = self._array()
        if array is None:
            raise KubeError(f"{self.ref} is gone")
        volumes = self._cache.volumes_on(self.ref)
        attachments = with_volumes(self._cache.attachments_on(self.ref), volumes)
        leaving = [ref for ref, volume in volumes.items() if volume.metadata.deleting]
        return Desired(
            array=array,
            hosts=self._cache.hosts_on(self.ref),
            volumes=volumes,
            attachments=attachments,
            installation=self._installation,
            former=self._settings.former_installations,
            namespaces=self._cache.namespaces.labels,
            namespaced=bool(self._settings.watched),
            paused=self._paused,
            closed=closed,
            in_doubt=self._in_doubt.hosts,
            in_doubt_pairs=self._in_doubt.pairs,
            in_doubt_volumes=self._in_doubt.volumes,
            referring={ref: self._cache.attachments_of_volume(ref) for ref in leaving},
            all_in_doubt=self._in_doubt.everything,
            debounced=self._debounce.seconds_left(attachments.values()),
            held=self._refusal_cache.held,
            counted=self._detach_counter.counted,
            now=now(),
            chap=self._chap.known,
            marked=self._cache.marked,
        )
