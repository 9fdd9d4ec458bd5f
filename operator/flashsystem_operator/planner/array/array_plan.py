"""Plan and status of a FlashSystemArray: its checks, its errors, and what is recorded of a contact with it.

The checks are those of Cinder's do_setup and check_for_setup_error, as decisions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flashsystem_operator.api import array as api
from flashsystem_operator.api.array import ArrayStatus, Audit, FlashSystemArray
from flashsystem_operator.api.base import Conditions
from flashsystem_operator.api.metadata import ACCEPT_SYSTEM
from flashsystem_operator.array.errors import (
    ArrayError,
    HostKeyMismatch,
    LoginRefused,
    OtherSystem,
    Refused,
    Unreadable,
)
from flashsystem_operator.array.model import Body, Inventory, Pool, Portal
from flashsystem_operator.planner import codes, luns, policies, text
from flashsystem_operator.planner.decision import Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import seniority
from flashsystem_operator.planner.text import condition, conditions, plural, quantity, verdict
from flashsystem_operator.values import SystemId, system_id


def check_array(array: FlashSystemArray, body: Body) -> InSync | Refuse:
    """Run all checks on what was read of the array; return the first refusal."""
    refused = (check(array, body) for check in CHECKS)
    ready = InSync(Reason.READY, f"{body.system.name} ({body.system.id}) is ready.")
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
    wanted = array.spec.pool or body.capabilities.default_pool
    if wanted and body.pool is None:
        return Refuse(Reason.POOL_NOT_FOUND, f"The array has no pool {wanted}. Correct spec.pool, or create the pool.")
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
    allowed = array.spec.iscsi.portal_addresses
    if usable_portals(array, body):
        return None
    return Refuse(
        Reason.NO_USABLE_PORTAL,
        "No address for iSCSI hosts is configured and up on an online node"
        + (", of those in spec.iscsi.portalAddresses. Correct these, or configure" if allowed else ". Configure")
        + " one on the array.",
    )


CHECKS = (open_access, pool, portset, nodes, portals)
"""The checks of an array that answers, in this order. Each returns what is wrong, or None."""


def usable_portals(array: FlashSystemArray, body: Body) -> tuple[Portal, ...]:
    """The portals where hosts can log in now, of the addresses that the spec allows."""
    allowed = array.spec.iscsi.portal_addresses
    return tuple(each for each in body.portals if each.usable and (not allowed or each.address in allowed))


def portset_trouble(name: str, body: Body, remedy: str) -> Refuse | None:
    """Why an iSCSI host cannot use the portset of that name, or None. remedy: what to do, as a sentence."""
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
    """Why the array could not be read, and what to do."""
    detail = str(error)
    match error:
        case LoginRefused():
            return Refuse(
                Reason.LOGIN_FAILED,
                f"{detail}. Correct the Secret: a changed one is tried within a minute. The same one is tried again "
                "after five minutes, then at longer intervals, since arrays lock users out.",
            )
        case HostKeyMismatch():
            return Refuse(
                Reason.HOST_KEY_MISMATCH,
                f"{detail}. Nothing was sent to it. If the array's key was changed on purpose, put the new one into "
                "spec.hostKeys; otherwise another machine may be intercepting the connection.",
            )
        case OtherSystem(expected=expected, found=found):
            return Refuse(
                Reason.OTHER_SYSTEM,
                f"System {found} answers at this address, not {expected}. Nothing was changed. "
                f"Correct spec.management.addresses; or, if system {found} has taken its place, set annotation "
                f"{ACCEPT_SYSTEM}: {found} (and spec.systemID, where that is set).",
            )
        case Refused():
            message = f"Reading the array failed: {detail.rstrip('.')}. {codes.remark(error)} It is tried again."
            return Wait(Reason.REFUSED_BY_ARRAY, message)
        case Unreadable():
            return Wait(
                Reason.UNREADABLE_ANSWER,
                f"{detail}. Nothing was changed. Please report this with the array's code level; it is tried again.",
            )
        case _:
            return Wait(Reason.UNREACHABLE, f"{detail}. It is tried again.")


def elder(array: FlashSystemArray, others: Iterable[FlashSystemArray]) -> FlashSystemArray | None:
    """The older resource for the same system, if there is one: the younger is not used.

    A resource that names the system but never reached it does not count: any user can write an id.
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
    """The system that the annotation accepts as the successor of the pinned one; None if its value is not an id."""
    wanted = array.metadata.asked.accept_system
    try:
        return system_id(wanted) if wanted else None
    except ValueError:
        return None


def duplicate(array: FlashSystemArray, other: FlashSystemArray) -> Refuse:
    near = other.metadata.namespace == array.metadata.namespace
    return Refuse(
        Reason.DUPLICATE_ARRAY,
        f"{other.ref if near else 'A FlashSystemArray of another namespace'} is for the same system and came first. "
        "Nothing is done through this one. Delete one of the two.",
    )


