"""All that is kept in the cluster beside attachments, as a pass needs it: a Secret, a PersistentVolume."""

from collections.abc import Iterable, Mapping

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.array.view import View
from flashsystem_operator.controller.connection_secrets import KEPT, ConnectionSecrets, Kept
from flashsystem_operator.controller.delays import Clock
from flashsystem_operator.controller.kube import Kube
from flashsystem_operator.controller.persistent_volumes import PersistentVolumes
from flashsystem_operator.reconcile.connection_secret import login_of
from flashsystem_operator.reconcile.decision import Wait
from flashsystem_operator.reconcile.holding import is_in_plan_mode
from flashsystem_operator.reconcile.world import World


class Beside:
    """Belongs to one worker."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._secrets = ConnectionSecrets(kube, clock)
        self._volumes = PersistentVolumes(kube, clock)

    async def keep(
        self, attachment: VolumeAttachment, said: AttachmentStatus, world: World, view: View, now: str
    ) -> Kept:
        """Bring both in line with what is said of the attachment."""
        if is_in_plan_mode(attachment, world):
            return Kept(said)
        host = world.hosts.get(attachment.host)
        asked = host is not None and host.spec.chap is not None
        login = login_of(host, said, world, view) if host else None
        # A login that the array does not take yet is not told: the one that it takes still stands in the Secret.
        told = KEPT if asked and login is None else login
        first = await self._secrets.keep(attachment, said, told, now)
        second = await self._volumes.keep(attachment, first.status, world, now, chap=asked)
        return Kept(second.status, first.error or second.error)

    async def in_use(self, world: World, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Deleted attachments that have to stay, and why; those that are gone are forgotten. Raises KubeError."""
        there = {each.metadata.uid for each in world.attachments.values()}
        self._secrets.known.keep_only(there)
        self._volumes.known.keep_only(there)
        return await self._volumes.in_use(world, due)

    async def let_go(self, resource: Resource | None) -> None:
        """Remove what would outlive a deleted attachment, before its volume is unmapped. Raises KubeError."""
        if isinstance(resource, VolumeAttachment):
            await self._volumes.let_go(resource)
