"""Which LUN a volume gets on a host."""

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.cooling import Cooling
from flashsystem_operator.reconcile.decision import Reason, Refuse
from flashsystem_operator.reconcile.limits import limits_of
from flashsystem_operator.values import MAX_LUN, HostName, Lun

_FIRST = 1
"""Hosts have had trouble with LUN 0 (array-cli facts 4.3), so it is given only to who asks for it."""


def choose(attachment: VolumeAttachment, host: HostName, view: View, resting: Cooling) -> Lun | Refuse:
    """The pinned LUN, the one that this attachment had, or the lowest free from 1.

    What came through a host cluster counts as taken: the numbers are common to both ways. resting: LUNs that other
    volumes had a moment ago; they are given to who asks for one, or if no other is free, the one that rested longest.
    """
    taken = {lun: mapping.volume for rows in view.on_host(host).values() for mapping in rows for lun in mapping.luns}
    pinned = attachment.spec.lun
    if pinned is not None:
        if pinned in taken:
            return Refuse(
                Reason.LUN_TAKEN,
                f"LUN {pinned} of host {host} is taken by volume {taken[pinned]}. Detach that first, or make this "
                "attachment anew with another spec.lun, or without.",
            )
        return pinned
    had = attachment.status.lun
    if had is not None and had not in taken and had not in resting:
        return had
    free = [Lun(number) for number in range(_FIRST, MAX_LUN + 1) if number not in taken]
    if not free:
        return Refuse(
            Reason.HOST_FULL,
            f"Host {host} has no free LUN from {_FIRST} to {MAX_LUN}. Detach a volume from it first.",
        )
    most = _most(view)
    within = [lun for lun in free if lun < most] or free
    rested = next((lun for lun in within if lun not in resting), None)
    return min(within, key=lambda lun: resting[lun].until or "") if rested is None else rested


def _most(view: View) -> int:
    """As many LUNs as such a system is documented to give a host; small ones refuse higher numbers."""
    return limits_of(view.body.system).mappings_per_host or MAX_LUN + 1
