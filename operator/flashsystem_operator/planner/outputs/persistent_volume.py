"""The PersistentVolume of an attachment: its content, its owner, and whether it is in use.

Kubernetes' iSCSI volumes have one target name. If each node of the array has its own, only the portals of one node
can be listed: a login to another node's portal with this name would fail.

Kubernetes does not allow changes of its source. So a digest of its content is kept, and a PersistentVolume that differs
is created again, but never while it is bound.

Source: Kubernetes API, PersistentVolumeSpec and ISCSIPersistentVolumeSource; kubelet's iSCSI plugin.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from flashsystem_operator.api.attachment import (
    AttachmentStatus,
    Connection,
    PersistentVolume,
    VolumeAttachment,
    VolumeMode,
)
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.planner.desired import Desired

OWNER = "flashsystem.io/attachment-uid"
"""The label that proves for which attachment it was created."""

_DIGEST, _SIZE = "flashsystem.io/made-of", "flashsystem.io/capacity"
_ATTACHMENT = "flashsystem.io/attachment"
_UNUSED = ("Released", "Failed")


def name_of(attachment: VolumeAttachment) -> str:
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
    meta = attachment.metadata
    made_of = {
        **_spec_of(wanted, meta.namespace),
        "iscsi": _source(wanted, connection, _target(found), meta.namespace, chap_secret),
    }
    return {
        "metadata": {
            "name": name_of(attachment),
            "labels": {"app.kubernetes.io/managed-by": "flashsystem-operator", OWNER: meta.uid},
            "annotations": {
                _DIGEST: _digest(made_of),
                _SIZE: volume.capacity,
                _ATTACHMENT: f"{meta.namespace}/{meta.name}",
            },
        },
        "spec": {"capacity": {"storage": volume.capacity}, **made_of},
    }


def is_our_volume(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(OWNER) == attachment.metadata.uid)


def may_have_one(attachment: VolumeAttachment) -> bool:
    return bool(attachment.spec.persistent_volume or attachment.status.persistent_volume)


def may_be_in_use(desired: Desired, due: Iterable[ObjectRef]) -> tuple[VolumeAttachment, ...]:
    """The deleted attachments whose PersistentVolumes have to be checked for use.

    Also attachments that are not due, of volumes that others of `due` leave: several may share one mapping.
    """
    leaving = {ref: each for ref in due if (each := desired.attachments.get(ref)) and each.metadata.deleting}
    volumes = {each.status.volume.uid for each in leaving.values() if each.status.volume and each.status.volume.uid}
    further = (each for uid in volumes for each in desired.leaving(uid))
    return tuple(each for each in (leaving | {each.ref: each for each in further}).values() if may_have_one(each))


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


def _spec_of(wanted: PersistentVolume, namespace: str) -> dict[str, Any]:
    """The fields of the spec that follow from spec.persistentVolume alone."""
    spec: dict[str, Any] = {
        "accessModes": [mode.value for mode in wanted.access_modes],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": wanted.storage_class_name,
        "volumeMode": wanted.volume_mode.value,
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": wanted.claim_ref.name,
        },
    }
    if wanted.mount_options:
        spec["mountOptions"] = list(wanted.mount_options)
    if wanted.node_hostnames:
        hostnames = {"key": "kubernetes.io/hostname", "operator": "In", "values": sorted(wanted.node_hostnames)}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostnames]}]}}
    return spec


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


def _target(found: Mapping[str, Any] | None) -> str | None:
    return ((found or {}).get("spec", {}).get("iscsi") or {}).get("iqn")


def _digest(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:32]
