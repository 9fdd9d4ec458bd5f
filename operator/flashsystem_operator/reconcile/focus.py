"""What has to be looked at before a decision about some objects may be believed.

`whole` is the first question of a pass: what to read again, when only a few objects are due. `doubts` is the second:
what a listing lacks is not believed to be gone until a command that was meant for it has said so.
"""

from collections.abc import Iterable

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array.commands import MapVolume, Step, UnmapVolume
from flashsystem_operator.array.observe import Focus
from flashsystem_operator.array.state import Volume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.detach import host_to_leave, own_mapping, volume_to_leave
from flashsystem_operator.reconcile.world import World, volume_of
from flashsystem_operator.values import HostName, VolumeName


def whole(world: World, view: View, due: Iterable[ObjectRef]) -> Focus:
    """Everything that the due objects stand on: their host objects, their volumes, and who else may see these."""
    focus = Focus()
    for ref in due:
        if (host := world.hosts.get(ref)) is not None:
            focus.hosts |= _host_objects(host, world, view)
        elif (attachment := world.attachments.get(ref)) is not None:
            _add_attachment(focus, attachment, world, view)
    return focus


def doubts(world: World, view: View, due: Iterable[ObjectRef]) -> Focus:
    """What the due objects would have to believe gone because a listing did not show it."""
    focus = Focus()
    for ref in due:
        if (attachment := world.attachments.get(ref)) is not None:
            _add_doubts(focus, attachment, world, view)
        elif (host := world.hosts.get(ref)) is not None and host.metadata.deleting:
            focus.hosts |= {world.name_of(host)} - view.hosts.keys()
    return focus


def lost_host(world: World, view: View, due: Iterable[ObjectRef]) -> bool:
    """Whether a recorded host object is not there under its name: it may be there under another."""
    return any(
        attachment.metadata.deleting and attachment.status.host and not host_to_leave(attachment, world, view)
        for ref in due
        if (attachment := world.attachments.get(ref)) is not None
    )


def without(focus: Focus, looked: Focus) -> Focus:
    """What is left of a focus after an earlier close look of the same pass."""
    return Focus(
        hosts=focus.hosts - looked.hosts,
        names=focus.names - looked.names,
        uids={uid: name for uid, name in focus.uids.items() if uid not in looked.uids},
        volumes=focus.volumes - looked.volumes,
        mapped=focus.mapped - looked.mapped - looked.hosts,
    )


def both(one: Focus, other: Focus) -> Focus:
    return Focus(
        one.hosts | other.hosts,
        one.names | other.names,
        one.uids | other.uids,
        one.volumes | other.volumes,
        one.mapped | other.mapped,
    )


def touched(steps: Iterable[Step]) -> Focus:
    """What these steps may have changed: of a host object that was only mapped to, the mappings alone."""
    steps = tuple(steps)
    mapping = (MapVolume, UnmapVolume)
    return Focus(
        hosts={step.host for step in steps if not isinstance(step, mapping)},
        mapped={step.host for step in steps if isinstance(step, mapping)},
    )


def rivals_of(refused: Iterable[Step]) -> Focus:
    """Who else sees the volumes whose mapping the array refused: it knew of a mapping that we did not."""
    return Focus(volumes={step.uid for step in refused if isinstance(step, MapVolume)})


def _add_attachment(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    seen, selector = attachment.status.volume, attachment.spec.volume
    bound = seen.uid if seen else None
    if attachment.metadata.deleting:
        focus.hosts |= _hosts_to_leave(attachment, world, view)
    elif uid := bound or selector.uid:
        known = view.volumes.get(uid)
        focus.uids[uid] = known.name if known else VolumeName(str((seen.name if seen else None) or ""))
    if selector.name and not bound:
        focus.names.add(selector.name)
    host = world.hosts.get(attachment.host)
    if host is not None and not attachment.metadata.deleting:
        objects = _host_objects(host, world, view)
        focus.hosts |= objects
        if (volume := volume_of(attachment, view)) and _may_be_elsewhere(attachment, volume, objects, world, view):
            focus.volumes.add(volume.uid)


def _add_doubts(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    seen = attachment.status.volume
    if attachment.metadata.deleting:
        uid, host = volume_to_leave(attachment, view), host_to_leave(attachment, world, view)
        if uid and (host is None or own_mapping(view, host.name, uid) is None):
            focus.hosts |= _hosts_to_leave(attachment, world, view)
    elif seen and seen.uid and seen.uid not in view.volumes and seen.uid not in view.gone_volumes:
        focus.uids[seen.uid] = VolumeName(str(seen.name or ""))


def _host_objects(host: FlashSystemHost, world: World, view: View) -> set[HostName]:
    """The host objects that a resource may turn out to be. Its own name only once there is such an object."""
    own = world.name_of(host)
    return {*view.holders(host.spec.initiators.iscsi), *({own} & view.hosts.keys())}


def _hosts_to_leave(attachment: VolumeAttachment, world: World, view: View) -> set[HostName]:
    seen, host = attachment.status.host, host_to_leave(attachment, world, view)
    named = {HostName(seen.name)} if seen and seen.name else set()
    return named | ({host.name} if host else set())


def _may_be_elsewhere(
    attachment: VolumeAttachment, volume: Volume, objects: set[HostName], world: World, view: View
) -> bool:
    """Whether somebody else has, or wants, the volume; if not, the array's own refusal is guard enough."""
    return bool(view.of_volume(volume.uid) - objects or world.rivals(attachment, volume, view))
