"""Plan of a FlashSystemVolume: find its volume on the array, create it, keep its size, name and throttle, delete it.

Data is never guessed. A resource is bound to its volume by the UID, from the first resolution on: a bound volume that
is gone is never created again, and another volume that has its name now is never touched. Before the command that
creates a volume, its name, size and pool are recorded; after a lost reply, a volume of that name is ours only if it is
the one that was recorded. See docs/decisions/17-volumes-are-bound-by-uid.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from flashsystem_operator.api.base import DeletionPolicy, DriftPolicy, find, is_true
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin
from flashsystem_operator.array.model import Inventory, Pool, Volume
from flashsystem_operator.array.volume_commands import (
    RenameVolume,
    VolumeStep,
    create_volume,
    expand_volume,
    is_of_size,
    planned_uid,
    remove_volume,
    throttle_volume,
)
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, Reader, recorded_bytes, seniority
from flashsystem_operator.planner.policies import way_out
from flashsystem_operator.planner.text import after, listed, plural, quantity
from flashsystem_operator.values import BLOCK, PoolName, Provisioning, VolumeName, VolumeUid, is_nguid, nguid

_RETRY = 60.0
"""Seconds until the array is read again for what ends there without an event: formatting, a copy, a full pool."""

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Missing:
    """The volume does not exist yet; it is created under this name."""

    name: VolumeName


VolumeResolution = Volume | Missing | Wait | Refuse
"""The volume of a FlashSystemVolume on the array, or why it cannot be determined."""


def plan(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> Decision:
    """Decide about a volume, live or being deleted."""
    if resource.metadata.deleting:
        return _plan_deleted(resource, desired, inventory)
    if desired.array.metadata.deleting and not resource.metadata.guarded:
        return Wait(Reason.PARENT_DELETING, f"{desired.array.ref} is being deleted and takes no new volume.")
    found = resolve_volume(resource, desired, inventory)
    match found:
        case Wait() | Refuse():
            return found
        case Missing(name):
            return _plan_missing(resource, name, desired, inventory)
        case Volume():
            return _plan_found(resource, found, desired, inventory)


def resolve_volume(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> VolumeResolution:
    """Find the volume of a resource: by the recorded UID; else as its import, or by the name that we would give it."""
    if elsewhere := _on_another_system(resource, desired, inventory):
        return elsewhere
    if uid := resource.status.uid:
        if (volume := inventory.volumes.get(uid)) is None:
            return _gone(resource, uid, inventory)
        return _of_another_installation(volume, desired) or volume
    if access_denied := desired.tenancy.use(resource.metadata.namespace):
        return access_denied
    if uid := resource.metadata.asked.volume_uid:
        return _without_status(resource, uid, desired, inventory)
    return _imported(resource, desired, inventory) if resource.spec.import_ else _created(resource, desired, inventory)


def origin_of(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> VolumeOrigin:
    """Whether the operator created the volume: as recorded; if nothing is, only the name proves it.

    A volume that the spec imports is imported, also if an earlier resource of this name created it: the import was
    requested to keep its data, so it is not deleted with the resource by default.
    """
    if resource.spec.import_ is not None:
        return VolumeOrigin.IMPORTED
    if resource.status.origin is not None:
        return resource.status.origin
    return VolumeOrigin.CREATED if _is_proven(resource, volume, desired) else VolumeOrigin.IMPORTED


def expected_name(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> VolumeName:
    """The name that the volume should have on the array: of one that we created, the one that proves that."""
    names = desired.names_of_volume(resource)
    if origin_of(resource, volume, desired) is not VolumeOrigin.CREATED or volume.name in names:
        return volume.name
    return next((name for name in names if name == resource.status.name), names[0])


def size_on_array(size: int) -> int:
    """The size in bytes that is requested from the array: volumes have whole blocks."""
    return -(-size // BLOCK) * BLOCK


def _is_proven(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> bool:
    return volume.name in desired.names_of_volume(resource)


def _on_another_system(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> Refuse | None:
    seen, system = resource.status.array, inventory.body.system
    never_had_one = resource.status.uid is None and resource.status.intent is None
    if never_had_one or seen is None or seen.system_id in (None, system.id):
        return None
    return Refuse(
        Reason.OTHER_SYSTEM,
        f"The volume is on system {seen.system_id}, but {desired.array.ref} now leads to {system.name} ({system.id}). "
        "The operator cannot see the former system. Let spec.management and spec.systemID of the array lead there "
        f"again; or delete this FlashSystemVolume and {way_out(resource.metadata)}.",
    )


def _of_another_installation(volume: Volume, desired: Desired) -> Refuse | None:
    """Refuse a volume of another cluster, also if it is recorded: then this cluster may be a copy of that one."""
    if not desired.of_another_installation(volume.name):
        return None
    return Refuse(
        Reason.IMPORT_CONFLICT,
        f"Volume {volume.name} was created by the operator of another cluster, as its name shows. Release it there "
        "and rename it on the array, or add the installation id of that cluster to --former-installation-ids.",
    )


def _gone(resource: FlashSystemVolume, uid: VolumeUid, inventory: Inventory) -> Wait | Refuse:
    if over_nvme := inventory.volumes.get(nguid(uid)):
        return Wait(
            Reason.VOLUME_MAPPED_ELSEWHERE,
            f"The volume with UID {uid} is mapped to an NVMe host: as long as it is, the array shows its NGUID "
            f"{over_nvme.uid} in place of its UID. Unmap it there.",
        )
    name = f", last named {resource.status.name}," if resource.status.name else ""
    return Refuse(
        Reason.VOLUME_GONE,
        f"The volume with UID {uid}{name} is no longer on the array. It is not created again: that would be an empty "
        "volume. Delete this FlashSystemVolume, and create it again for a new volume or to import another one.",
    )


def _without_status(
    resource: FlashSystemVolume, uid: VolumeUid, desired: Desired, inventory: Inventory
) -> Volume | Wait | Refuse:
    """The volume of a resource whose status was lost, for example by a restore: the annotation has the UID.

    Users can write annotations too, so it alone is no proof: the name must be one that only this resource's volume has,
    or the spec imports the volume.
    """
    volume = inventory.volumes.get(uid)
    if volume is None:
        return _gone(resource, uid, inventory)
    if resource.spec.import_:
        found = _imported(resource, desired, inventory)
        if not isinstance(found, Volume) or found.uid == uid:
            return found
    elif _is_proven(resource, volume, desired):
        return _taken(resource, volume, desired) or volume
    return Refuse(
        Reason.VOLUME_NOT_PROVEN,
        f"The annotation with the UID of the volume, {uid}, does not lead to a volume that the operator created for "
        "this resource, as its name would prove. Nothing is created in its place. Create this FlashSystemVolume again "
        "with spec.import.uid to take that volume over, or without the annotation for a new, empty one.",
    )


def _imported(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> Volume | Wait | Refuse:
    selector, namespace = resource.spec.import_, resource.metadata.namespace
    if selector is None:
        raise ValueError(f"{resource.ref} imports no volume")
    if selector.uid:
        volume = inventory.volumes.get(selector.uid)
    else:
        volume = inventory.volume_named(selector.name) if selector.name else None
    name = volume.name if volume else selector.name
    if access_denied := desired.tenancy.volume(namespace, name, selector.uid) or desired.tenancy.adoption(namespace):
        return access_denied
    if volume is None:
        which = f"named {selector.name}" if selector.name else f"with UID {selector.uid}"
        return Wait(
            Reason.VOLUME_NOT_FOUND,
            f"The array has no volume {which}. It is imported when the array is next read after it is created.",
        )
    if is_nguid(volume.uid):
        return Wait(
            Reason.VOLUME_MAPPED_ELSEWHERE,
            f"Volume {volume.name} is mapped to an NVMe host: as long as it is, the array does not show its UID, by "
            "which it would be recognized later. It is imported when it is unmapped there.",
        )
    if refused := _of_another_installation(volume, desired) or _taken(resource, volume, desired):
        return refused
    wanted = resource.spec.pool
    if wanted and volume.pool is not None and volume.pool != wanted:
        return Refuse(
            Reason.POOL_DIFFERS,
            f"Volume {volume.name} is in pool {volume.pool}, not in {wanted}. Correct spec.pool by creating this "
            "FlashSystemVolume again, or leave it out.",
        )
    return volume


def _taken(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> Refuse | None:
    """Refuse a volume that belongs to another resource: by its UID or name, or to an older one that imports it."""
    for other in desired.volumes.values():
        if other.ref == resource.ref:
            continue
        if other.status.uid is None:
            elder = resource.spec.import_ is not None and seniority(other) < seniority(resource)
            has_it = _is_proven(other, volume, desired) or (elder and _imports(other, volume, desired))
        else:
            has_it = other.status.uid == volume.uid
        if has_it:
            return Refuse(
                Reason.IMPORT_CONFLICT,
                f"Volume {volume.name} belongs to {Reader.of(resource, desired).resource(other)} already. Delete one "
                "of the two; while both exist, that does not delete the volume.",
            )
    return None


def _imports(other: FlashSystemVolume, volume: Volume, desired: Desired) -> bool:
    """Whether a resource without a volume would import this one, and may."""
    selector, namespace = other.spec.import_, other.metadata.namespace
    if selector is None or other.status.uid is not None or other.metadata.deleting:
        return False
    if (selector.uid, selector.name) not in ((volume.uid, None), (None, volume.name)):
        return False
    tenancy = desired.tenancy
    denied = tenancy.use(namespace) or tenancy.volume(namespace, volume.name, selector.uid)
    return (denied or tenancy.adoption(namespace)) is None


def _created(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> VolumeResolution:
    for name in desired.names_of_volume(resource):
        if (volume := inventory.volume_named(name)) is None:
            continue
        if volume.uid == planned_uid(name):
            return volume
        if is_intended(resource, volume, inventory):
            return _taken(resource, volume, desired) or volume
        return Refuse(
            Reason.NAME_TAKEN,
            f"The array has a volume {name} that this FlashSystemVolume did not create now: perhaps one that was left "
            "when a FlashSystemVolume of this name was deleted before. It is not used and not changed. Create this "
            f"FlashSystemVolume again with spec.import.uid {volume.uid} to take it over; or delete or rename it on the "
            "array.",
        )
    name = desired.names_of_volume(resource)[0]
    if desired.is_volume_in_doubt(name):
        return _in_doubt(name)
    return Missing(name)


def is_intended(resource: FlashSystemVolume, volume: Volume, inventory: Inventory) -> bool:
    """Whether this is the volume that was about to be created when the reply was lost."""
    intent = resource.status.intent
    if intent is None or inventory.of_volume(volume.uid) or volume.uid in inventory.host_clusters:
        return False
    if intent.name != volume.name or volume.pool not in (None, intent.pool):
        return False
    return intent.size is not None and is_of_size(volume.capacity, intent.size)


def _in_doubt(name: str) -> Wait:
    return Wait(
        Reason.OUTCOME_UNKNOWN,
        f"A command that changes volume {name} may still be running: its reply was lost, or the previous operator "
        "process ended without it. Nothing more is changed on it until the array has been read again.",
    )


def _plan_missing(
    resource: FlashSystemVolume, name: VolumeName, desired: Desired, inventory: Inventory
) -> Act | Wait | Refuse:
    spec, body = resource.spec, inventory.body
    if desired.array.metadata.deleting:
        return Wait(Reason.PARENT_DELETING, f"{desired.array.ref} is being deleted and takes no new volume.")
    pool_name = spec.pool or desired.array.spec.pool or body.capabilities.default_pool
    if pool_name is None:
        return Refuse(
            Reason.POOL_NOT_FOUND,
            "Neither this FlashSystemVolume nor its array names a pool. Create this FlashSystemVolume again with "
            "spec.pool, or set spec.pool of the array.",
        )
    if spec.size is None:
        raise ValueError(f"{resource.ref} has no size")
    size = size_on_array(spec.size)
    if refused := desired.volume_refused(resource, size, PoolName(pool_name)):
        return refused
    pool = (inventory.pools or {}).get(PoolName(pool_name))
    if pool is None:
        return Refuse(
            Reason.POOL_NOT_FOUND,
            f"The array has no pool {pool_name}. Create the pool, or create this FlashSystemVolume again with another "
            "spec.pool.",
        )
    if trouble := _pool_trouble(pool, size, spec.provisioning or Provisioning.THICK):
        return trouble
    step = create_volume(name, pool, size, spec.provisioning or Provisioning.THICK, spec.io_group, body.capabilities)
    if isinstance(step, str):
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"Volume {name} cannot be created: {step}. Create this FlashSystemVolume again with another "
            "spec.provisioning or spec.pool.",
        )
    return Act((step,))


def _pool_trouble(pool: Pool, more: int, provisioning: Provisioning) -> Wait | Refuse | None:
    """Why a volume cannot get that many further bytes in the pool; None if it may. The array has the last say."""
    if pool.status == "offline":
        return Refuse(Reason.POOL_OFFLINE, f"Pool {pool.name} is offline. Bring it online on the array.")
    if provisioning is Provisioning.THICK and more > pool.free:
        return Wait(
            Reason.POOL_FULL,
            f"Pool {pool.name} has {quantity(pool.free)} free, and {quantity(more)} are needed. Free or add space "
            "there; the pool is read again every minute.",
            retry=_RETRY,
        )
    return None


def _plan_found(resource: FlashSystemVolume, volume: Volume, desired: Desired, inventory: Inventory) -> Decision:
    if volume.status == "deleting":
        return _gone(resource, volume.uid, inventory)
    if not desired.in_doubt_volumes.isdisjoint((volume.name, volume.uid)):
        return _in_doubt(volume.name)
    notes, steps = list[Note](), list[VolumeStep]()
    for plan_property in (_plan_name, _plan_size, _plan_throttle):
        found = plan_property(resource, volume, desired, inventory)
        if isinstance(found, Wait | Refuse):
            return replace(found, notes=_merged(notes))
        if isinstance(found, Note):
            notes.append(found)
            continue
        steps += found
        if new := next((step.name for step in found if isinstance(step, RenameVolume)), None):
            volume = replace(volume, name=new)  # the later steps are for it
    if steps and (access_denied := desired.tenancy.use(resource.metadata.namespace)):
        return replace(access_denied, notes=_merged(notes))
    if steps:
        # After a takeover nothing is changed for a while, but a volume that is in sync may be reported as such.
        return _in_doubt(volume.name) if desired.all_in_doubt else Act(tuple(steps), _merged(notes))
    return replace(_in_sync(volume), notes=_merged(notes))


def _merged(drift: list[Note]) -> tuple[Note, ...]:
    """One note for all drift: a status has one condition of each type."""
    return (replace(drift[0], message=" ".join(each.message for each in drift)),) if drift else ()


def _in_sync(volume: Volume) -> InSync:
    where = f" in pool {volume.pool}" if volume.pool else ""
    return InSync(Reason.READY, f"Volume {volume.name} has {quantity(volume.capacity)}{where}.")


_Planned = tuple[VolumeStep, ...] | Note | Wait | Refuse
"""The steps for one property of a volume; or the drift that is only reported; or why it cannot be changed."""


def _plan_name(resource: FlashSystemVolume, volume: Volume, desired: Desired, inventory: Inventory) -> _Planned:
    """Rename a volume that we created and that was renamed outside the operator: its name is the proof that it is ours.

    An imported volume has the name that the array administrator gives it.
    """
    wanted = expected_name(resource, volume, desired)
    if volume.name == wanted or volume.uid == planned_uid(volume.name):
        return ()
    message = f"Volume {wanted} was renamed to {volume.name} outside the operator."
    match resource.spec.drift_policy:
        case DriftPolicy.IGNORE:
            return ()
        case DriftPolicy.CORRECT if inventory.volume_named(wanted) is None:
            return (RenameVolume(volume.name, volume.uid, wanted),)
        case DriftPolicy.CORRECT:
            return Note(
                "Drifted",
                Reason.NAME_CHANGED,
                f"{message} It is not renamed back, since another volume has the name {wanted} now.",
            )
        case DriftPolicy.REPORT:
            return Note("Drifted", Reason.NAME_CHANGED, f"{message} Rename it back on the array, or leave it.")


def _was_in_sync(resource: FlashSystemVolume, reported: Reason) -> bool:
    """Whether the volume was as the present spec wants it: then a difference is a change made on the array.

    The values of the status do not show that: they are overwritten with those of the changed volume. A change of the
    spec ends it. reported: the reason of the drift.
    """
    status = resource.status
    drifted = find(status.conditions, "Drifted")
    was_reported = drifted is not None and (drifted.status, drifted.reason) == ("True", reported)
    known = was_reported or is_true(status.conditions, "Ready")
    return known and status.observed_generation == resource.metadata.generation


def _plan_size(resource: FlashSystemVolume, volume: Volume, desired: Desired, inventory: Inventory) -> _Planned:
    wanted = 0 if resource.spec.size is None else size_on_array(resource.spec.size)
    if volume.capacity >= wanted:
        return ()
    recorded = resource.status.capacity
    shrunk = _was_in_sync(resource, Reason.SIZE_CHANGED) or (
        recorded is not None and recorded_bytes(recorded) >= wanted
    )
    if shrunk and resource.spec.drift_policy is not DriftPolicy.CORRECT:
        message = (
            f"Volume {volume.name} was shrunk to {quantity(volume.capacity)} outside the operator: its file system may "
            "be damaged."
        )
        return () if resource.spec.drift_policy is DriftPolicy.IGNORE else Note("Drifted", Reason.SIZE_CHANGED, message)
    if volume.replicated:
        return Refuse(
            Reason.REPLICATED,
            f"Volume {volume.name} {volume.replicated}: it has to be grown on the array, in the order that the "
            "replication needs. This FlashSystemVolume is ready when the volume is large enough.",
        )
    if volume.formatting:
        return Wait(
            Reason.FORMATTING,
            f"Volume {volume.name} is being formatted by the array. It grows when that is done.",
            retry=_RETRY,
        )
    if refused := desired.volume_refused(resource, wanted, volume.pool):
        return refused
    pool = (inventory.pools or {}).get(volume.pool) if volume.pool else None
    thick = volume.provisioning or resource.spec.provisioning or Provisioning.THIN
    if pool and (trouble := _pool_trouble(pool, wanted - volume.capacity, thick)):
        return trouble
    return (expand_volume(volume, wanted),)


def _plan_throttle(resource: FlashSystemVolume, volume: Volume, _: Desired, inventory: Inventory) -> _Planned:
    throttle, seen, has = resource.spec.throttle, resource.status.throttle, inventory.body.capabilities
    if throttle is None or (has.throttles and volume.throttle is None):
        return ()  # not requested; or not read: its detailed view is read before the next plan
    wanted = throttle.iops, None if throttle.bandwidth is None else throttle.bandwidth // _MEBIBYTE
    found = throttle_volume(volume, *wanted, has)
    if isinstance(found, str):
        return Refuse(Reason.NOT_SUPPORTED, f"The throttle of volume {volume.name} cannot be set: {found}.")
    bandwidth = None if seen is None or seen.bandwidth is None else recorded_bytes(seen.bandwidth) // _MEBIBYTE
    had_it = seen is not None and (seen.iops, bandwidth) == wanted
    changed = had_it or _was_in_sync(resource, Reason.THROTTLE_CHANGED)
    if not found or not changed or resource.spec.drift_policy is DriftPolicy.CORRECT:
        return found
    message = f"The throttle of volume {volume.name} was changed outside the operator."
    return () if resource.spec.drift_policy is DriftPolicy.IGNORE else Note("Drifted", Reason.THROTTLE_CHANGED, message)


# -- deletion ----------------------------------------------------------------------------------------------------------


def deletion_time(resource: FlashSystemVolume, desired: Desired) -> str | None:
    """When the volume of a resource that is being deleted may be deleted; None if it is not being deleted."""
    deleted, delay = resource.metadata.deletion_timestamp, resource.spec.deletion_delay
    if deleted is None:
        return None
    return after(deleted, desired.array.spec.volume_deletion_delay if delay is None else delay)


def is_to_be_deleted(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> bool:
    """Whether the volume goes with its resource: what we created, unless it is retained; an import only on request."""
    policy = resource.spec.deletion_policy
    if policy is None:
        return origin_of(resource, volume, desired) is VolumeOrigin.CREATED
    return policy is DeletionPolicy.DELETE


def _plan_deleted(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> Decision:
    if others := resource.metadata.other_finalizers:
        return Wait(
            Reason.WAITING_FOR_FINALIZERS,
            f"The volume stays until {listed(others)} is gone from metadata.finalizers: its owner marks this "
            "FlashSystemVolume as still in use.",
        )
    volume = _to_delete(resource, desired, inventory)
    if not isinstance(volume, Volume):
        return volume
    stays = _why_it_stays(resource, volume, desired)
    users = {each.ref: each for each in desired.attachments_by_ref(resource.ref)}
    if not stays:
        users |= {each.ref: each for each in desired.bound_to(volume.uid, volume.name)}
    for each in desired.referring.get(resource.ref, ()):
        if each.volume_ref == resource.ref or not stays:
            users.setdefault(each.ref, each)
    if users:
        return Wait(
            Reason.IN_USE,
            f"In use by {plural(len(users), 'VolumeAttachment')}: "
            f"{Reader.of(resource, desired).resources(users.values())}. "
            "Delete them first, or wait if they are being deleted.",
        )
    if stays:
        return Release(f"Volume {volume.name} (UID {volume.uid}) stays on the array with its data, since {stays}.")
    return _plan_removal(resource, volume, desired, inventory)


def _why_it_stays(resource: FlashSystemVolume, volume: Volume, desired: Desired) -> str:
    """Why the volume is not deleted with its resource, as a clause; empty if it is.

    If two resources with one volume are being deleted, one that is to keep it wins; else the elder deletes it.
    """
    if not is_to_be_deleted(resource, volume, desired):
        return "it was imported" if resource.spec.deletion_policy is None else "spec.deletionPolicy is Retain"
    for other in desired.volumes.values():
        if other.ref == resource.ref:
            continue
        if other.status.uid is not None:
            goes_too = is_to_be_deleted(other, volume, desired) and seniority(resource) < seniority(other)
            keeps_it = other.status.uid == volume.uid and other.metadata.deleting and not goes_too
        else:
            recorded = other.metadata.asked.volume_uid == volume.uid and _is_proven(other, volume, desired)
            keeps_it = recorded or _imports(other, volume, desired)
        if keeps_it:
            return f"{Reader.of(resource, desired).resource(other)} has it too, or imports it"
    return ""


def _to_delete(resource: FlashSystemVolume, desired: Desired, inventory: Inventory) -> Volume | Wait | Refuse | Release:
    """The volume of a resource that is being deleted; Release if it has none, or none any more."""
    if elsewhere := _on_another_system(resource, desired, inventory):
        return elsewhere
    uid, intent = resource.status.uid, resource.status.intent
    if uid is None and intent is not None:
        name = VolumeName(intent.name or "")
        if desired.is_volume_in_doubt(name):
            return _in_doubt(name)
        volume = inventory.volume_named(name)
        if volume is None:
            return Release()
        if _is_proven(resource, volume, desired) and is_intended(resource, volume, inventory):
            return volume
        # One that was mapped meanwhile is in use.
        return Release(f"Volume {name} stays on the array: it is not certain that it was created for this resource.")
    if uid is None:
        if (annotated := resource.metadata.asked.volume_uid) is None:
            return Release()
        volume = inventory.volumes.get(annotated)
        if volume and resource.spec.import_ is None and _is_proven(resource, volume, desired):
            return volume
        # The same whether or not it exists: users can write any UID there.
        return Release(
            f"If the array has a volume with UID {annotated}, it stays there: only the annotation of this resource "
            "leads to it, and its name does not prove that the operator created it for this resource."
        )
    volume = inventory.volumes.get(uid)
    if volume is None:
        gone = _gone(resource, uid, inventory)
        return gone if isinstance(gone, Wait) else Release()
    return volume


def _plan_removal(
    resource: FlashSystemVolume, volume: Volume, desired: Desired, inventory: Inventory
) -> Act | Wait | Refuse:
    """Delete the volume, when nothing needs it any longer and the deletion delay is over."""
    if desired.is_volume_in_doubt(volume.name, volume.uid):
        return _in_doubt(volume.name)
    for other in desired.volumes.values():
        if other.ref != resource.ref and other.status.uid == volume.uid and not other.metadata.deleting:
            return Wait(
                Reason.IN_USE,
                f"The volume belongs to {Reader.of(resource, desired).resource(other)} too. Delete that first; or "
                f"{way_out(resource.metadata)}.",
            )
    if refused := _of_another_installation(volume, desired):
        return replace(refused, message=f"{refused.message} Or {way_out(resource.metadata)}.")
    if volume.status == "deleting":
        return Wait(Reason.DELETING, f"The array is deleting volume {volume.name}.", retry=_RETRY)
    hosts = inventory.of_volume(volume.uid) | desired.perhaps_mapped(volume.uid)
    if hosts or inventory.empty_clusters_of(volume.uid):
        who = Reader.of(resource, desired).host_objects(hosts) if hosts else "a host cluster"
        return Wait(
            Reason.STILL_MAPPED,
            f"Volume {volume.name} is mapped to {who}, outside of any VolumeAttachment. It is deleted when it is "
            f"unmapped there; or {way_out(resource.metadata)}.",
            retry=_RETRY,
        )
    if volume.why_kept:
        return Wait(
            Reason.HAS_DEPENDENTS,
            f"Volume {volume.name} {volume.why_kept}. It is deleted when that has ended on the array; or "
            f"{way_out(resource.metadata)}.",
            retry=_RETRY,
        )
    due = deletion_time(resource, desired)
    if due is not None and desired.now < due:
        return Wait(
            Reason.DELETION_DELAYED,
            f"Volume {volume.name} is deleted with its data at {due}. To keep it, {way_out(resource.metadata)}.",
            retry=max(1.0, (datetime.fromisoformat(due) - datetime.fromisoformat(desired.now)).total_seconds()),
        )
    return Act((remove_volume(volume, inventory.body.capabilities),))
