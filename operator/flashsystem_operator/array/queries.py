"""The commands that only read, as values (a command line and the parser of its answer), and what is read per command.

The preconditions of a command are read again right before it is sent, and a new mapping is read back. A plan has the
names of host objects and volumes at the last observation, and administrators change names: if two were swapped in
between, the wrong volume would be mapped or deleted, or a volume unmapped from the wrong host. So the names are read
again, together with ids and UIDs, and nothing is sent if a name belongs to another object now. The time window that
remains is described in docs/decisions/12-look-before-each-command.md.

Source: array-cli facts 2.7, 2.9, 2.13, 2.15; array-cli-volumes 1.3, 2.1, 4.1.
"""

import collections.abc
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    HostStep,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.dialect import objects
from flashsystem_operator.array.dialect.objects import DELIMITER, readable
from flashsystem_operator.array.errors import Unreadable, Withheld
from flashsystem_operator.array.model import Host, HostRow, Inventory, Mapping, Node, Odd, Pool, System, Volume
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
    VolumeStep,
)
from flashsystem_operator.values import ChapSecret, HostName, PoolName, VolumeName, VolumeUid

Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Query(Generic[Answer_co]):
    """A command that only reads.

    read: parses the text of the answer, or raises Unreadable. arguments: those after `svcinfo VERB -delim !`.
    secret: whether the answer contains secrets, so that nothing of it may be shown.
    """

    verb: str
    read: Callable[[str, str], Answer_co]
    arguments: tuple[str, ...] = ()
    secret: bool = False

    def argv(self) -> tuple[str, ...]:
        return ("svcinfo", self.verb, "-delim", DELIMITER, *self.arguments)


SYSTEM: Query[System] = Query("lssystem", objects.system, secret=True)
NODES: Query[tuple[Node | Odd, ...]] = Query("lsnode", objects.nodes)
NODE_CANISTERS: Query[tuple[Node | Odd, ...]] = Query("lsnodecanister", objects.nodes)
HOSTS: Query[tuple[HostRow | Odd, ...]] = Query("lshost", objects.host_rows)
VOLUMES: Query[tuple[Volume | Odd, ...]] = Query("lsvdisk", objects.volumes, ("-bytes",))
POOLS: Query[tuple[Pool | Odd, ...]] = Query("lsmdiskgrp", objects.pools, ("-bytes",))
PROTECTION_TIME: Query[int | None] = Query("lssystem", objects.protection_time, secret=True)
CHAP: Query[collections.abc.Mapping[HostName, ChapSecret | None]] = Query("lsiscsiauth", objects.secrets, secret=True)
MAPPINGS: Query[tuple[Mapping | Odd, ...]] = Query("lshostvdiskmap", objects.mappings_by_host)
HOST_CLUSTERS_BY_VOLUME: Query[collections.abc.Mapping[VolumeUid, frozenset[str]]] = Query(
    "lshostclustervolumemap", objects.host_clusters_by_volume
)


def _or_odd(read: Callable[[str, str], Answer_co], name: str) -> Callable[[str, str], Answer_co | Odd]:
    """Return a parser for the view of one object that returns Odd for a malformed view.

    So one malformed view does not end a read of many objects. An empty view remains Unreadable.
    """

    def reader(text: str, line: str) -> Answer_co | Odd:
        try:
            return read(text, line)
        except Unreadable as error:
            if not text.strip():
                raise
            return objects.odd_view(text, error, name)

    return reader


def pool(name: PoolName) -> Query[Pool]:
    return Query("lsmdiskgrp", lambda text, line: objects.pool(text, line, name), ("-bytes", name))


def protects(name: PoolName) -> Query[bool]:
    return Query("lsmdiskgrp", objects.protects, ("-bytes", name))


def pools_of_volume(name: VolumeName) -> Query[tuple[PoolName, ...]]:
    return Query("lsvdisk", objects.pools_of_volume, ("-bytes", name))


def host_or_odd(name: HostName | str) -> Query[Host | Odd]:
    return Query("lshost", _or_odd(objects.host, name), (name,))


def host(name: HostName | str) -> Query[Host]:
    """Read a host object. name: its name or its id, which is digits only, as no name is."""
    return Query("lshost", objects.host, (name,))


def io_groups_of_host(name: HostName) -> Query[frozenset[str]]:
    return Query("lshostiogrp", objects.io_groups, (name,))


def volume_or_odd(name: VolumeName | str) -> Query[Volume | Odd]:
    return Query("lsvdisk", _or_odd(objects.volume, name), ("-bytes", name))


