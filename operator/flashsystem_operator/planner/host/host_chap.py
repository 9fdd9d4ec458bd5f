"""The CHAP secret of our host object. It is compared with what the array has, never with what the operator did."""

from flashsystem_operator.api.host import ChapSeen, FlashSystemHost
from flashsystem_operator.array.commands import ClearChap, SetChap
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import ChapSecret, HostName


def trouble(
    resource: FlashSystemHost, name: HostName | None, desired: Desired, inventory: Inventory
) -> Refuse | Wait | None:
    """Why the secret of the spec cannot be set, or None. name: of the host object, None before it is created."""
    if resource.spec.chap is None:
        return None
    if inventory.body.capabilities.chap is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"{inventory.body.system.product or inventory.body.system.name} does not support CHAP secrets of hosts. "
            "Remove spec.chap.",
        )
    wanted = desired.chap.get(resource.ref)
    if wanted is None:
        return Wait(Reason.PROGRESSING, "The Secret that spec.chap names is about to be read.")
    if isinstance(wanted, Refuse):
        return wanted
    if inventory.chap is None:
        return Wait(
            Reason.REFUSED_BY_ARRAY,
            "The array does not show which hosts have a CHAP secret (`lsiscsiauth`), so none is set: the user may not "
            "run the command, or its output cannot be read; see the operator's log. Let the operator log in as a user "
            "who may run it, or report the output.",
        )
    if name is None or name not in inventory.chap:
        return None
    present = inventory.chap[name]
    if present is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"The array shows that host object {name} has a CHAP secret (`lsiscsiauth`), but not which one, so the "
            "operator cannot verify that it is the desired one. Remove spec.chap; or, if it is not the desired one, "
            "remove the secret on the array with `chhost -nochapsecret`.",
        )
    if present.username:
        return Refuse(
            Reason.HOST_DIFFERS,
            f"Host object {name} has the CHAP user name {present.username} (iscsiusername in `lsiscsiauth`), but hosts "
            "log in with the name of the initiator. Set the secret again on the array without that user name, or "
            "remove spec.chap.",
        )
    return None


def steps(
    resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory
) -> tuple[SetChap | ClearChap, ...]:
    """The steps that set the desired secret, or clear one that the operator set."""
    options = inventory.body.capabilities.chap
    if options is None or inventory.chap is None:
        return ()
    set_it, clear_it = options
    present, wanted = inventory.chap.get(name), desired.chap.get(resource.ref)
    if resource.spec.chap is None:
        return (ClearChap(name, clear_it),) if name in inventory.chap and resource.status.chap else ()
    if present is None and name in inventory.chap:
        return ()  # it has one that the array does not show
    return (SetChap(name, wanted, set_it),) if isinstance(wanted, ChapSecret) and wanted != present else ()


def in_force(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> ChapSecret | None:
    """The secret with which the machine has to log in now, once the array has the desired one."""
    wanted = desired.chap.get(resource.ref)
    if resource.spec.chap is None or not isinstance(wanted, ChapSecret) or inventory.chap is None:
        return None
    return wanted if inventory.chap.get(name) == wanted else None


def asked(resource: FlashSystemHost) -> ChapSeen | None:
    """The entry to record before a secret is set: only a recorded one is cleared again."""
    chap, before = resource.spec.chap, resource.status.chap
    if chap is None or (before and before.secret_name == chap.secret_ref.name):
        return before
    return ChapSeen(secret_name=chap.secret_ref.name)


def seen(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> ChapSeen | None:
    """The entry for the status: kept until the array is observed to have no secret for the host object."""
    chap = resource.spec.chap
    if chap and (secret := in_force(resource, name, desired, inventory)):
        return ChapSeen(secret_name=chap.secret_ref.name, secret_version=secret.version)
    gone = chap is None and inventory.chap is not None and name not in inventory.chap
    return None if gone else resource.status.chap
