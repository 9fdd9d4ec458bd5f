"""Every metric, as docs/monitoring.md lists it. Names, units and suffixes follow Prometheus' conventions.

No label is by attachment, by host, by volume or by user: whatever their number, the series stay few.
"""

from dataclasses import dataclass
from typing import Literal

ARRAY = ("array_namespace", "array")
"""The FlashSystemArray. Not `namespace`, which is what Prometheus calls the one of the pod."""

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


# -- kept as things happen, since this replica began to work the array -------------------------------------------------

ATTACH = Family(
    "flashsystem_attach_duration_seconds",
    "histogram",
    "From the creation of a VolumeAttachment until it was first said to be Ready. Whatever it waited for counts, "
    "restarts of the operator too. The cluster notes creations in whole seconds, so it is up to one second too much.",
    buckets=_LONG,
)
DETACH = Family(
    "flashsystem_detach_duration_seconds",
    "histogram",
    "From the deletion of a VolumeAttachment until its mapping was seen to be gone and the object was let go. Whatever "
    "it waited for counts, as the guard and other finalizers. Up to one second too much, as for attaching.",
    buckets=_LONG,
)
COMMANDS = Family(
    "flashsystem_array_commands_total",
    "counter",
    "Commands of the array by verb and how they ended: done, warned, absent (a look at what is not there), refused, "
    "unreadable, unknown (the answer was lost) or not_sent. Verb `chain` is a line of several looks that failed whole.",
    (*ARRAY, "verb", "outcome"),
)
COMMAND = Family(
    "flashsystem_array_command_duration_seconds",
    "histogram",
    "From asking the array for a channel until the whole answer was there, for each line typed. Several looks in one "
    "line are one observation with verb `chain`.",
    (*ARRAY, "verb"),
    _SHORT,
)
ERRORS = Family(
    "flashsystem_array_errors_total",
    "counter",
    "Refusals and warnings of the array by their CMMVC code; `none` where it gave none. Of codes that the operator "
    "does not know the first 20 of an array are told apart; the others are `other`, and all are in the log.",
    (*ARRAY, "code"),
)
UNREADABLE = Family(
    "flashsystem_array_unreadable_answers_total",
    "counter",
    "Answers that the operator did not know how to read. The log has them; please report them.",
)
PASSES = Family(
    "flashsystem_passes_total",
    "counter",
    "Passes over the array: a survey reads all of it, a close look what is due. Outcomes: done, array_down, "
    "cluster_error (the Kubernetes API refused or did not answer), stopped (cut off by a stop or a lost Lease), bug.",
    (*ARRAY, "scope", "outcome"),
)
PASS = Family(
    "flashsystem_pass_duration_seconds",
    "histogram",
    "How long passes took, whatever came of them: looking, acting, looking again, writing statuses.",
    (*ARRAY, "scope"),
    _PASS,
)
DRIFT_SEEN = Family(
    "flashsystem_drift_seen_total",
    "counter",
    "How often an object was found to have been changed on the array by another hand.",
    (*ARRAY, "kind"),
)
DRIFT_CORRECTED = Family(
    "flashsystem_drift_corrected_total",
    "counter",
    "How often the operator put that right.",
    (*ARRAY, "kind"),
)

# -- counted when somebody asks: of the arrays that this replica works -------------------------------------------------

OBJECTS = Family("flashsystem_objects", "gauge", "Objects by kind and condition Ready.", (*ARRAY, "kind", "ready"))
NOT_READY = Family(
    "flashsystem_not_ready_objects",
    "gauge",
    "Objects that are not Ready, by the reason they give. stalled: only a change of the spec or of the array helps.",
    (*ARRAY, "kind", "reason", "stalled"),
)
BLOCKED = Family(
    "flashsystem_detaches_blocked", "gauge", "Deleted attachments that the guard holds: a machine is still logged in."
)
DRIFTED = Family(
    "flashsystem_drifted_objects",
    "gauge",
    "Objects with condition Drifted: another hand changed the array, and that stands.",
    (*ARRAY, "kind", "reason"),
)
NOTED = Family(
    "flashsystem_condition_objects",
    "gauge",
    "Objects with a further condition, as NearLimit, Paused, DetachRateLimited or ConnectionSecretBlocked. An object "
    "may have it and be Ready.",
    (*ARRAY, "kind", "condition", "reason"),
)
QUARANTINED = Family(
    "flashsystem_quarantined_luns",
    "gauge",
    "LUNs that were freed and are not given to another volume yet, on all hosts.",
)
LOGINS = Family(
    "flashsystem_host_sessions",
    "gauge",
    "iSCSI sessions of the machines of all FlashSystemHosts with the array, as of the last look.",
)
REACHABLE = Family("flashsystem_array_reachable", "gauge", "1 if the last look at the array succeeded, 0 if it failed.")
CONTACT = Family(
    "flashsystem_array_last_contact_timestamp_seconds",
    "gauge",
    "When the array last answered a command, in seconds since 1970. `time() - ` this is the time since.",
)
INFO = Family(
    "flashsystem_array_info",
    "gauge",
    "Always 1; the labels say which system it is. To be joined with others on the array's labels.",
    (*ARRAY, "system_id", "product", "code_level", "dialect"),
)
SESSIONS = Family("flashsystem_array_ssh_sessions", "gauge", "SSH connections of the operator to the array.")
DUE = Family(
    "flashsystem_queue_due_objects",
    "gauge",
    "Depth of the queue: objects whose turn has come and that no pass has taken yet. Without labels: objects that hang "
    "on no array.",
)
SCHEDULED = Family(
    "flashsystem_queue_scheduled_objects", "gauge", "Objects whose turn comes later: the next survey, back-off, waits."
)
OLDEST = Family(
    "flashsystem_queue_oldest_due_seconds",
    "gauge",
    "For how long the oldest of those that are due has been; 0 if none.",
)
RUNNING = Family(
    "flashsystem_pass_running_seconds", "gauge", "For how long the present pass has been under way; 0 if there is none."
)
LEASE = Family(
    "flashsystem_lease_held",
    "gauge",
    "1 on the replica that works the array. The sum over all replicas should be 1. Without labels: the Lease of the "
    "objects that hang on no array.",
)
BUILD = Family("flashsystem_build_info", "gauge", "Always 1; the label says which release this is.", ("version",))

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
