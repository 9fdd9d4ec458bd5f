"""The decisions about an object, and their reasons.

    Decision
    ├── InSync     the array is in sync with the spec
    ├── Act        these steps change the array
    ├── Wait       something is under way, or another object must change first
    ├── Refuse     only a change of the spec or of the array helps
    └── Release    the object is being deleted and nothing holds it any longer

A reason is named by what should be done about it. Messages are whole sentences that contain the remedy.
"""

from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.array.commands import Step


class Reason(StrEnum):
    """Every reason that a condition of ours can have."""

    # In sync.
    READY = "Ready"
    ATTACHED = "Attached"
    NOT_NEEDED = "NotNeeded"

    # Under way: nothing needs to be done.
    PROGRESSING = "Progressing"
    DETACHING = "Detaching"
    HANDING_OVER = "HandingOver"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    FORMATTING = "Formatting"
    DELETING = "Deleting"
    DELETION_DELAYED = "DeletionDelayed"
    VOLUME_PROTECTED = "VolumeProtected"
    DETACH_RATE_LIMITED = "DetachRateLimited"

    # Held back by a user's annotation: remove it.
    PAUSED = "Paused"
    PLANNED = "Planned"
    RELEASED = "Released"

    # Look at another object.
    ARRAY_NOT_FOUND = "ArrayNotFound"
    ARRAY_NOT_READY = "ArrayNotReady"
    ARRAY_NOT_ALLOWED = "ArrayNotAllowed"
    ADOPTION_NOT_ALLOWED = "AdoptionNotAllowed"
    VOLUME_NOT_ALLOWED = "VolumeNotAllowed"
    VOLUME_CREATION_NOT_ALLOWED = "VolumeCreationNotAllowed"
    CAPACITY_EXCEEDED = "CapacityExceeded"
    PERSISTENT_VOLUME_NOT_ALLOWED = "PersistentVolumeNotAllowed"
    NAMESPACE_UNKNOWN = "NamespaceUnknown"
    NAMESPACED_INSTALLATION = "NamespacedInstallation"
    HOST_NOT_FOUND = "HostNotFound"
    HOST_NOT_READY = "HostNotReady"
    VOLUME_NOT_READY = "VolumeNotReady"
    PARENT_DELETING = "ParentDeleting"
    IN_USE = "InUse"
    WAITING_FOR_FINALIZERS = "WaitingForFinalizers"
    INITIATOR_HELD_BY = "InitiatorHeldBy"
    INITIATOR_CLAIMED = "InitiatorClaimed"
    PORT_LOGGED_IN = "PortLoggedIn"
    DETACH_BLOCKED = "DetachBlocked"
    DUPLICATE = "Duplicate"
    VOLUME_IN_USE = "VolumeInUse"
    IMPORT_CONFLICT = "ImportConflict"
    DUPLICATE_ARRAY = "DuplicateArray"
    PERSISTENT_VOLUME_IN_USE = "PersistentVolumeInUse"

    # Change the spec, or create on the array what it names.
    SPEC_UNREADABLE = "SpecUnreadable"
    VOLUME_NOT_FOUND = "VolumeNotFound"
    VOLUME_GONE = "VolumeGone"
    VOLUME_NOT_PROVEN = "VolumeNotProven"
    NAME_TAKEN = "NameTaken"
    POOL_DIFFERS = "PoolDiffers"
    REPLICATED = "Replicated"
    STILL_MAPPED = "StillMapped"
    HAS_DEPENDENTS = "HasDependents"
    VOLUME_MAPPED_ELSEWHERE = "VolumeMappedElsewhere"
    MULTI_HOST_MAPPING_FORBIDDEN = "MultiHostMappingForbidden"
    MAPPED_THROUGH_HOST_CLUSTER = "MappedThroughHostCluster"
    LUN_TAKEN = "LUNTaken"
    LUN_DIFFERS = "LUNDiffers"
    MISMATCHED_LUNS = "MismatchedLUNs"
    HOST_FULL = "HostFull"
    NOT_SUPPORTED = "NotSupported"
    PORTSET_NOT_FOUND = "PortsetNotFound"
    PORTSET_MISMATCH = "PortsetMismatch"
    IO_GROUP_NOT_FOUND = "IOGroupNotFound"
    MISSING_IO_GROUP = "MissingIOGroup"
    CHAP_SECRET_NOT_FOUND = "ChapSecretNotFound"  # noqa: S105 - a reason, not a secret
    CHAP_SECRET_FORBIDDEN = "ChapSecretForbidden"  # noqa: S105 - the name of a reason, not a secret
    CHAP_SECRET_INVALID = "ChapSecretInvalid"  # noqa: S105 - as above

    # The array was changed outside the operator: revert that on the array, or accept it.
    MAPPING_REMOVED = "MappingRemoved"
    LUN_CHANGED = "LUNChanged"
    SHARED_BEYOND_SPEC = "SharedBeyondSpec"
    HOST_REMOVED = "HostRemoved"
    PORTS_CHANGED = "PortsChanged"
    NAME_CHANGED = "NameChanged"
    SIZE_CHANGED = "SizeChanged"
    THROTTLE_CHANGED = "ThrottleChanged"

    # Put the array's hosts in order.
    CONFLICT = "Conflict"
    EXTRA_INITIATORS = "ExtraInitiators"
    MISSING_INITIATORS = "MissingInitiators"
    HOST_HOLDS_OTHER_MAPPINGS = "HostHoldsOtherMappings"
    HOST_DIFFERS = "HostDiffers"
    HOST_LOGGED_IN = "HostLoggedIn"
    IO_GROUP_IN_USE = "IOGroupInUse"

    # Look after the array, or the way to it.
    UNREACHABLE = "Unreachable"
    CREDENTIALS_NOT_FOUND = "CredentialsNotFound"
    CREDENTIALS_GONE = "CredentialsGone"
    CREDENTIALS_FORBIDDEN = "CredentialsForbidden"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    LOGIN_FAILED = "LoginFailed"
    HOST_KEY_MISMATCH = "HostKeyMismatch"
    OTHER_SYSTEM = "OtherSystem"
    OPEN_ACCESS_ON = "OpenAccessOn"
    POOL_NOT_FOUND = "PoolNotFound"
    POOL_OFFLINE = "PoolOffline"
    POOL_FULL = "PoolFull"
    NO_ONLINE_NODE = "NoOnlineNode"
    NO_USABLE_PORTAL = "NoUsablePortal"
    NEAR_LIMIT = "NearLimit"
    POOL_NEARLY_FULL = "PoolNearlyFull"
    VOLUME_OFFLINE = "VolumeOffline"
    VOLUME_DEGRADED = "VolumeDegraded"
    REFUSED_BY_ARRAY = "RefusedByArray"

    # Correct the outputs of an attachment in the cluster.
    SECRET_CONFLICT = "SecretConflict"  # noqa: S105 - a reason, not a password
    SECRET_LEAVING = "SecretLeaving"  # noqa: S105 - the same
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105 - the same
    PERSISTENT_VOLUME_FORBIDDEN = "PersistentVolumeForbidden"
    PERSISTENT_VOLUME_CONFLICT = "PersistentVolumeConflict"
    PERSISTENT_VOLUME_REFUSED = "PersistentVolumeRefused"
    PERSISTENT_VOLUME_OUTDATED = "PersistentVolumeOutdated"
    PERSISTENT_VOLUME_NEEDS_SECRET = "PersistentVolumeNeedsSecret"  # noqa: S105 - the same

    # Report it: it is a bug of the operator.
    UNREADABLE_ANSWER = "UnreadableAnswer"


