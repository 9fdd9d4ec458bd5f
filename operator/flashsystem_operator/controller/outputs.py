"""When an object that nobody watches is read again, so that what was changed by hand is put right in time.

At each look while there are few. With many, none sooner than the API server can bear: ten thousand Secrets at each
look would be more than everything else that the operator asks.
"""

import asyncio
import hashlib
import json
import random
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, Named, VolumeAttachment
from flashsystem_operator.api.metadata import ObjectRef, Resource
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.controller.kube.client import Body, Kube, merge_patch
from flashsystem_operator.controller.kube.core import Secrets, Volumes
from flashsystem_operator.controller.kube.errors import Conflict, Ending, Forbidden, Invalid, KubeError
from flashsystem_operator.controller.workqueue import Clock
from flashsystem_operator.planner.decision import Note, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.outputs import connection_secret, output_conditions, persistent_volume
from flashsystem_operator.planner.outputs.connection_secret import Chap, login_of
from flashsystem_operator.planner.overrides import is_in_plan_mode
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN

APART = 0.3
"""Seconds between two readings, on the average: two hundred a minute."""


@dataclass(slots=True)
class _Known:
    wished: Hashable
    until: float


def digest(wished: Any) -> str:
    """Of anything that is JSON, secrets too: what is wished is to be known again, and not to be kept."""
    return hashlib.sha256(json.dumps(wished, sort_keys=True).encode()).hexdigest()


class Rereading:
    """What is known to be as wished, of each object of one array."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def is_due(self, uid: str, wished: Hashable) -> bool:
        """Whether something else is wished than was seen, or it is time to look again."""
        known = self._known.get(uid)
        return known is None or known.wished != wished or self._clock() >= known.until

    def seen(self, uid: str, wished: Hashable) -> None:
        """It is as wished now."""
        rest = APART * len(self._known) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._known[uid] = _Known(wished, self._clock() + rest)

    def forget(self, uid: str) -> None:
        self._known.pop(uid, None)

    def keep_only(self, there: Collection[str]) -> None:
        """Forget all others: they would be in memory for ever, and let those that are there wait the longer."""
        self._known = {uid: known for uid, known in self._known.items() if uid in there}


class Standing(Enum):
    """KEPT: it is not known which login the array takes, so the one that stands in the Secret stays."""

    KEPT = "kept"


KEPT = Standing.KEPT

Login = Chap | Standing | None
"""None: the array asks for none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """status: with what there is to be said. error: why it is to be tried again soon."""

    status: AttachmentStatus
    error: KubeError | None = None


class LeftOver(KubeError):
    """A Secret of an attachment of the same name before, which the cluster is about to remove."""


