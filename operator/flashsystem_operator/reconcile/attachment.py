"""What brings one volume to one host, or takes it away again.

Guard clauses run from missing to dangerous to normal; the last line is the good case. *Detached* is a goal like any
other: `plan` answers for both.
"""

from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import Access, Origin, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import MapVolume, Step
from flashsystem_operator.array.state import Mapping, Volume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import chap, drift, sharing
from flashsystem_operator.reconcile import host as hosts
from flashsystem_operator.reconcile import host_traits as traits
from flashsystem_operator.reconcile.connection import portals_for
from flashsystem_operator.reconcile.cooling import for_others, hasty
from flashsystem_operator.reconcile.decision import UNSEEN, Act, Decision, InSync, Note, Reason, Refuse, Wait
from flashsystem_operator.reconcile.detach import host_to_leave, on_another_system, own_mapping, plan_detached
from flashsystem_operator.reconcile.lun import choose
from flashsystem_operator.reconcile.telling import Reader
from flashsystem_operator.reconcile.words import listed
from flashsystem_operator.reconcile.world import World, seniority, volume_of, was_let_in
from flashsystem_operator.values import HostName, Lun, nguid

_SECRET_RETRY = 60.0
"""Seconds after which it is asked again whether the host's Secret can be used."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an attachment leads: all that is known once host and volume are found."""

    resource: FlashSystemHost
    found: hosts.Ours | hosts.Adopted | hosts.Unmade
    volume: Volume

    @property
    def name(self) -> HostName:
        return self.found.name if isinstance(self.found, hosts.Unmade) else self.found.host.name


def plan(attachment: VolumeAttachment, world: World, view: View) -> Decision:
    """Decide about an attachment, live or being deleted."""
    if attachment.metadata.deleting:
        return plan_detached(attachment, world, view)
    target = find(attachment, world, view)
    if isinstance(target, Wait | Refuse):
        if target.reason is Reason.HOST_NOT_READY and kept_mapping(attachment, world, view):
            target = replace(target, message=f"{target.message} Until then the volume stays attached as it is.")
        return drift.of_unseen(target, attachment, world, view)
    if elder := elder_of_pair(attachment, target.volume, world, view):
        return Refuse(
            Reason.DUPLICATE,
            f"{elder.ref} attaches this volume to this host already. Delete one of the two; the mapping stays for the "
            "other.",
        )
    if mappings := view.on_host(target.name).get(target.volume.uid):
        if (target.name, target.volume.uid) in world.unsettled_pairs:
            return hosts.unsettled(target.name)  # the mapping is there, so it is its end that is not certain
        wished, own = _plan_mapped(attachment, target, mappings, world, view), _own_or_first(mappings)
        return _with_health(drift.of_mapped(wished, attachment, target, own, world, view), target.volume)
    return drift.of_removed(_plan_unmapped(attachment, target, world, view), attachment, target, world, view)


def _with_health(decision: Decision, volume: Volume) -> Decision:
    """With a condition while the array says that the mapped volume is not online: a mapping alone serves no I/O."""
    says = f"Volume {volume.name} is {volume.status} on the array"
    remedy = "Look for the cause on the array: its pool, its nodes and `lseventlog`."
    match volume.status:
        case "offline":
            message = f"{says}: its host cannot read or write it. {remedy}"
            note = Note("VolumeUnhealthy", Reason.VOLUME_OFFLINE, message)
        case "degraded":
            message = f"{says}: it serves I/O with less redundancy. {remedy}"
            note = Note("VolumeUnhealthy", Reason.VOLUME_DEGRADED, message)
        case _:
            return decision
    return replace(decision, notes=(*decision.notes, note))


def find(attachment: VolumeAttachment, world: World, view: View) -> Target | Wait | Refuse:
    """The host and the volume that an attachment means, or why they cannot be had."""
    resource = world.hosts.get(attachment.host)
    if resource is None:
        return host_not_found(attachment)
    if elsewhere := on_another_system(attachment, world, view):
        return elsewhere
    if not was_let_in(attachment) and (barred := world.barred(attachment, view)):
        return barred
    volume = volume_of(attachment, view)
    if volume is None:
        return _no_volume(attachment, view)
    found = hosts.standing(resource, world, view)
    if isinstance(found, Wait | Refuse):
        return Wait(Reason.HOST_NOT_READY, f"{resource.ref} is not ready: {found.message}")
    return Target(resource, found, volume)


