"""Works one array: pass after pass over whatever is due, for as long as this replica holds the array's Lease."""

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
from flashsystem_operator.array.inventory import View
from flashsystem_operator.array.session import Typed
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.array_status import Reports, remember
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.change_log import Errand
from flashsystem_operator.controller.chap_secrets import ChapSecrets
from flashsystem_operator.controller.connection import ArrayDown, Contacts
from flashsystem_operator.controller.kube.client import Kube, KubeError
from flashsystem_operator.controller.leases import Lease, LeaseTerms, name_for
from flashsystem_operator.controller.metrics.collector import Backlog, Standing
from flashsystem_operator.controller.metrics.recorder import Meter, PassEnd
from flashsystem_operator.controller.outputs import Beside
from flashsystem_operator.controller.pass_memory import Braking, Protected, Settling, Unsettled
from flashsystem_operator.controller.reconciler import Ended, Round
from flashsystem_operator.controller.workqueue import Backoff, Clock, DelayQueue
from flashsystem_operator.controller.writer import Writer, now
from flashsystem_operator.planner import luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Refuse, Release, Wait
from flashsystem_operator.planner.desired import World
from flashsystem_operator.planner.overrides import as_held, left_by
from flashsystem_operator.settings import Settings

_BATCH = 500
_SHARE = 0.3
"""Seconds that a free Lease is left to others, for each array that this replica works already."""

_STUCK = 300.0
"""Seconds without the end of any command, and of any request to the API server, after which a pass counts as hanging,
where commandTimeout is not long."""

_PAUSE_ALL = "Option --pause-all of the operator"

log = logging.getLogger(__name__)