class Leaving(KubeError):
    """Our own Secret is being deleted, and somebody else's finalizer keeps it: it can be made anew when it is gone."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class ConnectionSecrets:
    """Belongs to one worker. known: which of them need not be read again yet."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._secrets = Secrets(kube)
        self.known = Rereading(clock)

    async def reconcile(
        self,
        attachment: VolumeAttachment,
        said: AttachmentStatus,
        login: Login,
        now: str,
    ) -> Kept:
        """Bring the Secret in line. When the attachment goes it is not touched: it goes with its owner.

        said: what is to be told is its connection, None while there is nothing that could be relied on.
        """
        wished, had = attachment.spec.connection_secret, attachment.status.binding
        if attachment.metadata.deleting or not (wished or had):
            self.known.forget(attachment.metadata.uid)
            return Kept(said)
        name, note = had.name if had else None, None
        error: KubeError | None = None
        try:
            if wished is None:
                name, note = await self._removed(attachment, name)
            elif said.connection is not None:  # else the last one stays: whoever is logged in has need of it
                name, note = await self._written(attachment, name, wished.name, said.connection, login)
        except LeftOver as failure:
            name, error = None, failure
            note = output_conditions.secret_of_others(
                attachment.metadata.namespace, wished.name if wished else "", left_over=True
            )
        except Leaving as failure:
            note, error = failure.note, failure
        except KubeError as failure:
            error = failure
        said = said.model_copy(update={"binding": Named(name=name) if name else None})
        return Kept(output_conditions.noted(attachment, said, [note] if note else [], now), error)

    async def _written(
        self, attachment: VolumeAttachment, had: str | None, name: str, connection: Connection, login: Login
    ) -> tuple[str | None, Note | None]:
        """Which Secret there is in the end, and what is wrong."""
        try:
            note = await self._write(attachment, name, connection, login)
        except Ending:  # the attachment is about to be deleted too: nothing is wrong, and nothing is tried again
            return None if had == name else had, None
        except Forbidden:
            note = output_conditions.secret_forbidden(attachment.metadata.namespace, name)
        if note:
            lost = had == name and note.reason in (Reason.SECRET_CONFLICT, Reason.HOST_NOT_READY)
            return None if lost else had, note
        if had and had != name:
            _, note = await self._removed(attachment, had)
        return name, note

    async def _write(
        self, attachment: VolumeAttachment, name: str, connection: Connection, login: Login
    ) -> Note | None:
        meta, told = attachment.metadata, connection_secret.entries(connection, None if login is KEPT else login)
        known = (name, login is KEPT, digest(told))
        if not self.known.is_due(meta.uid, known):
            return None
        found = await self._secrets.get(meta.namespace, name)
        if found is not None and not connection_secret.is_ours(attachment, found):
            self.known.forget(meta.uid)
            if connection_secret.is_left_over(attachment, found):
                raise LeftOver(f"Secret {meta.namespace}/{name} is of an attachment of that name before")
            return output_conditions.secret_of_others(meta.namespace, name, left_over=False)
        if found is not None and found["metadata"].get("deletionTimestamp"):
            self.known.forget(meta.uid)
            raise Leaving(
                output_conditions.secret_leaving(meta.namespace, name, found["metadata"].get("finalizers") or ())
            )
        if login is KEPT and found is None:
            self.known.forget(meta.uid)
            return output_conditions.secret_without_login(attachment.host, meta.namespace, name)
        wished = (
            connection_secret.entries(connection, connection_secret.login_in(found))
            if login is KEPT and found
            else told
        )
        if found is not None and connection_secret.cannot_be_changed(found):
            await self._secrets.delete(found)
            found = None
        if found is None:
            await self._secrets.create(meta.namespace, connection_secret.body(attachment, name, wished))
        elif patch := merge_patch(found.get("data") or {}, connection_secret.encoded(wished)):
            stand = {"resourceVersion": found["metadata"]["resourceVersion"]}
            await self._secrets.patch(meta.namespace, name, {"metadata": stand, "data": patch})
        self.known.seen(meta.uid, known)
        return None

    async def _removed(self, attachment: VolumeAttachment, name: str | None) -> tuple[str | None, Note | None]:
        """Remove the Secret, if it is ours. Answers with its name if it is still there, and with what is wrong."""
        if name is None:
            return None, None
        namespace = attachment.metadata.namespace
        try:
            found = await self._secrets.get(namespace, name)
            if found is not None and connection_secret.is_ours(attachment, found):
                await self._secrets.delete(found)
        except Forbidden:
            return name, output_conditions.secret_forbidden(namespace, name)
        return None, None