def kept_mapping(attachment: VolumeAttachment, world: World, view: View) -> Mapping | None:
    """The mapping of a volume that was attached, although its FlashSystemHost cannot be used as it is now.

    For example because a port was added to the host object, or an initiator moved: what is attached stays in use.
    """
    host = (
        host_to_leave(attachment, world, view) if attachment.status.attached_time and was_let_in(attachment) else None
    )
    seen = attachment.status.volume
    if host is None or seen is None or seen.uid not in view.volumes:
        return None
    mappings = view.on_host(host.name).get(seen.uid)
    return _own_or_first(mappings) if mappings else None


def host_not_found(attachment: VolumeAttachment) -> Wait:
    return Wait(
        Reason.HOST_NOT_FOUND,
        f"There is no {attachment.host}. Attaching starts when it is made; or correct spec.hostRef.name by deleting "
        "this attachment and making it again.",
    )


def elder_of_pair(attachment: VolumeAttachment, volume: Volume, world: World, view: View) -> VolumeAttachment | None:
    """The attachment of the same volume to the same host that came before, if there is one."""
    same = (each for each in world.rivals(attachment, volume, view) if world.is_of(each, attachment.host))
    return next((each for each in same if seniority(each) < seniority(attachment)), None)


def _no_volume(attachment: VolumeAttachment, view: View) -> Wait | Refuse:
    seen, selector = attachment.status.volume, attachment.spec.volume
    uid = (seen and seen.uid) or selector.uid
    if uid and (over_nvme := view.volumes.get(nguid(uid))):
        return Wait(
            Reason.VOLUME_MAPPED_ELSEWHERE,
            f"The volume with UID {uid} is mapped to an NVMe host: as long as it is, the array shows its "
            f"NGUID {over_nvme.uid} in place of its UID, and maps it to no iSCSI host. Unmap it there.",
        )
    if seen and seen.uid:
        return Refuse(
            Reason.VOLUME_GONE,
            f"The volume with UID {seen.uid}, last named {seen.name}, is not on the array any more. A volume that has "
            "its name now is another one and is not touched. Delete this attachment.",
        )
    which = f"named {selector.name}" if selector.name else f"with UID {selector.uid}"
    return Wait(
        Reason.VOLUME_NOT_FOUND,
        f"The array has no volume {which}. Attaching starts at the next look after it is made.",
    )


def _own_or_first(mappings: tuple[Mapping, ...]) -> Mapping:
    """The host's own mapping rather than one that comes through a host cluster."""
    return next((mapping for mapping in mappings if not mapping.cluster), mappings[0])


def _plan_mapped(
    attachment: VolumeAttachment, target: Target, mappings: tuple[Mapping, ...], world: World, view: View
) -> Decision:
    mapping = _own_or_first(mappings)
    if mapping.cluster and attachment.spec.access is Access.EXCLUSIVE:
        return Refuse(
            Reason.MAPPED_THROUGH_HOST_CLUSTER,
            f"Volume {target.volume.name} is mapped to host cluster {mapping.cluster}, so that every member sees "
            "it. Set spec.access to Shared if that is meant, or unmap it from the host cluster on the array.",
        )
    if attachment.status.origin is None and (barred := _bars_takeover(attachment, target, mapping, world)):
        return barred
    if len(mapping.luns) > 1:
        return Refuse(
            Reason.MISMATCHED_LUNS,
            f"Volume {target.volume.name} has the LUNs {', '.join(map(str, mapping.luns))} on host {mapping.host}, by "
            "I/O group. Log the host out and unmap it on the array; it is then mapped with one LUN.",
        )
    if attachment.spec.lun not in (None, mapping.lun):
        return _lun_differs(attachment, mapping)
    # A mapping that this attachment never had is judged like one that it asks for, also when an elder left it.
    if attachment.status.attached_time is None and (refused := sharing.judge(attachment, target, world, view)):
        return refused
    if not portals_for(target.name, world, view):
        return Refuse(
            Reason.NO_USABLE_PORTAL,
            f"Volume {target.volume.name} is mapped, but the array has no usable iSCSI portal for host {target.name}: "
            "none in its portset and I/O groups and among spec.iscsi.addresses of the array is up. Bring one up, or "
            "correct these.",
        )
    return InSync(
        Reason.ATTACHED,
        f"Volume {target.volume.name} is mapped to host {mapping.host} at LUN {mapping.lun}.",
    )


def _bars_takeover(
    attachment: VolumeAttachment, target: Target, mapping: Mapping, world: World
) -> Wait | Refuse | None:
    """A mapping on an administrator's host object, or through a host cluster, is not ours until it is taken over."""
    if isinstance(target.found, hosts.Ours) and not mapping.cluster:
        return None
    return world.tenancy.adoption(attachment.metadata.namespace)


