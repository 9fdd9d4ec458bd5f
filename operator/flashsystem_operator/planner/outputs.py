"""What an attachment gives to its consumers: the connection, its Secret, a PersistentVolume; and their conditions.

The portals of a connection are in the order in which a host should use them.

Source: Cinder's initialize_connection and os-brick's reading of it; array-cli facts 2.4 (portsets).
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flashsystem_operator.api.attachment import (
    AttachmentStatus,
    Connection,
    PersistentVolume,
    Target,
    VolumeAttachment,
    VolumeMode,
)
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import API_VERSION, GROUP, Kind, ObjectRef
from flashsystem_operator.array import model
from flashsystem_operator.array.model import Inventory, Portal, Volume
from flashsystem_operator.planner.decision import Note, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_settings
from flashsystem_operator.planner.text import condition, listed
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN, HostName


def portals_for(host: HostName, desired: Desired, inventory: Inventory) -> tuple[Portal, ...]:
    """The usable portals of the host's portset and I/O groups, of those addresses that the array's spec allows."""
    known, allowed = inventory.hosts.get(host), desired.array.spec.iscsi.portal_addresses
    portset = known.portset if known else ""
    groups = {inventory.body.io_groups.get(group) for group in inventory.io_groups.get(host, ())}
    return tuple(
        portal
        for portal in inventory.body.portals
        if portal.usable
        and (not allowed or portal.address in allowed)
        and (not portset or not portal.portset or portal.portset == portset)
        and (not groups or portal.io_group in groups)
    )


def connection(
    mapping: model.Mapping, volume: Volume, preferred_node: str | None, portals: Sequence[Portal], port: int
) -> Connection:
    """The connection, with the portals of the volume's I/O group first: the others only forward its I/O.

    Of these the preferred node's come first: its partner serves the volume too, but is second choice.
    """
    ordered = sorted(
        portals,
        key=lambda each: (
            each.io_group != volume.io_group,
            each.node_id != preferred_node,
            each.node,
            each.address,
        ),
    )
    return Connection(
        volume_uid=volume.uid,
        lun=mapping.lun,
        targets=tuple(
            Target(portal=f"[{each.address}]:{port}" if ":" in each.address else f"{each.address}:{port}", iqn=each.iqn)
            for each in ordered
        ),
    )


SECRET_TYPE = "servicebinding.io/iscsi"  # noqa: S105 - a type, not a secret

_CLASSIFIED = {"type": "iscsi", "provider": "flashsystem.io"}
_MANAGED = {"app.kubernetes.io/managed-by": "flashsystem-operator"}


@dataclass(frozen=True, slots=True)
class Chap:
    """The login of the initiator at the array."""

    username: str
    password: str = field(repr=False)


def login_of(host: FlashSystemHost, status: AttachmentStatus, desired: Desired, inventory: Inventory) -> Chap | None:
    """The login that the array accepts from the host now. The user name is the name of the initiator."""
    if status.host is None or status.host.name is None:
        return None
    secret = host_settings.chap_in_force(host, HostName(status.host.name), desired, inventory)
    return Chap(host.spec.initiators.iscsi[0], secret.text) if secret else None


def secret_entries(connection: Connection, chap: Chap | None) -> dict[str, str]:
    """All entries of the Secret, not encoded."""
    found = properties(connection, chap)
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
    for_kubelet: dict[str, str] = {}
    if chap is not None:
        for_kubelet = {"node.session.auth.username": chap.username, "node.session.auth.password": chap.password}
    return {**flat, **for_kubelet, **_CLASSIFIED, "connection_properties": json.dumps(found)}


def properties(connection: Connection, chap: Chap | None) -> dict[str, Any]:
    """The connection in the shape of Cinder's `data`, which os-brick takes unchanged."""
    targets = connection.targets
    first = {"target_portal": targets[0].portal, "target_iqn": targets[0].iqn} if targets else {}
    shape = {
        "target_discovered": False,
        **first,
        "target_lun": connection.lun,
        "volume_id": connection.volume_uid,
        "target_portals": [each.portal for each in targets],
        "target_iqns": [each.iqn for each in targets],
        "target_luns": [connection.lun] * len(targets),
    }
    found = {key: value for key, value in shape.items() if value is not None}
    if chap is None:
        return found
    return found | {"auth_method": "CHAP", "auth_username": chap.username, "auth_password": chap.password}


