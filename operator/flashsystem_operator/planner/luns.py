"""LUNs of a host: the quarantine of freed LUNs, and the choice of a LUN for a new mapping; and the limits of an array.

A machine that did not notice that a disk is gone may still know it by its LUN and would write to the next volume at
that LUN as if it were the old one. So a LUN that was freed, by the operator or outside it, is quarantined: for a while
no other volume gets it. Quarantined LUNs are kept in the host's status: recorded before the operator frees them, and
when an observation shows that they were freed outside the operator. Where there is no FlashSystemHost, or only for a
short time, they are kept in the array's status with the initiators of the machine, for the next FlashSystemHost that
has one of these.

Limits are warnings when an array or its hosts are near a configuration limit; only the array itself refuses. The
numbers are those that IBM documents for the smallest known systems of a kind; larger and newer ones may take more.
Limits without a source are not judged. Source: array-cli facts 4.3 and 2.10; IBM Documentation, "Configuration limits",
for Storwize and SVC 5.1 to 7.x, and for FlashSystem 840/900; the mappings per host of small systems as in IBM's own
driver (ibm-block-csi-driver).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flashsystem_operator.api.array import FormerHost
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, QuarantinedLun
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.model import Dialect, Host, Inventory, Pool, System
from flashsystem_operator.planner.decision import Act, Decision, Note, Reason, Refuse
from flashsystem_operator.planner.desired import Desired, Reader
from flashsystem_operator.planner.text import after, in_utc, listed
from flashsystem_operator.values import MAX_LUN, MAX_PERSISTENT_VOLUME_LUN, HostName, Iqn, Lun, VolumeUid

SHARE = 0.8
"""The share of a limit from which on there is a warning."""

FREE_SHARE = 0.1
"""The share of a pool below which there is a warning: so much should be free."""

ALL_IO_GROUPS = 4
"""A system has so many, with or without nodes; a host object is in all of them unless it was created otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum numbers; None where there is no source."""

    hosts: int | None = None
    hosts_per_io_group: int | None = None
    iscsi_names_per_io_group: int | None = None
    mappings: int | None = None
    mappings_per_host: int | None = None


_MODERN = Limits(hosts=1024, hosts_per_io_group=256, iscsi_names_per_io_group=256, mappings_per_host=2048)
_SMALL = replace(_MODERN, mappings_per_host=512)
_LEGACY = Limits(mappings=2048, mappings_per_host=2048)
_SMALL_PRODUCTS = ("V3500",)


def limits_of(system: System) -> Limits:
    if system.dialect is Dialect.LEGACY:
        return _LEGACY
    return _SMALL if any(product in system.product for product in _SMALL_PRODUCTS) else _MODERN


def of_array(decision: Decision, inventory: Inventory) -> Decision:
    """The decision about the array, with a warning if it is near one of its limits, or one of its pools is full soon.

    Pools are read, and judged, only while the array has FlashSystemVolumes.
    """
    limits = limits_of(inventory.body.system)
    # The host objects that are known to be in the I/O group that has the most of them. One is in all groups, or its
    # groups are known because a FlashSystemHost uses it; others are not counted.
    everywhere = [host for host in inventory.hosts.values() if host.io_group_count >= ALL_IO_GROUPS]
    placed: dict[str, list[Host]] = {}
    for name, groups in inventory.io_groups.items():
        host = inventory.hosts.get(name)
        if host is not None and host.io_group_count < ALL_IO_GROUPS:
            for group in groups:
                placed.setdefault(group, []).append(host)
    most = max(placed.values(), key=lambda hosts: (len(hosts), sum(len(each.iqns) for each in hosts)), default=[])
    fullest = everywhere + most
    names = sum(len(host.iqns) for host in fullest)
    mappings = sum(len(inventory.on_host(name)) for name in inventory.hosts)
    near = (
        _near("host objects", len(inventory.hosts), limits.hosts),
        _near("host objects in one I/O group", len(fullest), limits.hosts_per_io_group),
        _near("iSCSI names in one I/O group", names, limits.iscsi_names_per_io_group),
        _near("mappings", mappings, limits.mappings),
    )
    limit = _near_limit(near, "Remove what is no longer needed (status.audit lists objects without a resource)")
    pools = (inventory.pools or {}).values()
    full = [f"{pool.name} ({free_percent(pool)} %)" for pool in pools if is_nearly_full(pool)]
    if not full:
        return _noted(decision, limit)
    message = (
        f"Less than a tenth of a pool is free: {listed(sorted(full))}. Free or add space there: in a full pool no "
        "volume can be created or grown, and thin volumes may go offline."
    )
    if limit:
        return _noted(decision, replace(limit, message=f"{limit.message} {message}"))
    return _noted(decision, Note("NearLimit", Reason.POOL_NEARLY_FULL, message))


def is_nearly_full(pool: Pool) -> bool:
    return pool.capacity > 0 and pool.free < FREE_SHARE * pool.capacity


def free_percent(pool: Pool) -> int:
    """The free part of a pool that has a capacity, in whole percent, rounded down."""
    return pool.free * 100 // pool.capacity


def of_host(decision: Decision, name: HostName, inventory: Inventory) -> Decision:
    """The decision about a host, with a warning if its host object is near the number of volumes that it may have."""
    used = len(inventory.on_host(name))
    reached = _near("mapped volumes of this host", used, limits_of(inventory.body.system).mappings_per_host)
    return _noted(decision, _near_limit([reached], "Detach what is no longer needed"))


def _near(what: str, used: int, most: int | None) -> str:
    return f"{used} of about {most} {what}" if most is not None and used >= SHARE * most else ""


def _near_limit(near: Iterable[str], remedy: str) -> Note | None:
    reached = [each for each in near if each]
    if not reached:
        return None
    message = (
        f"Near the limit of such a system: {'; '.join(reached)}. {remedy}; the array itself refuses when it is full."
    )
    return Note("NearLimit", Reason.NEAR_LIMIT, message)


def _noted(decision: Decision, note: Note | None) -> Decision:
    return replace(decision, notes=(*decision.notes, note)) if note else decision


Quarantine = Mapping[Lun, QuarantinedLun]
"""Quarantined LUNs, by LUN."""

_MOST = 512
"""Quarantined LUNs in the status of a host, and in the status of an array for all former hosts."""

_MOST_HOSTS = 64
"""Former hosts in the status of an array."""


def quarantined_on(host: FlashSystemHost, desired: Desired, inventory: Inventory) -> Quarantine:
    """The quarantined LUNs. One that was mapped in the last observation and no longer is counts as freed just now."""
    if not desired.array.spec.lun_quarantine:
        return {}
    name = next(iter(inventory.holders(host.spec.initiators.iscsi)), desired.object_of(host, inventory))
    there, fresh = _mapped(name, inventory), _after(desired, 1.0)
    # Quarantined LUNs of volumes that are to be unmapped from it were recorded before.
    going = (each.status.volume for each in desired.attachments_of(host) if each.metadata.deleting)
    leaving = {volume.uid for volume in going if volume}
    found: dict[Lun, QuarantinedLun] = {}
    for each in (*of_former_host(host.spec.initiators.iscsi, desired).values(), *host.status.quarantined_luns):
        until = min(in_utc(each.until) or fresh, fresh)  # others may have written it
        if each.lun is None or until <= desired.now:
            continue
        if each.lun not in there or (there[each.lun] == each.uid and each.uid in leaving):
            _keep_later(found, each.model_copy(update={"until": until}))
    # What was mapped in the last observation: from the host's list, which is limited, and from its attachments.
    remembered = [(item.lun, item.uid) for item in (host.status.mappings.items if host.status.mappings else ())]
    statuses = (attachment.status for attachment in desired.attachments_of(host))
    remembered += [
        (seen.connection.lun, seen.volume.uid if seen.volume else None) for seen in statuses if seen.connection
    ]
    for lun, uid in remembered:
        if lun is not None and lun not in there:
            found[lun] = QuarantinedLun(lun=lun, uid=uid, until=fresh)
    return found


def for_others(volume: VolumeUid, host: FlashSystemHost, desired: Desired, inventory: Inventory) -> Quarantine:
    """The LUNs that are quarantined for other volumes than this one; its own former LUN it may get again."""
    return {lun: each for lun, each in quarantined_on(host, desired, inventory).items() if each.uid != volume}


def with_freed(known: Quarantine, steps: Iterable[UnmapVolume], desired: Desired, inventory: Inventory) -> Quarantine:
    """The quarantined LUNs, with those that these steps are about to free.

    A recent entry is not written again for a detach that the array refuses repeatedly.
    """
    if not desired.array.spec.lun_quarantine:
        return {}
    found = dict(known)
    fresh, half = _after(desired, 1.0), _after(desired, 0.5)
    for step in steps:
        for lun, uid in _mapped(step.host, inventory).items():
            before = found.get(lun)
            if uid == step.uid and not (before and before.uid == uid and (before.until or "") > half):
                found[lun] = QuarantinedLun(lun=lun, uid=uid, until=fresh)
    return found


def quarantine_entries(found: Quarantine) -> tuple[QuarantinedLun, ...]:
    """The entries for the status, by LUN; if there are too many, those quarantined for longest are left out."""
    kept = sorted(found.values(), key=lambda each: each.until or "", reverse=True)[:_MOST]
    return tuple(sorted(kept, key=lambda each: each.lun or 0))


def freed(
    decisions: Mapping[ObjectRef, Decision], desired: Desired, inventory: Inventory
) -> dict[ObjectRef, dict[ObjectRef, UnmapVolume]]:
    """The steps that unmap volumes, by attachment, by FlashSystemHost that uses the host object or created it."""
    found: dict[ObjectRef, dict[ObjectRef, UnmapVolume]] = {}
    for ref, decision in decisions.items():
        for step in decision.steps if isinstance(decision, Act) else ():
            if isinstance(step, UnmapVolume):
                for host in _users(step.host, ref, desired, inventory):
                    found.setdefault(host, {})[ref] = step
    return found


def of_former_host(initiators: Iterable[str], desired: Desired) -> Quarantine:
    """The quarantined LUNs in the array's status of former hosts that had one of these initiators."""
    names, found = frozenset(initiators), dict[Lun, QuarantinedLun]()
    for former in desired.array.status.quarantined_luns if desired.array.spec.lun_quarantine else ():
        for each in former.luns if not names.isdisjoint(former.initiators) else ():
            _keep_later(found, each)
    return found


