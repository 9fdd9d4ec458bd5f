"""What has to be looked at before a decision about some objects may be believed.

`whole` is the first question of a pass: what to read again, when only a few objects are due. `doubts` is the second:
what a listing lacks is not believed to be gone until a command that was meant for it has said so.
"""

from collections.abc import Iterable

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.inventory import View
from flashsystem_operator.array.model import Dialect, Host, Volume
from flashsystem_operator.planner.attachment.detach import host_to_leave, own_mapping, volume_to_leave
from flashsystem_operator.planner.desired import World, volume_of
from flashsystem_operator.planner.drift import is_known, is_missing
from flashsystem_operator.planner.host.host_settings import lacks_io_group, unread_volumes
from flashsystem_operator.planner.limits import ALL_IO_GROUPS
from flashsystem_operator.values import HostName, VolumeName


def whole(world: World, view: View, due: Iterable[ObjectRef]) -> Focus:
    """Everything that the due objects stand on: their host objects, their volumes, and who else may see these."""
    focus = Focus()
    for ref in due:
        if (host := world.hosts.get(ref)) is not None:
            _add_host_objects(focus, host, world, view)
        elif (attachment := world.attachments.get(ref)) is not None:
            _add_attachment(focus, attachment, world, view)
    return focus


def doubts(world: World, view: View, due: Iterable[ObjectRef]) -> Focus:
    """What the due objects would have to believe gone because a listing did not show it."""
    focus = Focus()
    for ref in due:
        if (attachment := world.attachments.get(ref)) is not None:
            _add_doubts(focus, attachment, world, view)
            if view.may_lack_mappings and not attachment.metadata.deleting and (meant := volume_of(attachment, view)):
                focus.volumes.add(meant.uid)  # the volume itself tells to whom it is mapped
        elif (host := world.hosts.get(ref)) is not None and host.metadata.deleting:
            focus.hosts |= {*world.names_of(host)} - view.hosts.keys()
        _add_replaced(focus, ref, world, view)
        _add_traits(focus, ref, world, view)
    return focus


def lost_host(world: World, view: View, due: Iterable[ObjectRef]) -> bool:
    """Whether a recorded host object is not there under its name: it may be there under another."""
    return any(_lost(attachment, world, view) for ref in due if (attachment := world.attachments.get(ref)) is not None)


def _lost(attachment: VolumeAttachment, world: World, view: View) -> bool:
    if attachment.status.host is None:
        return False
    if attachment.metadata.deleting:
        return host_to_leave(attachment, world, view) is None
    host = world.hosts.get(attachment.host)
    return host is not None and attachment.status.origin is not None and not _host_objects(host, world, view)


def without(focus: Focus, looked: Focus) -> Focus:
    """What is left of a focus after an earlier close look of the same pass."""
    return Focus(
        hosts=focus.hosts - looked.hosts,
        mapped=focus.mapped - looked.mapped,
        listed=focus.listed - looked.mapped - looked.listed,
        names=focus.names - looked.names,
        uids={uid: name for uid, name in focus.uids.items() if uid not in looked.uids},
        volumes=focus.volumes - looked.volumes,
        clustered=focus.clustered - looked.clustered,
        detailed=focus.detailed - looked.detailed,
        grouped=focus.grouped - looked.grouped,
        chap=focus.chap and not looked.chap,
    )


def both(one: Focus, other: Focus) -> Focus:
    return Focus(
        one.hosts | other.hosts,
        one.mapped | other.mapped,
        one.listed | other.listed,
        one.names | other.names,
        one.uids | other.uids,
        one.volumes | other.volumes,
        one.clustered | other.clustered,
        one.detailed | other.detailed,
        one.grouped | other.grouped,
        one.chap or other.chap,
    )


