"""Drift: changes on the array outside the operator, of the ports of host objects and of mappings.

An initiator that the operator added to its host object and that was removed is added again if driftPolicy allows it. A
port that was added outside the operator is never removed: a host may depend on it.

A mapping that was removed is created again only if driftPolicy is Correct and it is safe. A changed LUN or a further
mapping is reported and left unchanged.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Protocol

from flashsystem_operator.api.array import MultiHostMapping
from flashsystem_operator.api.attachment import Access, VolumeAttachment
from flashsystem_operator.api.base import DriftPolicy, Origin, find
from flashsystem_operator.api.host import FlashSystemHost, HostPort, OtherPorts
from flashsystem_operator.api.metadata import RECONCILE_REQUESTED_AT, ObjectRef
from flashsystem_operator.array import model
from flashsystem_operator.array.commands import AddPorts, MapVolume, RemoveHost
from flashsystem_operator.array.model import Host, Inventory, Mapping, Port, Volume
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, Reader, stands_on
from flashsystem_operator.planner.policies import way_out
from flashsystem_operator.planner.text import kept, listed, plural
from flashsystem_operator.values import HostName, Iqn, Lun

ASKED = "asked"
"""The state of a port that the operator requested and has not observed on the array yet."""
REMOVED = "removed"
"""The state of a port that the array had and no longer has, although the spec names it."""


def lost(resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Initiators of the spec that the operator added to its host object and that are no longer on it."""
    if resource.status.ownership is not Origin.CREATED:
        return ()
    had = {port.iqn for port in resource.status.ports if port.state != ASKED}
    return tuple(iqn for iqn in resource.spec.initiators.iscsi if iqn in had and iqn not in host.iqns)


def remembered(resource: FlashSystemHost, host: Host) -> tuple[HostPort, ...]:
    """The same as entries of the status: without them a lost initiator would be taken for one that is not added yet."""
    return tuple(HostPort(iqn=iqn, state=REMOVED) for iqn in lost(resource, host))