def plan_gone(array: FlashSystemArray, hosts: int, volumes: int, attachments: int) -> Decision:
    """A FlashSystemArray is released when no object below it needs it."""
    if hosts or volumes or attachments:
        kinds = (hosts, "FlashSystemHost"), (volumes, "FlashSystemVolume"), (attachments, "VolumeAttachment")
        users = text.listed([plural(count, kind) for count, kind in kinds if count])
        return Wait(
            Reason.IN_USE,
            f"{array.ref} is in use by {users}. Delete them first, or wait if they are being deleted.",
        )
    return Release()


_OLD = 600.0
"""Seconds after which the time of contact is written although nothing else changed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A successful login at the array.

    host_key: the key that the array presented, as in known_hosts without the name; fingerprint: of that key.
    secret: the version of the Secret that was used.
    """

    host_key: str
    fingerprint: str
    secret: str


def reached(
    array: FlashSystemArray,
    decision: Decision,
    inventory: Inventory,
    contact: Contact,
    counts: api.Counts,
    now: str,
    audit: Audit | None = None,
) -> ArrayStatus:
    """The status after the array was read. audit: None keeps the former one.

    The time of contact is updated with other changes, or when it is old: the status of an idle array is seldom written.
    """
    status = _body(array, inventory.body).model_copy(
        update={
            "conditions": _all(array, decision, now, reachable=True),
            "observed_generation": array.metadata.generation,
            "last_handled_reconcile_at": array.metadata.asked.reconcile_requested_at,
            "host_key": contact.host_key if array.spec.host_key_policy == "TrustOnFirstUse" else None,
            "host_key_fingerprint": contact.fingerprint,
            "credentials": api.Credentials(last_worked=contact.secret, last_tried=contact.secret),
            "counts": counts,
            **policies.recorded_detaches(array, now),
            "quarantined_luns": luns.remembering(array.status.quarantined_luns, (), now)
            if array.spec.lun_quarantine
            else (),
            "audit": audit or array.status.audit,
            "pools": _pools(inventory.pools.values())
            if inventory.pools is not None
            # Without volumes, pools are not read, so what is known becomes outdated.
            else (array.status.pools if counts.volumes else ()),
        }
    )
    if status == array.status and text.after(now, -_OLD) < (text.in_utc(status.last_contact_time) or "") <= now:
        return status
    return status.model_copy(update={"last_contact_time": now})


def unreached(array: FlashSystemArray, decision: Decision, now: str, secret: str | None = None) -> ArrayStatus:
    """The status after reading the array failed: all that was known stays."""
    credentials = array.status.credentials or api.Credentials()
    return array.status.model_copy(
        update={
            "conditions": _all(array, decision, now, reachable=False),
            "observed_generation": array.metadata.generation,
            "last_handled_reconcile_at": array.metadata.asked.reconcile_requested_at,
            "credentials": credentials.model_copy(update={"last_tried": secret})
            if secret
            else array.status.credentials,
        }
    )


def _all(array: FlashSystemArray, decision: Decision, now: str, *, reachable: bool) -> Conditions:
    before, generation = array.status.conditions, array.metadata.generation
    reason, message = verdict(decision, None)
    if reachable:
        reason, message = Reason.READY, "" if isinstance(decision, InSync) else "The array was read successfully."
    return (
        *conditions(decision, before, generation, now),
        condition("Reachable", "True" if reachable else "False", reason, message, before, generation, now),
    )


def _pools(pools: Iterable[Pool]) -> tuple[api.PoolUse, ...]:
    def shown(size: int | None) -> str | None:
        return None if size is None else quantity(size)

    return tuple(
        api.PoolUse(
            name=pool.name,
            status=pool.status,
            capacity=shown(pool.capacity),
            free=shown(pool.free),
            used=shown(pool.used),
            provisioned=shown(pool.provisioned),
        )
        for pool in sorted(pools, key=lambda each: each.name)
    )


def _body(array: FlashSystemArray, body: Body) -> ArrayStatus:
    system, pool = body.system, body.pool
    return ArrayStatus(
        last_contact_time=array.status.last_contact_time,
        system_id=system.id,
        system_name=system.name,
        product=system.product or None,
        code_level=system.code_text or None,
        dialect=api.Dialect(system.dialect.capitalize()),
        open_access_enabled=system.open_access,
        nodes=tuple(
            api.Node(
                name=node.name,
                id=node.id,
                status=node.status,
                iqn=node.iqn,
                io_group=node.io_group,
                config_node=node.config_node,
            )
            for node in body.nodes
        ),
        portals=tuple(
            api.Portal(
                address=portal.address,
                port=array.spec.iscsi.port,
                iqn=portal.iqn,
                node=portal.node,
                io_group=portal.io_group,
                portset=portal.portset or None,
                state="usable" if portal.usable else portal.state,
            )
            for portal in body.portals
        ),
        pool=pool
        and api.Pool(name=pool.name, status=pool.status, capacity=quantity(pool.capacity), free=quantity(pool.free)),
    )