def touched(steps: Iterable[Step]) -> Focus:
    """What these steps may have changed. Whether something is gone is asked of each host object or volume by itself."""
    focus = Focus()
    for step in steps:
        match step:
            case MapVolume(host=name):
                focus.listed.add(name)
            case UnmapVolume(uid=uid):
                focus.volumes.add(uid)
            case MakeHost(host=name) | AddPorts(host=name) | RemovePort(host=name) | RemoveHost(host=name):
                focus.hosts.add(name)
                focus.grouped |= {name} if isinstance(step, MakeHost) and step.io_groups else set()
            case ChangeHost(host=name) | AddIoGroups(host=name) | RemoveIoGroups(host=name):
                focus.hosts.add(name)
                focus.grouped |= set() if isinstance(step, ChangeHost) else {name}
            case SetChap() | ClearChap():
                focus.hosts.add(step.host)
                focus.chap = True
    return focus


def unread(done: Iterable[Step], view: View) -> Focus:
    """What is to be told of volumes that were mapped, and was not read before: no listing has the preferred node."""
    mapped = (view.volumes.get(step.uid) for step in done if isinstance(step, MapVolume))
    return Focus(detailed={each.uid for each in mapped if each and _lacks_preferred_node(each, view)})


def _lacks_preferred_node(volume: Volume, view: View) -> bool:
    return view.body.system.dialect is Dialect.MODERN and not volume.preferred_node


def rivals_of(stopped: Iterable[Step]) -> Focus:
    """Who else has the volumes whose mapping was stopped: there may be a mapping that we did not know of."""
    uids = {step.uid for step in stopped if isinstance(step, MapVolume)}
    return Focus(volumes=uids, clustered=set(uids))


