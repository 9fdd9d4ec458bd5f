"""Keeps the PersistentVolume of an attachment, and says whether somebody uses it: made, made anew, removed.

It belongs to no namespace, so no attachment can own it: our finalizer on the attachment sees to its end.
"""

import asyncio
from collections.abc import Iterable, Mapping

from flashsystem_operator.api.attachment import AttachmentStatus, Named, VolumeAttachment
from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.controller.answers import Conflict, Forbidden, Invalid, KubeError
from flashsystem_operator.controller.connection_secrets import Kept
from flashsystem_operator.controller.core_objects import Volumes
from flashsystem_operator.controller.delays import Clock
from flashsystem_operator.controller.kube import Body, Kube
from flashsystem_operator.controller.rereading import Rereading, digest
from flashsystem_operator.reconcile import beside
from flashsystem_operator.reconcile import persistent_volume
from flashsystem_operator.reconcile.decision import Note, Wait
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN


class PersistentVolumes:
    """Belongs to one worker. known: which of them need not be read again yet."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._volumes = Volumes(kube)
        self.known = Rereading(clock)

    async def keep(
        self, attachment: VolumeAttachment, said: AttachmentStatus, world: World, now: str, *, chap: bool
    ) -> Kept:
        """Bring the PersistentVolume in line. chap: whether the array asks the host for a login."""
        wished, had = attachment.spec.persistent_volume, attachment.status.persistent_volume
        if attachment.metadata.deleting or not (wished or had):
            self.known.forget(attachment.metadata.uid)
            return Kept(said)
        name, has, note, error = persistent_volume.name_of(attachment), had is not None, None, None
        try:
            if wished is None:
                has, note = await self._removed(attachment)
            elif said.connection is not None:  # else the one that is there stays
                has, note = await self._written(attachment, said, world, has=has, chap=chap)
        except Forbidden as failure:
            note = beside.volume_forbidden(name, str(failure))
        except Invalid as failure:
            has, note = False, beside.volume_refused(str(failure))
        except KubeError as failure:
            error = failure
        if note is not None:
            self.known.forget(attachment.metadata.uid)
        said = said.model_copy(update={"persistent_volume": Named(name=name) if has else None})
        return Kept(beside.noted(attachment, said, [note] if note else [], now), error)

    async def in_use(self, world: World, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Why deleted attachments have to stay: a claim is bound to their volume. Raises KubeError."""
        waits, failures = dict[ObjectRef, Wait](), list[KubeError]()

        async def ask(attachment: VolumeAttachment) -> None:
            try:
                if wait := await self._why_in_use(attachment):
                    waits[attachment.ref] = wait
            except KubeError as failure:
                failures.append(failure)

        async with asyncio.TaskGroup() as group:
            for each in persistent_volume.may_be_in_use(world, due):
                group.create_task(ask(each))
        if failures:
            raise failures[0]
        return waits

    async def let_go(self, attachment: VolumeAttachment) -> None:
        """Remove the PersistentVolume of a deleted attachment. Raises KubeError if it is not to be removed now.

        That of an attachment that is let go without touching the array stays as long as somebody uses it.
        """
        if not attachment.metadata.deleting or not persistent_volume.may_have_one(attachment):
            return
        try:
            still_there, _ = await self._removed(attachment)
        except Forbidden:
            if attachment.status.persistent_volume and not attachment.metadata.released:
                raise
            return  # without the right to it there never was one
        if still_there and not attachment.metadata.released:
            raise Conflict(f"PersistentVolume {persistent_volume.name_of(attachment)} is in use by now")

    async def _why_in_use(self, attachment: VolumeAttachment) -> Wait | None:
        name = persistent_volume.name_of(attachment)
        try:
            found = await self._volumes.get(name)
        except Forbidden as failure:
            return beside.volume_unknown(name, str(failure)) if attachment.status.persistent_volume else None
        if found is None or not persistent_volume.is_ours(attachment, found) or not persistent_volume.is_in_use(found):
            return None
        return beside.volume_in_use(name, _claim(found))

    async def _written(
        self, attachment: VolumeAttachment, said: AttachmentStatus, world: World, *, has: bool, chap: bool
    ) -> tuple[bool, Note | None]:
        """Whether there is one in the end, and what is wrong."""
        secret, uid = attachment.spec.connection_secret, attachment.metadata.uid
        if chap and secret is None:
            return has, beside.volume_needs_secret()
        login = secret.name if chap and secret else None
        lun = said.connection.target_lun if said.connection else None
        if lun is not None and lun > MAX_PERSISTENT_VOLUME_LUN:
            has, _ = await self._removed(attachment)  # one of another LUN leads to another volume
            return has, beside.volume_lun_too_high(lun)
        known = digest(persistent_volume.body(attachment, said, None, login))
        if not self.known.is_due(uid, known):
            return has, None
        barred = world.tenancy.persistent_volumes()
        if barred and not has:
            return False, barred
        there, note = await self._make(attachment, said, login, barred)
        if there and note is None:
            self.known.seen(uid, known)
        return there, note

    async def _make(
        self, attachment: VolumeAttachment, said: AttachmentStatus, login: str | None, barred: Note | None
    ) -> tuple[bool, Note | None]:
        found = await self._volumes.get(persistent_volume.name_of(attachment))
        if found is not None and not persistent_volume.is_ours(attachment, found):
            return False, beside.volume_of_others(found["metadata"]["name"])
        body = persistent_volume.body(attachment, said, found, login)
        if body is None or (found is not None and persistent_volume.is_as_wished(found, body)):
            return found is not None, None
        if found is not None and persistent_volume.is_in_use(found):
            return True, beside.volume_outdated(found["metadata"]["name"], _claim(found))
        if barred:
            return found is not None, barred
        if found is not None:
            await self._volumes.delete(found)
        await self._volumes.create(body)
        return True, None

    async def _removed(self, attachment: VolumeAttachment) -> tuple[bool, Note | None]:
        """Remove it, if it is ours and nobody uses it. Answers whether it is still there, and what is wrong."""
        found = await self._volumes.get(persistent_volume.name_of(attachment))
        if found is None or not persistent_volume.is_ours(attachment, found):
            return False, None
        if persistent_volume.is_in_use(found):
            return True, beside.volume_stays(found["metadata"]["name"], _claim(found))
        await self._volumes.delete(found)
        return False, None


def _claim(found: Body) -> str:
    claim = found["spec"].get("claimRef") or {}
    return f"{claim.get('namespace')}/{claim.get('name')}"
