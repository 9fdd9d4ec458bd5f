"""Is a host object another's, so that nothing on it is an attachment's to unmap, whatever its status says?

A status can be written by hand, or restored from elsewhere. So what it says of a host object is believed only where
nothing else speaks against it: the name of a host object, which proves for whom it was made, and the initiators that
FlashSystemHosts claim in their specs, those too that are paused, or being deleted, or of another namespace.

Nothing speaks against it where nobody but an administrator knows the host object: a status that says that the operator
mapped a volume there is believed, since a host object that was adopted looks no other when its resource is gone.
"""

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.state import Host
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.host import put_by_us
from flashsystem_operator.reconcile.names import made_for
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import Iqn


def is_anothers(host: Host, attachment: VolumeAttachment, world: World, view: View) -> bool:
    """Whether a host object belongs to another FlashSystemHost than the attachment's, or to another installation."""
    wanted = attachment.host
    if not world.ours(host.name):
        return world.of_another_installation(host.name) or _is_claimed(host, attachment, world, view)
    if made_for(host.name, wanted.namespace, wanted.name):
        return _is_claimed(host, attachment, world, view) and host.iqns.isdisjoint(_known(attachment, world))
    return not _came_to(host, world.hosts.get(wanted), world, view)


def _is_claimed(host: Host, attachment: VolumeAttachment, world: World, view: View) -> bool:
    """Whether one of its initiators is another FlashSystemHost's. Of two that claim it, it is that one's which wins."""
    owners = (world.claimant(Iqn(name), view) for name in host.iqns)
    return any(owner is not None and owner.ref != attachment.host for owner in owners)


def _known(attachment: VolumeAttachment, world: World) -> frozenset[str]:
    """The initiators of the attachment's host; while there is no such FlashSystemHost, those that were recorded."""
    resource, seen = world.hosts.get(attachment.host), attachment.status.host
    if resource is not None:
        return frozenset(resource.spec.initiators.iscsi) | put_by_us(resource)
    return frozenset(seen.initiators if seen else ())


def _came_to(host: Host, resource: FlashSystemHost | None, world: World, view: View) -> bool:
    """Whether a host object that was made for another FlashSystemHost is this one's machine: somebody swapped names.

    Only if that other is there and knows of none of its initiators, and they are all this one's and nobody else's.
    """
    maker = world.host_by_object_name.get(host.name)
    if maker is None or resource is None or not host.iqns or not (has := put_by_us(maker)) or has & host.iqns:
        return False
    owners = {owner.ref if (owner := world.claimant(Iqn(name), view)) else None for name in host.iqns}
    return owners == {resource.ref}
