"""Keeps the Secret with the connection: made, put right, removed when it is not wished any more.

Whoever made a Secret owns it: one that does not carry our owner reference is left as it is, whatever its name.
"""

from dataclasses import dataclass
from enum import Enum

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, Named, VolumeAttachment
from flashsystem_operator.controller.answers import Ending, Forbidden, KubeError
from flashsystem_operator.controller.core_objects import Secrets
from flashsystem_operator.controller.delays import Clock
from flashsystem_operator.controller.kube import Kube, merge_patch
from flashsystem_operator.controller.rereading import Rereading, digest
from flashsystem_operator.reconcile import beside
from flashsystem_operator.reconcile import connection_secret
from flashsystem_operator.reconcile.connection_secret import Chap
from flashsystem_operator.reconcile.decision import Note, Reason


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

    async def keep(
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
            note = beside.secret_of_others(attachment.metadata.namespace, wished.name if wished else "", left_over=True)
        except Leaving as failure:
            note, error = failure.note, failure
        except KubeError as failure:
            error = failure
        said = said.model_copy(update={"binding": Named(name=name) if name else None})
        return Kept(beside.noted(attachment, said, [note] if note else [], now), error)

    async def _written(
        self, attachment: VolumeAttachment, had: str | None, name: str, connection: Connection, login: Login
    ) -> tuple[str | None, Note | None]:
        """Which Secret there is in the end, and what is wrong."""
        try:
            note = await self._write(attachment, name, connection, login)
        except Ending:  # the attachment is about to be deleted too: nothing is wrong, and nothing is tried again
            return None if had == name else had, None
        except Forbidden:
            note = beside.secret_forbidden(attachment.metadata.namespace, name)
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
            return beside.secret_of_others(meta.namespace, name, left_over=False)
        if found is not None and found["metadata"].get("deletionTimestamp"):
            self.known.forget(meta.uid)
            raise Leaving(beside.secret_leaving(meta.namespace, name, found["metadata"].get("finalizers") or ()))
        if login is KEPT and found is None:
            self.known.forget(meta.uid)
            return beside.secret_without_login(attachment.host, meta.namespace, name)
        wished = connection_secret.entries(connection, connection_secret.login_in(found)) if login is KEPT and found else told
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
            return name, beside.secret_forbidden(namespace, name)
        return None, None
