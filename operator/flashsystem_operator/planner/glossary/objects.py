"""Reasons that hosts and attachments give, some of them with arrays."""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    Reason.READY: Entry("array, host", "it can be worked with"),
    Reason.ATTACHED: Entry("attachment", "the volume is mapped; `status.connection` tells how to log in"),
    Reason.NOT_NEEDED: Entry("host", "no volume is attached, so there is no host object"),
    Reason.PROGRESSING: Entry("host, attachment", "commands are to be sent, or are sent again", "wait"),
    Reason.DETACHING: Entry(
        "host, attachment",
        "nothing of it is left on the array, and the finalizer goes next; or the host is logged in, and it is "
        "seen for some seconds what else is to go",
        "wait",
    ),
    Reason.HANDING_OVER: Entry(
        "host, attachment",
        "it is being deleted, and another attachment of the same volume and host keeps the mapping, but has not taken "
        "it over yet; or what it has on the array is about to be removed for another object",
        "wait; or look at the other attachment, whose conditions say what it waits for",
    ),
    Reason.OUTCOME_UNKNOWN: Entry(
        "host, attachment",
        "the answer to a command was lost, or the operator before this one was killed: what was sent may "
        "still be running",
        "wait: after two minutes (`limits.commandTimeout`, if that is longer; after a kill only that) a look decides",
    ),
    Reason.VOLUME_PROTECTED: Entry(
        "host, attachment",
        "the array refused to let go of a volume while its volume protection is on: there was I/O lately",
        "wait: it goes at most some minutes after the last I/O, as the message says; see "
        "[safety.md](safety.md#volume-protection)",
    ),
    Reason.DETACH_BRAKE: Entry(
        "attachment",
        "as many volumes were unmapped as `detachBrake` of the array allows",
        "wait until the time in the message; or [let a burst through](safety.md#the-mass-detach-brake)",
    ),
    Reason.PAUSED: Entry(
        "array, host, attachment",
        "annotation `flashsystem.io/paused` holds back what `status.plan` lists",
        "take it off, from the object that the message names",
    ),
    Reason.PLANNED: Entry(
        "host, attachment",
        "annotation `flashsystem.io/plan` holds back what `status.plan` lists",
        "take it off, from the object that the message names",
    ),
    Reason.RELEASED: Entry(
        "host, attachment",
        "annotation `flashsystem.io/release` keeps everything on the array as it is",
        "delete the object, or take the annotation off",
    ),
    Reason.ARRAY_NOT_FOUND: Entry(
        "host, attachment",
        "the FlashSystemArray is not there, or its spec cannot be read",
        "make it; or, on a host, correct `arrayRef` by making the host anew",
    ),
    Reason.ARRAY_NOT_READY: Entry(
        "host, attachment", "the array cannot be worked with now", "see the conditions of the FlashSystemArray"
    ),
    Reason.ARRAY_NOT_ALLOWED: Entry(
        "host, attachment",
        "the array's `allowedNamespaces` does not let this namespace in, or not any more",
        "ask whoever keeps the array, or make it in a namespace that is allowed; what is attached stays so",
    ),
    Reason.ADOPTION_NOT_ALLOWED: Entry(
        "host, attachment",
        "an administrator made the host object, or the mapping, and the array's `hostAdoption` does not let "
        "this namespace take it over",
        "ask whoever keeps the array",
    ),
    Reason.VOLUME_NOT_ALLOWED: Entry(
        "attachment",
        "no entry of the array's `volumeAccess` lets this namespace attach the volume; or, where it is asked for by "
        "UID, there is none with that UID: a namespace that may not attach every volume is not told which",
        "ask whoever keeps the array for an entry; or create the attachment again with another volume",
    ),
    Reason.NAMESPACE_UNKNOWN: Entry(
        "host, attachment",
        "the array chooses namespaces by labels, and those of this one are not known",
        "wait; if it stays, let the operator list and watch namespaces",
    ),
    Reason.NAMESPACED_INSTALLATION: Entry(
        "array, host, attachment",
        "the operator is installed for named namespaces, and may neither read labels of namespaces nor keep "
        "PersistentVolumes",
        "use `from: Same` or `All` and leave out `volumeAccess` and `persistentVolume`; or install the operator for "
        "the whole cluster, see [install.md](install.md#for-named-namespaces)",
    ),
    Reason.HOST_NOT_FOUND: Entry("attachment", "the FlashSystemHost is not there", "make it"),
    Reason.HOST_NOT_READY: Entry(
        "attachment",
        "the FlashSystemHost cannot be used; the message carries its reason",
        "see the conditions of the FlashSystemHost",
    ),
    Reason.PARENT_DELETING: Entry(
        "host, attachment",
        "the array, or the host, is being deleted and takes nothing new",
        "delete this too; or, when that is gone, make it anew",
    ),
    Reason.IN_USE: Entry("array, host", "it is being deleted, and others still need it", "delete those first"),
    Reason.WAITING_FOR_FINALIZERS: Entry(
        "attachment",
        "it is being deleted, and somebody else's finalizer says that it is in use",
        "see to whoever put that finalizer there",
    ),
    Reason.INITIATOR_HELD_BY: Entry(
        "host, attachment",
        "the initiators are on the host object of another FlashSystemHost, perhaps of another cluster; an attachment "
        "that is being deleted says it of a host object that another cluster made",
        "wait until that lets go, or delete it. If it is on another array of this installation, leave the host object: "
        "it may be a copy that policy-based high availability keeps. If it is gone, create it again, or remove the "
        "host object on the array when it has neither sessions nor mappings. If the cluster was moved or restored, see "
        "[moving](moving.md)",
    ),
    Reason.INITIATOR_CLAIMED: Entry(
        "host",
        "another FlashSystemHost names the same initiator, and has it on the array, may adopt it, or is older",
        "remove it from one of the two",
    ),
    Reason.PORT_LOGGED_IN: Entry(
        "host",
        "an initiator is no more in the spec, and still logged in",
        "log it out on the machine; or [force it](safety.md#the-detach-guard)",
    ),
    Reason.DETACH_BLOCKED: Entry(
        "attachment",
        "the host is logged in, and would be left without any volume",
        "log it out on the machine; or [pass the guard](safety.md#the-detach-guard)",
    ),
    Reason.DUPLICATE: Entry(
        "attachment",
        "an older one attaches the same volume to the same host",
        "delete one of the two; the mapping stays",
    ),
    Reason.VOLUME_IN_USE: Entry(
        "attachment",
        "another attachment is `Exclusive`, or is just being deleted",
        "wait for the one that goes; otherwise set `Shared` there too, or delete it",
    ),
    Reason.SPEC_UNREADABLE: Entry(
        "array, host, attachment",
        "the spec is not one that this release understands",
        "correct what the message names; apply the CRDs of this release",
    ),
    Reason.VOLUME_NOT_FOUND: Entry(
        "attachment", "the array has no such volume", "make it, or delete the attachment and correct the name"
    ),
    Reason.VOLUME_GONE: Entry(
        "attachment", "the volume that was attached is not on the array any more", "delete the attachment"
    ),
    Reason.VOLUME_MAPPED_ELSEWHERE: Entry(
        "attachment",
        "another host sees the volume, and this attachment is `Exclusive`",
        "unmap it there, or set `access: Shared` on all",
    ),
    Reason.MULTI_HOST_MAPPING_FORBIDDEN: Entry(
        "attachment",
        "another host sees the volume, and the array forbids a second",
        "unmap it there, or ask whoever keeps the array",
    ),
    Reason.MAPPED_THROUGH_HOST_CLUSTER: Entry(
        "attachment",
        "the volume is mapped to a host cluster, so every member sees it, also one that is added later",
        "set `access: Shared`, or unmap it from the host cluster",
    ),
    Reason.LUN_TAKEN: Entry(
        "attachment",
        "the LUN that the spec asks for has another volume",
        "detach that, or make the attachment anew with another `lun`",
    ),
    Reason.LUN_DIFFERS: Entry(
        "attachment",
        "the volume is mapped at another LUN than the spec asks for",
        "make the attachment anew, with that LUN or without",
    ),
    Reason.MISMATCHED_LUNS: Entry(
        "attachment", "one mapping has different LUNs by I/O group", "unmap it on the array; it is mapped anew with one"
    ),
    Reason.HOST_FULL: Entry("attachment", "the host has no free LUN", "detach a volume from it"),
    Reason.CONFLICT: Entry(
        "host",
        "the initiators are spread over several host objects",
        "move them to one, or write one FlashSystemHost for each. What is attached stays so",
    ),
    Reason.EXTRA_INITIATORS: Entry(
        "host",
        "an administrator's host object has further initiators",
        "if they are this machine's, add them to the spec (`initiators.iscsi`, or `initiators.otherPorts: Allow` for "
        "those that are not iSCSI); or remove them on the array. What is attached stays so",
    ),
    Reason.MISSING_INITIATORS: Entry(
        "host, attachment",
        "an administrator's host object lacks initiators of the spec",
        "add them on the array, or remove them from the spec",
    ),
    Reason.HOST_HOLDS_OTHER_MAPPINGS: Entry(
        "host",
        "the host object of our name has other initiators, and volumes",
        "if it is this machine, installed anew: correct the initiators on the array, or unmap the volumes when no "
        "machine is logged in with the old ones",
    ),
    Reason.VOLUME_OFFLINE: Entry(
        "attachment",
        "the volume is mapped, and offline on the array: its host cannot read or write it",
        "look for the cause on the array: its pool, its nodes, `lseventlog`",
    ),
    Reason.VOLUME_DEGRADED: Entry(
        "attachment",
        "the volume is mapped, and degraded on the array, for example while one of its nodes restarts",
        "look for the cause on the array if it does not end by itself",
    ),
    Reason.NO_USABLE_PORTAL: Entry(
        "array, attachment",
        "no address for iSCSI hosts is configured and up; on an attachment: none that its host may use",
        "configure one, or correct `iscsi.addresses` or the host's portset",
    ),
    Reason.REFUSED_BY_ARRAY: Entry(
        "array, host, attachment",
        "the array said no, for a reason that we do not foresee; its words are in the message",
        "do what they say; it is tried again for ever",
    ),
    Reason.UNREADABLE_ANSWER: Entry(
        "array, host, attachment",
        "the array answered in a way that we do not understand; on a host or attachment: what is about this object",
        "nothing is changed for it, all others are worked on; please report it, with the array's code level",
    ),
}
