"""What is said of the Secret and the PersistentVolume that are kept beside an attachment, when they cannot be.

Neither says anything about the mapping, which is Ready all the same.
"""

from collections.abc import Collection, Iterable

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.planner.conditions import condition
from flashsystem_operator.planner.decision import Note, Reason, Wait
from flashsystem_operator.planner.text import listed
from flashsystem_operator.values import MAX_PERSISTENT_VOLUME_LUN

AGAIN = 10.0
"""Seconds after which a claim is asked again whether it still uses a volume: nobody tells us when it lets go."""


def noted(attachment: VolumeAttachment, said: AttachmentStatus, notes: Iterable[Note], now: str) -> AttachmentStatus:
    """The status with these notes among its conditions."""
    before, generation = attachment.status.conditions, attachment.metadata.generation
    more = tuple(condition(note.kind, "True", note.reason, note.message, before, generation, now) for note in notes)
    return said.model_copy(update={"conditions": (*said.conditions, *more)}) if more else said


def secret_of_others(namespace: str, name: str, *, left_over: bool) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_CONFLICT,
        f"There is a Secret {namespace}/{name} that was not made for this VolumeAttachment. It is left as it is. "
        + (
            "It belongs to one of the same name before, and the cluster removes it."
            if left_over
            else "Remove it, or give spec.connectionSecret another name."
        ),
    )


def secret_leaving(namespace: str, name: str, finalizers: Collection[str]) -> Note:
    whom = f", but {listed(finalizers)} among its metadata.finalizers keeps it" if finalizers else ""
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_LEAVING,
        f"Secret {namespace}/{name} is being deleted{whom}. It is made anew when it is gone; until then it says what "
        "it said before. See to whoever put that finalizer there.",
    )


def secret_forbidden(namespace: str, name: str) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.SECRET_FORBIDDEN,
        f"The operator may not write Secret {namespace}/{name}. Bind ClusterRole "
        "flashsystem-operator-connection-secrets to its service account with a RoleBinding in namespace "
        f"{namespace}, as manifests/components/connection-secrets does. If that is done, a quota or an admission rule "
        "of the cluster is against it.",
    )


def secret_without_login(host: ObjectRef, namespace: str, name: str) -> Note:
    return Note(
        "ConnectionSecretBlocked",
        Reason.HOST_NOT_READY,
        f"Secret {namespace}/{name} is not there, and is not made while the array does not ask for the CHAP secret "
        f"that {host} wishes: nobody could log in with it. See the conditions of that.",
    )


def volume_needs_secret() -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_NEEDS_SECRET,
        "The host logs in with CHAP, and nodes take the login from a Secret. Set spec.connectionSecret; the "
        "PersistentVolume then names that Secret.",
    )


def volume_forbidden(name: str, words: str) -> Note:
    return Note("PersistentVolumeBlocked", Reason.PERSISTENT_VOLUME_FORBIDDEN, _forbidden(name, words))


def volume_of_others(name: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_CONFLICT,
        f"There is a PersistentVolume {name} that the operator did not make. It is left as it is. Remove it.",
    )


def volume_refused(words: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_REFUSED,
        f"Kubernetes does not take the PersistentVolume: {words}. Correct spec.persistentVolume; what follows from the "
        "array (target name, portal) has to be corrected there, or the machine logs in without Kubernetes.",
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
        f"PersistentVolume {name} does not say any more how the volume is reached, or what is wished of it. Kubernetes "
        f"lets nobody change it, and claim {claim} is bound to it. Stop the pods that use the claim, delete the claim, "
        "and make it again: the PersistentVolume is made anew in between, and the data stays.",
    )


def volume_stays(name: str, claim: str) -> Note:
    return Note(
        "PersistentVolumeBlocked",
        Reason.PERSISTENT_VOLUME_IN_USE,
        f"PersistentVolume {name} is removed when claim {claim} is not bound to it any more: stop the pods that use "
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


def volume_unknown(name: str, words: str) -> Wait:
    """Why a deleted attachment stays."""
    return Wait(
        Reason.PERSISTENT_VOLUME_FORBIDDEN,
        f"Whether a claim uses the volume cannot be seen, so it stays mapped. {_forbidden(name, words)}",
        retry=AGAIN,
    )


def _forbidden(name: str, words: str) -> str:
    return (
        f"The operator may not do what it needs to with PersistentVolume {name}: {words}. Add "
        "manifests/components/persistent-volumes to the kustomization that installs the operator; or remove "
        "spec.persistentVolume."
    )
