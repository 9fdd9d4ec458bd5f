"""Codes of the message list of release 8.7 about hosts, ports, mappings, host clusters, and how a command was typed.

One row explains all codes that mean the same. Source: array-cli facts 3.1b, 3.2 and 4.4.
"""

from flashsystem_operator.planner.codes.meaning import Meaning, Severity
from flashsystem_operator.planner.decision import Reason

_DONE, _RETRY, _SPEC, _ADMIN, _BUG = Severity

_REPORT = "Please report this, with the command and the array's code level: the operator should not have typed it."
_LOOKS = "The operator looks again and goes on from what is there."
_PROTECTED = "It is tried again until volume protection allows it, and never forced."
_BUSY = "It is tried again."
_OTHER_OWNER = "Find the host object that has it (`lshost` on the array), or correct spec.initiators.iscsi."
_CLUSTER = "The array administrator has to change the host cluster."
_PARTITION = "A storage partition is managed by the array administrator: ask them, or use a host outside of it."
_FEWER = "Remove host objects, initiators or mappings that are not used any more."
_KINDS = "A host object has ports of one kind only. Use a host object of its own for the iSCSI initiators."
_LOWER_LUN = "Create the attachment again with a lower spec.lun, or without one."
_OWNERSHIP = "Use objects of the same ownership group, or of none."

