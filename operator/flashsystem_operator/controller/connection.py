"""The connection to one array over time: opened on demand, replaced when its spec or Secret changes, and not retried
while the array would refuse the login again.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from flashsystem_operator import logs
from flashsystem_operator.api.array import Credentials, FlashSystemArray, HostKeyPolicy
from flashsystem_operator.array import queries
from flashsystem_operator.array.errors import ArrayError, LoginRefused
from flashsystem_operator.array.session import Instrumentation
from flashsystem_operator.controller.access import Access, Basis, NoAccess, basis_of, opened
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.workqueue import Clock, in_thread
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.array.array_plan import judge_error
from flashsystem_operator.planner.decision import Refuse, Wait

_REFUSED_FOR, _REFUSED_AT_MOST = 300.0, 3600.0
"""Seconds before a refused login is retried with the same Secret, doubled each time: arrays lock users out."""


class ArrayDown(Exception):
    """The array is not ready. Carries the decision for its conditions.

    retry: seconds until the next attempt; None: by the back-off.
    secret: the version of the Secret that was tried, if known.
    """

    def __init__(self, decision: Wait | Refuse, retry: float | None = None, secret: str | None = None) -> None:
        super().__init__(decision.message)
        self.decision = decision
        self.retry = retry
        self.secret = secret


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A login that the array refused. times: in a row. until: by the clock, when the same Secret may be retried."""

    basis: Basis
    times: int
    until: float
    down: ArrayDown


class ArrayConnection:
    """The connection of one worker. instrument: called with every command that is sent to the array."""

    def __init__(self, kube: Kube, writer: Writer, clock: Clock, instrument: Instrumentation) -> None:
        self._observe_command = instrument
        self._kube = kube
        self._writer = writer
        self._clock = clock
        self._access: Access | None = None
        self._refused: _Refusal | None = None
        self._down: ArrayDown | None = None

    @property
    def sessions(self) -> int:
        """The number of open SSH sessions with the array."""
        return self._access.connections.sessions if self._access else 0

    async def reach(
        self,
        array: FlashSystemArray,
        observer_thread: ThreadPoolExecutor,
        *,
        fresh: bool,
        requested: bool = False,
        by_owner: bool = False,
    ) -> Access:
        """Return open access to the array after its identity was checked and pinned. Raises ArrayDown.

        fresh: check whether the Secret changed, and retry what failed before.
        requested: a user requested this attempt, on the array or on an object below it.
        by_owner: it was requested on the array itself: a refused login is retried too. Users of the objects below it
            could have the array's user locked out; see docs/decisions/14-who-may-try-a-refused-login.md.
        """
        if self._down and not (fresh or requested):
            raise self._down
        if self._access is None or fresh or requested:
            try:
                basis = await basis_of(array, self._kube)
            except NoAccess as error:
                if not self._access:
                    raise self._failed(error) from None
                # The last good credentials stay in use for as long as this process lives.
                basis = self._access.basis
            refused = self._refused
            if refused and refused.basis == basis and self._clock() < refused.until and not by_owner:
                raise refused.down
            if self._access is None or self._access.basis != basis:
                self.close()
                try:
                    self._access = opened(array, basis, self._observe_command, lambda: logs.about(array.ref))
                except NoAccess as error:
                    raise self._failed(error) from None
        await self._introduce(array, self._access, observer_thread)
        return self._access

    def lost(self, error: ArrayError) -> ArrayDown:
        """Return the error to report after a command or a connection failed. The transport reconnects by itself."""
        secret = self._access.basis.secret.version if self._access else None
        self._down = ArrayDown(judge_error(error), secret=secret)
        if isinstance(error, LoginRefused) and self._access:
            basis, before = self._access.basis, self._refused
            times = before.times + 1 if before and before.basis == basis else 1
            delay = min(_REFUSED_FOR * 2.0 ** (times - 1), _REFUSED_AT_MOST)
            self._refused = _Refusal(basis, times, self._clock() + delay, self._down)
        return self._down

    def worked(self) -> None:
        self._down = self._refused = None

    def drain(self) -> None:
        """Send no further command to the array. Commands that were sent are awaited; call `close` afterwards."""
        if self._access:
            self._access.drain()

    def close(self) -> None:
        if self._access:
            self._access.close()
            self._access = None

    async def _introduce(self, array: FlashSystemArray, access: Access, observer_thread: ThreadPoolExecutor) -> None:
        """Pin the identity and host key of the array, before any other command."""
        if access.introduced:
            return
        system = await in_thread(observer_thread, lambda: access.session.ask(queries.SYSTEM))
        contact = access.contact()
        pins = array.spec.host_key_policy is HostKeyPolicy.TRUST_ON_FIRST_USE
        pinned = contact.host_key if pins else None
        if array.status.system_id != system.id or array.status.host_key != pinned:
            credentials = Credentials(last_worked=contact.secret, last_tried=contact.secret)
            update = {"system_id": system.id, "host_key": pinned, "credentials": credentials}
            await self._writer.status(array.ref, array.metadata.uid, array.status.model_copy(update=update))
        access.basis = replace(access.basis, pinned=pinned)
        access.introduced = True

    def _failed(self, error: NoAccess) -> ArrayDown:
        """Without a usable Secret nothing can be tried. The back-off checks it again."""
        self._down = ArrayDown(error.decision, secret=error.secret)
        return self._down