def to_put(missing: Collection[Iqn], resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Of the initiators that our host object lacks, those that may be added to it."""
    if resource.spec.drift_policy is DriftPolicy.CORRECT:
        return tuple(missing)
    left = lost(resource, host)
    return tuple(iqn for iqn in missing if iqn not in left)


def noted(decision: Decision, resource: FlashSystemHost, host: Host, put: Collection[str]) -> Decision:
    """Add changes of ports outside the operator to the plan of our host object. put: ports that the operator added."""
    gone, added = lost(resource, host), unlisted(host, resource, {*resource.spec.initiators.iscsi, *put})
    if not gone and not added:
        return decision
    policy, messages = resource.spec.drift_policy, [*_lost_message(gone, host)]
    if added:
        messages.append(
            f"Host object {host.name} has {listed([port.name for port in added])}, which this operator did not add: "
            "a machine that logs in with it sees the volumes too. It is not removed. "
            f"{port_remedy(added, 'remove it from the host object on the array')}"
        )
    notes = () if policy is DriftPolicy.IGNORE else (Note("Drifted", Reason.PORTS_CHANGED, " ".join(messages)),)
    match decision:
        case Act(steps) if any(isinstance(step, RemoveHost) for step in steps):
            return decision
        case Act(steps) if gone and any(isinstance(step, AddPorts) for step in steps):
            warning = f"{_lost_message(gone, host)[0]} It is added again. {decision.warning}".rstrip()
            return replace(decision, notes=(*decision.notes, *notes), warning=warning)
        case InSync() if gone:
            way = "Add it on the array, set spec.driftPolicy to Correct, or remove it from the spec."
            message = f"{_lost_message(gone, host)[0]} spec.driftPolicy is {policy}, so it is not added again. {way}"
            return Refuse(Reason.PORTS_CHANGED, message, notes)
        case _:
            return replace(decision, notes=(*decision.notes, *notes))


def unlisted(host: Host, resource: FlashSystemHost, known: Collection[str]) -> tuple[Port, ...]:
    """The ports of a host object that are not among the known initiators and not allowed by spec.initiators."""
    allowed = resource.spec.initiators.other_ports is OtherPorts.ALLOW
    return tuple(
        port
        for port in host.ports
        if (port.name not in known if port.protocol is model.Protocol.ISCSI else not allowed)
    )


def port_remedy(unlisted: Collection[Port], or_else: str) -> str:
    """What to do about such ports: only iSCSI names can be listed in the spec."""
    iscsi = [port.name for port in unlisted if port.protocol is model.Protocol.ISCSI]
    others = [port.name for port in unlisted if port.protocol is not model.Protocol.ISCSI]
    spec = [f"add {listed(iscsi)} to spec.initiators.iscsi"] if iscsi else []
    spec += [f"set spec.initiators.otherPorts to Allow for {listed(others)}"] if others else []
    which = "they are this machine's" if len(unlisted) > 1 else "it is this machine's"
    return f"If {which}, {' and '.join(spec)}; or {or_else}."


def _lost_message(gone: Collection[str], host: Host) -> tuple[str, ...]:
    return (f"Host object {host.name} no longer has {listed(gone)}, removed outside the operator.",) if gone else ()


MANY = 3
"""From this number on, mappings that vanish between two surveys count as removed on purpose."""


class Place(Protocol):
    """Which volume is to be seen under which host object's name."""

    @property
    def volume(self) -> Volume: ...

    @property
    def name(self) -> HostName: ...


# -- facts -----------------------------------------------------------------------------------------------------------


def with_vanished(desired: Desired, inventory: Inventory) -> Desired:
    """Desired with `vanished`: the attachments whose mapping is gone and for which that was not reported before."""
    vanished: list[ObjectRef] = []
    for each in desired.attachments.values():
        if not is_missing(each, desired, inventory):
            continue
        # With driftPolicy Ignore nothing is reported, so there the connection shows whether it was mapped before.
        ignored = each.spec.drift_policy is DriftPolicy.IGNORE
        is_news = each.status.connection is not None if ignored else not is_known(each)
        if is_news and not stands_on(each, desired, inventory):
            vanished.append(each.ref)
    return replace(desired, vanished=frozenset(vanished))


def is_missing(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether a mapping that existed is not in the inventory. False if the volume itself is missing."""
    seen = attachment.status
    if attachment.metadata.deleting or not _was_there(attachment) or not seen.host or not seen.volume:
        return False
    uid, name = seen.volume.uid, seen.host.name
    if uid not in inventory.volumes or name in (mapped := inventory.of_volume(uid)):
        return False
    return mapped.isdisjoint(inventory.holders(seen.host.initiators)) and not desired.recorded_at(attachment, inventory)


def is_reported(attachment: VolumeAttachment) -> bool:
    """Whether the removal of the mapping was reported and is not answered yet."""
    return any(note.reason is Reason.MAPPING_REMOVED for note in kept(attachment.status.conditions))


def is_known(attachment: VolumeAttachment) -> bool:
    """Whether the removal of the mapping was observed before and is in one of the conditions."""
    ready = find(attachment.status.conditions, "Ready")
    return is_reported(attachment) or (ready is not None and ready.reason == Reason.MAPPING_REMOVED)


def is_forgiven(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether a user requested to map the volume again: it then counts as a mapping that is not created yet."""
    corrects = attachment.spec.drift_policy is DriftPolicy.CORRECT
    return corrects and _is_answered(attachment) and is_missing(attachment, desired, inventory)


def given_lun(attachment: VolumeAttachment, mapping: Mapping) -> Lun:
    """The LUN to record: the former one, until a change of it outside the operator is accepted."""
    had = attachment.status.lun
    return had if had is not None and _is_moved(attachment, mapping) else mapping.lun


def _was_there(attachment: VolumeAttachment) -> bool:
    """Whether it was observed as mapped; False if it is only recorded before it is first created."""
    return attachment.status.attached_time is not None and attachment.status.origin is not None


def _is_answered(attachment: VolumeAttachment) -> bool:
    asked = attachment.metadata.asked.reconcile_requested_at
    return bool(asked) and asked != attachment.status.last_handled_reconcile_at


def _is_moved(attachment: VolumeAttachment, mapping: Mapping) -> bool:
    """Whether the LUN was changed outside the operator. False for a LUN that the spec pins: the plan compares that."""
    had, pinned = attachment.status.lun, attachment.spec.lun
    noticed = attachment.spec.drift_policy is not DriftPolicy.IGNORE and not _is_answered(attachment)
    return noticed and _was_there(attachment) and pinned is None and mapping.luns != (had,)


# -- what it means for a plan ----------------------------------------------------------------------------------------


def of_removed(
    decision: Decision, attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory
) -> Decision:
    """Change the plan to map a volume if it was mapped before and was unmapped outside the operator."""
    if not _was_there(attachment) or is_forgiven(attachment, desired, inventory):
        return decision
    policy, what = attachment.spec.drift_policy, _what(attachment)
    reported = kept(attachment.status.conditions) if policy is not DriftPolicy.IGNORE else ()
    match decision:
        case Act() if policy is DriftPolicy.IGNORE:
            return Refuse(Reason.MAPPING_REMOVED, f"{what} spec.driftPolicy is Ignore, so it stays so. {_REMEDY}")
        case Act() if is_reported(attachment):
            return Refuse(Reason.MAPPING_REMOVED, reported[0].message, reported)
        case Act() if why := _why_not(attachment, place, desired, inventory):
            message = f"{what} It was not mapped again automatically, since {why}. {_ON_REQUEST}"
            return Refuse(Reason.MAPPING_REMOVED, message, (Note("Drifted", Reason.MAPPING_REMOVED, message),))
        case Act(steps):
            lun = next((step.lun for step in steps if isinstance(step, MapVolume)), None)
            return replace(decision, warning=f"{what} It is mapped again at LUN {lun}. {decision.warning}".rstrip())
        case _:
            return of_unseen(decision, attachment, desired, inventory)


def of_unseen(decision: Decision, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Decision:
    """Report a mapping that vanished while something else blocks the attachment: it is not created again afterwards.

    What was reported about the mapping while it existed (its LUN, other hosts of the volume) ends with it.
    """
    if attachment.spec.drift_policy is DriftPolicy.IGNORE or is_forgiven(attachment, desired, inventory):
        return decision
    notes = kept(attachment.status.conditions)
    uncertain = isinstance(decision, Wait) and decision.reason is Reason.OUTCOME_UNKNOWN
    if not is_reported(attachment) and not uncertain and is_missing(attachment, desired, inventory):
        message = (
            f"{_what(attachment)} It was not mapped again automatically, since something else blocks the attachment. "
            f"{_ON_REQUEST}"
        )
        notes = (Note("Drifted", Reason.MAPPING_REMOVED, message),)
    return replace(decision, notes=(*decision.notes, *notes))


def of_mapped(
    decision: Decision,
    attachment: VolumeAttachment,
    place: Place,
    mapping: Mapping,
    desired: Desired,
    inventory: Inventory,
) -> Decision:
    """Report a mapping with a changed LUN, or of a volume that is mapped elsewhere too. It is left unchanged."""
    if attachment.spec.drift_policy is DriftPolicy.IGNORE:
        return decision
    found: list[Note] = []
    if _is_moved(attachment, mapping) and len(mapping.luns) == 1:
        message = (
            f"Volume {mapping.volume} had LUN {attachment.status.lun} on host {mapping.host} and was moved to LUN "
            f"{mapping.lun} outside the operator. It is not moved under a host; status.connection shows its present "
            f"LUN. Accept it by setting annotation {RECONCILE_REQUESTED_AT} to the present time, or move it back on "
            "the array."
        )
        found.append(Note("Drifted", Reason.LUN_CHANGED, message))
    others = inventory.of_volume(place.volume.uid) - {place.name}
    exclusive = attachment.spec.access is Access.EXCLUSIVE
    if others and (exclusive or desired.array.spec.multi_host_mapping is MultiHostMapping.FORBIDDEN):
        hosts = Reader.of(attachment, desired).host_objects(others)
        rule = "spec.access is Exclusive" if exclusive else f"{desired.array.ref} has spec.multiHostMapping Forbidden"
        way = "set spec.access to Shared on every attachment of it" if exclusive else "ask the array administrator"
        message = (
            f"Volume {place.volume.name} is mapped to {hosts} too, although {rule}: hosts that write to one "
            f"volume destroy a file system that was not made for it. It is not unmapped here: unmap it there, or {way}."
        )
        found.append(Note("Drifted", Reason.SHARED_BEYOND_SPEC, message))
    if not found:
        return decision
    note = replace(found[0], message=" ".join(each.message for each in found))
    return replace(decision, notes=(*decision.notes, note))


def of_host(resource: FlashSystemHost, name: HostName, desired: Desired) -> Refuse | None:
    """Report a host object that was removed outside the operator with its mappings; None if none is needed."""
    attached = (each for each in desired.attachments_of(resource) if not each.metadata.deleting)
    lost = [each.metadata.name for each in attached if each.ref in desired.vanished or is_known(each)]
    if not lost:
        return None
    message = (
        f"Host object {name} is no longer on the array, and the volumes of {listed(sorted(lost))} were mapped to "
        "it. It is created again when the first of them is mapped again; see the conditions of these attachments."
    )
    ignores = resource.spec.drift_policy is DriftPolicy.IGNORE
    return Refuse(Reason.HOST_REMOVED, message, () if ignores else (Note("Drifted", Reason.HOST_REMOVED, message),))


# -- messages --------------------------------------------------------------------------------------------------------

_REMEDY = "Map it on the array, set spec.driftPolicy to Correct, or delete this attachment."
_ON_REQUEST = (
    f"To have it mapped again, set annotation {RECONCILE_REQUESTED_AT} to the present time, with spec.driftPolicy "
    "Correct; or map it on the array; or delete this attachment."
)


def _what(attachment: VolumeAttachment) -> str:
    seen = attachment.status
    volume, host = (each.name if each else "?" for each in (seen.volume, seen.host))
    return f"Volume {volume} was mapped to host {host} at LUN {seen.lun} and was unmapped outside the operator."


def _why_not(attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory) -> str:
    """Why a mapping that vanished is not created again; empty if it is."""
    if attachment.spec.drift_policy is DriftPolicy.REPORT:
        return "spec.driftPolicy was Report"
    host = inventory.hosts.get(place.name)
    if host and host.logins:
        return (
            f"host {place.name} was logged in ({plural(host.logins, 'session')}): a disk that comes back under a "
            "running machine can conflict with data that the machine still has in memory"
        )
    many = len(desired.vanished | {attachment.ref})
    if many >= MANY:
        return f"{many} mappings of this array vanished at once, which was probably done on purpose"
    return ""


def volume_on_another_system(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Refuse | None:
    """Refuse if the array's resource now leads to another system than the one on which the volume was mapped."""
    seen, system = attachment.status.array, inventory.body.system
    if attachment.status.origin is None or seen is None or seen.system_id in (None, system.id):
        return None
    return Refuse(
        Reason.OTHER_SYSTEM,
        f"The volume was mapped on system {seen.system_id}, but {desired.array.ref} now leads to {system.name} "
        f"({system.id}). The operator cannot see the former system. Let spec.management "
        f"and spec.systemID of the array lead there again; or delete this attachment and "
        f"{way_out(attachment.metadata)}.",
    )
