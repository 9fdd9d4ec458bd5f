"""The checks of an array: login, host key, system, pool, portset, nodes, portals, and the role of the user.

They cover what Cinder's do_setup and check_for_setup_error check. Each management address is checked separately:
otherwise a wrong second address would be noticed only when the first one fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.array import discovery, queries
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    Refused,
    Unreadable,
)
from flashsystem_operator.array.model import Body
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.credentials import HostKey
from flashsystem_operator.cli.target.reach import connect, describe_error
from flashsystem_operator.cli.target.target import Target
from flashsystem_operator.controller.connection import Access, NoAccess
from flashsystem_operator.planner import luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.text import listed

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one check.

    ok: None if the check was skipped because an earlier one failed. message: what was found, or what to do.
    pin: a line for spec.hostKeys if the observed key is not in it yet.
    """

    check: str
    ok: bool | None
    message: str
    pin: str = ""


def rows(target: Target) -> Iterator[Row]:
    """Run the checks in order and yield each result as soon as it is known."""
    if target.secret is None:
        yield Row("Credentials", ok=False, message=target.missing_login)
        yield from _unchecked("Reachable", *_ADDRESS_CHECKS, *_CONTENT_CHECKS)
        return
    login = "private key" if "ssh-privatekey" in target.secret.data else "password"
    yield Row("Credentials", ok=True, message=f"there is a user name and a {login}")
    addresses = target.array.spec.management.addresses
    first_open: Access | None = None
    for address in addresses:
        access, results = _check_address(_only(target, address), f" at {address}" if len(addresses) > 1 else "")
        yield from results
        if access and first_open is None:
            first_open, target = access, _with_identity_of(target, access)
        elif access:
            access.close()
    if first_open is None:
        yield from _unchecked(*_CONTENT_CHECKS)
        return
    # What the array must have before volumes can be attached.
    try:
        body = discovery.body(first_open.session, target.array.spec.pool)
    except ArrayError as error:
        yield Row("Answers", ok=False, message=describe_error(error, target))
        yield from _unchecked(*_CONTENT_CHECKS[1:])
    else:
        yield Row("Answers", ok=True, message="system, nodes, portals and pool can be read")
        for name, check, describe in zip(_CONTENT_CHECKS[1:-1], array_plan.CHECKS, _DESCRIPTIONS, strict=True):
            refused = check(target.array, body)
            yield Row(name, ok=refused is None, message=refused.message if refused else describe(target.array, body))
        yield _check_role(first_open.session)
    finally:
        first_open.close()


def count(target: Target) -> int:
    """Return the number of checks."""
    addresses = len(target.array.spec.management.addresses) if target.secret else 1
    return 1 + addresses * (1 + len(_ADDRESS_CHECKS)) + len(_CONTENT_CHECKS)


_ADDRESS_CHECKS = ("Host key", "Login", "System")
_CONTENT_CHECKS = ("Answers", "Open access", "Pool", "Portset", "Nodes", "Portals", "Role")

_CHANGES_ALL = ("Administrator", "SecurityAdmin")
_CHANGES_MOST = ("RestrictedAdmin",)
_READS = ("Monitor", "CopyOperator", "Service")
"""Roles of users by what they may do with hosts, mappings and volumes. Source: array-cli facts 1.6."""


def _check_address(target: Target, where: str) -> tuple[Access | None, list[Row]]:
    """Check one address, from the network to the identity of the system. A failed check skips those after it."""
    names = [f"{name}{where}" for name in ("Reachable", *_ADDRESS_CHECKS)]
    try:
        access = connect(target)
    except NoAccess as error:
        return None, _failed(
            names, 0 if error.decision.reason is Reason.CREDENTIALS_INVALID else 1, error.decision.message
        )
    except ArrayError as error:
        pin = error.seen if isinstance(error, HostKeyMismatch) and not target.array.spec.host_keys else ""
        return None, _failed(names, _stage(error), describe_error(error, target), pin)
    key = HostKey.read(str(access.connections.host_key_seen))
    if target.array.spec.host_keys:
        pin, trust = "", "as pinned"
    else:
        seen = target.array.status.host_key
        pin, trust = key.line, "the first key that the operator saw" if seen else "not pinned yet: compare it"
    system, identity = access.session.system, ""
    if system is not None:
        model = " ".join(filter(None, (system.product, system.code_text.partition(" ")[0])))
        identity = ", ".join(filter(None, (f"{system.name} ({system.id})", model, f"{system.dialect} dialect")))
    return access, [
        Row(
            names[0],
            ok=True,
            message=f"{access.connections.address} answers on port {target.array.spec.management.port}",
        ),
        Row(names[1], ok=True, message=f"{key.fingerprint} ({key.kind}), {trust}", pin=pin),
        Row(names[2], ok=True, message="the array accepts the login"),
        Row(names[3], ok=True, message=identity),
    ]