def left_by(host: FlashSystemHost, quarantine: Iterable[QuarantinedLun]) -> FormerHost:
    """The entry for the array's status when the FlashSystemHost of a host is deleted."""
    names = (*host.spec.initiators.iscsi, *(port.iqn for port in host.status.ports if port.iqn))
    return FormerHost(initiators=tuple(dict.fromkeys(names)), luns=tuple(quarantine))


def freed_of_former_hosts(
    decisions: Mapping[ObjectRef, Decision], desired: Desired, inventory: Inventory
) -> dict[ObjectRef, FormerHost]:
    """Entries for the array's status before these decisions are carried out, by the attachments that free the LUNs.

    Of host objects that no FlashSystemHost uses: for example, the host was released and its attachments go later.
    """
    found: dict[ObjectRef, FormerHost] = {}
    for ref, decision in decisions.items():
        for step in decision.steps if isinstance(decision, Act) else ():
            if not isinstance(step, UnmapVolume) or _users(step.host, ref, desired, inventory):
                continue
            initiators = inventory.hosts[step.host].iqns if step.host in inventory.hosts else frozenset[str]()
            known = of_former_host(initiators, desired)
            quarantine = with_freed(known, (step,), desired, inventory)
            if initiators and quarantine != known:
                found[ref] = FormerHost(initiators=tuple(sorted(initiators)), luns=quarantine_entries(quarantine))
    return found


