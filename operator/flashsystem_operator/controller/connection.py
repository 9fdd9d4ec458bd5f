"""Access to one array: the session, made from its resource and Secret, and the Lease without which nothing is changed.

A session is opened on demand, replaced when the spec or the Secret changes, and not retried while the array would
refuse the login again.

Every write to the array checks `valid` first, by the local clock alone: the Lease counts as lost well before other
replicas may take it, even if the API server cannot be reached.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from flashsystem_operator import logs
from flashsystem_operator.api.array import Credentials, FlashSystemArray, HostKeyPolicy
from flashsystem_operator.api.metadata import RELEASE
from flashsystem_operator.array import queries
from flashsystem_operator.array.errors import ArrayError, LoginRefused
from flashsystem_operator.array.session import Instrumentation, Run, Session, no_instrumentation
from flashsystem_operator.array.ssh.credentials import BadCredentials, BadHostKey, HostKey, Login
from flashsystem_operator.array.ssh.pool import Connections, Endpoint, Limits
from flashsystem_operator.controller.cache import Clock, in_thread
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import Conflict, Forbidden, KubeError, NotFound, Secret
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.array.array_plan import (
    Contact,
    accepted_system,
    judge_error,
    system_of,
    system_reached,
)
from flashsystem_operator.planner.decision import Reason, Refuse, Wait


class Secrets(Protocol):
    """What is needed of the API server. Raises NotFound, Forbidden or another KubeError."""

    async def secret(self, namespace: str, name: str) -> Secret: ...


class NoAccess(Exception):
    """The spec or the Secret does not give access to the array. Carries the decision for its conditions.

    secret: the version of the Secret that was tried, if it was read.
    """

    def __init__(self, decision: Refuse, secret: str | None = None) -> None:
        super().__init__(decision.message)
        self.decision = decision
        self.secret = secret


@dataclass(slots=True)
class Access:
    """Open access to an array.

    basis: what it was created from; a new basis needs a new access. introduced: whether the array's identity is pinned.
    """

    session: Session
    connections: Connections
    basis: "Basis"
    introduced: bool = False

    def contact(self) -> Contact:
        key = self.connections.host_key_seen or ""
        return Contact(key, HostKey.read(key).fingerprint if key else "", self.basis.secret.version)

    def drain(self) -> None:
        self.session.drain()

    def close(self) -> None:
        self.session.close()


@dataclass(frozen=True, slots=True)
class Basis:
    """All inputs of an access: if one changes, the access is replaced."""

    spec: tuple[object, ...]
    pinned: str | None
    secret: Secret = field(repr=False)


async def basis_of(array: FlashSystemArray, kube: Secrets) -> Basis:
    """Read the Secret by name. Raises NoAccess, or KubeError."""
    namespace, name = array.metadata.namespace, array.spec.credentials_secret_ref.name
    try:
        secret = await kube.secret(namespace, name)
    except NotFound:
        seen = array.status.credentials
        if seen and seen.last_worked:
            raise NoAccess(
                Refuse(
                    Reason.CREDENTIALS_GONE,
                    f"Secret {namespace}/{name}, which this array used, is gone. Create it again, with username and "
                    "password or ssh-privatekey. To delete objects without it, and leave what they have on the array, "
                    f"set annotation {RELEASE} to their uid.",
                )
            ) from None
        raise NoAccess(
            Refuse(
                Reason.CREDENTIALS_NOT_FOUND,
                f"There is no Secret {namespace}/{name}. Create it, with username and password or ssh-privatekey.",
            )
        ) from None
    except Forbidden:
        raise NoAccess(
            Refuse(
                Reason.CREDENTIALS_FORBIDDEN,
                f"The operator may not read Secret {namespace}/{name}. Bind ClusterRole flashsystem-operator-secrets "
                f"to its service account with a RoleBinding in namespace {namespace}.",
            )
        ) from None
    return basis(array, secret)


def basis(array: FlashSystemArray, secret: Secret) -> Basis:
    spec = array.spec
    pinned = array.status.host_key if spec.host_key_policy is HostKeyPolicy.TRUST_ON_FIRST_USE else None
    way = (spec.management, spec.host_keys, spec.host_key_policy, spec.limits, spec.system_id)
    return Basis((*way, accepted_system(array)), pinned, secret)


def opened(
    array: FlashSystemArray,
    basis: Basis,
    instrument: Instrumentation = no_instrumentation,
    prepare: Callable[[], None] = lambda: None,
) -> Access:
    """Create the access to the array; nothing is sent yet. Raises NoAccess if Secret or host keys cannot be used.

    instrument, prepare: see Session.
    """
    spec = array.spec
    trusted = spec.host_key_policy is HostKeyPolicy.TRUST_ON_FIRST_USE
    endpoint = Endpoint(
        addresses=spec.management.addresses,
        port=spec.management.port,
        host_keys=spec.host_keys or ((basis.pinned,) if basis.pinned else ()),
        trust_first_use=trusted,
    )
    limits = Limits(
        concurrent_commands=spec.limits.concurrent_commands,
        sessions=spec.limits.sessions,
        command_timeout=spec.limits.command_timeout,
        new_connections_per_second=spec.limits.new_connections_per_second,
    )
    made: list[Connections] = []

    def connect(greet: Callable[[Run], None]) -> Connections:
        made.append(Connections(endpoint, login(array, basis.secret), limits, greet))
        return made[0]

    try:
        session = Session(
            connect, system_of(array), limits.concurrent_commands, instrument, prepare, limits.command_timeout
        )
    except BadHostKey as error:
        raise NoAccess(Refuse(Reason.HOST_KEY_MISMATCH, f"spec.hostKeys cannot be used: {error}.")) from None
    except BadCredentials as error:
        raise _invalid(array, basis.secret, str(error)) from None
    return Access(session, made[0], basis)


def login(array: FlashSystemArray, secret: Secret) -> Login:
    """Read the login from the keys of kubernetes.io/basic-auth and kubernetes.io/ssh-auth."""
    return Login(
        username=(_text(array, secret, "username") or "").strip(),
        password=_text(array, secret, "password"),
        private_key=_text(array, secret, "ssh-privatekey"),
    )


def _text(array: FlashSystemArray, secret: Secret, key: str) -> str | None:
    if key not in secret.data:
        return None
    try:
        return base64.b64decode(secret.data[key], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid(array, secret, f"its {key} is not text") from None


def _invalid(array: FlashSystemArray, secret: Secret, why: str) -> NoAccess:
    name = array.spec.credentials_secret_ref.name
    return NoAccess(
        Refuse(
            Reason.CREDENTIALS_INVALID,
            f"Secret {array.metadata.namespace}/{name} cannot be used: {why}. It needs username, and password or "
            "ssh-privatekey.",
        ),
        secret.version,
    )


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
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            spec = {
                "holderIdentity": self._terms.holder,
                "leaseDurationSeconds": self._seconds,
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            }
            body = {"metadata": {"name": self.name}, "spec": spec}
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
