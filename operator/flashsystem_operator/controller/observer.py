"""The observer: what a pass has to read from the array before it plans and after it acted, and reading it.

`required_focus` comes first in a pass: what to read again if only a few objects are due. `doubtful_focus` comes second:
an object that is missing in a list view counts as gone only after a command for this object has confirmed it.
`Observer` is blocking, and changes nothing on the array.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array import discovery
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
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Dialect, Host, Inventory, Volume
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
)
from flashsystem_operator.planner.attachment.detach import host_to_leave, own_mapping, volume_to_leave
from flashsystem_operator.planner.desired import Desired, volume_of
from flashsystem_operator.planner.drift import is_known, is_missing
from flashsystem_operator.planner.host.host_settings import lacks_io_group, unread_volumes
from flashsystem_operator.planner.luns import ALL_IO_GROUPS
from flashsystem_operator.planner.volume import volume_plan
from flashsystem_operator.values import HostName, Iqn, VolumeName


def required_focus(desired: Desired, inventory: Inventory, due: Iterable[ObjectRef]) -> Focus:
    """Everything that the due objects depend on: their host objects, their volumes, and other hosts of these."""
    focus = Focus()
    for ref in due:
        if (host := desired.hosts.get(ref)) is not None:
            _add_host_objects(focus, host, desired, inventory)
            continue
        if (managed := desired.volumes.get(ref)) is not None:
            _add_volume(focus, managed, desired, inventory)
            continue
        if (attachment := desired.attachments.get(ref)) is not None:
            _add_attachment_needs(focus, attachment, desired, inventory)
    return focus


def _add_attachment_needs(focus: Focus, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> None:
    """Its host objects, its volume, and the other hosts of that."""
    seen, selector = attachment.status.volume, attachment.spec.volume
    bound = seen.uid if seen else None
    if attachment.metadata.deleting:
        _add_hosts_to_leave(focus, attachment, desired, inventory)
    elif uid := bound or selector.uid:
        known = inventory.volumes.get(uid)
        focus.uids[uid] = known.name if known else VolumeName(str((seen.name if seen else None) or ""))
    if selector.name and not bound:
        focus.names.add(selector.name)
    host = desired.hosts.get(attachment.host)
    if host is None or attachment.metadata.deleting:
        return
    objects = _add_host_objects(focus, host, desired, inventory)
    volume = volume_of(attachment, inventory)
    # If no other host has or wants the volume, the array's own refusal is protection enough.
    if volume and (inventory.of_volume(volume.uid) - objects or desired.rivals(attachment, volume, inventory)):
        focus.volumes.add(volume.uid)
    if volume and volume.uid in inventory.host_clusters:
        focus.clustered.add(volume.uid)


def doubtful_focus(desired: Desired, inventory: Inventory, due: Iterable[ObjectRef]) -> Focus:
    """What would count as gone for the due objects only because a list view does not show it."""
    focus = Focus()
    for ref in due:
        if (attachment := desired.attachments.get(ref)) is not None:
            _add_doubts(focus, attachment, desired, inventory)
            if (
                inventory.may_lack_mappings
                and not attachment.metadata.deleting
                and (meant := volume_of(attachment, inventory))
            ):
                focus.volumes.add(meant.uid)  # the volume's own view shows its mappings
        elif (host := desired.hosts.get(ref)) is not None and host.metadata.deleting:
            focus.hosts |= {*desired.names_of(host)} - inventory.hosts.keys()
        elif (volume := desired.volumes.get(ref)) is not None:
            _add_volume_doubts(focus, volume, desired, inventory)
        _add_replaced(focus, ref, desired, inventory)
        _add_traits(focus, ref, desired, inventory)
    return focus


def _add_volume(focus: Focus, resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> None:
    """The volume by its recorded UID, else by the name that it would have, and the pools for one that is to grow."""
    imported, status = resource.spec.import_, resource.status
    uid = status.uid or resource.metadata.asked.volume_uid or (imported.uid if imported else None)
    if uid:
        known = inventory.volumes.get(uid)
        focus.uids[uid] = known.name if known else VolumeName(status.name or "")
    elif imported and imported.name:
        focus.names.add(imported.name)
    else:
        focus.names |= {*desired.names_of_volume(resource)}
        focus.pools = True
    if uid in inventory.volumes:
        _add_volume_details(focus, resource, inventory.volumes[uid])
    size = resource.spec.size
    focus.pools = focus.pools or bool(uid in inventory.volumes and size and size > inventory.volumes[uid].capacity)


def _add_volume_doubts(focus: Focus, resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> None:
    """A volume that a list does not show; and the mappings of one that is to be deleted, whatever a list shows."""
    imported, status = resource.spec.import_, resource.status
    uid = status.uid or resource.metadata.asked.volume_uid or (imported.uid if imported else None)
    if uid and uid not in inventory.volumes:
        focus.uids[uid] = VolumeName(status.name or "")
    if not uid:
        names = [imported.name] if imported and imported.name else [*desired.names_of_volume(resource)]
        focus.names |= {name for name in names if inventory.volume_named(name) is None}
    found = volume_plan.resolve_volume(resource, desired, inventory)
    if isinstance(found, Volume):
        _add_volume_details(focus, resource, found)
        if status.uid is None or resource.metadata.deleting:
            focus.volumes.add(found.uid)


def _add_volume_details(focus: Focus, resource: FlashSystemVolume, volume: Volume) -> None:
    if volume.throttle is None or volume.used is None or resource.metadata.deleting:
        focus.detailed.add(volume.uid)


def lost_host(desired: Desired, inventory: Inventory, due: Iterable[ObjectRef]) -> bool:
    """Whether a recorded host object is missing under its name: it may exist under another."""
    for ref in due:
        attachment = desired.attachments.get(ref)
        if attachment is None or attachment.status.host is None:
            continue
        if attachment.metadata.deleting:
            if host_to_leave(attachment, desired, inventory) is None:
                return True
            continue
        host = desired.hosts.get(attachment.host)
        if host is not None and attachment.status.origin is not None and not _host_objects(host, desired, inventory):
            return True
    return False


def without(focus: Focus, looked: Focus) -> Focus:
    """What is left of a focus after an earlier targeted read of the same pass."""
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
        pools=focus.pools and not looked.pools,
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
        one.pools or other.pools,
    )


def touched_focus(steps: Iterable[Step]) -> Focus:
    """What these steps may have changed. Removals are confirmed by reading each host object or volume by itself."""
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
            case CreateVolume(volume=volume):
                focus.names.add(volume)
            case RenameVolume() | ExpandVolume() | RemoveVolume() | ThrottleVolume() | RemoveThrottle():
                focus.uids[step.uid] = step.volume
    return focus


def unread(done: Iterable[Step], inventory: Inventory) -> Focus:
    """Mapped volumes whose preferred node is to be read for the status: no list view has it."""
    mapped = (inventory.volumes.get(step.uid) for step in done if isinstance(step, MapVolume))
    return Focus(detailed={each.uid for each in mapped if each and _lacks_preferred_node(each, inventory)})


def _lacks_preferred_node(volume: Volume, inventory: Inventory) -> bool:
    return inventory.body.system.dialect is Dialect.MODERN and not volume.preferred_node


def rivals_of(stopped: Iterable[Step]) -> Focus:
    """The hosts of volumes whose mapping or deletion was stopped: a mapping may not be in the inventory."""
    uids = {step.uid for step in stopped if isinstance(step, MapVolume | RemoveVolume)}
    return Focus(volumes=uids, clustered=set(uids))


def _add_doubts(focus: Focus, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> None:
    seen = attachment.status.volume
    if attachment.metadata.deleting:
        uid, host = volume_to_leave(attachment, inventory), host_to_leave(attachment, desired, inventory)
        if uid and (host is None or own_mapping(inventory, host.name, uid) is None):
            _add_hosts_to_leave(focus, attachment, desired, inventory)
            focus.volumes.add(uid)
            if uid not in inventory.volumes and uid not in inventory.gone_volumes:
                focus.uids[uid] = VolumeName(str((seen.name if seen else None) or ""))
    elif seen and seen.uid and seen.uid not in inventory.volumes and seen.uid not in inventory.gone_volumes:
        focus.uids[seen.uid] = VolumeName(str(seen.name or ""))
    elif is_missing(attachment, desired, inventory) and not is_known(attachment):
        # Read the host objects where the mapping was, and where it should be now.
        recorded, resource = attachment.status.host, desired.hosts.get(attachment.host)
        names = {HostName(recorded.name)} if recorded and recorded.name else set()
        names |= _host_objects(resource, desired, inventory) if resource else set()
        focus.hosts |= names
        focus.mapped |= names
    _add_unreached(focus, attachment, desired, inventory)
    volume = volume_of(attachment, inventory)
    if attachment.metadata.deleting or volume is None or (seen and seen.uid == volume.uid and seen.preferred_node):
        return
    # No pass recorded the preferred node of this mapped volume: the pass that mapped it was interrupted.
    if _lacks_preferred_node(volume, inventory) and inventory.of_volume(volume.uid):
        focus.detailed.add(volume.uid)


def _add_unreached(focus: Focus, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> None:
    """Read through how many I/O groups a volume is reached (in no list view) if the host object lacks the volume's."""
    host, volume = desired.hosts.get(attachment.host), volume_of(attachment, inventory)
    if attachment.metadata.deleting or host is None or volume is None or volume.access_io_groups:
        return
    names = _host_objects(host, desired, inventory)
    objects: tuple[Host | None, ...] = tuple(inventory.hosts[name] for name in names) or (None,)
    if names.isdisjoint(inventory.of_volume(volume.uid)) and any(
        lacks_io_group(host, each, volume, inventory) for each in objects
    ):
        focus.detailed.add(volume.uid)


