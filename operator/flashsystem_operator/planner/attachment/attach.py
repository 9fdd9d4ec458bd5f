"""Plan of a VolumeAttachment: find its host and volume, check the access mode, map it; detach.py plans a deleted one.

Access mode: two hosts that write to one volume destroy a file system that is not made for it. So a second mapping needs
every attachment of the volume to be Shared; if the other mapping is not ours, this attachment has to be Shared too.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from flashsystem_operator.api.array import MultiHostMapping
from flashsystem_operator.api.attachment import Access, VolumeAttachment
from flashsystem_operator.api.base import Origin
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, Step
from flashsystem_operator.array.model import Inventory, Mapping, Volume
from flashsystem_operator.planner import drift
from flashsystem_operator.planner.attachment.detach import host_to_leave, own_mapping, plan_detached
from flashsystem_operator.planner.decision import UNSEEN, Act, Decision, InSync, Note, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, Reader, has_been_admitted, seniority, volume_of
from flashsystem_operator.planner.host import host_plan, host_settings
from flashsystem_operator.planner.luns import choose, for_others, quarantine_warning
from flashsystem_operator.planner.outputs import portals_for
from flashsystem_operator.planner.text import listed
from flashsystem_operator.values import HostName, nguid


class Place(Protocol):
    """Which volume is to be seen under which host object's name."""

    @property
    def volume(self) -> Volume: ...

    @property
    def name(self) -> HostName: ...


def check_access_mode(
    attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory
) -> Wait | Refuse | None:
    """Why the volume must not be mapped to this host at present, or None if it may."""
    others = (inventory.of_volume(place.volume.uid) | desired.perhaps_mapped(place.volume.uid)) - {place.name}
    clusters = inventory.empty_clusters_of(place.volume.uid)
    if not others and not clusters:
        return None
    reader = Reader.of(attachment, desired)
    if attachment.spec.access is Access.EXCLUSIVE:
        return _exclusive(place.volume, others, clusters, reader, inventory)
    # No other host may see the volume while the mapping of an Exclusive attachment that is being deleted exists.
    leaving = _hosts_being_left(place.volume, desired, inventory).items()
    if ending := [each for host, each in leaving if host in others and each.spec.access is Access.EXCLUSIVE]:
        return Wait(
            Reason.VOLUME_IN_USE,
            f"Volume {place.volume.name} is attached Exclusively by {reader.resources(ending)}, which is being "
            "deleted but not detached yet. It is attached here when that is done.",
        )
    rivals = desired.rivals(attachment, place.volume, inventory)
    if selfish := [each for each in rivals if each.spec.access is Access.EXCLUSIVE]:
        return Refuse(
            Reason.VOLUME_IN_USE,
            f"Volume {place.volume.name} is attached Exclusively by {reader.resources(selfish)}. Set spec.access to "
            "Shared there too if its file system is made for several hosts.",
        )
    if desired.array.spec.multi_host_mapping is MultiHostMapping.FORBIDDEN:
        return Refuse(
            Reason.MULTI_HOST_MAPPING_FORBIDDEN,
            f"Volume {place.volume.name} is mapped to {_hosts(others, clusters, reader)}, and {desired.array.ref} has "
            "spec.multiHostMapping Forbidden. Detach it there first, or ask the array administrator.",
        )
    return None


def _exclusive(
    volume: Volume, others: frozenset[HostName], clusters: Collection[str], reader: Reader, inventory: Inventory
) -> Wait | Refuse:
    if not others:
        return Refuse(
            Reason.MAPPED_THROUGH_HOST_CLUSTER,
            f"Volume {volume.name} is mapped to {_hosts((), clusters, reader)}, which has no hosts; each host added to "
            "it sees the volume. Unmap it there on the array (rmvolumehostclustermap), or set spec.access to Shared if "
            "its file system is made for several hosts.",
        )
    leaving = _hosts_being_left(volume, reader.desired, inventory)
    if others <= leaving.keys():
        who = reader.resources([leaving[name] for name in others])
        return Wait(
            Reason.VOLUME_IN_USE,
            f"Volume {volume.name} is being detached by {who}. It is attached here when that is done.",
        )
    return Refuse(
        Reason.VOLUME_MAPPED_ELSEWHERE,
        f"Volume {volume.name} is mapped to {reader.host_objects(others)}. Detach it there, or set spec.access to "
        "Shared on every attachment of it if its file system is made for several hosts.",
    )


def _hosts(hosts: Collection[HostName], clusters: Collection[str], reader: Reader) -> str:
    """Hosts or host clusters for a message. Names of host clusters are shown to the array administrator only."""
    if hosts:
        return reader.host_objects(hosts)
    return f"host cluster {listed(sorted(clusters))}" if reader.keeps_the_array else "a host cluster"