def _lun_differs(attachment: VolumeAttachment, mapping: Mapping) -> Refuse:
    """A mapping that this attachment did not make may outlive it: to delete and create it again would lead nowhere."""
    what = (
        f"Volume {mapping.volume} is mapped to host {mapping.host} at LUN {mapping.lun}, not {attachment.spec.lun}. "
        "Moving it would pull the disk from under a running host:"
    )
    if attachment.status.origin is Origin.CREATED and attachment.metadata.guarded:
        way = f"delete this attachment, then create it again, or create it with LUN {mapping.lun}."
    else:
        way = (
            f"delete this attachment and create it with LUN {mapping.lun}, or with none; or log the host out and unmap "
            f"the volume on the array, and it is mapped at LUN {attachment.spec.lun}."
        )
    return Refuse(Reason.LUN_DIFFERS, f"{what} {way}")


def _plan_unmapped(attachment: VolumeAttachment, target: Target, world: World, view: View) -> Decision:
    if world.is_unsettled(target.name):
        return hosts.unsettled(target.name)
    if barred := _bars_mapping(attachment, target, world, view):
        return barred
    if leaving := next((each for each in (target.resource, world.array) if each.metadata.deleting), None):
        return Wait(Reason.PARENT_DELETING, f"{leaving.ref} is being deleted and takes no new attachment.")
    if unfit := _unfit_host(target, world, view):
        return unfit
    if left := _left_elsewhere(attachment, target, world, view):
        return left
    if refused := sharing.judge(attachment, target, world, view):
        return refused
    resting = for_others(target.volume.uid, target.resource, world, view)
    lun = choose(attachment, target.name, world, view, resting)
    if isinstance(lun, Refuse):
        return lun
    warning = "" if attachment.spec.lun == lun else hasty(lun, target.name, resting)
    return Act((*_make_host(target, world, view), _map(target, lun, view)), warning=warning)


def _unfit_host(target: Target, world: World, view: View) -> Wait | Refuse | None:
    """Why the host would not see the volume, or not by all its initiators, if it were mapped now."""
    found = target.found
    if isinstance(found, hosts.Adopted) and found.missing:
        return hosts.missing_initiators(found)
    if isinstance(found, hosts.Ours) and found.missing:
        return Wait(
            Reason.HOST_NOT_READY,
            f"Host object {target.name} still lacks {listed(found.missing)}. The volume is mapped to it when the host "
            "can see it by all its initiators.",
        )
    if trouble := hosts.trouble(target.resource, found, world, view):
        retry = _SECRET_RETRY if trouble.reason in UNSEEN else None
        return Wait(Reason.HOST_NOT_READY, f"{target.resource.ref} is not ready: {trouble.message}", retry=retry)
    host = None if isinstance(found, hosts.Unmade) else found.host
    return traits.out_of_reach(target.resource, host, target.volume, view, adopted=isinstance(found, hosts.Adopted))


def _bars_mapping(attachment: VolumeAttachment, target: Target, world: World, view: View) -> Wait | Refuse | None:
    """A permission withdrawn since the attachment was let in stops what would be new."""
    adopts = isinstance(target.found, hosts.Adopted)
    return world.barred(attachment, view) or (world.tenancy.adoption(attachment.metadata.namespace) if adopts else None)


def _left_elsewhere(attachment: VolumeAttachment, target: Target, world: World, view: View) -> Refuse | None:
    """What was mapped for this attachment to another host object must not be forgotten by being recorded again."""
    if attachment.status.origin is not Origin.CREATED:
        return None
    uid = target.volume.uid
    places = (host for host in world.recorded_at(attachment, view) if host.name != target.name)
    left = next((host for host in places if own_mapping(view, host.name, uid)), None)
    if left is None:
        return None
    seen, reader = attachment.status.host, Reader.of(attachment, world)
    volume, there = target.volume.name, reader.host_objects([left.name])
    if attachment.status.attached_time is None:
        # It was about to be mapped. A host object that got the id of one that was deleted may be another machine's.
        message = (
            f"Volume {volume} is mapped to {there}, perhaps for this attachment, which was never seen to have it. If "
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


def _make_host(target: Target, world: World, view: View) -> tuple[Step, ...]:
    """The host's first volume makes the host object; no volume is mapped before the machine has to prove itself."""
    match target.found:
        case hosts.Unmade(name):
            return traits.making(target.resource, name, world, view)
        case hosts.Ours(host):
            return chap.steps(target.resource, host.name, world, view)
        case hosts.Adopted():
            return ()


def _map(target: Target, lun: Lun, view: View) -> MapVolume:
    uid = target.volume.uid
    alongside_others = bool(view.of_volume(uid) - {target.name} or view.empty_clusters_of(uid))
    return MapVolume(target.name, target.volume.name, target.volume.uid, lun, alongside_others)
