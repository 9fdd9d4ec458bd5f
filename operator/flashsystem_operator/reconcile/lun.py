"""Which LUN a volume gets on a host."""

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.cooling import Cooling
from flashsystem_operator.reconcile.decision import Reason, Refuse
from flashsystem_operator.reconcile.limits import limits_of
from flashsystem_operator.reconcile.telling import Reader
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import MAX_LUN, MAX_PERSISTENT_VOLUME_LUN, HostName, Lun

_FIRST = 1
"""Hosts have had trouble with LUN 0 (array-cli facts 4.3), so it is given only to who asks for it."""


def choose(attachment: VolumeAttachment, host: HostName, world: World, view: View, resting: Cooling) -> Lun | Refuse:
    """The pinned LUN, the one that this attachment had, or the lowest free from 1.

    What came through a host cluster counts as taken: the numbers are common to both ways. Where a PersistentVolume is
    asked for, only LUNs up to 255 are chosen: a quarantined one rather than a higher one. resting: LUNs that other
    volumes had a moment ago; they are given to who asks for one, or if no other is free, the one that rested longest.
    """
    taken = {lun: mapping for rows in view.on_host(host).values() for mapping in rows for lun in mapping.luns}
    pinned = attachment.spec.lun
    if pinned is not None:
        if by := taken.get(pinned):
            known = Reader.of(attachment, world).may_know(by.volume, by.uid)
            what = f"volume {by.volume}" if known else "another volume"
            return Refuse(
                Reason.LUN_TAKEN,
                f"LUN {pinned} of host {host} is taken by {what}. Detach that first, or make this attachment anew with "
                "another spec.lun, or without.",
            )
        return pinned
    wants_volume = attachment.spec.persistent_volume is not None
    highest = min(_most(view) - 1, MAX_PERSISTENT_VOLUME_LUN if wants_volume else MAX_LUN)
    had = attachment.status.lun
    if had is not None and had not in taken and had not in resting and not (wants_volume and had > highest):
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
    rested = next((lun for lun in within if lun not in resting), None)
    return min(within, key=lambda lun: resting[lun].until or "") if rested is None else rested


def _most(view: View) -> int:
    """As many LUNs as such a system is documented to give a host; small ones refuse higher numbers."""
    return limits_of(view.body.system).mappings_per_host or MAX_LUN + 1