def _hosts_being_left(volume: Volume, desired: Desired, inventory: Inventory) -> dict[HostName, VolumeAttachment]:
    """The host objects that the volume is about to leave, with the attachment that is being deleted."""
    leaving = ((host_to_leave(each, desired, inventory), each) for each in desired.leaving(volume.uid))
    return {host.name: each for host, each in leaving if host}


_SECRET_RETRY = 60.0
"""Seconds until the operator checks again whether the host's Secret can be used."""


@dataclass(frozen=True, slots=True)
class Target:
    """The resolved host and volume of an attachment."""

    resource: FlashSystemHost
    found: host_plan.Managed | host_plan.Adopted | host_plan.Absent
    volume: Volume

    @property
    def name(self) -> HostName:
        return self.found.name if isinstance(self.found, host_plan.Absent) else self.found.host.name


def plan(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Decision:
    """Decide about an attachment, live or being deleted."""
    if attachment.metadata.deleting:
        return plan_detached(attachment, desired, inventory)
    target = find(attachment, desired, inventory)
    if isinstance(target, Wait | Refuse):
        if target.reason is Reason.HOST_NOT_READY and kept_mapping(attachment, desired, inventory):
            target = replace(target, message=f"{target.message} Until then the volume stays attached as it is.")
        return drift.of_unseen(target, attachment, desired, inventory)
    if elder := elder_of_pair(attachment, target.volume, desired, inventory):
        return Refuse(
            Reason.DUPLICATE,
            f"{elder.ref} attaches this volume to this host already. Delete one of the two; the mapping stays for the "
            "other.",
        )
    if mappings := inventory.on_host(target.name).get(target.volume.uid):
        if (target.name, target.volume.uid) in desired.in_doubt_pairs:
            return host_plan.in_doubt(target.name)  # the mapping is there, so it is its end that is not certain
        decision, own = _plan_mapped(attachment, target, mappings, desired, inventory), _own_or_first(mappings)
        return _with_health(drift.of_mapped(decision, attachment, target, own, desired, inventory), target.volume)
    return drift.of_removed(
        _plan_unmapped(attachment, target, desired, inventory), attachment, target, desired, inventory
    )


def _with_health(decision: Decision, volume: Volume) -> Decision:
    """Add a condition while the mapped volume is not online on the array: a mapping alone serves no I/O."""
    state = f"Volume {volume.name} is {volume.status} on the array"
    remedy = "Look for the cause on the array: its pool, its nodes and `lseventlog`."
    match volume.status:
        case "offline":
            message = f"{state}: its host cannot read or write it. {remedy}"
            note = Note("VolumeUnhealthy", Reason.VOLUME_OFFLINE, message)
        case "degraded":
            message = f"{state}: it serves I/O with less redundancy. {remedy}"
            note = Note("VolumeUnhealthy", Reason.VOLUME_DEGRADED, message)
        case _:
            return decision
    return replace(decision, notes=(*decision.notes, note))


def find(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Target | Wait | Refuse:
    """The host and the volume of an attachment, or why they are not available."""
    resource = desired.hosts.get(attachment.host)
    if resource is None:
        return host_not_found(attachment)
    if elsewhere := drift.volume_on_another_system(attachment, desired, inventory):
        return elsewhere
    if not has_been_admitted(attachment) and (access_denied := desired.access_denied(attachment, inventory)):
        return access_denied
    volume = volume_of(attachment, inventory)
    if volume is None:
        return _no_volume(attachment, inventory)
    found = host_plan.resolve_host(resource, desired, inventory)
    if isinstance(found, Wait | Refuse):
        return Wait(Reason.HOST_NOT_READY, f"{resource.ref} is not ready: {found.message}")
    return Target(resource, found, volume)


def kept_mapping(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Mapping | None:
    """The mapping of a volume that was attached, although its FlashSystemHost cannot be used at present.

    For example because a port was added to the host object, or an initiator moved: attached volumes stay in use.
    """
    host = (
        host_to_leave(attachment, desired, inventory)
        if attachment.status.attached_time and has_been_admitted(attachment)
        else None
    )
    seen = attachment.status.volume
    if host is None or seen is None or seen.uid not in inventory.volumes:
        return None
    mappings = inventory.on_host(host.name).get(seen.uid)
    return _own_or_first(mappings) if mappings else None


def host_not_found(attachment: VolumeAttachment) -> Wait:
    return Wait(
        Reason.HOST_NOT_FOUND,
        f"There is no {attachment.host}. Attaching starts when it is created; or correct spec.hostRef.name by deleting "
        "this attachment and creating it again.",
    )


def elder_of_pair(
    attachment: VolumeAttachment, volume: Volume, desired: Desired, inventory: Inventory
) -> VolumeAttachment | None:
    """The older attachment of the same volume to the same host, if there is one."""
    same = (each for each in desired.rivals(attachment, volume, inventory) if desired.is_of(each, attachment.host))
    return next((each for each in same if seniority(each) < seniority(attachment)), None)


def _no_volume(attachment: VolumeAttachment, inventory: Inventory) -> Wait | Refuse:
    seen, selector = attachment.status.volume, attachment.spec.volume
    uid = (seen and seen.uid) or selector.uid
    if uid and (over_nvme := inventory.volumes.get(nguid(uid))):
        return Wait(
            Reason.VOLUME_MAPPED_ELSEWHERE,
            f"The volume with UID {uid} is mapped to an NVMe host: as long as it is, the array shows its "
            f"NGUID {over_nvme.uid} in place of its UID, and maps it to no iSCSI host. Unmap it there.",
        )
    if seen and seen.uid:
        return Refuse(
            Reason.VOLUME_GONE,
            f"The volume with UID {seen.uid}, last named {seen.name}, is no longer on the array. A volume that has "
            "its name now is another one and is not touched. Delete this attachment.",
        )
    which = f"named {selector.name}" if selector.name else f"with UID {selector.uid}"
    return Wait(
        Reason.VOLUME_NOT_FOUND,
        f"The array has no volume {which}. Attaching starts when the array is next read after it is created.",
    )


def _own_or_first(mappings: tuple[Mapping, ...]) -> Mapping:
    """The host's own mapping rather than one that comes through a host cluster."""
    return next((mapping for mapping in mappings if not mapping.cluster), mappings[0])


def _plan_mapped(
    attachment: VolumeAttachment, target: Target, mappings: tuple[Mapping, ...], desired: Desired, inventory: Inventory
) -> Decision:
    mapping = _own_or_first(mappings)
    if mapping.cluster and attachment.spec.access is Access.EXCLUSIVE:
        return Refuse(
            Reason.MAPPED_THROUGH_HOST_CLUSTER,
            f"Volume {target.volume.name} is mapped to host cluster {mapping.cluster}, so that every member sees "
            "it. Set spec.access to Shared if that is meant, or unmap it from the host cluster on the array.",
        )
    # A mapping on an adopted host object or through a host cluster is not the operator's: tenancy may forbid its use.
    is_others = bool(mapping.cluster) or not isinstance(target.found, host_plan.Managed)
    takes_over = attachment.status.origin is None and is_others
    if takes_over and (access_denied := desired.tenancy.adoption(attachment.metadata.namespace)):
        return access_denied
    if len(mapping.luns) > 1:
        return Refuse(
            Reason.MISMATCHED_LUNS,
            f"Volume {target.volume.name} has the LUNs {', '.join(map(str, mapping.luns))} on host {mapping.host}, by "
            "I/O group. Log the host out and unmap it on the array; it is then mapped with one LUN.",
        )
    if attachment.spec.lun not in (None, mapping.lun):
        return _lun_differs(attachment, mapping)
    # A mapping that this attachment never had is judged like a new one, also if an older attachment left it.
    if attachment.status.attached_time is None and (
        refused := check_access_mode(attachment, target, desired, inventory)
    ):
        return refused
    if not portals_for(target.name, desired, inventory):
        return Refuse(
            Reason.NO_USABLE_PORTAL,
            f"Volume {target.volume.name} is mapped, but the array has no usable iSCSI portal for host {target.name}: "
            "none in its portset and I/O groups and among spec.iscsi.portalAddresses of the array is up. Bring one up, "
            "or correct these.",
        )
    return InSync(
        Reason.ATTACHED,
        f"Volume {target.volume.name} is mapped to host {mapping.host} at LUN {mapping.lun}.",
    )


def _lun_differs(attachment: VolumeAttachment, mapping: Mapping) -> Refuse:
    """Refuse a different LUN. A mapping that was not created for this attachment may stay after its deletion."""
    what = (
        f"Volume {mapping.volume} is mapped to host {mapping.host} at LUN {mapping.lun}, not {attachment.spec.lun}. "
        "Moving it would remove the disk from a running host:"
    )
    if attachment.status.origin is Origin.CREATED and attachment.metadata.guarded:
        way = f"delete this attachment, then create it again, or create it with LUN {mapping.lun}."
    else:
        way = (
            f"delete this attachment and create it with LUN {mapping.lun}, or with none; or log the host out and unmap "
            f"the volume on the array, and it is mapped at LUN {attachment.spec.lun}."
        )
    return Refuse(Reason.LUN_DIFFERS, f"{what} {way}")


def _plan_unmapped(attachment: VolumeAttachment, target: Target, desired: Desired, inventory: Inventory) -> Decision:
    if desired.is_in_doubt(target.name):
        return host_plan.in_doubt(target.name)
    # Also if the permission was withdrawn after the attachment was admitted.
    access_denied = desired.access_denied(attachment, inventory)
    if not access_denied and isinstance(target.found, host_plan.Adopted):
        access_denied = desired.tenancy.adoption(attachment.metadata.namespace)
    if access_denied:
        return access_denied
    if leaving := next((each for each in (target.resource, desired.array) if each.metadata.deleting), None):
        return Wait(Reason.PARENT_DELETING, f"{leaving.ref} is being deleted and takes no new attachment.")
    if unfit := _unfit_host(target, desired, inventory):
        return unfit
    if left := _left_elsewhere(attachment, target, desired, inventory):
        return left
    if refused := check_access_mode(attachment, target, desired, inventory):
        return refused
    quarantine = for_others(target.volume.uid, target.resource, desired, inventory)
    lun = choose(attachment, target.name, desired, inventory, quarantine)
    if isinstance(lun, Refuse):
        return lun
    warning = "" if attachment.spec.lun == lun else quarantine_warning(lun, target.name, quarantine)
    uid = target.volume.uid
    alongside_others = bool(inventory.of_volume(uid) - {target.name} or inventory.empty_clusters_of(uid))
    mapping = MapVolume(target.name, target.volume.name, uid, lun, alongside_others)
    return Act((*_make_host(target, desired, inventory), mapping), warning=warning)


def _unfit_host(target: Target, desired: Desired, inventory: Inventory) -> Wait | Refuse | None:
    """Why the host would not see the volume, or not through all its initiators, if it were mapped now."""
    found = target.found
    if isinstance(found, host_plan.Adopted) and found.missing:
        return host_plan.missing_initiators(found)
    if isinstance(found, host_plan.Managed) and found.missing:
        return Wait(
            Reason.HOST_NOT_READY,
            f"Host object {target.name} still lacks {listed(found.missing)}. The volume is mapped to it when the host "
            "can see it by all its initiators.",
        )
    if trouble := host_plan.trouble(target.resource, found, desired, inventory):
        retry = _SECRET_RETRY if trouble.reason in UNSEEN else None
        return Wait(Reason.HOST_NOT_READY, f"{target.resource.ref} is not ready: {trouble.message}", retry=retry)
    host = None if isinstance(found, host_plan.Absent) else found.host
    return host_settings.out_of_reach(
        target.resource, host, target.volume, inventory, adopted=isinstance(found, host_plan.Adopted)
    )


def _left_elsewhere(
    attachment: VolumeAttachment, target: Target, desired: Desired, inventory: Inventory
) -> Refuse | None:
    """Refuse while a mapping for this attachment to another host object exists: a new record would replace the old."""
    if attachment.status.origin is not Origin.CREATED:
        return None
    uid = target.volume.uid
    places = (host for host in desired.recorded_at(attachment, inventory) if host.name != target.name)
    left = next((host for host in places if own_mapping(inventory, host.name, uid)), None)
    if left is None:
        return None
    seen, reader = attachment.status.host, Reader.of(attachment, desired)
    volume, there = target.volume.name, reader.host_objects([left.name])
    if attachment.status.attached_time is None:
        # It was about to be mapped. A host object that got the id of one that was deleted may be another machine's.
        message = (
            f"Volume {volume} is mapped to {there}, perhaps for this attachment, which was never observed there. If "
            "another host uses it there, delete this attachment; else unmap it there on the array."
        )
    else:
        renamed = seen is not None and left.name != seen.name and reader.knows(left.name)
        former = f", which was named {seen.name}" if seen and renamed else ""
        message = (
            f"Volume {volume} is still mapped to {there}, where this attachment had it{former}. Unmap it there on the "
            "array, or delete this attachment and create it again."
        )
    return Refuse(Reason.VOLUME_MAPPED_ELSEWHERE, message)


def _make_host(target: Target, desired: Desired, inventory: Inventory) -> tuple[Step, ...]:
    """Steps that create the host object with its first volume; CHAP is set before a volume is mapped."""
    match target.found:
        case host_plan.Absent(name):
            return host_settings.making(target.resource, name, desired, inventory)
        case host_plan.Managed(host):
            return host_settings.chap_steps(target.resource, host.name, desired, inventory)
        case host_plan.Adopted():
            return ()
