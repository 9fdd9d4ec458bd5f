"""Everything that must be right before an array can be worked with, asked one after another.

What Cinder's do_setup and check_for_setup_error ask, each way to the array by itself: a second address that is wrong
would otherwise show on the day when the first one fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.array import discovery
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    Refused,
    Unreadable,
)
from flashsystem_operator.array.inventory import Body
from flashsystem_operator.array.model import System
from flashsystem_operator.array.ssh.credentials import HostKey
from flashsystem_operator.cli.target.reach import connect, way_out
from flashsystem_operator.cli.target.target import Target
from flashsystem_operator.controller.access import Access, NoAccess
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.text import listed

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Row:
    """ok: None when it was not checked, because something before it failed. said: what was found, or the way out.

    pin: a line for spec.hostKeys, where the key that was seen does not stand there yet.
    """

    check: str
    ok: bool | None
    said: str
    pin: str = ""


def rows(target: Target) -> Iterator[Row]:
    """The checks, in their order, each when it is done."""
    if target.secret is None:
        yield Row("Credentials", ok=False, said=target.lacking)
        yield from _unchecked("Reachable", *_WAY, *_INSIDE)
        return
    yield Row("Credentials", ok=True, said=_login_said(target))
    addresses = target.array.spec.management.addresses
    good: Access | None = None
    for address in addresses:
        access, said = _way(_only(target, address), f" at {address}" if len(addresses) > 1 else "")
        yield from said
        if access and good is None:
            good, target = access, _held_to(target, access)
        elif access:
            access.close()
    if good is None:
        yield from _unchecked(*_INSIDE)
        return
    try:
        yield from _inside(target, good)
    finally:
        good.close()


def count(target: Target) -> int:
    """How many checks there are."""
    ways = len(target.array.spec.management.addresses) if target.secret else 1
    return 1 + ways * (1 + len(_WAY)) + len(_INSIDE)


_WAY = ("Host key", "Login", "System")
_INSIDE = ("Answers", "Open access", "Pool", "Portset", "Nodes", "Portals")


def _way(target: Target, where: str) -> tuple[Access | None, list[Row]]:
    """From the network to the system that answers: four checks, of which a failed one hides those after it."""
    names = [f"{name}{where}" for name in ("Reachable", *_WAY)]
    try:
        access = connect(target)
    except NoAccess as error:
        return None, _failed(names, 0 if error.said.reason is Reason.CREDENTIALS_INVALID else 1, error.said.message)
    except ArrayError as error:
        pin = error.seen if isinstance(error, HostKeyMismatch) and not target.array.spec.host_keys else ""
        return None, _failed(names, _stage(error), way_out(error, target), pin)
    key = HostKey.read(str(access.connections.host_key_seen))
    pin = "" if target.array.spec.host_keys else key.line
    return access, [
        Row(names[0], ok=True, said=f"{access.connections.address} answers on port {_port(target)}"),
        Row(names[1], ok=True, said=f"{key.fingerprint} ({key.kind}), {_how_trusted(target)}", pin=pin),
        Row(names[2], ok=True, said="the array took the login"),
        Row(names[3], ok=True, said=_system_said(access.session.system)),
    ]


def _failed(names: list[str], at: int, why: str, pin: str = "") -> list[Row]:
    before = [Row(name, ok=True, said="") for name in names[:at]]
    return [*before, Row(names[at], ok=False, said=why, pin=pin), *_unchecked(*names[at + 1 :])]


def _stage(error: ArrayError) -> int:
    """Which of the four checks an error belongs to."""
    match error:
        case HostKeyMismatch():
            return 1
        case LoginRefused():
            return 2
        case OtherSystem() | Refused() | Unreadable():
            return 3
        case _:
            return 0


def _inside(target: Target, access: Access) -> Iterator[Row]:
    """What an array that answers must have."""
    try:
        body = discovery.body(access.session, target.array.spec.pool)
    except ArrayError as error:
        yield Row("Answers", ok=False, said=way_out(error, target))
        yield from _unchecked(*_INSIDE[1:])
        return
    yield Row("Answers", ok=True, said="system, nodes, portals and pool can be read")
    for name, check, found in zip(_INSIDE[1:], array_plan.CHECKS, _FOUND, strict=True):
        refused = check(target.array, body)
        yield Row(name, ok=refused is None, said=refused.message if refused else found(target.array, body))


def _unchecked(*names: str) -> list[Row]:
    return [Row(name, ok=None, said="") for name in names]


def _only(target: Target, address: str) -> Target:
    spec = target.array.spec
    one = spec.model_copy(update={"management": spec.management.model_copy(update={"addresses": (address,)})})
    return replace(target, array=target.array.model_copy(update={"spec": one}))


def _held_to(target: Target, access: Access) -> Target:
    """From the first address on that answered, it is this system, and where nobody pinned a key, this key."""
    spec = target.array.spec
    key = access.connections.host_key_seen
    held = spec.model_copy(
        update={"system_id": access.session.expected, "host_keys": spec.host_keys or ((key,) if key else ())}
    )
    return replace(target, array=target.array.model_copy(update={"spec": held}))


# -- what is said when all is well ------------------------------------------------------------------------------------


def _login_said(target: Target) -> str:
    data = target.secret.data if target.secret else {}
    return f"there is a user name and a {'private key' if 'ssh-privatekey' in data else 'password'}"


def _port(target: Target) -> int:
    return target.array.spec.management.port


def _how_trusted(target: Target) -> str:
    if target.array.spec.host_keys:
        return "as pinned"
    return "the first that the operator saw" if target.array.status.host_key else "not pinned yet: compare it"


def _system_said(system: System | None) -> str:
    if system is None:
        return ""
    level = system.code_text.partition(" ")[0]
    model = " ".join(filter(None, (system.product, level)))
    return ", ".join(filter(None, (f"{system.name} ({system.id})", model, f"{system.dialect} dialect")))


def _open_access_said(_: FlashSystemArray, body: Body) -> str:
    return "it is off" if body.system.open_access is False else "this array knows none: mappings alone decide"


def _pool_said(_: FlashSystemArray, body: Body) -> str:
    if body.pool is None:
        return "none is named in spec.pool, and none is needed to attach volumes"
    free, capacity = (f"{size / _GIB:,.0f} GiB" for size in (body.pool.free, body.pool.capacity))
    return f"{body.pool.name} is {body.pool.status}, {free} free of {capacity}"


def _portset_said(array: FlashSystemArray, body: Body) -> str:
    if not body.capabilities.portsets:
        return "this array knows none: every address for hosts is for all hosts"
    return array.spec.iscsi.portset or "none is named in spec.iscsi.portset: the array chooses its default"


def _nodes_said(_: FlashSystemArray, body: Body) -> str:
    return listed(
        [f"{node.name} is {node.status}{'' if node.iqn else ' without an iSCSI name'}" for node in body.nodes]
    )


def _portals_said(array: FlashSystemArray, body: Body) -> str:
    usable = array_plan.usable_portals(array, body)
    others = len(body.portals) - len(usable)
    more = f"; {others} more cannot be used" if others else ""
    return f"{listed([f'{portal.address} ({portal.node})' for portal in usable])}{more}"


_FOUND: tuple[Callable[[FlashSystemArray, Body], str], ...] = (
    _open_access_said,
    _pool_said,
    _portset_said,
    _nodes_said,
    _portals_said,
)
