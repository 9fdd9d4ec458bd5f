"""How long a host object that we made stays on the array: when its last volume goes, and when its resource goes."""

from flashsystem_operator.api.host import FlashSystemHost, Lifecycle
from flashsystem_operator.api.references import DeletionPolicy
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.state import Host
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.decision import Act, Reason, Release, Wait
from flashsystem_operator.reconcile.words import listed, plural
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import HostName


def is_needed_no_more(resource: FlashSystemHost, host: Host, world: World, view: View) -> bool:
    """Whether the host object of a resource that is to stay goes: it is empty, and no attachment wants it.

    Retain keeps it here, too: whether the last volume or the resource went first must not decide what is left.
    """
    spec = resource.spec
    lasts = spec.lifecycle is Lifecycle.PERSISTENT or spec.deletion_policy is DeletionPolicy.RETAIN
    wanted = any(not each.metadata.deleting for each in world.attachments_of(resource))
    return not (lasts or wanted or view.on_host(host.name) or host.cluster)


def in_use(resource: FlashSystemHost, world: World) -> Wait | None:
    """Who still needs a resource that is being deleted."""
    attachments = world.attachments_of(resource)
    if not attachments:
        return None
    names = listed([each.metadata.name for each in attachments])
    return Wait(
        Reason.IN_USE,
        f"In use by {plural(len(attachments), 'VolumeAttachment')}: {names}. Delete them first, or wait if they are "
        "being deleted.",
    )


def end(resource: FlashSystemHost, own: HostName, view: View) -> Act | Release:
    """What becomes of the host object of a deleted resource that nobody needs."""
    host, left = view.hosts.get(own), len(view.on_host(own))
    if host is None:
        return Release()
    if left:
        return Release(f"Host object {own} stays on the array: it has mappings of {plural(left, 'volume')} of others.")
    if host.cluster:
        return Release(f"Host object {own} stays on the array: it is a member of host cluster {host.cluster}.")
    if resource.spec.deletion_policy is DeletionPolicy.RETAIN:
        return Release(f"Host object {own} stays on the array, as spec.deletionPolicy Retain says.")
    return Act((RemoveHost(own),))