def _check_role(session: Session) -> Row:
    """Check what the user may do. The operator needs a role that changes hosts and mappings, and creates volumes."""
    try:
        user = session.ask(queries.CURRENT_USER)
    except ArrayError:  # an old release may not have the command; what a user may not do is refused then
        return Row("Role", ok=None, message="the array does not show the role of the user")
    if user.ownership_group:
        return Row(
            "Role",
            ok=False,
            message=f"the user belongs to ownership group {user.ownership_group}, so it sees and changes only the "
            "objects of that group. Use a user without an ownership group.",
        )
    if user.role in _CHANGES_ALL:
        return Row("Role", ok=True, message=f"{user.role} may attach, create, grow and delete volumes")
    if user.role in _CHANGES_MOST:
        return Row(
            "Role",
            ok=True,
            message=f"{user.role} may attach, create and grow volumes, but not delete them: that needs a user of role "
            "Administrator",
        )
    if user.role in _READS:
        return Row(
            "Role",
            ok=False,
            message=f"{user.role} may neither attach nor create volumes. Give the operator a user of role "
            "Administrator.",
        )
    return Row("Role", ok=None, message=f"whether role {user.role} may attach and create volumes is not known")


def _failed(names: list[str], at: int, message: str, pin: str = "") -> list[Row]:
    before = [Row(name, ok=True, message="") for name in names[:at]]
    return [*before, Row(names[at], ok=False, message=message, pin=pin), *_unchecked(*names[at + 1 :])]


def _stage(error: ArrayError) -> int:
    """Return the index of the check, of the four of an address, that an error belongs to."""
    match error:
        case HostKeyMismatch():
            return 1
        case LoginRefused():
            return 2
        case OtherSystem() | Refused() | Unreadable():
            return 3
        case _:
            return 0


def _unchecked(*names: str) -> list[Row]:
    return [Row(name, ok=None, message="") for name in names]


def _only(target: Target, address: str) -> Target:
    spec = target.array.spec
    one = spec.model_copy(update={"management": spec.management.model_copy(update={"addresses": (address,)})})
    return replace(target, array=target.array.model_copy(update={"spec": one}))


def _with_identity_of(target: Target, access: Access) -> Target:
    """Require the system, and without pinned keys also the host key, of the first address that answered."""
    spec = target.array.spec
    key = access.connections.host_key_seen
    identified = spec.model_copy(
        update={"system_id": access.session.expected, "host_keys": spec.host_keys or ((key,) if key else ())}
    )
    return replace(target, array=target.array.model_copy(update={"spec": identified}))


# -- messages of checks that passed -----------------------------------------------------------------------------------


def _describe_open_access(_: FlashSystemArray, body: Body) -> str:
    return "it is off" if body.system.open_access is False else "this array does not have it: only mappings give access"


def _describe_pool(_: FlashSystemArray, body: Body) -> str:
    if body.pool is None:
        return "spec.pool names none: attaching needs none, and each FlashSystemVolume has to name its own"
    free, capacity = (f"{size / _GIB:,.0f} GiB" for size in (body.pool.free, body.pool.capacity))
    share = f"; only {luns.free_percent(body.pool)} % are free" if luns.is_nearly_full(body.pool) else ""
    return f"{body.pool.name} is {body.pool.status}, {free} free of {capacity}{share}"


def _describe_portset(array: FlashSystemArray, body: Body) -> str:
    if not body.capabilities.portsets:
        return "this array has no portsets: all hosts use all portal addresses"
    return array.spec.iscsi.portset or "spec.iscsi.portset names none: the array uses its default"


def _describe_nodes(_: FlashSystemArray, body: Body) -> str:
    return listed(
        [f"{node.name} is {node.status}{'' if node.iqn else ' without an iSCSI name'}" for node in body.nodes]
    )


def _describe_portals(array: FlashSystemArray, body: Body) -> str:
    usable = array_plan.usable_portals(array, body)
    others = len(body.portals) - len(usable)
    more = f"; {others} more cannot be used" if others else ""
    return f"{listed([f'{portal.address} ({portal.node})' for portal in usable])}{more}"


_DESCRIPTIONS: tuple[Callable[[FlashSystemArray, Body], str], ...] = (
    _describe_open_access,
    _describe_pool,
    _describe_portset,
    _describe_nodes,
    _describe_portals,
)