_ROWS: tuple[tuple[str, str, Severity, str, str], ...] = (
    # Volume protection: one code for each command, in two generations.
    ("8457 8478", "", _RETRY, "Volume protection keeps the mapping: the volume had I/O a short time ago.", _PROTECTED),
    ("8458 8459 8479", "", _RETRY, "Volume protection keeps the volume: it had I/O a short time ago.", _PROTECTED),
    ("8460 8481", "", _RETRY, "Volume protection keeps the pool: a volume of it had I/O a short time ago.", _PROTECTED),
    (
        "8461 8482",
        "",
        _RETRY,
        "Volume protection keeps the host object: a volume mapped to it had I/O a short time ago.",
        _PROTECTED,
    ),
    (
        "8462 8483",
        "",
        _RETRY,
        "Volume protection keeps the host in these I/O groups: a volume reached through them had I/O a short time ago.",
        _PROTECTED,
    ),
    (
        "8463 8484",
        "",
        _RETRY,
        "Volume protection keeps the last initiator of the host object: a volume of it had I/O a short time ago.",
        _PROTECTED,
    ),
    ("9080", "", _RETRY, "Volume protection keeps the host cluster as it is.", _PROTECTED),
    (
        "9714",
        "",
        _SPEC,
        "The new portset shares no port with the old one, and volume protection is on: the host would lose its paths.",
        "Name a portset that shares a port with the present one, or log the host out first.",
    ),
    # Host objects.
    ("5870 5874", "", _RETRY, "The host object is not on the array any more.", _LOOKS),
    ("5870 5874", "rmhost", _DONE, "The host object is deleted already.", ""),
    ("5872 5875", "", _RETRY, "The host object, or another object that the command names, does not exist.", _LOOKS),
    ("5869", "", _BUG, "The host object was not renamed: its id or the new name is not valid.", _REPORT),
    ("5873 9340", "", _DONE, "The initiator is not a port of this host object, or not any more.", ""),
    ("9754", "", _ADMIN, "Another host object has this iSCSI name; upper and lower case count as equal.", _OTHER_OWNER),
    (
        "6582",
        "",
        _ADMIN,
        "The host object is in no I/O group, so that it takes no initiator.",
        "Add an I/O group to it with addhostiogrp on the array.",
    ),
    ("9323 9324 9329 9337", "", _ADMIN, "The kind of port does not fit the protocol of the host object.", _KINDS),
    ("9546", "", _ADMIN, "A host object cannot have iSCSI names and WWPNs together.", _KINDS),
    ("9330", "", _SPEC, "The type does not fit the protocol of the host object.", "Correct spec.type of the host."),
    ("8670 8671 8567", "", _SPEC, "The host object cannot have this type.", "Correct spec.type of the host."),
    ("8991", "", _ADMIN, "The array has as many host objects as it can have.", _FEWER),
    ("8994 8992", "", _ADMIN, "An I/O group has as many host objects as it can have.", _FEWER),
    ("8993 6988 6998 9325", "", _ADMIN, "The array has as many initiators as it can have.", _FEWER),
    ("6999 8996 9338 9339", "", _ADMIN, "The host object has as many initiators as it can have.", _FEWER),
    ("8995 9326 9327", "", _ADMIN, "An I/O group has as many initiators as it can have.", _FEWER),
    (
        "8280 8281",
        "",
        _ADMIN,
        "The host reaches volumes through several I/O groups, which this release does not allow for iSCSI.",
        "Use volumes of one I/O group for this host, or a newer release.",
    ),
    ("6053", "", _ADMIN, "The WWPN is malformed.", "Correct the administrator's command."),
    ("8667", "", _ADMIN, "A port has more than four logins on a node.", "Reduce the zones of the host."),
    ("7329 7330 7331", "", _ADMIN, "An InfiniBand id is not valid, assigned to another host, or one too many.", _FEWER),
    (
        "7326",
        "",
        _ADMIN,
        "Open access is on, so that the array has no host objects.",
        "Turn it off with `chsystem -openaccess off` on the array.",
    ),
    (
        "7318 7325",
        "",
        _ADMIN,
        "Open access was left as it is: host objects or mappings exist.",
        "Remove them first, if open access is wanted.",
    ),
    ("7322", "", _RETRY, "Another volume uses this LUN.", _LOOKS),
    # Portsets.
    (
        "9781",
        "",
        _SPEC,
        "The portset is not for iSCSI: its port type does not fit the initiators.",
        "Name a portset of port type ethernet: `lsportset` on the array lists them.",
    ),
    ("9703", "", _SPEC, "Portset and host object belong to different ownership groups.", _OWNERSHIP),
    ("9737", "", _SPEC, "This host object takes no portset.", "Leave spec.portset out."),
    (
        "1174",
        "",
        _ADMIN,
        "The portset has a port with an MTU above 1500, which this kind of host cannot use.",
        "Name another portset.",
    ),
    # I/O groups.
    (
        "8262 8273 8999",
        "",
        _SPEC,
        "A volume of the host is reached through these I/O groups and through others.",
        "Unmap the volume first, or leave its I/O groups in spec.ioGroups. -force would not help.",
    ),
    ("9374", "", _ADMIN, "The host is in a host cluster that has mappings in these I/O groups.", _CLUSTER),
    (
        "8997",
        "",
        _SPEC,
        "The host is in none of the I/O groups through which the volume is reached.",
        "Add one of them to spec.ioGroups of the host; to an adopted host object, with addhostiogrp on the array.",
    ),
    ("8997", "rmhostiogrp", _DONE, "The host is not in this I/O group, or not any more.", ""),
    ("8998", "", _DONE, "The host is in this I/O group already.", ""),
    # Mappings.
    (
        "9071",
        "",
        _ADMIN,
        "The mapping belongs to a host cluster, so that it cannot be removed from one host.",
        "Remove it with rmvolumehostclustermap on the array; with -makeprivate the hosts named keep it as their own.",
    ),
    (
        "5844 8668",
        "",
        _SPEC,
        "The LUN is not one that this host can have.",
        _LOWER_LUN,
    ),
    (
        "5742",
        "mkvdiskhostmap",
        _SPEC,
        "The LUN is out of the range of the array.",
        _LOWER_LUN,
    ),
    (
        "9404",
        "",
        _RETRY,
        "No LUN is free for the host in all I/O groups of the volume.",
        "Detach a volume from the host; it is tried again.",
    ),
    ("5843", "", _ADMIN, "The volume has size 0 and cannot be mapped.", "Give it a size first."),
    (
        "5848 8696",
        "",
        _SPEC,
        "The volume does not exist, or is being deleted.",
        "Check that it is on the array, and that the attachment names the right one.",
    ),
    (
        "5876 9075",
        "",
        _ADMIN,
        "The array, or a member of the host cluster, has as many mappings as it can have.",
        _FEWER,
    ),
    (
        "8278 8279 8282 8283",
        "",
        _ADMIN,
        "The volume is reached through several I/O groups, which this host cannot use.",
        "Use a volume of one I/O group, or a newer release.",
    ),
    (
        "8628 7168",
        "",
        _SPEC,
        "The volume is the auxiliary or change volume of a copy relationship: it takes no mapping.",
        "Attach the master volume.",
    ),
    (
        "8634",
        "",
        _ADMIN,
        "The volume is active-active (HyperSwap), and the host has no site.",
        "Give the host object a site on the array.",
    ),
    (
        "8635",
        "",
        _ADMIN,
        "The host keeps its site: an active-active volume is mapped to it.",
        "Unmap that volume first.",
    ),
    (
        "8570 8571 8673 8674 9067",
        "",
        _ADMIN,
        "The volume belongs to virtual volumes (vVols) of VMware.",
        "Manage it with VMware's tools only.",
    ),
    (
        "9334 9335 9405 9352 9353",
        "",
        _SPEC,
        "The volume is mapped to hosts of another protocol, or the host is not one of SCSI.",
        "Use a host object with iSCSI initiators, and a volume that no NVMe host has.",
    ),
    ("9708", "", _SPEC, "NVMe hosts cannot have a volume that is being migrated.", "Wait for the migration."),
    # Host clusters.
    ("8933 8937 9082", "", _ADMIN, "The limit of host clusters, or of hosts in one, is reached.", _CLUSTER),
    ("8934", "", _DONE, "The host is in a host cluster already.", ""),
    ("8938", "", _DONE, "The host is not in this host cluster.", ""),
    ("8935", "", _DONE, "There is no such host cluster.", ""),
    (
        "8936 9064 9070 9078 9079 9081 9168 9343 9344",
        "",
        _ADMIN,
        "The command does not fit the state of the host cluster.",
        _CLUSTER,
    ),
    ("9065", "", _ADMIN, "The host cluster has no members, so that no volume can be mapped to it.", _CLUSTER),
    ("9068 9072 9073 9076 9077", "", _ADMIN, "The LUNs of the members of the host cluster conflict.", _CLUSTER),
    ("9074", "", _ADMIN, "The volume is mapped to a host outside of the host cluster.", _CLUSTER),
    ("9132", "", _ADMIN, "This would change the site of a host.", _CLUSTER),
    ("9387 9388 9587", "", _ADMIN, "The objects belong to different ownership groups.", _OWNERSHIP),
    # Storage partitions and policy-based high availability.
    (
        "1026 1027 1028 1029 1030 1031 1032 1033 1034 1035 1036 1045 9982 9994",
        "",
        _ADMIN,
        "A storage partition does not allow this.",
        _PARTITION,
    ),
    ("1183 1184 1185 1211 1212 1213 1214 1215", "", _ADMIN, "A draft partition does not allow this.", _PARTITION),
    # Users, roles, sessions.
    (
        "9027 8824",
        "",
        _ADMIN,
        "The role of the user does not allow this command.",
        "Give the user of the Secret the role Administrator, or one that may manage hosts and mappings.",
    ),
    (
        "9379 9385 9386",
        "",
        _ADMIN,
        "The user belongs to an ownership group, which does not allow this.",
        "Use a user without an ownership group.",
    ),
    # What the array asks to be tried again.
    ("6048 6049 6050", "", _RETRY, "The object or the command is busy.", _BUSY),
    ("6061 5836 6418 6444", "", _RETRY, "The volume is locked, or is being resized.", _BUSY),
    ("6021 6022 6023 8030", "", _RETRY, "The array is busy with another request.", _BUSY),
    ("6009 6066", "", _RETRY, "The array is short of memory.", _BUSY),
    ("6055 9006", "", _RETRY, "The code of the array is being updated.", _BUSY),
    ("8541 8544", "", _RETRY, "An automatic configuration task uses the object.", _BUSY),
    ("8382", "", _RETRY, "The array asks for a pause of about 270 seconds between such commands.", _BUSY),
    (
        "5762 6365",
        "",
        _RETRY,
        "The array did not finish the command in time: it may or may not have been done.",
        _LOOKS,
    ),
    # How a command was typed.
    (
        "5700 5702 5704 5705 5706 5708 5712 5716 5717 5719 5733 5735 5737 5739 5742 5743 5744 5745",
        "",
        _BUG,
        "A parameter of the command is missing, there twice, or has a value that it does not take.",
        _REPORT,
    ),
    ("5721 5722 5723 5724 5725 5726 5728", "", _BUG, "A time stamp is not one of the form YYMMDDHHMMSS.", _REPORT),
    ("5727 5740 6004", "", _BUG, "The filter or the delimiter is not valid.", _REPORT),
    ("5752 5758 5771 6044", "", _ADMIN, "The object has children, or exists already.", "Remove the children first."),
    ("5806", "", _RETRY, "An object that the command names does not exist.", _LOOKS),
    (
        "6524 7249",
        "",
        _SPEC,
        "A name has characters that are not allowed, or a blank at an end.",
        "Correct the name in the spec.",
    ),
    ("8008", "", _BUG, "This system does not have that command.", _REPORT),
    ("9009", "", _BUG, "The command asks for a confirmation.", _REPORT),
)

