"""Conditions about the outputs of an attachment: the connection Secret and the PersistentVolume.

They do not affect the mapping, which is Ready anyway.
"""

from collections.abc import Collection, Iterable

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.planner.decision import Note, Reason, Wait
from flashsystem_operator.planner.text import condition, listed
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN

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