def _add_replaced(focus: Focus, ref: ObjectRef, desired: Desired, inventory: Inventory) -> None:
    """Read a host object of our name without any of the initiators: they are replaced if nothing is mapped to it."""
    attachment = desired.attachments.get(ref)
    host = desired.hosts.get(attachment.host if attachment else ref)
    if host is None or host.metadata.deleting or inventory.holders(host.spec.initiators.iscsi):
        return
    own = desired.object_of(host, inventory)
    if own in inventory.hosts and not inventory.on_host(own) and not inventory.is_proven_empty(own):
        focus.hosts.add(own)
        focus.mapped.add(own)


def _add_traits(focus: Focus, ref: ObjectRef, desired: Desired, inventory: Inventory) -> None:
    """Read what list views do not show of a host object: its secret, its I/O groups if not all, and their volumes."""
    attachment = desired.attachments.get(ref)
    host = desired.hosts.get(attachment.host if attachment else ref)
    if host is None or host.metadata.deleting:
        return
    if (host.spec.chap or host.status.chap) and inventory.body.capabilities.chap and inventory.chap is None:
        focus.chap = True
    for name in _host_objects(host, desired, inventory):
        count = inventory.hosts[name].io_group_count
        # Counted with the I/O groups that have no node; before there were several, each host object is in the only one.
        most = ALL_IO_GROUPS if inventory.body.system.dialect is Dialect.MODERN else len(inventory.body.io_groups)
        restricted = bool(host.spec.io_groups) or 0 < count < most
        if restricted and (name not in inventory.io_groups or count not in (0, len(inventory.io_groups[name]))):
            focus.grouped.add(name)
        if attachment is None and name == desired.object_of(host, inventory):
            focus.detailed |= unread_volumes(host, inventory.hosts[name], inventory)