_WARNINGS = "6369 6370 6371 6373 6374 6375 6376 6450 6451 7082 7234"

TABLE: tuple[Meaning, ...] = (
    *(
        Meaning(f"CMMVC{code}E", verb, severity, means, remedy)
        for codes, verb, severity, means, remedy in _ROWS
        for code in codes.split()
    ),
    Meaning(
        "CMMVC5877E",
        "",
        _SPEC,
        "The host has as many mappings as it can have.",
        "Detach a volume from the host first.",
        Reason.HOST_FULL,
    ),
    *(
        Meaning(f"CMMVC{code}E", "", _ADMIN, means, remedy, Reason.LOGIN_FAILED)
        for code, means, remedy in (
            ("7016", "The key does not fit the user.", "Correct user name or key in the Secret, or the user's key."),
            ("9003", "The SSH key was revoked.", "Put a valid key into the Secret and on the array's user."),
        )
    ),
    *(
        Meaning(
            f"CMMVC{code}W",
            "",
            _DONE,
            "The command was done; a licence is exceeded, nearly used up, or missing.",
            "Report it to the array administrator.",
        )
        for code in _WARNINGS.split()
    ),
    Meaning(
        "CMMVC9377W",
        "",
        _DONE,
        "The command was done; not all dependent FlashCopy mappings can be shown to this user.",
    ),
)
