"""What a resource stands on that the array shows in a way that cannot be read.

One row that cannot be read must stop no other resource, and be no absence to those that stand on it: a mapping may be
there, and with it a volume in use. So these wait, whatever else would be decided about them, until it can be read.
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
"""What a host lacks on the array itself, of which a row could not be read."""


def as_far_as_read(
    decision: Decision, resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory
) -> Decision:
    """The decision, unless the resource stands on something that could not be read."""
    if (
        isinstance(resource, VolumeAttachment)
        and not has_been_admitted(resource)
        and desired.access_denied(resource, inventory)
    ):
        return decision  # nothing of what others have is told to it
    odd = stands_on(resource, desired, inventory)
    if odd is None and inventory.body.odd and isinstance(decision, Refuse) and decision.reason in _OF_THE_ARRAY:
        odd = inventory.body.odd[0]
    if odd is None:
        return decision
    return Wait(
        Reason.UNREADABLE_ANSWER,
        f"The array's answer to `{odd.line}` cannot be read where it is about this object: {odd.why}. Nothing is "
        "changed for it meanwhile. Please report this with the array's code level; it is tried again.",
        # What was said of drift goes on being said: else what was reported would be put right unasked.
        notes=kept(resource.status.conditions),
        retry=_RETRY,
    )


def stands_on(resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory) -> Odd | None:
    """Something that cannot be read and that is about the resource's host object, initiators or volume."""
    if not inventory.odd:
        return None
    return inventory.odd_about(_words(resource, desired, inventory))


def _words(resource: FlashSystemHost | VolumeAttachment, desired: Desired, inventory: Inventory) -> Iterator[str]:
    if isinstance(resource, FlashSystemHost):
        initiators = [*resource.spec.initiators.iscsi, *(port.iqn for port in resource.status.ports if port.iqn)]
        yield from initiators
        yield from inventory.holders(resource.spec.initiators.iscsi)
        yield from desired.names_of(resource)
        yield resource.status.name or ""
        return
    host, selector, status = desired.hosts.get(resource.host), resource.spec.volume, resource.status
    if host:
        yield from _words(host, desired, inventory)
    if seen := status.host:
        yield from (seen.name or "", *seen.initiators, *inventory.holders(seen.initiators))
    known = volume_of(resource, inventory)
    for volume in (selector, status.volume, known):
        if volume:
            yield from (volume.name or "", volume.uid or "")