def remembering(before: Iterable[FormerHost], more: Iterable[FormerHost], now: str) -> tuple[FormerHost, ...]:
    """The array's entries of former hosts, with `more` and without LUNs whose quarantine is over.

    If there are too many, those quarantined for longest are left out.
    """
    found: dict[tuple[str, ...], dict[Lun, QuarantinedLun]] = {}
    for former in (*before, *more):
        luns = found.setdefault(tuple(sorted(former.initiators)), {})
        for each in former.luns:
            if (in_utc(each.until) or "") > now:
                _keep_later(luns, each)
    entries = ((initiators, each) for initiators, luns in found.items() for each in luns.values())
    kept: dict[tuple[str, ...], list[QuarantinedLun]] = {}
    for initiators, each in sorted(entries, key=lambda entry: entry[1].until or "", reverse=True)[:_MOST]:
        if initiators in kept or len(kept) < _MOST_HOSTS:
            kept.setdefault(initiators, []).append(each)
    return tuple(
        FormerHost(initiators=initiators, luns=tuple(sorted(kept[initiators], key=lambda each: each.lun or 0)))
        for initiators in sorted(kept)
    )


def quarantine_warning(lun: Lun, name: HostName, quarantine: Quarantine) -> str:
    """The warning when a quarantined LUN had to be used; empty if the LUN is not quarantined."""
    if lun not in quarantine:
        return ""
    return (
        f"All free LUNs of host {name} are quarantined, so LUN {lun}, which has been free for longest, was used "
        f"although another volume (UID {quarantine[lun].uid}) had it shortly before. Make sure that the machine no "
        "longer knows that one before it uses the disk: rescan it, and compare the disk's UID."
    )


