"""The Secrets and PersistentVolumes of an attachment, and the CHAP secrets of hosts.

No watch covers these objects, so they are read again, to correct changes made outside the operator: in each pass while
there are few. With many, the rate of reads is limited: ten thousand Secrets in each pass would be more than all other
requests of the operator. CHAP secrets are read by the names in the specs of hosts, and created if a spec requests it.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import logging
import random
import secrets
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, Named, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import API_VERSION, ObjectRef, Resource
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.controller.cache import Clock
from flashsystem_operator.controller.kube.client import Body, Kube, merge_patch
from flashsystem_operator.controller.kube.core import Secrets, Volumes
from flashsystem_operator.controller.kube.errors import (
    Conflict,
    Ending,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    Secret,
)
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner import outputs
from flashsystem_operator.planner.decision import Note, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.outputs import Chap, login_of
from flashsystem_operator.planner.policies import is_in_plan_mode
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN, ChapSecret, chap_secret

APART = 0.3
"""Seconds between two reads, on average: two hundred a minute."""


@dataclass(slots=True)
class _Known:
    wanted: Hashable
    until: float


def digest(wanted: Any) -> str:
    """Return the digest of JSON data that may hold secrets: it is compared later, and the data must not be kept."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


class Rereading:
    """The output objects of one array that were seen to be in sync, and when to read each again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def is_due(self, uid: str, wanted: Hashable) -> bool:
        """Whether the desired content changed since it was seen, or it is time to read it again."""
        known = self._known.get(uid)
        return known is None or known.wanted != wanted or self._clock() >= known.until

    def seen(self, uid: str, wanted: Hashable) -> None:
        """Record that the object is in sync now."""
        delay = APART * len(self._known) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._known[uid] = _Known(wanted, self._clock() + delay)

    def forget(self, uid: str) -> None:
        self._known.pop(uid, None)

    def keep_only(self, there: Collection[str]) -> None:
        """Forget all others: they would stay in memory, and make the remaining ones wait longer."""
        self._known = {uid: known for uid, known in self._known.items() if uid in there}


class UnknownLogin(Enum):
    """KEEP: it is not known which login the array accepts, so the Secret keeps its login."""

    KEEP = "keep"


KEEP_LOGIN = UnknownLogin.KEEP

Login = Chap | UnknownLogin | None
"""None: the array requires no login."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """status: with the outputs and their conditions. error: why the outputs have to be retried soon."""

    status: AttachmentStatus
    error: KubeError | None = None


class LeftOver(KubeError):
    """The Secret belongs to a deleted attachment of the same name, and the cluster is about to remove it."""


class Leaving(KubeError):
    """Our Secret is being deleted, and a finalizer of another controller keeps it: create it again when it is gone."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class ConnectionSecrets:
    """The connection Secrets of one worker's attachments. known: those that need not be read again yet."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._secrets = Secrets(kube)
        self.known = Rereading(clock)

    async def reconcile(
        self,
        attachment: VolumeAttachment,
        status: AttachmentStatus,
        login: Login,
        now: str,
    ) -> Reconciled:
        """Reconcile the Secret. While the attachment is being deleted it is left alone: it is deleted with its owner.

        status: its connection is what the Secret publishes, None while no reliable connection is known.
        """
        wanted, had = attachment.spec.connection_secret, attachment.status.binding
        if attachment.metadata.deleting or not (wanted or had):
            self.known.forget(attachment.metadata.uid)
            return Reconciled(status)
        name, note = had.name if had else None, None
        error: KubeError | None = None
        try:
            if wanted is None:
                name, note = await self._removed(attachment, name)
            elif status.connection is not None:  # else the last one stays: a host that is logged in needs it
                name, note = await self._written(attachment, name, wanted.name, status.connection, login)
        except LeftOver as failure:
            name, error = None, failure
            note = outputs.secret_of_others(
                attachment.metadata.namespace, wanted.name if wanted else "", left_over=True
            )
        except Leaving as failure:
            note, error = failure.note, failure
        except KubeError as failure:
            error = failure
        status = status.model_copy(update={"binding": Named(name=name) if name else None})
        return Reconciled(outputs.noted(attachment, status, [note] if note else [], now), error)

    async def _written(
        self, attachment: VolumeAttachment, had: str | None, name: str, connection: Connection, login: Login
    ) -> tuple[str | None, Note | None]:
        """Write the Secret. Return the name of the Secret that exists afterwards, and a note on what is wrong."""
        try:
            note = await self._write(attachment, name, connection, login)
        except Ending:  # the attachment is about to be deleted too: nothing is wrong, and nothing is retried
            return None if had == name else had, None
        except Forbidden:
            note = outputs.secret_forbidden(attachment.metadata.namespace, name)
        if note:
            lost = had == name and note.reason in (Reason.SECRET_CONFLICT, Reason.HOST_NOT_READY)
            return None if lost else had, note
        if had and had != name:
            _, note = await self._removed(attachment, had)
        return name, note

    async def _write(
        self, attachment: VolumeAttachment, name: str, connection: Connection, login: Login
    ) -> Note | None:
        meta, entries = (
            attachment.metadata,
            outputs.secret_entries(connection, None if login is KEEP_LOGIN else login),
        )
        known = (name, login is KEEP_LOGIN, digest(entries))
        if not self.known.is_due(meta.uid, known):
            return None
        found = await self._secrets.get(meta.namespace, name)
        if found is not None and not outputs.is_our_secret(attachment, found):
            self.known.forget(meta.uid)
            if outputs.is_left_over(attachment, found):
                raise LeftOver(f"Secret {meta.namespace}/{name} belongs to a deleted attachment of the same name")
            return outputs.secret_of_others(meta.namespace, name, left_over=False)
        if found is not None and found["metadata"].get("deletionTimestamp"):
            self.known.forget(meta.uid)
            raise Leaving(outputs.secret_leaving(meta.namespace, name, found["metadata"].get("finalizers") or ()))
        if login is KEEP_LOGIN and found is None:
            self.known.forget(meta.uid)
            return outputs.secret_without_login(attachment.host, meta.namespace, name)
        if login is KEEP_LOGIN and found:
            entries = outputs.secret_entries(connection, outputs.login_in(found))
        if found is not None and outputs.cannot_be_changed(found):
            await self._secrets.delete(found)
            found = None
        if found is None:
            await self._secrets.create(meta.namespace, outputs.secret_body(attachment, name, entries))
        elif patch := merge_patch(found.get("data") or {}, outputs.encoded(entries)):
            base = {"resourceVersion": found["metadata"]["resourceVersion"]}
            await self._secrets.patch(meta.namespace, name, {"metadata": base, "data": patch})
        self.known.seen(meta.uid, known)
        return None

    async def _removed(self, attachment: VolumeAttachment, name: str | None) -> tuple[str | None, Note | None]:
        """Remove the Secret, if it is ours. Return its name if it still exists, and a note on what is wrong."""
        if name is None:
            return None, None
        namespace = attachment.metadata.namespace
        try:
            found = await self._secrets.get(namespace, name)
            if found is not None and outputs.is_our_secret(attachment, found):
                await self._secrets.delete(found)
        except Forbidden:
            return name, outputs.secret_forbidden(namespace, name)
        return None, None


class PersistentVolumes:
    """The PersistentVolumes of one worker's attachments. known: those that need not be read again yet."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._volumes = Volumes(kube)
        self.known = Rereading(clock)

    async def reconcile(
        self, attachment: VolumeAttachment, status: AttachmentStatus, desired: Desired, now: str, *, chap: bool
    ) -> Reconciled:
        """Reconcile the PersistentVolume. chap: whether the array requires a login of the host."""
        wanted, had = attachment.spec.persistent_volume, attachment.status.persistent_volume
        if attachment.metadata.deleting or not (wanted or had):
            self.known.forget(attachment.metadata.uid)
            return Reconciled(status)
        name, has, note, error = outputs.persistent_volume_name(attachment), had is not None, None, None
        try:
            if wanted is None:
                has, note = await self._removed(attachment)
            elif status.connection is not None:  # else an existing one stays
                has, note = await self._written(attachment, status, desired, has=has, chap=chap)
        except Forbidden as failure:
            note = outputs.volume_forbidden(name, str(failure))
        except Invalid as failure:
            has, note = False, outputs.volume_refused(str(failure))
        except KubeError as failure:
            error = failure
        if note is not None:
            self.known.forget(attachment.metadata.uid)
        status = status.model_copy(update={"persistent_volume": Named(name=name) if has else None})
        return Reconciled(outputs.noted(attachment, status, [note] if note else [], now), error)

    async def in_use(self, desired: Desired, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Return why deleted attachments have to stay: a claim is bound to their volume. Raises KubeError."""
        waits, failures = dict[ObjectRef, Wait](), list[KubeError]()

        async def ask(attachment: VolumeAttachment) -> None:
            name = outputs.persistent_volume_name(attachment)
            try:
                found = await self._volumes.get(name)
            except Forbidden as failure:
                if attachment.status.persistent_volume:
                    waits[attachment.ref] = outputs.volume_unknown(name, str(failure))
            except KubeError as failure:
                failures.append(failure)
            else:
                if found is not None and outputs.is_our_volume(attachment, found) and outputs.is_in_use(found):
                    waits[attachment.ref] = outputs.volume_in_use(name, _claim(found))

        async with asyncio.TaskGroup() as group:
            for each in outputs.may_be_in_use(desired, due):
                group.create_task(ask(each))
        if failures:
            raise failures[0]
        return waits

    async def release(self, attachment: VolumeAttachment) -> None:
        """Remove the PersistentVolume of a deleted attachment. Raises KubeError if it must not be removed now.

        If the attachment is released without touching the array, a PersistentVolume that is in use stays.
        """
        if not attachment.metadata.deleting or not outputs.may_have_persistent_volume(attachment):
            return
        try:
            still_there, _ = await self._removed(attachment)
        except Forbidden:
            if attachment.status.persistent_volume and not attachment.metadata.released:
                raise
            return  # without the permission no PersistentVolume was ever created
        if still_there and not attachment.metadata.released:
            raise Conflict(f"PersistentVolume {outputs.persistent_volume_name(attachment)} is in use now")

    async def _written(
        self, attachment: VolumeAttachment, status: AttachmentStatus, desired: Desired, *, has: bool, chap: bool
    ) -> tuple[bool, Note | None]:
        """Return whether the PersistentVolume exists afterwards, and a note on what is wrong."""
        secret, uid = attachment.spec.connection_secret, attachment.metadata.uid
        if chap and secret is None:
            return has, outputs.volume_needs_secret()
        login = secret.name if chap and secret else None
        lun = status.connection.lun if status.connection else None
        if lun is not None and lun > MAX_PERSISTENT_VOLUME_LUN:
            has, _ = await self._removed(attachment)  # one with another LUN leads to another volume
            return has, outputs.volume_lun_too_high(lun)
        known = digest(outputs.volume_body(attachment, status, None, login))
        if not self.known.is_due(uid, known):
            return has, None
        access_denied = desired.tenancy.persistent_volumes()
        if access_denied and not has:
            return False, access_denied
        there, note = await self._make(attachment, status, login, access_denied)
        if there and note is None:
            self.known.seen(uid, known)
        return there, note

    async def _make(
        self, attachment: VolumeAttachment, status: AttachmentStatus, login: str | None, access_denied: Note | None
    ) -> tuple[bool, Note | None]:
        found = await self._volumes.get(outputs.persistent_volume_name(attachment))
        if found is not None and not outputs.is_our_volume(attachment, found):
            return False, outputs.volume_of_others(found["metadata"]["name"])
        body = outputs.volume_body(attachment, status, found, login)
        if body is None or (found is not None and outputs.is_up_to_date(found, body)):
            return found is not None, None
        if found is not None and outputs.is_in_use(found):
            return True, outputs.volume_outdated(found["metadata"]["name"], _claim(found))
        if access_denied:
            return found is not None, access_denied
        if found is not None:
            await self._volumes.delete(found)
        await self._volumes.create(body)
        return True, None

    async def _removed(self, attachment: VolumeAttachment) -> tuple[bool, Note | None]:
        """Remove it, if it is ours and not in use. Return whether it still exists, and a note on what is wrong."""
        found = await self._volumes.get(outputs.persistent_volume_name(attachment))
        if found is None or not outputs.is_our_volume(attachment, found):
            return False, None
        if outputs.is_in_use(found):
            return True, outputs.volume_stays(found["metadata"]["name"], _claim(found))
        await self._volumes.delete(found)
        return False, None


def _claim(found: Body) -> str:
    claim = found["spec"].get("claimRef") or {}
    return f"{claim.get('namespace')}/{claim.get('name')}"


class Outputs:
    """The outputs of one worker's attachments."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._secrets = ConnectionSecrets(kube, clock)
        self._volumes = PersistentVolumes(kube, clock)

    async def reconcile(
        self, attachment: VolumeAttachment, status: AttachmentStatus, desired: Desired, inventory: Inventory, now: str
    ) -> Reconciled:
        """Reconcile both outputs with the attachment's new status."""
        if is_in_plan_mode(attachment, desired):
            return Reconciled(status)
        host = desired.hosts.get(attachment.host)
        asked = host is not None and host.spec.chap is not None
        login = login_of(host, status, desired, inventory) if host else None
        # A login that the array does not accept yet is not published: the Secret still has the one that it accepts.
        published = KEEP_LOGIN if asked and login is None else login
        first = await self._secrets.reconcile(attachment, status, published, now)
        second = await self._volumes.reconcile(attachment, first.status, desired, now, chap=asked)
        return Reconciled(second.status, first.error or second.error)

    async def in_use(self, desired: Desired, due: Iterable[ObjectRef]) -> Mapping[ObjectRef, Wait]:
        """Return the deleted attachments that have to stay, and why; forget those that are gone. Raises KubeError."""
        there = {each.metadata.uid for each in desired.attachments.values()}
        self._secrets.known.keep_only(there)
        self._volumes.known.keep_only(there)
        return await self._volumes.in_use(desired, due)

    async def release(self, resource: Resource | None) -> None:
        """Remove what would outlive a deleted attachment, before its volume is unmapped. Raises KubeError."""
        if isinstance(resource, VolumeAttachment):
            await self._volumes.release(resource)


USERNAME, PASSWORD = "node.session.auth.username", "node.session.auth.password"
"""As Secrets of type kubernetes.io/iscsi-chap have them; `password` of kubernetes.io/basic-auth is read as well."""

log = logging.getLogger(__name__)


class ChapSecrets:
    """The CHAP secrets of one worker's hosts. They are kept while the API server does not answer."""

    def __init__(self, kube: Kube, writer: Writer) -> None:
        self._kube = kube
        self._writer = writer
        self._known: dict[ObjectRef, ChapSecret | Refuse] = {}

    @property
    def known(self) -> Mapping[ObjectRef, ChapSecret | Refuse]:
        """The secret of each host that requests one, or why it is not available."""
        return dict(self._known)

    async def read(self, hosts: Iterable[FlashSystemHost], there: Collection[ObjectRef]) -> None:
        """Read the Secrets of those of these hosts that request one and are not being deleted; forget the others'.

        there: all hosts of the array. Secrets of hosts that are gone are forgotten too.
        """
        self._known = {ref: known for ref, known in self._known.items() if ref in there}
        due = {host.ref: host for host in hosts}
        requesting = [ref for ref, host in due.items() if host.spec.chap and not host.metadata.deleting]
        for ref in due.keys() - set(requesting):
            self._known.pop(ref, None)

        async def read(ref: ObjectRef) -> None:
            host = due[ref]
            chap, namespace = host.spec.chap, host.metadata.namespace
            if chap is None:
                raise ValueError(f"{ref} requests no CHAP secret")
            try:
                known = secret_of(host, await self._kube.secret(namespace, chap.secret_ref.name))
            except NotFound:
                known = await self._made(host, chap.secret_ref.name) if chap.generate else not_found(host)
            except Forbidden:
                known = _forbidden(host, "read")
            self._known[ref] = known

        for ref, error in (await self._writer.all(requesting, read)).items():
            log.warning("%s: cannot read its CHAP secret: %s", ref, error)

    async def _made(self, host: FlashSystemHost, name: str) -> ChapSecret | Refuse:
        meta, namespace = host.metadata, host.metadata.namespace
        owner = {
            "apiVersion": API_VERSION,
            "kind": host.KIND.value,
            "name": meta.name,
            "uid": meta.uid,
            "controller": True,
        }
        body = {
            "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner]},
            "type": "kubernetes.io/iscsi-chap",
            "stringData": {USERNAME: host.spec.initiators.iscsi[0], PASSWORD: secrets.token_hex(16)},
        }
        try:
            await self._kube.create_secret(namespace, body)  # Kubernetes deletes it after the host, its owner
        except Conflict:
            log.debug("Secret %s/%s was created meanwhile", namespace, name)
        except Ending:
            return Refuse(
                Reason.CHAP_SECRET_NOT_FOUND,
                f"There is no {_where(host)}, and it cannot be created: its namespace is being deleted, and this "
                "object too.",
            )
        except Forbidden:
            return _forbidden(host, "create")
        return secret_of(host, await self._kube.secret(namespace, name))


def secret_of(host: FlashSystemHost, found: Secret) -> ChapSecret | Refuse:
    """Return the CHAP secret in the Secret that the host names, or why it cannot be used."""
    encoded = found.data.get(PASSWORD) or found.data.get("password")
    if encoded is None:
        return _invalid(host, f"it has neither {PASSWORD} nor password")
    try:
        return chap_secret(base64.b64decode(encoded, validate=True).decode("ascii"), found.version)
    except (binascii.Error, UnicodeDecodeError):
        return _invalid(host, "its password is not plain text")
    except ValueError as error:
        return _invalid(host, str(error))


def _where(host: FlashSystemHost) -> str:
    name = host.spec.chap.secret_ref.name if host.spec.chap else ""
    return f"Secret {host.metadata.namespace}/{name}"


def not_found(host: FlashSystemHost) -> Refuse:
    return Refuse(
        Reason.CHAP_SECRET_NOT_FOUND,
        f"There is no {_where(host)}. Create it, with the CHAP secret under {PASSWORD} or password; or set "
        "spec.chap.generate to true, and the operator creates it. The operator retries within a minute.",
    )


def _forbidden(host: FlashSystemHost, what: str) -> Refuse:
    role = "flashsystem-operator-secrets" if what == "read" else "flashsystem-operator-connection-secrets"
    return Refuse(
        Reason.CHAP_SECRET_FORBIDDEN,
        f"The operator may not {what} {_where(host)}. Bind ClusterRole {role} to its service account with a "
        f"RoleBinding in namespace {host.metadata.namespace}.",
    )


def _invalid(host: FlashSystemHost, why: str) -> Refuse:
    return Refuse(
        Reason.CHAP_SECRET_INVALID,
        f"{_where(host)} cannot be used: {why}. Correct it; it is read again within a minute.",
    )
