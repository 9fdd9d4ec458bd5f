"""What another hand did to the ports of a host object that we made, and what is done about that.

An initiator that we put and that was taken off is put back, as driftPolicy says. A port that somebody else added is
never taken off: it may be what a machine runs on.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Protocol

from flashsystem_operator.api.array import MultiHostMapping
from flashsystem_operator.api.attachment import Access, VolumeAttachment
from flashsystem_operator.api.common import DriftPolicy, find
from flashsystem_operator.api.host import FlashSystemHost, HostPort, OtherPorts, Ownership
from flashsystem_operator.api.metadata import RECONCILE_REQUESTED_AT
from flashsystem_operator.array import model
from flashsystem_operator.array.commands import AddPorts, MapVolume, RemoveHost
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host, Mapping, Port, Volume
from flashsystem_operator.planner.conditions import kept
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.redaction import Reader
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.planner.unreadable import stands_on
from flashsystem_operator.values import HostName, Iqn, Lun

ASKED = "asked"
"""The state of a port that the array was asked for, and was not seen to have yet."""
REMOVED = "removed"
"""The state of a port that the array had, and has no more although the spec names it."""


def lost(resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Initiators of the spec that we put on our host object and that are not there any more."""
    if resource.status.ownership is not Ownership.CREATED:
        return ()
    had = {port.iqn for port in resource.status.ports if port.state != ASKED}
    return tuple(iqn for iqn in resource.spec.initiators.iscsi if iqn in had and iqn not in host.iqns)


def remembered(resource: FlashSystemHost, host: Host) -> tuple[HostPort, ...]:
    """The same, as the status remembers them: without that a lost one would be taken for one that is yet to come."""
    return tuple(HostPort(iqn=iqn, state=REMOVED) for iqn in lost(resource, host))


