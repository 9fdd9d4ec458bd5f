"""The desired CHAP secrets of hosts: read by name from the Secrets in their specs, created if the spec requests it."""

import base64
import binascii
import logging
import secrets
from collections.abc import Collection, Iterable, Mapping

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import API_VERSION, ObjectRef
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.errors import Conflict, Ending, Forbidden, NotFound, Secret
from flashsystem_operator.controller.writer import Writer
from flashsystem_operator.planner.decision import Reason, Refuse
from flashsystem_operator.values import ChapSecret, chap_secret

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
            return _ending(host)
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


def _ending(host: FlashSystemHost) -> Refuse:
    return Refuse(
        Reason.CHAP_SECRET_NOT_FOUND,
        f"There is no {_where(host)}, and it cannot be created: its namespace is being deleted, and this object too.",
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