OBSTRUCTED = frozenset(
    {
        Reason.HOST_NOT_READY,
        Reason.INITIATOR_HELD_BY,
        Reason.CONFLICT,
        Reason.HOST_HOLDS_OTHER_MAPPINGS,
        Reason.IO_GROUP_IN_USE,
        Reason.VOLUME_IN_USE,
        Reason.VOLUME_MAPPED_ELSEWHERE,
        Reason.LUN_TAKEN,
        Reason.HOST_FULL,
        Reason.POOL_FULL,
        Reason.NAME_TAKEN,
        Reason.STILL_MAPPED,
        Reason.CAPACITY_EXCEEDED,
    }
)
"""Reasons that may end when something is removed from the array."""


UNSEEN = frozenset({Reason.CHAP_SECRET_NOT_FOUND, Reason.CHAP_SECRET_FORBIDDEN, Reason.CHAP_SECRET_INVALID})
"""Reasons that a change of a Secret ends. Secrets are not watched, so they are read again periodically."""


@dataclass(frozen=True, slots=True)
class Note:
    """A further condition, such as Drifted, which is True for as long as decisions carry it."""

    kind: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class InSync:
    """Nothing is to be done. reason, message: of the condition Ready, which is True."""

    reason: Reason
    message: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Do these steps in this order. A later one is not done if an earlier one failed.

    warning: what the user should know about it.
    """

    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Something else has to happen first; that requeues the object, and no work is done until then.

    retry: seconds until the object is requeued, if no observed change would do it.
    steps: the steps that are held back, if any.
    """

    reason: Reason
    message: str
    notes: tuple[Note, ...] = ()
    retry: float | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not possible with the present spec and array. The message states what to change."""

    reason: Reason
    message: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """All objects of a deleted resource on the array were removed, or what is left is to stay.

    left: what stays, if anything. on: the host objects on which it stays, or which stay; not always those recorded.
    """

    left: str = ""
    notes: tuple[Note, ...] = ()
    on: tuple[str, ...] = ()


Decision = InSync | Act | Wait | Refuse | Release
