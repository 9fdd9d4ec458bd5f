"""The detach guard: block a detach that would leave a machine with sessions without any volume.

A session belongs to a host and not to a LUN, so the operator cannot see from outside whether this volume is in use. It
can see that a machine with sessions would be left without any volume. That is judged on *all* volumes that are to leave
its host object, whether due or not: otherwise eight deletions at once would be eight harmless ones.

Source of the number of sessions: `node_logged_in_count` of every port in `lshost HOST`; array-cli facts 2.9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flashsystem_operator.api.attachment import DetachGuard, VolumeAttachment
from flashsystem_operator.api.metadata import FORCE_DETACH, ObjectMeta
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.model import Host, Inventory, Protocol
from flashsystem_operator.planner.attachment.detach import host_to_leave, to_be_unmapped
from flashsystem_operator.planner.decision import Act, Note, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.values import HostName, VolumeUid

BLOCKED = "DetachBlocked"
_PATIENCE = 15.0
"""Seconds until the operator checks again whether the machine has logged out."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The volumes that are to leave one host object that is logged in.

    volumes: how many. emptied: whether the host would keep no mapping at all, not even one through a host cluster.
    debounced: seconds until no further deletion is expected with those that were seen.
    targets: the iSCSI names of the array's nodes, from which the host would have to log out.
    """

    host: Host
    volumes: int
    emptied: bool
    debounced: float
    targets: tuple[str, ...] = ()


def partings(desired: Desired, inventory: Inventory) -> Mapping[HostName, Parting]:
    """All host objects with sessions that are to lose volumes. inventory: before any of these detaches."""
    leaving: dict[HostName, dict[VolumeUid, float]] = {}
    for attachment in desired.attachments.values():
        host = host_to_leave(attachment, desired, inventory) if attachment.metadata.deleting else None
        step = to_be_unmapped(attachment, desired, inventory) if host is not None and host.logins else None
        if step is not None:
            on_host = leaving.setdefault(step.host, {})
            on_host[step.uid] = max(on_host.get(step.uid, 0.0), desired.debounced.get(attachment.ref, 0.0))
    targets = tuple(sorted({node.iqn for node in inventory.body.nodes if node.iqn}))
    found: dict[HostName, Parting] = {}
    for name, uids in leaving.items():
        kept = (row for uid, rows in inventory.on_host(name).items() for row in rows if row.cluster or uid not in uids)
        emptied = next(kept, None) is None
        found[name] = Parting(inventory.hosts[name], len(uids), emptied, max(uids.values()), targets)
    return found


def guard_detach(attachment: VolumeAttachment, act: Act, parting: Parting | None, desired: Desired) -> Act | Wait:
    """Let a detach pass, with a warning if needed, or wait. parting: of its host object, if that has sessions."""
    guard, meta = attachment.spec.detach_guard, attachment.metadata
    if parting is None or guard is DetachGuard.DISABLED:
        return act
    if guard is DetachGuard.ENFORCE and not meta.forced:
        if parting.debounced:
            return Wait(
                Reason.DETACHING,
                f"Host object {parting.host.name} is logged in to the array, so the operator first waits for further "
                "deletions of its volumes.",
                retry=parting.debounced,
            )
        if parting.emptied:
            return _blocked(meta, parting, min(_PATIENCE, desired.array.spec.resync_interval))
    volumes = [step.volume for step in act.steps if isinstance(step, UnmapVolume)]
    warning = (
        f"Volume {', '.join(volumes)} was unmapped from host object {parting.host.name}, which has "
        f"{plural(parting.host.logins, 'session')} with the array. A session belongs to a host and not to a volume, "
        "so this one may still have been in use."
    )
    return replace(act, warning=warning)


def _blocked(meta: ObjectMeta, parting: Parting, retry: float) -> Wait:
    them = "it" if parting.volumes == 1 else "them"
    # By target name: without one, iscsiadm logs the host out of every array that it has.
    logouts = ", ".join(f"`iscsiadm --mode node --targetname {iqn} --logout`" for iqn in parting.targets)
    others = [p.name for p in parting.host.ports if p.protocol is not Protocol.ISCSI and p.logged_in]
    stay = f"{listed(others)} is not iSCSI and stays logged in until it is disconnected. " if others else ""
    message = (
        f"Host object {parting.host.name} has {plural(parting.host.logins, 'session')} with the array, and without the "
        f"{plural(parting.volumes, 'volume')} to be unmapped it would have none left: applications that use {them} "
        f"would fail. Unmount there, then log the host out of this array ({logouts}): the detach goes on by itself. "
        f"{stay}If nothing there uses this volume, annotate this object with "
        f"{FORCE_DETACH}: {meta.uid}.{meta.force_detach_mismatch}"
    )
    return Wait(Reason.DETACH_BLOCKED, message, (Note(BLOCKED, Reason.DETACH_BLOCKED, message),), retry)
