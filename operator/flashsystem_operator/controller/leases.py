"""Leases: one per array, held by one replica at a time, which works the array.

Every write to the array checks `valid` first, by the local clock alone: the Lease counts as lost well before other
replicas may take it, even if the API server cannot be reached.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import Conflict, KubeError, NotFound
from flashsystem_operator.controller.workqueue import Clock
from flashsystem_operator.planner.array.array_plan import system_reached

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Settings of all Leases. holder: this replica. duration: seconds until a Lease without renewal is free."""

    namespace: str
    holder: str
    duration: float = 15.0

    @property
    def period(self) -> float:
        """Seconds between two renewals."""
        return self.duration / 5


def name_for(array: FlashSystemArray, *, duplicate: bool) -> str:
    """Return the Lease's name: by the system's id once it answered, so that no system is worked by two replicas.

    Before that, and for a duplicate, nothing is written to the system, and the Lease must not block the resource that
    does reach it: the name is by the resource's UID.
    """
    system = system_reached(array)
    if system is None or duplicate:
        return f"flashsystem-array-{array.metadata.uid}"
    return f"flashsystem-{system.lower()}"


class Lease:
    """One Lease. Belongs to one event loop. May be acquired again after it was lost.

    Expiry is measured by the local clock too, since the clocks of two nodes may differ: a Lease is expired if its
    record has not changed for its whole duration, as observed by this process.
    """

    def __init__(self, kube: Kube, name: str, terms: LeaseTerms, clock: Clock) -> None:
        self.name = name
        self._kube = kube
        self._terms = terms
        self._clock = clock
        self._held: Any = None
        self._valid_until = float("-inf")
        self._watched: tuple[str, float] = ("", float("-inf"))

    @property
    def valid(self) -> bool:
        """Whether a command may be sent now. False from two thirds of the duration on without a renewal."""
        return self._clock() < self._valid_until

    def was_valid(self, seconds: float) -> bool:
        """Whether it is valid, or was so many seconds ago."""
        return self._clock() < self._valid_until + seconds

    async def acquire(self, patience: float = 0.0, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Wait until the Lease is ours. Return True if it was taken from a holder that did not release it.

        patience: seconds to leave a free Lease to other replicas, so that replicas share the arrays.
        meanwhile: called while another replica holds it.
        """
        while True:
            try:
                taken = await self._try(patience)
            except Conflict:
                taken = None
            except KubeError as error:
                log.warning("cannot acquire Lease %s: %s", self.name, error)
                taken = None
            if taken is not None:
                log.info("acquired Lease %s", self.name)
                return taken
            meanwhile()
            await asyncio.sleep(self._terms.period)

    async def keep(self) -> None:
        """Renew the Lease for as long as that works. Returns when it is lost."""
        while self.valid:
            await asyncio.sleep(self._terms.period)
            try:
                await self._insist(self._renewed)
            except Conflict:
                log.warning("Lease %s was taken by another holder", self.name)
                self._valid_until = min(self._valid_until, self._clock())
            except KubeError as error:
                log.warning("cannot renew Lease %s: %s", self.name, error)

    async def while_held(self, work: Coroutine[Any, Any, None], end: Callable[[], None]) -> None:
        """Run this work while the acquired Lease is ours. Returns when either has ended.

        end: called before the work is cancelled, because the Lease was lost or the caller is cancelled; also after it.
        The Lease is renewed until the work has ended, since parts of it cannot be interrupted.
        """
        async with asyncio.TaskGroup() as keeping:
            keeper = keeping.create_task(self.keep())
            try:
                async with asyncio.TaskGroup() as working:
                    task = working.create_task(work)
                    try:
                        await asyncio.wait({keeper, task}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        end()
                        task.cancel()
            finally:
                keeper.cancel()

    async def release(self) -> None:
        """Release the Lease, so that another replica can take it at once. No command may be under way."""
        if not self.valid:
            return
        self._valid_until = float("-inf")

        async def write_free(lease: Any) -> None:
            lease.spec.holder_identity = ""
            await self._write(lease)

        try:
            await self._insist(write_free)
        except KubeError as error:
            log.warning("cannot release Lease %s, it will expire: %s", self.name, error)

    async def _insist(self, write: Callable[[Any], Awaitable[None]]) -> None:
        """Write the Lease, also over a renewal of our own whose response was lost."""
        try:
            await write(self._held)
        except Conflict:
            found = await self._kube.lease(self._terms.namespace, self.name)
            if not self._is_this(found):
                raise
            await write(found)

    async def _renewed(self, lease: Any) -> None:
        started = self._clock()
        lease.spec.renew_time = datetime.now(UTC)
        self._took(await self._write(lease), started)

    def _is_this(self, found: Any) -> bool:
        """Whether this is the Lease that we held last, and no other replica has held it since."""
        ours = self._held is not None and found.spec.holder_identity == self._terms.holder
        return ours and found.spec.acquire_time == self._held.spec.acquire_time

    async def _try(self, patience: float) -> bool | None:
        """Return True if taken from a dead holder, False if it was free, None if another replica holds it."""
        started = self._clock()
        try:
            found = await self._kube.lease(self._terms.namespace, self.name)
        except NotFound:
            await asyncio.sleep(patience)
            started = self._clock()
            body = {"metadata": {"name": self.name}, "spec": self._spec(0)}
            self._took(await self._kube.create_lease(self._terms.namespace, body, self._terms.period), started)
            return False
        if self._is_this(found):
            await self._renewed(found)
            return False
        holder = found.spec.holder_identity
        if holder:
            # Its Lease has expired when no renewal was seen for its duration, by this replica's clock.
            version = found.metadata.resource_version
            if self._watched[0] != version:
                self._watched = (version, self._clock())
            theirs = max(float(found.spec.lease_duration_seconds or 0), self._terms.duration)
            if self._clock() - self._watched[1] < theirs:
                return None
        if patience:
            await asyncio.sleep(patience)
            return await self._try(0.0)
        found.spec.holder_identity = self._terms.holder
        found.spec.acquire_time = found.spec.renew_time = datetime.now(UTC)
        found.spec.lease_duration_seconds = self._seconds
        found.spec.lease_transitions = (found.spec.lease_transitions or 0) + 1
        self._took(await self._write(found), started)
        return bool(holder)

    def _took(self, held: Any, started: float) -> None:
        """Record the Lease. Validity counts from before the request: it may have taken effect at any time since."""
        self._held = held
        self._valid_until = started + self._terms.duration * 2 / 3

    async def _write(self, lease: Any) -> Any:
        return await self._kube.replace_lease(self._terms.namespace, self.name, lease, self._terms.period)

    @property
    def _seconds(self) -> int:
        return max(1, round(self._terms.duration))

    def _spec(self, transitions: int) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": self._terms.holder,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
