"""The commands that change an array, as values. They are data before they are an act.

A plan is a tuple of these, and they are exactly what gets typed: `argv()` are the words, with `***` where a secret
stands. Only `typed` has the secret; whatever is shown, logged or kept is made of `argv`.
Refusals named here are those to expect; what they mean for us is decided by looking again, not by the code.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flashsystem_operator.values import MASK, ChapSecret, HostName, Iqn, Lun, VolumeName, VolumeUid

MAX_PARAMETER = 128
"""Bytes of a list in one parameter. IBM's data-type pages (5.1, 7.8, 8.2.1, 8.7) say 2176, and the page on command
syntax of 8.7 says 128: this is right by both. One initiator alone may be longer. Source: array-cli facts 1.2."""


@dataclass(frozen=True, slots=True)
class MakeHost:
    """Make a host object with these initiators, in one command.

    iqns: one, or as many as fit into `MAX_PARAMETER`; what is more follows as `AddPorts` (see `make_host`).
    protocol: `iscsi` from release 8.7 on, where it may be said or left out; None before, where it is not known.
    portset: only on arrays that have portsets; None takes the array's default.
    io_groups: ids of the I/O groups through which it may log in; none given: all.
    kind: what kind of machine it is (`-type`); None takes `generic`.

    Refused with CMMVC6035E when the name is taken, with CMMVC6578E or CMMVC6581E when an initiator belongs to another
    host object (or is malformed, or is one too many), with CMMVC5868E or CMMVC9699E for the portset, with CMMVC5729E
    for the I/O groups.

    Source: IBM mkhost pages of 5.1, 8.x and 9.1.3; Cinder's flashsystem_iscsi.py; array-cli facts 2.10.
    """

    host: HostName
    iqns: tuple[Iqn, ...]
    protocol: str | None = None
    portset: str | None = None
    io_groups: tuple[str, ...] = ()
    kind: str | None = None

    def argv(self) -> tuple[str, ...]:
        options = (
            ("-protocol", self.protocol),
            ("-portset", self.portset),
            ("-iogrp", ":".join(self.io_groups)),
            ("-type", self.kind),
        )
        given = [word for option, value in options if value for word in (option, value)]
        return ("svctask", "mkhost", "-iscsiname", ",".join(self.iqns), *given, "-name", self.host)


@dataclass(frozen=True, slots=True)
class AddPorts:
    """Give a host object further initiators.

    Refused with CMMVC6578E or CMMVC6581E like `MakeHost`, with CMMVC5753E when the host object is gone.
    Source: array-cli facts 2.11.
    """

    host: HostName
    iqns: tuple[Iqn, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "addhostport", "-iscsiname", ",".join(self.iqns), self.host)


@dataclass(frozen=True, slots=True)
class RemovePort:
    """Take an initiator off a host object: it sees none of the host's volumes any more.

    Refused with CMMVC5867E or CMMVC6578E when the port is not there, and under volume protection.
    Source: array-cli facts 2.11, 4.4.
    """

    host: HostName
    iqn: Iqn

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhostport", "-iscsiname", self.iqn, self.host)


@dataclass(frozen=True, slots=True)
class ChangeHost:
    """Give a host object another portset, or say that it is another kind of machine.

    A new portset takes the paths of the old one away. Refused with CMMVC5868E or CMMVC9699E for the portset.
    Source: array-cli facts 2.11.
    """

    host: HostName
    portset: str | None = None
    kind: str | None = None

    def argv(self) -> tuple[str, ...]:
        kind = () if self.kind is None else ("-type", self.kind)
        portset = () if self.portset is None else ("-portset", self.portset)
        return ("svctask", "chhost", *kind, *portset, self.host)


@dataclass(frozen=True, slots=True)
class AddIoGroups:
    """Let a host object log in through further I/O groups. groups: their ids.

    Refused with CMMVC5729E when there is no such I/O group. Source: array-cli facts 2.11.
    """

    host: HostName
    groups: tuple[str, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "addhostiogrp", "-iogrp", ":".join(self.groups), self.host)


@dataclass(frozen=True, slots=True)
class RemoveIoGroups:
    """Let a host object log in through these I/O groups (ids) no more. Never with -force, which would unmap.

    Refused while a volume is mapped that the host would not reach any more, and under volume protection.
    Source: array-cli facts 2.11, 4.4.
    """

    host: HostName
    groups: tuple[str, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhostiogrp", "-iogrp", ":".join(self.groups), self.host)


@dataclass(frozen=True, slots=True)
class SetChap:
    """Let a machine in only if it proves itself with this secret. Who is logged in stays so until the next login.

    option: how this release spells it (see `Capabilities.chap`).
    Source: array-cli facts 2.10 (not possible at mkhost), 2.11.
    """

    host: HostName
    secret: ChapSecret
    option: str

    def argv(self) -> tuple[str, ...]:
        return self._words(MASK)

    def typed(self) -> tuple[str, ...]:
        return self._words(self.secret.text)

    def _words(self, secret: str) -> tuple[str, ...]:
        return ("svctask", "chhost", self.option, secret, self.host)


@dataclass(frozen=True, slots=True)
class ClearChap:
    """Let a machine in without a proof again. Source: array-cli facts 2.11."""

    host: HostName
    option: str

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "chhost", self.option, self.host)


@dataclass(frozen=True, slots=True)
class RemoveHost:
    """Remove an empty host object. Never with -force: that would unmap whatever somebody mapped a moment ago.

    Refused with CMMVC5871E while anything is mapped to it, with CMMVC5753E or CMMVC5754E when it is gone.
    Source: array-cli facts 2.11, 6.4.
    """

    host: HostName

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhost", self.host)


@dataclass(frozen=True, slots=True)
class MapVolume:
    """Make a volume visible to a host.

    uid: the volume's identity, for readers of a plan or the log; the array is told name or id.
    lun: the SCSI LUN on that host. Always chosen by us: an array that chooses may give one mapping different LUNs in
         different I/O groups (Cinder bug 1757922).
    alongside_others: also allow it when the volume is mapped to another host. Two hosts writing to one volume
         destroy a file system that was not made for it; without this the array itself refuses.

    Refused with CMMVC5879E when the LUN is taken on this host, with CMMVC5878E when this very mapping is there
    already, with CMMVC6071E, CMMVC6045E or CMMVC9375E (by release) when the volume is mapped to another host and
    `alongside_others` is False.

    Source: IBM mkvdiskhostmap pages of 5.1 and 9.1.3; array-cli facts 2.15, 3.1.
    """

    host: HostName
    volume: VolumeName
    uid: VolumeUid
    lun: Lun
    alongside_others: bool = False

    def argv(self) -> tuple[str, ...]:
        force = ("-force",) if self.alongside_others else ()
        return ("svctask", "mkvdiskhostmap", *force, "-host", self.host, "-scsi", str(self.lun), self.volume)


@dataclass(frozen=True, slots=True)
class UnmapVolume:
    """Take a volume away from a host, in all I/O groups, with the host's persistent reservations on it.

    Refused with CMMVC5842E or CMMVC5804E when it is not mapped, with CMMVC5753E or CMMVC5754E when volume or host is
    gone, and under volume protection. There is no -force.
    Source: array-cli facts 2.15, 4.4.
    """

    host: HostName
    volume: VolumeName
    uid: VolumeUid

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmvdiskhostmap", "-host", self.host, self.volume)


HostChange = ChangeHost | AddIoGroups | RemoveIoGroups | SetChap | ClearChap
"""What changes a host object, but neither its initiators nor what is mapped to it."""

Step = MakeHost | AddPorts | RemovePort | HostChange | RemoveHost | MapVolume | UnmapVolume
"""One command that changes the array."""


def line(words: Iterable[str]) -> str:
    """The words as the array's shell must see them: it is a bash, so whatever is not plain is quoted."""
    return " ".join(shlex.quote(word) for word in words)


