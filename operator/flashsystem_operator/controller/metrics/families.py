"""All metrics, as docs/monitoring.md lists them. Names, units and suffixes follow Prometheus' conventions.

No label is per attachment, host, volume or user, so that the number of series stays small. An array has at most 128
pools.
"""

from dataclasses import dataclass
from typing import Literal

ARRAY = ("array_namespace", "array")
"""The FlashSystemArray. Not `namespace`, which is Prometheus' label for the namespace of the pod."""

_LONG = (1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
_SHORT = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_PASS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. buckets: the upper bounds of a histogram, in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ARRAY
    buckets: tuple[float, ...] = ()


# -- counted when it happens, since this replica began to work the array -----------------------------------------------

ATTACH = Family(
    "flashsystem_attach_duration_seconds",
    "histogram",
    "From the creation of a VolumeAttachment until it was first reported Ready. All waits count, also restarts of the "
    "operator. The cluster records creations in whole seconds, so the value is up to one second too high.",
    buckets=_LONG,
)
DETACH = Family(
    "flashsystem_detach_duration_seconds",
    "histogram",
    "From the deletion of a VolumeAttachment until its mapping was seen to be gone and the object was released. All "
    "waits count, such as the detach guard and other finalizers. Up to one second too high, as for attaching.",
    buckets=_LONG,
)
COMMANDS = Family(
    "flashsystem_array_commands_total",
    "counter",
    "Commands of the array by verb and outcome: done, warned, absent (a read of an object that does not exist), "
    "refused, unreadable, unknown (the answer was lost) or not_sent. Verb `chain` is a line of several reads that "
    "failed as a whole.",
    (*ARRAY, "verb", "outcome"),
)
COMMAND = Family(
    "flashsystem_array_command_duration_seconds",
    "histogram",
    "From the request for an SSH channel until the complete answer, for each command line. Several reads in one line "
    "are one observation with verb `chain`.",
    (*ARRAY, "verb"),
    _SHORT,
)
ERRORS = Family(
    "flashsystem_array_errors_total",
    "counter",
    "Refusals and warnings of the array by their CMMVC code; `none` if there is no code. Of codes that the operator "
    "does not know, the first 20 of an array have a label; the others count as `other`. All are in the log.",
    (*ARRAY, "code"),
)
UNREADABLE = Family(
    "flashsystem_array_unreadable_answers_total",
    "counter",
    "Answers that the operator cannot parse. They are in the log; please report them.",
)
PASSES = Family(
    "flashsystem_passes_total",
    "counter",
    "Passes over the array: scope survey reads all of it, scope close what is due. Outcomes: done, array_down, "
    "cluster_error (the Kubernetes API refused or did not answer), stopped (by a stop or a lost Lease), bug.",
    (*ARRAY, "scope", "outcome"),
)
PASS = Family(
    "flashsystem_pass_duration_seconds",
    "histogram",
    "Duration of passes with any outcome: reading the array, sending commands, reading again, writing statuses.",
    (*ARRAY, "scope"),
    _PASS,
)
DRIFT_SEEN = Family(
    "flashsystem_drift_seen_total",
    "counter",
    "How often a change made outside the operator was found on the array.",
    (*ARRAY, "kind"),
)
DRIFT_CORRECTED = Family(
    "flashsystem_drift_corrected_total",
    "counter",
    "How often the operator corrected such a change.",
    (*ARRAY, "kind"),
)

# -- counted at each scrape: of the arrays that this replica works -----------------------------------------------------

OBJECTS = Family("flashsystem_objects", "gauge", "Objects by kind and condition Ready.", (*ARRAY, "kind", "ready"))
NOT_READY = Family(
    "flashsystem_not_ready_objects",
    "gauge",
    "Objects that are not Ready, by their reason. stalled: only a change of the spec or of the array helps.",
    (*ARRAY, "kind", "reason", "stalled"),
)
BLOCKED = Family(
    "flashsystem_detaches_blocked",
    "gauge",
    "Deleted attachments that the detach guard blocks: the host is still logged in.",
)
DRIFTED = Family(
    "flashsystem_drifted_objects",
    "gauge",
    "Objects with condition Drifted: the array was changed outside the operator, and the change is not corrected.",
    (*ARRAY, "kind", "reason"),
)
NOTED = Family(
    "flashsystem_condition_objects",
    "gauge",
    "Objects with a further condition, such as NearLimit, Paused, DetachRateLimited or ConnectionSecretBlocked. Such "
    "an object may be Ready.",
    (*ARRAY, "kind", "condition", "reason"),
)
QUARANTINED = Family(
    "flashsystem_quarantined_luns",
    "gauge",
    "LUNs in quarantine on all hosts: they were freed and are not used for another volume yet.",
)
LOGINS = Family(
    "flashsystem_host_sessions",
    "gauge",
    "iSCSI sessions of all FlashSystemHosts with the array, as of the last read.",
)
VOLUMES = Family(
    "flashsystem_volumes",
    "gauge",
    "Volumes of the array that belong to FlashSystemVolumes; origin: created by the operator, or imported.",
    (*ARRAY, "origin"),
)
VOLUME_BYTES = Family(
    "flashsystem_volumes_provisioned_bytes",
    "gauge",
    "The sum of the sizes of these volumes, as their hosts see them.",
    (*ARRAY, "origin"),
)
POOL_CAPACITY = Family(
    "flashsystem_pool_capacity_bytes",
    "gauge",
    "Capacity of each pool of the array, as of the last read. Pools are read while the array has FlashSystemVolumes.",
    (*ARRAY, "pool"),
)
POOL_FREE = Family("flashsystem_pool_free_bytes", "gauge", "Free capacity of the pool.", (*ARRAY, "pool"))
POOL_USED = Family(
    "flashsystem_pool_used_bytes",
    "gauge",
    "Capacity of the pool that data takes, as the array counts it.",
    (*ARRAY, "pool"),
)
POOL_PROVISIONED = Family(
    "flashsystem_pool_provisioned_bytes",
    "gauge",
    "The sum of the sizes of all volumes of the pool, also of those that the operator does not manage.",
    (*ARRAY, "pool"),
)
REACHABLE = Family("flashsystem_array_reachable", "gauge", "1 if the array was read at the last attempt, 0 if not.")
CONTACT = Family(
    "flashsystem_array_last_contact_timestamp_seconds",
    "gauge",
    "When the array last answered a command, in seconds since 1970. `time() - ` this value is the time since then.",
)
INFO = Family(
    "flashsystem_array_info",
    "gauge",
    "Always 1; the labels identify the system. Join it with other metrics on the array's labels.",
    (*ARRAY, "system_id", "product", "code_level", "dialect"),
)
SESSIONS = Family("flashsystem_array_ssh_sessions", "gauge", "SSH connections of the operator to the array.")
DUE = Family(
    "flashsystem_queue_due_objects",
    "gauge",
    "Depth of the queue: objects that are due and that no pass has taken yet. With empty labels: unassigned objects.",
)
SCHEDULED = Family(
    "flashsystem_queue_scheduled_objects", "gauge", "Objects that are due later: the next survey, back-off, waits."
)
OLDEST = Family(
    "flashsystem_queue_oldest_due_seconds",
    "gauge",
    "How long the oldest due object has been due; 0 if none is.",
)
RUNNING = Family(
    "flashsystem_pass_running_seconds", "gauge", "How long the current pass has been under way; 0 if there is none."
)
LEASE = Family(
    "flashsystem_lease_held",
    "gauge",
    "1 on the replica that works the array. The sum over all replicas should be 1. With empty labels: the Lease for "
    "unassigned objects.",
)
BUILD = Family("flashsystem_build_info", "gauge", "Always 1; the label is the release of the operator.", ("version",))

FAMILIES = (
    ATTACH,
    DETACH,
    COMMANDS,
    COMMAND,
    ERRORS,
    UNREADABLE,
    PASSES,
    PASS,
    DRIFT_SEEN,
    DRIFT_CORRECTED,
    OBJECTS,
    NOT_READY,
    BLOCKED,
    DRIFTED,
    NOTED,
    QUARANTINED,
    LOGINS,
    VOLUMES,
    VOLUME_BYTES,
    POOL_CAPACITY,
    POOL_FREE,
    POOL_USED,
    POOL_PROVISIONED,
    REACHABLE,
    CONTACT,
    INFO,
    SESSIONS,
    DUE,
    SCHEDULED,
    OLDEST,
    RUNNING,
    LEASE,
    BUILD,
)
