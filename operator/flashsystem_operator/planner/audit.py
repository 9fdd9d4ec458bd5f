"""Audit: the host objects, mappings and volumes on an array that belong to no resource. It only reports.

    orphaned    on a host object that this installation created, as its name proves; or a volume of such a name
    foreign     on any other: of the array administrator, of another cluster, or with a FlashSystemHost on another array
    released    left on purpose when the resource was deleted: by the release annotation, or by deletionPolicy Retain

Volumes of others are not listed: an array has thousands of them. Nor are replicated ones: they may be the copy of a
volume of another array. Released objects look like the others afterwards, so they are kept in the array's status for as
long as they exist and belong to no resource.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from flashsystem_operator.api.array import Audit, AuditItem, Findings, ReleasedFindings, UnreadableRow
from flashsystem_operator.api.attachment import AttachmentStatus, HostSeen, VolumeAttachment
from flashsystem_operator.api.base import Origin, StatusModel
from flashsystem_operator.api.host import HostStatus
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import VolumeStatus
from flashsystem_operator.array.model import Inventory, Volume
from flashsystem_operator.planner.attachment.detach import volume_to_leave
from flashsystem_operator.planner.desired import Desired, Worked, has_been_admitted
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.planner.volume import volume_plan
from flashsystem_operator.values import HostName, VolumeUid

Key = tuple[str, str | None]
"""A host object by its name; with a volume's UID the mapping of that volume to it; a volume with an empty name."""


def audit(desired: Desired, inventory: Inventory) -> Audit:
    """The objects that belong to no resource. The inventory has to be complete: from a survey."""
    # The host objects that may be a resource's: by name, by what was found before, by its initiators.
    hosts: dict[ObjectRef, frozenset[str]] = {}
    for ref, host in desired.hosts.items():
        if _still_counts(host) and desired.counts(host):
            seen = {host.status.name} if host.status.name else set[str]()
            hosts[ref] = frozenset({*desired.names_of(host), *inventory.holders(host.spec.initiators.iscsi), *seen})
    # The host objects that belong to a resource, and the host objects and volumes that an attachment wants or had.
    explained = {name for names in hosts.values() for name in names}
    pairs = {pair for each in desired.attachments.values() for pair in _pairs(each, hosts, desired, inventory)}
    unexplained: list[AuditItem] = []  # host objects in the order of their names, each before its mappings
    for name in sorted(inventory.hosts):
        if name not in explained:
            unexplained.append(AuditItem(host=name))
        rows = (row for found in inventory.on_host(name).values() for row in found)
        ordered = sorted(rows, key=lambda each: (each.lun, each.volume))
        unexplained += [
            AuditItem(host=row.host, volume=row.volume, uid=VolumeUid(row.uid), lun=row.lun)
            for row in ordered
            if (name, row.uid) not in pairs
        ]
    unexplained += _unexplained_volumes(desired, inventory)
    before = desired.array.status.audit
    released = {_key(item) for item in before.released.items} if before and before.released else set[Key]()
    found: dict[str, list[AuditItem]] = {"orphaned": [], "foreign": [], "released": []}
    for item in unexplained:
        name = HostName(item.host or "")
        ours = item.host is None or (desired.ours(name) and desired.elsewhere(name) is None)
        sort = "released" if _key(item) in released else "orphaned" if ours else "foreign"
        found[sort].append(item)
    return Audit(
        orphaned=Findings.model_validate(_counted(found["orphaned"])),
        foreign=Findings.model_validate(_counted(found["foreign"])),
        released=ReleasedFindings.model_validate(_counted(found["released"])),
        unreadable=tuple(UnreadableRow(command=odd.line, why=odd.why) for odd in inventory.odd[:50]),
    )


def _unexplained_volumes(desired: Desired, inventory: Inventory) -> Iterator[AuditItem]:
    """The volumes that this installation created, as their names prove, and that no FlashSystemVolume explains.

    One explains its volume from the intent to create it until it is deleted or released.
    """
    uids, names = set[str](), set[str]()
    for each in filter(_still_counts, desired.volumes.values()):
        if each.status.intent and each.status.intent.name:
            names.add(each.status.intent.name)
        found = volume_plan.resolve_volume(each, desired, inventory)
        uids |= {uid for uid in (each.status.uid, found.uid if isinstance(found, Volume) else None) if uid}
    for name, uid in sorted((volume.name, volume.uid) for volume in inventory.volumes.values()):
        replicated = inventory.volumes[uid].replicated
        if desired.ours(name) and not replicated and uid not in uids and name not in names:
            yield AuditItem(volume=name, uid=uid)