class Worker:
    """One FlashSystemArray. busy: asked for the number of arrays that this replica works.

    All of it belongs to one event loop, but for the looks and the commands, which run in threads of the array's own.
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
        kube = kube.heeded_by(self._note_progress)  # but not the renewals of the Lease, which go on while a pass hangs
        self._writer = Writer(kube, cache)
        self._reports = Reports(cache, self._writer)
        self._meter = Meter(ref)
        self._progress = clock()
        self._contacts = Contacts(kube, self._writer, clock, self._heed)
        self._beside = Beside(kube, clock)
        self._chap = ChapSecrets(kube, self._writer)
        self._view: View | None = None
        self._obstructed = set[ObjectRef]()
        self._attempted = dict[ObjectRef, str]()
        self._unsettled = Unsettled(clock, settings.unsettled)
        self._settling = Settling(clock, settings.settle_detaches)
        self._protected = Protected(clock, settings.retry_protected)
        self._braking = Braking(self._writer)
        self._hand = ThreadPoolExecutor(1, f"look-{ref.name}", initializer=logs.about, initargs=(ref,))
        self._lease: Lease | None = None
        self._complained: Wait | Refuse | None = None

    @property
    def standing(self) -> Standing:
        """For whoever measures."""
        return Standing(self._array(), self.working, self._meter, Backlog.of(self._queue), self._contacts.sessions)

    def wake(self, refs: Collection[ObjectRef], delay: float = 0.0) -> None:
        """Make objects due. A wake-up without delay comes from a change, and beats whatever back-off there is."""
        for ref in refs:
            if not delay:
                self._failures.forget(ref)
            self._queue.put(ref, delay)

    async def run(self) -> None:
        """Hold the Lease and work, for ever. Cancelled at the end: what was sent is waited for, the Lease let go."""
        logs.about(self.ref)
        try:
            while True:
                await self._hold_and_work()
        finally:
            self._contacts.close()
            await self._writer.close()
            self._hand.shutdown(wait=False, cancel_futures=True)

    async def _hold_and_work(self) -> None:
        array = self._array()
        if array is None:
            await asyncio.sleep(self._terms.period)
            return
        lease, name = self._lease, self._lease_name(array)
        if lease is None or lease.name != name:
            lease = Lease(self._kube, name, self._terms, self._clock)
        if await lease.acquire(patience=_SHARE * self._busy(), meanwhile=self._contacts.close):
            self._unsettled.add_everything(array.spec.limits.command_timeout)
        self._lease, self.working = lease, True
        try:
            await lease.while_held(self._work(lease.name), self.drain)
        finally:
            self._contacts.close()
            # With a command perhaps still running the Lease is left to run out: the next holder waits for that.
            if not self._unsettled.hosts and not self._unsettled.everything:
                await lease.release()

    @property
    def _terms(self) -> LeaseTerms:
        settings = self._settings
        return LeaseTerms(settings.namespace, settings.identity, settings.lease_duration)

    async def _work(self, lease: str) -> None:
        """Passes, until the array turns out to be another than the Lease is for."""
        self._view = None
        self.wake([self.ref])
        while (array := self._array()) is not None and self._lease_name(array) == lease:
            await self._turn(await self._queue.batch(_BATCH, self._settings.batch_window))

    async def _turn(self, due: list[ObjectRef]) -> None:
        with self._meter.a_pass(len(due), survey=self._view is None or self.ref in due) as turn:
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
                # The array is worked no longer by this replica; whoever works it next begins with a survey.
                turn.end = PassEnd.STOPPED
                log.info("%s: %s", self.ref, error)
                self._retry(due)
            except Exception:
                log.exception("%s: a pass failed in a way that it must not: please report this", self.ref)
                self._view = None
                self._retry(due)

    async def _serve(self, due: set[ObjectRef]) -> PassEnd:
        array = self._array()
        if array is None:
            return PassEnd.DONE
        if array.metadata.deleting and (array.metadata.released or self._is_free(array)):
            await self._writer.release(self.ref, array.metadata)
            return PassEnd.DONE
        try:
            await self._pass(array, due - await self._let_go(due))
        except ArrayDown as down:
            await self._say_down(due, down)
        except ArrayError as error:
            await self._say_down({self.ref, *due}, self._contacts.lost(error))
        else:
            return PassEnd.DONE
        return PassEnd.ARRAY_DOWN

    async def _let_go(self, due: set[ObjectRef]) -> set[ObjectRef]:
        """Those of whom somebody said so, whether or not the array can be reached. Answers with them."""
        entries = (entry for ref in due if ref != self.ref and (entry := self._cache.get(ref)) is not None)
        going = {entry.ref: entry for entry in entries if entry.meta.deleting and entry.meta.released}
        hosts = (entry.counted for entry in going.values() if isinstance(entry.counted, FlashSystemHost))
        freed = [luns.left_by(host, host.status.cooling_luns) for host in hosts]
        if not await remember(self._writer, self.ref, going, freed=freed):
            raise KubeError("what is let go could not be written down")
        for ref, entry in going.items():
            left = left_by(self._writer.remembered(ref))
            log.info("%s: %s", ref, left)
            await self._beside.let_go(entry.resource)
            await self._writer.let_go(ref, entry.meta, left)
        return set(going)

    async def _say_down(self, due: set[ObjectRef], down: ArrayDown) -> None:
        """One condition on the array, one on each object that wanted something. The array's own turn comes again."""
        self._view = None
        if down.said != self._complained:
            log.warning("%s: %s", self.ref, down.said.message)
        self._complained = down.said
        unwritten = await self._reports.down(self._world(down.said.message), down.said, due, down.secret)
        self._retry(unwritten)
        if self.ref in due:
            self._queue.put(self.ref, self._failures.failed(self.ref) if down.retry is None else down.retry)

    async def _pass(self, array: FlashSystemArray, due: set[ObjectRef]) -> None:
        survey = self._view is None or self.ref in due
        self._refuse_duplicate(array)
        requested = self._requested(due)
        access = await self._contacts.reach(
            array,
            self._hand,
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
        self._unsettled.seconds = max(self._settings.unsettled, array.spec.limits.command_timeout)
        turn = Round(
            access.session,
            self._writer,
            self._unsettled,
            self._protected,
            self._braking,
            self._why_not,
            self._hand,
            self._beside,
            self._meter,
        )
        ended = await turn.go(self._world, self._view, due - {self.ref}, survey=survey)
        self._view = ended.view
        self._contacts.worked()
        self._complained = None
        if survey or ended.acted or (array.spec.detach_brake and self._reports.is_outdated(self._world(""))):
            await self._reports.array(self._world(""), ended.verdict, ended.view, access.contact(), survey=survey)
        if survey:
            self._queue.put(self.ref, array.spec.resync_interval * random.uniform(0.9, 1.0))  # noqa: S311 - jitter
        self._line_up(due, ended)

    def _requested(self, due: Collection[ObjectRef]) -> set[ObjectRef]:
        """Those of these that carry a request for an attempt that was not made yet.

        Each is one attempt, also while its echo cannot be written: a wrong password is not tried over and over.
        """
        new = set[ObjectRef]()
        for ref in due:
            entry, said = self._cache.get(ref), self._writer.remembered(ref)
            asked = entry.meta.asked.reconcile_requested_at if entry else None
            if not asked or getattr(said, "last_handled_reconcile_at", None) == asked:
                self._attempted.pop(ref, None)
            elif self._attempted.get(ref) != asked:
                self._attempted[ref] = asked
                new.add(ref)
        return new

    def _line_up(self, due: set[ObjectRef], ended: Ended) -> None:
        """Give a turn to whom the pass leaves unfinished, and to whom it may have cleared the way."""
        for ref in due - ended.again.keys():
            self._failures.forget(ref)
        for ref, delay in ended.again.items():
            self._queue.put(ref, self._failures.failed(ref) if delay is None else delay)
        if self._unsettled.everything:
            self._queue.put(self.ref, self._unsettled.rest)
        self._obstructed = (self._obstructed - due) | ended.obstructed
        if ended.freed:
            self.wake(self._obstructed - ended.again.keys())

    def _refuse_duplicate(self, array: FlashSystemArray) -> None:
        if elder := array_plan.elder(array, self._cache.arrays):
            self._contacts.close()
            raise ArrayDown(array_plan.duplicate(array, elder), retry=array.spec.resync_interval)

    def _lease_name(self, array: FlashSystemArray) -> str:
        return name_for(array, duplicate=array_plan.elder(array, self._cache.arrays) is not None)

    def _retry(self, refs: Collection[ObjectRef]) -> None:
        for ref in refs:
            self._queue.put(ref, self._failures.failed(ref))

    def _why_not(self, errand: Errand) -> str:
        """Called from threads."""
        leased = self.working and self._lease is not None and self._lease.valid
        if errand.undoes and self._lease is not None:
            # After a stop, too; and the next holder of the Lease waits this long for what was sent before.
            array = self._array()
            leased = self._lease.was_valid(array.spec.limits.command_timeout if array else 0.0)
        return executor.why_not(errand, self._cache, leased=leased, paused=self._paused)

    @property
    def _paused(self) -> str:
        """What pauses all arrays, if anything does."""
        return _PAUSE_ALL if self._settings.pause_all else ""

    def drain(self) -> None:
        """Send no further command; those that were sent are waited for. Before the end, or while another works it."""
        self.working = False
        self._contacts.drain()

    def abandon(self) -> None:
        """Cut the connections: what is under way has an unknown outcome, and whoever waits for it gets on."""
        self._contacts.close()

    @property
    def healthy(self) -> bool:
        """Whether a pass that is under way gets on: a restart helps one that hangs in itself, and no other."""
        limit = _STUCK
        if (array := self._array()) is not None:
            limit = max(limit, 5 * array.spec.limits.command_timeout)
        return not self._meter.running or self._clock() - self._progress < limit

    def _note_progress(self) -> None:
        self._progress = self._clock()

    def _heed(self, typed: Typed) -> None:
        """Called from the threads in which commands end."""
        self._note_progress()
        self._meter.heed(typed)

    def _array(self) -> FlashSystemArray | None:
        entry = self._cache.get(self.ref)
        return entry.resource if entry and isinstance(entry.resource, FlashSystemArray) else None

    def _is_free(self, array: FlashSystemArray) -> bool:
        hosts, attachments = self._cache.hosts_on(self.ref), self._cache.attachments_on(self.ref)
        gone = array_plan.plan_gone(array, len(hosts), len(attachments))
        return isinstance(as_held(gone, array, self._world("")), Release)

    def _world(self, closed: str) -> World:
        array = self._array()
        if array is None:
            raise KubeError(f"{self.ref} is gone")
        attachments = self._cache.attachments_on(self.ref)
        return World(
            array=array,
            hosts=self._cache.hosts_on(self.ref),
            attachments=attachments,
            installation=self._installation,
            former=self._settings.former_installations,
            namespaces=self._cache.namespaces.labels,
            namespaced=bool(self._settings.watched),
            paused=self._paused,
            closed=closed,
            unsettled=self._unsettled.hosts,
            unsettled_pairs=self._unsettled.pairs,
            all_unsettled=self._unsettled.everything,
            settling=self._settling.rest(attachments.values()),
            held=self._protected.held,
            counted=self._braking.counted,
            now=now(),
            chap=self._chap.known,
            marked=self._cache.marked,
        )
