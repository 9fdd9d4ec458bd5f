"""May anything be done through this array? What Cinder's do_setup and check_for_setup_error ask, as decisions."""

from collections.abc import Iterable

from flashsystem_operator.api.annotations import ACCEPT_SYSTEM
from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    Refused,
    Unreadable,
)
from flashsystem_operator.array.state import Portal
from flashsystem_operator.array.view import Body
from flashsystem_operator.reconcile import codes
from flashsystem_operator.reconcile.decision import Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.reconcile.words import plural
from flashsystem_operator.reconcile.world import seniority
from flashsystem_operator.values import SystemId, system_id


def judge(array: FlashSystemArray, body: Body) -> InSync | Refuse:
    """Whether the array is as it must be, from what was read of it."""
    refused = (check(array, body) for check in CHECKS)
    ready = InSync(Reason.READY, f"{body.system.name} ({body.system.id}) can be worked with.")
    return next((each for each in refused if each), ready)


def open_access(array: FlashSystemArray, body: Body) -> Refuse | None:  # noqa: ARG001 - every check is asked alike
    if not body.system.open_access:
        return None
    return Refuse(
        Reason.OPEN_ACCESS_ON,
        "Open access is on: every host sees every volume, whatever is mapped. Turn it off with "
        "`chsystem -openaccess off` on the array.",
    )


def pool(array: FlashSystemArray, body: Body) -> Refuse | None:
    wished = array.spec.pool or body.capabilities.default_pool
    if wished and body.pool is None:
        return Refuse(Reason.POOL_NOT_FOUND, f"The array has no pool {wished}. Correct spec.pool, or make the pool.")
    if body.pool and body.pool.status == "offline":
        return Refuse(Reason.POOL_OFFLINE, f"Pool {body.pool.name} is offline. Bring it online on the array.")
    return None


def portset(array: FlashSystemArray, body: Body) -> Refuse | None:
    name = array.spec.iscsi.portset
    if not name or not body.capabilities.portsets:
        return None
    remedy = "Correct spec.iscsi.portset of the FlashSystemArray: `lsportset` on the array lists them."
    return portset_trouble(name, body, remedy)


def nodes(array: FlashSystemArray, body: Body) -> Refuse | None:  # noqa: ARG001 - every check is asked alike
    if any(node.online and node.iqn for node in body.nodes):
        return None
    states = ", ".join(f"{node.name} is {node.status}" for node in body.nodes) or "the array lists none"
    return Refuse(
        Reason.NO_ONLINE_NODE, f"No node with an iSCSI name is online: {states}. Bring one online on the array."
    )


def portals(array: FlashSystemArray, body: Body) -> Refuse | None:
    allowed = array.spec.iscsi.addresses
    if usable_portals(array, body):
        return None
    return Refuse(
        Reason.NO_USABLE_PORTAL,
        "No address for iSCSI hosts is configured and up on an online node"
        + (", of those in spec.iscsi.addresses. Correct these, or configure" if allowed else ". Configure")
        + " one on the array.",
    )


CHECKS = (open_access, pool, portset, nodes, portals)
"""What is asked of an array that answers, in this order. Each says what is wrong, or None."""


def usable_portals(array: FlashSystemArray, body: Body) -> tuple[Portal, ...]:
    """Where hosts can log in now, of those addresses that the spec allows."""
    allowed = array.spec.iscsi.addresses
    return tuple(each for each in body.portals if each.usable and (not allowed or each.address in allowed))


def portset_trouble(name: str, body: Body, remedy: str) -> Refuse | None:
    """Why no iSCSI host can be put into the portset of that name. remedy: what to do, as a sentence."""
    found = next((each for each in body.portsets if each.name == name), None)
    if found is None and body.odd:
        return None  # it may be the one that could not be read
    if found is None:
        return Refuse(Reason.PORTSET_NOT_FOUND, f"The array has no portset {name}. {remedy}")
    if found.serves_iscsi:
        return None
    what = f"type {found.kind}, not host" if found.kind != "host" else f"port type {found.port_type}, not ethernet"
    return Refuse(Reason.PORTSET_MISMATCH, f"Portset {name} cannot be used by iSCSI hosts: it has {what}. {remedy}")