def volume(name: VolumeName | str) -> Query[Volume]:
    """Read a volume. name: its name or its id."""
    return Query("lsvdisk", objects.volume, ("-bytes", name))


def volumes_with_uid(uid: VolumeUid) -> Query[tuple[Volume | Odd, ...]]:
    """Find volumes by UID. Not every array supports it: see `Capabilities.finds_by_uid`."""
    return Query("lsvdisk", objects.volumes, ("-bytes", "-filtervalue", f"vdisk_UID={uid}"))


def mappings_of_host(name: HostName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """Read the mappings of a host object. name: its name or its id."""
    return Query("lshostvdiskmap", objects.mappings_by_host, (name,))


def mappings_of_volume(name: VolumeName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """Read the mappings of a volume. name: its name or its id."""
    return Query("lsvdiskhostmap", objects.mappings_by_volume, (name,))


@dataclass(frozen=True, slots=True)
class Known:
    """The preconditions of a step.

    host_id: the id of its host object; empty if an earlier step creates it.
    volume_id: the id of the volume that the step maps, unmaps or changes, as observed with its UID.
    ports: the names of all ports that the host object has before the step, of any protocol; None if unknown.
    logged_in: those of them that had a session; None if it does not matter.
    mapped: the volumes that are mapped to it before the step, or that other steps of the same plan map to it.
    keeps: the volumes that remain mapped to it after the plan, if the plan unmaps some.
    mapped_to: the ids of the host objects to which the volume was mapped, or to which the same plan maps it (names of
        host objects that are not created yet), if the step maps it to one more.
    """

    host_id: str = ""
    volume_id: str = ""
    ports: frozenset[str] | None = None
    logged_in: frozenset[str] | None = None
    mapped: frozenset[VolumeUid] = frozenset()
    keeps: frozenset[VolumeUid] = frozenset()
    mapped_to: frozenset[str] = frozenset()


def known(step: Step, inventory: Inventory, steps: Iterable[Step]) -> Known:
    """Return the preconditions of a step from the inventory of the plan. steps: all of the plan, in order."""
    if isinstance(step, VolumeStep):
        volume = None if isinstance(step, CreateVolume) else inventory.volumes.get(step.uid)
        return Known(volume_id=volume.id if volume else "")
    of_hosts = [each for each in steps if isinstance(each, HostStep)]
    host, planned = inventory.hosts.get(step.host), [each for each in of_hosts if each.host == step.host]
    ports = {port.name for port in host.ports} if host else set()
    for each in planned[: planned.index(step)] if step in planned else planned:
        if isinstance(each, MakeHost | AddPorts):
            ports |= set(each.iqns)
        elif isinstance(each, RemovePort):
            ports.discard(each.iqn)
    mapping = {each.uid for each in planned if isinstance(each, MapVolume) and each != step}
    taken = {each.uid for each in planned if isinstance(each, UnmapVolume)}
    mapped_to, volume_id = frozenset[str](), ""
    if isinstance(step, UnmapVolume):
        own = (row for row in inventory.on_host(step.host).get(step.uid, ()) if not row.cluster)
        volume_id = next((row.volume_id for row in own), "")
    if isinstance(step, MapVolume):
        # From the rows of the mappings: they include host objects that were created after the hosts were listed.
        rows = (inventory.on_host(name).get(step.uid, ()) for name in inventory.of_volume(step.uid))
        mapped_to = frozenset(row.host_id for found in rows for row in found)
        # And those to which the same plan maps it before; by name if they are not created yet.
        also = {each.host for each in of_hosts if isinstance(each, MapVolume) and each.uid == step.uid} - {step.host}
        mapped_to |= {inventory.hosts[name].id if name in inventory.hosts else name for name in also}
        volume_id = inventory.volumes[step.uid].id if step.uid in inventory.volumes else ""
    return Known(
        host.id if host else "",
        volume_id,
        frozenset(ports),
        _logged_in(host) if host else frozenset(),
        frozenset({*inventory.on_host(step.host), *mapping} if isinstance(step, MapVolume) else ()),
        frozenset(inventory.on_host(step.host).keys() - taken if taken else ()),
        mapped_to,
    )


def questions(step: Step) -> tuple[Query[Any], ...]:
    """Return the queries right before this command; none for an object that it creates."""
    match step:
        case MakeHost() | CreateVolume():
            return ()
        case RemoveVolume():
            return volume(step.volume), mappings_of_volume(step.volume)
        case ExpandVolume() | RenameVolume() | ThrottleVolume() | RemoveThrottle():
            return (volume(step.volume),)
        case MapVolume(alongside_others=True):
            return host(step.host), volume(step.volume), mappings_of_volume(step.volume)
        case MapVolume():
            return host(step.host), volume(step.volume)
        case UnmapVolume():
            return host(step.host), mappings_of_host(step.host)
        case _:
            return (host(step.host),)


def check(step: Step, before: Known, answers: Iterable[Any]) -> None:
    """Raise Withheld if the preconditions of the command no longer hold.

    answers: to `questions(step)`, in order; None for what does not exist. The messages go to the owner of the step, who
    may be a tenant of the array, so they name no other object.
    """
    if isinstance(step, VolumeStep):
        _check_change_of_volume(step, before, tuple(answers))
        return
    match step, tuple(answers):
        case MakeHost(), _:
            return
        case MapVolume(), (host, volume, *mappings):
            _check_host(step.host, host, before)
            _check_volume(step.volume, step.uid, volume, before)
            # The volume must be mapped only to hosts that were known when the mapping was planned.
            permitted = before.mapped_to
            rows = (row for found in mappings for row in readable(found or ()))
            if any(permitted.isdisjoint({row.host_id, row.host}) and row.host_id != host.id for row in rows):
                raise Withheld(f"volume {step.volume} was mapped to another host object meanwhile")
        case UnmapVolume(), (host, found):
            _check_host(step.host, host, before)
            _check_idle(step.host, host, before)
            _check_mapping(step, readable(found or ()), host, before)
        case RemovePort() | RemoveHost() | ChangeHost() | RemoveIoGroups(), (host,):
            _check_host(step.host, host, before)
            _check_idle(step.host, host, before)
        case ((AddPorts() | AddIoGroups() | SetChap() | ClearChap()), (host,)):
            _check_host(step.host, host, before)
        case _:
            raise TypeError(f"no answers to {step}")


def as_sent(step: Step, before: Known) -> Step:
    """Return the command as it is sent after `check` passed: with the ids that were read right before.

    A name may move to another object after that read. An id is reused only after its object was deleted, which is not
    possible while it is mapped. A volume that is changed or deleted may be unmapped: then another one that gets its id
    is a new one without data, whereas a name may move to a volume with data. The id of an object that the same plan
    creates is not known yet.
    """
    known_id = VolumeName(before.volume_id) if before.volume_id.isdecimal() else None
    if isinstance(step, VolumeStep):
        return step if known_id is None or isinstance(step, CreateVolume) else replace(step, volume=known_id)
    by_id = not isinstance(step, MakeHost) and before.host_id.isdecimal()
    host = HostName(before.host_id) if by_id else step.host
    if isinstance(step, MapVolume | UnmapVolume):
        return replace(step, host=host, volume=known_id or step.volume)
    return replace(step, host=host)


def _check_host(name: HostName, found: Host | None, before: Known) -> None:
    """Require the same object with the same ports: with another port, another host would see its volumes.

    The id of a new host object is not known; its ports are sufficient.
    """
    if found is None:
        raise Withheld(f"host object {name} no longer exists")
    if before.host_id not in ("", found.id):
        raise Withheld(f"{name} is now the name of another host object")
    if before.ports is None:
        return
    if before.ports != {port.name for port in found.ports}:
        raise Withheld(f"the ports of host object {name} changed, or it is another one")


def _check_change_of_volume(step: VolumeStep, before: Known, answers: tuple[Any, ...]) -> None:
    """Require that the volume is the intended one, and that what is deleted or computed is still as it was planned."""
    if isinstance(step, CreateVolume):
        return
    volume: Volume = _check_volume(step.volume, step.uid, answers[0], before)
    match step:
        case RemoveVolume() if not before.volume_id:
            raise Withheld(f"volume {step.volume} was not known when its deletion was planned")
        case RemoveVolume() if tuple(readable(answers[1] or ())):
            raise Withheld(f"volume {step.volume} was mapped to a host meanwhile")
        case RemoveVolume() if volume.why_kept:
            raise Withheld(f"volume {step.volume} {volume.why_kept}")
        case ExpandVolume() if volume.capacity != step.size - step.increase:
            raise Withheld(f"the size of volume {step.volume} changed meanwhile, to {volume.capacity} bytes")
        case ThrottleVolume() | RemoveThrottle():
            if volume.throttle is None or volume.throttle.name != step.throttle:
                raise Withheld(f"the throttle of volume {step.volume} is another one now")
        case _:
            return


def _check_volume(name: VolumeName, uid: VolumeUid, found: Volume | None, before: Known) -> Volume:
    """Require that the name of the command still belongs to the volume that is meant."""
    if found is None:
        raise Withheld(f"volume {name} no longer exists")
    if found.uid != uid or before.volume_id not in ("", found.id):
        raise Withheld(f"{name} is now the name of another volume")
    return found


def _check_idle(name: HostName, found: Host, before: Known) -> None:
    """Require that no other port logged in: the decision to unmap depends on the logins."""
    if before.logged_in is not None and _logged_in(found) - before.logged_in:
        raise Withheld(f"a port of host object {name} logged in meanwhile")


def _logged_in(host: Host) -> frozenset[str]:
    return frozenset(port.name for port in host.ports if port.logged_in)


def _check_mapping(step: UnmapVolume, found: Iterable[Mapping], host: Host, before: Known) -> None:
    rows = tuple(found)
    own = next((each for each in rows if each.uid == step.uid and not each.cluster), None)
    if own is None:
        raise Withheld(f"volume {step.volume} is no longer mapped to host object {step.host}")
    if own.volume != step.volume or before.volume_id not in ("", own.volume_id):
        raise Withheld(f"volume {step.volume} was renamed")
    if own.host_id not in ("", host.id):
        raise Withheld(f"{step.host} is now the name of another host object")
    if _logged_in(host) and before.keeps and before.keeps.isdisjoint(each.uid for each in rows):
        raise Withheld(f"the other volumes of host object {step.host} were unmapped meanwhile")


@dataclass(frozen=True, slots=True)
class Found:
    """The mappings read back after a volume was mapped.

    rows: all mappings of the intended host object. volume: the intended one, as read right before.
    wrong: the mapping that the command created instead of the intended one.
    """

    rows: tuple[Mapping, ...]
    volume: Volume
    wrong: Mapping | None = None


def find_mapping(
    step: MapVolume, mapped_host: Host, volume: Volume, before: Known, find: Callable[[Query[Any]], Any]
) -> Found:
    """Read back a new mapping, and check that it is the intended one. Needs one query if it is.

    mapped_host, volume: as read right before. They are queried by id, since names may have moved to other objects in
    between, and ids too if their objects were deleted. A wrong mapping has the LUN of the step, did not exist before,
    and is not from another command of the plan. find: `Session.find`.
    """
    by_id = find(mappings_of_host(mapped_host.id))
    of_host = by_id if by_id is not None else find(mappings_of_host(step.host)) or ()
    rows = tuple(row for row in readable(of_host) if row.host_id in ("", mapped_host.id))
    if there := next((row for row in rows if row.uid == step.uid), None):
        # Under another name: renamed, or another host object that reuses the id of a deleted one.
        now = None if there.host == step.host else find(host(mapped_host.id))
        is_another = now is not None and {port.name for port in now.ports} != {port.name for port in mapped_host.ports}
        return Found(rows, volume, there if is_another else None)
    elsewhere = (
        *readable(find(mappings_of_volume(volume.id)) or ()),
        *readable(find(mappings_of_host(step.host)) or ()),
    )
    if any(row.uid == step.uid and row.host_id == mapped_host.id and not row.cluster for row in elsewhere):
        return Found(rows, volume)  # its row was missing in the list of the host
    created = [
        row
        for row in (*rows, *elsewhere)
        if step.lun in row.luns
        and not row.cluster
        and not (row.host_id == mapped_host.id and row.uid in before.mapped)
        and not (row.uid == step.uid and row.host_id in before.mapped_to)
    ]
    # The names of the command are the most likely.
    return Found(
        rows, volume, min(created, key=lambda row: (row.host != step.host, row.volume != step.volume), default=None)
    )


_CREATED = re.compile(r"id ?\[(\d+)\],? successfully created")


def find_volume(step: CreateVolume, reply: str, find: Callable[[Query[Any]], Any]) -> Volume:
    """Read a volume right after it was created. Raises Withheld if it is not the one that the command created.

    It is, if it has the name, size and pool of the command and the id of the array's reply, and is not mapped: until
    then a volume that an administrator gave this name meanwhile could be taken for ours, and deleted one day.
    reply: to the command; some releases print no id there. find: `Session.find`.
    """
    found: Volume | None = find(volume(step.volume))
    if found is None:
        raise Withheld(f"volume {step.volume} does not exist")
    created = _CREATED.search(reply)
    if not step.has_created(found) or (created and created[1] != found.id):
        raise Withheld(f"volume {step.volume} is another one")
    if tuple(readable(find(mappings_of_volume(found.id)) or ())):
        raise Withheld(f"volume {step.volume} is mapped to a host already")
    return found