def secret_body(attachment: VolumeAttachment, name: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The whole Secret. The cluster's garbage collector deletes it after the attachment."""
    meta = attachment.metadata
    return {
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": _MANAGED,
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": attachment.KIND.value,
                    "name": meta.name,
                    "uid": meta.uid,
                    "controller": True,
                }
            ],
        },
        "type": SECRET_TYPE,
        "data": encoded(wanted),
    }


def encoded(wanted: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in wanted.items()}


def login_in(found: Mapping[str, Any]) -> Chap | None:
    """The login in a Secret of ours; None if it has none, or it cannot be read."""
    data = found.get("data") or {}
    try:
        username, password = (base64.b64decode(data[key]).decode() for key in ("auth_username", "auth_password"))
    except (KeyError, ValueError):
        return None
    return Chap(username, password) if username and password else None


def is_our_secret(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    """Whether a Secret was created for this attachment, not for a former one of the same name."""
    uid, owners = attachment.metadata.uid, filter(_is_attachment, _owners(found))
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)


def is_left_over(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    """Whether it was created for a former attachment of the same name, and is removed by the cluster."""
    name = attachment.metadata.name
    return any(_is_attachment(owner) and owner.get("name") == name for owner in _owners(found))


def cannot_be_changed(found: Mapping[str, Any]) -> bool:
    """Whether it has to be created again to be corrected: its type cannot change, nor anything of an immutable one."""
    return found.get("type") != SECRET_TYPE or bool(found.get("immutable"))


def _is_attachment(owner: Mapping[str, Any]) -> bool:
    """Whether the owner is of our kind, in any version: others may have a kind of this name, or a wrong uid."""
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    return (group, owner.get("kind")) == (GROUP, Kind.ATTACHMENT.value)


def _owners(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return found.get("metadata", {}).get("ownerReferences") or []


OWNER = "flashsystem.io/attachment-uid"
"""The label that proves for which attachment it was created."""

_DIGEST, _SIZE = "flashsystem.io/made-of", "flashsystem.io/capacity"
_ATTACHMENT = "flashsystem.io/attachment"
_UNUSED = ("Released", "Failed")


def persistent_volume_name(attachment: VolumeAttachment) -> str:
    return f"fsattach-{attachment.metadata.uid}"


def volume_body(
    attachment: VolumeAttachment, status: AttachmentStatus, found: Mapping[str, Any] | None, chap_secret: str | None
) -> dict[str, Any] | None:
    """The whole PersistentVolume, or None while there is no connection. found: the existing one.

    chap_secret: the Secret with the login, if the array requires one.
    """
    wanted, connection, volume = attachment.spec.persistent_volume, status.connection, status.volume
    if wanted is None or connection is None or volume is None or not volume.capacity:
        return None
    meta, present = attachment.metadata, ((found or {}).get("spec", {}).get("iscsi") or {}).get("iqn")
    made_of: dict[str, Any] = {
        "accessModes": [mode.value for mode in wanted.access_modes],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": wanted.storage_class_name,
        "volumeMode": wanted.volume_mode.value,
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": meta.namespace,
            "name": wanted.claim_ref.name,
        },
        "iscsi": _source(wanted, connection, present, meta.namespace, chap_secret),
    }
    if wanted.mount_options:
        made_of["mountOptions"] = list(wanted.mount_options)
    if wanted.node_hostnames:
        hostnames = {"key": "kubernetes.io/hostname", "operator": "In", "values": sorted(wanted.node_hostnames)}
        made_of["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostnames]}]}}
    return {
        "metadata": {
            "name": persistent_volume_name(attachment),
            "labels": {"app.kubernetes.io/managed-by": "flashsystem-operator", OWNER: meta.uid},
            "annotations": {
                _DIGEST: hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32],
                _SIZE: volume.capacity,
                _ATTACHMENT: f"{meta.namespace}/{meta.name}",
            },
        },
        "spec": {"capacity": {"storage": volume.capacity}, **made_of},
    }


def is_our_volume(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(OWNER) == attachment.metadata.uid)


def may_have_persistent_volume(attachment: VolumeAttachment) -> bool:
    return bool(attachment.spec.persistent_volume or attachment.status.persistent_volume)


def may_be_in_use(desired: Desired, due: Iterable[ObjectRef]) -> tuple[VolumeAttachment, ...]:
    """The deleted attachments whose PersistentVolumes have to be checked for use.

    Also attachments that are not due, of volumes that others of `due` leave: several may share one mapping.
    """
    leaving = {ref: each for ref in due if (each := desired.attachments.get(ref)) and each.metadata.deleting}
    volumes = {each.status.volume.uid for each in leaving.values() if each.status.volume and each.status.volume.uid}
    further = (each for uid in volumes for each in desired.leaving(uid))
    return tuple(
        each for each in (leaving | {each.ref: each for each in further}).values() if may_have_persistent_volume(each)
    )


def is_in_use(found: Mapping[str, Any]) -> bool:
    """Whether a claim is bound to it or is being bound."""
    phase = found.get("status", {}).get("phase")
    claimed = bool((found["spec"].get("claimRef") or {}).get("uid"))
    return phase == "Bound" or (claimed and phase not in _UNUSED)


def is_up_to_date(found: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether it has the content of `body`, and a claim is or can be bound to it.

    A volume that grew under a bound claim is used as before: Kubernetes uses the capacity for binding only.
    """
    made_of, now = found["metadata"].get("annotations") or {}, body["metadata"]["annotations"]
    spent = found.get("status", {}).get("phase") in _UNUSED or found["metadata"].get("deletionTimestamp")
    same_size = made_of.get(_SIZE) == now[_SIZE] or is_in_use(found)
    return made_of.get(_DIGEST) == now[_DIGEST] and same_size and not spent


def _source(
    wanted: PersistentVolume, connection: Connection, present: str | None, namespace: str, chap_secret: str | None
) -> dict[str, Any]:
    # A node that is online again is no reason to stop using the present one.
    iqns = [each.iqn for each in connection.targets]
    iqn = present if present in iqns else iqns[0]
    first, *others = [each.portal for each in connection.targets if each.iqn == iqn]
    source: dict[str, Any] = {"targetPortal": first, "iqn": iqn, "lun": connection.lun}
    if others:
        source["portals"] = others
    if wanted.volume_mode is VolumeMode.FILESYSTEM:
        source["fsType"] = wanted.fs_type
    if wanted.read_only:
        source["readOnly"] = True
    if chap_secret:
        source |= {"chapAuthSession": True, "secretRef": {"name": chap_secret, "namespace": namespace}}
    return source


AGAIN = 10.0
"""Seconds until the operator checks again whether a claim still uses a volume: claims are not watched."""


def noted(attachment: VolumeAttachment, status: AttachmentStatus, notes: Iterable[Note], now: str) -> AttachmentStatus:
    """The status with these notes among its conditions."""
    before, generation = attachment.status.conditions, attachment.metadata.generation
    more = tuple(condition(note.kind, "True", note.reason, note.message, before, generation, now) for note in notes)
    return status.model_copy(update={"conditions": (*status.conditions, *more)}) if more else status


def secret_of_others(namespace: str, name: str, *, left_over: bool) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_CONFLICT,
        f"There is a Secret {namespace}/{name} that was not created for this VolumeAttachment. It is left unchanged. "
        + (
            "It belongs to a former one of the same name, and the cluster removes it."
            if left_over
            else "Remove it, or give spec.connectionSecret another name."
        ),
    )


def secret_leaving(namespace: str, name: str, finalizers: Collection[str]) -> Note:
    keeper = f", but {listed(finalizers)} in its metadata.finalizers keeps it" if finalizers else ""
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_LEAVING,
        f"Secret {namespace}/{name} is being deleted{keeper}. It is created again when it is gone; until then its "
        "content stays as it was. Ask the owner of that finalizer.",
    )


def secret_forbidden(namespace: str, name: str) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_FORBIDDEN,
        f"The operator may not write Secret {namespace}/{name}. Bind ClusterRole "
        "flashsystem-operator-connection-secrets to its service account with a RoleBinding in namespace "
        f"{namespace}, as manifests/components/connection-secrets does. If that is done, a quota or an admission rule "
        "of the cluster forbids it.",
    )


def secret_without_login(host: ObjectRef, namespace: str, name: str) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.HOST_NOT_READY,
        f"Secret {namespace}/{name} does not exist, and is not created while the array does not have the CHAP secret "
        f"of {host}: a login with it would fail. See the conditions of that host.",
    )


def volume_needs_secret() -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_NEEDS_SECRET,
        "The host logs in with CHAP, and nodes take the login from a Secret. Set spec.connectionSecret; the "
        "PersistentVolume then names that Secret.",
    )


def volume_forbidden(name: str, detail: str) -> Note:
    return Note("PersistentVolumeBlocked", Reason.PERSISTENT_VOLUME_FORBIDDEN, _forbidden(name, detail))


def volume_of_others(name: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_CONFLICT,
        f"There is a PersistentVolume {name} that the operator did not create. It is left unchanged. Remove it.",
    )


def volume_refused(detail: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_REFUSED,
        f"Kubernetes refuses the PersistentVolume: {detail}. Correct spec.persistentVolume; values that come from the "
        "array (target name, portal) have to be corrected there, or the machine logs in without Kubernetes.",
    )


def volume_lun_too_high(lun: int) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_REFUSED,
        f"The volume is attached at LUN {lun}, and a PersistentVolume cannot have a LUN above "
        f"{MAX_PERSISTENT_VOLUME_LUN}. Delete this attachment and create it again without spec.lun: it then gets a "
        "lower one.",
    )


def volume_outdated(name: str, claim: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_OUTDATED,
        f"PersistentVolume {name} no longer matches the connection of the volume, or the spec. Kubernetes does not "
        f"allow changes of it, and claim {claim} is bound to it. Stop the pods that use the claim, delete the claim, "
        "and create it again: the PersistentVolume is created again in between, and the data stays.",
    )


def volume_stays(name: str, claim: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_IN_USE,
        f"PersistentVolume {name} is removed when claim {claim} is no longer bound to it: stop the pods that use "
        "the claim, and delete it.",
    )


def volume_in_use(name: str, claim: str) -> Wait:
    """Why a deleted attachment stays."""
    return Wait(
        Reason.PERSISTENT_VOLUME_IN_USE,
        f"The volume stays mapped while claim {claim} is bound to PersistentVolume {name}. Stop the pods that use the "
        "claim, and delete it.",
        retry=AGAIN,
    )


def volume_unknown(name: str, detail: str) -> Wait:
    """Why a deleted attachment stays."""
    return Wait(
        Reason.PERSISTENT_VOLUME_FORBIDDEN,
        f"The operator cannot see whether a claim uses the volume, so it stays mapped. {_forbidden(name, detail)}",
        retry=AGAIN,
    )


def _forbidden(name: str, detail: str) -> str:
    return (
        f"The operator may not do what it needs to with PersistentVolume {name}: {detail}. Add "
        "manifests/components/persistent-volumes to the kustomization that installs the operator; or remove "
        "spec.persistentVolume."
    )
