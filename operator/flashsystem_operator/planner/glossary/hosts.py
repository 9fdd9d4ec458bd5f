"""Reasons of hosts whose machine is to log in in a way of its own: see docs/hosts.md."""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    Reason.NOT_SUPPORTED: Entry(
        "host",
        "the array has no such thing: portsets before 8.4.2, CHAP on FlashSystem 840 and 900, a type of host that came "
        "later",
        "remove the field that the message names",
    ),
    Reason.PORTSET_NOT_FOUND: Entry(
        "array, host",
        "the array has no such portset",
        "correct `iscsi.portset` of the array or `portset` of the host; or create the portset on the array",
    ),
    Reason.PORTSET_MISMATCH: Entry(
        "array, host",
        "the portset is not for iSCSI hosts: its type is not `host`, or its port type is `fc`",
        "name another one in `iscsi.portset` of the array or `portset` of the host",
    ),
    Reason.IO_GROUP_NOT_FOUND: Entry("host", "the array has no such I/O group with a node in it", "correct `ioGroups`"),
    Reason.MISSING_IO_GROUP: Entry(
        "attachment",
        "hosts reach the volume through one I/O group only, and the host object is not in it",
        "add it to `ioGroups` of the host; an adopted host object is changed by the array administrator",
    ),
    Reason.CHAP_SECRET_NOT_FOUND: Entry("host", "there is no such Secret", "make it; or set `chap.generate`"),
    Reason.CHAP_SECRET_FORBIDDEN: Entry(
        "host",
        "the operator may not read or make the Secret",
        "bind ClusterRole `flashsystem-operator-secrets` in that namespace, as `manifests/components/secrets` does; "
        "for `chap.generate` also `flashsystem-operator-connection-secrets`",
    ),
    Reason.CHAP_SECRET_INVALID: Entry(
        "host", "the Secret lacks a key, or what it has cannot be a CHAP secret", "correct the Secret"
    ),
    Reason.HOST_DIFFERS: Entry(
        "host",
        "an administrator's host object has another portset, other I/O groups or another type than the spec wishes, or "
        "the spec has `chap`; or one of ours is in a storage partition, or asks for a CHAP user name of its own",
        "remove that from the spec, or change the host object on the array",
    ),
    Reason.IO_GROUP_IN_USE: Entry(
        "host",
        "an I/O group that `ioGroups` does not name is kept, since a volume that is mapped to the host is reached "
        "through it; the message names volume and attachment",
        "nothing: it is removed when the volume is detached; or add it to `ioGroups`",
    ),
    Reason.HOST_LOGGED_IN: Entry(
        "host",
        "the host object is not as the spec wishes, and a change could take paths from the machine",
        "log it out; or let it be until its next restart; or [force it](safety.md#the-detach-guard)",
    ),
}
