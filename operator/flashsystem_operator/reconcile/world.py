"""What is wished around one array: its own resource, its hosts, their attachments. And who belongs to whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TypeVar

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.array.state import Volume
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.names import host_object_name, made_by
from flashsystem_operator.values import HostName, Iqn, VolumeUid

AnyResource = TypeVar("AnyResource", bound=Resource)


@dataclass(frozen=True)
class World:
    """All resources of one array, not only those whose turn it is: a rival counts whether or not it is due.

    installation: the id of this installation of the operator (3.3).
    closed: why nothing new may be made through the array at present, empty when it may. Detaching always works.
    unsettled: host objects on which a command may still be running whose answer was lost.
    unsettled_pairs: the mappings among these: the volume may still appear on the host object, or vanish from it.
    all_unsettled: the same for the whole array, after its Lease was taken over from a holder that never let go.
    now: the time of the pass, RFC 3339 in UTC with whole seconds: texts compare as times do.
    paused: why nothing may be written to any array at present, empty if it may.
    """

    array: FlashSystemArray
    hosts: Mapping[ObjectRef, FlashSystemHost]
    attachments: Mapping[ObjectRef, VolumeAttachment]
    installation: str
    closed: str = ""
    unsettled: frozenset[HostName] = field(default_factory=frozenset)
    unsettled_pairs: frozenset[tuple[HostName, VolumeUid]] = field(default_factory=frozenset)
    all_unsettled: bool = False
    now: str = "1970-01-01T00:00:00Z"
    paused: str = ""

    def allows(self, host: FlashSystemHost) -> bool:
        """Whether a host may use the array: those of the array's own namespace may."""
        return host.metadata.namespace == self.array.metadata.namespace

    def name_of(self, host: FlashSystemHost) -> HostName:
        """The name of the host object that we make, or made, for this resource."""
        meta = host.metadata
        return host_object_name(self.installation, meta.namespace, meta.name, host.base_name)

    def ours(self, name: HostName) -> bool:
        return made_by(self.installation, name)

    def is_unsettled(self, name: HostName) -> bool:
        return self.all_unsettled or name in self.unsettled

    def perhaps_mapped(self, uid: VolumeUid) -> frozenset[HostName]:
        """The host objects on which a volume may still appear."""
        return frozenset(host for host, volume in self.unsettled_pairs if volume == uid)

    def attachments_of(self, host: FlashSystemHost) -> tuple[VolumeAttachment, ...]:
        """Those that name the host, from the oldest to the youngest."""
        return self._attachments_by_host.get(host.ref, ())

    def rivals(self, attachment: VolumeAttachment, volume: Volume, view: View) -> tuple[VolumeAttachment, ...]:
        """The other live attachments of the same volume, from the oldest to the youngest."""
        named = self._attachments_by_selector
        return by_age(
            other
            for key in (volume.uid, volume.name)
            for other in named.get(key, ())
            if other.ref != attachment.ref and not other.metadata.deleting and volume_of(other, view) == volume
        )

    def bound_to(self, uid: VolumeUid) -> tuple[VolumeAttachment, ...]:
        """The attachments of this volume, by the UID that was recorded or is wished."""
        return by_age(self._attachments_by_selector.get(uid, ()))

    def leaving(self, uid: VolumeUid) -> tuple[VolumeAttachment, ...]:
        """The attachments of this volume that are being deleted."""
        return tuple(each for each in self.bound_to(uid) if each.metadata.deleting)

    def claimants(self, iqn: Iqn) -> tuple[FlashSystemHost, ...]:
        """The hosts whose spec names this initiator, from the oldest to the youngest."""
        return self._hosts_by_iqn.get(iqn, ())

    @cached_property
    def host_by_object_name(self) -> Mapping[HostName, FlashSystemHost]:
        return {self.name_of(host): host for host in self.hosts.values()}

    @cached_property
    def _attachments_by_host(self) -> Mapping[ObjectRef, tuple[VolumeAttachment, ...]]:
        ordered = sorted(self.attachments.values(), key=lambda each: (each.host, *seniority(each)))
        return {ref: tuple(some) for ref, some in groupby(ordered, key=lambda each: each.host)}

    @cached_property
    def _attachments_by_selector(self) -> Mapping[str, list[VolumeAttachment]]:
        found: dict[str, list[VolumeAttachment]] = {}
        for attachment in self.attachments.values():
            seen = attachment.status.volume
            key = (seen.uid if seen else None) or attachment.spec.volume.uid or attachment.spec.volume.name
            found.setdefault(str(key), []).append(attachment)
        return found

    @cached_property
    def _hosts_by_iqn(self) -> Mapping[Iqn, tuple[FlashSystemHost, ...]]:
        found: dict[Iqn, list[FlashSystemHost]] = {}
        for host in by_age(filter(self.allows, self.hosts.values())):
            for iqn in host.spec.initiators.iscsi:
                found.setdefault(iqn, []).append(host)
        return {iqn: tuple(hosts) for iqn, hosts in found.items()}


def volume_of(attachment: VolumeAttachment, view: View) -> Volume | None:
    """The volume that the attachment means: from its first resolution on only the UID counts, never again the name."""
    selector, seen = attachment.spec.volume, attachment.status.volume
    if uid := (seen.uid if seen else None) or selector.uid:
        return view.volumes.get(uid)
    return None if selector.name is None else view.volume_named(selector.name)


def seniority(resource: Resource) -> tuple[str, str]:
    """Sorts the elder first. Times are RFC 3339 in UTC: their text sorts as they do."""
    return resource.metadata.creation_timestamp, resource.metadata.uid


def by_age(resources: Iterable[AnyResource]) -> tuple[AnyResource, ...]:
    return tuple(sorted(resources, key=seniority))
