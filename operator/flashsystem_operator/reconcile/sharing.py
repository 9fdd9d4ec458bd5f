"""May this volume be seen by one more host? Judged over everything on the volume, ours and others'.

Two hosts that write to one volume destroy a file system that was not made for it. So a second mapping needs every
attachment of the volume to be Shared; and where a mapping is not ours, this one has to be Shared all the same.
"""

from collections.abc import Collection
from typing import Protocol

from flashsystem_operator.api.array import MultiHostMapping
from flashsystem_operator.api.attachment import Access, VolumeAttachment
from flashsystem_operator.array.state import Volume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.decision import Reason, Refuse, Wait
from flashsystem_operator.reconcile.detach import host_to_leave
from flashsystem_operator.reconcile.telling import Reader
from flashsystem_operator.reconcile.words import listed
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import HostName


class Place(Protocol):
    """Which volume is to be seen under which host object's name."""

    @property
    def volume(self) -> Volume: ...

    @property
    def name(self) -> HostName: ...


def judge(attachment: VolumeAttachment, place: Place, world: World, view: View) -> Wait | Refuse | None:
    """Why the volume must not be mapped to this host as things stand, or None when it may."""
    others = (view.of_volume(place.volume.uid) | world.perhaps_mapped(place.volume.uid)) - {place.name}
    clusters = view.empty_clusters_of(place.volume.uid)
    if not others and not clusters:
        return None
    reader = Reader.of(attachment, world)
    if attachment.spec.access is Access.EXCLUSIVE:
        if not others:
            return _in_a_cluster(place.volume, clusters, reader)
        return _exclusive(place.volume, others, reader, view)
    if leaving := _exclusive_still_there(place.volume, others, world, view):
        return Wait(
            Reason.VOLUME_IN_USE,
            f"Volume {place.volume.name} is attached Exclusively by {reader.resources(leaving)}, which is being "
            "deleted but not detached yet. It is attached here when that is done.",
        )
    if selfish := _exclusive_rivals(attachment, place.volume, world, view):
        return Refuse(
            Reason.VOLUME_IN_USE,
            f"Volume {place.volume.name} is attached Exclusively by {reader.resources(selfish)}. Set spec.access to "
            "Shared there too if its file system is made for several hosts.",
        )
    if world.array.spec.multi_host_mapping is MultiHostMapping.FORBIDDEN:
        return Refuse(
            Reason.MULTI_HOST_MAPPING_FORBIDDEN,
            f"Volume {place.volume.name} is mapped to {_whom(others, clusters, reader)}, and {world.array.ref} has "
            "spec.multiHostMapping Forbidden. Detach it there first, or ask whoever keeps the array.",
        )
    return None


def _exclusive(volume: Volume, others: frozenset[HostName], reader: Reader, view: View) -> Wait | Refuse:
    leaving = _hosts_being_left(volume, reader.world, view)
    if others <= leaving.keys():
        who = reader.resources([leaving[name] for name in others])
        return Wait(
            Reason.VOLUME_IN_USE,
            f"Volume {volume.name} is being detached by {who}. It is attached here when that is done.",
        )
    return Refuse(
        Reason.VOLUME_MAPPED_ELSEWHERE,
        f"Volume {volume.name} is mapped to {reader.host_objects(others)}. Detach it there, or set spec.access to "
        "Shared on every attachment of it if its file system is made for several hosts.",
    )


def _in_a_cluster(volume: Volume, clusters: Collection[str], reader: Reader) -> Refuse:
    return Refuse(
        Reason.MAPPED_THROUGH_HOST_CLUSTER,
        f"Volume {volume.name} is mapped to {_whom((), clusters, reader)}, which has no hosts; each host that is added "
        "to it sees the volume. Unmap it there on the array (rmvolumehostclustermap), or set spec.access to Shared if "
        "its file system is made for several hosts.",
    )


def _whom(hosts: Collection[HostName], clusters: Collection[str], reader: Reader) -> str:
    """Host clusters are the array administrator's: who does not keep the array is not told their names."""
    if hosts:
        return reader.host_objects(hosts)
    return f"host cluster {listed(sorted(clusters))}" if reader.keeps_the_array else "a host cluster"


def _hosts_being_left(volume: Volume, world: World, view: View) -> dict[HostName, VolumeAttachment]:
    """The host objects that the volume is about to leave, with the attachment that is being deleted."""
    leaving = ((host_to_leave(each, world, view), each) for each in world.leaving(volume.uid))
    return {host.name: each for host, each in leaving if host}


def _exclusive_still_there(
    volume: Volume, others: frozenset[HostName], world: World, view: View
) -> list[VolumeAttachment]:
    """Who is being deleted, but was promised that nobody else sees the volume for as long as its mapping is there."""
    leaving = _hosts_being_left(volume, world, view)
    return [each for host, each in leaving.items() if host in others and each.spec.access is Access.EXCLUSIVE]


def _exclusive_rivals(attachment: VolumeAttachment, volume: Volume, world: World, view: View) -> list[VolumeAttachment]:
    rivals = world.rivals(attachment, volume, view)
    return [each for each in rivals if each.spec.access is Access.EXCLUSIVE]
