"""Codes about hosts, initiators and mappings. Source of each: array-cli facts 3.1."""

from flashsystem_operator.planner.codes.meaning import Meaning, Severity
from flashsystem_operator.planner.decision import Reason

_DONE, _RETRY, _SPEC, _ADMIN, _BUG = Severity

_SECOND_HOST = (
    "Set spec.access to Shared on every attachment of the volume if its file system is made for several hosts; "
    "otherwise unmap the volume from the other host."
)
_OTHER_OWNER = (
    "Find the host object that has it (`lshost` on the array) and remove it there, or correct spec.initiators.iscsi. "
    "If no host object has it, the array does not take it as a name."
)
_NVME = "The operator works with iSCSI only: an administrator's command met this."

TABLE = (
    Meaning(
        "CMMVC5753E",
        "",
        _RETRY,
        "The array has no such object, or it is not of the kind that the command works on.",
        "Somebody may have removed it in the same moment: the operator looks again and goes on from what is there.",
    ),
    Meaning("CMMVC5753E", "rmvdiskhostmap", _DONE, "The volume is gone already, and its mapping with it."),
    Meaning("CMMVC5753E", "rmhost", _DONE, "The host object is gone already."),
    Meaning(
        "CMMVC5753E",
        "rmhostport",
        _RETRY,
        "The host object is gone, or the initiator is not one of its ports any more.",
        "The operator looks again and goes on from what is there.",
    ),
    Meaning(
        "CMMVC5753E",
        "mkvdiskhostmap",
        _SPEC,
        "The volume is not there, or cannot be mapped.",
        "Check that it is on the array, and that the attachment names the right one.",
        Reason.VOLUME_NOT_FOUND,
    ),
    Meaning(
        "CMMVC5754E",
        "",
        _RETRY,
        "The array has no object of this name, or what was typed cannot be a name.",
        "Somebody may have removed or renamed it in the same moment: the operator looks again and goes on from what "
        "is there.",
    ),
    Meaning("CMMVC5754E", "rmvdiskhostmap", _DONE, "The host object is gone already, and its mappings with it."),
    Meaning("CMMVC5754E", "rmhost", _DONE, "The host object is gone already."),
    Meaning(
        "CMMVC5754E",
        "mkvdiskhostmap",
        _RETRY,
        "The host object is not there any more: somebody removed or renamed it in the same moment.",
        "The operator looks again, and makes it again if it is to make it.",
    ),
    Meaning(
        "CMMVC5804E",
        "",
        _RETRY,
        "Something that the command names is not there.",
        "The operator looks again and goes on from what is there.",
    ),
    Meaning(
        "CMMVC5804E",
        "mkvdiskhostmap",
        _SPEC,
        "The volume is not there.",
        "Check that it is on the array, and that the attachment names the right one.",
        Reason.VOLUME_NOT_FOUND,
    ),
    Meaning("CMMVC5804E", "rmvdiskhostmap", _DONE, "The volume is not mapped to this host, or was unmapped already."),
    Meaning("CMMVC5804E", "lshostiplogin", _DONE, "This initiator is not logged in to the array at present."),
    Meaning(
        "CMMVC5842E",
        "",
        _RETRY,
        "Something that the command names is not there.",
        "The operator looks again and goes on from what is there.",
    ),
    Meaning("CMMVC5842E", "rmvdiskhostmap", _DONE, "The volume is not mapped to this host, or was unmapped already."),
    Meaning(
        "CMMVC5868E",
        "",
        _SPEC,
        "Something that the command names is not there; with mkhost it is the portset.",
        "Correct the portset (`lsportset` on the array lists them), or have it made.",
    ),
    Meaning(
        "CMMVC5878E",
        "",
        _RETRY,
        "The volume is mapped to this host already; some releases say so of a LUN that is taken.",
        "The operator looks: if the mapping is there it is done, otherwise it takes another LUN.",
    ),
    Meaning(
        "CMMVC5879E",
        "",
        _RETRY,
        "This LUN of the host is taken by another volume.",
        "The operator looks again and takes the next free LUN. If spec.lun pins it: detach the other volume, or make "
        "the attachment again with another LUN or none.",
        Reason.LUN_TAKEN,
    ),
    Meaning(
        "CMMVC6071E",
        "",
        _SPEC,
        "The volume is mapped to another host, and the command was not to map it to a second one.",
        _SECOND_HOST,
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Meaning(
        "CMMVC6045E",
        "",
        _ADMIN,
        "The array does this only with -force, which the operator does not type for it.",
        "See on the array what is in the way, and take it away there.",
    ),
    Meaning(
        "CMMVC6045E",
        "mkvdiskhostmap",
        _SPEC,
        "The volume is mapped to another host, and the command was not to map it to a second one.",
        _SECOND_HOST,
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Meaning(
        "CMMVC9375E",
        "",
        _SPEC,
        "The volume is mapped to a different host, and the command was not to map it to a second one.",
        _SECOND_HOST,
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Meaning(
        "CMMVC5871E",
        "",
        _RETRY,
        "The host object still has mappings, so the array keeps it.",
        "It stays until nothing is mapped to it any more; `lshostvdiskmap` on the array lists what is.",
    ),
    Meaning(
        "CMMVC6035E",
        "",
        _RETRY,
        "There is an object of this name already.",
        "The operator looks again and works with it if it is its own. If this stays, rename or remove the other one "
        "on the array.",
    ),
    Meaning("CMMVC6578E", "", _ADMIN, "Another host object has this iSCSI name, or it is not valid.", _OTHER_OWNER),
    Meaning(
        "CMMVC6578E",
        "rmhostport",
        _DONE,
        "The initiator is not a port of this host object, or not any more.",
    ),
    Meaning(
        "CMMVC6581E",
        "",
        _ADMIN,
        "Another host object has this iSCSI name, or it is not valid, or host object or I/O group have as many as "
        "they can.",
        f"{_OTHER_OWNER} If it is the limit: remove initiators that nobody uses any more.",
    ),
    Meaning("CMMVC5867E", "", _ADMIN, "Another host object has this port (WWPN), or it is not valid.", _OTHER_OWNER),
    Meaning("CMMVC5867E", "rmhostport", _DONE, "The port is not one of this host object, or not any more."),
    Meaning("CMMVC9328E", "", _ADMIN, "Another host object has this NVMe name (NQN), or it is not valid.", _NVME),
    Meaning(
        "CMMVC9331E",
        "",
        _ADMIN,
        "The protocol of a host object cannot change while it has ports.",
        "Use another host object, or remove the ports first.",
    ),
    Meaning(
        "CMMVC9332E",
        "",
        _ADMIN,
        "The protocol of a host object cannot change while volumes are mapped to it.",
        "Unmap its volumes, change the protocol, and map them again; or use another host object.",
    ),
    Meaning(
        "CMMVC9345E",
        "",
        _ADMIN,
        "The protocol of a host object cannot change while it is in a host cluster.",
        "Take it out of the host cluster first, or use another host object.",
    ),
    Meaning(
        "CMMVC9699E",
        "",
        _SPEC,
        "The portset is not one for hosts.",
        "Name one whose type is host: `lsportset` on the array lists them.",
    ),
    Meaning(
        "CMMVC5729E",
        "",
        _SPEC,
        "An I/O group that was named is not one of this array, or cannot be used here.",
        "Correct spec.ioGroups of the host: `lsiogrp` on the array lists them.",
    ),
    Meaning(
        "CMMVC5729E",
        "mkvdiskhostmap",
        _SPEC,
        "The host is in none of the I/O groups through which the volume is reached.",
        "Add one of them to spec.ioGroups of the host; to an adopted host object, with addhostiogrp on the array.",
    ),
    Meaning("CMMVC9066E", "", _DONE, "The volume is mapped to this host cluster already."),
    Meaning("CMMVC9069E", "", _DONE, "The volume is not mapped to this host cluster, or not any more."),
    Meaning(
        "CMMVC5840E",
        "",
        _RETRY,
        "The volume is mapped, or part of a FlashCopy or a remote copy, so the array keeps it.",
        "Detach it everywhere and end its copies; it is tried again.",
    ),
    Meaning("CMMVC8957E", "", _RETRY, "The array has no such volume.", "Check its name, or make it."),
    Meaning("CMMVC9755E", "", _DONE, "There is no such snapshot, or not any more."),
)
