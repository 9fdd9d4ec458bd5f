"""What is said of an array."""

from dataclasses import dataclass

from flashsystem_operator.api import array as api
from flashsystem_operator.api.array import ArrayStatus, FlashSystemArray
from flashsystem_operator.api.audit import Audit
from flashsystem_operator.api.conditions import Conditions
from flashsystem_operator.array.state import Node, Portal
from flashsystem_operator.array.view import Body, View
from flashsystem_operator.reconcile import brake, cooling, times
from flashsystem_operator.reconcile.conditions import condition, conditions, verdict
from flashsystem_operator.reconcile.decision import Decision, InSync, Reason

_OLD = 600.0
"""Seconds after which the time of contact is written although nothing else is to be said."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How the array was reached.

    host_key: the key it showed, as in known_hosts without the name; fingerprint: of that key.
    secret: the version of the Secret that was used.
    """

    host_key: str
    fingerprint: str
    secret: str


def reached(
    array: FlashSystemArray,
    decision: Decision,
    view: View,
    contact: Contact,
    counts: api.Counts,
    now: str,
    audit: Audit | None = None,
) -> ArrayStatus:
    """After a look that succeeded. audit: None keeps what was said before.

    The time of contact moves with something else, or when it has become old: an idle array is seldom written.
    """
    status = _body(array, view.body).model_copy(
        update={
            "conditions": _all(array, decision, now, reachable=True),
            "observed_generation": array.metadata.generation,
            "last_handled_reconcile_at": array.metadata.asked.reconcile_requested_at,
            "host_key": contact.host_key if array.spec.host_key_policy == "TrustOnFirstUse" else None,
            "host_key_fingerprint": contact.fingerprint,
            "credentials": api.Credentials(last_worked=contact.secret, last_tried=contact.secret),
            "counts": counts,
            **brake.said(array, now),
            "cooling_luns": cooling.remembering(array.status.cooling_luns, (), now)
            if array.spec.lun_quarantine
            else (),
            "audit": audit or array.status.audit,
        }
    )
    if status == array.status and _is_fresh(status.last_contact_time, now):
        return status
    return status.model_copy(update={"last_contact_time": now})


def _is_fresh(contact: str | None, now: str) -> bool:
    return times.after(now, -_OLD) < (times.in_utc(contact) or "") <= now


def unreached(array: FlashSystemArray, decision: Decision, now: str, secret: str | None = None) -> ArrayStatus:
    """After a look that failed: all that was known stays, as of the last look."""
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
        reason, message = Reason.READY, "" if isinstance(decision, InSync) else "The last look succeeded."
    return (
        *conditions(decision, before, generation, now),
        condition("Reachable", "True" if reachable else "False", reason, message, before, generation, now),
    )


def _body(array: FlashSystemArray, body: Body) -> ArrayStatus:
    system, pool = body.system, body.pool
    return ArrayStatus(
        last_contact_time=array.status.last_contact_time,
        system_id=system.id,
        system_name=system.name,
        product=system.product or None,
        code_level=system.code_text or None,
        dialect=api.Dialect(system.dialect),
        open_access_enabled=system.open_access,
        nodes=tuple(_node(node) for node in body.nodes),
        portals=tuple(_portal(portal, array.spec.iscsi.port) for portal in body.portals),
        pool=pool and api.Pool(name=pool.name, status=pool.status, capacity=pool.capacity, free=pool.free),
    )


def _node(node: Node) -> api.Node:
    return api.Node(
        name=node.name,
        id=node.id,
        status=node.status,
        iqn=node.iqn,
        io_group=node.io_group,
        config_node=node.config_node,
    )


def _portal(portal: Portal, port: int) -> api.Portal:
    return api.Portal(
        address=portal.address,
        port=port,
        iqn=portal.iqn,
        node=portal.node,
        io_group=portal.io_group,
        portset=portal.portset or None,
        state="usable" if portal.usable else portal.state,
    )