def remembering(before: Audit | None, leaving: Iterable[StatusModel]) -> Audit:
    """The audit with released objects added. leaving: statuses of deleted resources. Counts follow with a survey."""
    audit = before or Audit()
    known = audit.released or ReleasedFindings()
    keys = {_key(item) for item in known.items}
    more = [item for status in leaving for item in _left_by(status) if _key(item) not in keys]
    if not more:
        return audit
    return audit.model_copy(update={"released": known.model_copy(update={"items": (*known.items, *more)[:200]})})


def left_on(status: StatusModel, hosts: Collection[str]) -> tuple[StatusModel, ...]:
    """The status of a deleted resource, once per host object on which something stays; without hosts as recorded."""
    match status:
        case AttachmentStatus() if hosts:
            return tuple(status.model_copy(update={"host": HostSeen(name=host)}) for host in hosts)
        case HostStatus() if hosts:
            made = {"ownership": Origin.CREATED}
            return tuple(status.model_copy(update={**made, "name": host}) for host in hosts)
        case _:
            return (status,)


def is_news(audit: Audit | None, before: Audit | None) -> bool:
    """Whether the audit changed; a first audit without findings is no change."""
    if audit is None or audit == before:
        return False
    return (
        before is not None
        or bool(audit.unreadable)
        or any(part and part.items for part in (audit.orphaned, audit.foreign, audit.released))
    )


def sentence(audit: Audit) -> str:
    """The message of an Event: numbers only, since more users can read Events than the audit."""
    sorts: Mapping[str, Findings | ReleasedFindings | None] = {
        "orphaned": audit.orphaned,
        "foreign": audit.foreign,
        "released": audit.released,
    }
    parts = list[str]()
    for name, part in sorts.items():
        if part and (part.hosts or part.mappings or part.volumes):
            numbers = [plural(part.hosts or 0, "host object"), plural(part.mappings or 0, "mapping")]
            numbers += [plural(part.volumes, "volume")] if part.volumes else []
            parts.append(f"{name}: {listed(numbers)}")
    if audit.unreadable:
        parts.append(f"unreadable: {plural(len(audit.unreadable), 'row')}")
    if not parts:
        return "Everything on the array belongs to a resource."
    return f"On the array, but of no resource: {'; '.join(parts)}. status.audit lists them."


def _pairs(
    attachment: VolumeAttachment, hosts: Mapping[ObjectRef, frozenset[str]], desired: Desired, inventory: Inventory
) -> Iterator[tuple[str, str]]:
    uid = volume_to_leave(attachment, inventory)
    if uid is None or not _still_counts(attachment):
        return
    if not has_been_admitted(attachment) and desired.access_denied(attachment, inventory):
        return
    seen = attachment.status.host
    names = set(hosts.get(attachment.host, ()))
    names |= {str(seen.name), *inventory.holders(seen.initiators)} if seen else set()
    names |= {host.name for host in desired.recorded_at(attachment, inventory)}
    yield from ((name, uid) for name in names)


def _still_counts(resource: Worked) -> bool:
    """Whether the resource still owns objects: not if it is released and only not observed as deleted yet."""
    return resource.metadata.guarded or not resource.metadata.deleting


def _left_by(status: StatusModel) -> Iterator[AuditItem]:
    """What a resource leaves behind, as recorded. Nothing of an adopted host object was ours."""
    match status:
        case AttachmentStatus(host=host, volume=volume, origin=origin, lun=lun) if host and volume and origin:
            yield AuditItem(host=host.name, volume=volume.name, uid=volume.uid, lun=lun)
        case HostStatus(name=name, ownership=Origin.CREATED) if name:
            yield AuditItem(host=name)
        case VolumeStatus(name=name, uid=uid) if uid:
            # Also an imported one: an earlier resource may have created it. The name decides whether it is listed.
            yield AuditItem(volume=name, uid=uid)
        case _:
            return


def _counted(items: list[AuditItem]) -> dict[str, object]:
    hosts, volumes = sum(item.uid is None for item in items), sum(item.host is None for item in items)
    return {"hosts": hosts, "mappings": len(items) - hosts - volumes, "volumes": volumes, "items": items}


def _key(item: AuditItem) -> Key:
    return item.host or "", item.uid
