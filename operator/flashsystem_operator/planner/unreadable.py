"""Resources that depend on a row of the array's output that cannot be read.

An unreadable row must not stop other resources, and must not count as absent for those that depend on it: it may be a
mapping, and its volume in use. So these wait, whatever else would be decided about them, until it can be read.
"""

from collections.abc import Iterator

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Odd
from flashsystem_operator.planner.conditions import kept
from flashsystem_operator.planner.decision import Decision, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, has_been_admitted, volume_of

_RETRY = 60.0
"""Seconds until it is read again."""
_OF_THE_ARRAY = (Reason.IO_GROUP_NOT_FOUND, Reason.PORTSET_NOT_FOUND, Reason.NO_USABLE_PORTAL)
"""Reasons about missing objects of the array itself, which may be in an unreadable row."""


def as_far_as_read(
    decision: Decision, resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory
) -> Decision:
    """The decision, or a wait if the resource depends on something that could not be read."""
    if (
        isinstance(resource, VolumeAttachment)
        and not has_been_admitted(resource)
        and desired.access_denied(resource, inventory)
    ):
        return decision  # nothing about objects of others is shown to it
    odd = stands_on(resource, desired, inventory)
    if odd is None and inventory.body.odd and isinstance(decision, Refuse) and decision.reason in _OF_THE_ARRAY:
        odd = inventory.body.odd[0]
    if odd is None:
        return decision
    return Wait(
        Reason.UNREADABLE_ANSWER,
        f"The array's answer to `{odd.line}` cannot be read where it is about this object: {odd.why}. Nothing is "
        "changed for it meanwhile. Please report this with the array's code level; it is tried again.",
        # Reported drift is kept: otherwise it would be corrected later without a request.
        notes=kept(resource.status.conditions),
        retry=_RETRY,
    )


def stands_on(resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory) -> Odd | None:
    """A row that cannot be read and that is about the resource's host object, initiators or volume."""
    if not inventory.odd:
        return None
    return inventory.odd_about(_names(resource, desired, inventory))


def _names(resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory) -> Iterator[str]:
    if isinstance(resource, FlashSystemHost):
        initiators = [*resource.spec.initiators.iscsi, *(port.iqn for port in resource.status.ports if port.iqn)]
        yield from initiators
        yield from inventory.holders(resource.spec.initiators.iscsi)
        yield from desired.names_of(resource)
        yield resource.status.name or ""
        return
    host, selector, status = desired.hosts.get(resource.host), resource.spec.volume, resource.status
    if host:
        yield from _names(host, desired, inventory)
    if seen := status.host:
        yield from (seen.name or "", *seen.initiators, *inventory.holders(seen.initiators))
    known = volume_of(resource, inventory)
    for volume in (selector, status.volume, known):
        if volume:
            yield from (volume.name or "", volume.uid or "")