class PersistentVolumes:
    """Belongs to one worker. known: which of them need not be read again yet."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._volumes = Volumes(kube)
        self.known = Rereading(clock)

    async def reconcile(
        self, attachment: VolumeAttachment, said: AttachmentStatus, desired: Desired, now: str, *, chap: bool
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
                has, note = await self._written(attachment, said, desired, has=has, chap=chap)
        except Forbidden as failure:
            note = output_conditions.volume_forbidden(name, str(failure))
        except Invalid as failure:
            has, note = False, output_conditions.volume_refused(str(failure))
        except KubeError as failure:
            error = failure
        if note is not None:
            self.known.forget(attachment.metadata.uid)
        said = said.model_copy(update={"persistent_volume": Named(name=name) if has else None})
        return Kept(output_conditions.noted(attachment, said, [note] if note else [], now), error)

    async def in_use(self, desired: Desired, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Why deleted attachments have to stay: a claim is bound to their volume. Raises KubeError."""
        waits, failures = dict[ObjectRef, Wait](), list[KubeError]()

        async def ask(attachment: VolumeAttachment) -> None:
            try:
                if wait := await self._why_in_use(attachment):
                    waits[attachment.ref] = wait
            except KubeError as failure:
                failures.append(failure)

        async with asyncio.TaskGroup() as group:
            for each in persistent_volume.may_be_in_use(desired, due):
                group.create_task(ask(each))
        if failures:
            raise failures[0]
        return waits

    async def release(self, attachment: VolumeAttachment) -> None:
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
            return output_conditions.volume_unknown(name, str(failure)) if attachment.status.persistent_volume else None
        if found is None or not persistent_volume.is_ours(attachment, found) or not persistent_volume.is_in_use(found):
            return None
        return output_conditions.volume_in_use(name, _claim(found))

    async def _written(
        self, attachment: VolumeAttachment, said: AttachmentStatus, desired: Desired, *, has: bool, chap: bool
    ) -> tuple[bool, Note | None]:
        """Whether there is one in the end, and what is wrong."""
        secret, uid = attachment.spec.connection_secret, attachment.metadata.uid
        if chap and secret is None:
            return has, output_conditions.volume_needs_secret()
        login = secret.name if chap and secret else None
        lun = said.connection.lun if said.connection else None
        if lun is not None and lun > MAX_PERSISTENT_VOLUME_LUN:
            has, _ = await self._removed(attachment)  # one of another LUN leads to another volume
            return has, output_conditions.volume_lun_too_high(lun)
        known = digest(persistent_volume.body(attachment, said, None, login))
        if not self.known.is_due(uid, known):
            return has, None
        access_denied = desired.tenancy.persistent_volumes()
        if access_denied and not has:
            return False, access_denied
        there, note = await self._make(attachment, said, login, access_denied)
        if there and note is None:
            self.known.seen(uid, known)
        return there, note

    async def _make(
        self, attachment: VolumeAttachment, said: AttachmentStatus, login: str | None, access_denied: Note | None
    ) -> tuple[bool, Note | None]:
        found = await self._volumes.get(persistent_volume.name_of(attachment))
        if found is not None and not persistent_volume.is_ours(attachment, found):
            return False, output_conditions.volume_of_others(found["metadata"]["name"])
        body = persistent_volume.body(attachment, said, found, login)
        if body is None or (found is not None and persistent_volume.is_as_wished(found, body)):
            return found is not None, None
        if found is not None and persistent_volume.is_in_use(found):
            return True, output_conditions.volume_outdated(found["metadata"]["name"], _claim(found))
        if access_denied:
            return found is not None, access_denied
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
            return True, output_conditions.volume_stays(found["metadata"]["name"], _claim(found))
        await self._volumes.delete(found)
        return False, None


def _claim(found: Body) -> str:
    claim = found["spec"].get("claimRef") or {}
    return f"{claim.get('namespace')}/{claim.get('name')}"


class Outputs:
    """Belongs to one worker."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._secrets = ConnectionSecrets(kube, clock)
        self._volumes = PersistentVolumes(kube, clock)

    async def reconcile(
        self, attachment: VolumeAttachment, said: AttachmentStatus, desired: Desired, inventory: Inventory, now: str
    ) -> Kept:
        """Bring both in line with what is said of the attachment."""
        if is_in_plan_mode(attachment, desired):
            return Kept(said)
        host = desired.hosts.get(attachment.host)
        asked = host is not None and host.spec.chap is not None
        login = login_of(host, said, desired, inventory) if host else None
        # A login that the array does not take yet is not told: the one that it takes still stands in the Secret.
        told = KEPT if asked and login is None else login
        first = await self._secrets.reconcile(attachment, said, told, now)
        second = await self._volumes.reconcile(attachment, first.status, desired, now, chap=asked)
        return Kept(second.status, first.error or second.error)

    async def in_use(self, desired: Desired, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Deleted attachments that have to stay, and why; those that are gone are forgotten. Raises KubeError."""
        there = {each.metadata.uid for each in desired.attachments.values()}
        self._secrets.known.keep_only(there)
        self._volumes.known.keep_only(there)
        return await self._volumes.in_use(desired, due)

    async def release(self, resource: Resource | None) -> None:
        """Remove what would outlive a deleted attachment, before its volume is unmapped. Raises KubeError."""
        if isinstance(resource, VolumeAttachment):
            await self._volumes.release(resource)
