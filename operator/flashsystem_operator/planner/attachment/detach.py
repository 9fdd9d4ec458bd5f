"""Plan of a VolumeAttachment that is being deleted: unmap its volume, hand the mapping over, or leave it.

It works from the status alone: what was never recorded was never done, since the record is written before any command.
"""

from collections.abc import Iterator

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import DeletionPolicy, Origin
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.model import Host, Inventory, Mapping
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release, Wait
from flashsystem_operator.planner.desired import Desired, Reader, has_been_admitted, volume_of
from flashsystem_operator.planner.drift import unlisted, volume_on_another_system
from flashsystem_operator.planner.host.host_plan import Adopted, Managed, in_doubt, is_anothers, resolve_host
from flashsystem_operator.planner.policies import way_out, why_held
from flashsystem_operator.planner.text import listed
from flashsystem_operator.values import HostName, VolumeUid

_IF_UNUSED = "Unmap it on the array if nothing uses it."
_WITHOUT_INITIATORS = (
    "that host object no longer has any of the initiators that it was mapped for, and may be another machine's. "
    + _IF_UNUSED
)


def plan_detached(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Decision:
    """Unmap what this attachment mapped, unless it is to stay or another attachment uses it too."""
    if others := attachment.metadata.other_finalizers:
        return Wait(
            Reason.WAITING_FOR_FINALIZERS,
            f"The volume stays mapped until {listed(others)} is gone from metadata.finalizers: its owner marks "
            "the attachment as still in use.",
        )
    if used := desired.in_use.get(attachment.ref):
        return used
    if elsewhere := volume_on_another_system(attachment, desired, inventory):
        policy, seen, system = attachment.spec.deletion_policy, attachment.status.volume, attachment.status.array
        if policy is DeletionPolicy.DELETE or (policy is None and attachment.status.origin is Origin.CREATED):
            return elsewhere
        where = f" on system {system.system_id}" if system else ""
        return Release(
            f"Volume {seen.name if seen else ''} was not unmapped{where}: it was to stay, and {desired.array.ref} now "
            "leads to another system."
        )
    host = host_to_leave(attachment, desired, inventory)
    # Also the host object of the last command for it: it may have been renamed since.
    names = (host.name if host else None, _recorded(attachment))
    doubtful = next((name for name in names if name and desired.is_in_doubt(name)), None)
    if doubtful and volume_to_leave(attachment, inventory):
        return in_doubt(doubtful)
    last = _last_step(attachment, desired, inventory)
    return Act((last,)) if isinstance(last, UnmapVolume) else last


def to_be_unmapped(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> UnmapVolume | None:
    """What the deletion of this attachment will unmap, even if it is held back at present."""
    if (
        not attachment.metadata.deleting
        or attachment.metadata.released
        or volume_on_another_system(attachment, desired, inventory)
    ):
        return None
    last = _last_step(attachment, desired, inventory)
    return last if isinstance(last, UnmapVolume) else None


def _last_step(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> UnmapVolume | Wait | Release:
    uid = volume_to_leave(attachment, inventory)
    host = host_to_leave(attachment, desired, inventory)
    if host is None and uid:
        # A host object whose mapping is not removed, so that the release can report that it stays.
        resource = desired.hosts.get(attachment.host)
        found = resolve_host(resource, desired, inventory) if resource and attachment.status.host is None else None
        adopted = [found.host] if isinstance(found, Adopted) else []
        named = [inventory.hosts[name]] if (name := _recorded(attachment)) in inventory.hosts else []
        hosts = (*_recorded_hosts(attachment, desired, inventory), *adopted, *named)
        host = next((each for each in hosts if own_mapping(inventory, each.name, uid)), None)
    mapping = own_mapping(inventory, host.name, uid) if host and uid else None
    if host is None or mapping is None or _why_it_stays(attachment, mapping, host, desired, inventory):
        return _left(attachment, host, uid, desired, inventory) if uid else Release()
    if successor := _successor(attachment, host, mapping.uid, desired, inventory):
        if not _holds(successor):
            # Until the other has our finalizer, it may be deleted at any moment, and that would unmap nothing.
            return Wait(
                Reason.HANDING_OVER,
                f"The volume stays mapped for {Reader.of(attachment, desired).resource(successor)}, which attaches it "
                "too and has not taken the mapping over yet; see its conditions. This object is deleted when it has. "
                "If the volume is to be unmapped, delete that one as well.",
            )
        return _left(attachment, host, mapping.uid, desired, inventory)
    if desired.of_another_installation(host.name):
        # The mapping is ours if our id was changed, and the original's if we are a copy of its cluster.
        return Wait(
            Reason.INITIATOR_HELD_BY,
            f"{Reader.of(attachment, desired).host_object(host.name)} was created by another installation of this "
            "operator, as its name shows, and only that changes it: the volume stays mapped. If this is that "
            "installation, moved or restored, start the operator with its id among --former-installation-ids; if it is "
            f"not, {way_out(attachment.metadata)}.",
        )
    return UnmapVolume(host.name, mapping.volume, mapping.uid)


def volume_to_leave(attachment: VolumeAttachment, inventory: Inventory) -> VolumeUid | None:
    """The recorded volume, whether or not it still exists; without a record, that of the spec."""
    seen = attachment.status.volume
    if uid := attachment.spec.volume.uid or (seen.uid if seen else None):
        return uid
    meant = volume_of(attachment, inventory)
    return meant.uid if meant else None


def host_to_leave(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Host | None:
    """The recorded host object: the same machine by its initiators, under any name.

    A host object of the recorded name that has none of the initiators is now another machine, unless the name is the
    one that we give for this host: mappings on that are ours, even if the initiators moved elsewhere. Without a record
    only a host object that we created counts. Never one that belongs to another, even if it is recorded.
    """
    recorded = _recorded_hosts(attachment, desired, inventory)
    return next((host for host in recorded if not is_anothers(host, attachment, desired, inventory)), None)


def _recorded_hosts(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Iterator[Host]:
    """All host objects that may be the recorded one, the likeliest first."""
    seen, uid = attachment.status.host, volume_to_leave(attachment, inventory)
    names = list(inventory.holders(seen.initiators)) if seen else []
    recorded, resource = _recorded(attachment), desired.hosts.get(attachment.host)
    if recorded and desired.ours(recorded):
        ours = recorded
    else:  # the name that the host's host object has or would get
        ours = desired.object_of(resource, inventory) if resource else HostName("")
    if recorded in names and uid and own_mapping(inventory, recorded, uid):
        yield inventory.hosts[recorded]
    if ours in inventory.hosts and (ours in names or not names or (uid and own_mapping(inventory, ours, uid))):
        yield inventory.hosts[ours]
    with_it = [name for name in names if uid and own_mapping(inventory, name, uid)]
    yield from (inventory.hosts[name] for name in (*with_it, *names))


def own_mapping(inventory: Inventory, host: HostName, uid: VolumeUid) -> Mapping | None:
    """The mapping that is the host's own; one that comes through a host cluster is never ours to remove."""
    return next((mapping for mapping in inventory.on_host(host).get(uid, ()) if not mapping.cluster), None)


def _why_it_stays(
    attachment: VolumeAttachment, mapping: Mapping, host: Host, desired: Desired, inventory: Inventory
) -> str:
    reader = Reader.of(attachment, desired)
    where = _where(mapping, reader)
    if desired.of_another_installation(host.name):
        if host.name != _recorded(attachment):
            return f"{where}: the machine now belongs to another installation of this operator."
    elif is_anothers(host, attachment, desired, inventory):
        return f"{where}: that host object is not this FlashSystemHost's but another's, and so is what is on it."
    seen = attachment.status.host
    if seen is not None and not desired.ours(host.name) and host.iqns.isdisjoint(seen.initiators):
        # An adopted host object has the recorded name, but none of the recorded initiators.
        return f"{where}: {_WITHOUT_INITIATORS}"
    if strangers := _strangers(attachment, host, desired):
        who = listed(strangers) if reader.knows(host.name) else "another machine"
        return f"{where}: that is another host object than it was mapped to, and {who} uses it too."
    policy, origin = attachment.spec.deletion_policy, attachment.status.origin
    if policy is DeletionPolicy.RETAIN:
        return f"{where}, since spec.deletionPolicy is Retain."
    if attachment.status.host is None and not desired.ours(host.name):
        return (
            f"{where}: it is the array administrator's host object, and the status no longer shows that this "
            "attachment mapped it there. Unmap it on the array if nothing uses it."
        )
    if policy is None and origin is not Origin.CREATED and not desired.ours(mapping.host):
        return f"{where}: it was there before this attachment. spec.deletionPolicy Delete would have removed it."
    return ""


def _where(mapping: Mapping, reader: Reader) -> str:
    on = f"host {mapping.host}" if reader.knows(mapping.host) else "another host"
    return f"Volume {mapping.volume} stays mapped to {on} at LUN {mapping.lun}"


def _left(
    attachment: VolumeAttachment, left: Host | None, uid: VolumeUid, desired: Desired, inventory: Inventory
) -> Release:
    """Release an attachment that has nothing to unmap, and report every mapping that stays: it must not look detached.

    The host may see the volume through a host cluster, or a host object to which some of its initiators were moved.
    Or the recorded host object lost all its initiators, and perhaps its name. But if a host object of the array
    administrator was renamed, its former name may be another machine's, with mappings of its own.

    left: the host object that the attachment leaves.
    """
    name, reader, found = _recorded(attachment), Reader.of(attachment, desired), dict[str, str]()
    places = [left] if left else []
    if has_been_admitted(attachment):
        places += [
            *_recorded_hosts(attachment, desired, inventory),
            *([inventory.hosts[name]] if name in inventory.hosts else []),
        ]
        places += desired.recorded_at(attachment, inventory)
    for host in dict.fromkeys(places):
        rows = inventory.on_host(host.name).get(uid, ())
        mapping = next((row for row in rows if not row.cluster), next(iter(rows), None))
        if mapping is None or (host != left and _is_of_another(host, left, attachment, uid, desired, inventory)):
            continue
        where = _where(mapping, reader)
        if mapping.cluster:
            stays = f"{where}: it comes through host cluster {mapping.cluster}, which the operator does not change."
        elif successor := _successor(attachment, host, uid, desired, inventory):
            stays = f"{where}: {reader.resource(successor)} attaches it too."
        else:
            stays = _why_it_stays(attachment, mapping, host, desired, inventory)
        found[host.name] = stays or f"{where}: that is another host object than it was mapped to. {_IF_UNUSED}"
    return Release(" ".join(found.values()), on=tuple(found))


def _is_of_another(
    host: Host, left: Host | None, attachment: VolumeAttachment, uid: VolumeUid, desired: Desired, inventory: Inventory
) -> bool:
    """Whether the host object is no longer this machine's, so that its mappings do not concern the attachment."""
    seen = attachment.status.host
    if not host.iqns.isdisjoint(seen.initiators if seen else ()):
        return False
    was_renamed = left is not None and not desired.ours(left.name) and not (seen and host.id == seen.id)
    is_anothers_now = is_anothers(host, attachment, desired, inventory)
    return was_renamed or is_anothers_now or _successor(attachment, host, uid, desired, inventory) is not None


def _strangers(attachment: VolumeAttachment, host: Host, desired: Desired) -> list[str]:
    """Other initiators of an administrator's host object to which the initiators of the recorded one were moved."""
    seen, resource = attachment.status.host, desired.hosts.get(attachment.host)
    if desired.ours(host.name) or seen is None or host.name == seen.name:
        return []
    unknown = [port for port in host.ports if port.name not in seen.initiators]
    if resource is not None:
        unknown = [port for port in unlisted(host, resource, ()) if port in unknown]
    return [port.name for port in unknown]


def _recorded(attachment: VolumeAttachment) -> HostName | None:
    seen = attachment.status.host
    return HostName(seen.name) if seen and seen.name else None


def _successor(
    attachment: VolumeAttachment, host: Host, uid: VolumeUid, desired: Desired, inventory: Inventory
) -> VolumeAttachment | None:
    """Another attachment of the same volume and host object that stays for now and takes the mapping over.

    Of the same FlashSystemHost, or of another one with the same host object.
    """
    known = inventory.volumes.get(uid)
    found: list[VolumeAttachment] = []
    for each in desired.bound_to(uid, known.name if known else None):
        if not desired.is_of(each, attachment.host) and not _on(host, each, desired, inventory):
            continue
        # It keeps its mapping for now if it is not being deleted, or if its deletion is held back.
        meta = each.metadata
        used = meta.other_finalizers or desired.in_use.get(each.ref)
        held = each.unreadable or used or why_held(each, desired)
        if each.ref == attachment.ref or (meta.deleting and (meta.released or not held)):
            continue
        access_denied = desired.access_denied(each, inventory)
        if not desired.ours(host.name):
            access_denied = access_denied or desired.tenancy.adoption(meta.namespace)
        if (has_been_admitted(each) or not access_denied) and volume_to_leave(each, inventory) == uid:
            found.append(each)
    return next(filter(_holds, found), next(iter(found), None))


def _holds(successor: VolumeAttachment) -> bool:
    """Whether it owns the mapping: it has our finalizer, and what its deletion will unmap is recorded."""
    return successor.metadata.guarded and successor.status.origin is not None


def _on(host: Host, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether another attachment uses this host object, by its FlashSystemHost or else by its record."""
    resource = desired.hosts.get(attachment.host)
    found = resolve_host(resource, desired, inventory) if resource else None
    if isinstance(found, Managed | Adopted):
        return found.host.name == host.name
    had = host_to_leave(attachment, desired, inventory) if has_been_admitted(attachment) else None
    return had is not None and had.name == host.name
