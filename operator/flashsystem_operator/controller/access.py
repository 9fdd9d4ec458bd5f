"""Access to an array: create a session from a FlashSystemArray and its Secret."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from flashsystem_operator.api.array import FlashSystemArray, HostKeyPolicy
from flashsystem_operator.api.metadata import RELEASE
from flashsystem_operator.array.session import Instrumentation, Run, Session, no_instrumentation
from flashsystem_operator.array.ssh.credentials import BadCredentials, BadHostKey, HostKey, Login
from flashsystem_operator.array.ssh.pool import Connections, Endpoint, Limits
from flashsystem_operator.controller.kube.errors import Forbidden, NotFound, Secret
from flashsystem_operator.planner.array.array_plan import Contact, accepted_system, system_of
from flashsystem_operator.planner.decision import Reason, Refuse


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
        raise NoAccess(_missing(array)) from None
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


def _missing(array: FlashSystemArray) -> Refuse:
    secret = f"{array.metadata.namespace}/{array.spec.credentials_secret_ref.name}"
    seen = array.status.credentials
    if seen and seen.last_worked:
        return Refuse(
            Reason.CREDENTIALS_GONE,
            f"Secret {secret}, which this array used, is gone. Create it again, with username and password or "
            f"ssh-privatekey. To delete objects without it, and leave what they have on the array, set annotation "
            f"{RELEASE} to their uid.",
        )
    return Refuse(
        Reason.CREDENTIALS_NOT_FOUND,
        f"There is no Secret {secret}. Create it, with username and password or ssh-privatekey.",
    )


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
