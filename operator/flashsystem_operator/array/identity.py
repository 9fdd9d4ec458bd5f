"""Whether a command still means what it was planned for, by a look right before it is sent.

A plan names host objects and volumes as the last look showed them, and names are what administrators change: two that
swapped theirs in the meantime would have the wrong volume mapped, or a volume taken from the wrong host. So the names
are read again, together with ids and identities, and nothing is sent if they are another object's by now. What window
remains is told in docs/decisions/12-look-before-each-command.md.

Source: array-cli facts 2.7, 2.9, 2.13, 2.15.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import (
    AddPorts,
    ChangeHost,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.dialect.tables import readable
from flashsystem_operator.array.errors import Withheld
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.array.queries import Query
from flashsystem_operator.values import HostName, VolumeName, VolumeUid


@dataclass(frozen=True, slots=True)
class Known:
    """What a step stands on.

    host_id: the id of its host object; empty if it is created by a step before this one.
    volume_id: the id of the volume that the step maps or unmaps, as it stood next to its UID.
    ports: the names of all ports that the host object has by then, of whatever protocol; None if that is not known.
    logged_in: those of them that had a session; None if it does not matter.
    mapped: the volumes that are mapped to it by then, or that other steps of the same plan map to it.
    keeps: the volumes that stay mapped to it when all is done that was planned with the step, where that unmaps some.
    mapped_to: the ids of the host objects to which the volume was mapped, or which the same plan maps it to (names of
    those that are yet to be created), where the step maps it to one more.
    """

    host_id: str = ""
    volume_id: str = ""
    ports: frozenset[str] | None = None
    logged_in: frozenset[str] | None = None
    mapped: frozenset[VolumeUid] = frozenset()
    keeps: frozenset[VolumeUid] = frozenset()
    mapped_to: frozenset[str] = frozenset()


def known(step: Step, inventory: Inventory, steps: Iterable[Step]) -> Known:
    """What a step stands on by the view that it was planned on. steps: all of the same plan, in their order."""
    steps = tuple(steps)
    host, planned = inventory.hosts.get(step.host), [each for each in steps if each.host == step.host]
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
        # By the rows of the mappings: a host object that is new since the hosts were listed is in no other place.
        rows = (inventory.on_host(name).get(step.uid, ()) for name in inventory.of_volume(step.uid))
        mapped_to = frozenset(row.host_id for found in rows for row in found)
        # And those to which the same plan maps it before: by their names, where they are yet to be created.
        also = {each.host for each in steps if isinstance(each, MapVolume) and each.uid == step.uid} - {step.host}
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
    """What is to be read right before this command, in one line: nothing for a host object that it creates."""
    match step:
        case MakeHost():
            return ()
        case MapVolume(alongside_others=True):
            return queries.host(step.host), queries.volume(step.volume), queries.mappings_of_volume(step.volume)
        case MapVolume():
            return queries.host(step.host), queries.volume(step.volume)
        case UnmapVolume():
            return queries.host(step.host), queries.mappings_of_host(step.host)
        case _:
            return (queries.host(step.host),)


def check(step: Step, before: Known, answers: Iterable[Any]) -> None:
    """Raises Withheld if the command would mean something else by now.

    answers: to `questions(step)`, in their order, None for what is not there. What is said is read by the owner of the
    step, who may be a tenant of the array: no other object is named.
    """
    match step, tuple(answers):
        case MakeHost(), _:
            return
        case MapVolume(), (host, volume, *mappings):
            _check_host(step.host, host, before)
            _check_volume(step, volume, before)
            for found in mappings:
                _check_alone(step, readable(found or ()), host, before)
        case UnmapVolume(), (host, found):
            _check_host(step.host, host, before)
            _check_idle(step.host, host, before)
            _check_mapping(step, readable(found or ()), host, before)
        case RemovePort() | RemoveHost() | ChangeHost() | RemoveIoGroups(), (host,):
            _check_host(step.host, host, before)
            _check_idle(step.host, host, before)
        case _, (host,):
            _check_host(step.host, host, before)
        case _:
            raise TypeError(f"no answers to {step}")


def as_sent(step: Step, before: Known) -> Step:
    """The command as it is sent, where `check` let it pass: by the ids of what was read again right before.

    A name may move to another object after that look. An id goes to another one only when its first one was deleted,
    and not even then while the first one is mapped. A host object of the same plan has no known id yet.
    """
    by_id = not isinstance(step, MakeHost) and before.host_id.isdecimal()
    host = HostName(before.host_id) if by_id else step.host
    if isinstance(step, MapVolume | UnmapVolume):
        volume = VolumeName(before.volume_id) if before.volume_id.isdecimal() else step.volume
        return replace(step, host=host, volume=volume)
    return replace(step, host=host)


def _check_host(name: HostName, found: Host | None, before: Known) -> None:
    """The same object with the same ports: with one more, another machine would see what is mapped to it.

    Of one that was created a moment ago the id is not known; that it has the ports that it was given tells enough.
    """
    if found is None:
        raise Withheld(f"there is no host object {name} any more")
    if before.host_id not in ("", found.id):
        raise Withheld(f"{name} is the name of another host object by now")
    if before.ports is None:
        return
    if before.ports != {port.name for port in found.ports}:
        raise Withheld(f"host object {name} has other ports than it had, or is another one")


def _check_idle(name: HostName, found: Host, before: Known) -> None:
    """Whether something may be taken from a host was decided by who was logged in."""
    if before.logged_in is not None and _logged_in(found) - before.logged_in:
        raise Withheld(f"a port of host object {name} logged in meanwhile")


def _logged_in(host: Host) -> frozenset[str]:
    return frozenset(port.name for port in host.ports if port.logged_in)


def _check_mapping(step: UnmapVolume, found: Iterable[Mapping], host: Host, before: Known) -> None:
    rows = tuple(found)
    own = next((each for each in rows if each.uid == step.uid and not each.cluster), None)
    if own is None:
        raise Withheld(f"volume {step.volume} is not mapped to host object {step.host} any more")
    if own.volume != step.volume or before.volume_id not in ("", own.volume_id):
        raise Withheld(f"volume {step.volume} has another name by now")
    if own.host_id not in ("", host.id):
        raise Withheld(f"{step.host} is the name of another host object by now")
    if _logged_in(host) and before.keeps and before.keeps.isdisjoint(each.uid for each in rows):
        raise Withheld(f"the volumes that host object {step.host} was to keep were unmapped meanwhile")


def _check_volume(step: MapVolume, found: Volume | None, before: Known) -> None:
    if found is None:
        raise Withheld(f"there is no volume {step.volume} any more")
    if found.uid != step.uid or before.volume_id not in ("", found.id):
        raise Withheld(f"{step.volume} is the name of another volume by now")


def _check_alone(step: MapVolume, found: Iterable[Mapping], host: Host, before: Known) -> None:
    """A second mapping is forced only past those that were known when it was decided."""
    if any(before.mapped_to.isdisjoint({each.host_id, each.host}) and each.host_id != host.id for each in found):
        raise Withheld(f"volume {step.volume} was mapped to a further host object meanwhile")


@dataclass(frozen=True, slots=True)
class Found:
    """What is there right after a volume was mapped.

    rows: all mappings of the host object that was meant. volume: the one that was meant, as it was read right before.
    wrong: what the command mapped instead of what was meant.
    """

    rows: tuple[Mapping, ...]
    volume: Volume
    wrong: Mapping | None = None


def find_mapping(
    step: MapVolume, host: Host, volume: Volume, before: Known, find: Callable[[Query[Any]], Any]
) -> Found:
    """Whether a command that the array says it did mapped what was meant. Takes one look if it did.

    host, volume: as they were read right before. They are asked by ids, since names may have moved to other objects in
    between, and ids too if their objects were deleted. What the command made in their place has the LUN that was free,
    was not there before, and is not what another command of the plan was to make. find: as `Session.find`.
    """
    by_id = find(queries.mappings_of_host(host.id))
    meant = by_id if by_id is not None else find(queries.mappings_of_host(step.host)) or ()
    rows = tuple(row for row in readable(meant) if row.host_id in ("", host.id))
    if there := next((row for row in rows if row.uid == step.uid), None):
        # Under another name: renamed, or another host object that was given the id of one that was deleted.
        now = None if there.host == step.host else find(queries.host(host.id))
        is_another = now is not None and {port.name for port in now.ports} != {port.name for port in host.ports}
        return Found(rows, volume, there if is_another else None)
    elsewhere = (
        *readable(find(queries.mappings_of_volume(volume.id)) or ()),
        *readable(find(queries.mappings_of_host(step.host)) or ()),
    )
    if any(row.uid == step.uid and row.host_id == host.id and not row.cluster for row in elsewhere):
        return Found(rows, volume)  # the list of the host lost its row
    made = [
        row
        for row in (*rows, *elsewhere)
        if step.lun in row.luns
        and not row.cluster
        and not (row.host_id == host.id and row.uid in before.mapped)
        and not (row.uid == step.uid and row.host_id in before.mapped_to)
    ]
    # The names that were typed are still the likeliest.
    return Found(
        rows, volume, min(made, key=lambda row: (row.host != step.host, row.volume != step.volume), default=None)
    )
