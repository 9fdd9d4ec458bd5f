"""The PersistentVolume of an attachment: what stands in it, whose it is, and whether somebody uses it.

Kubernetes' iSCSI volumes have one target name. Where each node of the array has its own, only the portals of one node
can be told: a login to another node's portal under this name would fail.

Its source cannot be changed once it is made. So what it was made of is kept as a digest, and one that differs is made
anew, but never while it is bound.

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
"""The label that proves for which attachment it was made."""

_DIGEST, _SIZE = "flashsystem.io/made-of", "flashsystem.io/capacity"
_ATTACHMENT = "flashsystem.io/attachment"
_UNUSED = ("Released", "Failed")


def name_of(attachment: VolumeAttachment) -> str:
    return f"fsattach-{attachment.metadata.uid}"


def body(
    attachment: VolumeAttachment, said: AttachmentStatus, found: Mapping[str, Any] | None, chap_secret: str | None
) -> dict[str, Any] | None:
    """The whole PersistentVolume, or None while there is nothing to be told. found: the one that is there.

    chap_secret: the Secret with the login, if the array asks for one.
    """
    wished, connection, volume = attachment.spec.persistent_volume, said.connection, said.volume
    if wished is None or connection is None or volume is None or not volume.capacity:
        return None
    meta = attachment.metadata
    made_of = {
        **_as_wished(wished, meta.namespace),
        "iscsi": _source(wished, connection, _target(found), meta.namespace, chap_secret),
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


def is_ours(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(OWNER) == attachment.metadata.uid)


def may_have_one(attachment: VolumeAttachment) -> bool:
    return bool(attachment.spec.persistent_volume or attachment.status.persistent_volume)


def may_be_in_use(desired: Desired, due: Iterable[ObjectRef]) -> tuple[VolumeAttachment, ...]:
    """The deleted attachments of whose PersistentVolumes it matters whether they are in use.

    Also those whose turn has not come, of volumes that others of `due` leave: one mapping may be that of several.
    """
    leaving = {ref: each for ref in due if (each := desired.attachments.get(ref)) and each.metadata.deleting}
    volumes = {each.status.volume.uid for each in leaving.values() if each.status.volume and each.status.volume.uid}
    beside = (each for uid in volumes for each in desired.leaving(uid))
    return tuple(each for each in (leaving | {each.ref: each for each in beside}).values() if may_have_one(each))


def is_in_use(found: Mapping[str, Any]) -> bool:
    """Whether a claim is bound to it, or just being bound."""
    phase = found.get("status", {}).get("phase")
    claimed = bool((found["spec"].get("claimRef") or {}).get("uid"))
    return phase == "Bound" or (claimed and phase not in _UNUSED)


def is_as_wished(found: Mapping[str, Any], wished: Mapping[str, Any]) -> bool:
    """Whether it was made of the same, and a claim can be bound to it, or is.

    A volume that grew under a bound claim is used as before; what Kubernetes calls its capacity is only for binding.
    """
    made_of, now = found["metadata"].get("annotations") or {}, wished["metadata"]["annotations"]
    spent = found.get("status", {}).get("phase") in _UNUSED or found["metadata"].get("deletionTimestamp")
    same_size = made_of.get(_SIZE) == now[_SIZE] or is_in_use(found)
    return made_of.get(_DIGEST) == now[_DIGEST] and same_size and not spent


def _as_wished(wished: PersistentVolume, namespace: str) -> dict[str, Any]:
    """What follows from spec.persistentVolume alone."""
    spec: dict[str, Any] = {
        "accessModes": [mode.value for mode in wished.access_modes],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": wished.storage_class_name,
        "volumeMode": wished.volume_mode.value,
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": wished.claim_ref.name,
        },
    }
    if wished.mount_options:
        spec["mountOptions"] = list(wished.mount_options)
    if wished.node_hostnames:
        hostnames = {"key": "kubernetes.io/hostname", "operator": "In", "values": sorted(wished.node_hostnames)}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostnames]}]}}
    return spec


def _source(
    wished: PersistentVolume, connection: Connection, present: str | None, namespace: str, chap_secret: str | None
) -> dict[str, Any]:
    # A node of the array that is back is no reason to leave the one that is used.
    iqns = [each.iqn for each in connection.targets]
    iqn = present if present in iqns else iqns[0]
    first, *others = [each.portal for each in connection.targets if each.iqn == iqn]
    source: dict[str, Any] = {"targetPortal": first, "iqn": iqn, "lun": connection.lun}
    if others:
        source["portals"] = others
    if wished.volume_mode is VolumeMode.FILESYSTEM:
        source["fsType"] = wished.fs_type
    if wished.read_only:
        source["readOnly"] = True
    if chap_secret:
        source |= {"chapAuthSession": True, "secretRef": {"name": chap_secret, "namespace": namespace}}
    return source


def _target(found: Mapping[str, Any] | None) -> str | None:
    return ((found or {}).get("spec", {}).get("iscsi") or {}).get("iqn")


def _digest(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:32]
