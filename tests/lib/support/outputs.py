"""The outputs of attachments in the cluster, as a user sees them: Secrets, PersistentVolumes, claims."""

import base64
from http import HTTPStatus
from typing import Any

from cluster.api import Refused, path_to
from support.stand import ATTACHMENTS, Stand

VOLUMES = path_to("v1", "persistentvolumes")


def found(stand: Stand, path: str) -> Any:
    """What the API server answers, None if there is no such object."""
    try:
        return stand.cluster.api.get(path)
    except Refused as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return None


def secret_path(stand: Stand, name: str) -> str:
    return path_to("v1", "secrets", name, stand.namespace)


def secret(stand: Stand, name: str) -> dict[str, str] | None:
    """The entries of a Secret, in clear."""
    there = found(stand, secret_path(stand, name))
    return there and {key: base64.b64decode(value).decode() for key, value in there.get("data", {}).items()}


def version(stand: Stand, name: str) -> str:
    """What changes at each write to the Secret."""
    return str(stand.cluster.api.get(secret_path(stand, name))["metadata"]["resourceVersion"])


def volume(stand: Stand, name: str = "one") -> Any:
    """The PersistentVolume of an attachment, by the name that follows from its uid."""
    return found(stand, f"{VOLUMES}/fsattach-{stand.get(ATTACHMENTS, name)['metadata']['uid']}")


def claim(stand: Stand, name: str, size: str = "1Gi") -> None:
    """A claim as a user writes it, for a volume that was made for it."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "resources": {"requests": {"storage": size}},
    }
    meta = {"name": name, "namespace": stand.namespace}
    stand.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec})


def unclaim(stand: Stand, name: str) -> None:
    stand.cluster.api.delete(path_to("v1", "persistentvolumeclaims", name, stand.namespace))