def judge_error(error: ArrayError) -> Wait | Refuse:
    """Why the array could not be looked at, and what helps."""
    words = str(error)
    match error:
        case LoginRefused():
            return Refuse(
                Reason.LOGIN_FAILED,
                f"{words}. Correct the Secret: a changed one is tried within a minute. The same one is tried again "
                "after five minutes, then ever more seldom, since arrays lock users out.",
            )
        case HostKeyMismatch():
            return Refuse(
                Reason.HOST_KEY_MISMATCH,
                f"{words}. Nothing was sent to it. If the array's key was changed on purpose, put the new one into "
                "spec.hostKeys; otherwise somebody is in between.",
            )
        case OtherSystem(expected=expected, found=found):
            return Refuse(
                Reason.OTHER_SYSTEM,
                f"System {found} answers at this address, not {expected}. Nothing was believed and nothing changed. "
                f"Correct spec.management.addresses; or, if system {found} has taken its place, say so with annotation "
                f"{ACCEPT_SYSTEM}: {found} (and in spec.systemID, where that is set).",
            )
        case Refused():
            said = f"Looking at the array failed: {words.rstrip('.')}. {codes.remark(error)} It is tried again."
            return Wait(Reason.REFUSED_BY_ARRAY, said)
        case Unreadable():
            return Wait(
                Reason.UNREADABLE_ANSWER,
                f"{words}. Nothing was changed. Please report this with the array's code level; it is tried again.",
            )
        case _:
            return Wait(Reason.UNREACHABLE, f"{words}. It is tried again.")


def elder(array: FlashSystemArray, others: Iterable[FlashSystemArray]) -> FlashSystemArray | None:
    """The older resource for the same system, if there is one: nothing is worked through the younger.

    Who merely names the system, and never reached it, bars nobody: anyone can write down an id.
    """
    system = system_of(array)
    if system is None:
        return None
    same = (each for each in others if each.ref != array.ref and system_reached(each) == system)
    return min((each for each in same if seniority(each) < seniority(array)), key=seniority, default=None)


def system_of(array: FlashSystemArray) -> SystemId | None:
    """The system that the resource is for: pinned by the spec, else the one that was accepted, else the first seen."""
    return array.spec.system_id or accepted_system(array) or array.status.system_id


def system_reached(array: FlashSystemArray) -> SystemId | None:
    """The system that the resource is for, if it was that which answered; None until then."""
    system = system_of(array)
    return system if system == array.status.system_id else None


def accepted_system(array: FlashSystemArray) -> SystemId | None:
    """The system that somebody says has taken the place of the one that was pinned; None if what he wrote is no id."""
    wished = array.metadata.asked.accept_system
    try:
        return system_id(wished) if wished else None
    except ValueError:
        return None


def duplicate(array: FlashSystemArray, other: FlashSystemArray) -> Refuse:
    near = other.metadata.namespace == array.metadata.namespace
    return Refuse(
        Reason.DUPLICATE_ARRAY,
        f"{other.ref if near else 'A FlashSystemArray of another namespace'} is for the same system and came first. "
        "Nothing is done through this one. Delete one of the two.",
    )


def plan_gone(array: FlashSystemArray, hosts: int, attachments: int) -> Decision:
    """A FlashSystemArray goes when nothing needs it any more."""
    if hosts or attachments:
        return Wait(
            Reason.IN_USE,
            f"{array.ref} is in use by {plural(hosts, 'FlashSystemHost')} and "
            f"{plural(attachments, 'VolumeAttachment')}. Delete them first, or wait if they are being deleted.",
        )
    return Release()