def to_put(missing: Collection[Iqn], resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Of the initiators that our host object lacks, those that may be put on it."""
    if resource.spec.drift_policy is DriftPolicy.CORRECT:
        return tuple(missing)
    left = lost(resource, host)
    return tuple(iqn for iqn in missing if iqn not in left)


def noted(wished: Decision, resource: FlashSystemHost, host: Host, put: Collection[str]) -> Decision:
    """The plan for a host object of ours, with what another hand did to its ports. put: those that we put on it."""
    gone, added = lost(resource, host), unlisted(host, resource, {*resource.spec.initiators.iscsi, *put})
    if not gone and not added:
        return wished
    policy, what = resource.spec.drift_policy, " ".join((*_said_of_lost(gone, host), *_said_of_foreign(added, host)))
    notes = () if policy is DriftPolicy.IGNORE else (Note("Drifted", Reason.PORTS_CHANGED, what),)
    match wished:
        case Act(steps) if any(isinstance(step, RemoveHost) for step in steps):
            return wished
        case Act(steps) if gone and any(isinstance(step, AddPorts) for step in steps):
            warning = f"{_said_of_lost(gone, host)[0]} It is put back. {wished.warning}".rstrip()
            return replace(wished, notes=(*wished.notes, *notes), warning=warning)
        case InSync() if gone:
            way = "Put it back on the array, or set spec.driftPolicy to Correct, or take it out of the spec."
            message = f"{_said_of_lost(gone, host)[0]} spec.driftPolicy is {policy}, so it is not put back. {way}"
            return Refuse(Reason.PORTS_CHANGED, message, notes)
        case _:
            return replace(wished, notes=(*wished.notes, *notes))


def unlisted(host: Host, resource: FlashSystemHost, known: Collection[str]) -> tuple[Port, ...]:
    """The ports of a host object that are none of the known initiators, and not allowed by spec.initiators either."""
    allowed = resource.spec.initiators.other_ports is OtherPorts.ALLOW
    return tuple(
        port
        for port in host.ports
        if (port.name not in known if port.protocol is model.Protocol.ISCSI else not allowed)
    )


def way_out(unlisted: Collection[Port], or_else: str) -> str:
    """What to do about such ports: only iSCSI names can be listed in the spec."""
    iscsi = [port.name for port in unlisted if port.protocol is model.Protocol.ISCSI]
    others = [port.name for port in unlisted if port.protocol is not model.Protocol.ISCSI]
    spec = [f"add {listed(iscsi)} to spec.initiators.iscsi"] if iscsi else []
    spec += [f"set spec.initiators.otherPorts to Allow for {listed(others)}"] if others else []
    which = "they are this machine's" if len(unlisted) > 1 else "it is this machine's"
    return f"If {which}, {' and '.join(spec)}; or {or_else}."


def _said_of_lost(gone: Collection[str], host: Host) -> tuple[str, ...]:
    return (f"Another hand took {listed(gone)} off host object {host.name}.",) if gone else ()


def _said_of_foreign(added: Collection[Port], host: Host) -> tuple[str, ...]:
    if not added:
        return ()
    message = (
        f"Host object {host.name} has {listed([port.name for port in added])}, which this operator did not put there: "
        "whoever logs in with that sees the volumes too. It is left there. "
        f"{way_out(added, 'remove it from the host object on the array')}"
    )
    return (message,)


MANY = 3
"""So many mappings that vanish between two looks are no slip."""


class Place(Protocol):
    """Which volume is to be seen under which host object's name."""

    @property
    def volume(self) -> Volume: ...

    @property
    def name(self) -> HostName: ...


# -- facts -----------------------------------------------------------------------------------------------------------


def with_vanished(desired: Desired, inventory: Inventory) -> Desired:
    """The world, with the attachments whose mapping is not there any more, and of which that was not said before."""
    lost = (each for each in desired.attachments.values() if is_missing(each, desired, inventory) and _is_news(each))
    return replace(desired, vanished=frozenset(each.ref for each in lost if not stands_on(each, desired, inventory)))


def is_missing(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether a mapping that was there is not in the view. Where the volume is not, that is another matter."""
    seen = attachment.status
    if attachment.metadata.deleting or not _was_there(attachment) or not seen.host or not seen.volume:
        return False
    uid, name = seen.volume.uid, seen.host.name
    if uid not in inventory.volumes or name in (mapped := inventory.of_volume(uid)):
        return False
    return mapped.isdisjoint(inventory.holders(seen.host.initiators)) and not desired.recorded_at(attachment, inventory)


def is_reported(attachment: VolumeAttachment) -> bool:
    """Whether it was said, and not answered yet, that the mapping was removed."""
    return any(note.reason is Reason.MAPPING_REMOVED for note in kept(attachment.status.conditions))


def is_known(attachment: VolumeAttachment) -> bool:
    """Whether a look has shown before that the mapping was removed, and that was said by one condition or another."""
    ready = find(attachment.status.conditions, "Ready")
    return is_reported(attachment) or (ready is not None and ready.reason == Reason.MAPPING_REMOVED)


def is_forgiven(attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether somebody asked that what was removed be made again: it then counts as a mapping that is yet to come."""
    corrects = attachment.spec.drift_policy is DriftPolicy.CORRECT
    return corrects and _is_answered(attachment) and is_missing(attachment, desired, inventory)


def given_lun(attachment: VolumeAttachment, mapping: Mapping) -> Lun:
    """The LUN to be remembered: while another hand's change of it is not accepted, the one from before."""
    had = attachment.status.lun
    return had if had is not None and _is_moved(attachment, mapping) else mapping.lun


def _was_there(attachment: VolumeAttachment) -> bool:
    """Whether it was seen mapped; not one that is merely recorded before it is first made."""
    return attachment.status.attached_time is not None and attachment.status.origin is not None


def _is_news(attachment: VolumeAttachment) -> bool:
    """Of what is to be ignored nothing may be said, so there the connection tells whether it was there before."""
    ignored = attachment.spec.drift_policy is DriftPolicy.IGNORE
    return attachment.status.connection is not None if ignored else not is_known(attachment)


def _is_answered(attachment: VolumeAttachment) -> bool:
    asked = attachment.metadata.asked.reconcile_requested_at
    return bool(asked) and asked != attachment.status.last_handled_reconcile_at


def _is_moved(attachment: VolumeAttachment, mapping: Mapping) -> bool:
    """A pinned LUN is another matter: there the spec says what it has to be."""
    had, pinned = attachment.status.lun, attachment.spec.lun
    noticed = attachment.spec.drift_policy is not DriftPolicy.IGNORE and not _is_answered(attachment)
    return noticed and _was_there(attachment) and pinned is None and mapping.luns != (had,)


# -- what it means for a plan ----------------------------------------------------------------------------------------


def of_removed(
    wished: Decision, attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory
) -> Decision:
    """A volume is to be mapped, if that is what is wished: but it may have been, and another hand unmapped it."""
    if not _was_there(attachment) or is_forgiven(attachment, desired, inventory):
        return wished
    policy, what = attachment.spec.drift_policy, _what(attachment)
    said = kept(attachment.status.conditions) if policy is not DriftPolicy.IGNORE else ()
    match wished:
        case Act() if policy is DriftPolicy.IGNORE:
            return Refuse(Reason.MAPPING_REMOVED, f"{what} spec.driftPolicy is Ignore, so it stays so. {_BY_HAND}")
        case Act() if is_reported(attachment):
            return Refuse(Reason.MAPPING_REMOVED, said[0].message, said)
        case Act() if why := _why_not(attachment, place, desired, inventory):
            message = f"{what} It was not mapped again by itself, since {why}. {_ON_REQUEST}"
            return Refuse(Reason.MAPPING_REMOVED, message, (Note("Drifted", Reason.MAPPING_REMOVED, message),))
        case Act(steps):
            lun = next((step.lun for step in steps if isinstance(step, MapVolume)), None)
            return replace(wished, warning=f"{what} It is mapped again at LUN {lun}. {wished.warning}".rstrip())
        case _:
            return of_unseen(wished, attachment, desired, inventory)


def of_unseen(wished: Decision, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> Decision:
    """Something else is in the way of the attachment: what vanished meanwhile is not made again when that is gone.

    What was reported of the mapping while it was there, its LUN or who else has the volume, ends with it.
    """
    if attachment.spec.drift_policy is DriftPolicy.IGNORE or is_forgiven(attachment, desired, inventory):
        return wished
    notes = kept(attachment.status.conditions)
    uncertain = isinstance(wished, Wait) and wished.reason is Reason.OUTCOME_UNKNOWN
    if not is_reported(attachment) and not uncertain and is_missing(attachment, desired, inventory):
        message = f"{_what(attachment)} It was not mapped again by itself, since something is in the way. {_ON_REQUEST}"
        notes = (Note("Drifted", Reason.MAPPING_REMOVED, message),)
    return replace(wished, notes=(*wished.notes, *notes))


def of_mapped(
    wished: Decision,
    attachment: VolumeAttachment,
    place: Place,
    mapping: Mapping,
    desired: Desired,
    inventory: Inventory,
) -> Decision:
    """A volume is mapped: but perhaps not as it was, or not only here. That is said, and left as it is."""
    if attachment.spec.drift_policy is DriftPolicy.IGNORE:
        return wished
    found: list[Note] = []
    if _is_moved(attachment, mapping) and len(mapping.luns) == 1:
        found.append(Note("Drifted", Reason.LUN_CHANGED, _moved(attachment, mapping)))
    if others := _beyond_spec(attachment, place, desired, inventory):
        found.append(Note("Drifted", Reason.SHARED_BEYOND_SPEC, others))
    if not found:
        return wished
    note = replace(found[0], message=" ".join(each.message for each in found))
    return replace(wished, notes=(*wished.notes, note))


def of_host(resource: FlashSystemHost, name: HostName, desired: Desired) -> Refuse | None:
    """There is no host object: because none is needed, or because another hand removed it with what was on it."""
    attached = (each for each in desired.attachments_of(resource) if not each.metadata.deleting)
    lost = [each.metadata.name for each in attached if each.ref in desired.vanished or is_known(each)]
    if not lost:
        return None
    message = (
        f"Host object {name} is not on the array any more, and the volumes of {listed(sorted(lost))} were mapped to "
        "it. It is made again with the first of them that is mapped again; what keeps it from that is said there."
    )
    ignores = resource.spec.drift_policy is DriftPolicy.IGNORE
    return Refuse(Reason.HOST_REMOVED, message, () if ignores else (Note("Drifted", Reason.HOST_REMOVED, message),))


# -- words -----------------------------------------------------------------------------------------------------------

_BY_HAND = "Map it on the array, set spec.driftPolicy to Correct, or delete this attachment."
_ON_REQUEST = (
    f"To have it mapped again, set annotation {RECONCILE_REQUESTED_AT} to the present time, with spec.driftPolicy "
    "Correct; or map it on the array; or delete this attachment."
)


def _what(attachment: VolumeAttachment) -> str:
    seen = attachment.status
    volume, host = (each.name if each else "?" for each in (seen.volume, seen.host))
    return f"Volume {volume} was mapped to host {host} at LUN {seen.lun}, and another hand unmapped it."


def _why_not(attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory) -> str:
    """Why a mapping that vanished is not made again, empty when it is."""
    if attachment.spec.drift_policy is DriftPolicy.REPORT:
        return "spec.driftPolicy was Report"
    host = inventory.hosts.get(place.name)
    if host and host.logins:
        return (
            f"host {place.name} was logged in ({plural(host.logins, 'session')}): a disk that comes back under a "
            "running machine can meet what it still has in memory of it"
        )
    many = len(desired.vanished | {attachment.ref})
    if many >= MANY:
        return f"{many} mappings of this array vanished at once, which is somebody's work and not a slip"
    return ""


def _moved(attachment: VolumeAttachment, mapping: Mapping) -> str:
    return (
        f"Volume {mapping.volume} was given LUN {attachment.status.lun} on host {mapping.host}, and another hand moved "
        f"it to LUN {mapping.lun}. It is not moved under a host; status.connection tells the LUN that it has. Accept "
        f"that by setting annotation {RECONCILE_REQUESTED_AT} to the present time, or move it back on the array."
    )


def _beyond_spec(attachment: VolumeAttachment, place: Place, desired: Desired, inventory: Inventory) -> str:
    """What to say of mappings of the volume that should not be beside this one, empty when there are none."""
    others = inventory.of_volume(place.volume.uid) - {place.name}
    exclusive = attachment.spec.access is Access.EXCLUSIVE
    if not others or not (exclusive or desired.array.spec.multi_host_mapping is MultiHostMapping.FORBIDDEN):
        return ""
    whom = Reader.of(attachment, desired).host_objects(others)
    rule = "spec.access is Exclusive" if exclusive else f"{desired.array.ref} has spec.multiHostMapping Forbidden"
    way = "set spec.access to Shared on every attachment of it" if exclusive else "ask whoever keeps the array"
    return (
        f"Volume {place.volume.name} is mapped to {whom} too, although {rule}: hosts that write to one "
        f"volume destroy a file system that was not made for it. It is not unmapped here: unmap it there, or {way}."
    )
