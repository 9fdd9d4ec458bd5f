"""What the array says when it will not: a code, and words that differ from release to release."""

WORDS = {
    "CMMVC5701E": "No object ID was specified.",
    "CMMVC5703E": "One of the values that you have entered is too long.",
    "CMMVC5707E": "Required parameters are missing.",
    "CMMVC5709E": "[{0}] is not a supported parameter.",
    "CMMVC5711E": "[{0}] is not valid data.",
    "CMMVC5713E": "Some parameters are mutually exclusive.",
    "CMMVC5729E": "One or more components in the list is not valid.",
    "CMMVC5738E": "The argument {0} contains too many characters.",
    "CMMVC5741E": "The filter value {0} is not valid.",
    "CMMVC5753E": "The specified object does not exist or is not a suitable candidate.",
    "CMMVC5754E": "The specified object does not exist, or the name supplied does not meet the naming rules.",
    "CMMVC5767E": "One or more of the parameters specified are invalid.",
    "CMMVC5804E": "The action failed because an object that was specified in the command does not exist.",
    "CMMVC5840E": "The virtual disk (VDisk) was not deleted because it is mapped to a host or because it is part of a "
    "FlashCopy or Remote Copy mapping, or is involved in an image mode migrate.",
    "CMMVC5842E": "The action failed because an object that was specified in the command does not exist.",
    "CMMVC5867E": "The action failed because the worldwide port name is already assigned or is not valid.",
    "CMMVC5868E": "The action failed because the entity that was specified in the command does not exist.",
    "CMMVC5871E": "The action failed because one or more of the configured port names is in a mapping.",
    "CMMVC5878E": "The VDisk-to-host mapping was not created because this VDisk is already mapped to this host.",
    "CMMVC5879E": "The VDisk-to-host mapping was not created because a VDisk is already mapped to this host with this "
    "SCSI LUN.",
    "CMMVC5860E": "The action failed because there were not enough extents in the storage pool.",
    "CMMVC6017E": "A parameter or argument contains non-ASCII characters. Ensure that the input is only ASCII.",
    "CMMVC6035E": "The action failed as the object already exists.",
    "CMMVC6045E": "The action failed, as the -force flag was not entered.",
    "CMMVC6070E": "An invalid or duplicated parameter, unaccompanied argument, or incorrect argument sequence has been "
    "detected. Ensure that the input is as per the help.",
    "CMMVC6071E": "The VDisk-to-host mapping was not created because the VDisk is already mapped to a host.",
    "CMMVC6527E": "The name that you have entered is not valid. The name can contain letters, numbers, spaces, "
    "periods, dashes, and underscores. The name must begin with a letter or an underscore. The name must not begin or "
    "end with a space.",
    "CMMVC6578E": "The command has failed because the iSCSI name is already assigned or is not valid.",
    "CMMVC6581E": "The command has failed because the maximum number of allowed IQNs has been reached, or the IQN is "
    "already assigned or is not valid.",
    "CMMVC7017E": "Login has failed.",
    "CMMVC7205E": "The command failed because it is not supported.",
    "CMMVC8710E": "There are not enough extents in the storage pool to create the volume.",
    "CMMVC9066E": "The volume already has a shared mapping to this host cluster.",
    "CMMVC9069E": "The volume has no shared mapping to this host cluster.",
    "CMMVC9328E": "The NQN is already assigned or is not valid.",
    "CMMVC9331E": "The host protocol cannot be changed because ports of the host are in a mapping.",
    "CMMVC9375E": "The volume is already mapped to a different host.",
    "CMMVC9699E": "The portset is not of type host.",
}
"""Wordings of about release 6.x to 8.x where a driver or its tests carry them, a paraphrase otherwise."""


class Refused(Exception):
    """The array would not do a command; nothing was changed."""

    def __init__(self, code: str, *about: str, text: str | None = None, status: int = 1) -> None:
        self.code = code
        self.text = text if text is not None else WORDS.get(code, "The command has failed.").format(*about or ("",))
        self.status = status
        super().__init__(f"{self.code} {self.text}".strip())


class UnknownCommand(Refused):
    """The shell knows no command of this name."""

    def __init__(self, verb: str, wording: str) -> None:
        super().__init__("", text=wording.format(verb=verb), status=127)
