"""Reasons that attachments give for the Secret and the PersistentVolume that are kept beside them."""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    Reason.SECRET_CONFLICT: Entry(
        "attachment",
        "there is a Secret of that name that was not made for this attachment",
        "remove it, or give `connectionSecret` another name",
    ),
    Reason.SECRET_LEAVING: Entry(
        "attachment",
        "the Secret of `connectionSecret` is being deleted, and somebody else's finalizer keeps it",
        "see to whoever put that finalizer there; the Secret is then made anew",
    ),
    Reason.SECRET_FORBIDDEN: Entry(
        "attachment",
        "the operator may not write Secrets in the namespace",
        "bind ClusterRole `flashsystem-operator-connection-secrets` there, as "
        "`manifests/components/connection-secrets` does",
    ),
    Reason.PERSISTENT_VOLUME_NOT_ALLOWED: Entry(
        "attachment",
        "`persistentVolumes` of the array is `Forbidden`",
        "ask whoever keeps the array, or remove `persistentVolume`",
    ),
    Reason.PERSISTENT_VOLUME_FORBIDDEN: Entry(
        "attachment",
        "the operator may not read, make or delete PersistentVolumes",
        "add `manifests/components/persistent-volumes` to the kustomization that installs the operator",
    ),
    Reason.PERSISTENT_VOLUME_IN_USE: Entry(
        "attachment",
        "a claim is bound to the PersistentVolume, which is to go, with the attachment or without it",
        "stop the pods that use the claim, and delete it",
    ),
    Reason.PERSISTENT_VOLUME_CONFLICT: Entry(
        "attachment", "there is a PersistentVolume of that name that the operator did not make", "remove it"
    ),
    Reason.PERSISTENT_VOLUME_REFUSED: Entry(
        "attachment",
        "Kubernetes does not take the PersistentVolume; its words are in the message",
        "correct `persistentVolume`; where the LUN is above 255, delete the attachment and create it again: it then "
        "gets a lower one; a short `naa.` name cannot be in one",
    ),
    Reason.PERSISTENT_VOLUME_OUTDATED: Entry(
        "attachment",
        "the PersistentVolume is bound, and does not say any more how the volume is reached",
        "stop the pods, delete the claim and make it again: the PersistentVolume is made anew in between, and the "
        "data stays",
    ),
    Reason.PERSISTENT_VOLUME_NEEDS_SECRET: Entry(
        "attachment",
        "the host logs in with CHAP, and nodes take the login from a Secret",
        "set `connectionSecret` too",
    ),
}
