"""The way to one array, over time: opened when it is needed, made anew when what it hangs on changes, let be when it
would be refused again.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from flashsystem_operator import logs
from flashsystem_operator.api.array import ArrayStatus, Credentials, FlashSystemArray, HostKeyPolicy
from flashsystem_operator.array import queries
from flashsystem_operator.array.errors import ArrayError, LoginRefused
from flashsystem_operator.array.heeding import Heed
from flashsystem_operator.controller.access import Access, Basis, NoAccess, basis_of, opened
from flashsystem_operator.controller.delays import Clock
from flashsystem_operator.controller.kube import Kube
from flashsystem_operator.controller.threads import in_thread
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.reconcile.array import judge_error
from flashsystem_operator.reconcile.decision import Refuse, Wait

_REFUSED_FOR = 300.0
"""Seconds in which a refused login is not tried again with the same Secret: arrays lock users out."""


class ArrayDown(Exception):
    """The array cannot be worked with. said: for its conditions. retry: seconds; None: by the back-off.

    secret: the version of the Secret that was tried, if that is known.
    """

    def __init__(self, said: Wait | Refuse, retry: float | None = None, secret: str | None = None) -> None:
        super().__init__(said.message)
        self.said = said
        self.retry = retry
        self.secret = secret


class Contacts:
    """Belongs to one worker. heed: told of every command that the array is given."""

    def __init__(self, kube: Kube, writer: Writer, clock: Clock, heed: Heed) -> None:
        self._heed = heed
        self._kube = kube
        self._writer = writer
        self._clock = clock
        self._access: Access | None = None
        self._refused: tuple[Basis, float, ArrayDown] | None = None
        self._down: ArrayDown | None = None

    @property
    def sessions(self) -> int:
        """SSH sessions with the array that are open."""
        return self._access.connections.sessions if self._access else 0

    async def reach(self, array: FlashSystemArray, hand: ThreadPoolExecutor, *, fresh: bool) -> Access:
        """An open way to the array whose system was seen to be the right one, and is pinned; or ArrayDown.

        fresh: look whether the Secret changed, and try again what failed before.
        """
        if self._down and not fresh:
            raise self._down
        if self._access is None or fresh:
            basis = await self._basis(array)
            if self._refused and self._refused[0] == basis and self._clock() < self._refused[1]:
                raise self._refused[2]
            if self._access is None or self._access.basis != basis:
                self.close()
                self._access = self._opened(array, basis)
        await self._introduce(array, self._access, hand)
        return self._access

    def lost(self, array: FlashSystemArray, error: ArrayError) -> ArrayDown:
        """What to say after a look or a connection failed. The way is kept: the transport opens it again by itself."""
        secret = self._access.basis.secret.version if self._access else None
        self._down = ArrayDown(judge_error(error), secret=secret)
        if isinstance(error, LoginRefused) and self._access:
            self._down.retry = array.spec.resync_interval
            self._refused = (self._access.basis, self._clock() + _REFUSED_FOR, self._down)
        return self._down

    def worked(self) -> None:
        self._down = self._refused = None

    def close(self) -> None:
        if self._access:
            self._access.close()
            self._access = None

    async def _basis(self, array: FlashSystemArray) -> Basis:
        try:
            return await basis_of(array, self._kube)
        except NoAccess as error:
            if self._access:
                # The last good credentials stay in use for as long as this process lives.
                return self._access.basis
            raise self._told(array, error) from None

    def _opened(self, array: FlashSystemArray, basis: Basis) -> Access:
        try:
            return opened(array, basis, self._heed, lambda: logs.about(array.ref))
        except NoAccess as error:
            raise self._told(array, error) from None

    async def _introduce(self, array: FlashSystemArray, access: Access, hand: ThreadPoolExecutor) -> None:
        """Pin who answers there, before anything is built on it."""
        if access.introduced:
            return
        system = await in_thread(hand, lambda: access.session.ask(queries.SYSTEM))
        contact = access.contact()
        pins = array.spec.host_key_policy is HostKeyPolicy.TRUST_ON_FIRST_USE
        pinned = contact.host_key if pins else None
        if array.status.system_id != system.id or array.status.host_key != pinned:
            await self._writer.status(array.ref, _introduced(array.status, system.id, pinned, contact.secret))
        access.basis = replace(access.basis, pinned=pinned)
        access.introduced = True

    def _told(self, array: FlashSystemArray, error: NoAccess) -> ArrayDown:
        self._down = ArrayDown(error.said, retry=array.spec.resync_interval, secret=error.secret)
        return self._down


def _introduced(status: ArrayStatus, system: str, pinned: str | None, secret: str) -> ArrayStatus:
    """Identity and key, pinned before anything is built on them."""
    return status.model_copy(
        update={
            "system_id": system,
            "host_key": pinned,
            "credentials": Credentials(last_worked=secret, last_tried=secret),
        }
    )
