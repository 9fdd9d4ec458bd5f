"""The commands that change an array, as values.

A plan is a tuple of steps, and each step is exactly one command line: `argv()` are its arguments, with `***` in place
of a secret. Only `typed` contains the secret; what is shown, logged or stored is made from `argv`.

touches          what the step needs exclusively: its host object, and the volume or the initiators; or a volume and
                 its name. Steps that touch the same run in order
is_reflected_in  whether an inventory shows the effect: then the command cannot still be running
apply            changes an inventory as the command changes the array

The docstrings name the expected refusals. The operator decides by observing the array again, not by the code.

A step is either one of a host object (`HostStep`, with its mappings) or one of a volume (`VolumeStep`, in
`volume_commands`).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flashsystem_operator.array.model import Host, Port, Protocol
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.array.volume_commands import VolumeStep
from flashsystem_operator.values import MASK, ChapSecret, HostName, Iqn, Lun, VolumeName, VolumeUid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flashsystem_operator.array.model import Inventory

MAX_PARAMETER = 128
"""Bytes of a list in one parameter. IBM's data-type pages (5.1, 7.8, 8.2.1, 8.7) document 2176, the page on command
syntax of 8.7 documents 128: this complies with both. One initiator alone may be longer. Source: array-cli facts 1.2."""


@dataclass(frozen=True, slots=True)
class MakeHost:
    """Create a host object with these initiators (`mkhost`).

    iqns: one, or as many as fit into `MAX_PARAMETER`; the others follow as `AddPorts` (see `make_host`).
    protocol: `iscsi` from release 8.7 on, where it is optional; None before, where it is unknown.
    portset: only on arrays with portsets; None: the array's default.
    io_groups: ids of the I/O groups through which the host may log in; empty: all.
    kind: the host type (`-type`); None: `generic`.

    Refused with CMMVC6035E if the name is taken, with CMMVC6578E or CMMVC6581E if an initiator belongs to another
    host object (or is malformed, or exceeds the limit), with CMMVC5868E or CMMVC9699E for the portset, with CMMVC5729E
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
        given = [argument for option, value in options if value for argument in (option, value)]
        return ("svctask", "mkhost", "-iscsiname", ",".join(self.iqns), *given, "-name", self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return self.host, *self.iqns

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return self.host in inventory.hosts and inventory.hosts[self.host].iqns >= set(self.iqns)

    def apply(self, inventory: Inventory) -> None:
        ports = tuple(map(_offline, self.iqns))
        inventory.learn_host(
            self.host, Host("", self.host, ports, portset=self.portset or "", kind=self.kind or "generic")
        )
        if self.io_groups:
            inventory.io_groups[self.host] = frozenset(self.io_groups)


@dataclass(frozen=True, slots=True)
class AddPorts:
    """Add initiators to a host object (`addhostport`).

    Refused with CMMVC6578E or CMMVC6581E like `MakeHost`, with CMMVC5753E if the host object does not exist.
    Source: array-cli facts 2.11.
    """

    host: HostName
    iqns: tuple[Iqn, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "addhostport", "-iscsiname", ",".join(self.iqns), self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return self.host, *self.iqns

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return self.host in inventory.hosts and inventory.hosts[self.host].iqns >= set(self.iqns)

    def apply(self, inventory: Inventory) -> None:
        host = inventory.hosts[self.host]
        inventory.learn_host(self.host, replace(host, ports=(*host.ports, *map(_offline, self.iqns))))


@dataclass(frozen=True, slots=True)
class RemovePort:
    """Remove an initiator from a host object (`rmhostport`): it loses access to the host's volumes.

    Refused with CMMVC5867E or CMMVC6578E if the port does not exist, and under volume protection.
    Source: array-cli facts 2.11, 4.4.
    """

    host: HostName
    iqn: Iqn

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhostport", "-iscsiname", self.iqn, self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return self.host, self.iqn

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return self.host not in inventory.hosts or self.iqn not in inventory.hosts[self.host].iqns

    def apply(self, inventory: Inventory) -> None:
        host = inventory.hosts[self.host]
        inventory.learn_host(
            self.host, replace(host, ports=tuple(each for each in host.ports if each.name != self.iqn))
        )


@dataclass(frozen=True, slots=True)
class ChangeHost:
    """Change the portset or the type of a host object (`chhost`).

    A new portset removes the paths of the old one. Refused with CMMVC5868E or CMMVC9699E for the portset.
    Source: array-cli facts 2.11.
    """

    host: HostName
    portset: str | None = None
    kind: str | None = None

    def argv(self) -> tuple[str, ...]:
        kind = () if self.kind is None else ("-type", self.kind)
        portset = () if self.portset is None else ("-portset", self.portset)
        return ("svctask", "chhost", *kind, *portset, self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        host = inventory.hosts.get(self.host)
        return host is None or (self.portset in (None, host.portset) and self.kind in (None, host.kind))

    def apply(self, inventory: Inventory) -> None:
        host = inventory.hosts[self.host]
        inventory.learn_host(
            self.host, replace(host, portset=self.portset or host.portset, kind=self.kind or host.kind)
        )


@dataclass(frozen=True, slots=True)
class AddIoGroups:
    """Permit a host object to log in through more I/O groups (`addhostiogrp`). groups: their ids.

    Refused with CMMVC5729E if there is no such I/O group. Source: array-cli facts 2.11.
    """

    host: HostName
    groups: tuple[str, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "addhostiogrp", "-iogrp", ":".join(self.groups), self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        groups = inventory.io_groups.get(self.host, frozenset())
        return self.host not in inventory.hosts or groups >= set(self.groups)

    def apply(self, inventory: Inventory) -> None:
        inventory.io_groups[self.host] = inventory.io_groups.get(self.host, frozenset()) | set(self.groups)


@dataclass(frozen=True, slots=True)
class RemoveIoGroups:
    """Remove a host object from these I/O groups (`rmhostiogrp`). Never with -force, which would unmap. groups: ids.

    Refused while a volume is mapped to which the host would lose access, and under volume protection.
    Source: array-cli facts 2.11, 4.4.
    """

    host: HostName
    groups: tuple[str, ...]

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhostiogrp", "-iogrp", ":".join(self.groups), self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        groups = inventory.io_groups.get(self.host, frozenset())
        return self.host not in inventory.hosts or (bool(groups) and groups.isdisjoint(self.groups))

    def apply(self, inventory: Inventory) -> None:
        inventory.io_groups[self.host] = inventory.io_groups.get(self.host, frozenset()) - set(self.groups)


@dataclass(frozen=True, slots=True)
class SetChap:
    """Require this CHAP secret from a host (`chhost`). Existing sessions continue until the next login.

    option: the option of this release (see `Capabilities.chap`).
    Source: array-cli facts 2.10 (not possible with mkhost), 2.11.
    """

    host: HostName
    secret: ChapSecret
    option: str

    def argv(self) -> tuple[str, ...]:
        return self._arguments(MASK)

    def typed(self) -> tuple[str, ...]:
        return self._arguments(self.secret.text)

    def _arguments(self, secret: str) -> tuple[str, ...]:
        return ("svctask", "chhost", self.option, secret, self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        known = inventory.chap
        return self.host not in inventory.hosts or (known is not None and known.get(self.host) == self.secret)

    def apply(self, inventory: Inventory) -> None:
        inventory.chap = {**(inventory.chap or {}), self.host: self.secret}


@dataclass(frozen=True, slots=True)
class ClearChap:
    """Remove the CHAP secret of a host (`chhost`). Source: array-cli facts 2.11."""

    host: HostName
    option: str

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "chhost", self.option, self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        known = inventory.chap
        return self.host not in inventory.hosts or (known is not None and self.host not in known)

    def apply(self, inventory: Inventory) -> None:
        inventory.forget_chap(self.host)


@dataclass(frozen=True, slots=True)
class RemoveHost:
    """Remove an empty host object (`rmhost`). Never with -force: that would unmap a volume that was just mapped.

    Refused with CMMVC5871E while a volume is mapped to it, with CMMVC5753E or CMMVC5754E if it does not exist.
    Source: array-cli facts 2.11, 6.4.
    """

    host: HostName

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmhost", self.host)

    @property
    def touches(self) -> tuple[object, ...]:
        return (self.host,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return self.host not in inventory.hosts

    def apply(self, inventory: Inventory) -> None:
        inventory.learn_host(self.host, None)


@dataclass(frozen=True, slots=True)
class MapVolume:
    """Map a volume to a host (`mkvdiskhostmap`).

    uid: the volume's identity, for readers of a plan or the log; the command has its name or id.
    lun: the SCSI LUN on that host. The operator always chooses it: an array may choose different LUNs for one mapping
         in different I/O groups (Cinder bug 1757922).
    alongside_others: permit it although the volume is mapped to another host (`-force`). Two hosts that write to one
         volume destroy a file system that is not made for it; without this option the array refuses.

    Refused with CMMVC5879E if the LUN is taken on this host, with CMMVC5878E if this mapping exists, with CMMVC6071E,
    CMMVC6045E or CMMVC9375E (by release) if the volume is mapped to another host and `alongside_others` is False.

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

    @property
    def touches(self) -> tuple[object, ...]:
        return self.host, self.uid

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return inventory.has_own_mapping(self.host, self.uid)

    def apply(self, inventory: Inventory) -> None:
        inventory.add_mapping(VolumeMapping(self.host, self.volume, self.uid, (self.lun,)))


@dataclass(frozen=True, slots=True)
class UnmapVolume:
    """Unmap a volume from a host in all I/O groups (`rmvdiskhostmap`); removes the host's persistent reservations.

    Refused with CMMVC5842E or CMMVC5804E if it is not mapped, with CMMVC5753E or CMMVC5754E if volume or host do not
    exist, and under volume protection. There is no -force.
    Source: array-cli facts 2.15, 4.4.
    """

    host: HostName
    volume: VolumeName
    uid: VolumeUid

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmvdiskhostmap", "-host", self.host, self.volume)

    @property
    def touches(self) -> tuple[object, ...]:
        return self.host, self.uid

    def is_reflected_in(self, inventory: Inventory) -> bool:
        return not inventory.has_own_mapping(self.host, self.uid)

    def apply(self, inventory: Inventory) -> None:
        inventory.remove_own_mapping(self.host, self.uid)


HostChange = ChangeHost | AddIoGroups | RemoveIoGroups | SetChap | ClearChap
"""A change of a host object that affects neither its initiators nor its mappings."""

HostStep = MakeHost | AddPorts | RemovePort | HostChange | RemoveHost | MapVolume | UnmapVolume
"""One command that changes a host object or its mappings."""

Step = HostStep | VolumeStep
"""One command that changes the array."""


def is_observed(step: Step, inventory: Inventory) -> bool:
    """Whether the effect of the step was observed; then it cannot still be running."""
    identifiers: tuple[str, ...]
    if isinstance(step, VolumeStep):
        identifiers = step.identifiers
    else:
        identifiers = (step.host, step.uid) if isinstance(step, MapVolume | UnmapVolume) else (step.host,)
    if inventory.odd_about(identifiers):
        return False
    return step.is_reflected_in(inventory)


def line(arguments: Iterable[str]) -> str:
    """Quote the arguments for the array's shell, which is a bash."""
    return " ".join(shlex.quote(argument) for argument in arguments)


def shown(step: Step) -> str:
    """Return the command line for plans and logs, without secrets."""
    return line(step.argv())


def typed(step: Step) -> str:
    """Return the command line that is sent, with its secrets. Only for the session."""
    return line(step.typed() if isinstance(step, SetChap) else step.argv())


def without_secrets(step: Step, text: str) -> str:
    """Replace the secret of a step by `***` in the array's output, which may repeat the command."""
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
    """Return the steps that create a host object: one, unless the initiators are too long for one parameter."""
    first, *rest = _fitting(iqns)
    return (MakeHost(host, first, protocol, portset, io_groups, kind), *(AddPorts(host, some) for some in rest))


def add_ports(host: HostName, iqns: Iterable[Iqn]) -> tuple[AddPorts, ...]:
    """Return the steps that add these initiators to a host object: usually one."""
    return tuple(AddPorts(host, some) for some in _fitting(iqns))


def _fitting(iqns: Iterable[Iqn]) -> Iterator[tuple[Iqn, ...]]:
    some: tuple[Iqn, ...] = ()
    for iqn in iqns:
        if some and len(",".join((*some, iqn))) > MAX_PARAMETER:
            yield some
            some = ()
        some = (*some, iqn)
    yield some


def _offline(iqn: Iqn) -> Port:
    return Port(Protocol.ISCSI, iqn, 0, "offline")
