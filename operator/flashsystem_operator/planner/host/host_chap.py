"""Which CHAP secret a host object of ours asks for. Compared with what the array has, never with what we did."""

from flashsystem_operator.api.host import ChapSeen, FlashSystemHost
from flashsystem_operator.array.commands import ClearChap, SetChap
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import ChapSecret, HostName


def trouble(
    resource: FlashSystemHost, name: HostName | None, desired: Desired, inventory: Inventory
) -> Refuse | Wait | None:
    """Why the secret that the spec asks for cannot be set, if it cannot. name: of the host object, None before that."""
    if resource.spec.chap is None:
        return None
    if inventory.body.capabilities.chap is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"{inventory.body.system.product or inventory.body.system.name} knows no CHAP secret for a host. "
            "Remove spec.chap.",
        )
    wished = desired.chap.get(resource.ref)
    if wished is None:
        return Wait(Reason.PROGRESSING, "The Secret that spec.chap names is about to be read.")
    if isinstance(wished, Refuse):
        return wished
    if inventory.chap is None:
        return Wait(
            Reason.REFUSED_BY_ARRAY,
            "The array does not tell which hosts ask for a CHAP secret (`lsiscsiauth`), so none is set: its user may "
            "not ask, or its answer cannot be read; the operator's log says which. Let the operator log in as a user "
            "who may ask, or report the answer.",
        )
    if name is None or name not in inventory.chap:
        return None
    there = inventory.chap[name]
    if there is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"The array tells that host object {name} asks for a CHAP secret (`lsiscsiauth`), but not for which, so "
            "whether it is the wished one cannot be verified. Remove spec.chap; or take the secret off on the array "
            "with `chhost -nochapsecret`, if it is not the wished one.",
        )
    if there.username:
        return Refuse(
            Reason.HOST_DIFFERS,
            f"Host object {name} asks for the CHAP user name {there.username} (iscsiusername in `lsiscsiauth`), and "
            "not for the name of the initiator, with which hosts log in. Set the secret again on the array "
            "without that name, or remove spec.chap.",
        )
    return None


def steps(
    resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory
) -> tuple[SetChap | ClearChap, ...]:
    """What makes the host object ask for the wished secret, or for none if we set the one that it has."""
    options = inventory.body.capabilities.chap
    if options is None or inventory.chap is None:
        return ()
    set_it, clear_it = options
    there, wished = inventory.chap.get(name), desired.chap.get(resource.ref)
    if resource.spec.chap is None:
        return (ClearChap(name, clear_it),) if name in inventory.chap and resource.status.chap else ()
    if there is None and name in inventory.chap:
        return ()  # it has one that the array does not show
    return (SetChap(name, wished, set_it),) if isinstance(wished, ChapSecret) and wished != there else ()


def in_force(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> ChapSecret | None:
    """The secret with which the machine has to log in now, once the array asks for the wished one."""
    wished = desired.chap.get(resource.ref)
    if resource.spec.chap is None or not isinstance(wished, ChapSecret) or inventory.chap is None:
        return None
    return wished if inventory.chap.get(name) == wished else None


def asked(resource: FlashSystemHost) -> ChapSeen | None:
    """To be recorded before a secret is set: only one that was recorded is taken away again."""
    chap, before = resource.spec.chap, resource.status.chap
    if chap is None or (before and before.secret_name == chap.secret_ref.name):
        return before
    return ChapSeen(secret_name=chap.secret_ref.name)


def seen(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> ChapSeen | None:
    """What is remembered of it: kept until the array was seen to ask for no secret any more."""
    chap = resource.spec.chap
    if chap and (secret := in_force(resource, name, desired, inventory)):
        return ChapSeen(secret_name=chap.secret_ref.name, secret_version=secret.version)
    gone = chap is None and inventory.chap is not None and name not in inventory.chap
    return None if gone else resource.status.chap