def _add_host_objects(focus: Focus, host: FlashSystemHost, desired: Desired, inventory: Inventory) -> set[HostName]:
    """Read the host objects that may be a resource's; return them."""
    objects = _host_objects(host, desired, inventory)
    focus.hosts |= objects
    focus.listed |= objects
    return objects


def _host_objects(host: FlashSystemHost, desired: Desired, inventory: Inventory) -> set[HostName]:
    """The host objects that may be a resource's. Our own name for it only if such an object exists."""
    return {*inventory.holders(host.spec.initiators.iscsi), *({*desired.names_of(host)} & inventory.hosts.keys())}


def _add_hosts_to_leave(focus: Focus, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> None:
    seen, host = attachment.status.host, host_to_leave(attachment, desired, inventory)
    names = {HostName(seen.name)} if seen and seen.name else set()
    names |= {host.name} if host else set()
    names |= set(inventory.holders(seen.initiators)) if seen else set()
    if seen is None and (resource := desired.hosts.get(attachment.host)):
        names |= _host_objects(resource, desired, inventory)
    focus.hosts |= names
    focus.mapped |= names


_LISTINGS = 3
"""Commands that list hosts, volumes and mappings; the hosts' ports take one more command each."""

_TRIES = 6
"""Reads of what an administrator changes while it is read."""

_UNSTABLE = f"in {_TRIES} reads its objects had other names than in the read before"


@dataclass(slots=True)
class Observer:
    """Reads one array for one pass. inventory: the worker's, updated in place; None before the first survey."""

    session: Session
    inventory: Inventory | None = None
    _looked: Focus = field(default_factory=Focus)
    _surveyed: bool = False

    def first(self, desired: Desired, due: Collection[ObjectRef], *, survey: bool) -> Inventory:
        """Read the array before planning: what the due objects need, or all of it."""
        clustered = set(self.inventory.host_clusters) if self.inventory else set()
        if survey or self.inventory is None:
            with_pools = bool(desired.volumes)
            self.inventory = discovery.survey(self.session, desired.array.spec.pool, with_pools=with_pools)
            self._surveyed = True
        # The recorded id of a volume, if no read shows it: a volume never changes its id.
        seen = [attachment.status.volume for ref in due if (attachment := desired.attachments.get(ref))]
        recorded = {each.uid: each.id for each in seen if each and each.uid and each.id and each.id.isdecimal()}
        self.inventory.volume_ids = {**recorded, **self.inventory.volume_ids}
        if self._surveyed:
            # Hosts of host clusters, which no list shows, are read too: else a command would be refused again.
            self._closely(self.inventory, Focus(clustered=clustered))
        else:
            focus = required_focus(desired, self.inventory, due)
            if focus.cost > _LISTINGS + 2 * len(self.inventory.hosts):
                self._list(self.inventory)
            else:
                self._closely(self.inventory, focus)
        for _ in range(_TRIES):
            doubts = without(doubtful_focus(desired, self.inventory, due), self._looked)
            if doubts.cost:
                self._closely(self.inventory, doubts)
            elif not self._surveyed and lost_host(desired, self.inventory, due):
                self._list(self.inventory)
            else:
                return self.inventory
        raise Unreadable("lshost", _UNSTABLE)

    def again(
        self,
        done: Sequence[Step],
        stopped: Sequence[Step],
        seen: Mapping[HostName, Iterable[VolumeMapping]] = MappingProxyType({}),
        volumes: Iterable[Volume] = (),
    ) -> Inventory:
        """Read the array after acting: what the steps may have changed, and what the inventory lacked if steps stopped.

        stopped: steps refused by the array, or withheld after the read right before them.
        seen: mappings of host objects, as read when the last volume was mapped to each.
        volumes: those that were mapped, as read right before, and those that were created, as read right after.
        """
        inventory = self.inventory
        if inventory is None:
            raise RuntimeError("the array was not read before")
        self._looked, self._surveyed = Focus(), False
        if any(isinstance(step, MakeHost | AddPorts) for step in stopped):
            discovery.hosts(self.session, inventory)
        for name, rows in seen.items():
            inventory.learn_mappings_of_host(name, rows, proven=True)
        # Even so, a mapping that this list lacks counts as gone only after a read of its host object.
        touched = touched_focus(done)
        for volume in volumes:
            inventory.learn_volume(volume)
            touched.names.discard(volume.name)
        touched.listed -= seen.keys()
        self._closely(inventory, touched, {step.host for step in done if isinstance(step, RemoveHost)})
        self._closely(inventory, both(rivals_of(stopped), unread(done, inventory)))
        return inventory

    def _closely(self, inventory: Inventory, focus: Focus, removed: Collection[HostName] = ()) -> None:
        """Read the focus, and again while names change. removed: host objects that we removed and may be gone."""
        for _ in range(_TRIES):
            remaining = without(focus, self._looked)
            if not remaining.cost:
                return
            before = dict(inventory.hosts)
            discovery.closely(self.session, inventory, remaining)
            self._looked = both(self._looked, remaining)
            names = {host.id: name for name, host in inventory.hosts.items()}
            lost = [host for name, host in before.items() if name not in removed and names.get(host.id) != name]
            if not lost:
                return
            # Renamed, or its initiators are elsewhere: a mapping to the host is gone only if no host object that has
            # one of them shows it. A list may lack what the last read showed, so that is read again.
            self._list(inventory)
            again = set(inventory.holders(Iqn(iqn) for host in lost for iqn in sorted(host.iqns)))
            focus = both(focus, Focus(hosts=again, mapped=again))
        raise Unreadable("lshost", _UNSTABLE)

    def _list(self, inventory: Inventory) -> None:
        discovery.volumes(self.session, inventory)
        discovery.hosts(self.session, inventory)
        self._looked, self._surveyed = Focus(), True