def _add_attachment(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    seen, selector = attachment.status.volume, attachment.spec.volume
    bound = seen.uid if seen else None
    if attachment.metadata.deleting:
        _add_hosts_to_leave(focus, attachment, world, view)
    elif uid := bound or selector.uid:
        known = view.volumes.get(uid)
        focus.uids[uid] = known.name if known else VolumeName(str((seen.name if seen else None) or ""))
    if selector.name and not bound:
        focus.names.add(selector.name)
    host = world.hosts.get(attachment.host)
    if host is not None and not attachment.metadata.deleting:
        objects = _add_host_objects(focus, host, world, view)
        if (volume := volume_of(attachment, view)) and _may_be_elsewhere(attachment, volume, objects, world, view):
            focus.volumes.add(volume.uid)
        if volume and volume.uid in view.host_clusters:
            focus.clustered.add(volume.uid)


def _add_doubts(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    seen = attachment.status.volume
    if attachment.metadata.deleting:
        uid, host = volume_to_leave(attachment, view), host_to_leave(attachment, world, view)
        if uid and (host is None or own_mapping(view, host.name, uid) is None):
            _add_hosts_to_leave(focus, attachment, world, view)
            focus.volumes.add(uid)
            if uid not in view.volumes and uid not in view.gone_volumes:
                focus.uids[uid] = VolumeName(str((seen.name if seen else None) or ""))
    elif seen and seen.uid and seen.uid not in view.volumes and seen.uid not in view.gone_volumes:
        focus.uids[seen.uid] = VolumeName(str(seen.name or ""))
    elif is_missing(attachment, world, view) and not is_known(attachment):
        _add_recorded_host(focus, attachment, world, view)
    _add_unreached(focus, attachment, world, view)
    _add_preferred(focus, attachment, view)


def _add_preferred(focus: Focus, attachment: VolumeAttachment, view: View) -> None:
    """The preferred node of a volume that is mapped, where no pass has told it: the one that mapped it was cut off."""
    seen, volume = attachment.status.volume, volume_of(attachment, view)
    if attachment.metadata.deleting or volume is None or (seen and seen.uid == volume.uid and seen.preferred_node):
        return
    if _lacks_preferred_node(volume, view) and view.of_volume(volume.uid):
        focus.detailed.add(volume.uid)


def _add_unreached(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    """Through how many I/O groups a volume is reached, which no listing tells, if the host object lacks its own one."""
    host, volume = world.hosts.get(attachment.host), volume_of(attachment, view)
    if attachment.metadata.deleting or host is None or volume is None or volume.access_io_groups:
        return
    names = _host_objects(host, world, view)
    objects: tuple[Host | None, ...] = tuple(view.hosts[name] for name in names) or (None,)
    if names.isdisjoint(view.of_volume(volume.uid)) and any(
        lacks_io_group(host, each, volume, view) for each in objects
    ):
        focus.detailed.add(volume.uid)


def _add_recorded_host(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    """Where the mapping was, and where it should be by now."""
    seen, host = attachment.status.host, world.hosts.get(attachment.host)
    names = {HostName(seen.name)} if seen and seen.name else set()
    names |= _host_objects(host, world, view) if host else set()
    focus.hosts |= names
    focus.mapped |= names


def _add_replaced(focus: Focus, ref: ObjectRef, world: World, view: View) -> None:
    """A host object of our name with none of the initiators has them replaced, if nothing is mapped to it."""
    attachment = world.attachments.get(ref)
    host = world.hosts.get(attachment.host if attachment else ref)
    if host is None or host.metadata.deleting or view.holders(host.spec.initiators.iscsi):
        return
    own = world.object_of(host, view)
    if own in view.hosts and not view.on_host(own) and not view.is_proven_empty(own):
        focus.hosts.add(own)
        focus.mapped.add(own)


def _add_traits(focus: Focus, ref: ObjectRef, world: World, view: View) -> None:
    """What listings do not tell of a host object: its secret, its I/O groups if not all, and who needs them."""
    attachment = world.attachments.get(ref)
    host = world.hosts.get(attachment.host if attachment else ref)
    if host is None or host.metadata.deleting:
        return
    if (host.spec.chap or host.status.chap) and view.body.capabilities.chap and view.chap is None:
        focus.chap = True
    for name in _host_objects(host, world, view):
        count = view.hosts[name].io_group_count
        # Counted with the I/O groups that have no node; before there were several, each host object is in the only one.
        most = ALL_IO_GROUPS if view.body.system.dialect is Dialect.MODERN else len(view.body.io_groups)
        restricted = bool(host.spec.io_groups) or 0 < count < most
        if restricted and (name not in view.io_groups or count not in (0, len(view.io_groups[name]))):
            focus.grouped.add(name)
        if attachment is None and name == world.object_of(host, view):
            focus.detailed |= unread_volumes(host, view.hosts[name], view)


def _add_host_objects(focus: Focus, host: FlashSystemHost, world: World, view: View) -> set[HostName]:
    """Look at the host objects that a resource may turn out to be; answers with them."""
    objects = _host_objects(host, world, view)
    focus.hosts |= objects
    focus.listed |= objects
    return objects


def _host_objects(host: FlashSystemHost, world: World, view: View) -> set[HostName]:
    """The host objects that a resource may turn out to be. Its own name only once there is such an object."""
    return {*view.holders(host.spec.initiators.iscsi), *({*world.names_of(host)} & view.hosts.keys())}


def _add_hosts_to_leave(focus: Focus, attachment: VolumeAttachment, world: World, view: View) -> None:
    seen, host = attachment.status.host, host_to_leave(attachment, world, view)
    names = {HostName(seen.name)} if seen and seen.name else set()
    names |= {host.name} if host else set()
    names |= set(view.holders(seen.initiators)) if seen else set()
    if seen is None and (resource := world.hosts.get(attachment.host)):
        names |= _host_objects(resource, world, view)
    focus.hosts |= names
    focus.mapped |= names


def _may_be_elsewhere(
    attachment: VolumeAttachment, volume: Volume, objects: set[HostName], world: World, view: View
) -> bool:
    """Whether somebody else has, or wants, the volume; if not, the array's own refusal is guard enough."""
    return bool(view.of_volume(volume.uid) - objects or world.rivals(attachment, volume, view))
