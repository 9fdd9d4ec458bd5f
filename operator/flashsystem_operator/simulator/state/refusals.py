"""The refusals of the array: a stable code, and a text that differs between releases."""

TEXTS = {
    "CMMVC5701E": "No object ID was specified.",
    "CMMVC5702E": "[{0}] is below the minimum.",
    "CMMVC5703E": "One of the values that you have entered is too long.",
    "CMMVC5706E": "An invalid argument has been entered for the {0} parameter.",
    "CMMVC5707E": "Required parameters are missing.",
    "CMMVC5708E": "The {0} parameter is missing its associated arguments.",
    "CMMVC5709E": "[{0}] is not a supported parameter.",
    "CMMVC5711E": "[{0}] is not valid data.",
    "CMMVC5713E": "Some parameters are mutually exclusive.",
    "CMMVC5716E": "Non-numeric data was entered for a numeric parameter: [{0}].",
    "CMMVC5717E": "No match was found for the specified unit: [{0}].",
    "CMMVC5729E": "One or more components in the list is not valid.",
    "CMMVC5733E": "Enter at least one parameter.",
    "CMMVC5737E": "The parameter {0} has been entered multiple times.",
    "CMMVC5738E": "The argument {0} contains too many characters.",
    "CMMVC5741E": "The filter value {0} is not valid.",
    "CMMVC5742E": "A parameter has been entered that is out of its valid range: [{0}].",
    "CMMVC5744E": "Too many objects were specified for this command.",
    "CMMVC5753E": "The specified object does not exist or is not a suitable candidate.",
    "CMMVC5754E": "The specified object does not exist, or the name supplied does not meet the naming rules.",
    "CMMVC5767E": "One or more of the parameters specified are invalid.",
    "CMMVC5804E": "The action failed because an object that was specified in the command does not exist.",
    "CMMVC5840E": "The virtual disk (VDisk) was not deleted because it is mapped to a host or because it is part of a "
    "FlashCopy or Remote Copy mapping, or is involved in an image mode migrate.",
    "CMMVC5842E": "The action failed because an object that was specified in the command does not exist.",
    "CMMVC5843E": "The host mapping was not created because the volume has a capacity of zero.",
    "CMMVC5844E": "The host mapping was not created because the SCSI LUN ID is not valid.",
    "CMMVC5867E": "The action failed because the worldwide port name is already assigned or is not valid.",
    "CMMVC5868E": "The action failed because the entity that was specified in the command does not exist.",
    "CMMVC5871E": "The action failed because one or more of the configured port names is in a mapping.",
    "CMMVC5876E": "The host mapping was not created because the maximum number of host mappings has been reached.",
    "CMMVC5877E": "The host mapping was not created because this host has the maximum number of mappings.",
    "CMMVC5873E": "The worldwide port name is not a port of the host.",
    "CMMVC5878E": "The VDisk-to-host mapping was not created because this VDisk is already mapped to this host.",
    "CMMVC5879E": "The VDisk-to-host mapping was not created because a VDisk is already mapped to this host with this "
    "SCSI LUN.",
    "CMMVC5860E": "The action failed because there were not enough extents in the storage pool.",
    "CMMVC6004E": "The -delim value [{0}] is not valid.",
    "CMMVC6017E": "A parameter or argument contains non-ASCII characters. Ensure that the input is only ASCII.",
    "CMMVC6035E": "The action failed as the object already exists.",
    "CMMVC6045E": "The action failed, as the -force flag was not entered.",
    "CMMVC6070E": "An invalid or duplicated parameter, unaccompanied argument, or incorrect argument sequence has been "
    "detected. Ensure that the input is as per the help.",
    "CMMVC6071E": "The VDisk-to-host mapping was not created because the VDisk is already mapped to a host.",
    "CMMVC6353E": "The command has failed because the copy specified does not exist.",
    "CMMVC6527E": "The name that you have entered is not valid. The name can contain letters, numbers, spaces, "
    "periods, dashes, and underscores. The name must begin with a letter or an underscore. The name must not begin or "
    "end with a space.",
    "CMMVC6578E": "The command has failed because the iSCSI name is already assigned or is not valid.",
    "CMMVC6581E": "The command has failed because the maximum number of allowed IQNs has been reached, or the IQN is "
    "already assigned or is not valid.",
    "CMMVC6582E": "The command failed because the host is in no I/O group.",
    "CMMVC6988E": "The maximum number of iSCSI names of the system has been reached.",
    "CMMVC6999E": "The maximum number of iSCSI names of the host has been reached.",
    "CMMVC7017E": "Login has failed because the maximum number of concurrent CLI sessions has been reached.",
    "CMMVC7018E": "The volume capacity is above the maximum.",
    "CMMVC7019E": "The volume capacity is not a multiple of 512 bytes.",
    "CMMVC7205E": "The command failed because it is not supported.",
    **dict.fromkeys(
        (f"CMMVC{number}E" for number in (8457, 8458, 8461, 8462, 8463, 8478, 8479, 8482, 8483, 8484, 9080)),
        "The command failed because a volume has received I/O within the defined volume protection period.",
    ),
    "CMMVC7318E": "The command failed because host mappings exist. The open access setting is unchanged.",
    "CMMVC7325E": "The command failed because hosts exist. The open access setting is unchanged.",
    "CMMVC7326E": "The command failed because open access is enabled.",
    "CMMVC8262E": "The command failed because a volume is mapped to the host through this and other I/O groups.",
    "CMMVC8668E": "The host mapping was not created because the SCSI LUN ID is not valid for this type of host.",
    "CMMVC8710E": "There are not enough extents in the storage pool to create the volume.",
    "CMMVC8787E": "The volume was not deleted because it is mapped to a host.",
    "CMMVC8934E": "The host is a member of a host cluster already.",
    "CMMVC8935E": "The host cluster does not exist.",
    "CMMVC8936E": "Specify what happens to the shared mappings of the host cluster.",
    "CMMVC8937E": "The host cluster would have too many hosts.",
    "CMMVC8938E": "The host is not a member of the host cluster.",
    "CMMVC8991E": "The maximum number of hosts of the system has been reached.",
    "CMMVC8994E": "The maximum number of hosts of an I/O group has been reached.",
    "CMMVC8996E": "The maximum number of WWPNs of the host has been reached.",
    "CMMVC8997E": "The host is not in one or more of the I/O groups.",
    "CMMVC8998E": "The host is in one or more of the I/O groups already.",
    "CMMVC8999E": "The command failed because volumes are mapped to the host through the I/O groups.",
    "CMMVC9027E": "The task has failed because the user's role is not authorized to submit the command.",
    "CMMVC9064E": "The last host of the host cluster is removed with -force only.",
    "CMMVC9065E": "The host cluster has no hosts.",
    "CMMVC9066E": "The volume already has a shared mapping to this host cluster.",
    "CMMVC9068E": "The mappings of the hosts have different SCSI LUN IDs.",
    "CMMVC9069E": "The volume has no shared mapping to this host cluster.",
    "CMMVC9070E": "Specify what happens to the shared mappings of the host.",
    "CMMVC9071E": "The command failed because it is a shared mapping.",
    "CMMVC9323E": "The command failed because the host protocol does not fit the kind of port.",
    "CMMVC9324E": "The command failed because the host type does not fit the kind of port.",
    "CMMVC9072E": "The SCSI LUN ID is used in the host cluster.",
    "CMMVC9073E": "A host has the volume at another SCSI LUN ID.",
    "CMMVC9074E": "The volume is mapped outside of the host cluster. Use -force.",
    "CMMVC9076E": "No SCSI LUN ID is free on all hosts of the host cluster.",
    "CMMVC9077E": "The SCSI LUN IDs of the mappings conflict.",
    "CMMVC9078E": "An ignored volume is not mapped to a seed host.",
    "CMMVC9079E": "Hosts with mappings are removed with -force only.",
    "CMMVC9081E": "A host is there twice.",
    "CMMVC9326E": "The maximum number of ports of an I/O group has been reached.",
    "CMMVC9328E": "The NQN is already assigned or is not valid.",
    "CMMVC9330E": "The command failed because the host type does not fit the host protocol.",
    "CMMVC9331E": "The host protocol cannot be changed because ports are configured on the host.",
    "CMMVC9332E": "The host protocol cannot be changed because volumes are mapped to the host.",
    "CMMVC9337E": "The command failed because the kind of port does not fit the host protocol.",
    "CMMVC9339E": "The maximum number of NQNs of the host has been reached.",
    "CMMVC9343E": "The protocol of the host differs from that of the host cluster.",
    "CMMVC9334E": "The volume is mapped to hosts of another protocol.",
    "CMMVC9335E": "A SCSI LUN ID cannot be specified for an NVMe host.",
    "CMMVC9340E": "The NQN is not a port of the host.",
    "CMMVC9345E": "The host protocol cannot be changed because the host is in a host cluster.",
    "CMMVC9374E": "The command failed because the host is in a host cluster with mappings in the I/O groups.",
    "CMMVC9375E": "The volume is already mapped to a different host.",
    "CMMVC9404E": "The host mapping was not created because no SCSI LUN ID is free in all access I/O groups.",
    "CMMVC9405E": "SCSI LUN IDs that differ cannot be allowed for an NVMe host.",
    "CMMVC9546E": "The command failed because a host cannot have iSCSI names and WWPNs.",
    "CMMVC9699E": "The portset is not of type host.",
    "CMMVC9754E": "The command failed because the iSCSI name is a duplicate. iSCSI names are case-insensitive.",
    "CMMVC9781E": "The command failed because the port type of the portset does not fit the host.",
    "CMMVC9714E": "The command failed because the host would lose access to its volumes: the portsets share no port.",
}
"""Texts of about release 6.x to 8.x where a driver or its tests contain them, otherwise a paraphrase."""


TOO_MANY_SESSIONS = f"CMMVC7017E {TEXTS['CMMVC7017E']}\n"
"""The text on stdout when the array accepts a login but has no CLI session left."""


class Refused(Exception):
    """The array refused a command; nothing was changed."""

    def __init__(self, code: str, *about: str, text: str | None = None, status: int = 1) -> None:
        self.code = code
        self.text = text if text is not None else TEXTS.get(code, "The command has failed.").format(*about or ("",))
        self.status = status
        super().__init__(f"{self.code} {self.text}".strip())


class UnknownCommand(Refused):
    """The shell has no command of this name."""

    def __init__(self, verb: str, wording: str) -> None:
        super().__init__("", text=wording.format(verb=verb), status=127)