def shown(step: Step) -> str:
    """The command as people may see it, in plans and logs."""
    return line(step.argv())


def typed(step: Step) -> str:
    """What goes over the wire, secrets and all. For the session alone."""
    return line(step.typed() if isinstance(step, SetChap) else step.argv())


def without_secrets(step: Step, text: str) -> str:
    """What the array said about a step, which may repeat its words, with `***` for its secret."""
    if not isinstance(step, SetChap):
        return text
    return text.replace(shlex.quote(step.secret.text), MASK).replace(step.secret.text, MASK)


def make_host(
    host: HostName,
    iqns: Iterable[Iqn],
    *,
    protocol: str | None = None,
    portset: str | None = None,
    io_groups: tuple[str, ...] = (),
    kind: str | None = None,
) -> tuple[MakeHost | AddPorts, ...]:
    """The steps that make a host object: one, unless the initiators' names are too long for one parameter."""
    first, *rest = _fitting(iqns)
    return (MakeHost(host, first, protocol, portset, io_groups, kind), *(AddPorts(host, some) for some in rest))


def add_ports(host: HostName, iqns: Iterable[Iqn]) -> tuple[AddPorts, ...]:
    """The steps that give a host object these initiators: mostly one."""
    return tuple(AddPorts(host, some) for some in _fitting(iqns))


def _fitting(iqns: Iterable[Iqn]) -> Iterator[tuple[Iqn, ...]]:
    some: tuple[Iqn, ...] = ()
    for iqn in iqns:
        if some and len(",".join((*some, iqn))) > MAX_PARAMETER:
            yield some
            some = ()
        some = (*some, iqn)
    yield some