def _keep_later(found: dict[Lun, QuarantinedLun], each: QuarantinedLun) -> None:
    """Of two entries for one LUN keep the later one."""
    if each.lun is not None and (each.lun not in found or (found[each.lun].until or "") <= (each.until or "")):
        found[each.lun] = each


def _users(name: HostName, ref: ObjectRef, desired: Desired, inventory: Inventory) -> set[ObjectRef]:
    attachment, host = desired.attachments.get(ref), inventory.hosts.get(name)
    users = {attachment.host} & desired.hosts.keys() if attachment else set()
    if (maker := desired.host_by_object_name.get(name)) is not None:
        users.add(maker.ref)
    return users | {each.ref for iqn in (host.iqns if host else ()) for each in desired.claimants(Iqn(iqn))}


def _mapped(name: HostName, inventory: Inventory) -> dict[Lun, VolumeUid]:
    return {lun: row.uid for rows in inventory.on_host(name).values() for row in rows for lun in row.luns}


def _after(desired: Desired, share: float) -> str:
    """The time when this share of the quarantine is over."""
    return after(desired.now, share * desired.array.spec.lun_quarantine)


_FIRST = 1
"""Hosts have had trouble with LUN 0 (array-cli facts 4.3), so it is used only if spec.lun requests it."""


def choose(
    attachment: VolumeAttachment, host: HostName, desired: Desired, inventory: Inventory, quarantine: Quarantine
) -> Lun | Refuse:
    """Choose the pinned LUN, the LUN that this attachment had, or the lowest free one from 1.

    LUNs of mappings through a host cluster count as taken: the numbers are common. If a PersistentVolume is requested,
    only LUNs up to 255 are chosen: a quarantined one rather than a higher one.

    quarantine: of other volumes. These LUNs are used only if pinned or, if no other is free, the one freed first.
    """
    taken = {lun: mapping for rows in inventory.on_host(host).values() for mapping in rows for lun in mapping.luns}
    pinned = attachment.spec.lun
    if pinned is not None:
        if by := taken.get(pinned):
            known = Reader.of(attachment, desired).may_know(by.volume, by.uid)
            what = f"volume {by.volume}" if known else "another volume"
            return Refuse(
                Reason.LUN_TAKEN,
                f"LUN {pinned} of host {host} is taken by {what}. Detach that first, or create this attachment again "
                "with another spec.lun or none.",
            )
        return pinned
    wants_volume = attachment.spec.persistent_volume is not None
    # The documented number of LUNs per host of such a system; small systems refuse higher LUNs.
    most = limits_of(inventory.body.system).mappings_per_host or MAX_LUN + 1
    highest = min(most - 1, MAX_PERSISTENT_VOLUME_LUN if wants_volume else MAX_LUN)
    had = attachment.status.lun
    if had is not None and had not in taken and had not in quarantine and not (wants_volume and had > highest):
        return had
    free = [Lun(number) for number in range(_FIRST, MAX_LUN + 1) if number not in taken]
    within = [lun for lun in free if lun <= highest]
    if not free:
        return Refuse(
            Reason.HOST_FULL,
            f"Host {host} has no free LUN from {_FIRST} to {MAX_LUN}. Detach a volume from it first.",
        )
    if wants_volume and not within:
        return Refuse(
            Reason.HOST_FULL,
            f"Host {host} has no free LUN from {_FIRST} to {highest}, and a PersistentVolume cannot have a higher one. "
            "Detach a volume with such a LUN from the host, or remove spec.persistentVolume.",
        )
    within = within or free
    released = next((lun for lun in within if lun not in quarantine), None)
    return min(within, key=lambda lun: quarantine[lun].until or "") if released is None else released
